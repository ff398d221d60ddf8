"""What the quick check calls sound, the validator must find no fault with; and it must know the common requests."""

import math
from collections.abc import Iterator
from random import Random
from typing import Any

import protovalidate
import pytest
from aignehub.admin.v1 import key_service_pb2, provider_service_pb2
from aignehub.v1 import (
    audio_service_pb2,
    chat_pb2,
    chat_service_pb2,
    embedding_service_pb2,
    image_service_pb2,
    model_service_pb2,
    usage_pb2,
)
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from server.services.quick_check import is_sound
from tests.contract.generated_requests import make_request

_FILES = (
    audio_service_pb2, chat_service_pb2, embedding_service_pb2, image_service_pb2, model_service_pb2, key_service_pb2,
    provider_service_pb2,
)  # fmt: skip
_DEEPEST = 4
_TEXTS = ("", "a", "auto", "low", "get_weather", "a\n", "1024x1024", "é" * 64, "x" * 65, "x" * 257, "y" * 5000, "日本")
_WHOLE = (-2, -1, 0, 1, 2, 5, 20, 128, 129, 1000, 1001, 10_000, 2**31 - 1)
_FLOATS = (-100.5, -2.0, -0.0, 0.0, 0.25, 1.0, 2.0, 4.0, 4.1, 100.0, math.inf, -math.inf, math.nan)


def _requests() -> Iterator[Descriptor]:
    for file in _FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            yield from {method.input_type.full_name: method.input_type for method in service.methods}.values()


def _value(field: FieldDescriptor, chance: Random, depth: int) -> Any:
    if field.message_type is not None:
        return _message(field.message_type, chance, depth + 1)
    if field.enum_type is not None:
        return chance.choice([*field.enum_type.values_by_number, 99])
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return b"\0" if field.type == FieldDescriptor.TYPE_BYTES else chance.choice(_TEXTS)
        case FieldDescriptor.CPPTYPE_BOOL:
            return chance.random() < 0.5
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return chance.choice(_FLOATS)
        case FieldDescriptor.CPPTYPE_UINT32 | FieldDescriptor.CPPTYPE_UINT64:
            return abs(chance.choice(_WHOLE))
        case _:
            return chance.choice(_WHOLE)


def _message(descriptor: Descriptor, chance: Random, depth: int = 0) -> Message:
    """Any message of the type, sound or not."""
    made = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        wanted = chance.random() < (0.5 if depth < 2 else 0.35)
        if not wanted or (field.message_type is not None and depth >= _DEEPEST):
            continue
        there = getattr(made, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            entry = field.message_type.fields_by_name
            if entry["value"].message_type is None:
                there[_value(entry["key"], chance, depth)] = _value(entry["value"], chance, depth)
        elif field.is_repeated:
            there.extend(_value(field, chance, depth) for _ in range(chance.choice((0, 1, 1, 2, 17))))
        elif field.message_type is not None:
            there.CopyFrom(_value(field, chance, depth))
        else:
            setattr(made, field.name, _value(field, chance, depth))
    return made


@pytest.mark.parametrize("descriptor", list(_requests()), ids=lambda one: one.name)
def test_what_is_called_sound_is_sound(descriptor: Descriptor) -> None:
    chance = Random(descriptor.full_name)
    for _ in range(60):
        message = _message(descriptor, chance)
        if is_sound(message):
            assert protovalidate.collect_violations(message) == []


def _parts(message: Message) -> Iterator[Message]:
    """The message and every message in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for one in value if field.is_repeated else (value,):
                yield from _parts(one)


def test_each_part_of_broken_chats_is_judged_alike() -> None:
    """A whole request made at random is seldom sound; its parts are often."""
    chance, sound, refused = Random(7), 0, 0
    for _ in range(60):
        for part in _parts(_message(chat_service_pb2.CreateChatCompletionRequest.DESCRIPTOR, chance)):
            if part.DESCRIPTOR.full_name.startswith("google."):
                continue
            faults = protovalidate.collect_violations(part)
            if is_sound(part):
                assert faults == [], part
                sound += 1
            refused += bool(faults)
    assert sound > 500
    assert refused > 500


def test_the_quick_way_is_the_usual_one() -> None:
    chance = Random(11)
    requests = [make_request(chance, "openai") for _ in range(100)]
    assert sum(map(is_sound, requests)) > 80


@pytest.mark.parametrize(
    ("change", "sound"),
    [
        ({}, True),
        ({"temperature": 2.0}, True),
        ({"temperature": 2.1}, False),
        ({"temperature": math.nan}, False),
        ({"max_completion_tokens": 0}, False),
        ({"top_logprobs": 3}, False),
        ({"top_logprobs": 3, "logprobs": True}, True),
        ({"tool_choice": chat_pb2.ToolChoice(mode=chat_pb2.TOOL_CHOICE_MODE_REQUIRED)}, False),
        ({"tool_choice": chat_pb2.ToolChoice(mode=chat_pb2.TOOL_CHOICE_MODE_AUTO)}, True),
        ({"tool_choice": chat_pb2.ToolChoice()}, False),
        ({"stop": ["x"] * 16}, True),
        ({"stop": ["x"] * 17}, False),
        ({"stop": [""]}, False),
        ({"metadata": {"k": "v"}}, True),
        ({"metadata": {"": "v"}}, False),
        ({"modalities": [usage_pb2.MODALITY_TEXT]}, True),
        ({"modalities": [usage_pb2.MODALITY_TEXT] * 2}, False),
        ({"web_search_options": chat_service_pb2.WebSearchOptions(search_context_size="low")}, True),
        ({"web_search_options": chat_service_pb2.WebSearchOptions(search_context_size="lo")}, False),
        ({"tools": [chat_pb2.Tool(function=chat_pb2.FunctionTool(name="get_weather"))]}, True),
        ({"tools": [chat_pb2.Tool(function=chat_pb2.FunctionTool(name="get weather"))]}, False),
        ({"tools": [chat_pb2.Tool(function=chat_pb2.FunctionTool(name="get_weather\n"))]}, False),
        ({"messages": []}, False),
        ({"messages": [chat_pb2.Message(role=chat_pb2.ROLE_TOOL, content=[chat_pb2.ContentPart(text="x")])]}, False),
        ({"messages": [chat_pb2.Message(role=chat_pb2.ROLE_ASSISTANT)]}, False),
        ({"messages": [chat_pb2.Message(role=chat_pb2.ROLE_ASSISTANT, refusal="no")]}, True),
    ],
)
def test_each_rule_of_a_chat_is_known(change: dict[str, Any], sound: bool) -> None:
    message = chat_pb2.Message(role=chat_pb2.ROLE_USER, content=[chat_pb2.ContentPart(text="x")])
    request = chat_service_pb2.CreateChatCompletionRequest(**{"messages": [message], **change})
    assert is_sound(request) is sound
    assert (protovalidate.collect_violations(request) == []) is sound
