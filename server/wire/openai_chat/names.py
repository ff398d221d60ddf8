"""The format's names of fields, as it tells them of a request that it refuses."""

from types import MappingProxyType

from server.wire.field_names import Names

NAMES: Names = MappingProxyType({
    **{f"messages[].{name}": f"messages[].{name}" for name in ("role", "content", "content[]", "name", "tool_call_id")},
    "messages[].tool_calls[]": "messages[].tool_calls[]",
    "messages[]": "messages[]",
    "messages": "messages",
    **{f"tools[].{kind}.{name}": f"tools[].{kind}.{name}"
       for kind in ("function", "custom") for name in ("name", "description", "format", "strict")},
    "tools[].function.parameters": "tools[].function.parameters_json_schema",
    "tools[]": "tools[]",
    "tool_choice": "tool_choice",
    "max_tokens": "max_completion_tokens",
    "random_seed": "seed",
    "response_format.json_schema.name": "response_format.json_schema.name",
    "response_format.json_schema.schema": "response_format.json_schema.schema_json",
    "response_format": "response_format",
    "structured_outputs": "response_format",
    "reasoning_effort": "reasoning.effort",
    "thinking": "reasoning",
    "enable_thinking": "reasoning.mode",
    "thinking_budget": "reasoning.budget_tokens",
    "audio": "audio",
    "prediction": "prediction",
    "web_search_options": "web_search_options",
    "prompt_cache_retention": "prompt_cache_ttl",
    "prompt_cache_options": "prompt_cache_ttl",
    "moderation": "moderation_json",
})  # fmt: skip
"""What is missing has the same name in the contract."""
