"""The format's words for the contract's enumerations, both ways.

Enumerations come as words, or as numbers where a client asked Google's servers for that (``enum-encoding=int``):
https://cloud.google.com/apis/docs/system-parameters.
"""

from collections.abc import Mapping, Sequence

from aignehub.v1 import chat_pb2, usage_pb2
from aignehub.v1.chat_pb2 import FinishReason
from aignehub.v1.usage_pb2 import Modality

from server.wire import json_value as json
from server.wire.json_value import Json

TOOL_CHOICE_MODES: Mapping[int, str] = {
    chat_pb2.TOOL_CHOICE_MODE_AUTO: "AUTO",
    chat_pb2.TOOL_CHOICE_MODE_NONE: "NONE",
    chat_pb2.TOOL_CHOICE_MODE_REQUIRED: "ANY",
}

OUTPUT_MODALITIES: Mapping[int, str] = {
    usage_pb2.MODALITY_TEXT: "TEXT",
    usage_pb2.MODALITY_IMAGE: "IMAGE",
    usage_pb2.MODALITY_AUDIO: "AUDIO",
}

RESOLUTIONS: Mapping[int, str] = {
    chat_pb2.IMAGE_DETAIL_LOW: "MEDIA_RESOLUTION_LOW",
    chat_pb2.IMAGE_DETAIL_HIGH: "MEDIA_RESOLUTION_HIGH",
}

TIERS: Mapping[str, str] = {"default": "standard", "standard": "standard", "flex": "flex", "priority": "priority"}
"""https://ai.google.dev/gemini-api/docs/flex-inference and .../priority-inference."""

GEMINI_FINISH_NUMBERS: Sequence[str] = (
    *("", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
    *("MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"),
    *("IMAGE_PROHIBITED_CONTENT", "IMAGE_OTHER", "NO_IMAGE", "IMAGE_RECITATION"),
)
"""Finish reasons by number, as google/ai/generativelanguage/v1beta/generative_service.proto has them."""

VERTEX_FINISH_NUMBERS: Sequence[str] = (
    *("", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
    *("MALFORMED_FUNCTION_CALL", "MODEL_ARMOR", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
    *("IMAGE_OTHER", "UNEXPECTED_TOOL_CALL", "NO_IMAGE"),
)
"""The same of google/cloud/aiplatform/v1/content.proto."""

FILTERED = frozenset(
    {
        *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
    }
)
"""Ends that a filter made."""

FINISH_REASONS: "Mapping[str, FinishReason.ValueType]" = {
    "stop": chat_pb2.FINISH_REASON_STOP,
    "max_tokens": chat_pb2.FINISH_REASON_LENGTH,
    **{word.lower(): chat_pb2.FINISH_REASON_CONTENT_FILTER for word in FILTERED},
}
"""By the word in lower case; every other is OTHER."""

_MODALITIES: "Mapping[Json, Modality.ValueType]" = {
    "TEXT": usage_pb2.MODALITY_TEXT,
    "IMAGE": usage_pb2.MODALITY_IMAGE,
    "VIDEO": usage_pb2.MODALITY_VIDEO,
    "AUDIO": usage_pb2.MODALITY_AUDIO,
    "DOCUMENT": usage_pb2.MODALITY_DOCUMENT,
    1: usage_pb2.MODALITY_TEXT,
    2: usage_pb2.MODALITY_IMAGE,
    3: usage_pb2.MODALITY_VIDEO,
    4: usage_pb2.MODALITY_AUDIO,
    5: usage_pb2.MODALITY_DOCUMENT,
}


def finish_word(told: Json, numbers: Sequence[str]) -> str:
    """The word for why a candidate ended; empty where it has not, or does not say."""
    place = json.index(told)
    if place is None:
        word = json.text(told)
        return "" if word == "FINISH_REASON_UNSPECIFIED" else word
    return numbers[place] if place < len(numbers) else str(place)


def modality(told: Json) -> "Modality.ValueType":
    """What kind of content is counted."""
    known = type(told) in (str, int)
    return _MODALITIES.get(told, usage_pb2.MODALITY_UNSPECIFIED) if known else usage_pb2.MODALITY_UNSPECIFIED
