"""A few seconds of the drill, and that its verdict bites."""

import pytest

from tests.drill.calls import Made
from tests.drill.providers import Providers, answer_to
from tests.drill.proxy import FaultProxy
from tests.drill.run import Plan, run
from tests.drill.verdict import judge, lines
from tests.running import Failure


async def test_a_short_drill() -> None:
    verdict, injected = await run(
        Plan(seconds=4, seed=4, share=0.25, kinds=("openai", "anthropic", "gemini", "mistral"))
    )
    assert verdict.passed, "\n".join(lines(verdict, injected))
    assert verdict.answered > 100
    assert sum(injected.values()) > 20


def _judged(call: Made, *faults: tuple[str, str], completed: int = 1) -> list[str]:
    proxy, providers = FaultProxy(0, 0.0, 0), Providers(())
    proxy.journeys[call.number].faults.extend(faults)
    providers.completed[call.number] = completed
    verdict = judge([call], proxy, providers)
    assert not verdict.passed or not (verdict.wrong or verdict.twice)
    return verdict.wrong + verdict.twice


def _failed(code: str, reason: str, *, stream: bool = False) -> Made:
    told = Failure.__new__(Failure)
    told.reason, told.message = reason, "no"
    return Made(1, "openai", stream, failed=told, code=code)


@pytest.mark.parametrize(
    ("call", "faults", "completed"),
    [
        (Made(1, "openai", stream=False, text="something else"), [("a", "")], 1),
        (Made(1, "openai", stream=False, text=answer_to(1)), [("a", ""), ("b", "")], 2),
        (_failed("UNKNOWN", ""), [("a", "reset"), ("b", "reset")], 0),
        (_failed("UNAVAILABLE", "PROVIDER_UNAVAILABLE"), [("a", "status_503")], 0),
        (_failed("UNAVAILABLE", "PROVIDER_UNAVAILABLE", stream=True), [("a", "garbage")], 0),
    ],
)
def test_what_is_wrong_is_told(call: Made, faults: list[tuple[str, str]], completed: int) -> None:
    assert _judged(call, *faults, completed=completed)


@pytest.mark.parametrize(
    ("call", "faults", "completed"),
    [
        (Made(1, "openai", stream=True, text=answer_to(1)), [("a", "reset"), ("b", "")], 1),
        (_failed("INTERNAL", "PROVIDER_BAD_RESPONSE"), [("a", "garbage")], 0),
        (_failed("UNAVAILABLE", "PROVIDER_UNAVAILABLE"), [("a", "status_503"), ("b", "reset")], 0),
    ],
)
def test_what_is_right_is_not(call: Made, faults: list[tuple[str, str]], completed: int) -> None:
    assert not _judged(call, *faults, completed=completed)
