"""One log line a call, made and written with those of other calls: a dozen at once cost less than two by themselves."""

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime
from time import time

import orjson

from server.calls import CurrentCall
from server.interceptors.telemetry import line_of

_EVERY = 0.05
"""Seconds a line may wait for others."""
_MOST = 256
"""Lines that wait at most; one more, and all are written at once."""
_FORMAT = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
_ORDER = ("debug", "info", "warning", "error")
_LEVELS = {"UNAVAILABLE": "warning", "INTERNAL": "error", "DATA_LOSS": "error", "UNKNOWN": "error"}
"""Of calls that ended with these codes, which no caller brings about; all others are info."""


class CallLog:
    """Lines as ``server.logs`` writes them, on standard error. ``close`` writes the last ones."""

    def __init__(self, level: str) -> None:
        """``level`` is the least severe that is logged. Made in the loop that uses it."""
        logged = _ORDER[_ORDER.index(level) :]
        self._wanted = "info" in logged
        self._wanted_codes = frozenset(code for code, severity in _LEVELS.items() if severity in logged)
        self._loop = asyncio.get_running_loop()
        self._ended: list[tuple[CurrentCall, str, float, float]] = []
        """Calls with the code they ended with, how long they took, and when that was in Unix seconds."""
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, call: CurrentCall, code: str) -> None:
        """A call ended with the code of this name."""
        if not self._wanted and code not in self._wanted_codes:
            return
        self._ended.append((call, code, call.phases.total(), time()))
        if len(self._ended) >= _MOST:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(_EVERY, self.flush)

    def flush(self) -> None:
        """Writes what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        ended, self._ended = self._ended, []
        if not ended:
            return
        # Where nobody reads the log any more, calls go on all the same.
        with suppress(OSError):
            sys.stderr.buffer.write(b"".join([_line(*one) for one in ended]))
            sys.stderr.buffer.flush()

    def close(self) -> None:
        """Writes the last ones. A line told later still is written, by its timer or not at all."""
        self.flush()


def _line(call: CurrentCall, code: str, seconds: float, at: float) -> bytes:
    fields = line_of(call, code, seconds)
    fields["event"] = "call"
    fields["level"] = _LEVELS.get(code, "info")
    fields["timestamp"] = datetime.fromtimestamp(at, UTC)
    try:
        return orjson.dumps(fields, option=_FORMAT)
    except TypeError:  # text that is no Unicode; it is not to cost the other calls their lines
        return orjson.dumps({name: ascii(value) for name, value in fields.items()}, option=_FORMAT)
