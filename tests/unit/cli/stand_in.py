"""A hub of four services over a real socket, small enough to know what each call must print.

Chat models: ``echo`` repeats the last user text word by word; ``think`` reasons first; ``slow`` sends a word and
then waits until it is cancelled; ``cut`` breaks midway; ``refuse`` fails with every detail an error can carry;
``sly`` answers with terminal escape sequences; ``brief`` stops at the token limit.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from aignehub.admin.v1 import key_service_pb2, key_service_pb2_grpc
from aignehub.v1 import (
    chat_pb2,
    chat_service_pb2,
    chat_service_pb2_grpc,
    health_service_pb2,
    health_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
    usage_pb2,
)
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from typing_extensions import override

Context = grpc.aio.ServicerContext[Any, Any]
SECRET = "hub_standinstandin01_secret"


def told(code: grpc.StatusCode, message: str, *details: Message) -> status_pb2.Status:
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        status.details.add().Pack(detail)
    return status


async def fail(context: Context, status: status_pb2.Status) -> None:
    await context.abort_with_status(rpc_status.to_status(status))


def info(reason: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain="aignehub")


FULL_REFUSAL = told(
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    "the provider's rate\x1b[31m limit is reached",
    info("PROVIDER_RATE_LIMITED"),
    error_details_pb2.BadRequest(
        field_violations=[error_details_pb2.BadRequest.FieldViolation(field="model", description="choose another")]
    ),
    error_details_pb2.QuotaFailure(
        violations=[error_details_pb2.QuotaFailure.Violation(subject="key:k", description="60 calls a minute")]
    ),
    error_details_pb2.RetryInfo(retry_delay=Duration(seconds=3)),
    error_details_pb2.Help(
        links=[error_details_pb2.Help.Link(description="raise it", url="https://example.com/limits")]
    ),
    error_details_pb2.RequestInfo(request_id="req-7"),
)


class StandIn(
    chat_service_pb2_grpc.ChatServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
    health_service_pb2_grpc.HealthServiceServicer,
    key_service_pb2_grpc.KeyServiceServicer,
):
    """Records what it was asked, so that a test sees what the command sent."""

    def __init__(self) -> None:
        self.requests: list[Message] = []
        self.cancelled = asyncio.Event()
        self.time_remaining: float | None = None
        self.wants_key: str | None = None
        self.available = True

    async def _admit(self, request: Message, context: Context) -> None:
        self.requests.append(request)
        self.time_remaining = context.time_remaining()
        sent = dict(context.invocation_metadata() or ()).get("authorization")
        if self.wants_key is not None and sent != f"Bearer {self.wants_key}":
            await fail(
                context, told(grpc.StatusCode.UNAUTHENTICATED, "the API key is not valid", info("API_KEY_INVALID"))
            )

    @override
    async def CreateChatCompletion(
        self, request: chat_service_pb2.CreateChatCompletionRequest, context: Context
    ) -> chat_service_pb2.CreateChatCompletionResponse:
        await self._admit(request, context)
        message = chat_pb2.Message(role=chat_pb2.ROLE_ASSISTANT)
        message.content.add().text = question(request)
        choice = chat_service_pb2.ChatChoice(message=message, finish_reason=chat_pb2.FINISH_REASON_STOP)
        return chat_service_pb2.CreateChatCompletionResponse(id="c1", choices=[choice], usage=usage())

    @override
    async def StreamChatCompletion(
        self, request: chat_service_pb2.CreateChatCompletionRequest, context: Context
    ) -> AsyncIterator[chat_service_pb2.StreamChatCompletionResponse]:
        await self._admit(request, context)
        if request.model == "refuse":
            await fail(context, FULL_REFUSAL)
        if request.model == "think":
            yield delta(reasoning=chat_pb2.ReasoningPart(text="let me see"))
        if request.model == "sly":
            yield delta(content="\x1b]52;c;aGk=\x07safe\x1b[2J")
        for word in question(request).split(" "):
            yield delta(content=word + " ")
            if request.model == "cut":
                await fail(
                    context, told(grpc.StatusCode.UNAVAILABLE, "the provider broke off", info("PROVIDER_UNAVAILABLE"))
                )
            if request.model == "slow":
                await self._until_cancelled()
        reason = chat_pb2.FINISH_REASON_LENGTH if request.model == "brief" else chat_pb2.FINISH_REASON_STOP
        last = delta(finish_reason=reason)
        last.usage.CopyFrom(usage())
        last.gateway.CopyFrom(usage_pb2.GatewayInfo(provider="p", provider_model="m", adjusted_fields=["seed"]))
        yield last

    async def _until_cancelled(self) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    @override
    def FanOutChatCompletion(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    @override
    async def CountTokens(
        self, request: chat_service_pb2.CreateChatCompletionRequest, context: Context
    ) -> chat_service_pb2.CountTokensResponse:
        await self._admit(request, context)
        return chat_service_pb2.CountTokensResponse(input_tokens=len(question(request).split()), estimated=True)

    @override
    async def ListModels(
        self, request: model_service_pb2.ListModelsRequest, context: Context
    ) -> model_service_pb2.ListModelsResponse:
        await self._admit(request, context)
        names = [n for n in ("a/one", "a/two", "b/three") if n.startswith(request.provider)]
        at = int(request.page_token or 0)
        known = model_service_pb2.Model(
            capabilities=[model_service_pb2.MODEL_CAPABILITY_CHAT, model_service_pb2.MODEL_CAPABILITY_TOOLS],
            max_input_tokens=128_000,
            prices=[
                model_service_pb2.Price(unit=model_service_pb2.PRICE_UNIT_INPUT_TOKENS_MILLION, nano_usd=150_000_000),
                model_service_pb2.Price(unit=model_service_pb2.PRICE_UNIT_OUTPUT_TOKENS_MILLION, nano_usd=600_000_000),
            ],
        )
        models = [model_service_pb2.Model(id=name) for name in names[at : at + 2]]
        for model in models:
            model.MergeFrom(known)
        return model_service_pb2.ListModelsResponse(
            models=models,
            next_page_token=str(at + 2) if at + 2 < len(names) else "",
        )

    @override
    async def GetModel(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    @override
    async def GetStatus(
        self, request: health_service_pb2.GetStatusRequest, context: Context
    ) -> health_service_pb2.GetStatusResponse:
        await self._admit(request, context)
        return self._status(request.model)

    @override
    async def WatchStatus(
        self, request: health_service_pb2.WatchStatusRequest, context: Context
    ) -> AsyncIterator[health_service_pb2.WatchStatusResponse]:
        await self._admit(request, context)
        yield health_service_pb2.WatchStatusResponse(status=self._status(request.model))
        self.available = not self.available
        yield health_service_pb2.WatchStatusResponse(status=self._status(request.model))

    def _status(self, model: str) -> health_service_pb2.GetStatusResponse:
        status = health_service_pb2.GetStatusResponse(available=self.available and model != "none/x")
        status.server.version = "9.9"
        status.server.start_time.GetCurrentTime()
        provider = status.providers.add(provider="a", healthy_credentials=1, total_credentials=2)
        provider.availability = health_service_pb2.AVAILABILITY_RATE_LIMITED
        if not status.available:
            message = "no provider is configured for none/x; add one under providers"
            status.reason.CopyFrom(told(grpc.StatusCode.UNAVAILABLE, message, info("NO_PROVIDER")))
        return status

    @override
    async def CreateKey(
        self, request: key_service_pb2.CreateKeyRequest, context: Context
    ) -> key_service_pb2.CreateKeyResponse:
        await self._admit(request, context)
        key = key_service_pb2.Key()
        key.CopyFrom(request.key)
        key.id = "k1"
        return key_service_pb2.CreateKeyResponse(key=key, secret=SECRET)

    @override
    async def ListKeys(
        self, request: key_service_pb2.ListKeysRequest, context: Context
    ) -> key_service_pb2.ListKeysResponse:
        await self._admit(request, context)
        key = key_service_pb2.Key(id="k1", display_name="ci", state=key_service_pb2.KEY_STATE_ACTIVE)
        key.create_time.FromSeconds(1_700_000_000)
        return key_service_pb2.ListKeysResponse(keys=[key])

    @override
    async def GetKey(self, request: key_service_pb2.GetKeyRequest, context: Context) -> key_service_pb2.GetKeyResponse:
        await self._admit(request, context)
        if request.key_id not in ("self", "k1"):
            await fail(context, told(grpc.StatusCode.NOT_FOUND, "no key has this id", info("KEY_NOT_FOUND")))
        return key_service_pb2.GetKeyResponse(key=key_service_pb2.Key(id="k1", display_name=request.key_id))

    @override
    async def UpdateKey(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    @override
    async def RotateKey(
        self, request: key_service_pb2.RotateKeyRequest, context: Context
    ) -> key_service_pb2.RotateKeyResponse:
        await self._admit(request, context)
        return key_service_pb2.RotateKeyResponse(key=key_service_pb2.Key(id=request.key_id), secret=SECRET + "2")

    @override
    async def RevokeKey(
        self, request: key_service_pb2.RevokeKeyRequest, context: Context
    ) -> key_service_pb2.RevokeKeyResponse:
        await self._admit(request, context)
        key = key_service_pb2.Key(id=request.key_id, state=key_service_pb2.KEY_STATE_REVOKED)
        return key_service_pb2.RevokeKeyResponse(key=key)


def question(request: chat_service_pb2.CreateChatCompletionRequest) -> str:
    return "".join(part.text for part in request.messages[-1].content)


def usage() -> usage_pb2.Usage:
    return usage_pb2.Usage(input_tokens=3, output_tokens=4, total_tokens=7, cached_input_tokens=1)


def delta(**fields: Any) -> chat_service_pb2.StreamChatCompletionResponse:
    return chat_service_pb2.StreamChatCompletionResponse(choices=[chat_service_pb2.ChatChoiceDelta(**fields)])


def add_to(server: grpc.aio.Server, stand_in: StandIn) -> None:
    chat_service_pb2_grpc.add_ChatServiceServicer_to_server(stand_in, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(stand_in, server)
    health_service_pb2_grpc.add_HealthServiceServicer_to_server(stand_in, server)
    key_service_pb2_grpc.add_KeyServiceServicer_to_server(stand_in, server)
