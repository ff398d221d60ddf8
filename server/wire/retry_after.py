"""How long a provider asks to be left alone."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

MAX_SECONDS = 86_400.0
"""Longest wait that is believed; a reset further away is told as this."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_STEP = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d)")
_SAID = re.compile(r"(?i)(?:try again|retry) (?:in|after) ((?:\d{1,12}(?:\.\d{1,9})?\s?(?:ms|s|m|h)(?![a-z]))+)")
_EPOCH = 1_000_000_000
_EPOCH_MS = 1_000_000_000_000


def retry_after(headers: Mapping[str, str], message: str = "") -> float | None:
    """Seconds to wait before the next try; None where nothing says so.

    In this order: ``retry-after-ms`` (OpenAI, Azure), ``retry-after`` (seconds or a date, RFC 9110),
    ``x-ratelimit-reset*`` of the limits that are used up, "try again in 7m12.5s" in the message.
    """
    for seconds in (
        _scaled(headers.get("retry-after-ms"), 0.001),
        _seconds_or_date(headers.get("retry-after")),
        _rate_limit_reset(headers),
        _said(message),
    ):
        if seconds is not None:
            return min(max(seconds, 0.0), MAX_SECONDS)
    return None


def _scaled(value: str | None, unit: float) -> float | None:
    try:
        seconds = float(value) * unit if value else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds < float("inf") else None


def _seconds_or_date(value: str | None) -> float | None:
    if (seconds := _scaled(value, 1.0)) is not None or not value:
        return seconds
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError, OSError):
        return None


def _rate_limit_reset(headers: Mapping[str, str]) -> float | None:
    resets = {}
    for limit in ("", "-requests", "-tokens"):
        if (seconds := _reset(headers.get(f"x-ratelimit-reset{limit}"))) is not None:
            resets[limit] = seconds
    spent = [resets[limit] for limit in resets if headers.get(f"x-ratelimit-remaining{limit}") in ("0", "0.0")]
    # A limit that is not used up resets too, and is no reason to wait: only where none says so, the soonest counts.
    return max(spent) if spent else min(resets.values(), default=None)


def _reset(value: str | None) -> float | None:
    """A span as "6m0s" or "1.5", or a moment in Unix seconds or milliseconds (OpenRouter)."""
    if not value:
        return None
    if (plain := _scaled(value, 1.0)) is None:
        return _span(value)
    if plain >= _EPOCH_MS:
        return plain / 1000 - time.time()
    return plain - time.time() if plain >= _EPOCH else plain


def _span(value: str) -> float | None:
    steps = _STEP.findall(value.replace(" ", ""))
    return sum(float(amount) * _UNITS[unit] for amount, unit in steps) if steps else None


def _said(message: str) -> float | None:
    found = _SAID.search(message[:4096])
    return _span(found[1].lower()) if found else None
