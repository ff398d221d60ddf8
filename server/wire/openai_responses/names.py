"""The format's names of fields, as it tells them of a request that it refuses."""

from types import MappingProxyType

from server.wire.field_names import Names

NAMES: Names = MappingProxyType({
    # A message may be several items, so the place of an item says nothing.
    "input": "messages",
    "instructions": "messages",
    "tools[].parameters": "tools[].function.parameters_json_schema",
    "tools[]": "tools[]",
    "tool_choice": "tool_choice",
    "max_output_tokens": "max_completion_tokens",
    "text.format.name": "response_format.json_schema.name",
    "text.format.schema": "response_format.json_schema.schema_json",
    "text.format": "response_format",
    "text.verbosity": "verbosity",
    "prompt_cache_retention": "prompt_cache_ttl",
    "prompt_cache_options": "prompt_cache_ttl",
    "moderation": "moderation_json",
})  # fmt: skip
"""What is missing has the same name in the contract."""
