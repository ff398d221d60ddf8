"""What host or model has no place for, and what was left out of a chat request because of that."""

from collections.abc import Sequence, Set

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire.chat.knobs import ModelRule
from server.wire.drops import Drops


class Adjustments(Drops):
    """The drops of one request, judged by the tuning fields that its host and its model take."""

    __slots__ = ("_host", "_knobs", "_model", "_request", "_rules")

    def __init__(
        self,
        request: CreateChatCompletionRequest,
        model: str,
        *,
        host: str,
        knobs: Set[str],
        rules: Sequence[ModelRule] = (),
    ) -> None:
        """``knobs`` are the fields that ``host`` takes; ``rules`` say what its models refuse of them."""
        super().__init__(strict=request.gateway.strict_parameters)
        self._request = request
        self._model = model
        self._host = host
        self._knobs = knobs
        self._rules = rules

    def takes(self, knob: str) -> bool:
        """True where host and model take a tuning field; else it is noted as dropped."""
        why = self.refusal(knob)
        if why:
            self.drop(knob, why)
        return not why

    def refusal(self, knob: str) -> str:
        """Why host or model does not take a tuning field; empty where they do."""
        if knob not in self._knobs:
            return f"{self._host} has no such parameter"
        return self.model_refusal(knob)

    def model_refusal(self, knob: str) -> str:
        """Why the model does not take what its host takes; empty where it does."""
        return f"the model {self._model} does not take it" if self._rule(knob) else ""

    def fixes(self, knob: str) -> bool:
        """True where the model does not even take the usual default of a tuning field."""
        rule = self._rule(knob)
        return rule is not None and rule.fixed

    def _rule(self, knob: str) -> ModelRule | None:
        for rule in self._rules:
            if knob not in rule.refuses or not rule.models.match(self._model):
                continue
            if not (rule.unless_effort_none and self._reasons_not(rule)):
                return rule
        return None

    def _reasons_not(self, rule: ModelRule) -> bool:
        told = self._request.reasoning
        if told.effort:
            return told.effort == chat_pb2.REASONING_EFFORT_NONE
        return told.mode == chat_pb2.REASONING_MODE_OFF or (rule.off_by_default and not told.mode)
