"""Tool calls of earlier turns, and their results."""

import re
from hashlib import blake2b
from typing import Any

import orjson
from aignehub.v1.chat_pb2 import ContentPart, Message, ToolCall

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.anthropic.draft import Draft
from server.wire.anthropic.parts import cache_control, drop_signature, encode_part

CALL_EXTRAS = ("caller", "toolset_name")
"""Fields of a call that must come back with it; they travel in the call's signature, as a JSON object.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/programmatic-tool-calling
"""

_INVALID_JSON = "INVALID_JSON"
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")


def call_id(told: str) -> str:
    """The id as the API takes it, ``^[a-zA-Z0-9_-]+$``: other providers' ids may hold more."""
    if not _UNFIT.search(told):
        return told
    digest = blake2b(told.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return f"{_UNFIT.sub('_', told)}_{digest}"


def encode_call(call: ToolCall, path: str, draft: Draft) -> dict[str, Any]:
    """A ``tool_use`` block."""
    match call.WhichOneof("call"):
        case "function":
            function = call.function
        case "custom":
            raise UnsupportedByProvider.of(f"{path}.custom", "Claude has no custom tools")
        case _:
            raise InvalidArgument.field(path, "set function")
    block = {
        "type": "tool_use",
        "id": call_id(call.id),
        "name": function.name,
        "input": _input(function.arguments_json),
    }
    if call.signature:
        _put_extras(call.signature, block, path, draft)
    return block


def _input(arguments: str) -> Any:
    """The arguments' own text where it is an object, as the API wants; else wrapped, as the vendor advises.

    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming#handling-invalid-json
    """
    if not arguments.strip():
        return {}
    try:
        fits = isinstance(orjson.loads(arguments), dict)
    except ValueError:
        fits = False
    return orjson.Fragment(arguments) if fits else {_INVALID_JSON: arguments}


def _put_extras(signature: bytes, block: dict[str, Any], path: str, draft: Draft) -> None:
    try:
        extras = orjson.loads(signature)
    except ValueError:
        extras = None
    if not isinstance(extras, dict) or not extras.keys() <= set(CALL_EXTRAS):
        draft.notes.drop(f"{path}.signature", "the provider takes no signature of a call")
        return
    block.update(extras)


def encode_result(message: Message, path: str, draft: Draft) -> dict[str, Any]:
    """A ``tool_result`` block of a message of the role tool."""
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": call_id(message.tool_call_id)}
    content = message.content
    if len(content) == 1 and content[0].WhichOneof("part") == "text":
        _put_lone_text(content[0], block, f"{path}.content[0]", draft)
    else:
        blocks = (encode_part(part, f"{path}.content[{place}]", draft) for place, part in enumerate(content))
        block["content"] = [one for one in blocks if one is not None]
    if message.tool_error:
        block["is_error"] = True
    return block


def _put_lone_text(part: ContentPart, block: dict[str, Any], path: str, draft: Draft) -> None:
    block["content"] = part.text
    drop_signature(part, path, draft)
    if part.HasField("cache_control"):
        block["cache_control"] = cache_control(part.cache_control, path, draft)
