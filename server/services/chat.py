"""aignehub.v1.ChatService: validate, resolve, delegate."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from aignehub.v1.chat_service_pb2 import (
    FAN_OUT_STRATEGY_FIRST,
    CountTokensResponse,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    FanOutChatCompletionRequest,
    FanOutChatCompletionResponse,
    StreamChatCompletionResponse,
)
from aignehub.v1.chat_service_pb2_grpc import ChatServiceServicer
from typing_extensions import override

from server.calls import current_call
from server.phases import Phases
from server.routing.attempt import Terms
from server.routing.catalogue import Modality
from server.routing.chat import chat, chat_stream, count_tokens
from server.routing.fit import needs_of
from server.routing.plan import Plan
from server.services.coalesce import coalesced
from server.services.fan_out import FanOut
from server.services.frame import Context, FirstAndLast, Frame, conclude
from server.services.replays import refuse_for_streams
from server.services.validation import validate


class ChatService(ChatServiceServicer):
    """Chat over every provider of the catalogue."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    @override
    async def CreateChatCompletion(
        self, request: CreateChatCompletionRequest, context: Context
    ) -> CreateChatCompletionResponse:
        def make() -> Awaitable[CreateChatCompletionResponse]:
            return chat(request, plan, self._frame.terms(context), self._frame.dispatch)

        call = current_call.get()
        plan = self._plan(request)
        response = await self._frame.once(request, request.gateway, make)
        conclude(call, response.gateway, response.usage)
        call.response_model = response.model
        return response

    @override
    def StreamChatCompletion(
        self, request: CreateChatCompletionRequest, context: Context
    ) -> AsyncIterator[StreamChatCompletionResponse]:
        refuse_for_streams(request.gateway)
        plan = self._plan(request)
        return self._chunks(request, plan, self._frame.terms(context), _Listening(current_call.get()))

    @override
    async def CountTokens(self, request: CreateChatCompletionRequest, context: Context) -> CountTokensResponse:
        plan = self._plan(request)
        counted = await count_tokens(request, plan, self._frame.terms(context), self._frame.dispatch)
        current_call.get().input_tokens = counted.input_tokens
        return counted

    @override
    async def FanOutChatCompletion(
        self, request: FanOutChatCompletionRequest, context: Context
    ) -> AsyncIterator[FanOutChatCompletionResponse]:
        validate(request)
        refuse_for_streams(request.request.gateway)
        terms = self._frame.terms(context)
        answers = [partial(self._one_of_many, request.request, model, terms) for model in request.models]
        fan_out = FanOut(answers, first_wins=request.strategy == FAN_OUT_STRATEGY_FIRST)
        async with aclosing(fan_out.events()) as events:
            async for event in events:
                yield event

    async def _one_of_many(
        self, request: CreateChatCompletionRequest, model: str, terms: Terms
    ) -> AsyncGenerator[StreamChatCompletionResponse]:
        """One model's answer to a request for several; its waits overlap with theirs and are counted apart."""
        call, phases = current_call.get(), Phases()
        asked = CreateChatCompletionRequest()
        asked.CopyFrom(request)
        asked.model = model
        own = replace(terms, phases=phases)
        async with aclosing(self._chunks(asked, self._plan(asked), own)) as chunks:
            async for chunk in chunks:
                if chunk.HasField("gateway"):
                    call.input_tokens += chunk.usage.input_tokens
                    call.output_tokens += chunk.usage.output_tokens
                    chunk.gateway.request_id = call.request_id
                    overhead = max(0.0, phases.total() - phases.spent("upstream"))
                    chunk.gateway.gateway_duration.FromMicroseconds(int(overhead * 1_000_000))
                yield chunk

    def _chunks(
        self, request: CreateChatCompletionRequest, plan: Plan, terms: Terms, listening: "_Listening | None" = None
    ) -> AsyncGenerator[StreamChatCompletionResponse]:
        chunks = chat_stream(request, plan, terms, self._frame.dispatch, listening)
        window = request.stream_options.coalesce_ms
        return coalesced(chunks, window / 1000) if window else chunks

    def _plan(self, request: CreateChatCompletionRequest) -> Plan:
        """The plan for a request that is sound and that the caller may make."""
        validate(request)
        return self._frame.plan(request.model, request.gateway, Modality.CHAT, partial(needs_of, request))


class _Listening(FirstAndLast[StreamChatCompletionResponse]):
    """Tells the call what its stream says of itself."""

    @override
    def began(self, event: StreamChatCompletionResponse) -> None:
        super().began(event)
        self.call.response_model = event.model

    def ended(self, event: StreamChatCompletionResponse) -> None:
        """See Listener."""
        self.conclude(event.gateway, event.usage)
