"""The shape of the answer: held to a schema by the model, told by a tool's input, or asked for in words."""

from typing import Any

import orjson
from aignehub.v1.chat_pb2 import JsonSchemaFormat
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import UnsupportedByProvider
from server.wire.anthropic import schemas
from server.wire.anthropic.draft import Draft
from server.wire.anthropic.tools import force_refusal
from server.wire.chat.schema_prompt import ABOUT_ANSWER_TOOL, ANSWER_TOOL, ANY_JSON, SCHEMA_PATH, schema_prompt
from server.wire.json_text import check_object, object_of

_ANY_OBJECT = '{"type":"object","additionalProperties":true}'


def encode_format(draft: Draft) -> None:
    """Puts what stands for ``response_format`` into the body; tools and messages are there already."""
    shape = draft.request.response_format
    match shape.WhichOneof("format"):
        case None | "text":
            return
        case "json_schema" if draft.facts.structured:
            _put_native(shape.json_schema, draft)
        case "json_schema":
            _put_schema(shape.json_schema, draft)
        case "json_object":
            # There is no such mode, and no schema that any object fits among those that a model holds an answer to:
            # https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
            _emulate(JsonSchemaFormat(schema_json=_ANY_OBJECT), ANY_JSON, draft)
        case kind:
            raise UnsupportedByProvider.of(f"response_format.{kind}", f"Claude cannot hold an answer to a {kind}")


def _put_native(schema: JsonSchemaFormat, draft: Draft) -> None:
    """The caller's own text where the model takes it; with its objects closed where that suffices."""
    told = check_object(SCHEMA_PATH, schema.schema_json)
    try:
        changed = not schema.strict and schemas.close(told)
    except schemas.Open:
        _emulate(schema, schema_prompt(schema), draft)
        return
    if schema.description and "description" not in told:
        told, changed = {"description": schema.description, **told}, True
    written = told if changed else orjson.Fragment(schema.schema_json)
    draft.body.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": written}


def _put_schema(schema: JsonSchemaFormat, draft: Draft) -> None:
    check_object(SCHEMA_PATH, schema.schema_json)
    if schema.strict:
        raise UnsupportedByProvider.of(
            "response_format.json_schema.strict",
            f"the model {draft.model} cannot hold an answer to a schema; leave strict unset",
        )
    _emulate(schema, schema_prompt(schema), draft)


def _emulate(schema: JsonSchemaFormat, words: str, draft: Draft) -> None:
    choice = draft.body.get("tool_choice", {"type": "auto"})
    if choice["type"] in ("any", "tool"):
        # The answer must be a call of the caller's own tools: there is no text to give a shape.
        return
    if force_refusal(draft) or _thinks(draft):
        _instruct(words, draft)
        return
    name = answer_tool(draft.request)
    tool = {
        "name": name,
        "description": schema.description or ABOUT_ANSWER_TOOL,
        "input_schema": object_of(SCHEMA_PATH, schema.schema_json),
    }
    others = draft.body.get("tools", [])
    draft.body["tools"] = [*others, tool]
    choosing = bool(others) and choice["type"] != "none"
    # Among the caller's tools this is one more; alone, it is the only way to answer.
    forced: dict[str, Any] = {"type": "any"} if choosing else {"type": "tool", "name": name}
    if choice.get("disable_parallel_tool_use") or not choosing:
        forced["disable_parallel_tool_use"] = True
    draft.body["tool_choice"] = forced


def _thinks(draft: Draft) -> bool:
    """True where the model will reason, and so may not do as a forced call wants."""
    thinking = draft.body.get("thinking")
    if thinking is None:
        return draft.facts.thinks_unasked
    return bool(thinking["type"] != "disabled")


def _instruct(words: str, draft: Draft) -> None:
    """Adds an instruction after the operator's own."""
    system = draft.body.get("system", [])
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) else system
    draft.body["system"] = [*blocks, {"type": "text", "text": words}]


def answer_tool(request: CreateChatCompletionRequest) -> str:
    """Name of the tool whose input is the answer; empty where the caller wants no JSON."""
    shape = request.response_format
    if shape.WhichOneof("format") not in ("json_object", "json_schema"):
        return ""
    taken = {tool.function.name for tool in request.tools}
    name = shape.json_schema.name or ANSWER_TOOL
    while name in taken:
        name += "_"
    return name
