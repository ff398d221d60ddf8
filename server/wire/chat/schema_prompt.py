"""What stands in for a schema at providers that know none, its text as an instruction, and for what belongs to it."""

import orjson
from aignehub.v1.chat_pb2 import JsonSchemaFormat

from server.wire.json_text import check_object

SCHEMA_PATH = "response_format.json_schema.schema_json"
SCHEMA_NAME = "response"
"""Name of a schema whose caller gave none, where a provider insists on one."""

ANSWER_TOOL = "json_answer"
"""Name of a tool whose input is the answer, where a model holds no answer to a schema and is made to call it."""
ABOUT_ANSWER_TOOL = "Gives the answer to the user. Call it once, with the whole answer as its input."
ANY_JSON = "Answer with one JSON object and nothing else."
"""The instruction for JSON of any form, where there is no such mode."""

_INSTRUCTION = f"{ANY_JSON} It must be valid against this JSON Schema:\n"


def schema_prompt(schema: JsonSchemaFormat) -> str:
    """The schema as words to the model, with its description before it."""
    about = f"{schema.description}\n" if schema.description else ""
    return f"{about}{_INSTRUCTION}{schema.schema_json}"


def annotated_schema(schema: JsonSchemaFormat) -> orjson.Fragment:
    """The schema's own text, with name and description as its title and description where it has none.

    For providers that have no fields of their own for them. Raises InvalidArgument where it is no JSON object.
    """
    told = check_object(SCHEMA_PATH, schema.schema_json)
    notes = {"title": schema.name, "description": schema.description}
    added = [
        f"{orjson.dumps(key).decode()}:{orjson.dumps(text).decode()}"
        for key, text in notes.items()
        if text and key not in told
    ]
    inside = schema.schema_json.strip()[1:-1]
    return orjson.Fragment("{" + ",".join([*added, inside] if inside.strip() else added) + "}")
