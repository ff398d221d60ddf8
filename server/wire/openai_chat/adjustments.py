"""What host or model has no place for, and what was left out of the request because of that."""

from typing import TYPE_CHECKING

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import InvalidArgument

if TYPE_CHECKING:
    from server.wire.openai_chat.dialect import Dialect


class Adjustments:
    """The list a caller is told, or, for a strict caller, the refusal."""

    __slots__ = ("_dialect", "_model", "_request", "fields", "strict")

    def __init__(self, request: CreateChatCompletionRequest, model: str, dialect: "Dialect") -> None:
        self._request = request
        self._model = model
        self._dialect = dialect
        self.strict = request.gateway.strict_parameters
        self.fields: list[str] = []

    def drop(self, path: str, why: str) -> None:
        """Notes that the field is not sent as asked. Raises InvalidArgument naming it where the caller is strict."""
        if self.strict:
            raise InvalidArgument.field(path, f"{why}; leave it unset or turn gateway.strict_parameters off")
        if path not in self.fields:
            self.fields.append(path)

    def takes(self, knob: str) -> bool:
        """True where host and model take a tuning field; else it is noted as dropped."""
        why = self.refusal(knob)
        if why:
            self.drop(knob, why)
        return not why

    def refusal(self, knob: str) -> str:
        """Why host or model does not take a tuning field; empty where they do."""
        if knob not in self._dialect.knobs:
            return f"{self._dialect.name} has no such parameter"
        return self.model_refusal(knob)

    def model_refusal(self, knob: str) -> str:
        """Why the model does not take what its host takes; empty where it does."""
        for rule in self._dialect.model_rules:
            if knob in rule.refuses and rule.models.match(self._model):
                off = self._request.reasoning.effort == chat_pb2.REASONING_EFFORT_NONE
                if not (rule.unless_effort_none and off):
                    return f"the model {self._model} does not take it"
        return ""
