"""A body in the making, and what its making must know."""

from dataclasses import replace
from typing import Any

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire.anthropic.dialect import Dialect
from server.wire.anthropic.models import model_facts
from server.wire.chat.adjustments import Adjustments

_KNOBS = frozenset(
    {
        "temperature",
        "top_p",
        "top_k",
        "stop",
        "parallel_tool_calls",
        "service_tier",
        "safety_identifier",
        "user",
        "prompt_cache_ttl",
    }
)


class Draft:
    """What the parts of an encoding share."""

    __slots__ = ("betas", "body", "dialect", "facts", "model", "notes", "request", "stream")

    def __init__(self, request: CreateChatCompletionRequest, model: str, dialect: Dialect, *, stream: bool) -> None:
        self.request = request
        self.model = model
        facts = model_facts(model)
        self.facts = facts if dialect.structured else replace(facts, structured=False)
        self.dialect = dialect
        self.stream = stream
        self.body: dict[str, Any] = {}
        self.notes = Adjustments(request, model, host=dialect.name, knobs=_KNOBS)
        self.betas = list(dialect.betas)

    def needs_beta(self, name: str) -> None:
        """Asks for a feature that is not general yet: https://platform.claude.com/docs/en/api/beta-headers."""
        if name not in self.betas:
            self.betas.append(name)

    @property
    def max_tokens(self) -> int:
        """The limit of the answer: the API wants one, so that without the caller's it is the most the model gives."""
        request = self.request
        return request.max_completion_tokens if request.HasField("max_completion_tokens") else self.facts.max_output

    @property
    def thinks_by_budget(self) -> bool:
        """True once reasoning was put into the body with a budget, which forbids what else would steer the model."""
        thinking = self.body.get("thinking")
        return thinking is not None and thinking["type"] == "enabled"
