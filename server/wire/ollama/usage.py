"""Usage as the format counts it."""

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from aignehub.v1.usage_pb2 import Usage

from server.wire import estimate
from server.wire import json_value as json
from server.wire.json_value import Object

_INT32_MAX = 2**31 - 1


def read_usage(answer: Object, request: CreateChatCompletionRequest) -> Usage | None:
    """The provider's usage; None where it told no tokens at all.

    Older releases leave ``prompt_eval_count`` out where the whole prompt was cached
    (https://github.com/ollama/ollama/issues/2068): what was read is then estimated, and the usage says so.
    """
    read, written = json.count(answer.get("prompt_eval_count")), json.count(answer.get("eval_count"))
    if not read and not written:
        return None
    estimated = not read
    if estimated:
        read = sum(estimate.input_by_modality(request).values())
    return Usage(
        input_tokens=read,
        output_tokens=written,
        total_tokens=min(read + written, _INT32_MAX),
        cached_input_tokens=min(json.count(answer.get("prompt_eval_cached_count")), read),
        estimated=estimated,
    )
