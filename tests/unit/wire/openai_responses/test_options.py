"""Every field beside the conversation: sent, refused, or dropped and listed."""

import json
from typing import Any

import pytest

from server.errors import InvalidArgument, UnsupportedByProvider
from server.providers.kind import Site
from server.providers.registry import PROVIDERS
from server.wire.by_model import codec_of
from server.wire.openai_chat import OpenAIChatCodec
from server.wire.openai_responses import OpenAIResponsesCodec
from tests.unit.wire.openai_responses.support import body, encoded
from tests.unit.wire.support import ask, at

FUNCTION = {"function": {"name": "f", "parametersJsonSchema": '{"type":"object","properties":{"b":{},"a":{}}}'}}
SEARCH = {"provider": {"type": "web_search", "configJson": '{"filters": {"allowed_domains": ["a.test"]}}'}}


def test_nothing_is_stored_and_nobody_waits_for_later() -> None:
    assert body(ask())["store"] is False
    assert body(ask(store=True))["store"] is True
    sent = encoded(ask(store=True), "deepseek")
    assert (sent.adjusted_fields, json.loads(sent.body)["store"]) == (("store",), False)
    with pytest.raises(InvalidArgument, match="background"):
        encoded(ask(gateway={"extraBodyJson": '{"background": true}'}))


@pytest.mark.parametrize(
    ("fields", "path", "value"),
    [
        ({"maxCompletionTokens": 16}, "max_output_tokens", 16),
        ({"temperature": 0.5}, "temperature", 0.5),
        ({"topP": 0.5}, "top_p", 0.5),
        ({"parallelToolCalls": False}, "parallel_tool_calls", False),
        ({"serviceTier": "flex"}, "service_tier", "flex"),
        ({"metadata": {"a": "b"}}, "metadata", {"a": "b"}),
        ({"safetyIdentifier": "x"}, "safety_identifier", "x"),
        ({"promptCacheKey": "k"}, "prompt_cache_key", "k"),
        ({"promptCacheTtl": "24h"}, "prompt_cache_retention", "24h"),
        ({"promptCacheTtl": "30m"}, "prompt_cache_options", {"ttl": "30m"}),
        ({"user": "u"}, "user", "u"),
        ({"moderationJson": '{"model":"m"}'}, "moderation", {"model": "m"}),
        ({"verbosity": "VERBOSITY_LOW"}, "text.verbosity", "low"),
        ({"responseFormat": {"text": {}}}, "text.format.type", "text"),
        ({"responseFormat": {"jsonObject": {}}}, "text.format.type", "json_object"),
        ({"reasoning": {"effort": "REASONING_EFFORT_XHIGH"}}, "reasoning.effort", "xhigh"),
        ({"reasoning": {"mode": "REASONING_MODE_OFF"}}, "reasoning.effort", "none"),
        ({"reasoning": {"mode": "REASONING_MODE_ON"}}, "reasoning.effort", "medium"),
        ({"reasoning": {"includeText": True}}, "reasoning.summary", "auto"),
        ({"reasoning": {"summary": "detailed"}}, "reasoning.summary", "detailed"),
        ({"logprobs": True, "topLogprobs": 3}, "top_logprobs", 3),
        ({"n": 1}, "n", None),
        ({"modalities": ["MODALITY_TEXT"]}, "modalities", None),
    ],
)
def test_what_is_sent(fields: dict[str, Any], path: str, value: Any) -> None:
    sent = encoded(ask(**fields))
    assert at(json.loads(sent.body), path) == value
    assert sent.adjusted_fields == ()


def test_a_schema_with_its_own_key_order() -> None:
    schema = {"schemaJson": '{"type":"object","properties":{"b":{},"a":{}}}', "strict": True, "description": "d"}
    sent = body(ask(responseFormat={"jsonSchema": schema}, verbosity="VERBOSITY_HIGH"))["text"]
    assert list(sent["format"]["schema"]["properties"]) == ["b", "a"]
    assert {**sent["format"], "schema": None} == {
        "type": "json_schema", "name": "response", "description": "d", "schema": None, "strict": True,
    }  # fmt: skip
    assert sent["verbosity"] == "high"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"stop": ["x"]}, "stop"),
        ({"n": 2}, "n"),
        ({"modalities": ["MODALITY_TEXT", "MODALITY_IMAGE"]}, "modalities[1]"),
        ({"audio": {"voice": "v"}}, "audio"),
        ({"responseFormat": {"regex": "a"}}, "response_format.regex"),
        ({"responseFormat": {"grammar": "a"}}, "response_format.grammar"),
    ],
)
def test_what_changes_the_answer_is_refused(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(UnsupportedByProvider) as caught:
        encoded(ask(**fields))
    assert [field.field for field in caught.value.fields] == [path]


def test_what_only_tunes_is_dropped_and_listed() -> None:
    fields = {
        "frequencyPenalty": 1, "presencePenalty": 1, "logitBias": {"1": 1}, "seed": 1, "topK": 1, "minP": 0.1,
        "repetitionPenalty": 1, "prediction": {"content": "x"}, "reasoning": {"budgetTokens": 5},
    }  # fmt: skip
    sent = encoded(ask(**fields))
    assert set(sent.adjusted_fields) == {
        "frequency_penalty", "presence_penalty", "logit_bias", "seed", "top_k", "min_p", "repetition_penalty",
        "prediction", "reasoning.budget_tokens",
    }  # fmt: skip
    assert set(json.loads(sent.body)) == {"model", "input", "store", "include"}
    for name, value in fields.items():
        with pytest.raises(InvalidArgument):
            encoded(ask(**{name: value}, gateway={"strictParameters": True}))


@pytest.mark.parametrize(
    ("model", "told", "asked"),
    [
        ("gpt-5.2", None, True),
        ("gpt-5.2", False, False),
        ("o3-pro", None, True),
        ("codex-mini-latest", None, True),
        ("gpt-4.1", None, False),
        ("gpt-4.1", True, True),
        ("gpt-5-chat-latest", None, False),
    ],
)
def test_encrypted_reasoning_is_asked_of_models_that_have_it(model: str, told: bool | None, asked: bool) -> None:
    reasoning = {} if told is None else {"reasoning": {"includeSignature": told}}
    sent = body(ask(**reasoning), model=model)
    assert ("reasoning.encrypted_content" in sent.get("include", [])) is asked


def test_log_probabilities() -> None:
    assert body(ask(logprobs=True), model="gpt-4.1")["include"] == ["message.output_text.logprobs"]
    assert body(ask(logprobs=True), "xai", "grok-4.3")["logprobs"] is True
    assert "include" not in body(ask(logprobs=False), model="gpt-4.1")
    with pytest.raises(UnsupportedByProvider, match="logprobs"):
        encoded(ask(logprobs=True), "deepseek")
    with pytest.raises(InvalidArgument, match="at most 8"):
        encoded(ask(logprobs=True, topLogprobs=9), "xai")


def test_more_than_the_contract_has_fields_for() -> None:
    extra = {
        "truncation": "auto", "include": ["file_search_call.results", "reasoning.encrypted_content"],
        "reasoning": {"context": "all_turns"}, "previous_response_id": "resp_0",
    }  # fmt: skip
    sent = body(ask(reasoning={"effort": "REASONING_EFFORT_LOW"}, gateway={"extraBodyJson": json.dumps(extra)}))
    assert sent["include"] == ["reasoning.encrypted_content", "file_search_call.results"]
    assert sent["reasoning"] == {"effort": "low", "context": "all_turns"}
    assert (sent["truncation"], sent["previous_response_id"]) == ("auto", "resp_0")
    for key in ("input", "instructions", "store", "temperature"):
        with pytest.raises(InvalidArgument, match=key):
            encoded(ask(gateway={"extraBodyJson": json.dumps({key: 1})}))


def test_tools() -> None:
    custom = {"custom": {"name": "c", "description": "d", "larkGrammar": "start: x"}, "deferLoading": True}
    strict = {"function": {"name": "g", "strict": True}}
    sent = body(ask(tools=[FUNCTION, strict, custom, SEARCH], webSearchOptions={"city": "Bonn", "country": "DE"}))
    assert list(sent["tools"][0]["parameters"]["properties"]) == ["b", "a"]
    assert sent["tools"][0]["strict"] is False
    empty = {"type": "object", "properties": {}}
    assert sent["tools"][1] == {"type": "function", "name": "g", "parameters": empty, "strict": True}
    assert sent["tools"][2] == {
        "type": "custom", "name": "c", "description": "d", "defer_loading": True,
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
    }  # fmt: skip
    assert sent["tools"][3] == {"type": "web_search", "filters": {"allowed_domains": ["a.test"]}}
    assert sent["tools"][4] == {
        "type": "web_search", "user_location": {"type": "approximate", "country": "DE", "city": "Bonn"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ({"mode": "TOOL_CHOICE_MODE_REQUIRED"}, "required"),
        ({"functionName": "f"}, {"type": "function", "name": "f"}),
        ({"functionName": "web_search"}, {"type": "web_search"}),
        ({"customName": "c"}, {"type": "custom", "name": "c"}),
        (
            {"allowedTools": {"mode": "TOOL_CHOICE_MODE_REQUIRED", "names": ["web_search", "f"]}},
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "web_search"}, {"type": "function", "name": "f"}],
            },
        ),
    ],
)
def test_choices_among_tools(choice: dict[str, Any], sent: Any) -> None:
    tools = [FUNCTION, {"custom": {"name": "c"}}, SEARCH]
    assert body(ask(tools=tools, toolChoice=choice))["tool_choice"] == sent


def test_a_subset_where_the_host_knows_none() -> None:
    choice = {"allowedTools": {"names": ["f"]}}
    sent = body(ask(tools=[FUNCTION, SEARCH], toolChoice=choice), "xai", "grok-4.3")
    assert (sent["tool_choice"], [tool["type"] for tool in sent["tools"]]) == ("auto", ["function"])
    with pytest.raises(InvalidArgument, match=r"names\[0\]"):
        encoded(ask(tools=[FUNCTION], toolChoice={"allowedTools": {"names": ["g"]}}))


def test_what_a_host_lacks_of_tools_is_refused() -> None:
    for fields in (
        {"tools": [{"custom": {"name": "c"}}]},
        {"tools": [FUNCTION], "toolChoice": {"customName": "c"}},
    ):
        with pytest.raises(UnsupportedByProvider, match="custom"):
            encoded(ask(**fields), "deepseek")
    with pytest.raises(UnsupportedByProvider, match="web_search_options"):
        encoded(ask(webSearchOptions={}), "openai-compatible")


def test_levels_that_a_host_lacks_are_lowered_and_listed() -> None:
    sent = encoded(ask(reasoning={"effort": "REASONING_EFFORT_XHIGH"}), "xai", "grok-4.3")
    assert (json.loads(sent.body)["reasoning"], sent.adjusted_fields) == ({"effort": "high"}, ("reasoning.effort",))
    sent = encoded(ask(reasoning={"summary": "auto", "includeSignature": True, "includeText": False}), "deepseek")
    assert sent.adjusted_fields == (
        "reasoning.summary", "reasoning.include_text", "reasoning.include_signature",
    )  # fmt: skip
    assert encoded(ask(reasoning={"effort": "REASONING_EFFORT_LOW"}), model="gpt-4.1").adjusted_fields == ("reasoning",)


def test_a_limit_that_openai_finds_too_low() -> None:
    with pytest.raises(InvalidArgument, match="max_completion_tokens: openai takes at least 16"):
        encoded(ask(maxCompletionTokens=15))
    assert body(ask(maxCompletionTokens=1), "xai", "grok-4.3")["max_output_tokens"] == 1


def test_streams() -> None:
    sent = encoded(ask(streamOptions={"includeObfuscation": False, "continuousUsage": True}), stream=True)
    assert json.loads(sent.body)["stream"] is True
    assert json.loads(sent.body)["stream_options"] == {"include_obfuscation": False}
    assert sent.headers["Accept"] == "text/event-stream"
    assert "stream_options" not in body(ask(streamOptions={"includeObfuscation": False}))


@pytest.mark.parametrize(
    ("model", "responses"),
    [
        ("o1-pro", True), ("o3-pro-2025-06-10", True), ("gpt-5-pro", True), ("gpt-5.5-pro-2026-04-23", True),
        ("gpt-5-codex", True), ("gpt-5.1-codex-max", True), ("codex-mini-latest", True), ("o3-deep-research", True),
        ("o4-mini-deep-research-2025-06-26", True), ("computer-use-preview", True), ("gpt-5.6-cyber", True),
        ("gpt-daybreak-red-latest", True), ("gpt-5.2", False), ("o3", False), ("gpt-4o", False), ("gpt-5.1", False),
    ],
)  # fmt: skip
def test_models_without_chat_completions_are_asked_by_responses(model: str, responses: bool) -> None:
    kind = PROVIDERS["openai"]
    assert kind.chat
    found = codec_of(kind.chat({}), model)
    assert isinstance(found, OpenAIResponsesCodec if responses else OpenAIChatCodec)
    assert isinstance(codec_of(kind.chat({"api": "chat"}), model), OpenAIChatCodec)
    assert isinstance(codec_of(kind.chat({"api": "responses"}), model), OpenAIResponsesCodec)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("openai.gpt-5.5", "/openai/v1/responses"),
        ("openai.gpt-5.6-luna", "/openai/v1/responses"),
        ("openai.gpt-oss-120b", "/v1/chat/completions"),
        ("anthropic.claude-opus-4-7", "/anthropic/v1/messages"),
        ("mistral.voxtral-mini-3b-2507", "/v1/chat/completions"),
    ],
)
def test_where_amazon_has_it(model: str, path: str) -> None:
    chat = PROVIDERS["bedrock-mantle"].chat
    assert chat
    request = ask(temperature=0.5, reasoning={"effort": "REASONING_EFFORT_LOW"}, maxCompletionTokens=16)
    sent = chat({}).encode(request, model, stream=False)
    assert sent.path == path
    # What OpenAI's models refuse they refuse here too.
    if model.startswith("openai."):
        assert ("temperature" in sent.adjusted_fields) is ("gpt-5" in model)


def test_where_azure_has_it() -> None:
    chat = PROVIDERS["azure"].chat
    assert chat
    assert chat({"api": "responses"}).encode(ask(), "d", stream=False).path == "/responses"
    versioned = chat({"api": "responses", "api_version": "2025-04-01-preview"}).encode(ask(), "d", stream=False)
    assert versioned.path == "/openai/responses?api-version=2025-04-01-preview"


@pytest.mark.parametrize("name", ["openai", "azure", "azure-foundry", "xai", "deepseek", "openrouter"])
def test_an_unknown_api_is_refused_at_the_start(name: str) -> None:
    kind = PROVIDERS[name]
    assert "api" in kind.options
    assert kind.settle
    site = Site("https://x.test/v1", {"api": "responses"})
    assert kind.settle(site, {}) == site
    with pytest.raises(ValueError, match=r"options\.api: must be one of auto, chat, responses"):
        kind.settle(Site("https://x.test/v1", {"api": "completions"}), {})


def test_foundry_serves_responses_elsewhere() -> None:
    settle = PROVIDERS["azure-foundry"].settle
    assert settle
    with pytest.raises(ValueError, match=r"base_url: .*/openai/v1"):
        settle(Site("https://r.services.ai.azure.com/models", {"api": "responses"}), {})
