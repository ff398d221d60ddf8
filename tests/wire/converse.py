"""``converse`` and ``count_tokens`` of Amazon Bedrock."""

import orjson
from aignehub.v1 import chat_service_pb2_grpc
from typing_extensions import override

from tests.converse_schema import complaints
from tests.wire import compare, exceptions, normalise
from tests.wire.bench import CALL_SECONDS, Bench, Outcome
from tests.wire.chat import called, told
from tests.wire.converse_reading import model_of, read
from tests.wire.converse_request import build
from tests.wire.hub import REPLAY_KEY, Instance
from tests.wire.neutral import Answer
from tests.wire.recording import Recording
from tests.wire.replay import Captured

_KIND = "bedrock"
_OPTIONS = (("region", "us-east-1"),)


class Converse:
    """The module of this API."""

    def serves(self, recording: Recording) -> bool:
        """Every recording."""
        return True

    def kind(self, recording: Recording) -> str:
        """The provider's own."""
        return _KIND

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """Bedrock at the replay's address."""
        return Instance(name, _KIND, root, _OPTIONS)

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request, streamed where it was."""
        outcome = Outcome(recording, encode=[])
        built = build(recording.request or {}, f"{name}/{model_of(recording)}")
        got = await called(bench, built.request, stream=recording.path.endswith("-stream"))
        sent = bench.server.requests(name)
        _judge(bench, outcome, built.unmapped, sent, got)
        if sent:
            outcome.decode = compare.differences(read(recording), got)
        if len(sent) != 1:
            outcome.decode.append(f"the provider was asked {len(sent)} times")
        return outcome


class CountTokens(Converse):
    """Counting what Converse would be sent; what InvokeModel would be is none of the hub's, see invoke_model.py."""

    @override
    def serves(self, recording: Recording) -> bool:
        return "converse" in (recording.request or {})["input"]

    @override
    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request; the count must be the provider's own."""
        outcome = Outcome(recording, encode=[])
        model = f"{name}/{model_of(recording)}"
        built = build((recording.request or {})["input"]["converse"], model)
        stub = chat_service_pb2_grpc.ChatServiceStub(bench.channel)
        got = await stub.CountTokens(built.request, metadata=bench.metadata, timeout=CALL_SECONDS)
        sent = bench.server.requests(name)
        expected = orjson.loads(recording.response_body)["inputTokens"]
        if (got.input_tokens, got.estimated) != (expected, False):
            outcome.decode.append(f"input_tokens: recorded {expected}, got {got.input_tokens}")
        _judge(bench, outcome, built.unmapped, sent, Answer())
        return outcome


def _judge(bench: Bench, outcome: Outcome, unmapped: list[str], sent: list[Captured], got: Answer) -> None:
    """Fills in everything about the request."""
    recording = outcome.recording
    if recording.id in exceptions.BY_ID:
        outcome.exceptions.append(exceptions.BY_ID[recording.id])
        return
    assert outcome.encode is not None
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
    left = normalise.explain(recording.request, request.json(), context, bench.used)
    outcome.encode += [told(difference) for difference in left if not outcome.exceptions]
    if not normalise.same_path(recording.path, request.path, bench.used):
        outcome.encode.append(f"path: recorded {recording.path}, sent {request.path}")
    headers = {name.lower(): value for name, value in request.headers.items()}
    if headers.get("authorization") != f"Bearer {REPLAY_KEY}" or headers.get("content-type") != "application/json":
        outcome.encode.append("headers: the credential or the content type is not as it should be")
    operation = {"converse": "Converse", "converse-stream": "ConverseStream", "count-tokens": "CountTokens"}
    if against := complaints(operation[request.path.rpartition("/")[2]], request.json()):
        outcome.encode.append(f"botocore: {against}")
