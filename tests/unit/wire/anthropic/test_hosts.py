"""The same codec at other hosts: a row of Dialect each."""

import json

from server.wire.anthropic import AnthropicCodec, AnthropicCountCodec, Dialect
from tests.unit.wire.support import ask

VERTEX = Dialect(
    name="vertex",
    kin=frozenset({"anthropic"}),
    path="/publishers/anthropic/models/{model}:rawPredict",
    stream_path="/publishers/anthropic/models/{model}:streamRawPredict",
    count_path="/publishers/anthropic/models/count-tokens:rawPredict",
    version="vertex-2023-10-16",
    version_in_body=True,
    model_in_body=False,
)
BEDROCK = Dialect(
    name="bedrock",
    path="/model/{model}/invoke",
    stream_path="/model/{model}/invoke-with-response-stream",
    version="bedrock-2023-05-31",
    version_in_body=True,
    model_in_body=False,
    stream_in_body=False,
    betas_in_body=True,
)
FILE = {"role": "ROLE_USER", "content": [{"file": {"media": {"fileId": "file_1"}}}]}


def test_vertex_has_the_version_in_the_body_and_the_model_in_the_path() -> None:
    codec = AnthropicCodec(VERTEX)
    request = codec.encode(ask(max_completion_tokens=8), "claude-opus-4-5@20251101", stream=True)
    assert request.path == "/publishers/anthropic/models/claude-opus-4-5%4020251101:streamRawPredict"
    assert json.loads(request.body) == {
        "anthropic_version": "vertex-2023-10-16",
        "max_tokens": 8,
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
    }
    assert "anthropic-version" not in request.headers
    assert codec.encode(ask(), "claude-sonnet-5", stream=False).path.endswith("/claude-sonnet-5:rawPredict")


def test_vertex_counts_with_the_model_in_the_body() -> None:
    request = AnthropicCountCodec(VERTEX).encode(ask(), "claude-sonnet-5")
    assert request.path == "/publishers/anthropic/models/count-tokens:rawPredict"
    assert json.loads(request.body) == {
        "anthropic_version": "vertex-2023-10-16",
        "model": "claude-sonnet-5",
        "messages": [{"role": "user", "content": "Hello"}],
    }


def test_bedrock_has_neither_model_nor_stream_in_the_body_but_the_betas() -> None:
    request = AnthropicCodec(BEDROCK).encode(
        ask(messages=[FILE], max_completion_tokens=8), "anthropic.claude-opus-5", stream=True
    )
    assert request.path == "/model/anthropic.claude-opus-5/invoke-with-response-stream"
    assert json.loads(request.body) == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 8,
        "messages": [
            {"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": "file_1"}}]}
        ],
        "anthropic_beta": ["files-api-2025-04-14"],
    }
    assert "anthropic-beta" not in request.headers


def test_anthropic_has_both_in_headers_and_everything_else_in_the_body() -> None:
    request = AnthropicCodec(Dialect(name="anthropic")).encode(
        ask(messages=[FILE], max_completion_tokens=8), "claude-opus-5", stream=False
    )
    assert request.path == "/v1/messages"
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert request.headers["anthropic-beta"] == "files-api-2025-04-14"
    assert json.loads(request.body)["model"] == "claude-opus-5"
