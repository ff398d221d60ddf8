"""Voyage AI: embeddings of texts, and of texts and images with its multimodal models.

Sent: the task as ``input_type`` (queries and documents; others are dropped and listed), vector length, every encoding,
whether long inputs are cut. Vectors come as base64 and stay bytes. Refused: token ids, and images where the model is
not multimodal. Dropped and listed: user, titles. Contextualized chunks and reranking have no place in the contract.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from aignehub.v1 import embedding_service_pb2 as pb

from server.providers.kind import ProviderKind
from server.transport.credentials import always, bearer
from server.wire.by_model import EmbeddingsByModel
from server.wire.openai_embeddings import EmbeddingsDialect, OpenAIEmbeddingsCodec
from server.wire.openai_embeddings.dialect import BASE64_FLOATS, BINARY, FLOAT32, INT8, UBINARY, UINT8, Format
from server.wire.openai_embeddings.inputs import voyage_content

_EVERY_TYPE: Mapping[int, Format] = MappingProxyType(
    {
        FLOAT32: Format(FLOAT32, "base64"),
        INT8: Format(INT8, "base64", dtype="int8"),
        UINT8: Format(UINT8, "base64", dtype="uint8"),
        BINARY: Format(BINARY, "base64", dtype="binary"),
        UBINARY: Format(UBINARY, "base64", dtype="ubinary"),
    }
)
_LENGTHS = (256, 512, 1024, 2048)

_ANY = EmbeddingsDialect(
    # https://docs.voyageai.com/reference/embeddings-api and https://docs.voyageai.com/docs/embeddings: 1,000 texts a
    # request, and tokens by the model; a model that is not known here gets the fewest.
    name="voyage",
    max_inputs=1000,
    max_tokens=120_000,
    formats=_EVERY_TYPE,
    dimensions=True,
    dimensions_name="output_dimension",
    tasks=MappingProxyType(
        {pb.EMBEDDING_TASK_RETRIEVAL_QUERY: "query", pb.EMBEDDING_TASK_RETRIEVAL_DOCUMENT: "document"}
    ),
    truncation_name="truncation",
)
_LARGE = replace(_ANY, lengths=_LENGTHS)
_FIXED = replace(_ANY, formats=BASE64_FLOATS, dimensions=False)
"""Models of before 2025: floats of one length."""
_MULTIMODAL = replace(
    # https://docs.voyageai.com/reference/multimodal-embeddings-api: a token for every 560 pixels of at most 2 million.
    _LARGE,
    path="/multimodalembeddings",
    inputs=frozenset({"text", "image"}),
    max_tokens=320_000,
    image_tokens=2_000_000 // 560 + 1,
    write=voyage_content,
    input_name="inputs",
    format_name="output_encoding",
)

_ROWS: tuple[tuple[str, EmbeddingsDialect], ...] = (
    (r"voyage-multimodal-3(?!\.)", replace(_MULTIMODAL, formats=BASE64_FLOATS, dimensions=False)),
    (r"voyage-multimodal", _MULTIMODAL),
    (r"voyage-(4|3\.5)-lite", replace(_LARGE, max_tokens=1_000_000)),
    (r"voyage-(4|3\.5)(?!-large)", replace(_LARGE, max_tokens=320_000)),
    (r"voyage-(4-large|3-large|code-3)", _LARGE),
    (r"voyage-3-lite", replace(_FIXED, max_tokens=1_000_000)),
    (r"voyage-[23]$", replace(_FIXED, max_tokens=320_000)),
    (r"voyage-(large|code|law|finance|multilingual)-2", _FIXED),
)
_CODEC = EmbeddingsByModel(
    OpenAIEmbeddingsCodec(_ANY),
    tuple((re.compile(pattern), OpenAIEmbeddingsCodec(dialect)) for pattern, dialect in _ROWS),
)

VOYAGE = ProviderKind(
    name="voyage",
    base_url="https://api.voyageai.com/v1",
    authorize=always(bearer),
    embeddings=lambda _: _CODEC,
    key_env=("VOYAGE_API_KEY",),
    base_url_env="VOYAGE_BASE_URL",
    notes="images with voyage-multimodal",
)
