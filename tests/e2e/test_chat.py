"""Chat through the front door: a real hub, a real provider over HTTP, a generated stub."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import chat_pb2, chat_service_pb2, options_pb2
from aiohttp import web

from tests.fake_provider import DONE, USAGE, FakeProvider, answers, breaks_off, chunk, completion, streams
from tests.running import ask, bearer, failure, provider, running_hub


async def test_a_unary_answer_with_everything_a_caller_is_told(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(completion(), headers={"x-request-id": "req-77"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, options={"organization": "org-1"})]) as hub,
    ):
        call = hub.chat.CreateChatCompletion(
            ask("Hi", temperature=0.7, max_completion_tokens=9),
            metadata=(*hub.auth, ("x-request-id", "mine-1")),
            timeout=5,
        )
        response = await call
        trailers = dict(await call.trailing_metadata())
    [seen] = fake.seen
    assert seen.raw_path == "/v1/chat/completions"
    assert seen.headers["Authorization"] == "Bearer sk-test-upstream-key"
    assert seen.headers["OpenAI-Organization"] == "org-1"
    assert seen.json["messages"] == [{"role": "user", "content": "Hi"}]
    assert (seen.json["model"], seen.json["temperature"], seen.json["max_completion_tokens"]) == ("gpt-test", 0.7, 9)
    assert "top_p" not in seen.json
    [choice] = response.choices
    assert choice.message.content[0].text == "Hello there"
    assert choice.message.role == chat_pb2.ROLE_ASSISTANT
    assert (choice.finish_reason, choice.native_finish_reason) == (chat_pb2.FINISH_REASON_STOP, "stop")
    assert (response.id, response.model, response.create_time.seconds) == ("chatcmpl-1", "gpt-test", 1750000000)
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens) == (5, 2, 7)
    gateway = response.gateway
    assert (gateway.request_id, gateway.provider, gateway.provider_model) == ("mine-1", "openai", "gpt-test")
    assert gateway.provider_request_id == "req-77"
    assert [(a.provider, a.credential) for a in gateway.attempts] == [("openai", "key-1")]
    assert gateway.gateway_duration.ToMicroseconds() > 0
    assert trailers["x-request-id"] == "mine-1"
    for phase in ("auth;dur=", "upstream_ttfb;dur=", "upstream;dur=", "total;dur="):
        assert phase in trailers["server-timing"]


async def test_the_first_delta_leaves_before_the_provider_ends(tmp_path: Path) -> None:
    may_end = asyncio.Event()

    async def wait() -> None:
        await asyncio.wait_for(may_end.wait(), 5)

    first = chunk({"role": "assistant", "content": "Hel"})
    answer = streams(first, then=wait)
    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = hub.chat.StreamChatCompletion(ask(), metadata=hub.auth, timeout=5)
        received = await call.read()
        assert isinstance(received, chat_service_pb2.StreamChatCompletionResponse)
        assert received.choices[0].content == "Hel"
        assert not may_end.is_set()
        may_end.set()
        with pytest.raises(grpc.aio.AioRpcError):  # it never sent its proper end
            while await call.read() is not grpc.aio.EOF:
                pass


async def test_the_streaming_contract(tmp_path: Path) -> None:
    pieces = [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}) + chunk({"content": "lo"}),
        chunk({"content": "!"}),
        chunk({}, "stop") + USAGE + DONE,
    ]
    async with (
        FakeProvider(streams(*pieces, pause=0.02)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = hub.chat.StreamChatCompletion(ask(), metadata=hub.auth, timeout=5)
        chunks = [one async for one in call]
    assert fake.seen[0].json["stream_options"] == {"include_usage": True}
    assert ["".join(d.content for d in one.choices) for one in chunks] == ["Hello", "!", ""]
    first, middle, last = chunks
    assert (first.id, first.model, first.choices[0].role) == ("chatcmpl-1", "gpt-test", chat_pb2.ROLE_ASSISTANT)
    assert (middle.id, middle.model, middle.HasField("usage"), middle.HasField("gateway")) == ("", "", False, False)
    assert not first.HasField("usage")
    assert last.choices[0].finish_reason == chat_pb2.FINISH_REASON_STOP
    assert last.usage.total_tokens == 7
    assert last.gateway.provider == "openai"
    assert last.gateway.time_to_first_token.ToMicroseconds() > 0


async def test_deltas_are_merged_within_the_window_that_was_asked_for(tmp_path: Path) -> None:
    words = [f"w{place} " for place in range(20)]
    pieces = [chunk({"content": word}) for word in words]
    async with (
        FakeProvider(streams(*pieces, chunk({}, "stop") + USAGE + DONE, pause=0.002)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        options = chat_service_pb2.StreamOptions(coalesce_ms=1000)
        call = hub.chat.StreamChatCompletion(ask(stream_options=options), metadata=hub.auth, timeout=5)
        chunks = [one async for one in call]
    assert ["".join(d.content for d in one.choices) for one in chunks] == ["w0 ", "".join(words[1:])]
    assert chunks[0].id
    assert chunks[-1].choices[-1].finish_reason == chat_pb2.FINISH_REASON_STOP
    assert chunks[-1].usage.total_tokens == 7
    assert chunks[-1].gateway.provider == "openai"


async def test_a_stream_the_provider_cuts_ends_with_usage_and_a_status(tmp_path: Path) -> None:
    received = []
    async with (
        FakeProvider(breaks_off) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = hub.chat.StreamChatCompletion(ask(), metadata=hub.auth, timeout=5)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            async for one in call:
                received.append(one)
    assert "".join(d.content for one in received for d in one.choices) == "Hello"
    last = received[-1]
    assert last.usage.estimated
    assert last.usage.output_tokens > 0
    assert last.gateway.request_id
    told = failure(raised.value)
    assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    assert len(fake.seen) == 1


async def test_usage_so_far_on_every_chunk_where_asked(tmp_path: Path) -> None:
    pieces = [chunk({"content": "one "}), chunk({"content": "two"}), chunk({}, "stop") + USAGE + DONE]
    async with (
        FakeProvider(streams(*pieces, pause=0.02)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        options = chat_service_pb2.StreamOptions(continuous_usage=True)
        call = hub.chat.StreamChatCompletion(ask(stream_options=options), metadata=hub.auth, timeout=5)
        chunks = [one async for one in call]
    assert all(one.usage.output_tokens > 0 for one in chunks)
    assert [one.usage.estimated for one in chunks] == [True, True, False]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_of_the_provider_becomes_the_right_status(tmp_path: Path, stream: bool) -> None:
    body = {"error": {"message": "Incorrect API key provided: sk-test-upstream-key", "code": "invalid_api_key"}}
    async with (
        FakeProvider(answers(body, 401)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            if stream:
                async for _ in hub.chat.StreamChatCompletion(ask(), metadata=hub.auth, timeout=5):
                    pass
            else:
                await hub.chat.CreateChatCompletion(ask(), metadata=hub.auth, timeout=5)
    told = failure(raised.value)
    assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "PROVIDER_CREDENTIAL_INVALID")
    assert told.metadata["provider"] == "openai"
    assert "sk-test" not in repr(raised.value)
    assert "server-timing" in told.trailers  # timings and details arrive together
    assert told.request.request_id == told.trailers["x-request-id"]
    assert told.details_bytes <= 4096


async def test_a_rate_limit_tells_when_to_come_back(tmp_path: Path) -> None:
    body = {"error": {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}}
    async with (
        FakeProvider(answers(body, 429, {"Retry-After": "7"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(ask(), metadata=hub.auth, timeout=5)
    told = failure(raised.value)
    assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "PROVIDER_RATE_LIMITED")
    assert told.retry.retry_delay.seconds == 7
    assert len(fake.seen) == 1  # exactly one exchange


async def test_a_host_that_echoes_the_hubs_key_does_not_tell_it_to_callers(tmp_path: Path) -> None:
    echo = {"headers": {"authorization": "Bearer sk-test-upstream-key"}}

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        whole = {**completion("said with sk-test-upstream-key"), **echo}
        pieces = streams(chunk({"content": "Hi"}, "stop", **echo), USAGE, DONE)
        return await (pieces if asked.get("stream") else answers(whole))(request)

    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        unary = await hub.chat.CreateChatCompletion(ask(), metadata=hub.auth, timeout=5)
        assert unary.provider_fields_json == '{"headers":{"authorization":"Bearer [redacted]"}}'
        streamed = [one async for one in hub.chat.StreamChatCompletion(ask(), metadata=hub.auth, timeout=5)]
        assert "sk-test" not in str([unary, *streamed])
        assert "[redacted]" in str(streamed)


async def test_a_request_out_of_range_names_its_fields(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(completion())) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        request = ask(temperature=3.0, top_p=1.5)
        request.messages.add(role=chat_pb2.ROLE_TOOL)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(request, metadata=hub.auth, timeout=5)
    told = failure(raised.value)
    assert told.code == grpc.StatusCode.INVALID_ARGUMENT
    fields = {violation.field for violation in told.bad_request.field_violations}
    assert {"temperature", "top_p", "messages[1]"} <= fields
    assert not fake.seen


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"use_cache": True}, "gateway.use_cache"),
        ({"max_cost_nano_usd": 5}, "gateway.max_cost_nano_usd"),
        ({"provider_headers": {"a": "b"}}, "gateway.provider_headers"),
    ],
)
async def test_what_is_not_built_is_refused_by_name(tmp_path: Path, options: dict[str, object], field: str) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        request = ask(model="sandbox/echo", gateway=options_pb2.GatewayOptions(**options))  # type: ignore[arg-type]
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(request, metadata=hub.auth, timeout=5)
    told = failure(raised.value)
    assert (told.code, told.reason) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_BUILT")
    assert told.metadata["field"] == field


async def test_the_hatch_for_new_fields_needs_a_right_and_owns_nothing(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(completion())) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        gateway = options_pb2.GatewayOptions(extra_body_json='{"brand_new": {"deep": 1}}')
        await hub.chat.CreateChatCompletion(ask(gateway=gateway), metadata=hub.auth, timeout=5)
        assert fake.seen[0].json["brand_new"] == {"deep": 1}
        plain = bearer(await hub.new_key(allowed_methods=["aignehub.v1.ChatService/*"]))
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(ask(gateway=gateway), metadata=plain, timeout=5)
        assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
        owned = options_pb2.GatewayOptions(extra_body_json='{"model": "other"}')
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(ask(gateway=owned), metadata=hub.auth, timeout=5)
    told = failure(raised.value)
    assert told.code == grpc.StatusCode.INVALID_ARGUMENT
    assert told.bad_request.field_violations[0].field.startswith("gateway.extra_body_json")


async def test_an_empty_model_takes_the_default_or_is_named(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "a", sandbox=True, defaults={"chat": "sandbox/echo"}) as hub:
        response = await hub.chat.CreateChatCompletion(ask("knock", model=""), metadata=hub.auth, timeout=5)
        assert "knock" in response.choices[0].message.content[0].text
    async with running_hub(tmp_path / "b", sandbox=True) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(ask(model=""), metadata=hub.auth, timeout=5)
    assert failure(raised.value).bad_request.field_violations[0].field == "model"


async def test_tokens_are_counted_without_a_call(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(completion())) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        counted = await hub.chat.CountTokens(ask("word " * 400), metadata=hub.auth, timeout=5)
    assert 300 < counted.input_tokens < 700
    assert counted.estimated
    assert counted.model == "openai/gpt-test"
    assert not fake.seen


async def test_two_instances_of_one_kind_are_two_providers(tmp_path: Path) -> None:
    async with FakeProvider(answers(completion("a"))) as one, FakeProvider(answers(completion("b"))) as two:
        providers = [provider(one.base_url, "first"), provider(two.base_url, "second")]
        async with running_hub(tmp_path, providers=providers) as hub:
            for name, text in (("first", "a"), ("second", "b")):
                answer = await hub.chat.CreateChatCompletion(ask(model=f"{name}/m"), metadata=hub.auth, timeout=5)
                assert answer.choices[0].message.content[0].text == text


HOSTILE = [
    "../../admin",
    "a?x=1",
    "a#f",
    "a/../../b",
    "%2e%2e%2f",
    "a\\b",
    "\u2215etc",
    "..",
    ".",
    "a b",
    "a%00b",
    "a;b",
]


@pytest.mark.parametrize("kind", ["openai", "azure"])
async def test_hostile_model_names_never_change_the_path(tmp_path: Path, kind: str) -> None:
    async with FakeProvider(answers(completion())) as fake:
        more = {"options": {"api_version": "2024-10-21"}} if kind == "azure" else {}
        base = fake.base_url.removesuffix("/v1") if kind == "azure" else fake.base_url
        async with running_hub(tmp_path, providers=[provider(base, "p", kind, **more)]) as hub:
            for name in HOSTILE:
                await hub.chat.CreateChatCompletion(ask(model=f"p/{name}"), metadata=hub.auth, timeout=5)
    for name, seen in zip(HOSTILE, fake.seen, strict=True):
        if kind == "openai":
            assert (seen.raw_path, seen.json["model"]) == ("/v1/chat/completions", name)
        else:
            path, _, query = seen.raw_path.partition("?")
            assert query == "api-version=2024-10-21"
            *begin, deployment, chat, completions = path.split("/")
            assert begin == ["", "openai", "deployments"]
            assert (chat, completions) == ("chat", "completions")
            assert deployment not in ("", ".", "..")


@pytest.mark.parametrize("method", ["ChatService/CreateChatCompletion", "HealthService/GetStatus"])
async def test_bytes_that_are_no_message_and_no_message_at_all(tmp_path: Path, method: str) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        raw: Any = hub.channel.unary_unary(f"/aignehub.v1.{method}")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await raw(b"\xff\xff", metadata=hub.auth, timeout=5)
        told = failure(raised.value)
        assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID")
        empty: Any = hub.channel.stream_unary(f"/aignehub.v1.{method}")(metadata=hub.auth, timeout=5)
        await empty.done_writing()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await empty
        assert failure(raised.value).code == grpc.StatusCode.INVALID_ARGUMENT
