"""Embeddings through the front door, one call at a time."""

import base64
import math
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1 import media_pb2, model_service_pb2, options_pb2
from aiohttp import web

from tests.fake_embeddings import ask, embeds, floats, vector_of
from tests.fake_provider import FakeProvider, answers, hangs
from tests.running import Failure, RunningHub, bearer, failure, provider, running_hub, until

FLOAT_LIST = pb.EMBEDDING_ENCODING_FLOAT_LIST


async def _refused(hub: RunningHub, request: pb.CreateEmbeddingsRequest, key: str = "") -> Failure:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await hub.embeddings.CreateEmbeddings(request, metadata=bearer(key or hub.admin_key), timeout=5)
    return failure(raised.value)


async def test_texts_and_token_ids_in_one_batch_keep_their_order(tmp_path: Path) -> None:
    inputs = [
        pb.EmbeddingInput(text="one"),
        pb.EmbeddingInput(tokens=pb.TokenIds(ids=[5, 6])),
        pb.EmbeddingInput(text="three"),
        pb.EmbeddingInput(tokens=pb.TokenIds(ids=[7])),
    ]
    async with (
        FakeProvider(embeds()) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = hub.embeddings.CreateEmbeddings(
            pb.CreateEmbeddingsRequest(model="openai/embedder", inputs=inputs, user="u-1"), metadata=hub.auth, timeout=5
        )
        response = await call
    sent = sorted((seen.json for seen in fake.seen), key=lambda body: str(body["input"]))
    assert [body["input"] for body in sent] == [["one", "three"], [[5, 6], [7]]]
    assert {seen.raw_path for seen in fake.seen} == {"/v1/embeddings"}
    assert all((body["encoding_format"], body["user"]) == ("base64", "u-1") for body in sent)
    assert [one.index for one in response.embeddings] == [0, 1, 2, 3]
    expected = [vector_of("one"), vector_of([5, 6]), vector_of("three"), vector_of([7])]
    assert [floats(one) for one in response.embeddings] == expected
    assert (response.model, response.dimensions) == ("embedder-1", 4)
    assert response.encoding == pb.EMBEDDING_ENCODING_FLOAT32_LE
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens) == (40, 0, 40)
    assert not response.usage.estimated
    gateway = response.gateway
    assert (gateway.provider, gateway.provider_model, len(gateway.attempts)) == ("openai", "embedder", 1)
    assert gateway.request_id


@pytest.mark.parametrize("packs", [True, False])
async def test_floats_are_the_same_whichever_way_they_come_and_go(tmp_path: Path, packs: bool) -> None:
    kind = "openai" if packs else "together"
    async with (
        FakeProvider(embeds()) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, kind=kind)]) as hub,
    ):
        packed = await hub.embeddings.CreateEmbeddings(ask("abc", model="openai/e"), metadata=hub.auth, timeout=5)
        listed = await hub.embeddings.CreateEmbeddings(ask("abc", encoding=FLOAT_LIST), metadata=hub.auth, timeout=5)
    assert ("encoding_format" in fake.seen[0].json) is packs
    assert floats(packed.embeddings[0]) == vector_of("abc")
    assert list(listed.embeddings[0].floats.values) == vector_of("abc")
    assert listed.encoding == FLOAT_LIST


async def test_a_provider_of_bytes_and_bits(tmp_path: Path) -> None:
    """Perplexity's vectors: signed bytes, or bits of which the lowest comes first."""
    numbers = {"base64_int8": b"\x01\xff\x80\x7f", "base64_binary": b"\x01\xf0"}

    def whole(asked: dict[str, Any], body: dict[str, Any]) -> None:
        for one in body["data"]:
            one["embedding"] = base64.b64encode(numbers[asked["encoding_format"]]).decode()

    async with (
        FakeProvider(embeds(whole)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, "perplexity", "perplexity")]) as hub,
    ):
        got = {}
        for encoding in (
            pb.EMBEDDING_ENCODING_FLOAT32_LE, FLOAT_LIST, pb.EMBEDDING_ENCODING_INT8,
            pb.EMBEDDING_ENCODING_BINARY, pb.EMBEDDING_ENCODING_UBINARY,
        ):  # fmt: skip
            request = ask("x", model="perplexity/p", encoding=encoding)
            got[encoding] = await hub.embeddings.CreateEmbeddings(request, metadata=hub.auth, timeout=5)
        told = await _refused(hub, ask("x", model="perplexity/p", encoding=pb.EMBEDDING_ENCODING_UINT8))
    assert fake.seen[0].raw_path == "/v1/v1/embeddings"  # its own address has no /v1
    assert floats(got[pb.EMBEDDING_ENCODING_FLOAT32_LE].embeddings[0]) == [1, -1, -128, 127]
    assert list(got[FLOAT_LIST].embeddings[0].floats.values) == [1, -1, -128, 127]
    assert got[pb.EMBEDDING_ENCODING_INT8].embeddings[0].packed == b"\x01\xff\x80\x7f"
    assert got[pb.EMBEDDING_ENCODING_INT8].dimensions == 4
    assert got[pb.EMBEDDING_ENCODING_UBINARY].embeddings[0].packed == b"\x80\x0f"
    assert got[pb.EMBEDDING_ENCODING_UBINARY].dimensions == 16
    assert got[pb.EMBEDDING_ENCODING_BINARY].embeddings[0].packed == b"\x00\x8f"
    assert (told.reason, told.metadata["field"]) == ("UNSUPPORTED_BY_PROVIDER", "encoding")


async def test_an_image_is_sent_where_the_host_takes_it(tmp_path: Path) -> None:
    image = pb.EmbeddingInput(image=media_pb2.Media(data=b"\x89PNG", mime_type="image/png"))
    request = pb.CreateEmbeddingsRequest(model="openrouter/clip", inputs=[image, pb.EmbeddingInput(text="a cat")])
    private = pb.CreateEmbeddingsRequest(
        model="openrouter/clip", inputs=[pb.EmbeddingInput(image=media_pb2.Media(url="https://10.0.0.1/x.png"))]
    )
    async with (
        FakeProvider(embeds()) as fake,
        running_hub(
            tmp_path, providers=[provider(fake.base_url), provider(fake.base_url, "openrouter", "openrouter")]
        ) as hub,
    ):
        response = await hub.embeddings.CreateEmbeddings(request, metadata=hub.auth, timeout=5)
        request.model = "openai/clip"
        told = await _refused(hub, request)
        refused = await _refused(hub, private)
    [sent] = [seen.json["input"] for seen in fake.seen if isinstance(seen.json["input"][0], dict)]
    assert sent == [{"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}]}]
    assert [one.index for one in response.embeddings] == [0, 1]
    assert (told.reason, told.metadata["field"]) == ("UNSUPPORTED_BY_PROVIDER", "inputs[0].image")
    assert told.metadata["provider"] == "openai"
    assert refused.reason == "URL_NOT_ALLOWED"
    assert "inputs[0].image.url" in refused.message


async def test_a_batch_larger_than_its_host_takes_is_cut_and_joined(tmp_path: Path) -> None:
    running = most = 0

    def count(asked: dict[str, Any], body: dict[str, Any]) -> None:
        nonlocal most
        most = max(most, running)
        body["data"].reverse()  # the index counts, not the order
        if "x" * 100 in asked["input"]:  # the second part comes last
            del body["usage"]

    slow = embeds(count, pause=0.05)

    async def counted(request: web.Request) -> web.StreamResponse:
        nonlocal running
        running += 1
        try:
            return await slow(request)
        finally:
            running -= 1

    texts = ["x" * (1 + place % 300) for place in range(1600)]
    async with (
        FakeProvider(counted) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, "doubao", "doubao")]) as hub,
    ):
        call = hub.embeddings.CreateEmbeddings(ask(*texts, model="doubao/e"), metadata=hub.auth, timeout=10)
        response = await call
        trailers = dict(await call.trailing_metadata())
    assert sorted(len(seen.json["input"]) for seen in fake.seen) == [64, 256, 256, 256, 256, 256, 256]
    assert most == 4
    assert [one.index for one in response.embeddings] == list(range(1600))
    assert all(floats(one) == vector_of(text) for one, text in zip(response.embeddings, texts, strict=True))
    assert len(response.gateway.attempts) == 1
    assert response.usage.estimated  # in part
    assert response.usage.input_tokens > 0
    assert response.gateway.gateway_duration.ToMilliseconds() < 1000
    assert "upstream;dur=" in trailers["server-timing"]


async def test_a_part_that_fails_names_its_inputs_and_ends_the_others(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        asked = (await request.json())["input"]
        if "bad" in asked:
            return await answers({"error": {"message": "too odd", "param": "input"}}, status=400)(request)
        return await hangs(request)

    texts = ["good"] * 600
    texts[300] = "bad"
    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, "doubao", "doubao")]) as hub,
    ):
        told = await _refused(hub, ask(*texts, model="doubao/e"))
        await until(lambda: len(fake.disconnects) == 2)
        await until(lambda: hub.hub.active_calls == 0)
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PROVIDER_REJECTED_REQUEST")
    assert told.message.startswith("inputs 256 to 511: ")
    assert "too odd" in told.message
    assert told.metadata["inputs"] == "256-511"


def _without_last(_: dict[str, Any], body: dict[str, Any]) -> None:
    body["data"].pop()


def _twice_the_same(_: dict[str, Any], body: dict[str, Any]) -> None:
    body["data"][1]["index"] = 0


def _shorter(_: dict[str, Any], body: dict[str, Any]) -> None:
    body["data"][1]["embedding"] = [1.0]


def _no_floats(_: dict[str, Any], body: dict[str, Any]) -> None:
    body["data"][0]["embedding"] = "AAAA"


def _words(_: dict[str, Any], body: dict[str, Any]) -> None:
    body["data"][0]["embedding"] = ["a"]


def _nothing(_: dict[str, Any], body: dict[str, Any]) -> None:
    body.clear()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_without_last, "asked for 2 embeddings and answered with 1"),
        (_twice_the_same, "0 is out of place"),
        (_shorter, "different lengths, from 1 to 4"),
        (_no_floats, "3 bytes, which are no floats"),
        (_words, "other numbers"),
        (_nothing, "without embeddings"),
    ],
)
async def test_an_answer_that_is_wrong_is_no_success(tmp_path: Path, change: Any, says: str) -> None:
    async with (
        FakeProvider(embeds(change)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        told = await _refused(hub, ask("a", "b"))
    assert (told.code, told.reason) == (grpc.StatusCode.INTERNAL, "PROVIDER_BAD_RESPONSE")
    assert says in told.message


async def test_another_length_than_asked_is_told(tmp_path: Path) -> None:
    def ignores(_: dict[str, Any], body: dict[str, Any]) -> None:
        body["data"][0]["embedding"] = [1.0] * 6

    async with (
        FakeProvider(embeds(ignores)) as fake,
        running_hub(
            tmp_path, providers=[provider(fake.base_url), provider(fake.base_url, "together", "together")]
        ) as hub,
    ):
        told = await _refused(hub, ask("a", dimensions=3))
        unable = await _refused(hub, ask("a", model="together/e", dimensions=3))
    assert fake.seen[0].json["dimensions"] == 3
    assert len(fake.seen) == 1
    assert (told.reason, told.message) == (
        "PROVIDER_BAD_RESPONSE",
        "the provider was asked for 3 dimensions and answered with 6",
    )
    assert (unable.reason, unable.metadata["field"]) == ("UNSUPPORTED_BY_PROVIDER", "dimensions")


async def test_knobs_that_only_tune_are_dropped_and_listed(tmp_path: Path) -> None:
    knobs: dict[str, Any] = {"task": pb.EMBEDDING_TASK_RETRIEVAL_QUERY, "truncate": True, "user": "u"}
    async with (
        FakeProvider(embeds()) as fake,
        running_hub(
            tmp_path,
            providers=[
                provider(fake.base_url), provider(fake.base_url, "vllm", "vllm"),
                provider(fake.base_url, "openrouter", "openrouter"), provider(fake.base_url, "together", "together"),
            ],
        ) as hub,
    ):  # fmt: skip
        adjusted = {}
        for name in ("openai", "vllm", "openrouter", "together"):
            response = await hub.embeddings.CreateEmbeddings(
                ask("a", model=f"{name}/e", **knobs), metadata=hub.auth, timeout=5
            )
            adjusted[name] = list(response.gateway.adjusted_fields)
        told = await _refused(hub, ask("a", gateway=options_pb2.GatewayOptions(strict_parameters=True), **knobs))
    assert adjusted == {
        "openai": ["task", "truncate"],
        "vllm": ["task"],
        "openrouter": ["truncate"],
        "together": ["user", "task", "truncate"],
    }
    by_host = [seen.json for seen in fake.seen]
    assert by_host[1]["truncate_prompt_tokens"] == -1
    assert by_host[2]["input_type"] == "search_query"
    assert set(by_host[3]) == {"model", "input"}
    assert told.code == grpc.StatusCode.INVALID_ARGUMENT
    assert [one.field for one in told.bad_request.field_violations] == ["task"]


async def test_extra_fields_go_along_but_never_over_the_hubs_own(tmp_path: Path) -> None:
    def extra(text: str) -> pb.CreateEmbeddingsRequest:
        return ask("a", gateway=options_pb2.GatewayOptions(extra_body_json=text))

    async with (
        FakeProvider(embeds()) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        await hub.embeddings.CreateEmbeddings(extra('{"normalize": false}'), metadata=hub.auth, timeout=5)
        told = await _refused(hub, extra('{"encoding_format": "float"}'))
    assert fake.seen[0].json["normalize"] is False
    assert "encoding_format" in told.message


async def test_rights_and_bad_requests(tmp_path: Path) -> None:
    async with (
        FakeProvider(embeds()) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url), provider(fake.base_url, "xai", "xai")]) as hub,
    ):
        key = await hub.new_key(allowed_models=["openai/small"])
        chat_only = await hub.new_key(allowed_methods=["aignehub.v1.ChatService/*"])
        assert (await _refused(hub, ask("a"), key)).reason == "MODEL_NOT_ALLOWED"
        assert (await _refused(hub, ask("a"), chat_only)).reason == "METHOD_NOT_ALLOWED"
        assert (await _refused(hub, ask("a", model=""))).bad_request.field_violations[0].field == "model"
        assert (await _refused(hub, ask())).bad_request.field_violations[0].field == "inputs"
        empty = pb.CreateEmbeddingsRequest(model="openai/e", inputs=[pb.EmbeddingInput()])
        assert (await _refused(hub, empty)).bad_request.field_violations[0].field == "inputs[0].input"
        told = await _refused(hub, ask("a", model="xai/e"))
        assert (told.reason, told.message) == (
            "UNSUPPORTED_BY_PROVIDER", "model: xai does not serve embeddings here",
        )  # fmt: skip
    assert fake.seen == []


async def test_cancelling_closes_every_request_of_the_call(tmp_path: Path) -> None:
    async with (
        FakeProvider(hangs) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, "doubao", "doubao")]) as hub,
    ):
        call = hub.embeddings.CreateEmbeddings(ask(*["a"] * 700, model="doubao/e"), metadata=hub.auth, timeout=5)
        await until(lambda: len(fake.seen) == 3)
        call.cancel()
        await until(lambda: len(fake.disconnects) == 3)
        await until(lambda: hub.hub.active_calls == 0)


def _cosine(one: list[float], other: list[float]) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


async def test_the_sandbox_embeds_and_fails_as_asked(tmp_path: Path) -> None:
    texts = ("the cat sat on the mat", "The cat sat on the mat!", "a cat sat on a sofa", "quarterly tax report")
    async with running_hub(tmp_path, sandbox=True, defaults={"embeddings": "sandbox/embed"}) as hub:
        response = await hub.embeddings.CreateEmbeddings(
            ask(*texts, model="", dimensions=700), metadata=hub.auth, timeout=5
        )
        again = await hub.embeddings.CreateEmbeddings(ask(texts[2], model="embed", dimensions=700), metadata=hub.auth)
        first, same, near, far = (floats(one) for one in response.embeddings)
        assert response.dimensions == 700
        assert _cosine(first, first) == pytest.approx(1, abs=1e-5)
        assert _cosine(first, same) == pytest.approx(1, abs=1e-5)
        assert 0.25 < _cosine(first, near) < 0.75
        assert abs(_cosine(first, far)) < 0.2
        assert floats(again.embeddings[0]) == near
        assert (response.usage.input_tokens, response.usage.estimated) == (6 + 7 + 6 + 3, False)
        for model, reason in (
            ("fail-429", "PROVIDER_RATE_LIMITED"), ("cut", "PROVIDER_UNAVAILABLE"),
            ("garbage", "PROVIDER_BAD_RESPONSE"), ("echo", "MODEL_NOT_FOUND"),
        ):  # fmt: skip
            assert (await _refused(hub, ask("a", model=f"sandbox/{model}"))).reason == reason
        slow = await hub.embeddings.CreateEmbeddings(ask("a", model="sandbox/slow-30"), metadata=hub.auth, timeout=5)
        assert slow.dimensions == 256
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.embeddings.CreateEmbeddings(ask("a", model="sandbox/hang"), metadata=hub.auth, timeout=0.2)
        assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        wanted = model_service_pb2.ListModelsRequest(capabilities=[model_service_pb2.MODEL_CAPABILITY_EMBEDDING])
        listed = await hub.models.ListModels(wanted, metadata=hub.auth, timeout=5)
        assert "sandbox/embed" in [model.id for model in listed.models]


async def test_the_largest_batch_of_the_contract(tmp_path: Path) -> None:
    texts = ["word " * 20] * 2048
    async with (
        FakeProvider(embeds()) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        response = await hub.embeddings.CreateEmbeddings(ask(*texts, dimensions=256), metadata=hub.auth, timeout=20)
    assert len(response.embeddings) == 2048
    assert len(fake.seen) == 1


async def test_a_configured_model_that_embeds_is_listed_as_one(tmp_path: Path) -> None:
    models = ["text-embedding-3-small", "gpt-5"]
    async with running_hub(tmp_path, providers=[provider("http://127.0.0.1:9/v1", models=models)]) as hub:
        wanted = model_service_pb2.ListModelsRequest(capabilities=[model_service_pb2.MODEL_CAPABILITY_EMBEDDING])
        listed = await hub.models.ListModels(wanted, metadata=hub.auth, timeout=5)
    assert [model.id for model in listed.models] == ["openai/text-embedding-3-small"]
