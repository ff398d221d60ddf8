"""What codecs that count the tokens of a request have in common."""

from collections.abc import Container
from typing import Any, cast

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire.json_value import Json


def counted_part(request: CreateChatCompletionRequest, names: Container[str]) -> CreateChatCompletionRequest:
    """A copy of the request with nothing but these fields, which are part of what is counted."""
    kept = CreateChatCompletionRequest()
    kept.CopyFrom(request)
    for field, _ in request.ListFields():
        if field.name not in names:
            kept.ClearField(cast("Any", field.name))
    return kept


def told_count(value: Json) -> int:
    """The number that was answered. Raises ProviderBadResponse where there is none."""
    told = json.index(value)
    if told is None:
        raise ProviderBadResponse("the provider answered without a count of tokens")
    return told
