"""Chat requests made at random from the contract's descriptor, sound by the contract's own rules.

    @given(requests("mistral"))
    @settings(max_examples=60, deadline=None, derandomize=True)
    def test_requests_are_valid(request: CreateChatCompletionRequest) -> None: ...

Every field that a caller may set is set now and then, but for what only the hub reads (``gateway``) and blocks and
tools of one provider, which no generator can make up. A conversation is in order: results answer calls that were made.
"""

import json
import re
from collections.abc import Mapping
from random import Random
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import Message
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from buf.validate import validate_pb2
from google.protobuf.message import Message as Proto
from hypothesis import strategies as st

_LEFT_OUT = frozenset({"model", "messages", "gateway", "part_index"})
_NOT_MADE_UP = frozenset({"provider"})
"""Members of a oneof that hold what one provider alone understands."""
_TEXTS = ("x", "Grüße, 你好 🌍", 'line\n"two"\t\\', "  ", "word " * 20)
_NAMES = ("get_weather", "a", "Tool-2")
_SCHEMAS = (
    '{"type":"object"}',
    '{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"integer"}},"required":["b"],'
    '"additionalProperties":false}',
)
_MEDIA_TYPES: Mapping[str, tuple[str, ...]] = {
    "image": ("image/png", "image/jpeg"),
    "audio": ("audio/wav", "audio/mpeg"),
    "video": ("video/mp4",),
    "file": ("application/pdf", "text/plain"),
}
_PARTS: Mapping[int, tuple[str, ...]] = {
    chat_pb2.ROLE_SYSTEM: ("text",),
    chat_pb2.ROLE_DEVELOPER: ("text",),
    chat_pb2.ROLE_USER: ("text", "text", "image", "audio", "video", "file"),
    chat_pb2.ROLE_ASSISTANT: ("text", "reasoning"),
    chat_pb2.ROLE_TOOL: ("text", "text", "image"),
}
_PART_KINDS = frozenset({"text", "image", "audio", "video", "file", "reasoning", "provider"})
_INT32_MAX = 2**31 - 1
_OFTEN, _SELDOM = 0.5, 0.1


def requests(maker: str, *, without: frozenset[str] = frozenset()) -> st.SearchStrategy[CreateChatCompletionRequest]:
    """Requests in which some reasoning says that ``maker`` made it.

    Fields named in ``without`` stay unset, wherever they are: ``video``, or ``Media.file_id`` of that message alone.
    """
    return st.randoms(use_true_random=False).map(lambda chance: make_request(chance, maker, without))


def make_request(chance: Random, maker: str, without: frozenset[str] = frozenset()) -> CreateChatCompletionRequest:
    """One such request."""
    return _Maker(chance, maker, without).request()


class _Maker:
    def __init__(self, chance: Random, maker: str, without: frozenset[str]) -> None:
        self._chance = chance
        self._makers = ("", "elsewhere", maker)
        self._without = without

    def request(self) -> CreateChatCompletionRequest:
        made = CreateChatCompletionRequest(model="m")
        self._fill(made, skip=_LEFT_OUT, often=_SELDOM)
        self._converse(made)
        if not made.logprobs:
            made.ClearField("top_logprobs")
        names = [tool.function.name or tool.custom.name for tool in made.tools]
        self._choose(made, names)
        return made

    def _choose(self, made: CreateChatCompletionRequest, names: list[str]) -> None:
        """A choice of tools that are there."""
        match made.tool_choice.WhichOneof("choice"):
            case _ if not names:
                made.ClearField("tool_choice")
            case "function_name" | "custom_name" as kind:
                setattr(made.tool_choice, kind, self._chance.choice(names))
            case "allowed_tools":
                made.tool_choice.allowed_tools.names[:] = [self._chance.choice(names)]

    def _converse(self, made: CreateChatCompletionRequest) -> None:
        waiting: list[str] = []
        for place in range(self._chance.randint(1, 5)):
            role = chat_pb2.ROLE_TOOL if waiting else self._chance.choice((1, 2, 3, 3, 4) if place else (1, 2, 3, 3))
            message = made.messages.add(role=role)
            self._fill(
                message, skip=frozenset({"role", "tool_call_id", "content", "tool_calls", "refusal", "audio_id"})
            )
            for _ in range(self._chance.randint(1, 3)):
                kind = self._chance.choice([kind for kind in _PARTS[role] if self._may("ContentPart", kind)])
                self._fill(message.content.add(), skip=_PART_KINDS - {kind}, often=_SELDOM)
            if role == chat_pb2.ROLE_ASSISTANT:
                self._answer(message, place)
                waiting = [call.id for call in message.tool_calls]
            elif waiting:
                message.tool_call_id = waiting.pop(0)
        for call_id in waiting:
            made.messages.add(role=chat_pb2.ROLE_TOOL, tool_call_id=call_id).content.add(text="4")
        if made.messages[-1].role in (chat_pb2.ROLE_SYSTEM, chat_pb2.ROLE_DEVELOPER):
            made.messages.add(role=chat_pb2.ROLE_USER).content.add(text="x")

    def _answer(self, message: Message, place: int) -> None:
        for _ in range(self._chance.choice((0, 0, 1, 2))):
            self._fill(message.tool_calls.add(), skip=_LEFT_OUT, often=_SELDOM)
        for number, call in enumerate(message.tool_calls):
            call.id = f"call_{place}_{number}"
        if self._chance.random() < _SELDOM:
            message.refusal = "no"

    def _fill(self, made: Proto, skip: frozenset[str] = frozenset(), often: float = _OFTEN) -> None:
        """Sets some fields, and one of each oneof that must be."""
        of = made.DESCRIPTOR
        skip = skip | {field.name for field in of.fields if not self._may(of.name, field.name)}
        for field in of.fields:
            if field.name not in skip and field.containing_oneof is None and self._wanted(field, often):
                self._set(made, field)
        for oneof in of.oneofs:
            members = [one for one in oneof.fields if one.name not in _NOT_MADE_UP and one.name not in skip]
            synthetic = oneof.name.startswith("_")
            if members and (not synthetic or self._chance.random() < often):
                self._set(made, self._chance.choice(members))

    def _may(self, message: str, field: str) -> bool:
        return self._without.isdisjoint((field, f"{message}.{field}"))

    def _wanted(self, field: Any, often: float) -> bool:
        rules = _rules(field)
        must = rules.required or rules.string.min_len or rules.repeated.min_items or field.name.endswith("schema_json")
        must = must or (rules.string.pattern and not re.fullmatch(rules.string.pattern, ""))
        return bool(must) or (field.type == field.TYPE_ENUM and 0 in rules.enum.not_in) or self._chance.random() < often

    def _set(self, made: Proto, field: Any) -> None:
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            for _ in range(self._chance.randint(1, 2)):
                key, value = kind.fields_by_name["key"], kind.fields_by_name["value"]
                getattr(made, field.name)[self._value(key, _rules(field).map.keys)] = self._value(
                    value, _rules(field).map.values
                )
        elif field.is_repeated:
            self._add(made, field)
        elif kind is not None:
            inner = getattr(made, field.name)
            inner.SetInParent()
            if kind.full_name == "google.protobuf.Duration":
                inner.FromSeconds(self._chance.randint(0, 5))
                return
            self._fill(inner, skip=_LEFT_OUT)
            if kind.name == "Media":
                self._media(inner, made.DESCRIPTOR.name.removesuffix("Part").lower())
        else:
            setattr(made, field.name, self._value(field, _rules(field)))

    def _add(self, made: Proto, field: Any) -> None:
        rules, into = _rules(field).repeated, getattr(made, field.name)
        for _ in range(self._chance.randint(1, 2)):
            if field.message_type is not None:
                self._fill(into.add(), skip=_LEFT_OUT)
            elif (value := self._value(field, rules.items)) not in into or not rules.unique:
                into.append(value)

    def _media(self, made: Any, kind: str) -> None:
        """The media type of such a part, which bytes must have, and an address that is one."""
        made.mime_type = self._chance.choice(_MEDIA_TYPES[kind])
        if made.WhichOneof("source") == "url":
            made.url = f"https://example.com/a.{kind}"

    def _value(self, field: Any, rules: validate_pb2.FieldRules) -> Any:
        match field.cpp_type:
            case field.CPPTYPE_STRING if field.type == field.TYPE_BYTES:
                return self._chance.choice((b"c2ln", b"\x89PNG", b"%PDF-1.4"))
            case field.CPPTYPE_STRING:
                return self._text(field, rules.string)
            case field.CPPTYPE_ENUM:
                assert field.enum_type
                known = [number for number in field.enum_type.values_by_number if number not in rules.enum.not_in]
                return self._chance.choice(known)
            case field.CPPTYPE_BOOL:
                return self._chance.random() < _OFTEN
            case field.CPPTYPE_DOUBLE | field.CPPTYPE_FLOAT:
                low, high = _bounds(rules.double, -100.0, 100.0)
                return self._chance.choice((low, high, round(self._chance.uniform(low, high), 2)))
            case _:
                low, high = _bounds(
                    rules.int64 if field.cpp_type == field.CPPTYPE_INT64 else rules.int32, -5, _INT32_MAX
                )
                return self._chance.choice((low, self._chance.randint(int(low), min(int(high), int(low) + 9))))

    def _text(self, field: Any, rules: validate_pb2.StringRules) -> str:
        choices: tuple[str, ...] = _TEXTS
        if field.name == "provider":
            choices = self._makers
        elif getattr(rules, "in"):
            choices = tuple(getattr(rules, "in"))
        elif field.name.endswith(("json_schema", "schema_json")):
            choices = _SCHEMAS
        elif field.name.endswith("_json"):
            choices = ("{}", json.dumps({"city": "Kyōto", "n": 2**60}))
        elif rules.pattern or field.name.endswith("name"):
            choices = _NAMES
        most = rules.max_len or None
        return self._chance.choice(choices)[:most]


def _rules(field: Any) -> validate_pb2.FieldRules:
    rules: validate_pb2.FieldRules = field.GetOptions().Extensions[validate_pb2.field]
    return rules


def _bounds(rules: Any, lowest: float, highest: float) -> tuple[float, float]:
    """The least and the most that a number may be; what must be above a bound is at least one above."""
    low = rules.gte if rules.HasField("gte") else rules.gt + 1 if rules.HasField("gt") else lowest
    return low, rules.lte if rules.HasField("lte") else highest
