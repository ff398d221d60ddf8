"""The shape of the answer: held to a schema by the model, told by a tool's input, or asked for in words."""

from typing import Any

import orjson
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import JsonSchemaFormat
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import UnsupportedByProvider
from server.wire.anthropic import schemas
from server.wire.anthropic.models import Model as Claude
from server.wire.bedrock.draft import PROVIDER, Draft
from server.wire.bedrock.tools import force_refusal, put_choice
from server.wire.chat.schema_prompt import (
    ABOUT_ANSWER_TOOL,
    ANSWER_TOOL,
    ANY_JSON,
    SCHEMA_NAME,
    SCHEMA_PATH,
    schema_prompt,
)
from server.wire.json_text import check_object

_ANY_OBJECT = '{"type":"object"}'


def encode_format(draft: Draft) -> None:
    """Puts what stands for ``response_format`` into the body; ``toolConfig`` is there already."""
    shape = draft.request.response_format
    match shape.WhichOneof("format"):
        case None | "text":
            return
        case "json_schema":
            _put_schema(shape.json_schema, draft)
        case "json_object" if draft.family.schema == "native" and draft.family.any_object:
            _put_native(_ANY_OBJECT, JsonSchemaFormat(), draft)
        case "json_object":
            _emulate(_ANY_OBJECT, "", ANY_JSON, "response_format.json_object", draft)
        case kind:
            raise UnsupportedByProvider.of(f"response_format.{kind}", f"{PROVIDER} cannot hold an answer to a {kind}")


def answer_tool(request: CreateChatCompletionRequest) -> str:
    """Name of the tool whose input is the answer; empty where the caller wants no JSON, or wants a call."""
    if request.response_format.WhichOneof("format") not in ("json_object", "json_schema") or _wants_calls(request):
        return ""
    taken = {tool.function.name for tool in request.tools}
    name = ANSWER_TOOL
    while name in taken:
        name += "_"
    return name


def _wants_calls(request: CreateChatCompletionRequest) -> bool:
    choice = request.tool_choice
    modes = (choice.mode, choice.allowed_tools.mode)
    return chat_pb2.TOOL_CHOICE_MODE_REQUIRED in modes or bool(choice.function_name)


def _put_schema(schema: JsonSchemaFormat, draft: Draft) -> None:
    told = check_object(SCHEMA_PATH, schema.schema_json)
    if draft.family.schema != "native":
        if schema.strict:
            raise UnsupportedByProvider.of(
                "response_format.json_schema.strict",
                f"the model {draft.model} cannot hold an answer to a schema; leave strict unset",
            )
        _emulate(schema.schema_json, schema.description, schema_prompt(schema), "response_format.json_schema", draft)
        return
    text = schema.schema_json
    if not draft.family.any_object and not schema.strict:
        try:
            text = orjson.dumps(told).decode() if schemas.close(told) else text
        except schemas.Open:
            _emulate(text, schema.description, schema_prompt(schema), "response_format.json_schema", draft)
            return
    _put_native(text, schema, draft)


def _put_native(text: str, schema: JsonSchemaFormat, draft: Draft) -> None:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html."""
    told = {"name": schema.name or SCHEMA_NAME, "schema": text}
    if schema.description:
        told["description"] = schema.description
    draft.put("outputConfig", "textFormat", {"type": "json_schema", "structure": {"jsonSchema": told}})


def _emulate(text: str, about: str, words: str, path: str, draft: Draft) -> None:
    """A tool that must be called; for Claude while it reasons, which bars that, the schema in words."""
    name = answer_tool(draft.request)
    if not name:
        # The answer must be a call of the caller's own tools: there is no text to give a shape.
        return
    config: dict[str, Any] = draft.body.get("toolConfig", {"tools": []})
    alone = not config["tools"] or draft.forbids_tools
    # Among the caller's tools this is one more; alone, it is the only way to answer.
    way = "tool" if alone and "tool" in draft.family.choices else "any"
    why = force_refusal(way, draft)
    if draft.family.claude is not None and (why or _thinks(draft.family.claude, draft)):
        draft.body["system"] = [*draft.body.get("system", []), {"text": words}]
        return
    if why:
        raise UnsupportedByProvider.of(path, why)
    spec = {"name": name, "description": about or ABOUT_ANSWER_TOOL, "inputSchema": {"json": orjson.Fragment(text)}}
    draft.body["toolConfig"] = {"tools": [*config["tools"], {"toolSpec": spec}]}
    put_choice({"tool": {"name": name}} if way == "tool" else {"any": {}}, draft)


def _thinks(facts: Claude, draft: Draft) -> bool:
    """True where Claude will reason."""
    thinking = draft.body.get("additionalModelRequestFields", {}).get("thinking")
    return facts.thinks_unasked if thinking is None else bool(thinking["type"] != "disabled")
