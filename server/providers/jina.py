"""Jina AI: embeddings of texts, and of texts and images with jina-clip, jina-embeddings-v4 and the omni models.

Sent: the task in each family's own words (those it lacks are dropped and listed), vector length, floats as base64
that stay bytes, packed bits, whether long inputs are cut; by gateway.extra_body_json, ``late_chunking`` and
``normalized``. Refused: token ids, int8 and uint8, images where the model reads none. Dropped and listed: user, titles.
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
from server.wire.openai_embeddings.dialect import BINARY, FLOAT32, UBINARY, Format
from server.wire.openai_embeddings.inputs import jina_input

_QUERY = int(pb.EMBEDDING_TASK_RETRIEVAL_QUERY)
_DOCUMENT = int(pb.EMBEDDING_TASK_RETRIEVAL_DOCUMENT)
_CODE_QUERY = int(pb.EMBEDDING_TASK_CODE_RETRIEVAL_QUERY)
_CLUSTERING = int(pb.EMBEDDING_TASK_CLUSTERING)
_RETRIEVAL: Mapping[int, str] = MappingProxyType(
    {
        _QUERY: "retrieval.query",
        _DOCUMENT: "retrieval.passage",
        pb.EMBEDDING_TASK_SEMANTIC_SIMILARITY: "text-matching",
    }
)
_GROUPS: Mapping[int, str] = MappingProxyType(
    {pb.EMBEDDING_TASK_CLASSIFICATION: "classification", _CLUSTERING: "clustering"}
)
_CODE: Mapping[int, str] = MappingProxyType(
    {
        _CODE_QUERY: "nl2code.query",
        _QUERY: "nl2code.query",
        _DOCUMENT: "nl2code.passage",
        pb.EMBEDDING_TASK_QUESTION_ANSWERING: "qa.query",
    }
)

_ANY = EmbeddingsDialect(
    # https://api.jina.ai/redoc and https://jina.ai/embeddings, which state no number of inputs: 512 is careful.
    name="jina",
    max_inputs=512,
    write=jina_input,
    formats=MappingProxyType(
        {FLOAT32: Format(FLOAT32, "base64"), BINARY: Format(BINARY, "binary"), UBINARY: Format(UBINARY, "ubinary")}
    ),
    format_name="embedding_type",
    dimensions=True,
    tasks=_RETRIEVAL,
    task_name="task",
    truncation_name="truncate",
)
_IMAGES = replace(_ANY, inputs=frozenset({"text", "image"}))


_ROWS: tuple[tuple[str, EmbeddingsDialect], ...] = (
    (r"jina-embeddings-v2", replace(_ANY, dimensions=False, tasks={})),
    (r"jina-embeddings-v3", replace(_ANY, tasks={**_RETRIEVAL, **_GROUPS, _CLUSTERING: "separation"})),
    (r"jina-embeddings-v4", replace(_IMAGES, tasks={**_RETRIEVAL, _CODE_QUERY: "code.query"})),
    (r"jina-embeddings-v5-omni", replace(_IMAGES, tasks={**_RETRIEVAL, **_GROUPS})),
    (r"jina-embeddings-v5", replace(_ANY, tasks={**_RETRIEVAL, **_GROUPS})),
    (r"jina-code-embeddings", replace(_ANY, tasks=_CODE)),
    (r"jina-clip", replace(_IMAGES, tasks={_QUERY: "retrieval.query"})),
)
_CODEC = EmbeddingsByModel(
    OpenAIEmbeddingsCodec(_IMAGES),
    tuple((re.compile(pattern), OpenAIEmbeddingsCodec(dialect)) for pattern, dialect in _ROWS),
)

JINA = ProviderKind(
    name="jina",
    base_url="https://api.jina.ai/v1",
    authorize=always(bearer),
    embeddings=lambda _: _CODEC,
    key_env=("JINA_API_KEY", "JINAAI_API_KEY"),
    base_url_env="JINA_BASE_URL",
    notes="images with jina-clip and jina-embeddings-v4",
)
