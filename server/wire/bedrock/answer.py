"""What an answer says beside its message, whole or at the end of a stream."""

from collections.abc import Mapping

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import FinishReason

from server.wire import json_value as json
from server.wire.bedrock.usage import unread_usage
from server.wire.chat.finish import FINISH_REASONS, finish_reason
from server.wire.json_value import Object

_WORDS: "Mapping[str, FinishReason.ValueType]" = {
    **FINISH_REASONS,
    "guardrail_intervened": chat_pb2.FINISH_REASON_CONTENT_FILTER,
    "content_filtered": chat_pb2.FINISH_REASON_CONTENT_FILTER,
}
_KNOWN = frozenset({"output", "stopReason", "usage", "serviceTier", "additionalModelResponseFields", "p"})
_STOP = "stop_sequence"


def finish(word: str, *, calls: bool) -> "FinishReason.ValueType":
    """What ``stopReason`` means. The answer of a tool that stands for a format is no call, so that it ends as text."""
    reason = finish_reason(word, calls=calls, words=_WORDS)
    if reason == chat_pb2.FINISH_REASON_TOOL_CALLS and not calls:
        return chat_pb2.FINISH_REASON_STOP
    return reason


def stop_sequence(answer: Object) -> str:
    """The sequence that was hit, which is told where it was asked for."""
    return json.text(json.obj(answer.get("additionalModelResponseFields")).get(_STOP))


def service_tier(answer: Object) -> str:
    """The tier that was used."""
    return json.text(json.obj(answer.get("serviceTier")).get("type"))


def model(answer: Object) -> str:
    """The model that a prompt router chose; Bedrock names no other."""
    return json.text(json.obj(json.obj(answer.get("trace")).get("promptRouter")).get("invokedModelId"))


def unread(answer: Object) -> Object:
    """Metrics, traces and what else has no field of its own."""
    left = json.unread(answer, _KNOWN)
    if fields := json.unread(json.obj(answer.get("additionalModelResponseFields")), frozenset({_STOP})):
        left["additionalModelResponseFields"] = fields
    if usage := unread_usage(json.obj(answer.get("usage"))):
        left["usage"] = usage
    return left
