"""``messages`` and ``count_tokens`` of Anthropic."""

from collections.abc import Callable

import orjson
from aignehub.v1 import chat_service_pb2_grpc
from typing_extensions import override

from tests.wire import compare, exceptions, normalise
from tests.wire.anthropic_reading import read
from tests.wire.anthropic_request import build
from tests.wire.bench import CALL_SECONDS, Bench, Outcome
from tests.wire.chat import address, called, told
from tests.wire.hub import REPLAY_KEY, Instance
from tests.wire.neutral import Answer
from tests.wire.recording import Recording
from tests.wire.replay import Captured
from tests.wire.request import Built, minimal

KIND = "anthropic"
_PATH = "/v1/messages"


class Messages:
    """The module of this API. ``read`` is its reading of an answer; a test may put a wrong one there."""

    def __init__(self, reading: Callable[[Recording], Answer] = read) -> None:
        self._read = reading

    def serves(self, recording: Recording) -> bool:
        """Anthropic's own."""
        return recording.provider == KIND

    def kind(self, recording: Recording) -> str:
        """The provider's own."""
        return KIND

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """Anthropic at the replay's address, below what the recorded path had before its own."""
        base, proxy = address(recording.request, name, root)
        return Instance(name, KIND, base + recording.path.partition(_PATH)[0], proxy=proxy)

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request where there is one that a client could send, else the least."""
        outcome = Outcome(recording)
        model = f"{name}/{_model(recording)}"
        built = _build(outcome, model)
        sent = bench.server.requests(name)
        got: Answer | None = None
        if built is not None:
            got = await called(bench, built.request, stream=recording.streaming)
            _judge(bench, outcome, built.unmapped, sent, got)
        if got is None or not sent:
            got = await called(bench, minimal(model), stream=recording.streaming)
        outcome.decode = compare.differences(self._read(recording), got)
        if len(sent) != 1:
            outcome.decode.append(f"the provider was asked {len(sent)} times")
        return outcome


class MessageTokens(Messages):
    """Counting what Messages would be sent."""

    @override
    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request; the count must be the provider's own."""
        outcome = Outcome(recording)
        built = _build(outcome, f"{name}/{_model(recording)}")
        assert built is not None
        stub = chat_service_pb2_grpc.ChatServiceStub(bench.channel)
        got = await stub.CountTokens(built.request, metadata=bench.metadata, timeout=CALL_SECONDS)
        expected = orjson.loads(recording.response_body)["input_tokens"]
        if (got.input_tokens, got.estimated) != (expected, False):
            outcome.decode.append(f"input_tokens: recorded {expected}, got {got.input_tokens}")
        _judge(bench, outcome, built.unmapped, bench.server.requests(name), Answer())
        return outcome


def _model(recording: Recording) -> str:
    asked = recording.request.get("model") if isinstance(recording.request, dict) else None
    return asked or recording.model or "model"


def _build(outcome: Outcome, model: str) -> Built | None:
    request = outcome.recording.request
    if request is None:
        return None
    outcome.encode = []
    try:
        return build(request, model)
    except (AttributeError, TypeError, ValueError, LookupError) as error:
        if (argued := exceptions.BY_ID.get(outcome.recording.id)) is not None:
            outcome.exceptions.append(argued)
        else:
            outcome.encode.append(f"the recorded request cannot be read: {type(error).__name__}: {error}")
        return None


def _judge(bench: Bench, outcome: Outcome, unmapped: list[str], sent: list[Captured], got: Answer) -> None:
    """Fills in everything about the request."""
    recording = outcome.recording
    assert outcome.encode is not None
    if recording.id in exceptions.BY_ID:
        outcome.exceptions.append(exceptions.BY_ID[recording.id])
    for path in unmapped:
        if reason := exceptions.unsayable(recording.provider, path):
            outcome.exceptions.append(f"{path}: {reason}")
        else:
            outcome.encode.append(f"{path}: the contract has no field for it, and exceptions.py does not argue why")
    if not sent:
        if not outcome.exceptions:
            outcome.encode.append(f"the hub sent nothing: {got.failure}")
        return
    request = sent[0]
    context = normalise.Context(elided=recording.media_elided > 0)
    left = normalise.explain(recording.request, request.json(), context, bench.used)
    if not outcome.exceptions:
        outcome.encode += [told(difference) for difference in left]
    if request.path != recording.path.partition("?")[0].removeprefix(recording.path.partition(_PATH)[0]):
        outcome.encode.append(f"path: recorded {recording.path}, sent {request.path}")
    headers = {name.lower(): value for name, value in request.headers.items()}
    if headers.get("x-api-key") != REPLAY_KEY or not headers.get("anthropic-version"):
        outcome.encode.append("headers: the credential or the version is missing")
