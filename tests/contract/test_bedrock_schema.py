"""Requests to Bedrock by AWS's own model of the API, and answers as AWS's own client reads them."""

import json
from random import Random
from typing import Any

import pytest
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.bedrock import BedrockChatCodec, BedrockCountCodec
from tests.contract.generated_requests import make_request, requests
from tests.conversations.dialects.bedrock import DIALECTS
from tests.conversations.neutral import Choice, Heard, Script, Thought, ToolCall, Usage
from tests.converse_schema import complaints, parsed, service

MODELS = (
    "us.anthropic.claude-sonnet-5",
    "anthropic.claude-3-7-sonnet-20250219-v1:0",
    "anthropic.claude-3-haiku-20240307-v1:0",
    "us.amazon.nova-2-lite-v1:0",
    "amazon.nova-pro-v1:0",
    "meta.llama3-3-70b-instruct-v1:0",
    "mistral.mistral-large-2407-v1:0",
    "cohere.command-r-plus-v1:0",
    "openai.gpt-oss-120b-1:0",
    "qwen.qwen3-32b-v1:0",
    "deepseek.r1-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456",
)
# What no model of this API has is refused, whatever else a request says.
NEVER = frozenset(
    {
        *("n", "logprobs", "top_logprobs", "modalities", "audio", "moderation_json", "custom", "custom_name"),
        *("regex", "grammar", "file_id", "url", "audio_id", "start_offset", "end_offset", "web_search_options"),
    }
)


def _sent(request: CreateChatCompletionRequest, model: str) -> Any:
    """The body; None where the request is refused, with words and a field."""
    try:
        return json.loads(BedrockChatCodec().encode(request, model, stream=True).body)
    except (InvalidArgument, UnsupportedByProvider):
        return None


@given(requests("bedrock", without=NEVER), st.sampled_from(MODELS))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_what_is_sent_is_valid(request: CreateChatCompletionRequest, model: str) -> None:
    body = _sent(request, model)
    if body is None:
        return
    assert complaints("ConverseStream", body, model) == ""
    if "claude" in model:
        counted = json.loads(BedrockCountCodec().encode(request, model).body)
        assert complaints("CountTokens", counted, "anthropic.claude") == ""


@pytest.mark.parametrize("model", MODELS)
def test_most_requests_are_sent(model: str) -> None:
    sent = [_sent(make_request(Random(seed), "bedrock", NEVER), model) for seed in range(60)]
    assert sum(body is not None for body in sent) > 25


def test_the_judge_judges() -> None:
    body = {"messages": [{"role": "user", "content": [{"text": "x"}]}]}
    assert complaints("Converse", body) == ""
    assert "toolUseId" in complaints("Converse", {"messages": [{"role": "user", "content": [{"toolResult": {}}]}]})
    assert ".message is no field" in complaints("Converse", {**body, "message": "x"})
    assert "maxTokens" in complaints("Converse", {**body, "inferenceConfig": {"maxTokens": 0}})


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_fake_answers_as_bedrock_does(dialect: object) -> None:
    """botocore reads what the fake says, and finds nothing missing that the API promises."""
    script = Script(
        (
            Choice(
                "Hi", thoughts=(Thought("hm", "c2ln"),), calls=(ToolCall("c-1", "f", {"a": 1}),), finish="tool_calls"
            ),
        ),
        Usage(12, 34, cached=5),
    )
    told = DIALECTS[0].tells(script)
    answer = parsed("Converse", DIALECTS[0].answer(told, Heard("m")).body)
    promised = service().operation_model("Converse").output_shape.required_members
    assert set(promised) <= answer.keys()
    assert [next(iter(block)) for block in answer["output"]["message"]["content"]] == [
        "reasoningContent",
        "text",
        "toolUse",
    ]
