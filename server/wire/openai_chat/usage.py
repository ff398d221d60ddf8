"""Usage in every spelling, counted once: input with cached tokens, output with reasoning."""

from collections.abc import Iterable

from aignehub.v1 import usage_pb2
from aignehub.v1.usage_pb2 import Modality, ModalityTokens, Usage

from server.wire import json_value as json
from server.wire.json_value import Json, Object
from server.wire.openai_chat.usual_usage import usual_usage

_INT32_MAX = 2**31 - 1

_MODALITIES: "tuple[tuple[str, Modality.ValueType], ...]" = (
    ("text_tokens", usage_pb2.MODALITY_TEXT),
    ("image_tokens", usage_pb2.MODALITY_IMAGE),
    ("audio_tokens", usage_pb2.MODALITY_AUDIO),
    ("video_tokens", usage_pb2.MODALITY_VIDEO),
)

_READ = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_cache_hit_tokens",
        "prompt_cache_miss_tokens",
        "cached_tokens",
        "num_cached_tokens",
        "cache_creation_input_tokens",
        "reasoning_tokens",
        "cost_in_usd_ticks",
        "prompt_audio_seconds",
        "prompt_token_details",
        "service_tier",
    }
)
_READ_DETAILS = frozenset(name for name, _ in _MODALITIES) | {
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "accepted_prediction_tokens",
    "rejected_prediction_tokens",
}
_DETAILS = ("prompt_tokens_details", "completion_tokens_details")
_SERVER_TOOLS = ("server_tool_use", "server_tool_use_details")
_CALLS_SUFFIX = "_requests"


def read_usage(told: Object) -> Usage | None:
    """The provider's usage; None where it told no tokens at all."""
    if (usual := usual_usage(told)) is not None:
        return usual
    prompt = json.obj(told.get("prompt_tokens_details"))
    completion = json.obj(told.get("completion_tokens_details"))
    reasoning = json.count(completion.get("reasoning_tokens")) or json.count(told.get("reasoning_tokens"))
    cached = _cached(told, prompt)
    read, written = _sums(told, json.count(prompt.get("audio_tokens")), cached, reasoning)
    if not read and not written:
        return None
    usage = Usage(
        input_tokens=min(read, _INT32_MAX),
        output_tokens=min(written, _INT32_MAX),
        total_tokens=min(read + written, _INT32_MAX),
        cached_input_tokens=cached,
        cache_write_input_tokens=json.count(prompt.get("cache_write_tokens"))
        or json.count(told.get("cache_creation_input_tokens")),
        reasoning_output_tokens=reasoning,
        accepted_prediction_tokens=json.count(completion.get("accepted_prediction_tokens")),
        rejected_prediction_tokens=json.count(completion.get("rejected_prediction_tokens")),
        input_by_modality=_by_modality(prompt),
        output_by_modality=_by_modality(completion),
        server_tool_calls=_server_tool_calls(told),
    )
    if (seconds := json.count(told.get("prompt_audio_seconds"))) > 0:
        usage.billed_audio_duration.FromSeconds(seconds)
    if (cost := provider_cost(told)) is not None:
        usage.provider_cost_nano_usd = cost
    return usage


def _sums(told: Object, audio: int, cached: int, reasoning: int) -> tuple[int, int]:
    """Input with cached tokens and output with reasoning, put together from sums that may leave them out."""
    read = json.count(told.get("prompt_tokens"))
    written = json.count(told.get("completion_tokens"))
    left_out = max(json.count(told.get("total_tokens")) - read - written, 0)
    if left_out and left_out != reasoning and left_out == audio:
        # Mistral's prompt_tokens are those of text.
        read += audio
    else:
        # xAI leaves reasoning out of completion_tokens, Gemini's compatible API leaves thoughts out, and both count
        # them in the total: https://docs.x.ai/docs/guides/reasoning
        written += left_out
    if cached > read:
        # Grok on Azure tells the cached tokens of a prefix of its own that prompt_tokens leave out.
        read += cached
    return read, written


def unread_usage(told: Object) -> Object:
    """What ``told`` says that Usage has no field for."""
    left = json.unread(told, _READ)
    for name in _DETAILS:
        details = json.unread(json.obj(left.pop(name, None)), _READ_DETAILS)
        if details:
            left[name] = details
    for name in _SERVER_TOOLS:
        if name not in left:
            continue
        kept = {key: value for key, value in json.obj(left.pop(name, None)).items() if not key.endswith(_CALLS_SUFFIX)}
        if kept := json.unread(kept, frozenset()):
            left[name] = kept
    for name in ("cost", "estimated_cost"):
        if json.number(left.get(name)) is not None:
            del left[name]
    return left


def _cached(told: Object, prompt: Object) -> int:
    """OpenAI's detail; DeepSeek's, Together's and Mistral's own spellings."""
    candidates = (
        prompt.get("cached_tokens"),
        json.obj(told.get("prompt_token_details")).get("cached_tokens"),
        told.get("prompt_cache_hit_tokens"),
        told.get("cached_tokens"),
        told.get("num_cached_tokens"),
    )
    return next((number for value in candidates if (number := json.count(value))), 0)


def _by_modality(details: Object) -> Iterable[ModalityTokens]:
    for name, modality in _MODALITIES:
        if number := json.count(details.get(name)):
            yield ModalityTokens(modality=modality, tokens=number)


def _server_tool_calls(told: Object) -> dict[str, int]:
    """``{web_search_requests: 2}`` at OpenRouter, ``num_search_queries`` at Perplexity."""
    calls: dict[str, int] = {}
    for name in _SERVER_TOOLS:
        for key, value in json.obj(told.get(name)).items():
            if key.endswith(_CALLS_SUFFIX) and (number := json.count(value)):
                calls[key.removesuffix(_CALLS_SUFFIX)] = number
    return calls


def provider_cost(told: Object) -> int | None:
    """Nano-USD: OpenRouter's ``cost`` is USD, Perplexity's an object with a total, xAI's ticks are 1e-10 USD.

    DeepInfra calls it ``estimated_cost``, in USD: https://docs.deepinfra.com/chat/overview
    """
    cost: Json = told.get("cost", told.get("estimated_cost"))
    if type(cost) is dict:
        cost = cost.get("total_cost")
    if (usd := json.number(cost)) is not None:
        return _nano(usd * 1e9)
    if (ticks := json.number(told.get("cost_in_usd_ticks"))) is not None:
        return _nano(ticks / 10)
    return None


def _nano(amount: float) -> int | None:
    return round(amount) if 0 <= amount < 2**63 else None
