"""aignehub.v1.EmbeddingService: validate, resolve, delegate."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from aignehub.v1.embedding_service_pb2 import (
    CreateEmbeddingsRequest,
    CreateEmbeddingsResponse,
    StreamEmbeddingsRequest,
    StreamEmbeddingsResponse,
)
from aignehub.v1.embedding_service_pb2_grpc import EmbeddingServiceServicer
from typing_extensions import override

from server.calls import current_call
from server.errors import InvalidArgument
from server.phases import Phases
from server.routing.attempt import Terms
from server.routing.catalogue import Modality
from server.routing.embeddings import embed
from server.routing.plan import Plan
from server.services.batches import Batches
from server.services.frame import Context, Frame, conclude
from server.services.replays import refuse_for_streams
from server.services.validation import validate


class EmbeddingService(EmbeddingServiceServicer):
    """Embeddings over every provider of the catalogue."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    @override
    async def CreateEmbeddings(self, request: CreateEmbeddingsRequest, context: Context) -> CreateEmbeddingsResponse:
        call = current_call.get()
        plan = self._plan(request)

        async def make() -> CreateEmbeddingsResponse:
            return await embed(request, plan, self._frame.terms(context), self._frame.dispatch)

        response = await self._frame.once(request, request.gateway, make)
        conclude(call, response.gateway, response.usage)
        call.response_model = response.model
        return response

    @override
    async def StreamEmbeddings(
        self, request_iterator: AsyncIterator[StreamEmbeddingsRequest], context: Context
    ) -> AsyncIterator[StreamEmbeddingsResponse]:
        terms = self._frame.terms(context)
        batches = Batches(lambda one: self._answer(one, terms), terms.deadline)
        answers: AsyncGenerator[StreamEmbeddingsResponse] = batches.answers(request_iterator)
        async with aclosing(answers):
            async for answer in answers:
                yield answer

    async def _answer(self, batch: StreamEmbeddingsRequest, terms: Terms) -> CreateEmbeddingsResponse:
        """One batch of a stream, judged on its own as if it were a call."""
        if not batch.HasField("request"):
            raise InvalidArgument.field("request", "is missing: it holds the inputs of the batch")
        refuse_for_streams(batch.request.gateway)
        call = current_call.get()
        plan = self._plan(batch.request)
        phases = Phases()  # of this batch alone: the waits of several overlap
        response = await embed(batch.request, plan, replace(terms, phases=phases), self._frame.dispatch)
        call.input_tokens += response.usage.input_tokens
        call.response_model = response.model
        response.gateway.request_id = call.request_id
        overhead = max(0.0, phases.total() - phases.spent("upstream"))
        response.gateway.gateway_duration.FromMicroseconds(int(overhead * 1_000_000))
        return response

    def _plan(self, request: CreateEmbeddingsRequest) -> Plan:
        """The plan for a request that is sound and that the caller may make."""
        validate(request)
        return self._frame.plan(request.model, request.gateway, Modality.EMBEDDINGS)
