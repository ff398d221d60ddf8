"""``embeddings`` of Cohere: /v2/embed (docs.cohere.com/reference/embed)."""

import struct
from collections.abc import Mapping
from typing import Any

import orjson
from aignehub.v1 import embedding_service_pb2 as pb

from tests.wire import normalise
from tests.wire.bench import Bench, Outcome
from tests.wire.embeddings import Reading, called, compared
from tests.wire.failures import failure_of
from tests.wire.hub import REPLAY_KEY, Instance
from tests.wire.recording import Recording

KIND = "cohere"
_PATH = "/v2/embed"
_TASKS = {
    "search_query": pb.EMBEDDING_TASK_RETRIEVAL_QUERY,
    "search_document": pb.EMBEDDING_TASK_RETRIEVAL_DOCUMENT,
    "classification": pb.EMBEDDING_TASK_CLASSIFICATION,
    "clustering": pb.EMBEDDING_TASK_CLUSTERING,
}
_SAID = frozenset({"model", "texts", "input_type", "embedding_types", "output_dimension", "truncate"})


class CohereEmbeddings:
    """The module of this API."""

    def serves(self, recording: Recording) -> bool:
        """Version 2 alone."""
        return recording.path == _PATH

    def kind(self, recording: Recording) -> str:
        """The provider's own."""
        return KIND

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """Cohere at the replay's address."""
        return Instance(name, KIND, root)

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request."""
        outcome = Outcome(recording, encode=[])
        body = recording.request
        assert isinstance(body, dict)
        got = await called(bench, _build(body, f"{name}/{body['model']}"))
        outcome.decode = compared(_read(recording, body["model"]), got)
        sent = bench.server.requests(name)
        if len(sent) != 1:
            outcome.decode.append(f"the provider was asked {len(sent)} times")
            return outcome
        untold = [name for name, value in body.items() if name not in _SAID and value is not None]
        left = normalise.explain(body, sent[0].json(), normalise.Context(), bench.used)
        outcome.encode = [f"{name}: the contract has no field for it" for name in untold]
        outcome.encode += [f"{one.where}: recorded {one.recorded!r}, sent {one.sent!r}"[:200] for one in left]
        headers = {name.lower(): value for name, value in sent[0].headers.items()}
        if sent[0].path != _PATH or headers.get("authorization") != f"Bearer {REPLAY_KEY}":
            outcome.encode.append(f"path or credential: sent {sent[0].path}")
        return outcome


def _build(body: Mapping[str, Any], model: str) -> pb.CreateEmbeddingsRequest:
    request = pb.CreateEmbeddingsRequest(
        model=model, inputs=[pb.EmbeddingInput(text=text) for text in body["texts"]], task=_TASKS[body["input_type"]]
    )
    assert body["embedding_types"] == ["float"]
    if body.get("output_dimension"):
        request.dimensions = body["output_dimension"]
    if body.get("truncate"):
        request.truncate = body["truncate"] != "NONE"
    return request


def _read(recording: Recording, model: str) -> Reading:
    if recording.status >= 300:
        return Reading(failure=failure_of(recording.status, recording.response_body))
    body = orjson.loads(recording.response_body)
    vectors = [b"".join(struct.pack("<f", number) for number in one) for one in body["embeddings"]["float"]]
    billed = body["meta"]["billed_units"]
    # The answer does not name its model: the hub says which one was asked.
    return Reading(model, vectors, len(vectors[0]) // 4, billed["input_tokens"] + billed.get("image_tokens", 0))
