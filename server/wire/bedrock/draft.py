"""A Converse request in the making, and what its making must know."""

from collections.abc import Sequence
from typing import Any

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire.bedrock.families import family_of
from server.wire.chat.adjustments import Adjustments

PROVIDER = "bedrock"
"""The kind of provider: reasoning and blocks that were read from its answers carry this name."""

_KNOBS = frozenset({"service_tier", "metadata", "parallel_tool_calls"})


class Draft:
    """What the parts of an encoding share."""

    __slots__ = ("body", "family", "forbids_tools", "model", "notes", "request", "stream")

    def __init__(self, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> None:
        self.request = request
        self.model = model
        self.family = family_of(model)
        self.stream = stream
        self.body: dict[str, Any] = {}
        self.forbids_tools = False
        """The tools in the body are there for the conversation's sake, and none is to be called."""
        self.notes = Adjustments(request, model, host=PROVIDER, knobs=_KNOBS | self.family.extras.keys())

    def put(self, field: str, name: str, value: Any) -> None:
        """Sets ``name`` in a field of the body that is an object."""
        self.body.setdefault(field, {})[name] = value

    def put_extra(self, path: Sequence[str], value: Any) -> None:
        """Sets a field of the model's own, which Converse hands on to it."""
        place = self.body.setdefault("additionalModelRequestFields", {})
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = value

    def drop_extra(self, name: str) -> None:
        """Takes such a field back."""
        extras = self.body.get("additionalModelRequestFields", {})
        if extras.pop(name, None) is not None and not extras:
            del self.body["additionalModelRequestFields"]

    @property
    def thinks_by_budget(self) -> bool:
        """True once a budget of reasoning was set, which forbids much that would steer the model otherwise.

        https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
        """
        thinking = self.body.get("additionalModelRequestFields", {}).get("thinking", {})
        return bool(thinking.get("type") == "enabled")
