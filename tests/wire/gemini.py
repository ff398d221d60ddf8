"""``generateContent`` and ``count_tokens`` of the Gemini API and of Vertex AI."""

import re

import orjson
from aignehub.v1 import chat_service_pb2_grpc
from typing_extensions import override

from tests.gemini_types import complaints
from tests.wire import compare, exceptions, normalise
from tests.wire.bench import CALL_SECONDS, Bench, Outcome
from tests.wire.chat import PUBLIC_ADDRESS, called, told
from tests.wire.gemini_canonical import canonical, counted
from tests.wire.gemini_reading import read
from tests.wire.gemini_request import build
from tests.wire.hub import REPLAY_KEY, Instance
from tests.wire.neutral import Answer
from tests.wire.recording import Recording
from tests.wire.replay import Captured
from tests.wire.request import Built, minimal

_PATH = re.compile(
    r"/(?P<version>v1\w*)(/projects/[^/]+/locations/(?P<location>[^/]+)/publishers/google)?"
    r"/models/(?P<model>[^/:]+):(?P<method>\w+)"
)
PROJECT = "recorded"
"""In place of the project, whose name the recordings do not hold."""


class GenerateContent:
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
        if b'"file' in orjson.dumps(recording.request or {}):
            # What is named by its address a public provider is told; see PUBLIC_ADDRESS.
            origin = "/".join(root.split("/", 3)[:3])
            return Instance(name, recording.provider, f"http://{PUBLIC_ADDRESS}/{name}", tuple(options), proxy=origin)
        return Instance(name, recording.provider, root, tuple(options))

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request, streamed where it was; else the least that asks for such an answer."""
        outcome = Outcome(recording)
        model = f"{name}/{parsed(recording)['model']}"
        body = canonical(recording.request, bench.used)
        built = Built(minimal(model)) if body is None else build(body, model, recording.provider)
        got = await called(bench, built.request, stream=recording.streaming)
        sent = bench.server.requests(name)
        if recording.request is not None:
            _judge(bench, outcome, built.unmapped, body, sent, got)
        if sent:
            outcome.decode = compare.differences(read(recording), got)
        if len(sent) != 1:
            outcome.decode.append(f"the provider was asked {len(sent)} times: {got.failure}")
        return outcome


class GeminiTokens(GenerateContent):
    """Counting what generateContent would be sent."""

    @override
    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request; the count must be the provider's own."""
        outcome = Outcome(recording)
        model = parsed(recording)["model"]
        whole = recording.provider == "gemini"
        body = counted(canonical(recording.request, bench.used), model, bench.used, whole=whole)
        inner = body.get("generateContentRequest", body)
        built = build(inner, f"{name}/{model}", recording.provider)
        stub = chat_service_pb2_grpc.ChatServiceStub(bench.channel)
        got = await stub.CountTokens(built.request, metadata=bench.metadata, timeout=CALL_SECONDS)
        sent = bench.server.requests(name)
        expected = orjson.loads(recording.response_body)["totalTokens"]
        if (got.input_tokens, got.estimated) != (expected, False):
            outcome.decode.append(f"input_tokens: recorded {expected}, got {got.input_tokens}")
        _judge(bench, outcome, built.unmapped, body, sent, Answer())
        return outcome


def parsed(recording: Recording) -> dict[str, str]:
    """Version, location, model and method that the path names."""
    found = _PATH.match(recording.path)
    if found is None:
        raise ValueError(f"the path {recording.path} is none of this API")
    return found.groupdict()


def _judge(
    bench: Bench, outcome: Outcome, unmapped: list[str], body: object, sent: list[Captured], got: Answer
) -> None:
    """Fills in everything about the request."""
    recording = outcome.recording
    outcome.encode = []
    if recording.id in exceptions.BY_ID:
        outcome.exceptions.append(exceptions.BY_ID[recording.id])
        return
    for path in unmapped:
        if reason := exceptions.unsayable(recording.provider, path):
            outcome.exceptions.append(f"{path}: {reason}")
        else:
            outcome.encode.append(f"{path}: the contract has no field for it, and exceptions.py does not argue why")
    if not sent:
        outcome.encode.append(f"the hub sent nothing: {got.failure}")
        return
    request = sent[0]
    context = normalise.Context(elided=recording.media_elided > 0)
    left = normalise.explain(body, canonical(request.json(), bench.used), context, bench.used)
    outcome.encode += [told(difference) for difference in left]
    if not normalise.same_path(recording.path, request.path.replace(f"/{PROJECT}/", "/PROJECT/"), bench.used):
        outcome.encode.append(f"path: recorded {recording.path}, sent {request.path}")
    headers = {name.lower(): value for name, value in request.headers.items()}
    if headers.get("x-goog-api-key") != REPLAY_KEY or headers.get("content-type") != "application/json":
        outcome.encode.append("headers: the credential or the content type is not as it should be")
    outcome.encode += complaints(request.json(), count=request.path.endswith(":countTokens"))
