"""Moments as providers tell them."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from server.wire import json_value as json
from server.wire.json_value import Json

# The last second of the year 9999, where a Timestamp ends.
_MAX_SECONDS = 253_402_300_799
_MILLISECONDS = 100_000_000_000


def timestamp(told: Json) -> Timestamp | None:
    """Unix seconds, or milliseconds where only that makes sense; None for 0 and what is no time."""
    seconds = json.number(told) or 0.0
    if seconds > _MILLISECONDS:
        seconds /= 1000
    if not 0 < seconds <= _MAX_SECONDS:
        return None
    return Timestamp(seconds=int(seconds))


def iso_seconds(told: Json) -> int:
    """Unix seconds of an ISO 8601 moment, taken as UTC where it names no zone; 0 for what is none."""
    try:
        moment = datetime.fromisoformat(json.text(told))
        return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))
    except (ValueError, OverflowError):
        return 0
