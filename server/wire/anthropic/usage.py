"""Usage by the contract's meaning: Anthropic's ``input_tokens`` are those that no cache held.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance
"""

from aignehub.v1.usage_pb2 import Usage

from server.wire import json_value as json
from server.wire.json_value import Object

_INT32_MAX = 2**31 - 1
_CALLS_SUFFIX = "_requests"
_READ = frozenset(
    {
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "output_tokens_details",
        "server_tool_use",
        "service_tier",
    }
)


def read_usage(told: Object) -> Usage | None:
    """The provider's usage; None where it told no tokens at all."""
    cached = json.count(told.get("cache_read_input_tokens"))
    written = json.count(told.get("cache_creation_input_tokens"))
    read = json.count(told.get("input_tokens")) + cached + written
    made = json.count(told.get("output_tokens"))
    if not read and not made:
        return None
    return Usage(
        input_tokens=min(read, _INT32_MAX),
        output_tokens=made,
        total_tokens=min(read + made, _INT32_MAX),
        cached_input_tokens=cached,
        cache_write_input_tokens=written,
        reasoning_output_tokens=json.count(json.obj(told.get("output_tokens_details")).get("thinking_tokens")),
        server_tool_calls=_server_tool_calls(json.obj(told.get("server_tool_use"))),
    )


def merge_usage(into: Object, more: Object) -> None:
    """Adds what a later event tells: its counts are totals so far, some left out, and never to be summed.

    https://platform.claude.com/docs/en/build-with-claude/streaming#event-types
    """
    for name, value in more.items():
        have = into.get(name)
        if value is None or (type(value) is int and type(have) is int and value < have):
            continue
        into[name] = value


def unread_usage(told: Object) -> Object:
    """What ``told`` says that Usage has no field for."""
    left = json.unread(told, _READ)
    by_lifetime = left.get("cache_creation")
    if type(by_lifetime) is dict and not any(by_lifetime.values()):
        del left["cache_creation"]
    details = json.unread(json.obj(told.get("output_tokens_details")), frozenset({"thinking_tokens"}))
    if details:
        left["output_tokens_details"] = details
    tools = json.obj(told.get("server_tool_use"))
    if rest := json.unread({name: value for name, value in tools.items() if not name.endswith(_CALLS_SUFFIX)}, set()):
        left["server_tool_use"] = rest
    return left


def _server_tool_calls(told: Object) -> dict[str, int]:
    """``{web_search_requests: 2}``."""
    return {
        name.removesuffix(_CALLS_SUFFIX): number
        for name, value in told.items()
        if name.endswith(_CALLS_SUFFIX) and (number := json.count(value))
    }
