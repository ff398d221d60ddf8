"""The codec of embeddings: what is cut, sent, read and refused."""

import struct
from base64 import b64encode
from typing import Any

import orjson
import pytest
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1 import media_pb2
from hypothesis import given
from hypothesis import strategies as st

from server.errors import HubError, InvalidArgument, ProviderBadResponse, ProviderRateLimited, UnsupportedByProvider
from server.wire.http import HttpResponse
from server.wire.openai_embeddings import EmbeddingsDialect, OpenAIEmbeddingsCodec
from server.wire.openai_embeddings.dialect import (
    BASE64_FLOATS,
    BINARY,
    FLOAT32,
    INT8,
    JSON_FLOATS,
    UBINARY,
    UINT8,
    Format,
)
from tests.fake_embeddings import ask, floats

EVERYTHING = frozenset({"text", "tokens", "image"})
CODEC = OpenAIEmbeddingsCodec(EmbeddingsDialect("h", inputs=EVERYTHING, formats=BASE64_FLOATS, dimensions=True))


def tokens(*ids: int) -> pb.EmbeddingInput:
    return pb.EmbeddingInput(tokens=pb.TokenIds(ids=ids))


def decoded(body: Any, request: pb.CreateEmbeddingsRequest, codec: OpenAIEmbeddingsCodec = CODEC) -> Any:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return codec.decode(HttpResponse(200, {}, raw), request, range(len(request.inputs)))


def data(*vectors: Any, **more: Any) -> dict[str, Any]:
    return {"data": [{"embedding": one} for one in vectors], **more}


def test_cut_by_number_and_by_size_with_kinds_apart() -> None:
    inputs = [pb.EmbeddingInput(text="x" * 10), tokens(1), pb.EmbeddingInput(text="y"), tokens(*range(50))]
    inputs += [pb.EmbeddingInput(text="z" * 300), pb.EmbeddingInput(text="w")]
    request = pb.CreateEmbeddingsRequest(inputs=inputs)

    def parts(**limits: int) -> list[list[int]]:
        return OpenAIEmbeddingsCodec(EmbeddingsDialect("h", inputs=EVERYTHING, **limits)).parts(request)  # type: ignore[arg-type]

    assert parts() == [[0, 2, 4, 5], [1, 3]]
    assert parts(max_inputs=2) == [[0, 2], [4, 5], [1, 3]]
    assert parts(max_inputs=2, max_tokens=10_000) == [[0, 2], [4, 5], [1, 3]]
    assert parts(max_tokens=40) == [[0, 2], [4], [5], [1], [3]]  # an input too long goes alone, to be refused alone


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60), st.integers(1, 9), st.integers(0, 90))
def test_every_input_is_in_one_part(lengths: list[int], most: int, size: int) -> None:
    codec = OpenAIEmbeddingsCodec(EmbeddingsDialect("h", inputs=EVERYTHING, max_inputs=most, max_tokens=size))
    inputs = [tokens(*range(n)) if n % 3 == 0 and n else pb.EmbeddingInput(text="x" * n) for n in lengths]
    parts = codec.parts(pb.CreateEmbeddingsRequest(inputs=inputs))
    assert sorted(place for part in parts for place in part) == list(range(len(lengths)))
    assert all(0 < len(part) <= most for part in parts)
    assert all(part == sorted(part) for part in parts)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_a_vector_is_the_same_bits_both_ways(numbers: list[float]) -> None:
    packed = struct.pack(f"<{len(numbers)}f", *numbers)
    from_array = decoded(data(numbers), ask("a"))
    from_text = decoded(data(b64encode(packed).decode()), ask("a"))
    listed = decoded(data(b64encode(packed).decode()), ask("a", encoding=pb.EMBEDDING_ENCODING_FLOAT_LIST))
    assert from_array.embeddings[0].packed == from_text.embeddings[0].packed == packed
    assert list(listed.embeddings[0].floats.values) == numbers


def test_every_encoding_as_array_and_as_text() -> None:
    formats = {
        **JSON_FLOATS, INT8: Format(INT8, "int8"), UINT8: Format(UINT8, "uint8"),
        BINARY: Format(BINARY, "binary"), UBINARY: Format(UBINARY, "ubinary"),
    }  # fmt: skip
    codec = OpenAIEmbeddingsCodec(EmbeddingsDialect("h", formats=formats))
    for kind, numbers, raw in (
        (INT8, [1, -128], b"\x01\x80"), (UINT8, [1, 255], b"\x01\xff"), (BINARY, [-128], b"\x80"),
        (UBINARY, [255], b"\xff"), (FLOAT32, [1], struct.pack("<f", 1)),
    ):  # fmt: skip
        request = ask("a", encoding=kind)
        sent = orjson.loads(codec.encode(request, "m", [0]).body)
        assert sent.get("encoding_format", "") == formats[kind].word
        for told in (numbers, b64encode(raw).decode()):
            response = decoded(data(told), request, codec)
            assert (response.embeddings[0].packed, response.encoding) == (raw, kind)
    with pytest.raises(ProviderBadResponse, match="fractions"):
        decoded(data([0.5]), ask("a", encoding=INT8), codec)
    with pytest.raises(ProviderBadResponse, match="other numbers"):
        decoded(data([128]), ask("a", encoding=INT8), codec)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"\xff", b"[" * 5000, {}, {"data": None}, {"data": [1]}, {"data": [{}]},
        data("not base64!"), data([]), data(""), data({"a": 1}), data([1.0, None]),
        {"data": [{"embedding": [1.0], "index": -1}]}, b'{"data":[{"embedding":[1.0],"index":1180591620717411303424}]}',
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_bad_response(body: Any) -> None:
    with pytest.raises(ProviderBadResponse):
        decoded(body, ask("a"))


def test_odd_spellings_are_read_all_the_same() -> None:
    unpadded = b64encode(struct.pack("<2f", 1, 2)).decode().rstrip("=")
    body = {"data": [{"embedding": unpadded, "index": 0.0}], "model": None, "usage": None}
    response = decoded(body, ask("a"))
    assert floats(response.embeddings[0]) == [1, 2]
    assert response.usage.estimated


def test_an_error_in_a_success_is_an_error() -> None:
    error = {"error": {"message": "slow down", "code": 429}}
    for body in (error, [error], {**error, "data": []}):
        with pytest.raises(ProviderRateLimited, match="slow down"):
            decoded(body, ask("a"))


def test_usage_is_told_or_estimated_and_never_zero() -> None:
    one = decoded(data([1.0], usage={"total_tokens": 7}), ask("a")).usage
    assert (one.input_tokens, one.output_tokens, one.total_tokens, one.estimated) == (7, 0, 7, False)
    told = {"prompt_tokens": 3, "total_tokens": 3, "cost": 6e-08, "prompt_tokens_details": {"text_tokens": 3}}
    assert decoded(data([1.0], usage=told), ask("a")).usage.provider_cost_nano_usd == 60
    request = pb.CreateEmbeddingsRequest(
        inputs=[pb.EmbeddingInput(text="x" * 9), tokens(1, 2), pb.EmbeddingInput(image=media_pb2.Media(data=b"x"))]
    )
    guessed = decoded(data([1.0], [1.0], [1.0]), request).usage
    assert (guessed.input_tokens, guessed.total_tokens, guessed.estimated) == (3 + 2 + 765, 3 + 2 + 765, True)


@pytest.mark.parametrize(
    ("request_", "error", "names"),
    [
        (ask("a", encoding=INT8), UnsupportedByProvider, "encoding"),
        (
            pb.CreateEmbeddingsRequest(inputs=[pb.EmbeddingInput(image=media_pb2.Media(data=b"x"))]),
            InvalidArgument,
            "inputs[0].image.mime_type",
        ),
        (
            pb.CreateEmbeddingsRequest(inputs=[pb.EmbeddingInput(image=media_pb2.Media(file_id="f"))]),
            UnsupportedByProvider,
            "inputs[0].image.file_id",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_by_name(
    request_: pb.CreateEmbeddingsRequest, error: type[HubError], names: str
) -> None:
    with pytest.raises(error) as raised:
        CODEC.encode(request_, "m", [0])
    assert raised.value.fields[0].field == names


def test_every_field_of_the_contract_is_decided() -> None:
    """A field that is added must be built, or be refused."""
    known = {"model", "inputs", "dimensions", "encoding", "task", "truncate", "user", "gateway"}
    assert set(pb.CreateEmbeddingsRequest.DESCRIPTOR.fields_by_name) == known
    assert set(pb.EmbeddingInput.DESCRIPTOR.fields_by_name) == {"text", "tokens", "image", "title"}


def test_a_title_is_dropped_and_listed() -> None:
    request = pb.CreateEmbeddingsRequest(inputs=[pb.EmbeddingInput(text="a", title="T")] * 2)
    assert CODEC.encode(request, "m", [0, 1]).adjusted_fields == ("inputs.title",)
