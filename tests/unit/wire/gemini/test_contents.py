"""The conversation as generateContent has it."""

from typing import Any

import pytest

from server.errors import InvalidArgument, UnsupportedByProvider
from tests.unit.wire.gemini.bodies import FLASH, THREE, adjusted, body, call, calls, result, says, user

HI = {"role": "user", "parts": [{"text": "Hi"}]}


def contents(model: str, *messages: Any) -> list[Any]:
    found: list[Any] = body(model, messages=list(messages))["contents"]
    return found


def test_instructions_go_above_the_conversation_wherever_they_stand() -> None:
    sent = body(messages=[says("SYSTEM", "a"), says("USER", "Hi"), says("DEVELOPER", "b")])
    assert sent["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    assert sent["contents"] == [HI]


def test_gemma_reads_them_before_the_conversation() -> None:
    sent = body("gemma-3-27b-it", messages=[says("SYSTEM", "a"), says("USER", "Hi")])
    assert "systemInstruction" not in sent
    assert sent["contents"] == [{"role": "user", "parts": [{"text": "a"}]}, HI]


def test_a_conversation_begins_with_the_user() -> None:
    blank = {"role": "user", "parts": [{"text": " "}]}
    assert contents(FLASH, says("ASSISTANT", "Hello"), says("USER", "Hi")) == [
        blank,
        {"role": "model", "parts": [{"text": "Hello"}]},
        HI,
    ]
    assert contents(FLASH, says("SYSTEM", "a")) == [blank]


def test_results_of_one_round_are_one_turn_with_the_names_of_their_calls() -> None:
    sent = contents(
        FLASH,
        says("USER", "Hi"),
        calls(call("1", "f", '{"b": 1, "a": 2.0}'), call("2", "g")),
        result("2", {"text": "ok"}),
        result("1", {"text": '{"x": [1.0]}'}),
        says("USER", "Hi"),
    )
    assert sent[1]["parts"] == [
        {"functionCall": {"id": "1", "name": "f", "args": {"b": 1, "a": 2.0}}},
        {"functionCall": {"id": "2", "name": "g", "args": {}}},
    ]
    assert sent[2] == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "2", "name": "g", "response": {"output": "ok"}}},
            {"functionResponse": {"id": "1", "name": "f", "response": {"x": [1.0]}}},
        ],
    }
    assert sent[3] == HI


@pytest.mark.parametrize(
    ("parts", "more", "response"),
    [
        ([{"text": "no"}], {"toolError": True}, {"error": "no"}),
        ([{"text": '{"a": 1}'}], {"toolError": True}, {"error": '{"a": 1}'}),
        ([{"text": "[1]"}], {}, {"output": "[1]"}),
        ([{"text": "{oops"}], {}, {"output": "{oops"}),
        ([{"text": "a"}, {"text": "b"}], {}, {"output": ["a", "b"]}),
    ],
)
def test_what_a_tool_came_to(parts: list[Any], more: dict[str, Any], response: Any) -> None:
    sent = contents(FLASH, says("USER", "Hi"), calls(call("1")), result("1", *parts, **more))
    assert sent[2]["parts"][0]["functionResponse"]["response"] == response


def test_media_of_a_result_go_inside_for_gemini_3_and_beside_for_older_models() -> None:
    picture = {"image": {"media": {"data": "AAAA", "mimeType": "image/png"}}}
    inline = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    conversation = [
        says("USER", "Hi"),
        calls(call("1", signature="c2ln"), call("2")),
        result("1", {"text": "see"}, picture),
        result("2", {"text": "done"}),
    ]
    first, second = contents(THREE, *conversation)[2]["parts"]
    assert first["functionResponse"]["parts"] == [inline]
    assert "parts" not in second["functionResponse"]
    older = contents(FLASH, *conversation)[2]["parts"]
    assert ["functionResponse" in part for part in older] == [True, True, False]
    assert older[2] == inline


def test_a_result_of_nothing_is_refused_but_a_name_will_do() -> None:
    with pytest.raises(InvalidArgument) as caught:
        contents(FLASH, says("USER", "Hi"), result("9", {"text": "x"}))
    assert caught.value.fields[0].field == "messages[1].tool_call_id"
    sent = contents(FLASH, says("USER", "Hi"), result("9", {"text": "x"}, name="f"))
    assert sent[1]["parts"][0]["functionResponse"]["name"] == "f"


def test_signatures_go_back_on_the_part_they_came_with() -> None:
    message = {
        "role": "ROLE_ASSISTANT",
        "content": [
            {"reasoning": {"text": "hm", "provider": "gemini", "signature": "YS9iKz09"}},
            {"text": "a", "signature": "c2lnLWE="},
            {"image": {"media": {"data": "AAAA", "mimeType": "image/png"}}, "signature": "c2lnLWI="},
            {"text": "", "signature": "c2lnLWM="},
        ],
        "toolCalls": [call("1", signature="c2lnLWQ=", partIndex=2), call("2")],
    }
    assert contents(THREE, says("USER", "Hi"), message)[1]["parts"] == [
        {"text": "hm", "thought": True, "thoughtSignature": "a/b+=="},
        {"text": "a", "thoughtSignature": "sig-a"},
        {"functionCall": {"id": "1", "name": "f", "args": {}}, "thoughtSignature": "sig-d"},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "sig-b"},
        {"text": "", "thoughtSignature": "sig-c"},
        {"functionCall": {"id": "2", "name": "f", "args": {}}},
    ]


def test_calls_of_another_provider_are_excused_at_models_that_want_proof() -> None:
    conversation = [says("USER", "Hi"), calls(call("1"), call("2"), content=[{"text": ""}])]
    first, second = contents(THREE, *conversation)[1]["parts"]
    assert first["thoughtSignature"] == "skip_thought_signature_validator"
    assert "thoughtSignature" not in second
    assert not any("thoughtSignature" in part for part in contents(FLASH, *conversation)[1]["parts"])


def test_the_second_id_of_an_openai_call_is_no_proof() -> None:
    conversation = [says("USER", "Hi"), calls(call("1", signature="ZmNfMTIz"))]
    assert contents(THREE, *conversation)[1]["parts"][0]["thoughtSignature"] == "skip_thought_signature_validator"
    assert adjusted(THREE, messages=conversation) == ["messages[1].tool_calls[0].signature"]


def test_what_cannot_be_a_signature_is_none() -> None:
    picture = {"image": {"media": {"data": "AAAA", "mimeType": "image/png"}}, "signature": "YQ=="}
    conversation = [
        says("USER", "Hi"),
        calls(call("1", signature="iVBORw=="), content=[{"text": "a", "signature": "ZmMgYQ=="}]),
        result("1", {"text": "b", "signature": "YQ=="}, picture),
    ]
    sent = contents(THREE, *conversation)
    assert sent[1]["parts"][0] == {"text": "a"}
    assert sent[1]["parts"][1]["thoughtSignature"] == "skip_thought_signature_validator"
    assert sent[2]["parts"][0]["functionResponse"]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    ]
    assert adjusted(THREE, messages=conversation) == [
        "messages[1].content[0].signature",
        "messages[1].tool_calls[0].signature",
        "messages[2].content[0].signature",
        "messages[2].content[1].signature",
    ]


def test_only_its_own_reasoning_and_blocks_go_back() -> None:
    block = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "s"}
    message = {
        "role": "ROLE_ASSISTANT",
        "content": [
            {"reasoning": {"text": "x", "provider": "anthropic", "signature": "YQ=="}},
            {"reasoning": {"text": "y"}},
            {"provider": {"provider": "openai", "type": "t", "json": "{}"}},
            {
                "provider": {
                    "provider": "gemini",
                    "type": "executableCode",
                    "json": '{"executableCode":{"language":"PYTHON","code":"1"},"thoughtSignature":"s"}',
                }
            },
        ],
    }
    assert contents(FLASH, says("USER", "Hi"), message)[1]["parts"] == [{"text": "y", "thought": True}, block]
    assert adjusted(messages=[says("USER", "Hi"), message]) == [
        "messages[1].content[0].reasoning",
        "messages[1].content[2].provider",
    ]


def test_a_refusal_is_what_the_model_said_and_empty_turns_are_left_out() -> None:
    refusal = {"role": "ROLE_ASSISTANT", "refusal": "No."}
    foreign = {"role": "ROLE_ASSISTANT", "content": [{"reasoning": {"text": "x", "provider": "xai"}}]}
    assert contents(FLASH, says("USER", "Hi"), refusal, foreign, says("ASSISTANT", "b"), says("USER", "Hi")) == [
        HI,
        {"role": "model", "parts": [{"text": "No."}, {"text": "b"}]},
        HI,
    ]


def test_what_has_no_place_is_listed() -> None:
    message = {
        **user({"text": "Hi", "cacheControl": {}}),
        "name": "ada",
        "phase": "commentary",
    }
    assert adjusted(messages=[message]) == [
        "messages[0].name",
        "messages[0].phase",
        "messages[0].content[0].cache_control",
    ]


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        (
            [{"role": "ROLE_SYSTEM", "content": [{"image": {"media": {"data": "AA==", "mimeType": "image/png"}}}]}],
            "messages[0].content[0].image",
        ),
        ([says("USER", "Hi"), {"role": "ROLE_ASSISTANT", "audioId": "a"}], "messages[1].audio_id"),
        (
            [says("USER", "Hi"), calls({"id": "1", "custom": {"name": "c"}})],
            "messages[1].tool_calls[0].custom",
        ),
    ],
)
def test_what_would_mean_something_else_is_refused(messages: list[Any], field: str) -> None:
    with pytest.raises(UnsupportedByProvider) as caught:
        body(messages=messages)
    assert caught.value.fields[0].field == field


def test_arguments_that_are_no_object_are_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        contents(FLASH, says("USER", "Hi"), calls(call("1", arguments='{"a":')))
    assert caught.value.fields[0].field == "messages[1].tool_calls[0].function.arguments_json"
