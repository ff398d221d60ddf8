"""A provider's names of fields as the contract's."""

import pytest

from server.errors import FieldViolation, HubError, InvalidArgument, NotFound, UnsupportedByProvider
from server.wire.field_names import Names, field_of, moved, told_at
from server.wire.gemini.errors import read_error as read_gemini
from server.wire.http import HttpResponse
from server.wire.openai_audio import names as audio
from server.wire.openai_chat.names import NAMES as CHAT
from server.wire.openai_embeddings.names import NAMES as EMBEDDINGS
from server.wire.openai_images.names import NAMES as IMAGES
from server.wire.openai_responses.names import NAMES as RESPONSES
from server.wire.provider_errors import error_in, read_error


@pytest.mark.parametrize(
    ("names", "told", "field"),
    [
        (CHAT, "messages", "messages"),
        (CHAT, "messages[3]", "messages[3]"),
        (CHAT, "messages.[2].content", "messages[2].content"),
        (CHAT, "messages.0.content", "messages[0].content"),
        (CHAT, "messages[1].content[4].image_url.url", "messages[1].content[4]"),
        (CHAT, "messages[10].tool_calls[2].function.arguments", "messages[10].tool_calls[2]"),
        (CHAT, "tools[0].function.parameters", "tools[0].function.parameters_json_schema"),
        (CHAT, "tools[7].function.name", "tools[7].function.name"),
        (CHAT, "tools[7].cache_control", "tools[7]"),
        (CHAT, "max_tokens", "max_completion_tokens"),
        (CHAT, "temperature", "temperature"),
        (CHAT, "reasoning_effort", "reasoning.effort"),
        (CHAT, "response_format.json_schema.schema.properties", "response_format.json_schema.schema_json"),
        (CHAT, "something_new[2].of", "something_new[2].of"),
        (RESPONSES, "input[4].content[0].file_data", "messages"),
        (RESPONSES, "text.format.schema", "response_format.json_schema.schema_json"),
        (RESPONSES, "reasoning.effort", "reasoning.effort"),
        (RESPONSES, "tools[1].parameters", "tools[1].function.parameters_json_schema"),
        (EMBEDDINGS, "input", "inputs"),
        (EMBEDDINGS, "input[12]", "inputs[12]"),
        (EMBEDDINGS, "dimensions", "dimensions"),
        (EMBEDDINGS, "encoding_format", "encoding"),
        (IMAGES, "size", "options.size"),
        (IMAGES, "image", "images"),
        (IMAGES, "image[1]", "images[1]"),
        (IMAGES, "image[]", "images"),
        (IMAGES, "prompt", "prompt"),
        (audio.SPOKEN, "voice", "options.voice"),
        (audio.SPOKEN, "response_format", "options.format"),
        (audio.SPOKEN, "input", "input"),
        (audio.HEARD, "file", "audio"),
        (audio.HEARD, "timestamp_granularities[]", "options"),
        (audio.HEARD_LIVE, "session.audio.input.transcription.language", "config.options.languages"),
        (audio.HEARD_LIVE, "session.audio.input.transcription.delay", "config.options"),
        (CHAT, "", ""),
        (CHAT, "[]..", "[].."),
    ],
)
def test_a_name_is_told_as_the_contract_has_it(names: Names, told: str, field: str) -> None:
    assert field_of(told, names) == field


def _violation(field: str) -> FieldViolation:
    return FieldViolation(field, "is wrong", "WRONG")


def test_paths_move_by_whole_steps() -> None:
    places = {"inputs[1]": "inputs[7]", "options": "config.options", "inputs[7]": "inputs[9]"}
    told = ["inputs[1]", "inputs[1].text", "inputs[11]", "options.voice", "options", "optionsish", ""]
    fields = moved([_violation(one) for one in told], places)
    assert [one.field for one in fields] == [
        "inputs[7]", "inputs[7].text", "inputs[11]", "config.options.voice", "config.options", "optionsish", "",
    ]  # fmt: skip
    assert {(one.description, one.reason) for one in fields} == {("is wrong", "WRONG")}


@pytest.mark.parametrize(
    ("error", "field", "message"),
    [
        (InvalidArgument.field("options.speed", "is 9"), "config.options.speed", "config.options.speed: is 9"),
        (UnsupportedByProvider.of("options", "no"), "config.options", "config.options: no"),
        (InvalidArgument.field("config.options", "no"), "config.options", "config.options: no"),
        (
            InvalidArgument("all options are bad", fields=[_violation("options")]),
            "config.options",
            "all options are bad",
        ),
    ],
)
def test_an_error_and_its_message_move_together(error: HubError, field: str, message: str) -> None:
    with pytest.raises(HubError) as raised, told_at({"options": "config.options"}):
        raise error
    assert raised.value is error
    assert ([one.field for one in error.fields], error.message, str(error)) == ([field], message, message)
    assert error.metadata.get("field", field) == field


def test_an_error_without_fields_stays_as_it_is() -> None:
    with pytest.raises(NotFound, match="options are gone"), told_at({"options": "config.options"}):
        raise NotFound("options are gone")


def _refused(body: bytes, names: Names) -> list[str]:
    return [one.field for one in read_error(HttpResponse(422, {}, body), names).fields]


def test_errors_name_them_wherever_they_are_told() -> None:
    assert _refused(b'{"error": {"message": "m", "param": "max_tokens"}}', CHAT) == ["max_completion_tokens"]
    loc = b'{"detail": [{"loc": ["body", "messages", 2, "user", "content"], "msg": "m"}, {"loc": ["body", "n"]}]}'
    assert _refused(loc, CHAT) == ["messages[2]"]
    assert _refused(loc, {}) == ["messages[2].user.content"]
    assert _refused(b'{"detail": [{"loc": "body", "msg": "m"}, 1]}', CHAT) == []
    assert _refused(b'{"detail": ["words", {"loc": [null, {}, 1.5]}]}', CHAT) == []
    event = {"error": {"message": "m", "type": "invalid_request_error", "param": "session.audio.input.format"}}
    error = error_in(event, names=audio.HEARD_LIVE)
    assert error is not None
    assert [one.field for one in error.fields] == ["config.input"]


def test_google_says_more_than_one() -> None:
    body = b"""{"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT", "details": [{
        "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [
            {"field": "contents[0].parts[1]", "description": "a"},
            {"field": "generation_config.max_output_tokens", "description": "b"}, {"field": "x.y", "description": "c"}
        ]}]}}"""
    error = read_gemini(HttpResponse(400, {}, body))
    assert [one.field for one in error.fields] == ["messages", "max_completion_tokens", "x.y"]
