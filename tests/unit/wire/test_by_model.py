"""Which codec serves which model."""

import json
import re

import pytest
from aignehub.v1 import embedding_service_pb2 as pb

from server.wire.by_model import ByModel, EmbeddingsByModel, codec_of, embeddings_of
from server.wire.http import HttpResponse
from server.wire.openai_chat import Dialect, OpenAIChatCodec
from server.wire.openai_embeddings import EmbeddingsDialect, OpenAIEmbeddingsCodec
from tests.unit.wire.support import ask, whole

USUAL = OpenAIChatCodec(Dialect(name="usual", chat_path="/usual"))
ODD = OpenAIChatCodec(Dialect(name="odd", chat_path="/odd"))
LATER = OpenAIChatCodec(Dialect(name="later", chat_path="/later"))
TABLE = ByModel(USUAL, ((re.compile(r"odd-\d"), ODD), (re.compile(r"odd"), LATER)))


@pytest.mark.parametrize(
    ("model", "codec"),
    [("odd-1", ODD), ("ODD-7-preview", ODD), ("odd", LATER), ("model-odd-1", USUAL), ("", USUAL)],
)
def test_the_first_row_that_matches_counts(model: str, codec: OpenAIChatCodec) -> None:
    assert TABLE.of(model) is codec
    assert codec_of(TABLE, model) is codec
    assert TABLE.encode(ask(), model, stream=False).path == codec.dialect.chat_path


def test_a_codec_of_every_model_is_its_own() -> None:
    assert codec_of(ODD, "anything") is ODD


def test_an_answer_is_read_by_the_model_that_was_asked_for() -> None:
    answer = HttpResponse(200, {}, json.dumps(whole({"content": "a", "reasoning": "b"})).encode())
    for name, provider in (("mine/odd-1", "odd"), ("plain", "usual")):
        read = TABLE.decode(answer, ask(model=name))
        assert read.choices[0].message.content[0].reasoning.provider == provider
    assert TABLE.decoder(ask(model="mine/odd-1")).done is False
    assert TABLE.decode_error(HttpResponse(429, {}, b"")).reason == "PROVIDER_RATE_LIMITED"


def test_embeddings_go_by_the_model_too() -> None:
    usual, odd = (OpenAIEmbeddingsCodec(EmbeddingsDialect(name, path=f"/{name}")) for name in ("usual", "odd"))
    table = EmbeddingsByModel(usual, ((re.compile("odd"), odd),))
    request = pb.CreateEmbeddingsRequest(model="mine/odd-1", inputs=[pb.EmbeddingInput(text="a")])
    assert [embeddings_of(table, name) for name in ("Odd-1", "even", "")] == [odd, usual, usual]
    assert embeddings_of(odd, "even") is odd
    assert table.encode(request, "odd-1", table.parts(request)[0]).path == "/odd"
    answer = HttpResponse(200, {}, b'{"data": [{"embedding": [1.0]}], "model": "m"}')
    assert table.decode(answer, request, [0]).dimensions == 1
    assert table.decode_error(HttpResponse(429, {}, b"")).reason == "PROVIDER_RATE_LIMITED"
