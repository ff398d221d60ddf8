"""Reads what entries of many lists have in common. Nothing here fails: what makes no sense is not told."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1 import usage_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from server.wire import json_value as json
from server.wire.json_value import Json

CHAT = pb.MODEL_CAPABILITY_CHAT
TOOLS = pb.MODEL_CAPABILITY_TOOLS
JSON_SCHEMA = pb.MODEL_CAPABILITY_JSON_SCHEMA
REASONING = pb.MODEL_CAPABILITY_REASONING
EMBEDDING = pb.MODEL_CAPABILITY_EMBEDDING
IMAGE = pb.MODEL_CAPABILITY_IMAGE
IMAGE_EDIT = pb.MODEL_CAPABILITY_IMAGE_EDIT
TRANSCRIPTION = pb.MODEL_CAPABILITY_TRANSCRIPTION
LIVE_TRANSCRIPTION = pb.MODEL_CAPABILITY_LIVE_TRANSCRIPTION
SPEECH = pb.MODEL_CAPABILITY_SPEECH
OTHER = pb.MODEL_CAPABILITY_UNSPECIFIED
"""Something that the contract has no method for."""

Capability: TypeAlias = "pb.ModelCapability.ValueType"

PER_TOKEN = 1_000_000
"""The contract's price is that of a million."""
PER_MILLION = 1
EACH = 1

_NANO = 1_000_000_000
_INT64_MAX = 2**63 - 1
_MODALITIES = {
    "text": usage_pb2.MODALITY_TEXT,
    "image": usage_pb2.MODALITY_IMAGE,
    "audio": usage_pb2.MODALITY_AUDIO,
    "speech": usage_pb2.MODALITY_AUDIO,
    "video": usage_pb2.MODALITY_VIDEO,
    "file": usage_pb2.MODALITY_DOCUMENT,
    "embeddings": usage_pb2.MODALITY_EMBEDDING,
}


def first_count(entry: Mapping[str, Json], *names: str) -> int:
    """The first of these fields that holds a number of things; 0 where none does."""
    return next((found for name in names if (found := json.count(entry.get(name)))), 0)


def modalities(words: Json) -> "list[usage_pb2.Modality.ValueType]":
    """Those of a list of words that the contract knows, each once."""
    known = (_MODALITIES[word] for word in json.items(words) if type(word) is str and word in _MODALITIES)
    return list(dict.fromkeys(known))


def iso_time(told: Json) -> Timestamp | None:
    """A date or a time of ISO 8601, in UTC where it names no zone; None for what is neither."""
    try:
        moment = datetime.fromisoformat(json.text(told))
    except ValueError:
        return None
    stamp = Timestamp()
    stamp.FromDatetime((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC))
    return stamp


def nano_usd(told: Json, scale: int) -> int | None:
    """A price in USD, as a number or as text, times ``scale``; None where it is no price."""
    if type(told) not in (int, float, str):
        return None
    try:
        nano = Decimal(str(told)) * _NANO * scale
        whole = int(nano.to_integral_value())
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return whole if 0 <= whole <= _INT64_MAX else None


def prices(
    told: Mapping[str, Json], units: "Iterable[tuple[str, pb.PriceUnit.ValueType, int]]", above: int = 0
) -> list[pb.Price]:
    """The prices under these names, each with its unit and scale."""
    found = ((unit, nano_usd(told.get(name), scale)) for name, unit, scale in units)
    return [pb.Price(unit=unit, nano_usd=nano, above_input_tokens=above) for unit, nano in found if nano is not None]
