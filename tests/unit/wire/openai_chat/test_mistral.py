"""Where Mistral differs from OpenAI's format."""

import json
import re
from typing import Any

import pytest

from server.errors import HubError, InvalidArgument, ProviderRateLimited, ProviderUnavailable, UnsupportedByProvider
from server.wire.chat.call_ids import nine_characters
from server.wire.http import HttpResponse
from tests.unit.wire.support import HELLO, answer, ask, body, chunk, codec, encoded, read, sse, whole

MODEL = "mistral-medium-latest"
SMALL = "mistral-small-latest"
STOP = chunk(finish_reason="stop")


def sent(*messages: dict[str, Any], model: str = MODEL) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = body(ask(messages=list(messages)), "mistral", model)["messages"]
    return entries


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "ROLE_USER", "content": list(parts)}


def assistant(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"role": "ROLE_ASSISTANT", "content": list(parts), **fields}


def call(call_id: str) -> dict[str, Any]:
    return {"id": call_id, "function": {"name": "f", "argumentsJson": "{}"}}


def result(call_id: str, **fields: Any) -> dict[str, Any]:
    return {"role": "ROLE_TOOL", "toolCallId": call_id, "content": [{"text": "4"}], **fields}


@pytest.mark.parametrize("given", ["call_abcdefghijklmnop", "toolu_01", "1", "x" * 128, "EscTeQY6\n", "EscTeQY6é"])
def test_foreign_ids_of_calls_become_nine_characters_alike_in_call_and_result(given: str) -> None:
    made = nine_characters(given)
    assert re.fullmatch("[a-zA-Z0-9]{9}", made)
    [_, asked, answered] = sent(HELLO, assistant(toolCalls=[call(given), call("EscTeQY62")]), result(given))
    assert [one["id"] for one in asked["tool_calls"]] == [made, "EscTeQY62"]
    assert answered["tool_call_id"] == made


def test_many_ids_stay_apart() -> None:
    assert len({nine_characters(f"call_{number}") for number in range(20_000)}) == 20_000


@pytest.mark.parametrize(("model", "roles"), [(MODEL, ["tool", "assistant", "user"]), (SMALL, ["tool", "user"])])
def test_a_word_of_the_assistant_stands_between_a_tool_and_a_user(model: str, roles: list[str]) -> None:
    turns = (HELLO, assistant(toolCalls=[call("1"), call("2")]), result("1"), result("2"), HELLO)
    entries = sent(*turns, model=model)
    assert [entry["role"] for entry in entries] == ["user", "assistant", "tool", *roles]


def test_a_conversation_that_ends_with_the_assistant_is_a_prefix() -> None:
    assert sent(HELLO, assistant({"text": "It is"}))[-1] == {"role": "assistant", "content": "It is", "prefix": True}
    assert "prefix" not in sent(HELLO, assistant({"text": "x"}), HELLO)[1]
    assert "prefix" not in sent(HELLO, assistant(toolCalls=[call("1")]))[-1]


def test_reasoning_goes_back_in_its_place() -> None:
    thought = {"text": "hm", "provider": "mistral", "signature": "c2ln"}
    block = {
        "provider": "mistral",
        "type": "tool_reference",
        "json": '{"type":"tool_reference","tool":"web","title":"t"}',
    }
    entry = sent(HELLO, assistant({"reasoning": thought}, {"provider": block}, {"text": "x"}), HELLO)[1]
    assert entry["content"] == [
        {
            "type": "thinking",
            "thinking": [{"type": "text", "text": "hm"}, {"type": "tool_reference", "tool": "web", "title": "t"}],
            "signature": "sig",
        },
        {"type": "text", "text": "x"},
    ]
    foreign = ask(messages=[HELLO, assistant({"reasoning": {"text": "hm", "provider": "x"}}, {"text": "x"}), HELLO])
    assert body(foreign, "mistral")["messages"][1]["content"] == "x"
    assert encoded(foreign, "mistral").adjusted_fields == ("messages[1].content[0].reasoning",)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param(
            {"audio": {"media": {"data": "AAAA", "mimeType": "audio/mpeg"}}},
            {"type": "input_audio", "input_audio": "AAAA"},
            id="audio_is_base64_alone",
        ),
        pytest.param(
            {"audio": {"media": {"url": "https://x.test/a.mp3"}}},
            {"type": "input_audio", "input_audio": "https://x.test/a.mp3"},
            id="audio_by_its_address",
        ),
        pytest.param(
            {"file": {"media": {"data": "AAAA", "mimeType": "application/pdf", "filename": "a.pdf"}}},
            {"type": "document_url", "document_url": "data:application/pdf;base64,AAAA", "document_name": "a.pdf"},
            id="a_document_by_its_bytes",
        ),
        pytest.param(
            {"file": {"media": {"url": "https://x.test/a.pdf"}, "title": "A"}},
            {"type": "document_url", "document_url": "https://x.test/a.pdf", "document_name": "A"},
            id="a_document_by_its_address",
        ),
        pytest.param(
            {"file": {"media": {"fileId": "f1"}}}, {"type": "file", "file_id": "f1"}, id="a_document_of_its_own"
        ),
    ],
)
def test_media(part: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent(user(part))[0]["content"] == [expected]


def test_instructions_are_text() -> None:
    image = {"image": {"media": {"url": "https://x.test/a.png"}}}
    with pytest.raises(UnsupportedByProvider) as refused:
        sent({"role": "ROLE_SYSTEM", "content": [{"text": "a"}, image]}, HELLO)
    assert refused.value.fields[0].field == "messages[0].content[1].image"


def test_names_of_its_own() -> None:
    tool = {"function": {"name": "f"}}
    request = ask(
        seed="7", maxCompletionTokens=5, tools=[tool], toolChoice={"mode": "TOOL_CHOICE_MODE_REQUIRED"}, topP=0.5
    )
    told = body(request, "mistral", stream=True)
    assert (told["random_seed"], told["max_tokens"], told["tool_choice"]) == (7, 5, "any")
    assert told["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert not {"seed", "max_completion_tokens", "stream_options"} & told.keys()
    assert encoded(ask(seed="-1"), "mistral").adjusted_fields == ("seed",)
    assert sent(HELLO, assistant(toolCalls=[call("1")]), result("1", name="f"))[2]["name"] == "f"


def test_what_it_does_not_know_is_never_sent() -> None:
    request = ask(
        topK=3, minP=0.1, repetitionPenalty=1.1, logitBias={"1": 1}, user="u", serviceTier="flex", store=True,
        verbosity="VERBOSITY_LOW", safetyIdentifier="s", promptCacheTtl="1h",
    )  # fmt: skip
    assert body(request, "mistral").keys() == {"model", "messages"}
    assert len(encoded(request, "mistral").adjusted_fields) == 10
    with pytest.raises(InvalidArgument, match=r"1\.5"):
        encoded(ask(temperature=1.6), "mistral")


@pytest.mark.parametrize(
    ("options", "word", "adjusted"),
    [
        ({"effort": "REASONING_EFFORT_HIGH"}, "high", ()),
        ({"effort": "REASONING_EFFORT_NONE"}, "none", ()),
        ({"effort": "REASONING_EFFORT_MINIMAL"}, "none", ("reasoning.effort",)),
        ({"effort": "REASONING_EFFORT_LOW"}, "high", ("reasoning.effort",)),
        ({"effort": "REASONING_EFFORT_MAX"}, "high", ("reasoning.effort",)),
        ({"mode": "REASONING_MODE_ON"}, "high", ()),
        ({"mode": "REASONING_MODE_OFF"}, "none", ()),
        ({"mode": "REASONING_MODE_ADAPTIVE"}, None, ("reasoning.mode",)),
        ({"budgetTokens": 0}, "none", ()),
        ({"budgetTokens": 500}, None, ("reasoning.budget_tokens",)),
        ({"effort": "REASONING_EFFORT_HIGH", "includeText": False}, "high", ("reasoning.include_text",)),
        ({"effort": "REASONING_EFFORT_NONE", "includeText": False}, "none", ()),
    ],
)
def test_reasoning_is_all_or_nothing(options: dict[str, Any], word: str | None, adjusted: tuple[str, ...]) -> None:
    request = ask(reasoning=options)
    assert body(request, "mistral", SMALL).get("reasoning_effort") == word
    assert encoded(request, "mistral", SMALL).adjusted_fields == adjusted


@pytest.mark.parametrize(
    ("model", "reasons"),
    [
        ("mistral-small-latest", True),
        ("mistral-small-2603", True),
        ("magistral-medium-2509", True),
        ("mistral-large-2411", False),
        ("codestral-latest", False),
        ("open-mistral-nemo", False),
        ("devstral-small-2507", False),
    ],
)
def test_models_that_do_not_reason_are_not_told_to(model: str, reasons: bool) -> None:
    request = ask(reasoning={"effort": "REASONING_EFFORT_HIGH"})
    assert ("reasoning_effort" in body(request, "mistral", model)) is reasons
    assert encoded(request, "mistral", model).adjusted_fields == (() if reasons else ("reasoning",))


THINKING = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}], "closed": True},
    {"type": "thinking", "thinking": [{"type": "tool_reference", "tool": "web", "title": "t"}], "signature": "sig"},
    {"type": "text", "text": "see"},
    {"type": "reference", "reference_ids": [1, 2]},
]


def test_thoughts_their_proofs_and_references_are_read_alike() -> None:
    told = answer(whole({"content": THINKING, "tool_calls": None}), "mistral").choices[0].message.content
    assert [part.WhichOneof("part") for part in told] == ["reasoning", "reasoning", "provider", "text", "provider"]
    assert (told[0].reasoning.text, told[1].reasoning.signature) == ("hm", b"sig")
    assert json.loads(told[4].provider.json) == {"type": "reference", "reference_ids": [1, 2]}
    [message] = read(sse(chunk({"role": "assistant", "content": ""}), chunk({"content": THINKING}), STOP), "mistral")
    deltas = message.choices
    assert "".join(delta.reasoning.text for delta in deltas) == "hm"
    assert [delta.reasoning.signature for delta in deltas if delta.reasoning.signature] == [b"sig"]
    assert [part.provider.type for delta in deltas for part in delta.parts] == ["tool_reference", "reference"]


def test_usage() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 201, "total_tokens": 585, "prompt_audio_seconds": 4}
    told = {**usage, "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 375}, "service_tier": "standard"}
    got = answer({**whole({"content": "x"}), "usage": told}, "mistral")
    assert (got.usage.input_tokens, got.usage.output_tokens, got.usage.total_tokens) == (384, 201, 585)
    assert (got.usage.billed_audio_duration.seconds, got.service_tier) == (4, "standard")
    for name in ("num_cached_tokens", "prompt_token_details"):
        cached = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
        cached[name] = 5 if name == "num_cached_tokens" else {"cached_tokens": 5}  # type: ignore[assignment]
        got = answer({**whole({"content": "x"}), "usage": cached}, "mistral")
        assert (got.usage.cached_input_tokens, got.provider_fields_json) == (5, "")


def test_an_answer_that_failed_is_no_answer() -> None:
    with pytest.raises(ProviderUnavailable):
        answer(whole({"content": "It be"}, finish_reason="error"), "mistral")
    decoder = codec("mistral").decoder(ask())
    message = decoder.feed(sse(chunk({"content": "It be"}), chunk(finish_reason="error")))
    assert message is not None
    assert message.choices[0].content == "It be"
    with pytest.raises(ProviderUnavailable):
        decoder.finish()


@pytest.mark.parametrize(
    ("status", "payload", "error", "words"),
    [
        (401, {"detail": "Invalid API Key"}, "PROVIDER_CREDENTIAL_INVALID", ""),
        (
            422,
            {"detail": [{"type": "extra_forbidden", "loc": ["body", "logit_bias"], "msg": "Extra inputs"}]},
            "PROVIDER_REJECTED_REQUEST",
            "body.logit_bias: Extra inputs",
        ),
        (
            400,
            {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "param": None, "code": "1500"},
            "MODEL_NOT_FOUND",
            "Invalid model: x",
        ),
        (
            400,
            {
                "object": "error",
                "message": "Prompt contains 9 tokens, too large for model with 8 maximum context length",
            },
            "CONTEXT_LENGTH_EXCEEDED",
            "too large",
        ),
        (
            429,
            {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"},
            "PROVIDER_RATE_LIMITED",
            "",
        ),
    ],
)
def test_errors(status: int, payload: Any, error: str, words: str) -> None:
    got = codec("mistral").decode_error(HttpResponse(status, {}, json.dumps(payload).encode()))
    assert got.reason == error
    assert words in got.message


def test_an_error_in_a_stream_or_a_200() -> None:
    told = {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"}
    with pytest.raises(ProviderRateLimited):
        answer(told, "mistral")
    with pytest.raises(HubError) as failed:
        read(sse(told), "mistral")
    assert isinstance(failed.value, ProviderRateLimited)
