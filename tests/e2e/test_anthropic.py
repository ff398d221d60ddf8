"""Claude through a running hub: credentials, failures as statuses, counts, a caller that goes away."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from aignehub.v1 import chat_pb2
from aiohttp import web

from server.errors import ConfigError
from tests.fake_provider import FakeProvider, answers, streams
from tests.running import RunningHub, ask, failure, running_hub, until
from tests.unit.wire.anthropic.support import block, deltas, end, framed, parts_of, start, text

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATUSES = (400, 401, 404, 413, 429, 503, 529)
MODEL = "claude/claude-opus-4-6"
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-6",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 5, "output_tokens": 2},
}


@dataclass
class Scene:
    """A hub with two instances of Anthropic, which one fake plays."""

    hub: RunningHub
    fake: FakeProvider

    async def ask(self, **fields: Any) -> Any:
        return await self.hub.chat.CreateChatCompletion(ask(**fields), metadata=self.hub.auth, timeout=5)

    async def fails(self, body: Any, status: int, headers: dict[str, str] | None = None) -> Any:
        """What a caller is told; the instance is one of its own, since the hub rests what failed."""
        self.fake.answer = answers(body, status, headers)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await self.ask(model=f"fails-{status}/claude-opus-4-6")
        return failure(raised.value)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with FakeProvider(answers(ANSWER)) as fake:
        address = fake.base_url.removesuffix("/v1")
        instances: list[dict[str, Any]] = [
            {"name": "claude", "kind": "anthropic", "base_url": address, "api_keys": ["sk-ant-api03-one"]},
            {"name": "login", "kind": "anthropic", "base_url": address, "api_keys": ["sk-ant-oat01-two"]},
            {
                "name": "ahead",
                "kind": "anthropic",
                "base_url": f"{address}/v1/",
                "api_keys": ["k"],
                "options": {"betas": "context-1m-2025-08-07, fast-mode-2026-02-01"},
            },
            {"name": "foundry", "kind": "azure-anthropic", "base_url": f"{address}/anthropic", "api_keys": ["three"]},
            *(
                {"name": name, "kind": "anthropic", "base_url": address, "api_keys": ["sk-ant-api03-one"]}
                for name in ("overload", "cut", *(f"fails-{status}" for status in STATUSES))
            ),
        ]
        folder: Path = tmp_path_factory.mktemp("anthropic")
        async with running_hub(folder, providers=instances, sandbox=False, routing={"max_repeats": 0}) as hub:
            yield Scene(hub, fake)


@pytest.fixture
def scene(stage: Scene) -> Scene:
    stage.fake.answer = answers(ANSWER, headers={"request-id": "req_1"})
    stage.fake.seen.clear()
    return stage


async def test_a_key_goes_in_a_header_of_its_own(scene: Scene) -> None:
    response = await scene.ask(model=MODEL)
    [seen] = scene.fake.seen
    assert seen.raw_path == "/v1/messages"
    headers = {name.lower(): value for name, value in seen.headers.items()}
    assert headers["x-api-key"] == "sk-ant-api03-one"
    assert headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in headers
    assert response.choices[0].message.content[0].text == "Hello."
    assert response.gateway.provider_request_id == "req_1"


async def test_an_oauth_token_is_a_bearer_and_adds_its_beta(scene: Scene) -> None:
    file = chat_pb2.ContentPart()
    file.file.media.file_id = "file_1"
    request = ask(model="login/claude-opus-4-6")
    request.messages[0].content.append(file)
    await scene.hub.chat.CreateChatCompletion(request, metadata=scene.hub.auth, timeout=5)
    headers = {name.lower(): value for name, value in scene.fake.seen[0].headers.items()}
    assert headers["authorization"] == "Bearer sk-ant-oat01-two"
    assert headers["anthropic-beta"] == "files-api-2025-04-14,oauth-2025-04-20"
    assert "x-api-key" not in headers


async def test_foundry_is_the_same_below_its_own_path(scene: Scene) -> None:
    response = await scene.ask(model="foundry/my-claude")
    [seen] = scene.fake.seen
    assert (seen.raw_path, seen.headers["x-api-key"]) == ("/anthropic/v1/messages", "three")
    assert seen.json["model"] == "my-claude"
    assert response.gateway.provider == "foundry"


async def test_betas_of_the_configuration_come_before_those_that_a_call_needs(scene: Scene) -> None:
    request = ask(model="ahead/claude-x", service_tier="fast")
    request.gateway.extra_body_json = '{"mcp_servers": []}'
    await scene.hub.chat.CreateChatCompletion(request, metadata=scene.hub.auth, timeout=5)
    [seen] = scene.fake.seen
    headers = {name.lower(): value for name, value in seen.headers.items()}
    assert headers["anthropic-beta"] == "context-1m-2025-08-07,fast-mode-2026-02-01,mcp-client-2025-11-20"
    assert seen.raw_path == "/v1/messages"


async def test_a_beta_that_is_none_is_found_at_the_start(tmp_path: Path) -> None:
    wrong = {"name": "c", "kind": "anthropic", "api_keys": ["k"], "options": {"betas": "no such"}}
    with pytest.raises(ConfigError) as raised:
        async with running_hub(tmp_path, providers=[wrong], sandbox=False):
            pass
    assert str(raised.value).startswith("providers[0].options.betas: 'no such'")


@pytest.mark.parametrize(
    ("status", "kind", "code", "reason"),
    [
        (400, "invalid_request_error", "INVALID_ARGUMENT", "PROVIDER_REJECTED_REQUEST"),
        (401, "authentication_error", "UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID"),
        (404, "not_found_error", "NOT_FOUND", "MODEL_NOT_FOUND"),
        (413, "request_too_large", "INVALID_ARGUMENT", "PROVIDER_REJECTED_REQUEST"),
        (429, "rate_limit_error", "RESOURCE_EXHAUSTED", "PROVIDER_RATE_LIMITED"),
        (529, "overloaded_error", "UNAVAILABLE", "PROVIDER_UNAVAILABLE"),
    ],
)
async def test_failures(scene: Scene, status: int, kind: str, code: str, reason: str) -> None:
    told = await scene.fails({"type": "error", "error": {"type": kind, "message": "said sk-ant-api03-one"}}, status)
    assert (told.code.name, told.reason) == (code, reason)
    assert "sk-ant-api03-one" not in told.message


async def test_a_wait_that_was_asked_for_is_told(scene: Scene) -> None:
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    told = await scene.fails(body, 503, {"retry-after": "7"})
    assert told.retry.retry_delay.seconds == 7


async def test_overload_within_a_stream(scene: Scene) -> None:
    overload = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    scene.fake.answer = streams(framed([start(), *text(0, "Hel")]), framed([overload]), pause=0.02)
    call = scene.hub.chat.StreamChatCompletion(ask(model="overload/claude-x"), metadata=scene.hub.auth, timeout=5)
    chunks = []
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        async for chunk in call:
            chunks.append(chunk)
    assert failure(raised.value).reason == "PROVIDER_UNAVAILABLE"
    assert "".join(delta.content for chunk in chunks for delta in chunk.choices) == "Hel"
    assert chunks[-1].usage.input_tokens == 10


async def test_a_stream_that_breaks_off_is_no_answer(scene: Scene) -> None:
    scene.fake.answer = streams(framed([start(), *text(0, "Hel")]))
    call = scene.hub.chat.StreamChatCompletion(ask(model="cut/claude-x"), metadata=scene.hub.auth, timeout=5)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        async for _ in call:
            pass
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_caller_that_goes_away_ends_the_providers_work(scene: Scene) -> None:
    gone = len(scene.fake.disconnects)

    async def wait() -> None:
        await asyncio.sleep(60)

    scene.fake.answer = streams(framed([start(), *text(0, "Hel")]), then=wait)
    call = scene.hub.chat.StreamChatCompletion(ask(model=MODEL), metadata=scene.hub.auth, timeout=30)
    await call.read()
    call.cancel()
    await until(lambda: len(scene.fake.disconnects) > gone)


async def test_tokens_are_counted_by_the_provider(scene: Scene) -> None:
    scene.fake.answer = answers({"input_tokens": 2095})
    request = ask(model=MODEL, temperature=0.3, max_completion_tokens=5)
    response = await scene.hub.chat.CountTokens(request, metadata=scene.hub.auth, timeout=5)
    assert (response.input_tokens, response.estimated, response.model) == (2095, False, "claude-opus-4-6")
    [seen] = scene.fake.seen
    assert seen.raw_path == "/v1/messages/count_tokens"
    assert seen.json == {"model": "claude-opus-4-6", "messages": [{"role": "user", "content": "Hi"}]}


async def test_text_by_its_address_is_not_handed_on(scene: Scene) -> None:
    request = ask(model=MODEL)
    part = chat_pb2.ContentPart()
    part.file.media.url = "http://127.0.0.1:9/notes.txt"
    request.messages[0].content.append(part)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await scene.hub.chat.CreateChatCompletion(request, metadata=scene.hub.auth, timeout=5)
    # The hub fetches it itself, by the rules for callers' addresses.
    assert failure(raised.value).reason == "URL_NOT_ALLOWED"
    assert not scene.fake.seen


async def test_a_whole_answer_is_streamed_as_one_message(scene: Scene) -> None:
    async def plain(_request: web.Request) -> web.Response:
        return web.json_response(ANSWER)

    scene.fake.answer = plain
    call = scene.hub.chat.StreamChatCompletion(ask(model=MODEL), metadata=scene.hub.auth, timeout=5)
    [message] = [chunk async for chunk in call]
    assert message.choices[0].content == "Hello."
    scene.fake.answer = streams(framed([start(), *text(0, "Hi."), *end()]))
    call = scene.hub.chat.StreamChatCompletion(ask(model=MODEL), metadata=scene.hub.auth, timeout=5)
    assert [chunk async for chunk in call][-1].usage.total_tokens == 15


USE: dict[str, Any] = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "a cat"}}
FOUND: dict[str, Any] = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [
        {"type": "web_search_result", "url": "https://x.test", "title": "X", "encrypted_content": "EqgfCioIARgB"}
    ],
}
PAUSED = {**ANSWER, "content": [USE, FOUND], "stop_reason": "pause_turn"}
# https://platform.claude.com/docs/en/build-with-claude/citations
CITED = {
    "type": "char_location",
    "cited_text": "Cats purr.",
    "document_index": 0,
    "document_title": "Cats",
    "start_char_index": 0,
    "end_char_index": 10,
}
SAID = {**ANSWER, "content": [{"type": "text", "text": "They purr.", "citations": [CITED]}]}


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_turn_of_its_own_tools_that_pauses_goes_on_where_it_was(scene: Scene, streamed: bool) -> None:
    """Server tools, a pause, a document and its citations, with everything that came sent back as it was."""
    request = ask(model=MODEL)
    request.web_search_options.SetInParent()
    document = request.messages[0].content.add().file
    document.media.data, document.media.mime_type, document.citations = b"Cats purr.", "text/plain", True
    message = chat_pb2.Message(role=chat_pb2.ROLE_ASSISTANT)
    if streamed:
        blocks = [block(number, one) for number, one in enumerate((USE, FOUND))]
        scene.fake.answer = streams(framed([start(), *blocks[0], *blocks[1], *end("pause_turn")]))
        call = scene.hub.chat.StreamChatCompletion(request, metadata=scene.hub.auth, timeout=5)
        told = [one async for one in call]
        message.content.extend(parts_of(told))
        finish = deltas(told)[-1].finish_reason
    else:
        scene.fake.answer = answers(PAUSED)
        paused = await scene.hub.chat.CreateChatCompletion(request, metadata=scene.hub.auth, timeout=5)
        message, finish = paused.choices[0].message, paused.choices[0].finish_reason
    assert finish == chat_pb2.FINISH_REASON_PAUSE
    assert [json.loads(part.provider.json) for part in message.content] == [USE, FOUND]
    request.messages.append(message)
    scene.fake.answer = answers(SAID)
    whole = await scene.hub.chat.CreateChatCompletion(request, metadata=scene.hub.auth, timeout=5)
    first, second = scene.fake.seen
    assert [tool["name"] for tool in first.json["tools"]] == ["web_search"]
    assert first.json["messages"][0]["content"][-1]["citations"] == {"enabled": True}
    assert second.json["messages"][:1] == first.json["messages"]
    assert second.json["messages"][1] == {"role": "assistant", "content": [USE, FOUND]}
    [citation] = whole.choices[0].citations
    assert (citation.quoted_text, citation.document_index, citation.source_end_index) == ("Cats purr.", 0, 10)
