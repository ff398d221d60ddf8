"""Cohere's embeddings and transcription."""

import json
import struct
from random import Random
from typing import Any

import pytest
from aignehub.v1 import audio_pb2
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.media_pb2 import Media
from google.protobuf.json_format import ParseDict

from server.errors import (
    HubError,
    InvalidArgument,
    ProviderBadResponse,
    ProviderRateLimited,
    ProviderUnavailable,
    UnsupportedByProvider,
)
from server.wire.cohere import CohereEmbeddingsCodec, CohereTranscriptionCodec
from server.wire.http import HttpResponse
from server.wire.recording import Dictation, Recording
from tests.contract.damage import cut, mangled, scrambled
from tests.fake_embeddings import ask
from tests.wire.audio_form import read_form

CODEC = CohereEmbeddingsCodec()
HEARING = CohereTranscriptionCodec()
PNG = pb.EmbeddingInput(image=Media(data=b"\x89PNG", mime_type="image/png"))
WAV = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\0\0\0\0"


def sent(request: pb.CreateEmbeddingsRequest, part: list[int]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(CODEC.encode(request, "embed-v4.0", part).body)
    return body


def told(word: str, *vectors: list[float], **meta: Any) -> bytes:
    meta = {"billed_units": {"input_tokens": 4, "image_tokens": 0}} | meta
    return json.dumps({"id": "1", "embeddings": {word: vectors}, "meta": meta}).encode()


def decoded(body: bytes, request: pb.CreateEmbeddingsRequest) -> pb.CreateEmbeddingsResponse:
    return CODEC.decode(HttpResponse(200, {}, body), request, range(len(request.inputs)))


def test_96_texts_go_together_and_every_image_alone() -> None:
    texts = [pb.EmbeddingInput(text=str(number)) for number in range(100)]
    request = pb.CreateEmbeddingsRequest(inputs=[PNG, *texts, PNG])
    parts = CODEC.parts(request)
    assert [len(part) for part in parts] == [96, 4, 1, 1]
    assert sorted(place for part in parts for place in part) == list(range(102))
    assert sent(request, parts[2]) == {
        "model": "embed-v4.0", "input_type": "image", "images": ["data:image/png;base64,iVBORw=="],
        "embedding_types": ["float"],
    }  # fmt: skip
    assert not CODEC.reads_url("image", PNG.image, "embed-v4.0")
    with pytest.raises(UnsupportedByProvider):
        CODEC.parts(pb.CreateEmbeddingsRequest(inputs=[pb.EmbeddingInput(tokens=pb.TokenIds(ids=[1]))]))


@pytest.mark.parametrize(
    ("task", "word", "dropped"),
    [
        (pb.EMBEDDING_TASK_UNSPECIFIED, "search_document", ()),
        (pb.EMBEDDING_TASK_RETRIEVAL_DOCUMENT, "search_document", ()),
        (pb.EMBEDDING_TASK_RETRIEVAL_QUERY, "search_query", ()),
        (pb.EMBEDDING_TASK_CLASSIFICATION, "classification", ()),
        (pb.EMBEDDING_TASK_CLUSTERING, "clustering", ()),
        (pb.EMBEDDING_TASK_SEMANTIC_SIMILARITY, "clustering", ("task",)),
        (pb.EMBEDDING_TASK_QUESTION_ANSWERING, "search_query", ("task",)),
        (pb.EMBEDDING_TASK_CODE_RETRIEVAL_QUERY, "search_query", ("task",)),
    ],
)
def test_every_vector_is_for_something(task: pb.EmbeddingTask.ValueType, word: str, dropped: tuple[str, ...]) -> None:
    request = ask("a", task=task)
    assert sent(request, [0])["input_type"] == word
    assert CODEC.encode(request, "m", [0]).adjusted_fields == dropped


def test_what_else_is_asked() -> None:
    request = ask("a", "b", dimensions=256, truncate=True, user="u", encoding=pb.EMBEDDING_ENCODING_UBINARY)
    assert sent(request, [0, 1]) == {
        "model": "embed-v4.0", "input_type": "search_document", "texts": ["a", "b"], "embedding_types": ["ubinary"],
        "output_dimension": 256, "truncate": "END",
    }  # fmt: skip
    assert CODEC.encode(request, "m", [0]).adjusted_fields == ("user",)
    assert sent(ask("a", truncate=False), [0])["truncate"] == "NONE"


@pytest.mark.parametrize(
    ("encoding", "word", "numbers", "packed", "dimensions"),
    [
        (pb.EMBEDDING_ENCODING_UNSPECIFIED, "float", [0.5, -1.0], struct.pack("<2f", 0.5, -1), 2),
        (pb.EMBEDDING_ENCODING_INT8, "int8", [-128, 127], b"\x80\x7f", 2),
        (pb.EMBEDDING_ENCODING_UINT8, "uint8", [0, 255], b"\x00\xff", 2),
        (pb.EMBEDDING_ENCODING_BINARY, "binary", [-128, 127], b"\x80\x7f", 16),
        (pb.EMBEDDING_ENCODING_UBINARY, "ubinary", [0, 255], b"\x00\xff", 16),
    ],
)
def test_every_encoding(
    encoding: pb.EmbeddingEncoding.ValueType, word: str, numbers: list[float], packed: bytes, dimensions: int
) -> None:
    request = ask("a", encoding=encoding)
    assert sent(request, [0])["embedding_types"] == [word]
    got = decoded(told(word, numbers), request)
    assert (got.embeddings[0].packed, got.dimensions) == (packed, dimensions)
    assert (got.usage.input_tokens, got.usage.total_tokens, got.usage.estimated) == (4, 4, False)


def test_lists_and_images_and_no_usage() -> None:
    request = ask("a", encoding=pb.EMBEDDING_ENCODING_FLOAT_LIST)
    assert list(decoded(told("float", [0.5]), request).embeddings[0].floats.values) == [0.5]
    billed = {"input_tokens": 0, "image_tokens": 259}
    assert decoded(told("float", [0.5], billed_units=billed), request).usage.input_tokens == 259
    assert decoded(b'{"embeddings":[[0.5]]}', request).usage.estimated


@pytest.mark.parametrize(
    "body",
    [
        b"{}", b"[]", b"", told("int8", [1]), told("float"), told("float", [0.5], [0.5]), told("float", []),
        b'{"embeddings":{"float":["x"]}}', b'{"embeddings":{"float":[["x"]]}}',
    ],
)  # fmt: skip
def test_other_vectors_than_were_asked_for_are_an_error(body: bytes) -> None:
    with pytest.raises(ProviderBadResponse):
        decoded(body, ask("a"))


def test_failures() -> None:
    with pytest.raises(ProviderUnavailable):
        decoded(b'{"message":"internal server error"}', ask("a"))
    told = CODEC.decode_error(HttpResponse(429, {}, b'{"message":"trial key"}'))
    assert isinstance(told, ProviderRateLimited)


@pytest.mark.parametrize("damage", [cut, scrambled, mangled])
def test_damaged_answers_are_read_or_are_one_error(damage: Any) -> None:
    request = ask("a", "b")
    for seed in range(300):
        body = damage(told("float", [0.5, 1.0], [2.0, 3.0]), Random(seed))
        try:
            got = decoded(body, request)
        except HubError:
            continue
        assert [len(one.packed) for one in got.embeddings] == [4 * got.dimensions] * 2


def hear(**options: Any) -> Dictation:
    recording = Recording(pieces=(WAV,), mime_type="audio/wav", filename="a.wav")
    return Dictation(recording, options=ParseDict(options, audio_pb2.TranscriptionOptions()))


def test_a_transcript() -> None:
    asked = HEARING.encode(hear(languages=["en-US"], temperature=0.2, prompt="x", keywords=["y"]), "transcribe")
    form = read_form(asked.headers["Content-Type"], b"".join(asked.pieces))
    assert form.fields == {"model": ["transcribe"], "language": ["en"], "temperature": ["0.2"]}
    assert (asked.path, form.file) == ("/v2/audio/transcriptions", WAV)
    assert asked.adjusted_fields == ("options.prompt", "options.keywords")
    got = HEARING.decode(HttpResponse(200, {}, b'{"text":" Hello"}'), hear(languages=["en"]), "transcribe")
    assert (got.transcript.text, got.model, got.usage.estimated) == (" Hello", "transcribe", True)


@pytest.mark.parametrize("languages", [[], ["en", "de"]])
def test_the_language_must_be_told(languages: list[str]) -> None:
    with pytest.raises(InvalidArgument):
        HEARING.encode(hear(languages=languages), "m")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"wordTimestamps": True}, "options.word_timestamps"),
        ({"segmentTimestamps": True}, "options.segment_timestamps"),
        ({"logprobs": True}, "options.logprobs"),
        ({"diarization": {}}, "options.diarization"),
        ({"format": "TRANSCRIPT_FORMAT_SRT"}, "options.format"),
    ],
)
def test_it_tells_the_text_alone(options: dict[str, Any], field: str) -> None:
    with pytest.raises(UnsupportedByProvider) as refused:
        HEARING.encode(hear(languages=["en"], **options), "m")
    assert refused.value.fields[0].field == field


def test_no_translation_and_no_other_containers() -> None:
    with pytest.raises(UnsupportedByProvider):
        HEARING.encode(Dictation(hear().recording, translate=True), "m")
    with pytest.raises(InvalidArgument):
        recording = Recording(pieces=(b"x",), mime_type="audio/webm")
        HEARING.encode(Dictation(recording, options=hear(languages=["en"]).options), "m")
