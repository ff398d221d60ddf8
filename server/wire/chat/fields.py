"""Walks the fields that are set, not the fields there are: one added to the contract cannot be forgotten."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import Unimplemented

D = TypeVar("D")


def put_fields(request: CreateChatCompletionRequest, table: Mapping[str, Callable[[D, Any], None]], draft: D) -> None:
    """Hands every field that is set to the function ``table`` has for it.

    Raises Unimplemented naming a field that the table lacks.
    """
    for field, value in request.ListFields():
        put = table.get(field.name)
        if put is None:
            raise Unimplemented.field(field.name)
        put(draft, value)
