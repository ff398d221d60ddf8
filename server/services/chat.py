"""aignehub.v1.ChatService: validate, resolve, delegate."""

from asyncio import get_running_loop
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
from aignehub.v1.chat_service_pb2 import (
    CountTokensResponse,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    FanOutChatCompletionRequest,
    FanOutChatCompletionResponse,
    StreamChatCompletionResponse,
)
from aignehub.v1.chat_service_pb2_grpc import ChatServiceServicer
from aignehub.v1.usage_pb2 import GatewayInfo, Usage
from typing_extensions import override

from server.calls import CurrentCall, current_call
from server.errors import DeadlineExceeded, InvalidArgument, PermissionDenied, Unimplemented
from server.identity.rights import Rights
from server.routing.catalogue import Catalogue
from server.routing.chat import Terms, chat, chat_stream
from server.routing.resolve import Plan, plan_chat
from server.services.unbuilt import refuse_unbuilt_options
from server.services.validation import validate
from server.wire import estimate

Context = grpc.aio.ServicerContext[Any, Any]

_EXTRA_BODY_RIGHT = "aignehub.v1.GatewayOptions/extra_body_json"


class ChatService(ChatServiceServicer):
    """Chat over every provider of the catalogue."""

    def __init__(self, catalogue: Catalogue, *, default_model: str, max_call_seconds: float) -> None:
        self._catalogue = catalogue
        self._default_model = default_model
        self._max_call_seconds = max_call_seconds

    @override
    async def CreateChatCompletion(
        self, request: CreateChatCompletionRequest, context: Context
    ) -> CreateChatCompletionResponse:
        call = current_call.get()
        plan = self._admit(request, call)
        response = await chat(request, plan, self._terms(call, context))
        _conclude(call, response.gateway, response.usage)
        call.response_model = response.model
        return response

    @override
    async def StreamChatCompletion(
        self, request: CreateChatCompletionRequest, context: Context
    ) -> AsyncIterator[StreamChatCompletionResponse]:
        call = current_call.get()
        plan = self._admit(request, call)
        first_at: float | None = None
        async with aclosing(chat_stream(request, plan, self._terms(call, context))) as chunks:
            async for chunk in chunks:
                if first_at is None:
                    first_at = call.phases.total()
                    call.response_model = chunk.model
                if chunk.HasField("gateway"):
                    _conclude(call, chunk.gateway, chunk.usage)
                    chunk.gateway.time_to_first_token.FromMicroseconds(int(first_at * 1_000_000))
                yield chunk

    @override
    async def CountTokens(self, request: CreateChatCompletionRequest, context: Context) -> CountTokensResponse:
        call = current_call.get()
        plan = self._admit(request, call)
        return estimate.count(request, plan.candidates[0].id)

    @override
    async def FanOutChatCompletion(
        self, request: FanOutChatCompletionRequest, context: Context
    ) -> AsyncIterator[FanOutChatCompletionResponse]:
        raise Unimplemented("FanOutChatCompletion is not served by this release; ask each model in a call of its own")
        yield

    def _admit(self, request: CreateChatCompletionRequest, call: CurrentCall) -> Plan:
        """The plan for a request that is sound and that the caller may make."""
        validate(request)
        rights = call.caller.rights if call.caller else Rights((), ())
        if request.HasField("gateway"):
            refuse_unbuilt_options(request.gateway)
            if request.gateway.extra_body_json and not rights.allows_method(_EXTRA_BODY_RIGHT):
                raise PermissionDenied(
                    f"this key may not use gateway.extra_body_json; its allowed_methods need {_EXTRA_BODY_RIGHT}"
                )
        if request.stream_options.coalesce_ms:
            raise Unimplemented.field("stream_options.coalesce_ms")
        if not request.model:
            if not self._default_model:
                raise InvalidArgument.field("model", "name a model, as provider/model; this hub has no default")
            request.model = self._default_model
        call.request_model = request.model
        plan = plan_chat(self._catalogue, request.model, rights)
        call.provider = plan.candidates[0].provider.name
        return plan

    def _terms(self, call: CurrentCall, context: Context) -> Terms:
        remaining = context.time_remaining()
        budget = self._max_call_seconds if remaining is None else min(remaining, self._max_call_seconds)
        # Ending a little before the caller's own deadline lets the status with its details still reach it.
        budget -= min(0.05, budget * 0.05)
        if budget <= 0:
            raise DeadlineExceeded("the deadline passed before the call began; allow more time")
        return Terms(get_running_loop().time() + budget, call.request_id, call.phases, call.traceparent)


def _conclude(call: CurrentCall, gateway: GatewayInfo, usage: Usage) -> None:
    gateway.request_id = call.request_id
    overhead = max(0.0, call.phases.total() - call.phases.spent("upstream"))
    gateway.gateway_duration.FromMicroseconds(int(overhead * 1_000_000))
    call.input_tokens = usage.input_tokens
    call.output_tokens = usage.output_tokens
