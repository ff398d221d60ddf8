"""``invoke_model`` of Amazon Bedrock, where it embeds.

Its other recordings are chat in the body of each maker's own (Claude's messages, Nova's, the prompts of Llama 2 and 3,
Titan and Command): the hub asks every chat model by Converse, which has one body for all of them, so that those
exchanges are none that it takes part in. They are counted as not served, and so is the one refusal among them.
"""

import struct
from typing import Any

import orjson
from aignehub.v1 import embedding_service_pb2 as pb

from tests.wire import normalise
from tests.wire.bench import Bench, Outcome
from tests.wire.chat import told
from tests.wire.converse_reading import model_of
from tests.wire.embeddings import Reading, called, compared
from tests.wire.hub import REPLAY_KEY, Instance
from tests.wire.recording import Recording

_KIND = "bedrock"
# https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html
_PURPOSES = {
    "GENERIC_INDEX": pb.EMBEDDING_TASK_UNSPECIFIED,
    "GENERIC_RETRIEVAL": pb.EMBEDDING_TASK_RETRIEVAL_QUERY,
    "CLASSIFICATION": pb.EMBEDDING_TASK_CLASSIFICATION,
    "CLUSTERING": pb.EMBEDDING_TASK_CLUSTERING,
}


class InvokeModel:
    """The module of this API."""

    def serves(self, recording: Recording) -> bool:
        """Only what embeds."""
        return "embed" in recording.path

    def kind(self, recording: Recording) -> str:
        """The provider's own."""
        return _KIND

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """Bedrock at the replay's address."""
        return Instance(name, _KIND, root, (("region", "us-east-1"),))

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request; vectors must be the same bit for bit."""
        outcome = Outcome(recording, encode=[])
        model = model_of(recording)
        got = await called(bench, _build(recording.request, f"{name}/{model}"))
        outcome.decode = compared(_read(recording, model), got)
        [sent] = bench.server.requests(name)
        left = normalise.explain(recording.request, sent.json(), normalise.Context(), bench.used)
        outcome.encode = [told(difference) for difference in left]
        if not normalise.same_path(recording.path, sent.path, bench.used):
            outcome.encode.append(f"path: recorded {recording.path}, sent {sent.path}")
        if sent.headers.get("Authorization") != f"Bearer {REPLAY_KEY}":
            outcome.encode.append("headers: the provider's credential is missing")
        return outcome


def _build(body: Any, model: str) -> pb.CreateEmbeddingsRequest:
    params = body["singleEmbeddingParams"]
    request = pb.CreateEmbeddingsRequest(model=model, inputs=[pb.EmbeddingInput(text=params["text"]["value"])])
    request.truncate = params["text"]["truncationMode"] == "END"
    request.task = _PURPOSES[params["embeddingPurpose"]]
    request.dimensions = params["embeddingDimension"]
    return request


def _read(recording: Recording, model: str) -> Reading:
    """By the vendor's page: one vector, and its tokens in a header."""
    [told_vector] = orjson.loads(recording.response_body)["embeddings"]
    numbers = told_vector["embedding"]
    tokens = int(recording.response_headers["x-amzn-bedrock-input-token-count"])
    return Reading(model, [struct.pack(f"<{len(numbers)}f", *numbers)], len(numbers), tokens)
