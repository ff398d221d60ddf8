"""Requests to Ollama: what is sent, emulated, refused, or dropped and listed."""

import json
from typing import Any

import pytest
from aignehub.v1 import embedding_service_pb2 as pb

from server.errors import InvalidArgument, UnsupportedByProvider
from server.providers.kind import Site
from server.providers.registry import PROVIDERS
from server.wire.codec import ReadsUrls
from tests.fake_embeddings import ask as ask_embeddings
from tests.unit.wire.support import HELLO, ask, at, codec, encoded

FUNCTION = {"function": {"name": "f", "parametersJsonSchema": '{"type":"object","properties":{"b":{},"a":{}}}'}}
SECOND = {"function": {"name": "g"}}


def body(request: Any, model: str = "qwen3", *, stream: bool = False) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(encoded(request, "ollama", model, stream=stream).body)
    return parsed


def adjusted(request: Any, model: str = "qwen3") -> tuple[str, ...]:
    return encoded(request, "ollama", model).adjusted_fields


def test_the_least_that_is_sent() -> None:
    sent = encoded(ask(), "ollama", "qwen3")
    assert (sent.method, sent.path) == ("POST", "/api/chat")
    least = {"model": "qwen3", "messages": [{"role": "user", "content": "Hello"}], "stream": False}
    assert json.loads(sent.body) == least
    assert body(ask(), stream=True)["stream"] is True


@pytest.mark.parametrize(
    ("fields", "path", "value"),
    [
        ({"maxCompletionTokens": 1}, "options.num_predict", 1),
        ({"temperature": 0.5}, "options.temperature", 0.5),
        ({"topP": 0.5}, "options.top_p", 0.5),
        ({"topK": 7}, "options.top_k", 7),
        ({"minP": 0.1}, "options.min_p", 0.1),
        ({"seed": -3}, "options.seed", -3),
        ({"frequencyPenalty": 1}, "options.frequency_penalty", 1),
        ({"presencePenalty": 1}, "options.presence_penalty", 1),
        ({"repetitionPenalty": 1.1}, "options.repeat_penalty", 1.1),
        ({"stop": ["a", "b"]}, "options.stop", ["a", "b"]),
        ({"logprobs": True, "topLogprobs": 2}, "logprobs", True),
        ({"logprobs": True, "topLogprobs": 2}, "top_logprobs", 2),
        ({"logprobs": False}, "logprobs", None),
        ({"responseFormat": {"jsonObject": {}}}, "format", "json"),
        ({"responseFormat": {"text": {}}}, "format", None),
        ({"n": 1, "modalities": ["MODALITY_TEXT"]}, "n", None),
    ],
)
def test_what_is_sent(fields: dict[str, Any], path: str, value: Any) -> None:
    assert at(body(ask(**fields)), path) == value
    assert adjusted(ask(**fields)) == ()


def test_a_schema_with_its_own_key_order() -> None:
    schema = {"schemaJson": '{"type":"object","properties":{"b":{},"a":{}}}', "strict": True, "name": "x"}
    assert list(body(ask(responseFormat={"jsonSchema": schema}))["format"]["properties"]) == ["b", "a"]
    described = {"jsonSchema": {**schema, "description": "d"}}
    assert adjusted(ask(responseFormat=described)) == ("response_format.json_schema.description",)


@pytest.mark.parametrize(
    ("reasoning", "model", "think", "notes"),
    [
        ({"mode": "REASONING_MODE_ON"}, "qwen3", True, ()),
        ({"mode": "REASONING_MODE_OFF"}, "qwen3", False, ()),
        ({"effort": "REASONING_EFFORT_NONE"}, "qwen3", False, ()),
        ({"effort": "REASONING_EFFORT_HIGH"}, "qwen3", True, ("reasoning.effort",)),
        ({"budgetTokens": 0}, "qwen3", False, ()),
        ({"budgetTokens": 9}, "qwen3", None, ("reasoning.budget_tokens",)),
        ({"includeText": True}, "qwen3", None, ()),
        ({"includeText": False}, "qwen3", None, ("reasoning.include_text",)),
        ({"mode": "REASONING_MODE_OFF", "includeText": False}, "qwen3", False, ()),
        ({"effort": "REASONING_EFFORT_HIGH"}, "gpt-oss:20b", "high", ()),
        ({"effort": "REASONING_EFFORT_MAX"}, "me/gpt-oss:20b", "high", ("reasoning.effort",)),
        ({"mode": "REASONING_MODE_ON"}, "gpt-oss:20b", "medium", ()),
        ({"mode": "REASONING_MODE_OFF"}, "gpt-oss:20b", "low", ("reasoning",)),
        (
            {"summary": "auto", "includeSignature": True},
            "qwen3",
            None,
            ("reasoning.summary", "reasoning.include_signature"),
        ),
    ],
)  # fmt: skip
def test_thinking(reasoning: dict[str, Any], model: str, think: Any, notes: tuple[str, ...]) -> None:
    request = ask(reasoning=reasoning)
    assert body(request, model).get("think") == think
    assert adjusted(request, model) == notes


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"n": 2}, "n"),
        ({"modalities": ["MODALITY_AUDIO"]}, "modalities[0]"),
        ({"audio": {"voice": "v"}}, "audio"),
        ({"webSearchOptions": {}}, "web_search_options"),
        ({"moderationJson": "{}"}, "moderation_json"),
        ({"responseFormat": {"regex": "a"}}, "response_format.regex"),
        ({"responseFormat": {"grammar": "a"}}, "response_format.grammar"),
        ({"tools": [{"custom": {"name": "c"}}]}, "tools[0].custom"),
        ({"tools": [{"provider": {"type": "web_search"}}]}, "tools[0].provider"),
        ({"tools": [FUNCTION], "toolChoice": {"mode": "TOOL_CHOICE_MODE_REQUIRED"}}, "tool_choice.mode"),
        ({"tools": [FUNCTION], "toolChoice": {"functionName": "f"}}, "tool_choice.function_name"),
    ],
)
def test_what_changes_the_answer_is_refused(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(UnsupportedByProvider) as caught:
        encoded(ask(**fields), "ollama")
    assert [field.field for field in caught.value.fields] == [path]


def test_what_only_tunes_is_dropped_and_listed() -> None:
    fields = {
        "logitBias": {"1": 1}, "parallelToolCalls": True, "prediction": {"content": "x"}, "verbosity": "VERBOSITY_LOW",
        "serviceTier": "auto", "store": True, "metadata": {"a": "b"}, "safetyIdentifier": "x", "promptCacheKey": "x",
        "promptCacheTtl": "5m", "user": "u",
    }  # fmt: skip
    assert len(adjusted(ask(**fields))) == len(fields)
    assert set(body(ask(**fields))) == {"model", "messages", "stream"}
    for name, value in fields.items():
        with pytest.raises(InvalidArgument):
            encoded(ask(**{name: value}, gateway={"strictParameters": True}), "ollama")


def test_a_choice_among_tools_is_what_the_model_is_shown() -> None:
    tools = [FUNCTION, SECOND]
    assert [tool["function"]["name"] for tool in body(ask(tools=tools))["tools"]] == ["f", "g"]
    none = ask(tools=tools, toolChoice={"mode": "TOOL_CHOICE_MODE_NONE"})
    assert "tools" not in body(none)
    one = ask(tools=tools, toolChoice={"allowedTools": {"names": ["g"]}})
    empty = {"type": "object", "properties": {}}
    assert body(one)["tools"] == [{"type": "function", "function": {"name": "g", "parameters": empty}}]
    with pytest.raises(InvalidArgument, match=r"names\[0\]"):
        encoded(ask(tools=tools, toolChoice={"allowedTools": {"names": ["h"]}}), "ollama")
    strict = ask(tools=[{"function": {"name": "f", "strict": True}, "deferLoading": True, "cacheControl": {}}])
    assert adjusted(strict) == ("tools[0].function.strict", "tools[0].cache_control", "tools[0].defer_loading")


def test_a_conversation_with_tools_thoughts_and_pictures() -> None:
    messages = [
        {"role": "ROLE_DEVELOPER", "content": [{"text": "a"}, {"text": "b"}]},
        {
            "role": "ROLE_USER",
            "content": [{"text": "x"}, {"image": {"media": {"data": "iVBORw0KGgo=", "mimeType": "image/png"}}}],
        },
        {
            "role": "ROLE_ASSISTANT",
            "content": [{"reasoning": {"text": "hm", "provider": "ollama"}}, {"text": "y"}],
            "toolCalls": [{"id": "c1", "function": {"name": "f", "argumentsJson": '{"b":1,"a":2.0}'}}],
        },
        {"role": "ROLE_TOOL", "toolCallId": "c1", "content": [{"text": "4"}], "toolError": True},
        {"role": "ROLE_ASSISTANT", "refusal": "no"},
    ]
    sent = body(ask(messages=messages))["messages"]
    assert sent == [
        {"role": "system", "content": "a\nb"},
        {"role": "user", "content": "x", "images": ["iVBORw0KGgo="]},
        {
            "role": "assistant",
            "content": "y",
            "thinking": "hm",
            "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {"b": 1, "a": 2.0}}}],
        },
        {"role": "tool", "content": "4", "tool_name": "f", "tool_call_id": "c1"},
        {"role": "assistant", "content": "no"},
    ]
    assert list(sent[2]["tool_calls"][0]["function"]["arguments"]) == ["b", "a"]
    assert adjusted(ask(messages=messages)) == ("messages[3].tool_error",)


def test_what_others_made_is_dropped_and_listed() -> None:
    message = {
        "role": "ROLE_ASSISTANT",
        "name": "Bob",
        "phase": "final_answer",
        "content": [
            {"reasoning": {"text": "hm", "provider": "openai", "signature": "c2ln"}},
            {"provider": {"provider": "openai", "type": "web_search_call", "json": "{}"}},
            {"text": "Hi", "signature": "c2ln", "cacheControl": {}},
        ],
        "toolCalls": [{"id": "c", "function": {"name": "f"}, "signature": "c2ln"}],
    }
    assert set(adjusted(ask(messages=[HELLO, message]))) == {
        "messages[1].content[0].reasoning", "messages[1].content[1].provider", "messages[1].content[2].signature",
        "messages[1].content[2].cache_control", "messages[1].tool_calls[0].signature", "messages[1].name",
        "messages[1].phase",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("part", "error", "path"),
    [
        ({"file": {"media": {"data": "JVBERi0=", "mimeType": "application/pdf"}}}, UnsupportedByProvider, "file"),
        ({"audio": {"media": {"data": "UklG", "mimeType": "audio/wav"}}}, UnsupportedByProvider, "audio"),
        ({"video": {"media": {"url": "https://x.test/a.mp4"}}}, UnsupportedByProvider, "video"),
        ({"image": {"media": {"fileId": "f"}}}, UnsupportedByProvider, "image.media.file_id"),
        ({"image": {"media": {}}}, InvalidArgument, "image.media"),
        ({}, InvalidArgument, ""),
    ],
)
def test_what_it_does_not_read(part: dict[str, Any], error: type[Exception], path: str) -> None:
    with pytest.raises(error, match=rf"messages\[0\]\.content\[0\]\.?{path}"):
        encoded(ask(messages=[{"role": "ROLE_USER", "content": [part]}]), "ollama")


def test_arguments_must_be_an_object() -> None:
    call = {"id": "c", "function": {"name": "f", "argumentsJson": "{"}}
    with pytest.raises(InvalidArgument, match="arguments_json: is not valid JSON"):
        encoded(ask(messages=[HELLO, {"role": "ROLE_ASSISTANT", "toolCalls": [call]}]), "ollama")
    custom = {"id": "c", "custom": {"name": "f"}}
    with pytest.raises(UnsupportedByProvider, match="custom"):
        encoded(ask(messages=[HELLO, {"role": "ROLE_ASSISTANT", "toolCalls": [custom]}]), "ollama")


def test_more_than_the_contract_has_fields_for() -> None:
    extra = {"keep_alive": "5m", "options": {"num_ctx": 8192}}
    sent = body(ask(temperature=1, gateway={"extraBodyJson": json.dumps(extra)}))
    assert (sent["keep_alive"], sent["options"]) == ("5m", {"temperature": 1.0, "num_ctx": 8192})
    for key in ("stream", "think", "format"):
        with pytest.raises(InvalidArgument, match=key):
            encoded(ask(gateway={"extraBodyJson": json.dumps({key: 1})}), "ollama")


def test_the_hub_fetches_every_address() -> None:
    chat = codec("ollama")
    assert isinstance(chat, ReadsUrls)
    assert not chat.reads_url("image", ask().messages[0].content[0].image.media, "m")


@pytest.mark.parametrize(
    "told", ["http://box:11434", "http://box:11434/", "http://box:11434/v1", "http://box:11434/v1/"]
)
def test_an_address_with_or_without_the_compatible_api(told: str) -> None:
    kind = PROVIDERS["ollama"]
    assert kind.settle
    assert kind.settle(Site(told), {}).base_url == "http://box:11434"
    images, lists = kind.images, kind.model_list
    assert images
    assert lists
    assert lists({}).encode().path == "/api/tags"


def test_embeddings() -> None:
    make = PROVIDERS["ollama"].embeddings
    assert make
    request = ask_embeddings("a", "b", dimensions=3, truncate=False, user="u")
    sent = make({}).encode(request, "nomic-embed-text", [0, 1])
    assert sent.path == "/api/embed"
    assert json.loads(sent.body) == {
        "model": "nomic-embed-text", "input": ["a", "b"], "dimensions": 3, "truncate": False,
    }  # fmt: skip
    assert sent.adjusted_fields == ("user",)
    tokens = pb.CreateEmbeddingsRequest(inputs=[pb.EmbeddingInput(tokens=pb.TokenIds(ids=[1]))])
    with pytest.raises(UnsupportedByProvider, match=r"inputs\[0\]\.tokens"):
        make({}).parts(tokens)
