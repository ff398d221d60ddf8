"""``embeddings`` of every provider that speaks OpenAI's format."""

import base64
import struct
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

import grpc
import orjson
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.embedding_service_pb2_grpc import EmbeddingServiceStub

from tests.wire import normalise, observed
from tests.wire.bench import CALL_SECONDS, Bench, Outcome
from tests.wire.failures import failure_of, garbage
from tests.wire.hub import REPLAY_KEY, ROOT, Instance
from tests.wire.neutral import Failure
from tests.wire.recording import Json, Recording
from tests.wire.replay import Captured
from tests.wire.spec import request_validator

KINDS = frozenset({"openai", "azure", "openrouter", "perplexity", "together", "fireworks", "mistral", "voyage"})
ANY_KIND = "openai-compatible"
OTHER_CODEC = frozenset({"cohere", "gemini", "vertex"})
"""Providers whose embeddings have a format of their own, which is another codec's."""
OLLAMAS_OWN = ("/api/embed", "/api/embeddings")
"""Paths of Ollama's own format, which is another codec's."""

_DEPLOYMENTS = "/openai/deployments/"
_SAID = frozenset({"model", "input", "dimensions", "user", "encoding_format", "input_type", "truncation"})
_NULLED = frozenset({"output_dimension", "output_dtype"})
"""Fields of which only null was recorded, which says nothing."""
_TASKS = {"query": pb.EMBEDDING_TASK_RETRIEVAL_QUERY, "document": pb.EMBEDDING_TASK_RETRIEVAL_DOCUMENT}
_SPEC = ROOT.parent / "shared" / "specs" / "openai-openapi.yaml"


@dataclass(slots=True)
class Reading:
    """What an answer says, whoever read it."""

    model: str = ""
    vectors: list[bytes] = field(default_factory=list)
    """Little-endian single floats, in the order of the inputs."""
    dimensions: int = 0
    tokens: int | None = None
    """None where the provider told none, or the hub said that it estimated."""
    failure: Failure | None = None


def read(recording: Recording) -> Reading:
    """An independent reading of the recorded answer, by the providers' pages alone."""
    if recording.status >= 300:
        return Reading(failure=failure_of(recording.status, recording.response_body))
    try:
        body = orjson.loads(recording.response_body)
    except orjson.JSONDecodeError:
        return Reading(failure=garbage())
    ordered = sorted(body["data"], key=lambda one: one["index"])
    vectors = [_floats(one["embedding"], bytewise=recording.provider == "perplexity") for one in ordered]
    usage = body.get("usage") or {}
    tokens = usage.get("total_tokens", usage.get("prompt_tokens"))
    return Reading(body.get("model") or "", vectors, len(vectors[0]) // 4, tokens)


def _floats(told: Json, *, bytewise: bool) -> bytes:
    if isinstance(told, str):
        data = base64.b64decode(told, validate=True)
        if not bytewise:
            return data
        told = struct.unpack(f"{len(data)}b", data)
    return b"".join(struct.pack("<f", number) for number in told)


def compared(expected: Reading, got: Reading) -> list[str]:
    """Where the two differ; vectors bit for bit."""
    if expected.failure is not None or got.failure is not None:
        return _failures(expected.failure, got.failure)
    found = [
        f"{name}: recorded {getattr(expected, name)!r}, got {getattr(got, name)!r}"
        for name in ("model", "dimensions", "tokens")
        if getattr(expected, name) != getattr(got, name)
    ]
    if len(expected.vectors) != len(got.vectors):
        return [*found, f"vectors: recorded {len(expected.vectors)}, got {len(got.vectors)}"]
    for place, (one, other) in enumerate(zip(expected.vectors, got.vectors, strict=True)):
        if one != other:
            found.append(f"vectors[{place}]: recorded {one[:8].hex()}…, got {other[:8].hex()}…")
    return found


def _failures(expected: Failure | None, got: Failure | None) -> list[str]:
    if expected is None or got is None:
        return [f"status: recorded {expected}, got {got}"]
    found = []
    if expected.code != got.code or (expected.reason and expected.reason != got.reason):
        found.append(f"status: recorded {expected}, got {got}")
    if expected.message and expected.message not in got.message:
        found.append(f"status.message: does not tell {expected.message!r}")
    return found


class Embeddings:
    """The module of this API."""

    def serves(self, recording: Recording) -> bool:
        """Everything but what another codec reads."""
        return recording.provider not in OTHER_CODEC and recording.path not in OLLAMAS_OWN

    def kind(self, recording: Recording) -> str:
        """The hub's kind of provider that the recording is replayed as."""
        return recording.provider if recording.provider in KINDS else ANY_KIND

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """A provider of the recording's own kind, reached below ``root`` by the path it was recorded with."""
        kind = self.kind(recording)
        path, _, query = recording.path.partition("?")
        base = path.removesuffix("/v1/embeddings" if kind == "perplexity" else "/embeddings")
        options: tuple[tuple[str, str], ...] = ()
        if _DEPLOYMENTS in path:
            base = path.split(_DEPLOYMENTS)[0]
            options = (("api_version", dict(parse_qsl(query))["api-version"]),)
        return Instance(name, kind, root + base, options)

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request where there is one, else the least that asks for such an answer."""
        outcome = Outcome(recording)
        request = _build(recording, f"{name}/{_model(recording)}")
        got = await called(bench, request)
        requests = bench.server.requests(name)
        outcome.decode = compared(read(recording), got)
        if len(requests) != 1:
            outcome.decode.append(f"the provider was asked {len(requests)} times")
        if recording.request is not None:
            _judge(bench, outcome, requests)
        return outcome


def _said(name: str, recorded: dict[str, Any]) -> bool:
    return name in _SAID or (name in _NULLED and recorded[name] is None)


def _model(recording: Recording) -> str:
    """The model the provider was asked for; Azure names it in the path."""
    if _DEPLOYMENTS in recording.path:
        return unquote(recording.path.split(_DEPLOYMENTS)[1].split("/")[0])
    asked = recording.request.get("model") if isinstance(recording.request, dict) else None
    return asked or recording.model or "model"


def _build(recording: Recording, model: str) -> pb.CreateEmbeddingsRequest:
    """The recorded request as the contract's message."""
    if recording.request is None:
        count = len(orjson.loads(recording.response_body).get("data", [0]))
        return pb.CreateEmbeddingsRequest(model=model, inputs=[pb.EmbeddingInput(text="a")] * count)
    body = recording.request
    request = pb.CreateEmbeddingsRequest(
        model=model, inputs=[_input(one) for one in _listed(body["input"])], user=body.get("user") or ""
    )
    if body.get("dimensions") is not None:
        request.dimensions = body["dimensions"]
    if body.get("truncation") is not None:
        request.truncate = body["truncation"]
    if body.get("input_type") is not None:
        request.task = _TASKS[body["input_type"]]
    return request


def _listed(told: Json) -> list[Any]:
    return told if isinstance(told, list) and not isinstance(told[0], int) else [told]


def _input(one: Json) -> pb.EmbeddingInput:
    return pb.EmbeddingInput(text=one) if isinstance(one, str) else pb.EmbeddingInput(tokens=pb.TokenIds(ids=one))


async def called(bench: Bench, request: pb.CreateEmbeddingsRequest) -> Reading:
    """What the hub answers to a request."""
    stub = EmbeddingServiceStub(bench.channel)
    try:
        response = await stub.CreateEmbeddings(request, metadata=bench.metadata, timeout=CALL_SECONDS)
    except grpc.aio.AioRpcError as error:
        return Reading(failure=observed.failure(error))
    if [one.index for one in response.embeddings] != list(range(len(request.inputs))):
        return Reading(failure=Failure("", "", "the hub's indexes are not the places of the inputs"))
    usage = response.usage
    if usage.output_tokens or usage.input_tokens != usage.total_tokens or not usage.total_tokens:
        return Reading(failure=Failure("", "", "the hub's usage does not add up"))
    tokens = None if usage.estimated else usage.input_tokens
    return Reading(response.model, [one.packed for one in response.embeddings], response.dimensions, tokens)


def _judge(bench: Bench, outcome: Outcome, requests: list[Captured]) -> None:
    """Fills in everything about the request."""
    recording = outcome.recording
    recorded: dict[str, Any] = recording.request or {}
    outcome.encode = [f"{name}: the contract has no field for it" for name in recorded if not _said(name, recorded)]
    if not requests:
        outcome.encode.append("the hub sent nothing")
        return
    sent = requests[0]
    deployment = _model(recording) if _DEPLOYMENTS in recording.path else ""
    context = normalise.Context(deployment=deployment)
    left = normalise.explain(recorded, sent.json(), context, bench.used)
    outcome.encode += [f"{one.where}: recorded {one.recorded!r}, sent {one.sent!r}"[:200] for one in left]
    if sent.method != "POST" or not normalise.same_path(recording.path, sent.path, bench.used):
        outcome.encode.append(f"path: recorded POST {recording.path}, sent {sent.method} {sent.path}")
    headers = {name.lower(): value for name, value in sent.headers.items()}
    if REPLAY_KEY not in (headers.get("authorization", "").removeprefix("Bearer "), headers.get("api-key")):
        outcome.encode.append("headers: the provider's credential is missing")
    if recording.provider == "openai" and (validate := _validator()) is not None:
        outcome.spec = validate(sent.json())


@cache
def _validator() -> Any:
    return request_validator(_SPEC, "CreateEmbeddingRequest")
