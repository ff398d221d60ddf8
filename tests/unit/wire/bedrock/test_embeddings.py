"""Embeddings by InvokeModel: what each family of models is sent, and how its answers are read."""

import json
from base64 import b64encode
from typing import Any

import pytest
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1 import media_pb2

from server.errors import HubError, InvalidArgument, ProviderBadResponse, UnsupportedByProvider
from server.providers.registry import PROVIDERS
from server.wire.by_model import embeddings_of
from server.wire.codec import EmbeddingsCodec
from server.wire.http import HttpResponse
from tests.fake_embeddings import ask, floats
from tests.pictures import solid_png

TITAN_1 = "amazon.titan-embed-text-v1"
TITAN_2 = "amazon.titan-embed-text-v2:0"
TITAN_IMAGE = "amazon.titan-embed-image-v1"
COHERE_3 = "cohere.embed-multilingual-v3"
COHERE_4 = "us.cohere.embed-v4:0"
NOVA = "amazon.nova-2-multimodal-embeddings-v1:0"
CAT = solid_png(8, 4, (1, 2, 3, 255))
CAT_64 = b64encode(CAT).decode()
QUERY, CLUSTERING = pb.EMBEDDING_TASK_RETRIEVAL_QUERY, pb.EMBEDDING_TASK_CLUSTERING
INT8, BINARY, UBINARY = pb.EMBEDDING_ENCODING_INT8, pb.EMBEDDING_ENCODING_BINARY, pb.EMBEDDING_ENCODING_UBINARY


def codec(model: str) -> EmbeddingsCodec:
    make = PROVIDERS["bedrock"].embeddings
    assert make
    return embeddings_of(make({}), model)


def picture(data: bytes = CAT, **more: Any) -> pb.CreateEmbeddingsRequest:
    image = media_pb2.Media(data=data, mime_type="image/png")
    return pb.CreateEmbeddingsRequest(inputs=[pb.EmbeddingInput(image=image)], **more)


def sent(model: str, request: pb.CreateEmbeddingsRequest) -> Any:
    return json.loads(codec(model).encode(request, model, range(len(request.inputs))).body)


@pytest.mark.parametrize(
    ("model", "request_", "body"),
    [
        (TITAN_1, ask("a"), {"inputText": "a"}),
        (TITAN_2, ask("a", dimensions=256), {"inputText": "a", "dimensions": 256}),
        (TITAN_2, ask("a", encoding=UBINARY), {"inputText": "a", "embeddingTypes": ["binary"]}),
        (TITAN_IMAGE, ask("a", dimensions=384), {"inputText": "a", "embeddingConfig": {"outputEmbeddingLength": 384}}),
        (TITAN_IMAGE, picture(), {"inputImage": CAT_64}),
        (
            COHERE_3,
            ask("a", "b", task=QUERY, truncate=True),
            {"input_type": "search_query", "texts": ["a", "b"], "embedding_types": ["float"], "truncate": "END"},
        ),
        (
            COHERE_4,
            ask("a", encoding=INT8, dimensions=512, truncate=False),
            {
                "input_type": "search_document",
                "texts": ["a"],
                "embedding_types": ["int8"],
                "output_dimension": 512,
                "truncate": "NONE",
            },
        ),
        (
            COHERE_4,
            picture(),
            {"input_type": "image", "images": [f"data:image/png;base64,{CAT_64}"], "embedding_types": ["float"]},
        ),
        (
            NOVA,
            ask("a", task=CLUSTERING, dimensions=3072),
            {
                "taskType": "SINGLE_EMBEDDING",
                "singleEmbeddingParams": {
                    "embeddingPurpose": "CLUSTERING",
                    "embeddingDimension": 3072,
                    "text": {"truncationMode": "NONE", "value": "a"},
                },
            },
        ),
        (
            NOVA,
            picture(),
            {
                "taskType": "SINGLE_EMBEDDING",
                "singleEmbeddingParams": {
                    "embeddingPurpose": "GENERIC_INDEX",
                    "image": {"format": "png", "source": {"bytes": CAT_64}},
                },
            },
        ),
    ],
)
def test_bodies(model: str, request_: pb.CreateEmbeddingsRequest, body: Any) -> None:
    assert sent(model, request_) == body
    path = codec(model).encode(request_, model, range(len(request_.inputs))).path
    assert path == f"/model/{model.replace(':', '%3A')}/invoke"


def test_an_image_in_s3_is_left_to_nova() -> None:
    image = media_pb2.Media(url="s3://b/c.png", mime_type="image/png")
    request = pb.CreateEmbeddingsRequest(inputs=[pb.EmbeddingInput(image=image)])
    params = sent(NOVA, request)["singleEmbeddingParams"]
    assert params["image"] == {"format": "png", "source": {"s3Location": {"uri": "s3://b/c.png"}}}
    with pytest.raises(UnsupportedByProvider) as caught:
        sent(COHERE_4, request)
    assert caught.value.fields[0].field == "inputs[0].image.url"


@pytest.mark.parametrize(
    ("model", "parts"), [(TITAN_2, [[0], [1], [2]]), (COHERE_3, [[0, 1, 2]]), (NOVA, [[0], [1], [2]])]
)
def test_what_goes_together(model: str, parts: list[list[int]]) -> None:
    assert [list(part) for part in codec(model).parts(ask("a", "b", "c"))] == parts


def test_texts_by_96_and_images_alone() -> None:
    request = ask(*["a"] * 100)
    request.inputs.insert(1, picture().inputs[0])
    assert [len(part) for part in codec(COHERE_4).parts(request)] == [96, 4, 1]
    assert codec(COHERE_4).parts(request)[-1] == [1]


@pytest.mark.parametrize(
    ("model", "request_", "field"),
    [
        ("custom-model", ask("a"), "model"),
        (TITAN_2, picture(), "inputs[0].image"),
        (
            COHERE_3,
            pb.CreateEmbeddingsRequest(inputs=[pb.EmbeddingInput(tokens=pb.TokenIds(ids=[1]))]),
            "inputs[0].tokens",
        ),
        (TITAN_1, ask("a", dimensions=256), "dimensions"),
        (TITAN_2, ask("a", dimensions=300), "dimensions"),
        (TITAN_2, ask("a", encoding=INT8), "encoding"),
        (NOVA, ask("a", encoding=BINARY), "encoding"),
        (COHERE_4, picture(b"no image"), "inputs[0].image.mime_type"),
    ],
)
def test_what_a_model_cannot_do(model: str, request_: pb.CreateEmbeddingsRequest, field: str) -> None:
    if model == COHERE_4:
        request_.inputs[0].image.mime_type = ""
    with pytest.raises((UnsupportedByProvider, InvalidArgument)) as caught:
        codec(model).parts(request_)
        codec(model).encode(request_, model, [0])
    assert caught.value.fields[0].field == field


@pytest.mark.parametrize(
    ("model", "request_", "dropped"),
    [
        (TITAN_2, ask("a", task=QUERY, truncate=True, user="u"), ("user", "task", "truncate")),
        (TITAN_2, ask("a", truncate=False), ()),
        (COHERE_3, ask("a", task=pb.EMBEDDING_TASK_FACT_VERIFICATION), ("task",)),
        (NOVA, ask("a", task=pb.EMBEDDING_TASK_CODE_RETRIEVAL_QUERY), ("task",)),
    ],
)
def test_what_is_dropped_is_told(model: str, request_: pb.CreateEmbeddingsRequest, dropped: tuple[str, ...]) -> None:
    assert codec(model).encode(request_, model, [0]).adjusted_fields == dropped


def answered(model: str, body: Any, request: pb.CreateEmbeddingsRequest, **headers: str) -> pb.CreateEmbeddingsResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    part = range(len(request.inputs))
    return codec(model).decode(HttpResponse(200, named, json.dumps(body).encode()), request, part)


def test_answers() -> None:
    one = answered(TITAN_1, {"embedding": [0.5, -1], "inputTextTokenCount": 3}, ask("a"))
    assert (floats(one.embeddings[0]), one.dimensions) == ([0.5, -1.0], 2)
    assert (one.usage.input_tokens, one.usage.total_tokens, one.usage.estimated) == (3, 3, False)
    two = answered(
        COHERE_3, {"embeddings": {"float": [[1, 2], [3, 4]]}}, ask("a", "b"), x_amzn_bedrock_input_token_count="9"
    )
    assert [floats(vector) for vector in two.embeddings] == [[1, 2], [3, 4]]
    assert two.usage.input_tokens == 9
    assert floats(answered(COHERE_3, {"embeddings": [[1, 2]]}, ask("a")).embeddings[0]) == [1, 2]
    nova = answered(NOVA, {"embeddings": [{"embeddingType": "TEXT", "embedding": [0.25]}]}, ask("abcdefgh"))
    assert (floats(nova.embeddings[0]), nova.usage.estimated, nova.usage.input_tokens) == ([0.25], True, 2)


def test_bits_are_packed() -> None:
    bits = [1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    body = {"embeddingsByType": {"binary": bits}, "inputTextTokenCount": 1}
    plain = answered(TITAN_2, body, ask("a", encoding=UBINARY))
    assert (plain.embeddings[0].packed, plain.dimensions) == (b"\x81\xf0", 16)
    offset = answered(TITAN_2, body, ask("a", encoding=BINARY))
    assert offset.embeddings[0].packed == b"\x01\x70"


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (TITAN_1, {}),
        (TITAN_1, {"embedding": None}),
        (TITAN_1, {"embedding": ["a"]}),
        (TITAN_1, {"embedding": []}),
        (TITAN_1, []),
        (COHERE_3, {"embeddings": {"int8": [[1]]}}),
        (COHERE_3, {"embeddings": [[1, 2], [3, 4]]}),
        (COHERE_3, {"embeddings": "x"}),
        (NOVA, {"embeddings": [{"embeddingType": "TEXT"}]}),
        (NOVA, {"embeddings": [None]}),
    ],
)
def test_what_is_no_answer(model: str, body: Any) -> None:
    with pytest.raises(ProviderBadResponse):
        answered(model, body, ask("a"))


@pytest.mark.parametrize("bits", [[1, 0], [2] * 8, ["1"] * 8, [], {}, None])
def test_what_are_no_bits(bits: Any) -> None:
    with pytest.raises(ProviderBadResponse):
        answered(TITAN_2, {"embeddingsByType": {"binary": bits}}, ask("a", encoding=UBINARY))


def test_refusals_are_bedrocks() -> None:
    headers = {"x-amzn-errortype": "ThrottlingException"}
    error: HubError = codec(TITAN_1).decode_error(HttpResponse(429, headers, b'{"message": "slow"}'))
    assert error.reason == "PROVIDER_RATE_LIMITED"
    assert codec("unknown").decode_error(HttpResponse(429, headers, b"{}")).reason == "PROVIDER_RATE_LIMITED"
