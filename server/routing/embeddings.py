"""Embeddings over the plan of a call: a batch in as many requests as its provider needs, and one answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, CreateEmbeddingsResponse

from server.backends.base import EmbeddingBackend
from server.errors import HubError, ProviderBadResponse
from server.phases import Phases
from server.routing.attempt import Attempt, Terms, served
from server.routing.catalogue import Candidate
from server.routing.resolve import Plan
from server.wire.sums import add_usage

AT_ONCE = 4
"""Requests of one batch in progress together."""


async def embed(request: CreateEmbeddingsRequest, plan: Plan, terms: Terms) -> CreateEmbeddingsResponse:
    """One vector per input, in their order; ``gateway.attempts`` tells of each request that it took.

    Where one request fails, the call fails with its error, which names the inputs, and the others are cancelled.
    """
    candidate = plan.candidates[0]
    backend = served(candidate.provider.embeddings)
    parts = backend.parts(request, candidate.model)
    if len(parts) == 1:
        return await _part(request, parts[0], backend, candidate, terms)
    answers = await _together(request, parts, backend, candidate, terms)
    return _joined(answers)


async def _part(
    request: CreateEmbeddingsRequest,
    part: Sequence[int],
    backend: EmbeddingBackend,
    candidate: Candidate,
    terms: Terms,
) -> CreateEmbeddingsResponse:
    attempt = Attempt(candidate, terms)
    response = await backend.embed(request, part, attempt.call)
    attempt.tell(response.gateway)
    return response


async def _together(
    request: CreateEmbeddingsRequest,
    parts: Sequence[Sequence[int]],
    backend: EmbeddingBackend,
    candidate: Candidate,
    terms: Terms,
) -> list[CreateEmbeddingsResponse]:
    gate = asyncio.Semaphore(AT_ONCE)
    # Waits that overlap must not be summed: what they come to together is measured here.
    apart = [Phases() for _ in parts]

    async def one(part: Sequence[int], phases: Phases) -> CreateEmbeddingsResponse:
        async with gate:
            try:
                return await _part(request, part, backend, candidate, replace(terms, phases=phases))
            except HubError as error:
                raise _naming(error, part) from None

    began = perf_counter()
    tasks = [asyncio.ensure_future(one(part, phases)) for part, phases in zip(parts, apart, strict=True)]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        waited = sum(phases.spent("upstream") for phases in apart)
        terms.phases.add("upstream_ttfb", apart[0].spent("upstream_ttfb"))
        terms.phases.add("upstream", min(waited, perf_counter() - began))


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
        joined.gateway.attempts.extend(answer.gateway.attempts)
        for path in answer.gateway.adjusted_fields:
            if path not in joined.gateway.adjusted_fields:
                joined.gateway.adjusted_fields.append(path)
    return joined
