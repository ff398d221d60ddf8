"""Usage counted once: input with what was cached and what tools put there, output with thoughts.

https://ai.google.dev/api/generate-content#UsageMetadata: the total is the sum of prompt, tool use, candidates and
thoughts; in a stream every chunk tells it anew, for all so far.
"""

from collections.abc import Callable, Iterable

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from aignehub.v1.usage_pb2 import ModalityTokens, Usage

from server.wire import estimate
from server.wire import json_value as json
from server.wire.gemini.words import modality
from server.wire.json_value import Json, Object

_INT32_MAX = 2**31 - 1

_READ = frozenset(
    {
        *("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount"),
        *("toolUsePromptTokenCount", "cachedContentTokenCount", "promptTokensDetails", "candidatesTokensDetails"),
        *("toolUsePromptTokensDetails", "serviceTier", "trafficType"),
    }
)


def of_chat(told: Object, request: CreateChatCompletionRequest) -> Usage | None:
    """``read_usage`` of a chat."""
    return read_usage(told, lambda: sum(estimate.input_by_modality(request).values()))


def read_usage(told: Object, prompt: Callable[[], int]) -> Usage | None:
    """The provider's usage; None where it told no tokens at all.

    Where it left the prompt out, which it was seen to do of pictures by address, that is estimated by ``prompt``, and
    marked so.
    """
    read = json.count(told.get("promptTokenCount")) + json.count(told.get("toolUsePromptTokenCount"))
    thoughts = json.count(told.get("thoughtsTokenCount"))
    written = json.count(told.get("candidatesTokenCount")) + thoughts
    if not read and not written:
        return None
    untold = not read
    if untold:
        read = prompt()
    return Usage(
        estimated=untold,
        input_tokens=min(read, _INT32_MAX),
        output_tokens=min(written, _INT32_MAX),
        total_tokens=min(read + written, _INT32_MAX),
        cached_input_tokens=json.count(told.get("cachedContentTokenCount")),
        reasoning_output_tokens=thoughts,
        input_by_modality=by_modality(told.get("promptTokensDetails"), told.get("toolUsePromptTokensDetails")),
        output_by_modality=by_modality(told.get("candidatesTokensDetails")),
    )


def by_modality(*details: Json) -> Iterable[ModalityTokens]:
    """Tokens of each kind of content, those of all lists together."""
    counts: dict[int, ModalityTokens] = {}
    for detail in details:
        for told in json.objects(detail):
            kind, number = modality(told.get("modality")), json.count(told.get("tokenCount"))
            if number:
                entry = counts.setdefault(kind, ModalityTokens(modality=kind))
                entry.tokens = min(entry.tokens + number, _INT32_MAX)
    return counts.values()


def service_tier(told: Object) -> str:
    """The tier that was used: ``serviceTier`` of the Gemini API, ``trafficType`` of Vertex AI."""
    return json.text(told.get("serviceTier")) or json.text(told.get("trafficType"))


def unread_usage(told: Object) -> Object:
    """What ``told`` says that the contract has no field for."""
    return json.unread(told, _READ)
