"""The shape of the answer: held to a schema by the model, or told by the input of a tool that must be called."""

from typing import Any

import orjson
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import UnsupportedByProvider
from server.wire.bedrock.draft import PROVIDER, Draft
from server.wire.bedrock.tools import force_refusal
from server.wire.chat.schema_prompt import SCHEMA_NAME, SCHEMA_PATH
from server.wire.json_text import check_object

_TOOL = "json_answer"
_ABOUT = "Gives the answer to the user. Call it once, with the whole answer as its input."
_ANY_OBJECT = '{"type":"object"}'


def encode_format(draft: Draft) -> None:
    """Puts what stands for ``response_format`` into the body; ``toolConfig`` is there already."""
    shape = draft.request.response_format
    match shape.WhichOneof("format"):
        case None | "text":
            return
        case "json_schema":
            check_object(SCHEMA_PATH, shape.json_schema.schema_json)
            _put_schema(draft)
        case "json_object" if draft.family.schema == "native" and draft.family.any_object:
            _put_native(_ANY_OBJECT, SCHEMA_NAME, "", draft)
        case "json_object":
            _put_tool(_ANY_OBJECT, "", "response_format.json_object", draft)
        case kind:
            raise UnsupportedByProvider.of(f"response_format.{kind}", f"{PROVIDER} cannot hold an answer to a {kind}")


def answer_tool(request: CreateChatCompletionRequest) -> str:
    """Name of the tool whose input is the answer; empty where the caller wants no JSON, or wants a call."""
    if request.response_format.WhichOneof("format") not in ("json_object", "json_schema") or _wants_calls(request):
        return ""
    taken = {tool.function.name for tool in request.tools}
    name = _TOOL
    while name in taken:
        name += "_"
    return name


def _wants_calls(request: CreateChatCompletionRequest) -> bool:
    choice = request.tool_choice
    modes = (choice.mode, choice.allowed_tools.mode)
    return chat_pb2.TOOL_CHOICE_MODE_REQUIRED in modes or bool(choice.function_name)


def _put_schema(draft: Draft) -> None:
    schema = draft.request.response_format.json_schema
    if draft.family.schema == "native":
        _put_native(schema.schema_json, schema.name or SCHEMA_NAME, schema.description, draft)
        return
    if schema.strict:
        raise UnsupportedByProvider.of(
            "response_format.json_schema.strict",
            f"the model {draft.model} cannot hold an answer to a schema; leave strict unset",
        )
    _put_tool(schema.schema_json, schema.description, "response_format.json_schema", draft)


def _put_native(schema: str, name: str, about: str, draft: Draft) -> None:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html."""
    told = {"name": name, "schema": schema, **({"description": about} if about else {})}
    draft.put("outputConfig", "textFormat", {"type": "json_schema", "structure": {"jsonSchema": told}})


def _put_tool(schema: str, about: str, path: str, draft: Draft) -> None:
    name = answer_tool(draft.request)
    if not name:
        # The answer must be a call of the caller's own tools: there is no text to give a shape.
        return
    config: dict[str, Any] = draft.body.setdefault("toolConfig", {"tools": []})
    choosing = bool(config["tools"]) and not _forbids(draft)
    # Among the caller's tools this is one more; alone, it is the only way to answer.
    alone = "tool" in draft.family.choices
    way = "any" if choosing or not alone else "tool"
    if draft.family.schema != "tool" and not alone:
        raise UnsupportedByProvider.of(path, f"the model {draft.model} cannot hold an answer to JSON")
    if why := force_refusal(way, draft):
        raise UnsupportedByProvider.of(path, why)
    spec = {"name": name, "description": about or _ABOUT, "inputSchema": {"json": orjson.Fragment(schema)}}
    config["tools"] = [*config["tools"], {"toolSpec": spec}]
    config["toolChoice"] = {"tool": {"name": name}} if way == "tool" else {"any": {}}
    # Set for several calls at once, or for none; what must be called is said now.
    draft.body.get("additionalModelRequestFields", {}).pop("tool_choice", None)


def _forbids(draft: Draft) -> bool:
    told = draft.body.get("additionalModelRequestFields", {}).get("tool_choice", {})
    return bool(told.get("type") == "none")
