"""What stands in for a schema at providers that know none: its text as an instruction."""

from aignehub.v1.chat_pb2 import JsonSchemaFormat

SCHEMA_PATH = "response_format.json_schema.schema_json"
SCHEMA_NAME = "response"
"""Name of a schema whose caller gave none, where a provider insists on one."""

_INSTRUCTION = "Answer with one JSON object and nothing else. It must be valid against this JSON Schema:\n"


def schema_prompt(schema: JsonSchemaFormat) -> str:
    """The schema as words to the model, with its description before it."""
    about = f"{schema.description}\n" if schema.description else ""
    return f"{about}{_INSTRUCTION}{schema.schema_json}"
