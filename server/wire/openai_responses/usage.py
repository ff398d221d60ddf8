"""Usage as this API tells it, and what its hosts add."""

from collections.abc import Iterable

from aignehub.v1 import usage_pb2
from aignehub.v1.usage_pb2 import Modality, ModalityTokens, Usage

from server.wire import json_value as json
from server.wire.json_value import Object
from server.wire.openai_chat.usage import provider_cost

_INT32_MAX = 2**31 - 1
_MODALITIES: "tuple[tuple[str, Modality.ValueType], ...]" = (
    ("text_tokens", usage_pb2.MODALITY_TEXT),
    ("image_tokens", usage_pb2.MODALITY_IMAGE),
    ("audio_tokens", usage_pb2.MODALITY_AUDIO),
    ("video_tokens", usage_pb2.MODALITY_VIDEO),
)
_DETAILS = ("input_tokens_details", "output_tokens_details")
_READ = frozenset({"input_tokens", "output_tokens", "total_tokens", "cost_in_usd_ticks", "cost"})
_READ_DETAILS = frozenset(name for name, _ in _MODALITIES) | {"cached_tokens", "cache_write_tokens", "reasoning_tokens"}
_XAI_CALLS = "server_side_tool_usage_details"
_CALLS_SUFFIX = "_calls"


def read_usage(answer: Object) -> Usage | None:
    """The usage of a whole response; None where it tells no tokens at all."""
    told = json.obj(answer.get("usage"))
    read_details, written_details = (json.obj(told.get(name)) for name in _DETAILS)
    read, written = json.count(told.get("input_tokens")), json.count(told.get("output_tokens"))
    if not read and not written:
        return None
    usage = Usage(
        input_tokens=read,
        output_tokens=written,
        total_tokens=min(read + written, _INT32_MAX),
        cached_input_tokens=json.count(read_details.get("cached_tokens")),
        cache_write_input_tokens=json.count(read_details.get("cache_write_tokens")),
        reasoning_output_tokens=json.count(written_details.get("reasoning_tokens")),
        input_by_modality=_by_modality(read_details),
        output_by_modality=_by_modality(written_details),
        server_tool_calls=_server_tool_calls(answer, told),
    )
    if (cost := provider_cost(told)) is not None:
        usage.provider_cost_nano_usd = cost
    return usage


def unread_usage(told: Object) -> Object:
    """What the usage says that Usage has no field for."""
    left = json.unread(told, _READ)
    for name in _DETAILS:
        if details := json.unread(json.obj(left.pop(name, None)), _READ_DETAILS):
            left[name] = details
    if not any(not key.endswith(_CALLS_SUFFIX) for key in json.obj(left.get(_XAI_CALLS))):
        left.pop(_XAI_CALLS, None)
    return left


def _by_modality(details: Object) -> Iterable[ModalityTokens]:
    for name, modality in _MODALITIES:
        if number := json.count(details.get(name)):
            yield ModalityTokens(modality=modality, tokens=number)


def _server_tool_calls(answer: Object, told: Object) -> dict[str, int]:
    """``{web_search_calls: 2}`` with the usage (xAI), ``{web_search: {num_requests: 2}}`` beside it (OpenAI)."""
    calls: dict[str, int] = {}
    for name, value in json.obj(told.get(_XAI_CALLS)).items():
        if name.endswith(_CALLS_SUFFIX) and (number := json.count(value)):
            calls[name.removesuffix(_CALLS_SUFFIX)] = number
    for name, value in json.obj(answer.get("tool_usage")).items():
        if number := json.count(json.obj(value).get("num_requests")):
            calls[name] = number
    return calls
