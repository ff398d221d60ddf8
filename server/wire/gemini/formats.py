"""The shape of the answer: a media type, and a schema beside it.

https://ai.google.dev/gemini-api/docs/structured-output
"""

from aignehub.v1.chat_pb2 import ResponseFormat

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.schema_prompt import annotated_schema
from server.wire.gemini.draft import Draft

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
            draft.config["responseJsonSchema"] = annotated_schema(shape.json_schema)
        case "regex" | "grammar" as kind:
            raise UnsupportedByProvider.of(
                f"response_format.{kind}", f"{draft.host.name} cannot hold an answer to a {kind}"
            )
        case _:
            raise InvalidArgument.field("response_format", "set text, json_object, json_schema, regex or grammar")
