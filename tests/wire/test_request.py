"""The recorded request as the contract's message: what is said, and what is named because it cannot be."""

import json

from aignehub.v1 import chat_pb2

from tests.wire import exceptions, responses_request
from tests.wire.made import REQUEST
from tests.wire.request import build


def test_a_conversation_keeps_its_parts_in_order() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"b":1,"a":2}'}}
    detail = {"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw==", "detail": "low"}}
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, image]},
        {"role": "assistant", "content": "", "tool_calls": [call], "reasoning_details": [detail]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ]
    built = build({**REQUEST, "messages": messages}, "x/m", "openrouter")
    assert built.unmapped == []
    developer, user, assistant, tool = built.request.messages
    assert (developer.role, developer.content[0].text) == (chat_pb2.ROLE_DEVELOPER, "Be brief.")
    assert user.content[1].image.media.data == b"\x89PNG"
    assert user.content[1].image.detail == chat_pb2.IMAGE_DETAIL_LOW
    thought = assistant.content[0].reasoning
    assert (thought.text, thought.signature, thought.provider) == ("Hm.", b"c2ln", "openrouter")
    assert assistant.content[1].text == ""
    assert assistant.tool_calls[0].function.arguments_json == '{"b":1,"a":2}'
    assert (tool.role, tool.tool_call_id) == (chat_pb2.ROLE_TOOL, "c1")


def test_options_keep_unset_apart_from_zero() -> None:
    body = {**REQUEST, "temperature": 0, "max_tokens": 5, "stop": "x", "seed": None, "reasoning_effort": "low"}
    request = build(body, "x/m", "openai").request
    assert request.HasField("temperature")
    assert request.temperature == 0
    assert not request.HasField("seed")
    assert not request.HasField("top_p")
    assert (request.max_completion_tokens, list(request.stop)) == (5, ["x"])
    assert request.reasoning.effort == chat_pb2.REASONING_EFFORT_LOW


def test_a_schema_keeps_the_order_of_its_keys() -> None:
    schema = build(REQUEST, "x/m", "openai").request.tools[0].function.parameters_json_schema
    assert schema == '{"type":"object","properties":{"city":{},"at":{}}}'


def test_what_cannot_be_said_is_named_and_argued_only_where_it_is_listed() -> None:
    message = {"role": "user", "content": "x", "mood": "good"}
    body = {**REQUEST, "messages": [message], "preset": "@p", "flavour": "mint"}
    assert build(body, "x/m", "openai").unmapped == ["messages[0].mood", "preset", "flavour"]
    assert exceptions.unsayable("groq", "reasoning_format")
    assert exceptions.unsayable("openai", "reasoning_format") is None
    assert exceptions.unsayable("openai", "messages[3].function_call")
    assert exceptions.unsayable("openai", "flavour") is None


def test_a_provider_s_own_fields_go_where_the_contract_has_them_and_no_others_do() -> None:
    built = build({**REQUEST, "preset": "@p", "models": ["a"], "flavour": "mint"}, "x/m", "openrouter")
    assert json.loads(built.request.gateway.extra_body_json) == {"preset": "@p", "models": ["a"]}
    assert built.unmapped == ["flavour"]
    told = {"input": "x", "truncation": "auto", "reasoning": {"effort": "low", "context": "c", "depth": 1}}
    built = responses_request.build({**told, "include": ["file_search_call.results", "spirit"]}, "x/m", "openai")
    assert json.loads(built.request.gateway.extra_body_json) == {
        "truncation": "auto",
        "reasoning": {"context": "c"},
        "include": ["file_search_call.results"],
    }
    assert built.unmapped == ["reasoning.depth", "include.spirit"]
