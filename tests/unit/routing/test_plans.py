"""Which plans are kept, and what ends that."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from server.errors import ModelNotAllowed
from server.identity.rights import Rights
from server.routing.catalogue import Candidate, Catalogue, Group, Modality, Provider
from server.routing.live import Configuration
from server.routing.plans import Plans
from server.routing.policies import Policy
from server.transport.endpoint import Credential

_ALL, _ONE = Rights(models=("*",)), Rights(models=("a/m",))


class _Turning:
    """An order that is another each time."""

    asked = 0

    def __call__(self, candidates: Sequence[Candidate], _: Policy) -> list[Candidate]:
        self.asked += 1
        turn = self.asked % len(candidates)
        return [*candidates[turn:], *candidates[:turn]]


def _configuration(policy: Policy | None = None) -> Configuration:
    chat: object = object()
    providers = tuple(Provider(name, "openai", (Credential("k", "s"),), chat=chat) for name in "ab")  # type: ignore[arg-type]
    groups = {"both": Group((("a/m", 100), ("b/m", 100)), policy)}
    return Configuration(Catalogue(providers, frozenset({"openai"}), groups))


def test_a_plan_without_a_choice_is_made_once() -> None:
    order, now = _Turning(), _configuration()
    plans = Plans(order)
    assert plans.plan(now, "a/m", _ALL, Modality.CHAT) is plans.plan(now, "a/m", _ALL, Modality.CHAT)
    assert plans.plan(now, "both", _ALL, Modality.CHAT) is plans.plan(now, "both", _ALL, Modality.CHAT)
    assert order.asked == 2


def test_an_order_that_changes_is_asked_for_each_time() -> None:
    plans, now = Plans(_Turning()), _configuration(Policy.LATENCY)
    first = [plans.plan(now, "both", _ALL, Modality.CHAT).candidates[0].id for _ in range(4)]
    assert first == ["b/m", "a/m", "b/m", "a/m"]


def test_other_rights_have_another_plan() -> None:
    plans, now = Plans(_Turning()), _configuration()
    assert len(plans.plan(now, "both", _ALL, Modality.CHAT).candidates) == 2
    assert [one.id for one in plans.plan(now, "both", _ONE, Modality.CHAT).candidates] == ["a/m"]
    plans.plan(now, "b/m", _ALL, Modality.CHAT)
    for _ in range(2):
        with pytest.raises(ModelNotAllowed):
            plans.plan(now, "b/m", _ONE, Modality.CHAT)


def test_another_configuration_has_other_plans() -> None:
    plans, now = Plans(_Turning()), _configuration()
    before = plans.plan(now, "a/m", _ALL, Modality.CHAT)
    later = replace(now, catalogue=replace(now.catalogue, providers=now.catalogue.providers[::-1]))
    assert plans.plan(later, "a/m", _ALL, Modality.CHAT) is not before


def test_names_that_callers_make_up_do_not_fill_the_memory() -> None:
    plans, now = Plans(_Turning()), _configuration()
    for number in range(10_000):
        plans.plan(now, f"a/{number}", _ALL, Modality.CHAT)
    assert len(plans._known) <= 4096
