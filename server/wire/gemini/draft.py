"""A request in the making."""

from typing import Any

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire.chat.adjustments import Adjustments
from server.wire.gemini.host import Host


class Draft:
    """The body so far. ``config`` becomes its ``generationConfig``."""

    __slots__ = ("body", "config", "host", "model", "notes", "request", "stream")

    def __init__(self, request: CreateChatCompletionRequest, model: str, host: Host, *, stream: bool) -> None:
        self.request = request
        self.model = model
        self.host = host
        self.stream = stream
        self.body: dict[str, Any] = {}
        self.config: dict[str, Any] = {}
        self.notes = Adjustments(request, model, host=host.name, knobs=host.knobs, rules=host.model_rules)
