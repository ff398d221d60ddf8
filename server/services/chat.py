"""aignehub.v1.ChatService: validate, resolve, delegate."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from aignehub.v1.chat_service_pb2 import (
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
from server.errors import Unimplemented
from server.routing.catalogue import Modality
from server.routing.chat import chat, chat_stream, count_tokens
from server.routing.plan import Plan
from server.services.frame import Context, Frame, conclude, named_or_default
from server.services.validation import validate


class ChatService(ChatServiceServicer):
    """Chat over every provider of the catalogue."""

    def __init__(self, frame: Frame, *, default_model: str) -> None:
        self._frame = frame
        self._default_model = default_model

    @override
    async def CreateChatCompletion(
        self, request: CreateChatCompletionRequest, context: Context
    ) -> CreateChatCompletionResponse:
        call = current_call.get()
        plan = self._plan(request)
        response = await chat(request, plan, self._frame.terms(context), self._frame.dispatch)
        conclude(call, response.gateway, response.usage)
        call.response_model = response.model
        return response

    @override
    async def StreamChatCompletion(
        self, request: CreateChatCompletionRequest, context: Context
    ) -> AsyncIterator[StreamChatCompletionResponse]:
        call = current_call.get()
        plan = self._plan(request)
        first_at: float | None = None
        async with aclosing(chat_stream(request, plan, self._frame.terms(context), self._frame.dispatch)) as chunks:
            async for chunk in chunks:
                if first_at is None:
                    first_at = call.phases.total()
                    call.response_model = chunk.model
                if chunk.HasField("gateway"):
                    conclude(call, chunk.gateway, chunk.usage)
                    chunk.gateway.time_to_first_token.FromMicroseconds(int(first_at * 1_000_000))
                yield chunk

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
        raise Unimplemented("FanOutChatCompletion is not served by this release; ask each model in a call of its own")
        yield

    def _plan(self, request: CreateChatCompletionRequest) -> Plan:
        """The plan for a request that is sound and that the caller may make."""
        validate(request)
        if request.stream_options.coalesce_ms:
            raise Unimplemented.field("stream_options.coalesce_ms")
        model = named_or_default(request.model, self._default_model)
        return self._frame.plan(model, request.gateway, Modality.CHAT)
