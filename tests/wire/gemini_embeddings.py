"""``embeddings`` of the Gemini API and of Vertex AI, in formats of their own."""

import struct
from collections.abc import Mapping
from typing import Any

import orjson
from aignehub.v1 import embedding_service_pb2 as pb

from tests.wire.bench import Bench, Outcome
from tests.wire.embeddings import Reading, called, compared
from tests.wire.failures import failure_of
from tests.wire.gemini import PROJECT, parsed
from tests.wire.hub import REPLAY_KEY, Instance
from tests.wire.jsondiff import differences
from tests.wire.recording import Recording
from tests.wire.replay import Captured

ALONE = "a batch of one"


class GeminiEmbeddings:
    """The module of this API."""

    def serves(self, recording: Recording) -> bool:
        """Every recording."""
        return True

    def kind(self, recording: Recording) -> str:
        """The provider's own."""
        return recording.provider

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """The version and the place that the path names."""
        path = parsed(recording)
        options = [("api_version", path["version"])]
        if recording.provider == "vertex":
            options += [("project", PROJECT), ("location", path["location"])]
        return Instance(name, recording.provider, root, tuple(options))

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request where there is one, else the least that asks for such an answer."""
        outcome = Outcome(recording)
        asked = _requests(recording)
        request = pb.CreateEmbeddingsRequest(model=f"{name}/{parsed(recording)['model']}")
        for one in asked:
            _add(request, one)
        got = await called(bench, request)
        sent = bench.server.requests(name)
        outcome.decode = compared(_read(recording), got)
        if len(sent) != 1:
            outcome.decode.append(f"the provider was asked {len(sent)} times")
        if recording.request is not None and sent:
            outcome.encode = _judged(bench, recording, asked, sent[0])
        return outcome


def _judged(bench: Bench, recording: Recording, asked: list[Mapping[str, Any]], sent: Captured) -> list[str]:
    found = [
        f"{one.where}: recorded {one.recorded!r}, sent {one.sent!r}"
        for one in differences([_plain(one) for one in asked], [_plain(one) for one in _several(sent.json())])
    ]
    path = sent.path.replace(f"/{PROJECT}/", "/PROJECT/")
    if recording.path.endswith(":batchEmbedContents") and len(asked) == 1:
        bench.used[ALONE] += 1
        path = path.replace(":embedContent", ":batchEmbedContents")
    if path != recording.path:
        found.append(f"path: recorded {recording.path}, sent {sent.path}")
    headers = {key.lower(): value for key, value in sent.headers.items()}
    if headers.get("x-goog-api-key") != REPLAY_KEY:
        found.append("headers: the credential is not where it should be")
    return found


def _requests(recording: Recording) -> list[Mapping[str, Any]]:
    if recording.request is None:
        answer = orjson.loads(recording.response_body)
        return [{"content": {"parts": [{"text": "a"}]}}] * len(answer.get("embeddings", [0]))
    return _several(recording.request)


def _several(body: Any) -> list[Mapping[str, Any]]:
    """The requests that a body holds: of a batch, of predict, or itself."""
    found: list[Mapping[str, Any]] = body.get("requests") or body.get("instances") or [body]
    return found


def _plain(request: Mapping[str, Any]) -> dict[str, Any]:
    """Without the model, which the path names, and without the role of a content, which has none to play."""
    told = {key: value for key, value in request.items() if key != "model"}
    if isinstance(told["content"], dict):
        told["content"] = told["content"]["parts"]
    return told


def _add(request: pb.CreateEmbeddingsRequest, told: Mapping[str, Any]) -> None:
    content = told["content"]
    text = content if isinstance(content, str) else content["parts"][0]["text"]
    request.inputs.add(text=text, title=told.get("title", ""))
    if "taskType" in told:
        request.task = pb.EmbeddingTask.Value(f"EMBEDDING_TASK_{told['taskType']}")
    if "outputDimensionality" in told:
        request.dimensions = told["outputDimensionality"]


def _read(recording: Recording) -> Reading:
    """An independent reading of the recorded answer."""
    if recording.status >= 300:
        return Reading(failure=failure_of(recording.status, recording.response_body))
    body = orjson.loads(recording.response_body)
    told = [one["embeddings"] for one in body.get("predictions", ())] or body.get("embeddings") or [body["embedding"]]
    vectors = [b"".join(struct.pack("<f", number) for number in one["values"]) for one in told]
    counts = [one.get("statistics", {}).get("token_count") for one in told]
    return Reading(parsed(recording)["model"], vectors, len(vectors[0]) // 4, None if None in counts else sum(counts))
