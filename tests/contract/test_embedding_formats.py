"""Voyage and Jina: what each family of their models is sent, and what it is not asked for."""

from base64 import b64encode
from typing import Any

import orjson
import pytest
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1 import media_pb2

from server.errors import HubError, ProviderBadResponse
from server.providers.registry import PROVIDERS
from server.wire.by_model import embeddings_of
from server.wire.codec import EmbeddingsCodec
from server.wire.http import HttpResponse
from tests.fake_embeddings import ask
from tests.pictures import solid_png

CAT = solid_png(8, 4, (1, 2, 3, 255))
QUERY, DOCUMENT = pb.EMBEDDING_TASK_RETRIEVAL_QUERY, pb.EMBEDDING_TASK_RETRIEVAL_DOCUMENT
INT8, UBINARY = pb.EMBEDDING_ENCODING_INT8, pb.EMBEDDING_ENCODING_UBINARY


def codec(kind: str, model: str) -> EmbeddingsCodec:
    make = PROVIDERS[kind].embeddings
    assert make
    return embeddings_of(make({}), model)


def sent(kind: str, model: str, request: pb.CreateEmbeddingsRequest) -> tuple[str, dict[str, Any]]:
    """Path and body, without the model."""
    made = codec(kind, model).encode(request, model, range(len(request.inputs)))
    body = orjson.loads(made.body)
    assert body.pop("model") == model
    return made.path, body


def pictures(*medias: media_pb2.Media, **more: Any) -> pb.CreateEmbeddingsRequest:
    return pb.CreateEmbeddingsRequest(inputs=[pb.EmbeddingInput(image=media) for media in medias], **more)


BY_URL = media_pb2.Media(url="https://example.com/cat.png")
BY_BYTES = media_pb2.Media(data=CAT, mime_type="image/png")

SENT = [
    ("voyage", "voyage-4", ask("a"), {"input": ["a"], "encoding_format": "base64"}),
    (
        "voyage", "voyage-3.5-lite", ask("a", task=QUERY, dimensions=256, encoding=INT8, truncate=False),
        {
            "input": ["a"], "encoding_format": "base64", "output_dtype": "int8", "output_dimension": 256,
            "input_type": "query", "truncation": False,
        },
    ),
    (
        "voyage", "voyage-law-2", ask("a", task=DOCUMENT, truncate=True),
        {"input": ["a"], "encoding_format": "base64", "input_type": "document", "truncation": True},
    ),
    ("jina", "jina-embeddings-v3", ask("a"), {"input": ["a"], "embedding_type": "base64"}),
    (
        "jina", "jina-embeddings-v3",
        ask("a", task=pb.EMBEDDING_TASK_CLUSTERING, dimensions=64, encoding=UBINARY, truncate=True),
        {"input": ["a"], "embedding_type": "ubinary", "task": "separation", "dimensions": 64, "truncate": True},
    ),
    (
        "jina", "jina-embeddings-v4", ask("a", task=pb.EMBEDDING_TASK_CODE_RETRIEVAL_QUERY),
        {"input": ["a"], "embedding_type": "base64", "task": "code.query"},
    ),
    (
        "jina", "jina-code-embeddings-1.5b", ask("a", task=pb.EMBEDDING_TASK_QUESTION_ANSWERING),
        {"input": ["a"], "embedding_type": "base64", "task": "qa.query"},
    ),
    (
        "jina", "jina-clip-v2", pictures(BY_URL, BY_BYTES),
        {
            "input": [{"image": "https://example.com/cat.png"}, {"image": b64encode(CAT).decode()}],
            "embedding_type": "base64",
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "model", "request_", "body"), SENT)
def test_what_a_model_is_sent(
    kind: str, model: str, request_: pb.CreateEmbeddingsRequest, body: dict[str, Any]
) -> None:
    assert sent(kind, model, request_) == ("/embeddings", body)


def test_voyage_embeds_images_by_a_path_and_in_pieces_of_its_own() -> None:
    path, body = sent("voyage", "voyage-multimodal-3.5", pictures(BY_URL, BY_BYTES, task=DOCUMENT, dimensions=512))
    assert path == "/multimodalembeddings"
    assert body == {
        "inputs": [
            {"content": [{"type": "image_url", "image_url": "https://example.com/cat.png"}]},
            {"content": [{"type": "image_base64", "image_base64": f"data:image/png;base64,{b64encode(CAT).decode()}"}]},
        ],
        "output_encoding": "base64",
        "input_type": "document",
        "output_dimension": 512,
    }
    path, body = sent("voyage", "voyage-multimodal-3", ask("a"))
    assert (path, body["inputs"]) == ("/multimodalembeddings", [{"content": [{"type": "text", "text": "a"}]}])


REFUSED = [
    ("voyage", "voyage-4", ask("a", dimensions=300), "dimensions", "256, 512, 1024, 2048"),
    ("voyage", "voyage-3", ask("a", dimensions=512), "dimensions", "own length"),
    ("voyage", "voyage-code-2", ask("a", encoding=INT8), "encoding", "no INT8 vectors"),
    ("voyage", "voyage-multimodal-3", ask("a", encoding=UBINARY), "encoding", "no UBINARY vectors"),
    ("voyage", "voyage-multimodal-3.5", pictures(media_pb2.Media(file_id="f")), "inputs[0].image.file_id", "URL"),
    ("jina", "jina-embeddings-v3", ask("a", encoding=INT8), "encoding", "no INT8 vectors"),
    ("jina", "jina-embeddings-v2-base-en", ask("a", dimensions=64), "dimensions", "own length"),
]


@pytest.mark.parametrize(("kind", "model", "request_", "field", "says"), REFUSED)
def test_what_a_model_lacks_is_refused_by_name(
    kind: str, model: str, request_: pb.CreateEmbeddingsRequest, field: str, says: str
) -> None:
    with pytest.raises(HubError, match=says) as raised:
        sent(kind, model, request_)
    assert raised.value.fields[0].field == field


@pytest.mark.parametrize(
    ("kind", "model", "request_"),
    [
        ("voyage", "voyage-4", pictures(BY_URL)),
        ("voyage", "voyage-4", pb.CreateEmbeddingsRequest(inputs=[pb.EmbeddingInput(tokens=pb.TokenIds(ids=[1]))])),
        ("jina", "jina-embeddings-v3", pictures(BY_URL)),
    ],
)
def test_inputs_of_other_kinds_are_refused_before_anything_is_sent(
    kind: str, model: str, request_: pb.CreateEmbeddingsRequest
) -> None:
    with pytest.raises(HubError) as raised:
        codec(kind, model).parts(request_)
    assert raised.value.fields[0].field.startswith("inputs[0].")


def test_what_a_model_has_no_word_for_is_dropped_and_listed() -> None:
    request = ask("a", task=pb.EMBEDDING_TASK_CLUSTERING, user="u")
    for kind, model in (("voyage", "voyage-4"), ("jina", "jina-embeddings-v2-base-en"), ("jina", "jina-clip-v2")):
        assert codec(kind, model).encode(request, model, [0]).adjusted_fields == ("user", "task")
    request.gateway.strict_parameters = True
    with pytest.raises(HubError, match="strict_parameters"):
        codec("voyage", "voyage-4").encode(request, "voyage-4", [0])


def test_a_batch_is_cut_by_what_the_model_takes() -> None:
    texts = ask(*["x" * 1000] * 1500)  # at most 500 tokens each, to be safe

    def sizes(model: str, request: pb.CreateEmbeddingsRequest = texts) -> list[int]:
        return [len(part) for part in codec("voyage", model).parts(request)]

    assert sizes("voyage-4-lite") == [1000, 500]
    assert sizes("voyage-4") == [640, 640, 220]
    assert sizes("voyage-4-large") == sizes("voyage-of-tomorrow") == [*[240] * 6, 60]
    assert sizes("voyage-multimodal-3.5", pictures(*[BY_BYTES] * 100)) == [89, 11]
    mixed = pb.CreateEmbeddingsRequest(inputs=[*ask("a").inputs, *pictures(BY_URL).inputs, *ask("b").inputs])
    assert codec("voyage", "voyage-multimodal-3.5").parts(mixed) == [[0, 2], [1]]
    assert [len(part) for part in codec("jina", "jina-embeddings-v3").parts(ask(*["x"] * 600))] == [512, 88]


def test_extra_fields_pass_but_for_those_the_contract_has() -> None:
    request = ask("a")
    request.gateway.extra_body_json = '{"late_chunking": true, "normalized": false}'
    body = sent("jina", "jina-embeddings-v3", request)[1]
    assert (body["late_chunking"], body["normalized"]) == (True, False)
    for name in ("embedding_type", "task", "truncation", "output_encoding"):
        request.gateway.extra_body_json = f'{{"{name}": "x"}}'
        with pytest.raises(HubError, match=name):
            sent("jina", "jina-embeddings-v3", request)


@pytest.mark.parametrize(("encoding", "raw"), [(INT8, b"\x01\x80"), (UBINARY, b"\xff"), (0, b"\0\0\x80\x3f")])
def test_base64_stays_bytes(encoding: Any, raw: bytes) -> None:
    body = {
        "object": "list",
        "data": [{"embedding": b64encode(raw).decode(), "index": 0}],
        "usage": {"total_tokens": 3},
    }
    answer = codec("voyage", "voyage-4").decode(
        HttpResponse(200, {}, orjson.dumps(body)), ask("a", encoding=encoding), [0]
    )
    assert answer.embeddings[0].packed == raw
    assert (answer.usage.input_tokens, answer.usage.total_tokens, answer.usage.estimated) == (3, 3, False)
    with pytest.raises(ProviderBadResponse):
        codec("voyage", "voyage-4").decode(HttpResponse(200, {}, b'{"data": []}'), ask("a"), [0])
