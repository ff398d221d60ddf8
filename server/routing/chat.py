"""Chat over the plan of a call."""

from collections.abc import AsyncGenerator, Awaitable
from operator import methodcaller

from aignehub.v1.chat_service_pb2 import (
    CountTokensResponse,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)
from aignehub.v1.usage_pb2 import GatewayInfo, Usage

from server.errors import UnsupportedByProvider
from server.routing.attempt import Attempt, Terms, served
from server.routing.dispatch import Dispatch, Listener, Reading
from server.routing.plan import Plan
from server.wire import estimate


async def chat(
    request: CreateChatCompletionRequest, plan: Plan, terms: Terms, dispatch: Dispatch
) -> CreateChatCompletionResponse:
    """The whole answer; ``gateway.attempts`` tells every attempt it took."""

    def send(attempt: Attempt) -> Awaitable[CreateChatCompletionResponse]:
        return served(attempt.provider.chat).chat(request, attempt.call)

    return await dispatch.whole(plan, terms, send)


def chat_stream(
    request: CreateChatCompletionRequest,
    plan: Plan,
    terms: Terms,
    dispatch: Dispatch,
    listener: Listener[StreamChatCompletionResponse] | None = None,
) -> AsyncGenerator[StreamChatCompletionResponse]:
    """Chunks as they come; the last one has ``gateway``, also where the stream then breaks."""

    def send(attempt: Attempt) -> AsyncGenerator[StreamChatCompletionResponse]:
        return served(attempt.provider.chat).chat_stream(request, attempt.call)

    return dispatch.stream(plan, terms, send, _READING, listener)


async def count_tokens(
    request: CreateChatCompletionRequest, plan: Plan, terms: Terms, dispatch: Dispatch
) -> CountTokensResponse:
    """Tokens as the provider counts them, or an estimate that says so where it cannot."""
    first = plan.candidates[0]
    if first.provider.counter is not None:

        async def send(attempt: Attempt) -> _Counted:
            return _Counted(await served(attempt.provider.counter).count(request, attempt.call))

        try:
            return (await dispatch.whole(Plan((first,)), terms, send)).response
        except UnsupportedByProvider:
            pass  # this model, or something in this request, is not counted there
    return estimate.count(request, first.id)


class _Counted:
    """A count as an answer: it costs nothing, and its message has no place for what the hub did."""

    def __init__(self, response: CountTokensResponse) -> None:
        self.response = response
        self.usage = Usage()
        self.gateway = GatewayInfo()


_CONTENT = frozenset({"content", "reasoning", "tool_calls", "refusal", "audio", "parts"})


def _has_content(chunk: StreamChatCompletionResponse) -> bool:
    return any(field.name in _CONTENT for delta in chunk.choices for field, _ in delta.ListFields())


_READING: Reading[StreamChatCompletionResponse] = Reading(
    has_content=_has_content,
    is_last=methodcaller("HasField", "gateway"),
    gateway=lambda chunk: chunk.gateway,
    usage=lambda chunk: chunk.usage,
)
