"""json: an answer that fits response_format."""

import json

from server.sandbox.answer import Draft
from server.sandbox.request import ChatRequest
from server.sandbox.schema.fill import filled

_HOW_TO_ASK = (
    'I answer in JSON when response_format asks for it: {"type": "json_schema", "json_schema": {"name": "answer", '
    '"schema": {...}}} or {"type": "json_object"}.'
)
_SCHEMA_PATH = "response_format.json_schema.schema"


def structured(request: ChatRequest, index: int) -> Draft:
    """A value for the schema of json_schema, an object holding the last user text for json_object."""
    if request.response_format == "json_schema":
        return Draft(filled(request.response_schema, _SCHEMA_PATH, index))
    if request.response_format == "json_object":
        return Draft(json.dumps({"text": request.last_text}, ensure_ascii=False))
    return Draft(_HOW_TO_ASK)
