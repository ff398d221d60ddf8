"""Hosts that speak OpenAI's embeddings: a row each, by the name of their kind.

As with chat, where a vendor's page says less than one would like, the row is the careful reading. Hosts that are
missing here were looked up and have no such path.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from aignehub.v1 import embedding_service_pb2 as pb

from server.wire.codec import EmbeddingsCodec
from server.wire.http import path_segment
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

_QUERY = pb.EMBEDDING_TASK_RETRIEVAL_QUERY
_DOCUMENT = pb.EMBEDDING_TASK_RETRIEVAL_DOCUMENT

_OPENAI = EmbeddingsDialect(
    # https://platform.openai.com/docs/api-reference/embeddings/create: 2,048 inputs and 300,000 tokens a request.
    name="openai",
    inputs=frozenset({"text", "tokens"}),
    max_tokens=300_000,
    formats=BASE64_FLOATS,
    dimensions=True,
    user=True,
    truncates=False,
)

_OPENROUTER = EmbeddingsDialect(
    # https://openrouter.ai/docs/api-reference/embeddings/create-embeddings
    name="openrouter",
    inputs=frozenset({"text", "tokens", "image"}),
    max_tokens=300_000,  # OpenAI's, which it passes on to
    formats=BASE64_FLOATS,
    dimensions=True,
    user=True,
    tasks=MappingProxyType({_QUERY: "search_query", _DOCUMENT: "search_document"}),
)

_PERPLEXITY_INT8 = Format(INT8, "base64_int8")
_PERPLEXITY_BITS = Format(UBINARY, "base64_binary", low_bit_first=True)

_PERPLEXITY = EmbeddingsDialect(
    # https://docs.perplexity.ai/api-reference/embeddings-post: whole numbers of a byte or bits and nothing finer, so
    # floats are those whole numbers (cosine is the measure its page asks for); 512 texts and 120,000 tokens a request.
    name="perplexity",
    path="/v1/embeddings",
    max_inputs=512,
    max_tokens=120_000,
    formats=MappingProxyType(
        {FLOAT32: _PERPLEXITY_INT8, INT8: _PERPLEXITY_INT8, UBINARY: _PERPLEXITY_BITS, BINARY: _PERPLEXITY_BITS}
    ),
    dimensions=True,
    truncates=False,
)

_TOGETHER = EmbeddingsDialect(
    # https://docs.together.ai/reference/embeddings-2: a model and texts, nothing else.
    name="together",
)

_FIREWORKS = EmbeddingsDialect(
    # https://docs.fireworks.ai/api-reference/creates-an-embedding-vector-representing-the-input-text
    name="fireworks",
    dimensions=True,
)

_DOUBAO = EmbeddingsDialect(
    # https://www.volcengine.com/docs/82379/1302003: 256 texts a request.
    name="doubao",
    max_inputs=256,
    formats=BASE64_FLOATS,
)

_LMSTUDIO = EmbeddingsDialect(
    # https://lmstudio.ai/docs/developer/openai-compat/embeddings
    name="lmstudio",
)

_VLLM = EmbeddingsDialect(
    # https://docs.vllm.ai/en/latest/models/pooling_models/embed.html
    name="vllm",
    inputs=frozenset({"text", "tokens"}),
    formats=BASE64_FLOATS,
    dimensions=True,
    user=True,
    truncate_prompt_tokens=True,
)

_ANY = EmbeddingsDialect(
    # A server nobody described. OpenAI's own clients ask for base64 unless told otherwise, so it has met that.
    name="openai-compatible",
    inputs=frozenset({"text", "tokens"}),
    formats=BASE64_FLOATS,
    dimensions=True,
    user=True,
)

_FOUNDRY = EmbeddingsDialect(
    # https://learn.microsoft.com/rest/api/aifoundry/model-inference/get-embeddings; 96 texts are the least that one
    # of its models takes (Cohere's).
    name="azure-foundry",
    max_inputs=96,
    formats=MappingProxyType(
        {
            **JSON_FLOATS,
            INT8: Format(INT8, "int8"),
            UINT8: Format(UINT8, "uint8"),
            BINARY: Format(BINARY, "binary"),
            UBINARY: Format(UBINARY, "ubinary"),
        }
    ),
    dimensions=True,
    tasks=MappingProxyType({_QUERY: "query", _DOCUMENT: "document"}),
)
_FOUNDRY_VERSION = "2024-05-01-preview"  # the one its reference is written for


def _azure(options: Mapping[str, str]) -> EmbeddingsCodec:
    """The v1 path with the model in the body; with an API version, the older path of a deployment.

    https://learn.microsoft.com/azure/ai-foundry/openai/latest
    """
    dialect = replace(_OPENAI, name="azure")
    version = options.get("api_version", "")
    if version:
        path = f"/openai/deployments/{{model}}/embeddings?api-version={path_segment(version)}"
        dialect = replace(dialect, path=path)
    return OpenAIEmbeddingsCodec(dialect)


def _foundry(options: Mapping[str, str]) -> EmbeddingsCodec:
    version = path_segment(options.get("api_version", _FOUNDRY_VERSION))
    return OpenAIEmbeddingsCodec(replace(_FOUNDRY, path=f"/embeddings?api-version={version}"))


def _same(dialect: EmbeddingsDialect) -> Callable[[Mapping[str, str]], EmbeddingsCodec]:
    codec = OpenAIEmbeddingsCodec(dialect)
    return lambda _: codec


EMBEDDINGS: Mapping[str, Callable[[Mapping[str, str]], EmbeddingsCodec]] = MappingProxyType(
    {
        "azure": _azure,
        "azure-foundry": _foundry,
        **{
            dialect.name: _same(dialect)
            for dialect in (
                *(_OPENAI, _OPENROUTER, _TOGETHER, _FIREWORKS, _PERPLEXITY, _DOUBAO),
                *(_LMSTUDIO, _VLLM, _ANY),
            )
        },
    }
)
"""Makes the embeddings codec of an instance from its ``options``, for each kind that has one."""
