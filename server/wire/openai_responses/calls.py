"""Calls of the caller's tools, as items."""

import re
from typing import Any

from aignehub.v1.chat_pb2 import ToolCall

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.adjustments import Adjustments
from server.wire.openai_responses.dialect import ResponsesDialect

_ITEM_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,64}")
"""Proofs of other providers are longer or in base64."""


def call_item(call: ToolCall, path: str, dialect: ResponsesDialect, notes: Adjustments) -> dict[str, Any]:
    """The item of a call. It has two ids: ``call_id``, which the result names, and its own, kept as ``signature``."""
    item: dict[str, Any]
    match call.WhichOneof("call"):
        case "function":
            function = call.function
            item = {
                "type": "function_call",
                "call_id": call.id,
                "name": function.name,
                "arguments": function.arguments_json,
            }
        case "custom":
            if not dialect.custom_tools:
                raise UnsupportedByProvider.of(f"{path}.custom", f"{dialect.name} has no custom tools")
            custom = call.custom
            item = {"type": "custom_tool_call", "call_id": call.id, "name": custom.name, "input": custom.input}
        case _:
            raise InvalidArgument.field(path, "set function or custom")
    if call.signature:
        if _ITEM_ID.fullmatch(call.signature):
            item["id"] = call.signature.decode("ascii")
        else:
            notes.drop(f"{path}.signature", "the provider takes no signature of a call")
    return item
