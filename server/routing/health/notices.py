"""What happens to a provider, in the log: a line for each turn of events, and of a storm of them the first few."""

from contextlib import suppress
from dataclasses import dataclass

import structlog

_MOST = 5
_WITHIN = 10.0
"""At most so many lines of one event of one provider are written in so many seconds."""
_log = structlog.get_logger("hub")


@dataclass(slots=True)
class _Written:
    """Lines of one event."""

    since: float
    lines: int = 0
    unsaid: int = 0


class Notices:
    """The lines of one provider. None tells a secret: keys have names, and of errors the reason is told alone."""

    __slots__ = ("_provider", "_written")

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._written: dict[str, _Written] = {}

    def bad(self, event: str, now: float, **fields: object) -> None:
        """Bad news, as a warning."""
        if (unsaid := self._leave(event, now)) is not None:
            with suppress(OSError, ValueError):  # where nobody reads the log any more, calls go on all the same
                _log.warning(event, provider=self._provider, **fields, **unsaid)

    def good(self, event: str, now: float, **fields: object) -> None:
        """A recovery, as an info."""
        if (unsaid := self._leave(event, now)) is not None:
            with suppress(OSError, ValueError):
                _log.info(event, provider=self._provider, **fields, **unsaid)

    def _leave(self, event: str, now: float) -> dict[str, int] | None:
        """None where there were too many lately; else how many were passed over since the last line, if any."""
        written = self._written.get(event)
        if written is None:
            written = self._written[event] = _Written(now)
        if now - written.since >= _WITHIN:
            written.since, written.lines = now, 0
        if written.lines >= _MOST:
            written.unsaid += 1
            return None
        written.lines += 1
        unsaid, written.unsaid = written.unsaid, 0
        return {"unsaid": unsaid} if unsaid else {}
