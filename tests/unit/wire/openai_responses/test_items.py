"""A conversation as items: what a message turns into, and what goes back unchanged."""

import json
from typing import Any

import pytest
from aignehub.v1.chat_pb2 import Message
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import InvalidArgument, UnsupportedByProvider
from tests.unit.wire.openai_responses.support import answer, body, encoded, message, response
from tests.unit.wire.support import HELLO, ask
from tests.unit.wire.support import encoded as chat_encoded

REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Then."}],
    "encrypted_content": "gAAA+/=",
}
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}}
CALL = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"a": 1}'}
CUSTOM = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_2", "name": "sh", "input": "ls"}
PATCH = {"id": "apc_1", "type": "apply_patch_call", "call_id": "call_3", "operation": {"type": "delete_file"}}


def replay(*output: Any, host: str = "openai", **fields: Any) -> list[Any]:
    """The items that a caller's next request holds where it appends the answer and nothing else."""
    told = answer(response(*output), host, ask(**fields)).choices[0].message
    again = ask(messages=[HELLO], **fields)
    again.messages.append(told)
    items: list[Any] = body(again, host)["input"]
    return items[1:]


def assistant(*content: Any, **fields: Any) -> CreateChatCompletionRequest:
    return ask(messages=[HELLO, {"role": "ROLE_ASSISTANT", "content": list(content), **fields}])


def test_every_item_goes_back_in_its_place_as_it_came() -> None:
    said = message("On my way.", phase="commentary")
    final = message("Here.", phase="final_answer")
    items = replay(REASONING, SEARCH, said, CALL, CUSTOM, PATCH, final)
    assert items == [
        REASONING,
        SEARCH,
        {"role": "assistant", "content": "On my way.", "phase": "commentary"},
        CALL,
        CUSTOM,
        PATCH,
        {"role": "assistant", "content": "Here.", "phase": "final_answer"},
    ]


def test_a_phase_is_kept_where_there_is_but_one() -> None:
    told = answer(response(message("Wait.", phase="commentary"), CALL)).choices[0].message
    assert told.phase == "commentary"
    assert replay(message("Wait.", phase="commentary"), CALL)[0]["phase"] == "commentary"
    assert "phase" not in replay(message("Done."))[0]


def test_phases_that_the_api_does_not_know_are_dropped_and_listed() -> None:
    sent = encoded(assistant({"text": "a"}, phase="finale"))
    assert sent.adjusted_fields == ("messages[1].phase",)
    assert "phase" not in json.loads(sent.body)["input"][1]
    user = {**HELLO, "phase": "commentary"}
    assert encoded(ask(messages=[user])).adjusted_fields == ("messages[0].phase",)


def test_texts_of_one_message_stay_one_message() -> None:
    [item] = replay(message("One.", "Two."))
    assert [part["text"] for part in item["content"]] == ["One.", "Two."]
    assert replay(message("One."), SEARCH, message("Two."))[::2] == [
        {"role": "assistant", "content": "One."},
        {"role": "assistant", "content": "Two."},
    ]


def test_a_refusal_goes_back_as_one() -> None:
    [item] = replay(message({"type": "refusal", "refusal": "No."}))
    assert item == {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}


def test_both_ids_of_a_call_survive_and_its_result_names_the_one() -> None:
    told = answer(response(CALL)).choices[0].message
    assert (told.tool_calls[0].id, told.tool_calls[0].signature) == ("call_1", b"fc_1")
    request = ask(messages=[HELLO])
    request.messages.append(told)
    request.messages.add(role="ROLE_TOOL", tool_call_id="call_1").content.add(text="4")
    assert body(request)["input"][1:] == [CALL, {"type": "function_call_output", "call_id": "call_1", "output": "4"}]


def test_a_result_is_of_the_kind_that_its_call_was() -> None:
    request = assistant(toolCalls=[{"id": "call_2", "custom": {"name": "sh", "input": "ls"}}])
    request.messages.add(role="ROLE_TOOL", tool_call_id="call_2").content.add(text="a b")
    assert body(request)["input"][-1] == {"type": "custom_tool_call_output", "call_id": "call_2", "output": "a b"}


def test_a_result_may_hold_pictures() -> None:
    request = assistant(toolCalls=[{"id": "c", "function": {"name": "f", "argumentsJson": "{}"}}])
    result = request.messages.add(role="ROLE_TOOL", tool_call_id="c")
    result.content.add(text="see")
    result.content.add().image.media.url = "https://example.com/a.png"
    assert body(request)["input"][-1]["output"] == [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
    ]


def test_an_outcome_of_the_providers_own_tool_is_an_item() -> None:
    output = {"type": "apply_patch_call_output", "call_id": "call_3", "status": "completed"}
    block = {"provider": "openai", "type": "apply_patch_call_output", "json": json.dumps(output)}
    request = ask(messages=[HELLO, {"role": "ROLE_TOOL", "toolCallId": "call_3", "content": [{"provider": block}]}])
    assert body(request)["input"][-1] == output
    request = ask(messages=[{"role": "ROLE_USER", "content": [{"text": "a"}, {"provider": block}, {"text": "b"}]}])
    assert body(request)["input"] == [
        {"role": "user", "content": "a"},
        output,
        {"role": "user", "content": "b"},
    ]


def test_an_image_that_its_tool_drew_goes_back_whole() -> None:
    drawn = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "iVBORw0KGgo="}
    told = answer(response(drawn, message("There."))).choices[0].message
    assert told.content[0].image.media.data == b"\x89PNG\r\n\x1a\n"
    assert told.content[0].image.media.mime_type == "image/png"
    assert replay(drawn, message("There."))[0] == drawn
    with pytest.raises(UnsupportedByProvider, match=r"messages\[1\]\.content\[0\]\.image"):
        encoded(assistant({"image": {"media": {"url": "https://example.com/a.png"}}}))


def test_reasoning_without_proof_goes_back_only_where_it_is_understood() -> None:
    bare = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
    assert replay(bare, message("Hi."), store=True)[0] == bare
    assert replay(bare, message("Hi.")) == [{"role": "assistant", "content": "Hi."}]
    open_text = {"id": "r", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    assert replay(open_text, message("Hi."), host="deepseek")[0] == open_text
    # Stored, an item without any words is still found by its id.
    empty = {"id": "rs_2", "type": "reasoning", "summary": []}
    assert replay(empty, message("Hi."), store=True)[0] == empty


def test_what_others_made_is_dropped_and_listed() -> None:
    sent = encoded(
        assistant(
            {"reasoning": {"text": "hm", "provider": "anthropic", "signature": "c2ln"}},
            {"reasoning": {"text": "hm", "signature": "c2ln"}},
            {"provider": {"provider": "anthropic", "type": "server_tool_use", "json": "{}"}},
            {"text": "Hi.", "signature": "c2ln"},
            toolCalls=[{"id": "c", "function": {"name": "f"}, "signature": "Zm9yZWlnbisvPQ=="}],
        )
    )
    assert sent.adjusted_fields == (
        "messages[1].content[0].reasoning",
        "messages[1].content[1].reasoning",
        "messages[1].content[2].provider",
        "messages[1].content[3].signature",
        "messages[1].tool_calls[0].signature",
    )
    assert [item.get("type", "message") for item in json.loads(sent.body)["input"]] == [
        "message",
        "message",
        "function_call",
    ]


def test_blocks_of_this_api_are_no_parts_of_chat_completions() -> None:
    told = answer(response(SEARCH, message("Found."))).choices[0].message
    request = ask(messages=[HELLO])
    request.messages.append(told)
    sent = chat_encoded(request, model="gpt-4.1")
    assert sent.adjusted_fields == ("messages[1].content[0].provider",)
    assert json.loads(sent.body)["messages"][1]["content"] == "Found."


def test_media_and_marks() -> None:
    user = {
        "role": "ROLE_USER",
        "content": [
            {"text": "a", "cacheControl": {"ttl": "5m"}},
            {"image": {"media": {"data": "iVBORw0KGgo=", "mimeType": "image/png"}, "detail": "IMAGE_DETAIL_HIGH"}},
            {"image": {"media": {"fileId": "file-1"}}},
            {"file": {"media": {"url": "https://example.com/a.pdf"}, "title": "A"}},
            {"file": {"media": {"data": "JVBERi0=", "mimeType": "application/pdf", "filename": "a.pdf"}}},
        ],
    }
    sent = encoded(ask(messages=[user]), model="gpt-5.6")
    assert json.loads(sent.body)["input"][0]["content"] == [
        {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "high"},
        {"type": "input_image", "file_id": "file-1", "detail": "auto"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
    ]
    assert sent.adjusted_fields == (
        "messages[0].content[0].cache_control.ttl",
        "messages[0].content[3].file.title",
    )


@pytest.mark.parametrize(
    ("part", "host", "path"),
    [
        ({"audio": {"media": {"data": "UklG", "mimeType": "audio/wav"}}}, "openai", "audio"),
        ({"video": {"media": {"url": "https://x.test/a.mp4"}}}, "openrouter", "video"),
        ({"image": {"media": {"url": "https://x.test/a.png"}}}, "deepseek", "image"),
    ],
)
def test_what_a_host_does_not_read_is_refused(part: dict[str, Any], host: str, path: str) -> None:
    with pytest.raises(UnsupportedByProvider) as caught:
        encoded(ask(messages=[{"role": "ROLE_USER", "content": [part]}]), host)
    assert [field.field for field in caught.value.fields] == [f"messages[0].content[0].{path}"]


def test_sound_where_the_host_hears() -> None:
    part = {"audio": {"media": {"data": "UklG", "mimeType": "audio/wav"}}}
    sent = body(ask(messages=[{"role": "ROLE_USER", "content": [part]}]), "openrouter", "openai/gpt-4o-audio")
    spoken = {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}
    assert sent["input"][0]["content"] == [spoken]
    flac = {"audio": {"media": {"data": "UklG", "mimeType": "audio/flac"}}}
    with pytest.raises(InvalidArgument, match="mp3, wav"):
        encoded(ask(messages=[{"role": "ROLE_USER", "content": [flac]}]), "openrouter")


def test_roles_and_names() -> None:
    messages = [
        {"role": "ROLE_SYSTEM", "content": [{"text": "s"}]},
        {"role": "ROLE_DEVELOPER", "content": [{"text": "d"}]},
        {"role": "ROLE_USER", "content": [{"text": "u"}], "name": "Ada"},
    ]
    sent = encoded(ask(messages=messages))
    assert [item["role"] for item in json.loads(sent.body)["input"]] == ["system", "developer", "user"]
    assert sent.adjusted_fields == ("messages[2].name",)
    roles = [item["role"] for item in body(ask(messages=messages), "deepseek", "deepseek-v4-flash")["input"]]
    assert roles == ["system", "system", "user"]
    with pytest.raises(InvalidArgument, match=r"messages\[0\]\.role"):
        request = ask()
        request.messages[0].CopyFrom(Message())
        request.messages[0].content.add(text="x")
        encoded(request)
