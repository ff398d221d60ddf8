"""Ollama through the front door: its own API, and which models are on its machine."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import health_service_pb2, image_service_pb2
from aignehub.v1 import model_service_pb2 as models_pb
from aiohttp import web
from google.rpc.error_details_pb2 import ErrorInfo

from server.models import directory
from tests.fake_embeddings import ask as ask_embeddings
from tests.fake_provider import FakeProvider, answers
from tests.pictures import solid_png
from tests.running import RunningHub, ask, bearer, failure, provider, running_hub, until

LINE = {"model": "qwen3:8b", "created_at": "2025-08-21T13:52:11.724677065Z"}
MISSING = {"error": 'model "gemma3" not found, try pulling it first'}

NO_RETRIES = {"retry_share": 0, "retry_floor": 0}


class Ollama:
    """As https://docs.ollama.com/api has it, with the models that were pulled."""

    def __init__(self, *pulled: str, ends: str = "whole") -> None:
        """``ends`` is how a stream goes on after two pieces: "whole", "cut", "failed" or "never"."""
        self.pulled = list(pulled)
        self.ends = ends
        self.digests: dict[str, str] = {}
        self.shown: dict[str, Any] = {}

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/api/tags":
            models = [{"name": name, "model": name, "digest": self.digests.get(name, "")} for name in self.pulled]
            return web.json_response({"models": models})
        body = await request.json()
        if body["model"] not in self.pulled:
            return web.json_response(MISSING, status=404)
        if request.path == "/api/show":
            return web.json_response(self.shown.get(body["model"], {}))
        if request.path == "/api/embed":
            vectors = [[1.0, 0.5] for _ in body["input"]]
            return web.json_response({"model": body["model"], "embeddings": vectors, "prompt_eval_count": 3})
        if request.path == "/v1/images/generations":
            picture = base64.b64encode(solid_png(2, 2, (1, 2, 3, 255))).decode()
            return web.json_response({"created": 1, "data": [{"b64_json": picture}]})
        assert request.path == "/api/chat"
        return await self._chat(request, body)

    async def _chat(self, request: web.Request, body: Any) -> web.StreamResponse:
        end = {"done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 3, "total_duration": 9}
        if not body["stream"]:
            return web.json_response({**LINE, "message": {"role": "assistant", "content": "Hi"}, **end})
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        for text in ("Hi", " there"):
            line = {**LINE, "message": {"role": "assistant", "content": text}, "done": False}
            await response.write(json.dumps(line).encode() + b"\n")
        if self.ends == "never":
            await asyncio.sleep(3600)
        if self.ends == "failed":
            await response.write(b'{"error":"an error was encountered while running the model: out of memory"}\n')
        if self.ends == "whole":
            last = {**LINE, "message": {"role": "assistant", "content": ""}, **end}
            await response.write(json.dumps(last).encode() + b"\n")
        return response


async def _status(hub: RunningHub, model: str, **more: Any) -> health_service_pb2.GetStatusResponse:
    request = health_service_pb2.GetStatusRequest(model=model, **more)
    response: health_service_pb2.GetStatusResponse = await hub.status.GetStatus(request, metadata=hub.auth, timeout=2)
    return response


def _listed(fake: FakeProvider) -> int:
    return sum(seen.raw_path == "/api/tags" for seen in fake.seen)


@pytest.mark.parametrize("suffix", ["", "/v1", "/v1/"])
async def test_everything_it_serves_under_either_address(tmp_path: Path, suffix: str) -> None:
    async with FakeProvider(Ollama("qwen3:8b")) as fake:
        settings = provider(fake.base_url.removesuffix("/v1") + suffix, "ollama", "ollama")
        async with running_hub(tmp_path, providers=[settings]) as hub:
            whole = await hub.chat.CreateChatCompletion(ask(model="ollama/qwen3:8b"), metadata=hub.auth, timeout=5)
            call = hub.chat.StreamChatCompletion(ask(model="ollama/qwen3:8b"), metadata=hub.auth, timeout=5)
            told = [message async for message in call]
            vectors = await hub.embeddings.CreateEmbeddings(
                ask_embeddings("a", model="ollama/qwen3:8b"), metadata=hub.auth, timeout=5
            )
            request = image_service_pb2.GenerateImagesRequest(model="ollama/qwen3:8b", prompt="a cat")
            picture = await hub.images.GenerateImages(request, metadata=hub.auth, timeout=5)
    assert whole.choices[0].message.content[0].text == "Hi"
    assert json.loads(whole.provider_fields_json) == {"total_duration": 9}
    assert "".join(delta.content for message in told for delta in message.choices) == "Hi there"
    assert (whole.usage.total_tokens, told[-1].usage.total_tokens) == (10, 10)
    assert (vectors.dimensions, vectors.usage.input_tokens, len(picture.images)) == (2, 3, 1)
    paths = [seen.raw_path for seen in fake.seen if seen.method == "POST"]
    assert paths == ["/api/chat", "/api/chat", "/api/embed", "/v1/images/generations"]


@pytest.mark.parametrize(
    ("status", "told", "code", "reason"),
    [
        (400, {"error": "x cannot chat"}, "INVALID_ARGUMENT", "PROVIDER_REJECTED_REQUEST"),
        (401, {"error": "unauthorized"}, "UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID"),
        (404, MISSING, "NOT_FOUND", "MODEL_NOT_FOUND"),
        (429, {"error": "too many requests"}, "RESOURCE_EXHAUSTED", "PROVIDER_RATE_LIMITED"),
        (503, {"error": "server busy, please try again"}, "UNAVAILABLE", "PROVIDER_UNAVAILABLE"),
    ],
)
async def test_its_errors_and_the_key_of_a_server_behind_a_gate(
    tmp_path: Path, status: int, told: Any, code: str, reason: str
) -> None:
    async with FakeProvider(answers(told, status)) as fake:
        settings = provider(fake.base_url, "ollama", "ollama")
        async with running_hub(tmp_path, providers=[settings], routing=NO_RETRIES) as hub:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await hub.chat.CreateChatCompletion(ask(model="ollama/qwen3:8b"), metadata=hub.auth, timeout=5)
    failed = failure(raised.value)
    assert (failed.code.name, failed.reason) == (code, reason)
    assert {seen.headers["Authorization"] for seen in fake.seen} == {"Bearer sk-test-upstream-key"}


@pytest.mark.parametrize("ends", ["cut", "failed"])
async def test_a_stream_that_breaks_tells_what_came_and_then_its_status(tmp_path: Path, ends: str) -> None:
    async with FakeProvider(Ollama("qwen3:8b", ends=ends)) as fake:
        settings = provider(fake.base_url, "ollama", "ollama")
        async with running_hub(tmp_path, providers=[settings]) as hub:
            told = []
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                async for message in hub.chat.StreamChatCompletion(
                    ask(model="ollama/qwen3:8b"), metadata=hub.auth, timeout=5
                ):
                    told.append(message)
    assert "".join(choice.content for message in told for choice in message.choices) == "Hi there"
    assert not any(choice.finish_reason for message in told for choice in message.choices)
    assert told[-1].usage.estimated
    failed = failure(raised.value)
    assert (failed.code, failed.reason) == (grpc.StatusCode.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    assert ("out of memory" in failed.message) is (ends == "failed")
    assert len(fake.seen) == 1  # an answer that had begun is not asked for again


async def test_a_caller_who_leaves_takes_the_request_along(tmp_path: Path) -> None:
    async with FakeProvider(Ollama("qwen3:8b", ends="never")) as fake:
        settings = provider(fake.base_url, "ollama", "ollama")
        async with running_hub(tmp_path, providers=[settings]) as hub:
            call = hub.chat.StreamChatCompletion(ask(model="ollama/qwen3:8b"), metadata=hub.auth, timeout=5)
            async for message in call:
                assert message.choices[0].content
                break
            call.cancel()
            await until(lambda: bool(fake.disconnects))


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is asked for often, though an hour is configured: it is one that changes."""
    monkeypatch.setattr(directory, "_CHANGING_SECONDS", 0.02)


@pytest.mark.usefixtures("often")
async def test_status_tells_whether_a_model_was_pulled(tmp_path: Path) -> None:
    ollama = Ollama("qwen3:8b", "llama3.2:latest")
    async with FakeProvider(ollama) as fake:
        settings = provider(fake.base_url, "ollama", "ollama", models=["qwen3:8b", "gemma3"])
        async with running_hub(tmp_path, providers=[settings], models={"ask_providers": True}) as hub:
            await until(lambda: _listed(fake) > 1)
            for there in ("qwen3:8b", "llama3.2", "LLAMA3.2:latest", "gpt-oss:120b-cloud", ""):
                assert (await _status(hub, there and f"ollama/{there}")).available, there
            status = await _status(hub, "ollama/gemma3", include_models=True)
            assert not status.available
            info = ErrorInfo()
            status.reason.details[0].Unpack(info)
            assert (info.reason, dict(info.metadata)) == ("MODEL_NOT_FOUND", {"provider": "ollama", "model": "gemma3"})
            assert "`ollama pull gemma3`" in status.reason.message
            told = {one.model: one.availability for one in status.models}
            assert told == {
                "ollama/*": health_service_pb2.AVAILABILITY_AVAILABLE,
                "ollama/gemma3": health_service_pb2.AVAILABILITY_UNAVAILABLE,
                "ollama/qwen3:8b": health_service_pb2.AVAILABILITY_AVAILABLE,
            }
            ollama.pulled.append("gemma3:latest")
            seen = _listed(fake)
            await until(lambda: _listed(fake) > seen + 1)
            assert (await _status(hub, "ollama/gemma3")).available


async def test_without_its_list_nothing_is_said_to_be_missing(tmp_path: Path) -> None:
    async with FakeProvider(Ollama()) as fake:
        settings = provider(fake.base_url, "ollama", "ollama")
        async with running_hub(tmp_path, providers=[settings], models={"ask_providers": False}) as hub:
            assert (await _status(hub, "ollama/gemma3")).available
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await hub.chat.CreateChatCompletion(ask(model="ollama/gemma3"), metadata=hub.auth, timeout=5)
    told = failure(raised.value)
    assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND")
    assert "ollama pull" in told.message


SEES = {"capabilities": ["completion", "vision", "tools"], "model_info": {"gemma3.context_length": 131072}}
EMBEDS = {"capabilities": ["embedding"], "model_info": {"bert.context_length": 512, "bert.embedding_length": 384}}


@pytest.mark.usefixtures("often")
async def test_what_each_model_can_do_is_asked_for_once(tmp_path: Path) -> None:
    ollama = Ollama("gemma3:4b", "minilm:latest", "odd")
    ollama.digests = {"gemma3:4b": "a", "minilm:latest": "b"}
    ollama.shown = {"gemma3:4b": SEES, "minilm:latest": EMBEDS, "odd": "no object"}

    def asked(fake: FakeProvider) -> list[str]:
        return [seen.json["model"] for seen in fake.seen if seen.raw_path == "/api/show"]

    async with FakeProvider(ollama) as fake:
        settings = provider(fake.base_url, "ollama", "ollama")
        async with running_hub(tmp_path, providers=[settings], models={"ask_providers": True}) as hub:
            await until(lambda: _listed(fake) > 2)
            listed = await hub.models.ListModels(models_pb.ListModelsRequest(), metadata=hub.auth, timeout=5)
            known = {one.id: one for one in listed.models}
            assert sorted(known) == ["ollama/gemma3:4b", "ollama/minilm:latest", "ollama/odd"]
            sees, embeds = known["ollama/gemma3:4b"], known["ollama/minilm:latest"]
            assert [models_pb.ModelCapability.Name(one)[17:] for one in sees.capabilities] == [
                "CHAT",
                "TOOLS",
                "JSON_SCHEMA",
            ]
            assert (sees.max_input_tokens, len(sees.input_modalities)) == (131072, 2)
            assert (embeds.max_input_tokens, list(embeds.embedding_dimensions)) == (512, [384])
            assert asked(fake).count("gemma3:4b") == asked(fake).count("minilm:latest") == 1
            ollama.digests["gemma3:4b"] = "c"
            await until(lambda: asked(fake).count("gemma3:4b") == 2)
            assert asked(fake).count("minilm:latest") == 1


@pytest.mark.usefixtures("often")
async def test_a_model_that_another_provider_has_is_there(tmp_path: Path) -> None:
    async with FakeProvider(Ollama()) as fake:
        settings = [
            provider(fake.base_url, "ollama", "ollama"),
            provider("http://127.0.0.1:1/v1", "groq", "groq"),
        ]
        groups = {"small": ["ollama/gemma3", "groq/gemma3"]}
        async with running_hub(tmp_path, providers=settings, models={"ask_providers": True}, groups=groups) as hub:
            await until(lambda: _listed(fake) > 1)
            assert (await _status(hub, "small")).available
            limited = bearer(await hub.new_key(allowed_models=["ollama/*"]))
            request = health_service_pb2.GetStatusRequest(model="small")
            status = await hub.status.GetStatus(request, metadata=limited, timeout=2)
            assert not status.available
