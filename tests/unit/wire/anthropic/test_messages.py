"""The conversation as the Messages API has it."""

import base64
import json
from typing import Any

import pytest

from server.errors import InvalidArgument, UnsupportedByProvider
from tests.unit.wire.support import ask, body, encoded

MODEL = "claude-opus-4-6"
PNG = "iVBORw0KGgo="
USER = {"role": "ROLE_USER", "content": [{"text": "Hi"}]}


def user(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "ROLE_USER", "content": list(parts), **more}


def system(*parts: dict[str, Any], role: str = "ROLE_SYSTEM") -> dict[str, Any]:
    return {"role": role, "content": list(parts)}


def assistant(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "ROLE_ASSISTANT", "content": list(parts), **more}


def call(id_: str, arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"id": id_, "function": {"name": "f", "argumentsJson": arguments}, **more}


def result(id_: str, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "ROLE_TOOL", "toolCallId": id_, "content": list(parts) or [{"text": "12"}], **more}


def sent(*messages: dict[str, Any], model: str = MODEL) -> dict[str, Any]:
    return body(ask(messages=list(messages)), "anthropic", model)


def turns(*messages: dict[str, Any], model: str = MODEL) -> list[Any]:
    told: list[Any] = sent(*messages, model=model)["messages"]
    return told


def block(part: dict[str, Any]) -> dict[str, Any]:
    """A part of a user's turn as it is sent."""
    [turn] = turns(user({"text": "x"}, part))
    told: dict[str, Any] = turn["content"][1]
    return told


def adjusted(*messages: dict[str, Any], model: str = MODEL) -> tuple[str, ...]:
    return encoded(ask(messages=list(messages)), "anthropic", model).adjusted_fields


def refusal(*messages: dict[str, Any], model: str = MODEL) -> str:
    """The field that is refused."""
    with pytest.raises((UnsupportedByProvider, InvalidArgument)) as caught:
        encoded(ask(messages=list(messages)), "anthropic", model)
    return caught.value.fields[0].field


def test_instructions_are_apart_and_in_order() -> None:
    told = sent(system({"text": "a"}), system({"text": "b"}, role="ROLE_DEVELOPER"), USER)
    assert told["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert told["messages"] == [{"role": "user", "content": "Hi"}]
    assert sent(system({"text": "a"}), USER)["system"] == "a"


def test_instructions_hold_cache_marks_and_nothing_but_text() -> None:
    mark = {"text": "a", "cacheControl": {"ttl": "1h"}}
    assert sent(system(mark), USER)["system"] == [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    ]
    picture = {"image": {"media": {"data": PNG, "mimeType": "image/png"}}}
    assert refusal(system(picture), USER) == "messages[0].content[0].image"
    assert refusal(system({"text": "alone"})) == "messages"


@pytest.mark.parametrize(
    ("model", "stays"),
    [("claude-opus-5", True), ("claude-opus-4-8", True), ("claude-fable-5-1", True), ("claude-sonnet-5", False),
     ("claude-opus-4-7", False), ("claude-mythos-preview", False)],
)  # fmt: skip
def test_instructions_within_the_conversation_stay_where_models_take_them(model: str, stays: bool) -> None:
    told = sent(system({"text": "a"}), USER, system({"text": "b"}), assistant({"text": "c"}), USER, model=model)
    roles = [turn["role"] for turn in told["messages"]]
    if stays:
        assert (told["system"], roles) == ("a", ["user", "system", "assistant", "user"])
        assert told["messages"][1] == {"role": "system", "content": "b"}
    else:
        assert [text["text"] for text in told["system"]] == ["a", "b"]
        assert roles == ["user", "assistant", "user"]


def test_instructions_that_may_not_stay_go_to_the_top_even_there() -> None:
    told = sent(USER, system({"text": "b"}), USER, model="claude-opus-5")
    assert told["system"] == "b"
    assert [turn["role"] for turn in told["messages"]] == ["user", "user"]


def test_results_come_first_in_one_turn_whatever_the_order() -> None:
    told = turns(
        USER,
        assistant(toolCalls=[call("a"), call("b")]),
        user({"text": "wait"}),
        result("b", {"text": "no such city"}, toolError=True),
        result("a"),
        user({"text": "and?"}),
    )
    assert told[2] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "b", "content": "no such city", "is_error": True},
            {"type": "tool_result", "tool_use_id": "a", "content": "12"},
            {"type": "text", "text": "wait"},
            {"type": "text", "text": "and?"},
        ],
    }
    assert len(told) == 3


def test_results_hold_pictures_documents_and_cache_marks() -> None:
    picture = {"image": {"media": {"data": PNG, "mimeType": "image/png"}}}
    told = turns(USER, assistant(toolCalls=[call("a")]), result("a", {"text": "see"}, picture))
    assert [one["type"] for one in told[2]["content"][0]["content"]] == ["text", "image"]
    marked = turns(USER, assistant(toolCalls=[call("a")]), result("a", {"text": "x", "cacheControl": {}}))
    assert marked[2]["content"][0] == {
        "type": "tool_result", "tool_use_id": "a", "content": "x", "cache_control": {"type": "ephemeral"}
    }  # fmt: skip


def test_calls_stand_where_they_were_made() -> None:
    thought = {"reasoning": {"text": "hm", "signature": "c2ln", "provider": "anthropic"}}
    told = turns(
        USER,
        assistant(thought, {"text": "first"}, {"text": "last"}, toolCalls=[call("a", partIndex=2), call("b")]),
        result("a"),
        result("b"),
    )
    assert told[1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "text", "text": "first"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
        {"type": "text", "text": "last"},
        {"type": "tool_use", "id": "b", "name": "f", "input": {}},
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}),
        ('{"b": 1, "a": 12345678901234567890123}', {"b": 1, "a": 12345678901234567890123}),
        ("[1]", {"INVALID_JSON": "[1]"}),
        ('{"cut": ', {"INVALID_JSON": '{"cut": '}),
    ],
)
def test_arguments_are_an_object_and_as_they_were_written(arguments: str, expected: Any) -> None:
    told = turns(USER, assistant(toolCalls=[call("a", arguments)]), result("a"))
    assert told[1]["content"][0]["input"] == expected


def test_ids_of_other_providers_are_fitted_on_both_sides() -> None:
    told = turns(
        USER, assistant(toolCalls=[call("functions.f:0"), call("ok_1")]), result("functions.f:0"), result("ok_1")
    )
    made = told[1]["content"][0]["id"]
    assert made.startswith("functions_f_0_")
    assert [one["tool_use_id"] for one in told[2]["content"]] == [made, "ok_1"]


def test_what_must_come_back_with_a_call_travels_in_its_signature() -> None:
    caller = {"caller": {"type": "code_execution_20260120", "tool_id": "srvtoolu_1"}}
    signed = call("a", signature=base64.b64encode(json.dumps(caller).encode()).decode())
    assert turns(USER, assistant(toolCalls=[signed]), result("a"))[1]["content"][0]["caller"] == caller["caller"]
    foreign = call("a", signature="Z2VtaW5p")
    assert adjusted(USER, assistant(toolCalls=[foreign]), result("a")) == ("messages[1].tool_calls[0].signature",)


def test_reasoning_goes_back_as_it_came() -> None:
    parts = (
        {"reasoning": {"text": "", "signature": "c2ln", "provider": "anthropic"}},
        {
            "reasoning": {
                "signature": "ZGF0YQ==",
                "redacted": True,
                "provider": "azure-anthropic",
                "format": "anthropic-claude-v1",
            }
        },
        {"text": "x"},
    )
    assert turns(USER, assistant(*parts), USER)[1]["content"] == [
        {"type": "thinking", "thinking": "", "signature": "sig"},
        {"type": "redacted_thinking", "data": "data"},
        {"type": "text", "text": "x"},
    ]


@pytest.mark.parametrize(
    "reasoning",
    [
        {"text": "hm"},
        {"text": "hm", "provider": "anthropic"},
        {"text": "hm", "signature": "c2ln", "provider": "gemini"},
        {"text": "hm", "signature": "c2ln", "provider": "anthropic", "format": "openai-responses-v1"},
    ],
)
def test_reasoning_that_claude_did_not_sign_is_left_out_and_told(reasoning: dict[str, Any]) -> None:
    message = assistant({"reasoning": reasoning}, {"text": "x"})
    assert turns(USER, message, USER)[1]["content"] == "x"
    assert adjusted(USER, message, USER) == ("messages[1].content[0].reasoning",)


def test_a_turn_of_which_nothing_is_left_is_left_out() -> None:
    message = assistant({"reasoning": {"text": "hm", "provider": "deepseek"}})
    assert [turn["role"] for turn in turns(USER, message, USER)] == ["user", "user"]
    assert [turn["role"] for turn in turns(USER, assistant({"text": ""}), USER)] == ["user", "user"]


def test_blocks_of_its_own_go_back_byte_for_byte() -> None:
    text = '{ "type":"server_tool_use", "id":"s", "input":{"n":1.0, "big":12345678901234567890123} }'
    part = {"provider": {"provider": "anthropic", "type": "server_tool_use", "json": text}}
    raw = encoded(ask(messages=[USER, assistant(part), USER]), "anthropic", MODEL).body
    assert text.encode() in raw
    marked = turns(USER, assistant({**part, "cacheControl": {"ttl": "5m"}}), USER)[1]["content"][0]
    assert marked["cache_control"] == {"type": "ephemeral", "ttl": "5m"}
    foreign = {"provider": {"provider": "groq", "type": "executed_tool", "json": "{}"}}
    assert adjusted(USER, assistant(foreign, {"text": "x"}), USER) == ("messages[1].content[0].provider",)


def test_a_refusal_is_what_the_assistant_said() -> None:
    assert turns(USER, assistant(refusal="No."), USER)[1]["content"] == "No."
    message = assistant({"text": "Well"}, refusal="No.")
    assert adjusted(USER, message, USER) == ("messages[1].refusal",)


@pytest.mark.parametrize(
    ("media", "source"),
    [
        ({"data": PNG, "mimeType": "image/png"}, {"type": "base64", "media_type": "image/png", "data": PNG}),
        ({"url": "https://x.test/a.png"}, {"type": "url", "url": "https://x.test/a.png"}),
        ({"fileId": "file_1"}, {"type": "file", "file_id": "file_1"}),
    ],
)
def test_images(media: dict[str, str], source: dict[str, str]) -> None:
    assert block({"image": {"media": media}}) == {"type": "image", "source": source}


def test_documents_by_bytes_text_address_and_id() -> None:
    pdf = {"data": "JVBERg==", "mimeType": "application/pdf", "filename": "a.pdf"}
    assert block({"file": {"media": pdf, "title": "A", "context": "c", "citations": True}}) == {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
        "title": "A",
        "context": "c",
        "citations": {"enabled": True},
    }
    text = {"data": base64.b64encode("Grüße".encode()).decode(), "mimeType": "text/markdown; charset=utf-8"}
    assert block({"file": {"media": text}})["source"] == {"type": "text", "media_type": "text/plain", "data": "Grüße"}
    assert block({"file": {"media": {"url": "https://x.test/a"}}})["source"] == {
        "type": "url",
        "url": "https://x.test/a",
    }
    named = block({"file": {"media": pdf, "citations": False}})
    assert (named["title"], named["citations"]) == ("a.pdf", {"enabled": False})


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"image": {"media": {"data": PNG, "mimeType": "image/bmp"}}}, "image.media.mime_type"),
        ({"image": {"media": {"data": PNG}}}, "image.media.mime_type"),
        ({"file": {"media": {"data": "UEs=", "mimeType": "application/zip"}}}, "file.media.mime_type"),
        ({"file": {"media": {"data": "/w==", "mimeType": "text/plain"}}}, "file.media.data"),
        ({"audio": {"media": {"data": "AA==", "mimeType": "audio/wav"}}}, "audio"),
        ({"video": {"media": {"url": "https://x.test/a.mp4"}}}, "video"),
        ({"provider": {"provider": "anthropic", "type": "x", "json": "[]"}}, "provider.json"),
    ],
)
def test_parts_that_claude_does_not_read_are_refused(part: dict[str, Any], field: str) -> None:
    assert refusal(user({"text": "x"}, part)) == f"messages[0].content[1].{field}"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (assistant({"image": {"media": {"data": PNG, "mimeType": "image/png"}}}), "messages[1].content[0].image"),
        (assistant({"text": "x"}, audioId="a"), "messages[1].audio_id"),
        (assistant(toolCalls=[{"id": "a", "custom": {"name": "f"}}]), "messages[1].tool_calls[0].custom"),
    ],
)
def test_turns_that_claude_never_took_are_refused(message: dict[str, Any], field: str) -> None:
    assert refusal(USER, message) == field


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (user({"text": "x"}, name="Ada"), ("messages[1].name",)),
        (assistant({"text": "x"}, phase="final_answer"), ("messages[1].phase",)),
        (user({"text": "x", "signature": "AA=="}), ("messages[1].content[0].signature",)),
        (user({"text": "x", "cacheControl": {"ttl": "24h"}}), ("messages[1].content[0].cache_control.ttl",)),
        (
            user({"image": {"media": {"url": "https://x.test/a"}, "detail": "IMAGE_DETAIL_LOW"}}),
            ("messages[1].content[0].image.detail",),
        ),
    ],
)
def test_what_has_no_place_is_left_out_and_told(message: dict[str, Any], fields: tuple[str, ...]) -> None:
    assert adjusted(USER, message) == fields
    strict = ask(messages=[USER, message], gateway={"strictParameters": True})
    with pytest.raises(InvalidArgument) as caught:
        encoded(strict, "anthropic", MODEL)
    assert caught.value.fields[0].field == fields[0]


@pytest.mark.parametrize(
    ("kind", "media", "reads"),
    [
        ("image", {"url": "https://x.test/a.png"}, True),
        ("file", {"url": "https://x.test/a.pdf"}, True),
        ("file", {"url": "https://x.test/a", "mimeType": "application/pdf"}, True),
        ("file", {"url": "https://x.test/notes.md?x=1"}, False),
        ("file", {"url": "https://x.test/a", "mimeType": "text/csv"}, False),
    ],
)
def test_text_by_its_address_is_fetched_by_the_hub(kind: str, media: dict[str, str], reads: bool) -> None:
    from aignehub.v1.media_pb2 import Media
    from google.protobuf.json_format import ParseDict

    from server.wire.codec import ReadsUrls
    from tests.unit.wire.support import codec

    chat = codec("anthropic")
    assert isinstance(chat, ReadsUrls)
    assert chat.reads_url(kind, ParseDict(media, Media()), MODEL) is reads


def test_empty_texts_beside_others_are_left_out() -> None:
    assert turns(user({"text": ""}, {"text": "x"}))[0]["content"] == "x"
    assert turns(user({"text": ""}))[0]["content"] == ""
    foreign = {"provider": {"provider": "groq", "type": "executed_tool", "json": "{}"}}
    assert [turn["content"] for turn in turns(user(foreign), USER)] == ["Hi"]
