"""Voyage and Jina through the front door: a real hub, a fake of theirs over HTTP, a generated stub."""

import asyncio
import json
import struct
from base64 import b64encode
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1 import media_pb2
from aignehub.v1.model_service_pb2 import MODEL_CAPABILITY_EMBEDDING, ListModelsRequest
from aiohttp import web

from tests.fake_embeddings import ask, floats
from tests.fake_provider import FakeProvider, answers, hangs
from tests.pictures import solid_png
from tests.running import RunningHub, failure, provider, running_hub, until

CAT = solid_png(8, 4, (1, 2, 3, 255))


async def embeds(request: web.Request) -> web.Response:
    """As both vendors answer: a vector of the place, and the total of tokens alone."""
    asked = json.loads(await request.read())
    count = len(asked.get("inputs") or asked["input"])
    vectors = [b64encode(struct.pack("<2f", place, len(asked))).decode() for place in range(count)]
    data = [{"object": "embedding", "embedding": one, "index": place} for place, one in enumerate(vectors)]
    return web.json_response(
        {"object": "list", "data": data[::-1], "model": asked["model"], "usage": {"total_tokens": 5 * count}}
    )


async def refused(hub: RunningHub, request: pb.CreateEmbeddingsRequest) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await hub.embeddings.CreateEmbeddings(request, metadata=hub.auth, timeout=5)
    return failure(raised.value)


@pytest.mark.parametrize(("kind", "model"), [("voyage", "voyage-4"), ("jina", "jina-embeddings-v3")])
async def test_texts(kind: str, model: str, tmp_path: Path) -> None:
    async with (
        FakeProvider(embeds) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, kind, kind, models=[model])]) as hub,
    ):
        response = await hub.embeddings.CreateEmbeddings(
            ask("a", "b", model=model, task=pb.EMBEDDING_TASK_RETRIEVAL_QUERY), metadata=hub.auth, timeout=5
        )
        listed = await hub.models.ListModels(ListModelsRequest(), metadata=hub.auth, timeout=5)
    [seen] = fake.seen
    assert (seen.method, seen.raw_path) == ("POST", "/v1/embeddings")
    assert seen.headers["Authorization"] == "Bearer sk-test-upstream-key"
    assert seen.json["model"] == model
    assert [floats(one)[0] for one in response.embeddings] == [0, 1]
    assert (response.dimensions, response.model, response.usage.input_tokens) == (2, model, 10)
    assert response.gateway.provider == kind
    assert list(response.gateway.adjusted_fields) == []
    [known] = [one for one in listed.models if one.id == f"{kind}/{model}"]
    assert list(known.capabilities) == [MODEL_CAPABILITY_EMBEDDING]


async def test_texts_and_images_of_one_batch_come_back_in_order(tmp_path: Path) -> None:
    image = pb.EmbeddingInput(image=media_pb2.Media(data=CAT))
    request = ask("a", model="voyage/voyage-multimodal-3.5")
    request.inputs.extend([image, pb.EmbeddingInput(text="b"), image])
    async with (
        FakeProvider(embeds) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, "voyage", "voyage")]) as hub,
    ):
        response = await hub.embeddings.CreateEmbeddings(request, metadata=hub.auth, timeout=5)
        told = await refused(hub, pb.CreateEmbeddingsRequest(model="voyage/voyage-4", inputs=[image]))
    assert {seen.raw_path for seen in fake.seen} == {"/v1/multimodalembeddings"}
    kinds = sorted(tuple(one["content"][0]["type"] for one in seen.json["inputs"]) for seen in fake.seen)
    assert kinds == [("image_base64", "image_base64"), ("text", "text")]
    assert [one.index for one in response.embeddings] == [0, 1, 2, 3]
    assert response.usage.total_tokens == 20
    assert (told.code, told.metadata["field"]) == (grpc.StatusCode.UNIMPLEMENTED, "inputs[0].image")


ERRORS = [
    (400, {"detail": "Model voyage-9 is not supported. Supported models are ['voyage-4']."}, "INVALID_ARGUMENT"),
    (401, {"detail": "Provided API key is invalid."}, "UNAVAILABLE"),
    (422, {"detail": [{"loc": ["body", "input"], "msg": "field required"}]}, "INVALID_ARGUMENT"),
    (429, {"detail": "You have exceeded the rate limit."}, "RESOURCE_EXHAUSTED"),
    (503, {"detail": "overloaded"}, "UNAVAILABLE"),
]


async def test_errors_become_statuses(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        status, body, _ = ERRORS[int(request.path.split("/")[2])]
        return await answers(body, status)(request)

    # An instance each, since one that failed is left alone for a while.
    async with (
        FakeProvider(answer) as fake,
        running_hub(
            tmp_path,
            providers=[provider(f"{fake.base_url}/{place}", f"v{place}", "voyage") for place in range(len(ERRORS))],
            routing={"max_repeats": 0},
        ) as hub,
    ):
        for place, (status, _, code) in enumerate(ERRORS):
            told = await refused(hub, ask("a", model=f"v{place}/voyage-4"))
            assert (told.code.name, told.metadata["providerStatus"]) == (code, str(status)), told.message
            assert "sk-test-upstream-key" not in told.message
    assert len(fake.seen) == len(ERRORS)


async def test_a_cancelled_call_closes_the_providers_socket(tmp_path: Path) -> None:
    async with (
        FakeProvider(hangs) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, "jina", "jina")]) as hub,
    ):
        request = ask("a", model="jina/jina-embeddings-v3")
        call = hub.embeddings.CreateEmbeddings(request, metadata=hub.auth, timeout=20)
        task = asyncio.ensure_future(call)
        await until(lambda: len(fake.seen) == 1)
        call.cancel()
        await until(lambda: len(fake.disconnects) == 1)
        await asyncio.gather(task, return_exceptions=True)
