"""The shape of the answer: a media type, and a schema beside it.

https://ai.google.dev/gemini-api/docs/structured-output
"""

import orjson
from aignehub.v1.chat_pb2 import JsonSchemaFormat, ResponseFormat

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.schema_prompt import SCHEMA_PATH
from server.wire.gemini.draft import Draft
from server.wire.json_text import check_object

_JSON = "application/json"


def encode_format(shape: ResponseFormat, draft: Draft) -> None:
    """Puts the format into the configuration. Raises UnsupportedByProvider."""
    match shape.WhichOneof("format"):
        case "text":
            draft.config["responseMimeType"] = "text/plain"
        case "json_object":
            draft.config["responseMimeType"] = _JSON
        case "json_schema":
            draft.config["responseMimeType"] = _JSON
            draft.config["responseJsonSchema"] = _schema(shape.json_schema)
        case "regex" | "grammar" as kind:
            raise UnsupportedByProvider.of(
                f"response_format.{kind}", f"{draft.host.name} cannot hold an answer to a {kind}"
            )
        case _:
            raise InvalidArgument.field("response_format", "set text, json_object, json_schema, regex or grammar")


def _schema(told: JsonSchemaFormat) -> orjson.Fragment:
    """The schema's own text; name and description, which have no field of their own, as its annotations."""
    schema = check_object(SCHEMA_PATH, told.schema_json)
    added = [
        f"{orjson.dumps(key).decode()}:{orjson.dumps(text).decode()}"
        for key, text in (("title", told.name), ("description", told.description))
        if text and key not in schema
    ]
    if not added:
        return orjson.Fragment(told.schema_json)
    if schema:
        added.append(told.schema_json.strip()[1:-1])
    return orjson.Fragment("{" + ",".join(added) + "}")
