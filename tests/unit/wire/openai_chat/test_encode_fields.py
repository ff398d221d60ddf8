"""Every field of the request: where it lands, what refuses it, what drops it."""

import json
import sys
from typing import Any

import pytest
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import HubError, InvalidArgument, UnsupportedByProvider
from server.providers import compatible
from server.wire.openai_chat.options import FIELDS
from tests.unit.wire.support import HELLO, ask, at, body, codec, encoded

HOSTS = [*sorted(kind.name for kind in compatible.KINDS), "mistral"]
"""Every kind that speaks the format."""

_TOOL = {"function": {"name": "f"}}


def test_no_field_of_the_contract_is_forgotten() -> None:
    assert set(FIELDS) == set(CreateChatCompletionRequest.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ({}, "model", "gpt-4.1"),
        ({}, "messages", [{"role": "user", "content": "Hello"}]),
        ({"maxCompletionTokens": 9}, "max_completion_tokens", 9),
        ({"temperature": 0}, "temperature", 0),
        ({"temperature": 0.7}, "temperature", 0.7),
        ({"topP": 0.25}, "top_p", 0.25),
        ({"tools": [_TOOL], "parallelToolCalls": False}, "parallel_tool_calls", False),
        ({"responseFormat": {"text": {}}}, "response_format", {"type": "text"}),
        ({"stop": ["a", "b"]}, "stop", ["a", "b"]),
        ({"n": 2}, "n", 2),
        ({"seed": "9007199254740993"}, "seed", 9007199254740993),
        ({"frequencyPenalty": -1.5}, "frequency_penalty", -1.5),
        ({"presencePenalty": 0.0}, "presence_penalty", 0.0),
        ({"logitBias": {"50256": -100}}, "logit_bias", {"50256": -100}),
        ({"logprobs": True}, "logprobs", True),
        ({"logprobs": True, "topLogprobs": 3}, "top_logprobs", 3),
        ({"modalities": ["MODALITY_TEXT", "MODALITY_AUDIO"]}, "modalities", ["text", "audio"]),
        (
            {"audio": {"voice": "alloy", "format": "AUDIO_FORMAT_PCM_S16LE"}},
            "audio",
            {"voice": "alloy", "format": "pcm16"},
        ),
        ({"audio": {"voice": "alloy"}}, "audio.format", "wav"),
        ({"prediction": {"content": "x"}}, "prediction", {"type": "content", "content": "x"}),
        ({"serviceTier": "flex"}, "service_tier", "flex"),
        ({"webSearchOptions": {}}, "web_search_options", {}),
        ({"webSearchOptions": {"searchContextSize": "low"}}, "web_search_options.search_context_size", "low"),
        (
            {"webSearchOptions": {"country": "DE", "region": "BE", "city": "Berlin", "timezone": "Europe/Berlin"}},
            "web_search_options.user_location",
            {
                "type": "approximate",
                "approximate": {"country": "DE", "region": "BE", "city": "Berlin", "timezone": "Europe/Berlin"},
            },
        ),
        ({"store": False}, "store", False),
        ({"metadata": {"a": "b"}}, "metadata", {"a": "b"}),
        ({"safetyIdentifier": "s"}, "safety_identifier", "s"),
        ({"promptCacheKey": "k"}, "prompt_cache_key", "k"),
        ({"promptCacheTtl": "24h"}, "prompt_cache_retention", "24h"),
        ({"promptCacheTtl": "in_memory"}, "prompt_cache_retention", "in_memory"),
        ({"promptCacheTtl": "30m"}, "prompt_cache_options", {"ttl": "30m"}),
        ({"user": "u"}, "user", "u"),
        ({"moderationJson": '{"model":"omni"}'}, "moderation", {"model": "omni"}),
    ],
)
def test_openai_gets_every_field(fields: dict[str, Any], path: str, expected: Any) -> None:
    request = ask(**fields)
    assert at(body(request), path) == expected
    assert encoded(request).adjusted_fields == ()


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ({"reasoning": {"effort": "REASONING_EFFORT_HIGH"}}, "reasoning_effort", "high"),
        ({"verbosity": "VERBOSITY_LOW"}, "verbosity", "low"),
    ],
)
def test_a_reasoning_model_gets_its_own(fields: dict[str, Any], path: str, expected: Any) -> None:
    assert at(body(ask(**fields), model="gpt-5"), path) == expected


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ({"topK": 5}, "top_k", 5),
        ({"minP": 0.1}, "min_p", 0.1),
        ({"repetitionPenalty": 1.1}, "repetition_penalty", 1.1),
    ],
)
@pytest.mark.parametrize("host", ["openrouter", "vllm", "together", "fireworks"])
def test_hosts_of_open_models_get_their_samplers(host: str, fields: dict[str, Any], path: str, expected: Any) -> None:
    assert at(body(ask(**fields), host), path) == expected


@pytest.mark.parametrize("host", HOSTS)
def test_unset_is_never_sent(host: str) -> None:
    assert body(ask(), host, "some-model") == {
        "model": "some-model",
        "messages": [{"role": "user", "content": "Hello"}],
        # Without it thoughts would stand in the text: https://platform.minimax.io/docs/api-reference/text-chat-openai
        **({"reasoning_split": True} if host == "minimax" else {}),
    }


@pytest.mark.parametrize("host", HOSTS)
def test_a_stream_asks_for_its_usage(host: str) -> None:
    sent = body(ask(), host, stream=True)
    assert sent["stream"] is True
    expected = None if host in ("perplexity", "mistral", "groq", "together") else {"include_usage": True}
    assert sent.get("stream_options") == expected


def test_obfuscation_is_asked_for_only_when_the_caller_says_so() -> None:
    request = ask(streamOptions={"includeObfuscation": False, "coalesceMs": 20, "continuousUsage": True})
    assert body(request, stream=True)["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert "stream_options" not in body(request)
    assert encoded(request, "groq", stream=True).adjusted_fields == ("include_obfuscation",)
    assert body(request, "vllm", stream=True)["stream_options"] == {
        "include_usage": True,
        "continuous_usage_stats": True,
    }


def test_spoken_output_without_a_format_streams_as_samples() -> None:
    assert body(ask(audio={"voice": "alloy"}), stream=True)["audio"]["format"] == "pcm16"


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("openai", "max_completion_tokens"),
        ("deepseek", "max_tokens"),
        ("groq", "max_completion_tokens"),
        ("lmstudio", "max_tokens"),
    ],
)
def test_the_token_limit_goes_by_the_hosts_name(host: str, key: str) -> None:
    assert body(ask(maxCompletionTokens=7), host)[key] == 7


_KNOBS: list[tuple[str, dict[str, Any]]] = [
    ("seed", {"seed": 1}),
    ("top_k", {"topK": 1}),
    ("min_p", {"minP": 0.5}),
    ("repetition_penalty", {"repetitionPenalty": 1.2}),
    ("logit_bias", {"logitBias": {"1": 1}}),
    ("parallel_tool_calls", {"parallelToolCalls": True}),
    ("verbosity", {"verbosity": "VERBOSITY_HIGH"}),
    ("prediction", {"prediction": {"content": "x"}}),
    ("service_tier", {"serviceTier": "auto"}),
    ("store", {"store": True}),
    ("metadata", {"metadata": {"a": "b"}}),
    ("safety_identifier", {"safetyIdentifier": "s"}),
    ("prompt_cache_key", {"promptCacheKey": "k"}),
    ("prompt_cache_ttl", {"promptCacheTtl": "1h"}),
    ("user", {"user": "u"}),
    ("reasoning", {"reasoning": {"effort": "REASONING_EFFORT_LOW"}}),
]


@pytest.mark.parametrize(("name", "fields"), _KNOBS)
def test_a_knob_the_host_lacks_is_dropped_and_told(name: str, fields: dict[str, Any]) -> None:
    request = ask(**fields)
    sent = encoded(request, "poe")
    assert sent.adjusted_fields == (name,)
    assert json.loads(sent.body) == json.loads(encoded(ask(), "poe").body)


@pytest.mark.parametrize(("name", "fields"), _KNOBS)
def test_a_strict_caller_is_refused_instead(name: str, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        encoded(ask(**fields, gateway={"strictParameters": True}), "poe")
    assert [field.field for field in caught.value.fields] == [name]


@pytest.mark.parametrize(
    ("host", "fields", "path"),
    [
        ("perplexity", {"tools": [_TOOL]}, "tools"),
        ("groq", {"n": 2}, "n"),
        ("poe", {"n": 2}, "n"),
        ("groq", {"logprobs": True}, "logprobs"),
        ("deepseek", {"modalities": ["MODALITY_AUDIO"]}, "modalities[0]"),
        ("openai", {"modalities": ["MODALITY_TEXT", "MODALITY_IMAGE"]}, "modalities[1]"),
        ("groq", {"audio": {"voice": "v"}}, "audio"),
        ("groq", {"webSearchOptions": {}}, "web_search_options"),
        ("groq", {"moderationJson": "{}"}, "moderation_json"),
        ("openai", {"responseFormat": {"regex": "a+"}}, "response_format.regex"),
        ("openai", {"responseFormat": {"grammar": "root ::= x"}}, "response_format.grammar"),
    ],
)
def test_a_feature_the_host_lacks_is_refused(host: str, fields: dict[str, Any], path: str) -> None:
    with pytest.raises(UnsupportedByProvider) as caught:
        encoded(ask(**fields), host)
    assert caught.value.metadata["field"] == path


@pytest.mark.parametrize(
    ("host", "fields", "path"),
    [
        ("openai", {"stop": list("abcde")}, "stop"),
        ("openai", {"logitBias": {"7": 0.5}}, "logit_bias[7]"),
        ("cerebras", {"temperature": 1.7}, "temperature"),
        ("xai", {"logprobs": True, "topLogprobs": 9}, "top_logprobs"),
        ("openai", {"tools": [{"function": {"name": f"f{i}"}} for i in range(129)]}, "tools"),
        ("openai", {"audio": {"voice": "v", "format": "AUDIO_FORMAT_MULAW"}}, "audio.format"),
        ("openai", {"moderationJson": "{"}, "moderation_json"),
        ("openai", {"moderationJson": "[]"}, "moderation_json"),
    ],
)
def test_a_hosts_own_ranges_are_kept(host: str, fields: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        encoded(ask(**fields), host)
    assert [field.field for field in caught.value.fields] == [path]


@pytest.mark.parametrize("host", ["groq", "deepseek"])
def test_one_choice_is_what_every_host_gives(host: str) -> None:
    assert body(ask(n=1), host)["n"] == 1
    assert "n" not in body(ask(n=1), "poe")


@pytest.mark.parametrize(
    "fields", [{"logprobs": False}, {"logprobs": False, "topLogprobs": 0}, {"n": 1}, {"modalities": ["MODALITY_TEXT"]}]
)
def test_what_a_host_does_anyway_is_no_adjustment(fields: dict[str, Any]) -> None:
    assert encoded(ask(**fields), "poe").adjusted_fields == ()


@pytest.mark.parametrize(
    ("model", "dropped"),
    [
        ("gpt-5", True),
        ("gpt-5-mini-2025-08-07", True),
        ("gpt-5.2-pro", True),
        ("gpt-5.3-codex", True),
        ("gpt-5.5", True),
        ("gpt-6", True),
        ("o1", True),
        ("o3-mini", True),
        ("o4-mini", True),
        ("gpt-5.1", False),
        ("gpt-5.4-nano", False),
        ("gpt-5-chat-latest", False),
        ("gpt-4.1", False),
        ("gpt-35-turbo", False),
        ("chatgpt-4o-latest", False),
        ("ft:gpt-4o-mini:acme", False),
    ],
)
def test_models_that_refuse_sampling_get_none(model: str, dropped: bool) -> None:
    sent = encoded(ask(temperature=0.2, topP=0.5), model=model)
    assert sent.adjusted_fields == (("temperature", "top_p") if dropped else ())
    assert ("temperature" in json.loads(sent.body)) is not dropped


def test_such_models_take_the_default_and_may_be_switched_off() -> None:
    assert body(ask(temperature=1, topP=1), model="o3")["temperature"] == 1
    off = ask(temperature=0.2, reasoning={"effort": "REASONING_EFFORT_NONE"})
    assert body(off, model="gpt-5.2")["temperature"] == 0.2
    assert "temperature" not in body(off, model="gpt-5")


def test_models_that_do_not_reason_are_not_told_to() -> None:
    request = ask(reasoning={"effort": "REASONING_EFFORT_LOW"}, verbosity="VERBOSITY_LOW")
    assert encoded(request, model="gpt-4o").adjusted_fields == ("reasoning", "verbosity")


def test_grok_that_reasons_has_no_stop_sequences() -> None:
    with pytest.raises(UnsupportedByProvider):
        encoded(ask(stop=["x"]), "xai", "grok-4-0709")
    assert body(ask(stop=["x"]), "xai", "grok-4-fast-non-reasoning")["stop"] == ["x"]


def test_perplexity_takes_the_place_without_a_level_between() -> None:
    request = ask(webSearchOptions={"country": "DE", "timezone": "Europe/Berlin"})
    sent = encoded(request, "perplexity")
    assert json.loads(sent.body)["web_search_options"] == {"user_location": {"country": "DE"}}
    assert sent.adjusted_fields == ("web_search_options.timezone",)


@pytest.mark.parametrize("model", ["../../admin", "a?x=1", "a#b", "a/b", "..", "%2F", "a b", "ü"])
def test_a_hostile_model_name_stays_in_its_segment(model: str) -> None:
    sent = codec("azure", api_version="2024-10-21").encode(ask(), model, stream=False)
    head, _, query = sent.path.partition("?")
    assert query == "api-version=2024-10-21"
    assert head.startswith("/openai/deployments/")
    assert head.endswith("/chat/completions")
    assert head.count("/") == 5
    assert ".." not in head.split("/")
    assert json.loads(sent.body)["model"] == model


def test_azure_speaks_v1_unless_a_version_is_set() -> None:
    assert codec("azure").encode(ask(), "d", stream=False).path == "/chat/completions"
    old = codec("azure", api_version="2023-07-01-preview").encode(ask(maxCompletionTokens=3), "d", stream=False)
    assert json.loads(old.body)["max_tokens"] == 3


def test_headers_say_what_comes_back() -> None:
    assert encoded(ask()).headers["Accept"] == "application/json"
    assert encoded(ask(), stream=True).headers["Accept"] == "text/event-stream"


def test_a_field_nobody_knows_is_refused_not_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    # The package exports a function of the module's name.
    module = sys.modules["server.wire.openai_chat.encode"]
    monkeypatch.setattr(module, "FIELDS", {name: put for name, put in FIELDS.items() if name != "seed"})
    with pytest.raises(HubError) as caught:
        encoded(ask(messages=[HELLO], seed=1))
    assert caught.value.metadata["field"] == "seed"
