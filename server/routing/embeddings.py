"""Embeddings over the plan of a call: a batch in as many requests as its provider needs, and one answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, CreateEmbeddingsResponse

from server.backends.base import Call, EmbeddingBackend
from server.errors import HubError, ProviderBadResponse
from server.phases import Phases
from server.routing.attempt import Attempt, Terms, served
from server.routing.dispatch import Dispatch
from server.routing.plan import Plan
from server.wire.sums import add_usage

AT_ONCE = 4
"""Requests of one batch in progress together."""


async def embed(
    request: CreateEmbeddingsRequest, plan: Plan, terms: Terms, dispatch: Dispatch
) -> CreateEmbeddingsResponse:
    """One vector per input, in their order; ``gateway.attempts`` tells every attempt it took.

    Where one request of an attempt fails, the attempt fails with its error, which names the inputs, and the others
    are cancelled. All vectors of a batch are one provider's: another follows only where none has come yet.
    """

    async def send(attempt: Attempt) -> CreateEmbeddingsResponse:
        backend = served(attempt.provider.embeddings)
        parts = backend.parts(request, attempt.call.model)
        if len(parts) == 1:
            return await backend.embed(request, parts[0], attempt.call)
        return _joined(await _together(request, parts, backend, attempt.call))

    return await dispatch.whole(plan, terms, send)


async def _together(
    request: CreateEmbeddingsRequest, parts: Sequence[Sequence[int]], backend: EmbeddingBackend, call: Call
) -> list[CreateEmbeddingsResponse]:
    gate = asyncio.Semaphore(AT_ONCE)
    # Waits that overlap must not be summed: what they come to together is measured here.
    apart = [Phases() for _ in parts]
    answered = 0

    async def one(part: Sequence[int], phases: Phases) -> CreateEmbeddingsResponse:
        nonlocal answered
        async with gate:
            try:
                answer = await backend.embed(request, part, replace(call, phases=phases))
            except HubError as error:
                error.answered = error.answered or answered > 0
                raise _naming(error, part) from None
            answered += 1
            return answer

    began = perf_counter()
    tasks = [asyncio.ensure_future(one(part, phases)) for part, phases in zip(parts, apart, strict=True)]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        waited = sum(phases.spent("upstream") for phases in apart)
        call.phases.add("upstream_ttfb", apart[0].spent("upstream_ttfb"))
        call.phases.add("upstream", min(waited, perf_counter() - began))


def _naming(error: HubError, part: Sequence[int]) -> HubError:
    """``error`` itself, telling which inputs it is about."""
    first, last = part[0], part[-1]
    told = f"inputs {first} to {last}" if last > first else f"input {first}"
    error.message = f"{told}: {error.message}"
    error.args = (error.message,)
    error.metadata["inputs"] = f"{first}-{last}"
    return error


def _joined(answers: Sequence[CreateEmbeddingsResponse]) -> CreateEmbeddingsResponse:
    """One answer of all, its vectors in the order of their inputs and its usage the sum."""
    whole = answers[0]
    for answer in answers[1:]:
        if answer.dimensions != whole.dimensions:
            raise ProviderBadResponse(
                "the provider answered the parts of one batch with vectors of different lengths, "
                f"{whole.dimensions} and {answer.dimensions}"
            )
    vectors = [one for answer in answers for one in answer.embeddings]
    vectors.sort(key=lambda one: one.index)
    joined = CreateEmbeddingsResponse(
        model=whole.model,
        dimensions=whole.dimensions,
        encoding=whole.encoding,
        usage=whole.usage,
        gateway=whole.gateway,
        embeddings=vectors,
    )
    for answer in answers[1:]:
        add_usage(joined.usage, answer.usage)
        for path in answer.gateway.adjusted_fields:
            if path not in joined.gateway.adjusted_fields:
                joined.gateway.adjusted_fields.append(path)
    return joined
