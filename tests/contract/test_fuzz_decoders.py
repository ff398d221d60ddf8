"""What a provider never sent before is read rightly, or is one clear error: no codec lets anything else escape.

The bodies are those of the fakes of every kind (`tests/conversations`) and, where they are beside the project, some
recorded ones. A new kind needs nothing here but its fake; ``_APIS`` tells which recordings are of its chat.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from zlib import crc32

import pytest
from aignehub.v1.chat_service_pb2 import CreateChatCompletionResponse, StreamChatCompletionResponse

from server.errors import HubError
from server.providers.registry import PROVIDERS
from server.wire.by_model import codec_of
from server.wire.codec import ChatCodec, ChatStreamDecoder
from server.wire.http import HttpResponse
from tests.contract.damage import cut, mangled, scrambled
from tests.contract.shared import WIRE
from tests.conversations.dialects import DIALECTS
from tests.conversations.dialects.base import Dialect
from tests.conversations.neutral import Chance, Choice, Heard, Script, Thought, ToolCall, Usage
from tests.unit.wire.support import ask

_EXAMPLES = 25
"""Of each damage to each body."""
_APIS: Mapping[str, str] = {
    **dict.fromkeys(("openai", "mistral", "deepseek", "groq", "openrouter"), "chat.completions"),
    "anthropic": "messages",
    "ollama": "chat",
    "cohere": "chat",
    "gemini": "generateContent",
    "vertex": "generateContent",
}
"""By provider, the label of its recorded chat."""
_BY_RESPONSES = ("openai", "deepseek", "openrouter")
"""Providers with recordings of OpenAI's other API, which an option chooses."""
_MISLABELLED = frozenset({"ollama-chat-chat-text-5f37a575"})  # an answer of its compatible API
_NO_OPTIONS: Mapping[str, str] = {}
_SCRIPTS = (
    Script(
        (
            Choice(
                "Grüße 🌍 \n",
                thoughts=(Thought("hm", "c2ln/+="),),
                calls=(ToolCall("call_1", "f", {"a": [1, {}]}), ToolCall("call_2", "g", {})),
                finish="tool_calls",
            ),
        ),
        Usage(12, 34, cached=5, reasoning=6),
    ),
    Script((Choice("Hi é", logprobs=(Chance("Hi", -0.25, (("Hi", -0.25),)),), stop_sequence="END"),)),
)


@dataclass(frozen=True, slots=True)
class Body:
    """One answer, and who reads it."""

    name: str
    codec: ChatCodec
    headers: Mapping[str, str]
    data: bytes
    streamed: bool


def _played(dialect: Dialect) -> Iterator[Body]:
    chat = PROVIDERS[dialect.kind].chat
    assert chat
    codec = codec_of(chat(dialect.options), dialect.model)
    for place, script in enumerate(_SCRIPTS):
        told = dialect.tells(script)
        whole = dialect.answer(told, Heard(dialect.model))
        yield Body(f"{dialect.name}-{place}", codec, whole.headers, whole.body, streamed=False)
        events = dialect.stream(told, Heard(dialect.model, stream=True))
        yield Body(f"{dialect.name}-{place}-stream", codec, events.headers, b"".join(events.pieces), streamed=True)


def _recorded(provider: str, api: str, options: Mapping[str, str] = _NO_OPTIONS) -> Iterator[Body]:
    """The shortest ones."""
    chat = PROVIDERS[provider].chat
    assert chat
    found = sorted(WIRE.glob(f"{provider}/*.json"), key=lambda path: (path.stat().st_size, path.name))
    for path in found:
        told = json.loads(path.read_text())
        broken = told["status"] != 200 or "error_in_stream" in told["features"]
        # Cohere's first version is another API than the one that is spoken.
        broken = broken or (provider, told["path"]) == ("cohere", "/v1/chat")
        other = told["api"] != api or path.stem in _MISLABELLED
        if other or broken or told["response_body_encoding"] != "text":
            continue
        codec = codec_of(chat(options), told.get("model") or "m")
        yield Body(
            path.stem, codec, told["response_headers"], told["response_body"].encode(), bool(told["stream_format"])
        )


def _bodies() -> list[Body]:
    played = [body for dialect in DIALECTS for body in _played(dialect)]
    recorded = []
    sources = [(provider, api, _NO_OPTIONS) for provider, api in _APIS.items()]
    sources += [(provider, "responses", {"api": "responses"}) for provider in _BY_RESPONSES]
    for source in sources:
        for streamed in (False, True):
            recorded += list(islice((body for body in _recorded(*source) if body.streamed is streamed), 3))
    return played + recorded


BODIES = _bodies()
EVERY = pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)


def _read(body: Body) -> CreateChatCompletionResponse:
    return body.codec.decode(HttpResponse(200, body.headers, body.data), ask())


def _stream(decoder: ChatStreamDecoder, data: bytes, chance: Random) -> Iterator[StreamChatCompletionResponse]:
    at = 0
    while at < len(data) and not decoder.done:
        size = chance.choice((1, 20, 300, 5000))
        if (message := decoder.feed(data[at : at + size])) is not None:
            yield message
        at += size
    if not decoder.done:
        yield decoder.finish()


def _damaged(body: Body) -> Iterator[tuple[Body, Random]]:
    for name, damage in (("cut", cut), ("scrambled", scrambled), ("mangled", mangled), ("more mangled", mangled)):
        for example in range(_EXAMPLES):
            chance = Random(crc32(f"{body.name} {name} {example}".encode()))
            yield replace(body, name=f"{name} {example}", data=damage(body.data, chance)), chance


def _check_whole(body: Body) -> None:
    try:
        answer = _read(body)
    except HubError:
        return
    assert answer.choices
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer.SerializeToString()


def _check_stream(body: Body, chance: Random, *, is_cut: bool) -> None:
    decoder = body.codec.decoder(ask())
    ended: dict[int, bool] = {}
    try:
        for message in _stream(decoder, body.data, chance):
            assert message.SerializeToString() is not None
            for delta in message.choices:
                ended[delta.index] = ended.get(delta.index, False) or bool(delta.finish_reason)
    except HubError:
        assert decoder.broken().HasField("usage")
    else:
        # What was cut off before it ended must not look like an answer.
        assert not is_cut or (ended and all(ended.values()))
    assert decoder.usage().total_tokens >= 0


@EVERY
def test_the_body_itself_is_read(body: Body) -> None:
    if body.streamed:
        _check_stream(body, Random(1), is_cut=True)
        assert list(_stream(body.codec.decoder(ask()), body.data, Random(2)))
    else:
        assert _read(body).choices


@EVERY
def test_damage_is_read_or_is_one_error(body: Body) -> None:
    for damaged, chance in _damaged(body):
        try:
            if body.streamed:
                _check_stream(damaged, chance, is_cut=damaged.name.startswith("cut"))
            else:
                _check_whole(damaged)
        except Exception as error:
            raise AssertionError(f"{damaged.name}: {type(error).__name__}: {error}\n{damaged.data!r}") from error


@EVERY
def test_a_refusal_is_read_whatever_it_says(body: Body) -> None:
    for damaged, chance in islice(_damaged(body), 0, None, 4):
        status = chance.choice((400, 401, 404, 429, 500, 503))
        error = body.codec.decode_error(HttpResponse(status, body.headers, damaged.data))
        assert error.metadata["providerStatus"] == str(status)
