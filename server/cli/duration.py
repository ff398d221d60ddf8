"""Lengths of time as people write them: ``30d``, ``1h30m``, ``2.5s``."""

import re

from server.cli.failure import CommandFailed

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PIECE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d|w)")
_LONGEST = 36_500 * _SECONDS["d"]  # A protobuf Timestamp ends with the year 9999; a century is past any use.


def parse_duration(text: str, option: str, *, bare_seconds: bool = False) -> float:
    """Seconds, above zero. ``option`` names the culprit in the error; ``bare_seconds`` takes ``90`` as 90 s."""
    written = text.strip().lower()
    if bare_seconds and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", written):
        written += "s"
    pieces = _PIECE.findall(written)
    if not pieces or "".join(number + unit for number, unit in pieces) != written:
        raise CommandFailed(f"{option}: {text!r} is not a length of time", "write it like 90s, 24h or 30d", status=2)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in pieces)
    if not 0 < seconds <= _LONGEST:
        raise CommandFailed(f"{option}: {text!r} is out of range", "give more than 0 and at most 36500d", status=2)
    return seconds


def spoken_duration(seconds: float) -> str:
    """For people, in the two largest units: ``0.31 s``, ``5 min 20 s``, ``3 d 4 h``."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    whole = int(seconds)
    for size, unit, smaller, smaller_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {smaller_unit}" if rest else "")
    return f"{whole} s"
