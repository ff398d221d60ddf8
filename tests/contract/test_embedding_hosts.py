"""Rows of the embeddings table, recorded answers, and OpenAI's published schema of requests."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from aignehub.v1 import embedding_service_pb2 as pb

from server.providers import compatible
from server.providers.embeddings import EMBEDDINGS
from server.providers.registry import PROVIDERS
from server.wire.http import HttpResponse
from tests.contract.shared import SPECS, WIRE
from tests.fake_embeddings import ask
from tests.wire.spec import request_validator

_SPEC = SPECS / "openai-openapi.yaml"
_MISTRAL_SPEC = SPECS / "mistral-openapi.yaml"
_OTHERS = ("cohere", "gemini", "vertex")  # formats of their own
_FILES = sorted(path for path in WIRE.glob("*/*-embeddings-*.json") if path.parent.name not in _OTHERS)


def test_the_kinds_that_embed() -> None:
    serving = {kind.name for kind in compatible.KINDS if PROVIDERS[kind.name].embeddings is not None}
    assert serving == set(EMBEDDINGS)
    assert serving == {
        "openai", "azure", "azure-foundry", "openrouter", "together", "fireworks", "perplexity", "doubao",
        "lmstudio", "vllm", "openai-compatible",
    }  # fmt: skip


def test_paths() -> None:
    paths = {name: make({}).encode(ask("a"), "m/x", [0]).path for name, make in EMBEDDINGS.items()}
    assert paths.pop("perplexity") == "/v1/embeddings"
    assert paths.pop("azure-foundry") == "/embeddings?api-version=2024-05-01-preview"
    assert set(paths.values()) == {"/embeddings"}
    deployment = EMBEDDINGS["azure"]({"api_version": "2024-10-21"}).encode(ask("a"), "m/x", [0]).path
    assert deployment == "/openai/deployments/m%2Fx/embeddings?api-version=2024-10-21"


@pytest.mark.skipif(not _SPEC.is_file(), reason="no published schema beside this project (../shared/specs)")
def test_requests_are_valid_by_openais_schema() -> None:
    validate = request_validator(_SPEC, "CreateEmbeddingRequest")
    assert validate
    assert validate({"model": "m", "input": []})  # it does judge
    token_ids = pb.EmbeddingInput(tokens=pb.TokenIds(ids=[1, 2**32 - 1]))
    for request in (
        ask("a"), ask("a", "b", user="u", dimensions=3), ask("a", encoding=pb.EMBEDDING_ENCODING_FLOAT_LIST),
        pb.CreateEmbeddingsRequest(inputs=[token_ids, token_ids]),
    ):  # fmt: skip
        sent = EMBEDDINGS["openai"]({}).encode(request, "m", range(len(request.inputs)))
        assert validate(orjson.loads(sent.body)) == []


@pytest.mark.skipif(not _MISTRAL_SPEC.is_file(), reason="no published schema beside this project (../shared/specs)")
@pytest.mark.parametrize("encoding", range(1, 7))
def test_requests_are_valid_by_mistrals_schema(encoding: pb.EmbeddingEncoding.ValueType) -> None:
    validate = request_validator(_MISTRAL_SPEC, "EmbeddingRequest")
    make = PROVIDERS["mistral"].embeddings
    assert validate
    assert make
    assert validate({"model": "m", "input": "a", "dimensions": 3})  # it does judge
    request = ask("a", "b", dimensions=8, encoding=encoding)
    assert validate(orjson.loads(make({}).encode(request, "codestral-embed", [0, 1]).body)) == []


@pytest.mark.skipif(not _FILES, reason="no recorded traffic beside this project (../shared/wire)")
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in _FILES] or [Path()])
def test_a_recording_is_read(path: Path) -> None:
    recording: dict[str, Any] = json.loads(path.read_text())
    if recording["path"].startswith("/api/embed"):
        pytest.skip("Ollama's native format is another codec's")
    make = PROVIDERS.get(recording["provider"], PROVIDERS["openai-compatible"]).embeddings
    assert make
    response = HttpResponse(recording["status"], recording["response_headers"], recording["response_body"].encode())
    if response.status >= 400:
        assert make({}).decode_error(response).metadata["providerStatus"] == str(response.status)
        return
    told = json.loads(recording["response_body"])
    request = ask(*["a"] * len(told["data"]))
    answer = make({}).decode(response, request, range(len(request.inputs)))
    assert len(answer.embeddings) == len(told["data"])
    assert answer.usage.total_tokens == told["usage"]["total_tokens"]
    assert all(len(one.packed) == 4 * answer.dimensions for one in answer.embeddings)
