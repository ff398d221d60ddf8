"""A body in the making."""

from typing import Any

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire.chat.adjustments import Adjustments
from server.wire.chat.knobs import ModelRule
from server.wire.cohere.rules import MODEL_RULES
from server.wire.cohere.words import PROVIDER

_KNOBS = frozenset({"temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed"})


class Draft:
    """What the parts of one request's encoding share."""

    __slots__ = ("body", "documents", "files", "model", "notes", "request", "stream")

    def __init__(self, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> None:
        rules: tuple[ModelRule, ...] = MODEL_RULES
        self.request = request
        self.model = model
        self.stream = stream
        self.body: dict[str, Any] = {"model": model}
        self.documents: list[dict[str, Any]] = []
        """Documents of the conversation, in the order of its file parts."""
        self.files = 0
        """File parts so far, those in results of tools included."""
        self.notes = Adjustments(request, model, host=PROVIDER, knobs=_KNOBS, rules=rules)
