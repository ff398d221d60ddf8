"""Usage: AWS counts cached tokens beside the input, the contract as part of it."""

from aignehub.v1.usage_pb2 import Usage

from server.wire import json_value as json
from server.wire.json_value import Object

_INT32_MAX = 2**31 - 1

_READ = frozenset(
    {
        "inputTokens",
        "outputTokens",
        "totalTokens",
        "cacheReadInputTokens",
        "cacheWriteInputTokens",
        # The same again, by the names of an earlier time.
        "cacheReadInputTokenCount",
        "cacheWriteInputTokenCount",
        "serverToolUsage",
    }
)


def read_usage(told: Object) -> Usage | None:
    """The provider's usage; None where it told no tokens at all."""
    cached = json.count(told.get("cacheReadInputTokens")) or json.count(told.get("cacheReadInputTokenCount"))
    kept = json.count(told.get("cacheWriteInputTokens")) or json.count(told.get("cacheWriteInputTokenCount"))
    read = json.count(told.get("inputTokens")) + cached + kept
    written = json.count(told.get("outputTokens"))
    if not read and not written:
        return None
    return Usage(
        input_tokens=min(read, _INT32_MAX),
        output_tokens=written,
        total_tokens=min(read + written, _INT32_MAX),
        cached_input_tokens=cached,
        cache_write_input_tokens=kept,
        server_tool_calls={
            name: number
            for name, value in json.obj(told.get("serverToolUsage")).items()
            if (number := json.count(value))
        },
    )


def unread_usage(told: Object) -> Object:
    """What ``told`` says that Usage has no field for, such as which lifetimes the cache was written with."""
    return json.unread(told, _READ)
