from typing import Any

import pytest
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, Message
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import InvalidArgument, UnsupportedByProvider
from tests.unit.wire.support import ask, body, encoded

PNG = "iVBORw0KGgo="


def sent(message: dict[str, Any], host: str = "openai", model: str = "gpt-4.1") -> dict[str, Any]:
    entry: dict[str, Any] = body(ask(messages=[message]), host, model)["messages"][0]
    return entry


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "ROLE_USER", "content": list(parts)}


def assistant(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"role": "ROLE_ASSISTANT", "content": list(parts), **fields}


def adjusted(message: dict[str, Any], host: str = "openai", model: str = "gpt-4.1") -> tuple[str, ...]:
    return encoded(ask(messages=[message]), host, model).adjusted_fields


@pytest.mark.parametrize(
    ("role", "host", "word"),
    [
        ("ROLE_SYSTEM", "openai", "system"),
        ("ROLE_DEVELOPER", "openai", "developer"),
        ("ROLE_DEVELOPER", "deepseek", "system"),
        ("ROLE_USER", "openai", "user"),
    ],
)
def test_roles(role: str, host: str, word: str) -> None:
    assert sent({"role": role, "content": [{"text": "x"}]}, host) == {"role": word, "content": "x"}


def test_one_text_is_a_string_and_several_are_parts() -> None:
    assert sent(user({"text": ""}))["content"] == ""
    assert sent(user({"text": "a"}, {"text": "b"}))["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]


def test_a_name_goes_where_hosts_know_names() -> None:
    message = {**user({"text": "x"}), "name": "Ada"}
    assert sent(message)["name"] == "Ada"
    assert adjusted(message, "groq") == ("messages[0].name",)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({"media": {"url": "https://x.test/a.png"}}, {"url": "https://x.test/a.png"}),
        ({"media": {"data": PNG, "mimeType": "image/png"}}, {"url": f"data:image/png;base64,{PNG}"}),
        (
            {"media": {"url": "https://x.test/a.png"}, "detail": "IMAGE_DETAIL_LOW"},
            {"url": "https://x.test/a.png", "detail": "low"},
        ),
    ],
)
def test_images(image: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent(user({"image": image}))["content"] == [{"type": "image_url", "image_url": expected}]


@pytest.mark.parametrize(
    ("mime_type", "word"),
    [("audio/wav", "wav"), ("audio/mpeg", "mp3"), ("AUDIO/X-WAV; rate=16000", "wav"), ("audio/mp3", "mp3")],
)
def test_audio(mime_type: str, word: str) -> None:
    part = {"audio": {"media": {"data": "AAA=", "mimeType": mime_type}}}
    assert sent(user(part))["content"] == [{"type": "input_audio", "input_audio": {"data": "AAA=", "format": word}}]


def test_audio_by_address_goes_to_vllm_alone() -> None:
    part = {"audio": {"media": {"url": "https://x.test/a.mp3"}}}
    assert sent(user(part), "vllm")["content"] == [{"type": "audio_url", "audio_url": {"url": "https://x.test/a.mp3"}}]


@pytest.mark.parametrize(
    ("host", "file", "expected"),
    [
        (
            "openai",
            {"media": {"data": "AAA=", "mimeType": "application/pdf", "filename": "a.pdf"}},
            {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAA="},
        ),
        (
            "openai",
            {"media": {"data": "AAA=", "mimeType": "application/pdf"}},
            {"filename": "document", "file_data": "data:application/pdf;base64,AAA="},
        ),
        ("openai", {"media": {"fileId": "file-1"}}, {"file_id": "file-1"}),
        (
            "openrouter",
            {"media": {"url": "https://x.test/a.pdf", "filename": "a.pdf"}},
            {"filename": "a.pdf", "file_data": "https://x.test/a.pdf"},
        ),
    ],
)
def test_files(host: str, file: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent(user({"file": file}), host)["content"] == [{"type": "file", "file": expected}]


def test_what_is_said_about_a_file_is_told_as_dropped() -> None:
    file = {"media": {"fileId": "f"}, "title": "t", "context": "c", "citations": True}
    assert adjusted(user({"file": file})) == (
        "messages[0].content[0].file.title",
        "messages[0].content[0].file.context",
        "messages[0].content[0].file.citations",
    )


def test_video() -> None:
    part = {"video": {"media": {"url": "https://x.test/a.mp4"}, "fps": 2}}
    assert sent(user(part), "openrouter")["content"] == [
        {"type": "video_url", "video_url": {"url": "https://x.test/a.mp4"}}
    ]
    assert adjusted(user(part), "openrouter") == ("messages[0].content[0].video.fps",)
    assert sent(user(part), "doubao")["content"][0]["video_url"]["fps"] == 2


@pytest.mark.parametrize(
    ("host", "part", "path"),
    [
        ("deepseek", {"image": {"media": {"url": "https://x.test/a"}}}, "image"),
        ("openai", {"video": {"media": {"url": "https://x.test/a"}}}, "video"),
        ("groq", {"audio": {"media": {"data": "AA==", "mimeType": "audio/wav"}}}, "audio"),
        ("groq", {"file": {"media": {"fileId": "f"}}}, "file"),
        ("openai", {"audio": {"media": {"url": "https://x.test/a"}}}, "audio.media.url"),
        ("openai", {"audio": {"media": {"fileId": "f"}}}, "audio.media.file_id"),
        ("openai", {"image": {"media": {"fileId": "f"}}}, "image.media.file_id"),
        ("openai", {"file": {"media": {"url": "https://x.test/a"}}}, "file.media.url"),
        (
            "openrouter",
            {"video": {"media": {"url": "https://x.test/a"}, "startOffset": "1s"}},
            "video.start_offset",
        ),
    ],
)
def test_input_a_host_cannot_read_is_refused_by_path(host: str, part: dict[str, Any], path: str) -> None:
    with pytest.raises(UnsupportedByProvider) as caught:
        sent(user({"text": "x"}, part), host)
    assert caught.value.metadata["field"] == f"messages[0].content[1].{path}"


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"image": {"media": {"data": PNG}}}, "image.media.mime_type"),
        ({"audio": {"media": {"data": PNG}}}, "audio.media.mime_type"),
        ({"file": {"media": {"data": PNG}}}, "file.media.mime_type"),
        ({"audio": {"media": {"data": PNG, "mimeType": "audio/flac"}}}, "audio.media.mime_type"),
        ({"image": {"media": {}}}, "image.media"),
    ],
)
def test_media_that_cannot_be_named_is_refused(part: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        sent(user(part))
    assert [field.field for field in caught.value.fields] == [f"messages[0].content[0].{path}"]


@pytest.mark.parametrize(
    "message",
    [Message(role=chat_pb2.ROLE_USER, content=[ContentPart()]), Message(content=[ContentPart(text="x")])],
)
def test_what_validation_would_have_refused_is_refused_here_too(message: Message) -> None:
    with pytest.raises(InvalidArgument):
        encoded(CreateChatCompletionRequest(messages=[message]))


def test_tool_turns() -> None:
    calls = [
        {"id": "a", "function": {"name": "f", "argumentsJson": '{"x": 1}'}, "partIndex": 1},
        {"id": "b", "custom": {"name": "g", "input": "free"}},
    ]
    assert sent(assistant(toolCalls=calls)) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
            {"id": "b", "type": "custom", "custom": {"name": "g", "input": "free"}},
        ],
    }
    result = {"role": "ROLE_TOOL", "toolCallId": "a", "content": [{"text": "4"}], "toolError": True}
    assert sent(result) == {"role": "tool", "content": "4", "tool_call_id": "a"}
    assert adjusted(result) == ("messages[0].tool_error",)


def test_a_custom_call_is_refused_where_there_are_none() -> None:
    with pytest.raises(UnsupportedByProvider):
        sent(assistant(toolCalls=[{"id": "b", "custom": {"name": "g"}}]), "groq")


def test_a_signed_call_goes_back_to_who_understands_it() -> None:
    message = assistant(toolCalls=[{"id": "a", "function": {"name": "f"}, "signature": "c2ln"}])
    call = sent(message, "openai-compatible")["tool_calls"][0]
    assert call["extra_content"] == {"google": {"thought_signature": "sig"}}
    assert adjusted(message) == ("messages[0].tool_calls[0].signature",)


def test_a_refusal() -> None:
    assert sent(assistant(refusal="no")) == {"role": "assistant", "content": None, "refusal": "no"}
    assert sent(assistant(refusal="no"), "groq") == {"role": "assistant", "content": "no"}
    assert adjusted(assistant({"text": "x"}, refusal="no"), "groq") == ("messages[0].refusal",)


def test_an_earlier_spoken_answer() -> None:
    assert sent(assistant(audioId="audio_1"))["audio"] == {"id": "audio_1"}
    with pytest.raises(UnsupportedByProvider):
        sent(assistant(audioId="audio_1"), "groq")


def test_a_phase_is_told_as_dropped() -> None:
    assert adjusted(assistant({"text": "x"}, phase="commentary")) == ("messages[0].phase",)


def test_images_of_the_assistant() -> None:
    part = {"image": {"media": {"data": PNG, "mimeType": "image/png"}}}
    assert sent(assistant({"text": "x"}, part), "openrouter") == {
        "role": "assistant",
        "content": "x",
        "images": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}],
    }
    with pytest.raises(UnsupportedByProvider):
        sent(assistant(part))


@pytest.mark.parametrize(
    ("host", "field"),
    [
        ("deepseek", "reasoning_content"),
        ("xai", "reasoning_content"),
        ("groq", "reasoning"),
        ("openai-compatible", "reasoning_content"),
    ],
)
def test_reasoning_goes_back_to_its_maker(host: str, field: str) -> None:
    thought = {"reasoning": {"text": "hm", "provider": host}}
    assert sent(assistant(thought, {"text": "x"}), host) == {"role": "assistant", "content": "x", field: "hm"}


def test_an_empty_thought_is_still_told_to_deepseek() -> None:
    message = assistant({"reasoning": {"provider": "deepseek"}}, toolCalls=[{"id": "a", "function": {"name": "f"}}])
    assert sent(message, "deepseek")["reasoning_content"] == ""


def test_openrouter_gets_details_with_their_proofs() -> None:
    thoughts = [
        {"text": "t", "signature": "c2ln", "provider": "openrouter", "format": "anthropic-claude-v1"},
        {"text": "s", "provider": "openrouter", "format": "openai-responses-v1", "id": "rs_1"},
        {
            "signature": "ZW5j",
            "redacted": True,
            "provider": "openrouter",
            "format": "openai-responses-v1",
            "id": "rs_1",
        },
        {"text": "plain", "provider": "openrouter"},
    ]
    message = assistant(*({"reasoning": thought} for thought in thoughts), {"text": "x"})
    assert sent(message, "openrouter")["reasoning_details"] == [
        {"type": "reasoning.text", "text": "t", "signature": "sig", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.summary", "summary": "s", "id": "rs_1", "format": "openai-responses-v1", "index": 1},
        {"type": "reasoning.encrypted", "data": "enc", "id": "rs_1", "format": "openai-responses-v1", "index": 2},
        {"type": "reasoning.text", "text": "plain"},
    ]


@pytest.mark.parametrize("host", ["openai", "deepseek"])
def test_reasoning_of_another_is_left_out_and_told(host: str) -> None:
    message = assistant({"reasoning": {"text": "hm", "provider": "anthropic", "signature": "AA=="}}, {"text": "x"})
    assert sent(message, host) == {"role": "assistant", "content": "x"}
    assert adjusted(message, host) == ("messages[0].content[0].reasoning",)


def test_a_block_goes_back_to_its_maker_byte_for_byte() -> None:
    raw = '{"type":"note","z":1,"a":12345678901234567890123}'
    block = {"provider": {"provider": "openrouter", "type": "note", "json": raw}}
    assert raw.encode() in encoded(ask(messages=[assistant({"text": "x"}, block)]), "openrouter").body
    assert adjusted(assistant({"text": "x"}, block), "groq") == ("messages[0].content[1].provider",)


def test_a_broken_block_is_refused_by_path() -> None:
    block = {"provider": {"provider": "openrouter", "type": "note", "json": "{"}}
    with pytest.raises(InvalidArgument) as caught:
        sent(assistant(block), "openrouter")
    assert caught.value.fields[0].field == "messages[0].content[0].provider.json"


def test_cached_prefixes() -> None:
    part = {"text": "long", "cacheControl": {"ttl": "1h"}}
    assert sent(user(part), "openrouter")["content"] == [
        {"type": "text", "text": "long", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    ]
    assert sent(user({"text": "x", "cacheControl": {}}), "openrouter")["content"][0]["cache_control"] == {
        "type": "ephemeral"
    }
    assert sent(user(part), model="gpt-5.6")["content"] == [
        {"type": "text", "text": "long", "prompt_cache_breakpoint": {"mode": "explicit"}}
    ]
    assert adjusted(user(part), model="gpt-5.6") == ("messages[0].content[0].cache_control.ttl",)
    for model in ("gpt-4.1", "gpt-5", "gpt-5.2", "o3"):
        assert sent(user(part), model=model)["content"] == "long"
        assert adjusted(user(part), model=model) == ("messages[0].content[0].cache_control",)
    assert adjusted(user(part), "groq") == ("messages[0].content[0].cache_control",)


def test_a_signed_text_is_told_as_dropped() -> None:
    assert adjusted(assistant({"text": "x", "signature": "AA=="})) == ("messages[0].content[0].signature",)


def test_a_strict_caller_hears_of_the_message() -> None:
    with pytest.raises(InvalidArgument) as caught:
        encoded(ask(messages=[{**user({"text": "x"}), "name": "n"}], gateway={"strictParameters": True}), "groq")
    assert caught.value.fields[0].field == "messages[0].name"


_SHOT = {"image": {"media": {"data": PNG, "mimeType": "image/png"}}}


def _results(*contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"role": "ROLE_TOOL", "toolCallId": f"c{place}", "content": content} for place, content in enumerate(contents)
    ]


def test_pictures_of_results_follow_the_last_result_in_a_message_of_the_user() -> None:
    after = {"role": "ROLE_USER", "content": [{"text": "Well?"}]}
    told = [*_results([{"text": "a"}, _SHOT], [{"text": "b"}, {"text": "c"}], [_SHOT]), after]
    first, second, third, moved, user = body(ask(messages=told))["messages"]
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    assert (first["role"], first["content"]) == ("tool", "a")
    assert [part["text"] for part in second["content"]] == ["b", "c"]
    assert third["content"] == "The result is in the next message of the user."
    assert moved == {
        "role": "user",
        "content": [
            {"type": "text", "text": "Of the result of c0:"},
            image,
            {"type": "text", "text": "Of the result of c2:"},
            image,
        ],
    }
    assert user["content"] == "Well?"
    *_, last = body(ask(messages=_results([_SHOT])))["messages"]
    assert (last["role"], last["content"][1]) == ("user", image)


@pytest.mark.parametrize("host", ["mistral", "vllm", "openai-compatible"])
def test_pictures_of_results_stand_in_them_where_the_host_reads_them_there(host: str) -> None:
    [message] = body(ask(messages=_results([{"text": "a"}, _SHOT])), host)["messages"]
    assert [part["type"] for part in message["content"]] == ["text", "image_url"]


@pytest.mark.parametrize("role", ["ROLE_SYSTEM", "ROLE_DEVELOPER"])
def test_instructions_are_text_to_openai(role: str) -> None:
    with pytest.raises(UnsupportedByProvider, match="reads text alone in instructions"):
        body(ask(messages=[{"role": role, "content": [_SHOT]}]))


def test_together_gets_one_string_of_anybody_but_the_user() -> None:
    two = [{"text": "a"}, {"text": "b"}]
    roles = ("ROLE_SYSTEM", "ROLE_USER", "ROLE_ASSISTANT")
    told = [*({"role": role, "content": two} for role in roles), *_results(two)]
    system, user, assistant, tool = body(ask(messages=told), "together")["messages"]
    assert (system["content"], assistant["content"], tool["content"]) == ("a\nb", "a\nb", "a\nb")
    assert [part["text"] for part in user["content"]] == ["a", "b"]


def test_a_result_is_known_by_its_call_and_no_name() -> None:
    told = [{"role": "ROLE_TOOL", "toolCallId": "c", "name": "f", "content": [{"text": "a"}]}]
    assert body(ask(messages=told))["messages"] == [{"role": "tool", "tool_call_id": "c", "content": "a"}]
    assert encoded(ask(messages=told)).adjusted_fields == ("messages[0].name",)
    assert body(ask(messages=told), "mistral")["messages"][0]["name"] == "f"
