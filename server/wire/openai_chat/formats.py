"""The shape of the answer: response_format, and what stands in for it where a host lacks one."""

from typing import Any

from aignehub.v1.chat_pb2 import JsonSchemaFormat, ResponseFormat

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.schema_prompt import SCHEMA_NAME, SCHEMA_PATH, schema_prompt
from server.wire.json_text import check_object, object_of
from server.wire.openai_chat.dialect import Dialect


def encode_format(shape: ResponseFormat, dialect: Dialect, body: dict[str, Any]) -> None:
    """Puts the format into the body; ``body["messages"]`` is there already. Raises UnsupportedByProvider."""
    match shape.WhichOneof("format"):
        case "text":
            body["response_format"] = {"type": "text"}
        case "json_object":
            body["response_format"] = _json_object(dialect, "response_format.json_object")
        case "json_schema":
            _put_schema(shape.json_schema, dialect, body)
        case "regex":
            _put_pattern("regex", shape.regex, dialect.regex, dialect, body)
        case "grammar":
            _put_pattern("grammar", shape.grammar, dialect.grammar, dialect, body)
        case _:
            raise InvalidArgument.field("response_format", "set text, json_object, json_schema, regex or grammar")


def _json_object(dialect: Dialect, path: str) -> dict[str, Any]:
    if dialect.json_object:
        return {"type": "json_object"}
    if dialect.json_schema:
        # Any object fits this schema: https://lmstudio.ai/docs/developer/openai-compat/structured-output
        return {"type": "json_schema", "json_schema": {"name": SCHEMA_NAME, "schema": {"type": "object"}}}
    raise UnsupportedByProvider.of(path, f"{dialect.name} has no JSON mode")


def _put_schema(schema: JsonSchemaFormat, dialect: Dialect, body: dict[str, Any]) -> None:
    fragment = object_of(SCHEMA_PATH, schema.schema_json)
    if not dialect.json_schema:
        _instruct(schema, dialect, body)
        return
    told: dict[str, Any] = {}
    if schema.name or dialect.schema_name_required:
        told["name"] = schema.name or SCHEMA_NAME
    if schema.description:
        told["description"] = schema.description
    told["schema"] = fragment
    if schema.HasField("strict"):
        told["strict"] = schema.strict
    body["response_format"] = {"type": "json_schema", "json_schema": told}


def _instruct(schema: JsonSchemaFormat, dialect: Dialect, body: dict[str, Any]) -> None:
    """JSON mode plus the schema in a system message, for hosts that know no schemas.

    DeepSeek demands the word JSON in the prompt and a format to follow: https://api-docs.deepseek.com/guides/json_mode
    """
    if schema.strict:
        raise UnsupportedByProvider.of(
            "response_format.json_schema.strict",
            f"{dialect.name} cannot hold an answer to a schema; leave strict unset",
        )
    check_object(SCHEMA_PATH, schema.schema_json)
    body["response_format"] = _json_object(dialect, "response_format.json_schema")
    instruction = {"role": "system", "content": schema_prompt(schema)}
    # After the operator's own instructions, before the conversation.
    messages = body["messages"]
    first = next((place for place, entry in enumerate(messages) if entry["role"] != "system"), len(messages))
    body["messages"] = [*messages[:first], instruction, *messages[first:]]


def _put_pattern(kind: str, pattern: str, way: str, dialect: Dialect, body: dict[str, Any]) -> None:
    match way:
        case "structured_outputs":
            # https://docs.vllm.ai/en/latest/features/structured_outputs.html
            body["structured_outputs"] = {kind: pattern}
        case "response_format":
            # Fireworks and OpenRouter name the field as the type; Together calls a regular expression its pattern.
            body["response_format"] = {"type": kind, "pattern" if kind == "regex" else kind: pattern}
        case _:
            raise UnsupportedByProvider.of(
                f"response_format.{kind}", f"{dialect.name} cannot hold an answer to a {kind}"
            )
