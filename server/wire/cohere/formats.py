"""The shape of the answer: https://docs.cohere.com/docs/structured-outputs."""

from aignehub.v1.chat_pb2 import ResponseFormat

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.schema_prompt import annotated_schema
from server.wire.cohere.draft import Draft
from server.wire.cohere.words import PROVIDER


def encode_format(draft: Draft, shape: ResponseFormat) -> None:
    """Puts ``response_format`` into the body. Raises UnsupportedByProvider."""
    match shape.WhichOneof("format"):
        case "text":
            draft.body["response_format"] = {"type": "text"}
        case "json_object":
            _check_alone(draft)
            draft.body["response_format"] = {"type": "json_object"}
        case "json_schema":
            _check_alone(draft)
            # Answers are held to a schema in any case, so that ``strict`` asks for nothing.
            schema = annotated_schema(shape.json_schema)
            draft.body["response_format"] = {"type": "json_object", "json_schema": schema}
        case "regex" | "grammar" as kind:
            raise UnsupportedByProvider.of(f"response_format.{kind}", f"{PROVIDER} cannot hold an answer to a {kind}")
        case _:
            raise InvalidArgument.field("response_format", "set text, json_object or json_schema")


def _check_alone(draft: Draft) -> None:
    """https://docs.cohere.com/reference/chat: "not supported when used in combinations with documents or tools"."""
    if draft.request.tools or draft.documents:
        raise UnsupportedByProvider.of(
            "response_format", f"{PROVIDER} holds no answer to JSON where there are tools or documents"
        )
