"""``chat.completions`` of every provider whose dialect is OpenAI's."""

from collections import Counter
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

import grpc
import orjson
from aignehub.v1 import chat_service_pb2, chat_service_pb2_grpc

from tests.wire import compare, exceptions, normalise, observed
from tests.wire.bench import CALL_SECONDS, Bench, Outcome
from tests.wire.hub import REPLAY_KEY, Instance
from tests.wire.jsondiff import ABSENT, Difference
from tests.wire.neutral import Answer, Failure
from tests.wire.recording import Json, Recording
from tests.wire.replay import Captured
from tests.wire.request import Built, build, minimal

KINDS = frozenset(
    {
        *("openai", "azure", "deepseek", "xai", "openrouter", "groq", "together", "fireworks", "perplexity"),
        *("cerebras", "huggingface", "zai", "mistral"),
    }
)
"""Providers of which the hub has a kind; any other is ``ANY_KIND``."""

ANY_KIND = "openai-compatible"

PUBLIC_ADDRESS = "192.175.48.6"
"""An address outside every private network, of a sink for stray queries (RFC 7534), to which nothing is sent.

The hub fetches a caller's URLs itself for a provider on a private address, such as the replay server's. The recorded
providers are public and were sent the URL, so where a request holds one its provider is configured at a public address
behind a forward proxy, and the proxy is the replay server.
"""

_MANTLE = "bedrock-mantle"
_DEPLOYMENTS = "/openai/deployments/"
_FOUNDRY = "/models/"
_SOME_VERSION = "2024-10-21"
"""For a path to a deployment whose recorder dropped the api-version, without which Azure answers none."""

_SUFFIX = "/chat/completions"


class ChatCompletions:
    """The module of this API."""

    def serves(self, recording: Recording) -> bool:
        """Every one."""
        return True

    def kind(self, recording: Recording) -> str:
        """The hub's kind of provider that the recording is replayed as."""
        if recording.provider == "azure" and recording.path.startswith(_FOUNDRY):
            return "azure-foundry"
        if recording.provider == "bedrock_mantle":
            return _MANTLE
        return recording.provider if recording.provider in KINDS else ANY_KIND

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """A provider of the recording's own kind, reached below ``root`` by the path it was recorded with."""
        kind = self.kind(recording)
        path, _, query = recording.path.partition("?")
        base = path.removesuffix(_SUFFIX)
        options: tuple[tuple[str, str], ...] = ()
        if kind.startswith("azure"):
            version = dict(parse_qsl(query)).get("api-version")
            if _DEPLOYMENTS in path:
                base, version = path.split(_DEPLOYMENTS)[0], version or _SOME_VERSION
            options = (("api_version", version),) if version else ()
        elif kind == _MANTLE:
            base, options = path.removesuffix("/v1" + _SUFFIX), (("region", "us-east-1"),)
        root, proxy = address(recording.request, name, root)
        return Instance(name, kind, root + base, options, proxy=proxy)

    def build(self, body: Mapping[str, Json], model: str, kind: str) -> Built:
        """The recorded request as one of the contract."""
        return build(body, model, kind)

    def _build(self, outcome: Outcome, model: str) -> Built | None:
        """The recorded request, or None where there is none or it is of a shape that no client could send."""
        recording = outcome.recording
        if recording.request is None:
            return None
        try:
            return self.build(recording.request, model, self.kind(recording))
        except (AttributeError, TypeError, ValueError, LookupError) as error:
            outcome.encode = [f"the recorded request cannot be read: {type(error).__name__}: {error}"]
            return None

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request where there is one, else the least that asks for such an answer."""
        outcome = Outcome(recording)
        model = f"{name}/{_model(recording)}"
        got: Answer | None = None
        built = self._build(outcome, model)
        if built is not None:
            got = await called(bench, built.request, stream=_streams(recording.request))
            requests = bench.server.requests(name)
            self._judge(bench, outcome, built.unmapped, requests, got.failure)
            if not requests:
                got = None
        if got is None:
            got = await called(bench, minimal(model), stream=recording.streaming)
        outcome.decode = compare.differences(self.read(bench, recording), got)
        times = len(bench.server.requests(name))
        if times != 1:
            outcome.decode.append(f"the provider was asked {times} times")
        return outcome

    def read(self, bench: Bench, recording: Recording) -> Answer:
        """The independent reading."""
        return bench.read(recording)

    def spell(self, body: Json, used: Counter[str]) -> Json:
        """A request in the one spelling that requests are compared in."""
        return body

    def validate(self, bench: Bench, body: Json) -> list[str] | None:
        """What OpenAI's published schema says against a request."""
        return None if bench.validate is None else bench.validate(body)

    def _judge(
        self,
        bench: Bench,
        outcome: Outcome,
        unmapped: list[str],
        requests: list[Captured],
        failure: Failure | None,
    ) -> None:
        """Fills in everything about the request."""
        recording = outcome.recording
        outcome.encode = []
        argued = exceptions.BY_ID.get(recording.id)
        if argued is not None:
            outcome.exceptions.append(argued)
        for path in unmapped:
            reason = exceptions.unsayable(recording.provider, path)
            if reason is not None:
                outcome.exceptions.append(f"{path}: {reason}")
            elif argued is None:
                outcome.encode.append(f"{path}: the contract has no field for it, and exceptions.py does not argue why")
        if not requests:
            if argued is None:
                told = "" if failure is None else f"{failure.code} {failure.message}"
                outcome.encode.append(f"the hub sent nothing: {told}")
            return
        sent = requests[0]
        outcome.encode += self._body(bench, recording, sent, unmapped) + _head(bench, recording, sent)
        if recording.provider == "openai":
            outcome.spec = self.validate(bench, sent.json())

    def _body(self, bench: Bench, recording: Recording, sent: Captured, unmapped: list[str]) -> list[str]:
        body = sent.json()
        if not isinstance(body, dict):
            return ["the body that was sent is no JSON object"]
        context = normalise.Context(
            elided=recording.media_elided > 0, deployment=_model(recording) if _DEPLOYMENTS in recording.path else ""
        )
        recorded, body = (self.spell(each, bench.used) for each in (recording.request, body))
        left = normalise.explain(recorded, body, context, bench.used)
        return [told(difference) for difference in left if not _left_out(difference, unmapped)]


def address(request: Json, name: str, root: str) -> tuple[str, str]:
    """Where to configure an instance whose replay is below ``root``, and the proxy that leads there; see above."""
    return (f"http://{PUBLIC_ADDRESS}/{name}", _origin(root)) if _names_urls(request) else (root, "")


def _streams(request: Json) -> bool:
    return isinstance(request, dict) and request.get("stream") is True


def _names_urls(request: Json) -> bool:
    """Whether some part of the request is media by its address."""
    if isinstance(request, dict):
        if any(isinstance(request.get(name), str) and request[name].startswith("http") for name in _URL_FIELDS):
            return True
        return any(_names_urls(value) for value in request.values())
    return isinstance(request, list) and any(_names_urls(value) for value in request)


_URL_FIELDS = ("url", "image_url", "file_data", "file_url")


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _model(recording: Recording) -> str:
    """The model the provider was asked for; Azure names it in the path, and its body may hold none."""
    if _DEPLOYMENTS in recording.path:
        return unquote(recording.path.split(_DEPLOYMENTS)[1].split("/")[0])
    asked = recording.request.get("model") if isinstance(recording.request, dict) else None
    return asked if isinstance(asked, str) and asked else recording.model or "model"


async def called(bench: Bench, request: chat_service_pb2.CreateChatCompletionRequest, *, stream: bool) -> Answer:
    """What the hub answers to a request."""
    if request.gateway.extra_body_json:
        bench.beside.update(list(orjson.loads(request.gateway.extra_body_json)))
    stub = chat_service_pb2_grpc.ChatServiceStub(bench.channel)
    if stream:
        return await _streamed(bench, stub, request)
    try:
        response = await stub.CreateChatCompletion(request, metadata=bench.metadata, timeout=CALL_SECONDS)
    except grpc.aio.AioRpcError as error:
        return Answer(failure=observed.failure(error))
    return observed.unary(response)


async def _streamed(
    bench: Bench,
    stub: chat_service_pb2_grpc.ChatServiceStub,
    request: chat_service_pb2.CreateChatCompletionRequest,
) -> Answer:
    stream = observed.Stream()
    try:
        async for chunk in stub.StreamChatCompletion(request, metadata=bench.metadata, timeout=CALL_SECONDS):
            stream.add(chunk)
    except grpc.aio.AioRpcError as error:
        return stream.answer(observed.failure(error))
    return stream.answer(None)


def _left_out(difference: Difference, unmapped: list[str]) -> bool:
    """Whether the difference is that a field was left out which the request could not say."""
    where = difference.where
    return difference.sent is ABSENT and any(where == path or path.startswith(f"{where}.") for path in unmapped)


def told(difference: Difference) -> str:
    """One difference as a line of the report."""
    recorded, sent = (_short(value) for value in (difference.recorded, difference.sent))
    return f"{difference.where}: recorded {recorded}, sent {sent}"


def _short(value: object) -> str:
    text = "absent" if value is ABSENT else repr(value)
    return text if len(text) <= 160 else f"{text[:80]}…{text[-80:]} ({len(text)})"


def _head(bench: Bench, recording: Recording, sent: Captured) -> list[str]:
    found = []
    if sent.method != "POST":
        found.append(f"method: {sent.method}")
    if not normalise.same_path(recording.path, sent.path, bench.used):
        found.append(f"path: recorded {recording.path}, sent {sent.path}")
    headers = {name.lower(): value for name, value in sent.headers.items()}
    if REPLAY_KEY not in (headers.get("authorization", "").removeprefix("Bearer "), headers.get("api-key")):
        found.append("headers: the provider's credential is missing")
    if not headers.get("content-type", "").startswith("application/json"):
        found.append("headers: the content type is not JSON's")
    return found
