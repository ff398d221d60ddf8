"""Blocks of an answer, read alike whether they came whole or in pieces."""

import msgspec
import orjson
from aignehub.v1.chat_pb2 import ContentPart, FunctionCall, ProviderPart, ReasoningPart, ToolCall

from server.wire import json_value as json
from server.wire.anthropic.calls import CALL_EXTRAS
from server.wire.anthropic.messages import CLAUDE_FORMAT
from server.wire.json_value import Object

_DIRECT = {"type": "direct"}


def thought(text: str, signature: str, provider: str, *, redacted: bool = False) -> ReasoningPart:
    """Reasoning with what proves it."""
    return ReasoningPart(
        text=text, signature=signature.encode(), redacted=redacted, provider=provider, format=CLAUDE_FORMAT
    )


def call(block: Object, call_id: str, arguments: str, part_index: int) -> ToolCall:
    """A ``tool_use`` block; ``arguments`` is its input as the model wrote it."""
    return ToolCall(
        id=call_id,
        function=FunctionCall(name=json.text(block.get("name")), arguments_json=arguments),
        signature=call_extras(block),
        part_index=part_index,
    )


def call_extras(block: Object) -> bytes:
    """What must come back with a call; empty for one that the model made itself, as nearly all are."""
    extras = {name: block[name] for name in CALL_EXTRAS if json.says_something(block.get(name))}
    if extras.get("caller") == _DIRECT:
        del extras["caller"]
    return json.to_text(extras).encode()


def provider_part(block: Object, text: str, provider: str) -> ContentPart:
    """A block that the contract has no part for, kept as it came."""
    kind = json.text(block.get("type")) or "unknown"
    part = ProviderPart(provider=provider, type=kind, json=text, id=json.text(block.get("id")))
    return ContentPart(provider=part)


class RawBlocks:
    """The text of the blocks of a whole answer, so that numbers and escapes go back as they came."""

    __slots__ = ("_blocks", "_body")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._blocks: list[msgspec.Raw] | None = None

    def block(self, place: int, parsed: Object) -> str:
        """The text of the block at ``place``."""
        raw = self._at(place)
        return bytes(raw).decode() if raw is not None else json.to_text(parsed)

    def input(self, place: int, parsed: Object) -> str:
        """The text of its input; an empty object where there is none."""
        told = parsed.get("input")
        if told is None:
            return "{}"
        raw = self._at(place)
        if raw is not None:
            return bytes(_FIELDS.decode(raw)["input"]).decode()
        return orjson.dumps(told).decode()

    def _at(self, place: int) -> msgspec.Raw | None:
        if self._blocks is None:
            self._blocks = _raw_blocks(self._body)
        return self._blocks[place] if place < len(self._blocks) else None


class _Answer(msgspec.Struct):
    content: list[msgspec.Raw] = []


_ANSWER = msgspec.json.Decoder(_Answer)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _raw_blocks(body: bytes) -> list[msgspec.Raw]:
    try:
        return _ANSWER.decode(body).content
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # What one parser reads and the other does not goes on by its meaning.
        return []


def raw_field(payload: bytes, name: str) -> str:
    """The text of one field of an event's object; empty where it cannot be had."""
    try:
        return bytes(_FIELDS.decode(payload)[name]).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
        return ""
