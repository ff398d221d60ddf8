"""Embeddings of every family of Google's models."""

import json
import struct
from typing import Any

import pytest
from aignehub.v1 import embedding_service_pb2 as pb
from google.protobuf.json_format import ParseDict

from server.errors import InvalidArgument, ProviderBadResponse, ProviderRateLimited, UnsupportedByProvider
from server.providers.registry import PROVIDERS
from server.wire.by_model import embeddings_of
from server.wire.codec import EmbeddingsCodec, ReadsUrls
from server.wire.http import HttpResponse

OLD, NEW, SIGHT = "gemini-embedding-001", "gemini-embedding-2", "multimodalembedding@001"
PLACE = {"project": "my-project", "location": "us-central1"}
HOME = "/v1/projects/my-project/locations/us-central1/publishers/google/models"


def codec(kind: str, model: str) -> EmbeddingsCodec:
    made = PROVIDERS[kind].embeddings
    assert made is not None
    return embeddings_of(made(PLACE if kind == "vertex" else {}), model)


def ask(*inputs: Any, **fields: Any) -> pb.CreateEmbeddingsRequest:
    told = [{"text": one} if isinstance(one, str) else one for one in inputs]
    return ParseDict({"model": "m", "inputs": told, **fields}, pb.CreateEmbeddingsRequest())


def sent(kind: str, model: str, request: pb.CreateEmbeddingsRequest) -> tuple[str, Any, list[str]]:
    found = codec(kind, model).encode(request, model, range(len(request.inputs)))
    return found.path, json.loads(found.body), list(found.adjusted_fields)


DOCUMENT = "EMBEDDING_TASK_RETRIEVAL_DOCUMENT"
SAID = {"taskType": "RETRIEVAL_DOCUMENT", "outputDimensionality": 8}
PICTURE = {"image": {"data": "AAAA", "mimeType": "image/png"}}
STORED = {"image": {"url": "gs://b/cat.png"}}
INLINE = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}


def texts(*found: str) -> list[Any]:
    return [{"content": {"parts": [{"text": one}]}} for one in found]


@pytest.mark.parametrize(
    ("kind", "model", "request_", "path", "body"),
    [
        ("gemini", OLD, ask("a"), f"/v1beta/models/{OLD}:embedContent", texts("a")[0]),
        (
            "gemini",
            OLD,
            ask("a", {"text": "b", "title": "t"}, dimensions=8, task=DOCUMENT),
            f"/v1beta/models/{OLD}:batchEmbedContents",
            {
                "requests": [
                    {
                        "model": f"models/{OLD}",
                        **one,
                        "taskType": "RETRIEVAL_DOCUMENT",
                        **title,
                        "outputDimensionality": 8,
                    }
                    for one, title in zip(texts("a", "b"), ({}, {"title": "t"}), strict=True)
                ]
            },
        ),
        (
            "gemini",
            NEW,
            ask("a", {"text": "b", "title": "t"}, task=DOCUMENT),
            f"/v1beta/models/{NEW}:batchEmbedContents",
            {
                "requests": [
                    {"model": f"models/{NEW}", **one} for one in texts("title: none | text: a", "title: t | text: b")
                ]
            },
        ),
        (
            "gemini",
            NEW,
            ask("a", task="EMBEDDING_TASK_CODE_RETRIEVAL_QUERY"),
            f"/v1beta/models/{NEW}:embedContent",
            texts("task: code retrieval | query: a")[0],
        ),
        ("gemini", NEW, ask(PICTURE), f"/v1beta/models/{NEW}:embedContent", {"content": {"parts": [INLINE]}}),
        (
            "vertex",
            "text-embedding-005",
            ask("a", {"text": "b", "title": "t"}, dimensions=8, truncate=False, task=DOCUMENT),
            f"{HOME}/text-embedding-005:predict",
            {
                "instances": [
                    {"content": "a", "task_type": "RETRIEVAL_DOCUMENT"},
                    {"content": "b", "task_type": "RETRIEVAL_DOCUMENT", "title": "t"},
                ],
                "parameters": {"outputDimensionality": 8, "autoTruncate": False},
            },
        ),
        (
            "vertex",
            NEW,
            ask("a", dimensions=8, truncate=True),
            f"{HOME}/{NEW}:embedContent",
            {**texts("a")[0], "embedContentConfig": {"outputDimensionality": 8, "autoTruncate": True}},
        ),
        (
            "vertex",
            SIGHT,
            ask(PICTURE, dimensions=128),
            f"{HOME}/multimodalembedding%40001:predict",
            {
                "instances": [{"image": {"bytesBase64Encoded": "AAAA", "mimeType": "image/png"}}],
                "parameters": {"dimension": 128},
            },
        ),
        (
            "vertex",
            SIGHT,
            ask(STORED),
            f"{HOME}/multimodalembedding%40001:predict",
            {"instances": [{"image": {"gcsUri": "gs://b/cat.png", "mimeType": "image/png"}}]},
        ),
    ],
)
def test_each_family_is_asked_in_its_way(
    kind: str, model: str, request_: pb.CreateEmbeddingsRequest, path: str, body: Any
) -> None:
    assert sent(kind, model, request_) == (path, body, [])


@pytest.mark.parametrize(
    ("kind", "model", "count", "sizes"),
    [
        ("gemini", OLD, 201, [100, 100, 1]),
        ("vertex", "text-embedding-005", 251, [250, 1]),
        ("vertex", OLD, 3, [1, 1, 1]),
        ("vertex", NEW, 2, [1, 1]),
    ],
)
def test_how_many_go_together(kind: str, model: str, count: int, sizes: list[int]) -> None:
    parts = codec(kind, model).parts(ask(*["a"] * count))
    assert [len(part) for part in parts] == sizes
    assert [place for part in parts for place in part] == list(range(count))


@pytest.mark.parametrize(
    ("kind", "model", "one", "field"),
    [
        ("gemini", OLD, PICTURE, "inputs[1].image"),
        ("gemini", NEW, {"tokens": {"ids": [1]}}, "inputs[1].tokens"),
        ("vertex", OLD, PICTURE, "inputs[1].image"),
    ],
)
def test_what_it_does_not_embed_is_refused(kind: str, model: str, one: Any, field: str) -> None:
    with pytest.raises(UnsupportedByProvider) as caught:
        codec(kind, model).parts(ask("a", one))
    assert caught.value.fields[0].field == field


def test_what_only_tunes_is_listed_and_the_rest_refused() -> None:
    request = ask({"text": "a", "title": "t"}, truncate=True, user="u")
    assert sent("gemini", OLD, request)[2] == ["user", "truncate", "inputs[0].title"]
    assert sent("vertex", SIGHT, ask("a", task="EMBEDDING_TASK_CLUSTERING"))[2] == ["task"]
    assert sent("gemini", NEW, ask(PICTURE, task="EMBEDDING_TASK_CLUSTERING"))[2] == ["task"]
    with pytest.raises(InvalidArgument, match="128, 256, 512, 1408"):
        sent("vertex", SIGHT, ask("a", dimensions=100))
    with pytest.raises(UnsupportedByProvider, match="INT8"):
        sent("gemini", OLD, ask("a", encoding="EMBEDDING_ENCODING_INT8"))
    with pytest.raises(InvalidArgument, match="extra_body_json"):
        sent("gemini", OLD, ask("a", gateway={"extraBodyJson": '{"taskType": "x"}'}))


def test_addresses_are_left_to_google_where_its_own_store_is_meant() -> None:
    for kind, reads in (("gemini", False), ("vertex", True)):
        found = codec(kind, NEW)
        assert isinstance(found, ReadsUrls)
        assert found.reads_url("image", ask(STORED).inputs[0].image, NEW) is reads


def read(kind: str, model: str, answer: Any, request: pb.CreateEmbeddingsRequest) -> pb.CreateEmbeddingsResponse:
    response = HttpResponse(200, {}, json.dumps(answer).encode())
    return codec(kind, model).decode(response, request, range(len(request.inputs)))


VALUES = [[0.5, 1.0], [2, -0.25]]
PACKED = [struct.pack("<2f", *one) for one in VALUES]


@pytest.mark.parametrize(
    ("kind", "model", "answer"),
    [
        ("gemini", OLD, {"embeddings": [{"values": one} for one in VALUES]}),
        ("vertex", "text-embedding-005", {"predictions": [{"embeddings": {"values": one}} for one in VALUES]}),
        ("vertex", SIGHT, {"predictions": [{"imageEmbedding": VALUES[0]}, {"textEmbedding": VALUES[1]}]}),
    ],
)
def test_vectors_of_every_shape(kind: str, model: str, answer: Any) -> None:
    got = read(kind, model, answer, ask("a", "b"))
    assert [(one.index, one.packed) for one in got.embeddings] == list(enumerate(PACKED))
    assert (got.dimensions, got.usage.estimated, got.usage.input_tokens) == (2, True, 2)
    listed = read(kind, model, answer, ask("a", "b", encoding="EMBEDDING_ENCODING_FLOAT_LIST"))
    assert [list(one.floats.values) for one in listed.embeddings] == VALUES


def test_usage_is_the_providers_where_it_tells_it() -> None:
    one = {"embedding": {"values": VALUES[0]}, "usageMetadata": {"promptTokenCount": 7}}
    assert read("vertex", NEW, one, ask("a")).usage.input_tokens == 7
    counted = [{"embeddings": {"values": one, "statistics": {"token_count": 4}}} for one in VALUES]
    answer = {"predictions": counted, "metadata": {"billableCharacterCount": 29}}
    usage = read("vertex", "text-embedding-005", answer, ask("a", "b")).usage
    assert (usage.total_tokens, usage.billed_characters, usage.estimated) == (8, 29, False)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {"embeddings": []},
        {"embeddings": [{"values": VALUES[0]}]},
        {"embeddings": [{"values": VALUES[0]}, {"values": None}]},
        {"embeddings": [{"values": VALUES[0]}, {"values": ["x", "y"]}]},
        {"embeddings": [{"values": VALUES[0]}, {"values": [1.0]}]},
        {"embeddings": [{"values": []}, {"values": []}]},
    ],
)
def test_other_vectors_than_were_asked_for_are_none(answer: Any) -> None:
    with pytest.raises(ProviderBadResponse):
        read("gemini", OLD, answer, ask("a", "b"))


def test_an_error_of_status_200_is_one_and_any_other_is_read() -> None:
    error = {"error": {"code": 429, "message": "slow down"}}
    with pytest.raises(ProviderRateLimited):
        read("gemini", OLD, error, ask("a"))
    told = codec("vertex", OLD).decode_error(HttpResponse(429, {}, json.dumps(error).encode()))
    assert isinstance(told, ProviderRateLimited)
