"""What nearly every chunk of a stream holds, read by its type: a piece of text, of reasoning or of a call's arguments.

A chunk that says anything else is none of these, and is read as it comes. By type it costs a third.
"""

from typing import Annotated

import msgspec

_INT32_MAX = 2**31 - 1
_MOST_MISSES = 16
"""Chunks in a row that were not usual, after which a host is taken to write in another way."""

Index = Annotated[int, msgspec.Meta(ge=0, le=_INT32_MAX)]


class Function(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Another piece of a call that was named before."""

    arguments: str
    name: None = None


class Call(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A call that goes on."""

    index: Index
    function: Function
    id: str | None = None
    type: str | None = None


class Delta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What was added."""

    content: str | None = None
    role: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Call] | None = None
    refusal: None = None
    function_call: None = None


class Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A choice that goes on."""

    delta: Delta
    index: Index = 0
    finish_reason: None = None
    native_finish_reason: None = None
    logprobs: None = None


class UsualChunk(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What comes with every chunk of the answer counts on the first alone, the padding only for who asked for it."""

    choices: tuple[Choice]
    id: str | None = None
    object: str | None = None
    created: int | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    usage: None = None
    obfuscation: str | None = None
    p: str | None = None


_decode = msgspec.json.Decoder(UsualChunk).decode


class UsualChunks:
    """Reads the chunks of one stream, for as long as it is worth trying."""

    __slots__ = ("_missed",)

    def __init__(self) -> None:
        self._missed = 0

    def read(self, payload: bytes) -> UsualChunk | None:
        """The chunk, where it is a usual one."""
        if self._missed >= _MOST_MISSES:
            return None
        try:
            chunk = _decode(payload)
        except (ValueError, RecursionError):
            self._missed += 1
            return None
        if chunk.object == "error":
            return None
        self._missed = 0
        return chunk
