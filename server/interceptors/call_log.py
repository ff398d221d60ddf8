"""One log line a call, written with those of other calls: a write for each took longer than making the line."""

import asyncio
import sys
from datetime import UTC, datetime

import orjson

from server.calls import CurrentCall
from server.interceptors.telemetry import line_of

_EVERY = 0.05
"""Seconds a line may wait for others."""
_MOST = 256
"""Lines that wait at most; one more, and all are written at once."""
_FORMAT = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
_LOGGED_AT = frozenset({"debug", "info"})


class CallLog:
    """Lines as ``server.logs`` writes them, on standard error. ``close`` writes the last ones."""

    def __init__(self, level: str) -> None:
        """``level`` is the least severe that is logged; a line of a call is info. Made in the loop that uses it."""
        self._wanted = level in _LOGGED_AT
        self._loop = asyncio.get_running_loop()
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, call: CurrentCall, code: str) -> None:
        """A call ended with the code of this name."""
        if not self._wanted:
            return
        fields = line_of(call, code)
        fields["event"] = "call"
        fields["level"] = "info"
        fields["timestamp"] = datetime.now(UTC)
        self._lines.append(orjson.dumps(fields, option=_FORMAT))
        if len(self._lines) >= _MOST:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(_EVERY, self.flush)

    def flush(self) -> None:
        """Writes what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        if lines:
            sys.stderr.buffer.write(b"".join(lines))
            sys.stderr.buffer.flush()

    def close(self) -> None:
        """Writes the last ones. A line told later still is written, by its timer or not at all."""
        self.flush()
