"""Why an answer ended, and answers that are failures."""

from collections.abc import Mapping
from types import MappingProxyType

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import FinishReason

from server.errors import HubError, ProviderBadResponse, ProviderUnavailable
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.chat.finish import FINISH_REASONS, finish_reason
from server.wire.json_value import Object
from server.wire.openai_responses.names import NAMES

_WORDS: "Mapping[str, FinishReason.ValueType]" = MappingProxyType(
    {
        **FINISH_REASONS,
        "max_output_tokens": chat_pb2.FINISH_REASON_LENGTH,
        "complete": chat_pb2.FINISH_REASON_STOP,
    }
)
_UNFINISHED = frozenset({"queued", "in_progress"})
_FAILED = frozenset({"failed", "cancelled"})


def native_word(answer: Object) -> str:
    """The provider's word for the end: why the answer is incomplete, else its status."""
    return json.text(json.obj(answer.get("incomplete_details")).get("reason")) or json.text(answer.get("status"))


def end_of(word: str, *, calls: bool) -> "FinishReason.ValueType":
    """What ``word`` means."""
    return finish_reason(word, calls=calls, words=_WORDS)


def failure_in(answer: Object, headers: Mapping[str, str] | None = None) -> HubError | None:
    """The failure that a response is; None where it is an answer."""
    if (error := provider_errors.error_in(answer, headers, names=NAMES)) is not None:
        return error
    status = json.text(answer.get("status"))
    if status in _FAILED:
        return ProviderUnavailable(f"the provider ended its answer as {status}")
    if status in _UNFINISHED:
        return ProviderBadResponse("the provider put the answer off, which was not asked for")
    return None
