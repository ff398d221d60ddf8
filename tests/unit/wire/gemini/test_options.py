"""Fields of the request beside the conversation."""

import json
from typing import Any

import pytest

from server.errors import InvalidArgument, UnsupportedByProvider
from tests.unit.wire.gemini.bodies import FLASH, THREE, adjusted, body, config, says, user
from tests.unit.wire.support import ask, encoded

F = {
    "function": {
        "name": "f",
        "description": "d",
        "parametersJsonSchema": '{"type":"object","properties":{"b":{},"a":{}}}',
    }
}
G = {"function": {"name": "g"}}
F_SENT = {"name": "f", "description": "d", "parametersJsonSchema": {"type": "object", "properties": {"b": {}, "a": {}}}}
PICTURE = {"image": {"media": {"data": "AAAA", "mimeType": "image/png"}}}


def test_where_it_goes() -> None:
    request = ask()
    assert encoded(request, "gemini", FLASH).path == "/v1beta/models/gemini-2.5-flash:generateContent"
    streamed = encoded(request, "gemini", FLASH, stream=True)
    assert streamed.path == "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    assert streamed.headers["Accept"] == "text/event-stream"
    assert encoded(request, "gemini", "tunedModels/a b").path == "/v1beta/tunedModels/a%20b:generateContent"
    assert json.loads(streamed.body) == {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"temperature": 0.0, "topP": 0.5, "topK": 4}, {"temperature": 0.0, "topP": 0.5, "topK": 4}),
        ({"topK": -1}, {}),
        (
            {"maxCompletionTokens": 7, "stop": ["a"], "n": 3},
            {"maxOutputTokens": 7, "stopSequences": ["a"], "candidateCount": 3},
        ),
        ({"seed": "-5"}, {"seed": -5}),
        ({"logprobs": True, "topLogprobs": 2}, {"responseLogprobs": True, "logprobs": 2}),
        ({"modalities": ["MODALITY_TEXT", "MODALITY_IMAGE"]}, {"responseModalities": ["TEXT", "IMAGE"]}),
        (
            {"audio": {"voice": "Kore"}, "modalities": ["MODALITY_AUDIO"]},
            {
                "responseModalities": ["AUDIO"],
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
            },
        ),
        ({"responseFormat": {"jsonObject": {}}}, {"responseMimeType": "application/json"}),
        (
            {"responseFormat": {"jsonSchema": {"schemaJson": '{"type": "object", "properties": {"b": {}, "a": {}}}'}}},
            {
                "responseMimeType": "application/json",
                "responseJsonSchema": {"type": "object", "properties": {"b": {}, "a": {}}},
            },
        ),
        ({"frequencyPenalty": 0.0}, {}),
    ],
)
def test_generation_config(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert config(**fields) == expected


def test_name_and_description_of_a_schema_are_its_annotations() -> None:
    def sent(**shape: str) -> str:
        request = ask(responseFormat={"jsonSchema": shape})
        return encoded(request, "gemini", FLASH).body.decode()

    named = sent(name="n", description='"d"', schemaJson=' {"type":"object","x":1.0} ')
    assert '"responseJsonSchema":{"title":"n","description":"\\"d\\"","type":"object","x":1.0}' in named
    assert '"responseJsonSchema":{"title":"own"}' in sent(name="n", schemaJson='{"title":"own"}')
    assert '"responseJsonSchema":{"title":"n"}' in sent(name="n", schemaJson="{}")


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        ({"stop": ["1", "2", "3", "4", "5", "6"]}, InvalidArgument, "stop"),
        ({"n": 9}, UnsupportedByProvider, "n"),
        ({"seed": "4294967296"}, InvalidArgument, "seed"),
        ({"modalities": ["MODALITY_VIDEO"]}, UnsupportedByProvider, "modalities[0]"),
        ({"audio": {"voice": "Kore", "format": "AUDIO_FORMAT_MP3"}}, UnsupportedByProvider, "audio.format"),
        ({"responseFormat": {"regex": "a"}}, UnsupportedByProvider, "response_format.regex"),
        ({"moderationJson": "{}"}, UnsupportedByProvider, "moderation_json"),
        ({"tools": [{"custom": {"name": "c"}}]}, UnsupportedByProvider, "tools[0].custom"),
    ],
)
def test_what_it_cannot_do_is_refused(fields: dict[str, Any], error: type[Exception], field: str) -> None:
    with pytest.raises(error) as caught:
        body(**fields)
    assert caught.value.fields[0].field == field  # type: ignore[attr-defined]


def test_what_only_tunes_is_listed() -> None:
    fields: dict[str, Any] = {
        "frequencyPenalty": 0.5,
        "minP": 0.1,
        "repetitionPenalty": 1.1,
        "logitBias": {"1": 2.0},
        "prediction": {"content": "x"},
        "verbosity": "VERBOSITY_LOW",
        "user": "u",
        "safetyIdentifier": "s",
        "promptCacheKey": "k",
        "promptCacheTtl": "1h",
        "parallelToolCalls": False,
        "metadata": {"a": "b"},
        "topK": 0,
        "serviceTier": "scale",
    }
    assert sorted(adjusted(**fields)) == [
        "frequency_penalty",
        "logit_bias",
        "metadata",
        "min_p",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_ttl",
        "repetition_penalty",
        "safety_identifier",
        "service_tier",
        "top_k",
        "user",
        "verbosity",
    ]
    for name, value in fields.items():
        with pytest.raises(InvalidArgument):
            body(**{name: value}, gateway={"strictParameters": True})


def test_penalties_reach_the_models_that_take_them() -> None:
    assert config("gemini-2.0-flash", presencePenalty=1.0, frequencyPenalty=0.5) == {
        "presencePenalty": 1.0,
        "frequencyPenalty": 0.5,
    }
    assert adjusted("gemini-flash-latest", presencePenalty=1.0) == ["presence_penalty"]


SAMPLED = {"temperature": 0.5, "topP": 0.5, "topK": 4}


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        (FLASH, True), (THREE, True), ("gemini-3.1-pro-preview", True), ("gemini-3.5-flash", True),
        ("gemma-3-27b-it", True), ("gemini-3.5-flash-lite", False), ("gemini-3.6-flash", False),
        ("gemini-3.8-flash", False), ("gemini-3.10-pro", False), ("gemini-4-pro", False),
        ("gemini-flash-latest", False),
    ],
)  # fmt: skip
def test_sampling_reaches_the_models_that_heed_it(model: str, takes: bool) -> None:
    assert config(model, **SAMPLED) == (SAMPLED if takes else {})
    assert adjusted(model, **SAMPLED) == ([] if takes else ["temperature", "top_p", "top_k"])


def test_several_choices_are_for_models_before_gemini_3() -> None:
    assert config(FLASH, n=1) == {"candidateCount": 1}
    assert config(THREE, n=1) == {}
    with pytest.raises(UnsupportedByProvider) as caught:
        body(THREE, n=2)
    assert caught.value.fields[0].field == "n"


@pytest.mark.parametrize(
    ("tier", "sent"), [("auto", None), ("default", "standard"), ("flex", "flex"), ("priority", "priority")]
)
def test_tiers(tier: str, sent: str | None) -> None:
    assert body(serviceTier=tier).get("serviceTier") == sent


def test_storing_is_asked_for() -> None:
    assert body(store=False)["store"] is False


def test_tools_of_every_kind() -> None:
    sent = body(
        tools=[
            G,
            {"provider": {"type": "google_search"}},
            F,
            {"provider": {"type": "urlContext", "configJson": '{"a":1}'}},
        ]
    )
    assert sent["tools"] == [
        {"functionDeclarations": [{"name": "g"}, F_SENT]},
        {"googleSearch": {}},
        {"urlContext": {"a": 1}},
    ]
    assert "toolConfig" not in sent


@pytest.mark.parametrize(
    ("choice", "names", "expected"),
    [
        ({"mode": "TOOL_CHOICE_MODE_AUTO"}, ["f", "g"], {"mode": "AUTO"}),
        ({"mode": "TOOL_CHOICE_MODE_NONE"}, ["f", "g"], {"mode": "NONE"}),
        ({"mode": "TOOL_CHOICE_MODE_REQUIRED"}, ["f", "g"], {"mode": "ANY"}),
        ({"functionName": "g"}, ["f", "g"], {"mode": "ANY", "allowedFunctionNames": ["g"]}),
        ({"allowedTools": {"mode": "TOOL_CHOICE_MODE_AUTO", "names": ["g"]}}, ["g"], {"mode": "AUTO"}),
        (
            {"allowedTools": {"mode": "TOOL_CHOICE_MODE_REQUIRED", "names": ["g"]}},
            ["f", "g"],
            {"mode": "ANY", "allowedFunctionNames": ["g"]},
        ),
    ],
)
def test_choices_among_tools(choice: dict[str, Any], names: list[str], expected: dict[str, Any]) -> None:
    sent = body(tools=[F, G], toolChoice=choice)
    assert [tool["name"] for tool in sent["tools"][0]["functionDeclarations"]] == names
    assert sent["toolConfig"]["functionCallingConfig"] == expected


def test_a_name_that_is_no_tool_is_refused_and_no_calls_means_none_of_its_own_either() -> None:
    with pytest.raises(InvalidArgument, match=r"tool_choice\.allowed_tools\.names\[1\]"):
        body(tools=[F], toolChoice={"allowedTools": {"names": ["f", "x"]}})
    search = {"provider": {"type": "googleSearch"}}
    assert body(tools=[F, search], toolChoice={"mode": "TOOL_CHOICE_MODE_NONE"})["tools"] == [
        {"functionDeclarations": [F_SENT]}
    ]


def test_strict_functions_hold_the_model_to_their_schemas() -> None:
    strict = {"function": {**F["function"], "strict": True}}
    choices: tuple[dict[str, Any], ...] = ({}, {"toolChoice": {"mode": "TOOL_CHOICE_MODE_AUTO"}})
    for fields in choices:
        assert body(tools=[strict, G], **fields)["toolConfig"] == {"functionCallingConfig": {"mode": "VALIDATED"}}


def test_a_search_of_the_web_is_a_tool_of_its_own() -> None:
    sent = body(webSearchOptions={})
    assert sent["tools"] == [{"googleSearch": {}}]
    both = body(tools=[{"provider": {"type": "googleSearch"}}], webSearchOptions={})
    assert both["tools"] == [{"googleSearch": {}}]
    assert adjusted(webSearchOptions={"country": "FR", "searchContextSize": "low"}) == [
        "web_search_options.search_context_size",
        "web_search_options.country",
    ]


def test_detail_of_images_is_that_of_the_request() -> None:
    low = {"image": {**PICTURE["image"], "detail": "IMAGE_DETAIL_LOW"}}
    high = {"image": {**PICTURE["image"], "detail": "IMAGE_DETAIL_HIGH"}}
    auto = {"image": {**PICTURE["image"], "detail": "IMAGE_DETAIL_AUTO"}}
    assert config(messages=[user(low, low)]) == {"mediaResolution": "MEDIA_RESOLUTION_LOW"}
    assert config(messages=[user(auto, PICTURE)]) == {}
    assert adjusted(messages=[user(low, auto, high)]) == [
        "messages[0].content[0].image.detail",
        "messages[0].content[2].image.detail",
    ]
    video = {"video": {"media": {"data": "AAAA", "mimeType": "video/mp4"}}}
    assert adjusted(messages=[user(low, video)]) == ["messages[0].content[0].image.detail"]


@pytest.mark.parametrize(
    ("model", "reasoning", "sent", "listed"),
    [
        (FLASH, {"effort": "REASONING_EFFORT_NONE"}, {"thinkingBudget": 0}, []),
        (FLASH, {"mode": "REASONING_MODE_OFF"}, {"thinkingBudget": 0}, []),
        (FLASH, {"mode": "REASONING_MODE_ADAPTIVE"}, {"thinkingBudget": -1}, []),
        (
            FLASH,
            {"effort": "REASONING_EFFORT_HIGH", "includeText": True},
            {"includeThoughts": True, "thinkingBudget": 24576},
            [],
        ),
        (FLASH, {"effort": "REASONING_EFFORT_MAX"}, {"thinkingBudget": 24576}, []),
        (FLASH, {"budgetTokens": 99999}, {"thinkingBudget": 24576}, ["reasoning.budget_tokens"]),
        (FLASH, {"budgetTokens": -1, "effort": "REASONING_EFFORT_LOW"}, {"thinkingBudget": -1}, ["reasoning.effort"]),
        ("gemini-2.5-flash-lite", {"budgetTokens": 100}, {"thinkingBudget": 512}, ["reasoning.budget_tokens"]),
        ("gemini-2.5-flash-lite", {"budgetTokens": 0}, {"thinkingBudget": 0}, []),
        ("gemini-2.5-pro", {"effort": "REASONING_EFFORT_NONE"}, {"thinkingBudget": 128}, ["reasoning.effort"]),
        ("gemini-2.5-pro", {"effort": "REASONING_EFFORT_XHIGH"}, {"thinkingBudget": 32768}, []),
        (THREE, {"effort": "REASONING_EFFORT_MEDIUM"}, {"thinkingLevel": "medium"}, []),
        (THREE, {"effort": "REASONING_EFFORT_NONE"}, {"thinkingLevel": "minimal"}, ["reasoning.effort"]),
        (THREE, {"effort": "REASONING_EFFORT_MAX"}, {"thinkingLevel": "high"}, []),
        (THREE, {"mode": "REASONING_MODE_ON"}, None, []),
        ("gemini-3.8-flash", {"effort": "REASONING_EFFORT_MINIMAL"}, {"thinkingLevel": "low"}, ["reasoning.effort"]),
        ("gemini-flash-latest", {"effort": "REASONING_EFFORT_NONE"}, {"thinkingLevel": "low"}, ["reasoning.effort"]),
        ("gemini-3.6-flash", {"effort": "REASONING_EFFORT_MINIMAL"}, {"thinkingLevel": "minimal"}, []),
        (THREE, {"budgetTokens": 512}, {"thinkingBudget": 512}, []),
        ("gemini-3-pro-preview", {"effort": "REASONING_EFFORT_MEDIUM"}, {"thinkingLevel": "low"}, ["reasoning.effort"]),
        ("gemini-3.1-pro-preview", {"effort": "REASONING_EFFORT_MEDIUM"}, {"thinkingLevel": "medium"}, []),
        (
            "gemini-3.1-pro-preview",
            {"effort": "REASONING_EFFORT_MINIMAL"},
            {"thinkingLevel": "low"},
            ["reasoning.effort"],
        ),
        ("gemini-pro-latest", {"effort": "REASONING_EFFORT_MINIMAL"}, {"thinkingLevel": "low"}, ["reasoning.effort"]),
        ("gemini-2.0-flash", {"effort": "REASONING_EFFORT_HIGH"}, None, ["reasoning"]),
        ("gemini-2.5-flash-image", {"includeText": True}, None, ["reasoning"]),
        (
            FLASH,
            {"includeSignature": False, "summary": "auto"},
            None,
            ["reasoning.include_signature", "reasoning.summary"],
        ),
    ],
)
def test_reasoning(model: str, reasoning: dict[str, Any], sent: dict[str, Any] | None, listed: list[str]) -> None:
    assert config(model, reasoning=reasoning).get("thinkingConfig") == sent
    assert adjusted(model, reasoning=reasoning) == listed


def test_extra_fields_reach_what_the_contract_has_no_field_for() -> None:
    extra = {
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "cachedContent": "cachedContents/1",
        "generationConfig": {"imageConfig": {"aspectRatio": "16:9"}},
        "toolConfig": {"includeServerSideToolInvocations": True},
    }
    sent = body(
        tools=[F],
        toolChoice={"mode": "TOOL_CHOICE_MODE_AUTO"},
        temperature=1.0,
        gateway={"extraBodyJson": json.dumps(extra)},
    )
    assert sent["safetySettings"] == extra["safetySettings"]
    assert sent["cachedContent"] == "cachedContents/1"
    assert sent["generationConfig"] == {"temperature": 1.0, "imageConfig": {"aspectRatio": "16:9"}}
    assert sent["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}, "includeServerSideToolInvocations": True}


@pytest.mark.parametrize(
    "extra",
    [
        {"contents": []},
        {"system_instruction": {}},
        {"generation_config": {}},
        {"generationConfig": {"temperature": 1}},
        {"toolConfig": {"functionCallingConfig": {}}},
    ],
)
def test_extra_fields_that_the_contract_has_are_refused(extra: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"gateway\.extra_body_json"):
        body(messages=[says("USER", "Hi")], gateway={"extraBodyJson": json.dumps(extra)})
