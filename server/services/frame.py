"""What every method that reaches a provider does before and after: resolve the model, set the terms, conclude."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Generic, Literal, TypeVar

import grpc
from aignehub.v1 import options_pb2
from aignehub.v1.options_pb2 import GatewayOptions
from aignehub.v1.usage_pb2 import GatewayInfo, Usage
from google.protobuf.message import Message

from server.calls import CurrentCall, current_call
from server.errors import DeadlineExceeded, InvalidArgument, OneOfSeveral, PermissionDenied
from server.identity.rights import Rights
from server.phases import put_seconds
from server.routing.attempt import Terms
from server.routing.catalogue import Catalogue, Modality
from server.routing.dispatch import Dispatch
from server.routing.fit import Facts, Needs, fitting
from server.routing.live import Live
from server.routing.plan import Plan
from server.routing.plans import Plans
from server.routing.policies import Policy
from server.routing.resolve import NO_WISHES, Wishes, plan_call
from server.services.replays import Replays
from server.services.unbuilt import refuse_unbuilt_options

M = TypeVar("M", bound=Message)
E = TypeVar("E")
Context = grpc.aio.ServicerContext[Any, Any]

_EXTRA_BODY_RIGHT = "aignehub.v1.GatewayOptions/extra_body_json"
_NO_RIGHTS = Rights((), ())


@dataclass(frozen=True, slots=True)
class Frame:
    """What the services of the data plane share."""

    live: Live
    dispatch: Dispatch
    max_call_seconds: float
    """Longest call, also where the caller set no deadline."""
    facts: Facts | None = None
    """What is known of models; None where nothing is."""
    replays: Replays = field(default_factory=Replays)
    shares_port: bool = False
    """Other processes answer calls as well, and what this one keeps is unknown to them."""
    plans: Plans = field(init=False)

    def __post_init__(self) -> None:
        """Begins without a plan."""
        object.__setattr__(self, "plans", Plans(self.dispatch.order))

    @property
    def catalogue(self) -> Catalogue:
        """The providers in use just now."""
        return self.live.now.catalogue

    def once(self, request: Message, gateway: GatewayOptions, make: Callable[[], Awaitable[M]]) -> Awaitable[M]:
        """What ``make`` answers; under an idempotency key, made once for all repeats of ``request``."""
        if not gateway.idempotency_key:
            return make()
        if self.shares_port:
            raise OneOfSeveral.cannot("gateway.idempotency_key", "a repeat may reach another worker and be made again")
        return self.replays.once(gateway.idempotency_key, request, make)

    def plan(
        self, model: str, gateway: GatewayOptions, modality: Modality, needs: Callable[[], Needs] | None = None
    ) -> Plan:
        """The plan for ``model``, or for the default of ``modality`` where that is empty.

        The caller's rights are judged for every candidate; those that are known not to serve ``needs`` are left out.
        Raises Unimplemented or PermissionDenied for options, InvalidArgument where there is neither a model nor a
        default, and what ``plan_call`` and ``fitting`` raise.
        """
        began = perf_counter()
        call = current_call.get()
        rights = caller_rights()
        wishes = _wishes(gateway, rights)
        configuration = self.live.now
        model = model or configuration.defaults.get(modality, "")
        if not model:
            raise InvalidArgument.field("model", "name a model, as provider/model; this hub has no default")
        call.request_model = model
        if wishes is NO_WISHES:
            plan = self.plans.plan(configuration, model, rights, modality)
        else:
            order, policy = self.dispatch.order, configuration.rules.policy
            plan = plan_call(configuration.catalogue, model, rights, modality, wishes, order=order, policy=policy)
        if needs is not None and self.facts is not None:
            plan = fitting(plan, needs, self.facts)
        call.provider = plan.candidates[0].provider.name
        call.phases.add("resolve", perf_counter() - began)
        return plan

    def terms(self, context: Context) -> Terms:
        """Deadline, id and phases of the call in progress. Raises DeadlineExceeded where no time is left."""
        call = current_call.get()
        budget, remaining = self.max_call_seconds, context.time_remaining()
        if remaining is not None and remaining < budget:
            budget = remaining
        # Ending a little before the caller's own deadline lets the status with its details still reach it.
        budget -= min(0.05, budget * 0.05)
        if budget <= 0:
            raise DeadlineExceeded("the deadline passed before the call began; allow more time")
        return Terms(self.dispatch.clock() + budget, call.request_id, call.phases, call.traceparent)


def _wishes(gateway: GatewayOptions, rights: Rights) -> Wishes:
    """What the caller asks of routing, once every option is known to be served and allowed."""
    if not gateway.ListFields():
        return NO_WISHES
    refuse_unbuilt_options(gateway)
    if gateway.extra_body_json and not rights.allows_method(_EXTRA_BODY_RIGHT):
        raise PermissionDenied(
            f"this key may not use gateway.extra_body_json; its allowed_methods need {_EXTRA_BODY_RIGHT}"
        )
    return wishes_of(gateway)


def wishes_of(gateway: GatewayOptions) -> Wishes:
    """What the caller asks of routing."""
    if not gateway.ListFields():
        return NO_WISHES
    return Wishes(
        fallback_models=tuple(gateway.fallback_models),
        providers=tuple(gateway.providers),
        policy=_POLICIES.get(gateway.routing),
        attempt_timeout=_seconds(gateway, "attempt_timeout"),
        hedge_after=_seconds(gateway, "hedge_after"),
    )


_POLICIES = {
    options_pb2.ROUTING_POLICY_ORDER: Policy.ORDER,
    options_pb2.ROUTING_POLICY_PRICE: Policy.PRICE,
    options_pb2.ROUTING_POLICY_LATENCY: Policy.LATENCY,
    options_pb2.ROUTING_POLICY_THROUGHPUT: Policy.THROUGHPUT,
}


def _seconds(gateway: GatewayOptions, field: Literal["attempt_timeout", "hedge_after"]) -> float | None:
    return getattr(gateway, field).ToTimedelta().total_seconds() if gateway.HasField(field) else None


def caller_rights() -> Rights:
    """Rights of the caller of the call in progress."""
    caller = current_call.get().caller
    return caller.rights if caller else _NO_RIGHTS


def conclude(call: CurrentCall, gateway: GatewayInfo, usage: Usage) -> None:
    """Tells the caller the id and the hub's own share of the time, and the log line what was used."""
    gateway.request_id = call.request_id
    call.provider = gateway.provider or call.provider
    overhead = max(0.0, call.phases.total() - call.phases.spent("upstream"))
    put_seconds(gateway.gateway_duration, overhead)
    call.input_tokens = usage.input_tokens
    call.output_tokens = usage.output_tokens
    if (made := len(gateway.attempts)) > 1:
        call.attempts, call.credential = made, gateway.attempts[-1].credential


class FirstAndLast(Generic[E]):
    """What a stream of a call is listened to for: when it began, and what it used."""

    def __init__(self, call: CurrentCall) -> None:
        self.call = call
        self._first_at = 0.0

    def began(self, _event: E) -> None:
        """See Listener."""
        self._first_at = self.call.phases.total()

    def conclude(self, gateway: GatewayInfo, usage: Usage) -> None:
        """As ``conclude`` does, and tells when the stream began."""
        conclude(self.call, gateway, usage)
        gateway.time_to_first_token.FromMicroseconds(int(self._first_at * 1_000_000))
