"""Plans that come out the same for every call, kept while the configuration stays."""

from server.identity.rights import Rights
from server.routing.catalogue import Modality
from server.routing.live import Configuration
from server.routing.plan import Plan
from server.routing.policies import Policy
from server.routing.resolve import Order, plan_call

_MOST = 4096
"""Names of models come from callers; past so many, all are forgotten."""


class Plans:
    """Plans of calls that ask nothing of routing, by model, modality and the models of the caller's rights."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._configuration: Configuration | None = None
        self._known: dict[tuple[str, Modality, tuple[str, ...]], Plan] = {}

    def plan(self, configuration: Configuration, model: str, rights: Rights, modality: Modality) -> Plan:
        """As ``plan_call`` makes it, anew where the order of its candidates changes from call to call."""
        if configuration is not self._configuration or len(self._known) >= _MOST:
            self._configuration, self._known = configuration, {}
        place = (model, modality, rights.models)
        plan = self._known.get(place)
        if plan is None:
            catalogue, policy = configuration.catalogue, configuration.rules.policy
            plan = plan_call(catalogue, model, rights, modality, order=self._order, policy=policy)
            if len(plan.candidates) == 1 or (catalogue.policy_of(model) or policy) is Policy.ORDER:
                self._known[place] = plan
        return plan
