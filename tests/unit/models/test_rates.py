"""What a call costs: sums over whole numbers, held against fractions that never round."""

import timeit
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any, get_args

import pytest
from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1 import usage_pb2
from aignehub.v1.usage_pb2 import ModalityTokens, Usage
from hypothesis import given
from hypothesis import strategies as st

from server.models.bundled import price_list
from server.models.rates import Rates, cost_nano_usd
from server.models.vocabulary import MODALITIES, PRICES

USD = 1_000_000_000


def rates(*bands: dict[str, int], tiers: dict[str, dict[str, int]] | None = None, tier: str = "") -> Rates:
    prices = [*price_list(bands), *(one for name, band in (tiers or {}).items() for one in price_list([band], name))]
    found = Rates.of(prices, tier)
    assert found
    return found


def usage(audio_seconds: float | None = None, **counts: Any) -> Usage:
    made = Usage(**counts)
    if audio_seconds is not None:
        made.billed_audio_duration.FromNanoseconds(round(audio_seconds * 1e9))
    return made


def split(**tokens: int) -> list[ModalityTokens]:
    return [ModalityTokens(modality=MODALITIES[name], tokens=number) for name, number in tokens.items()]


CHAT = {"input": 3 * USD, "output": 15 * USD, "cached_input": 300_000_000, "cache_write": 3_750_000_000}


@pytest.mark.parametrize(
    ("used", "prices", "cost"),
    [
        (usage(input_tokens=1000, output_tokens=500), [CHAT], 1000 * 3000 + 500 * 15000),
        # Cached and written tokens are part of the input and are not paid twice.
        (usage(input_tokens=1000, cached_input_tokens=400, cache_write_input_tokens=100), [CHAT], 1_995_000),
        # An hour in the cache costs more, where the provider tells how much was kept so long.
        (
            usage(input_tokens=100, cache_write_input_tokens=100, cache_write_1h_input_tokens=40),
            [{**CHAT, "cache_write_1h": 6 * USD}],
            60 * 3750 + 40 * 6000,
        ),
        # What has no price of its own costs what its modality costs.
        (usage(input_tokens=10, cached_input_tokens=4), [{"input": USD}], 10_000),
        # The bound is passed by a token more, and then holds for all of them.
        (usage(input_tokens=200_000), [{"input": USD}, {"above": 200_000, "input": 2 * USD}], 200_000_000),
        (usage(input_tokens=200_001), [{"input": USD}, {"above": 200_000, "input": 2 * USD}], 400_002_000),
        # A price that has no second step holds above the bound as well.
        (usage(input_tokens=300_000, output_tokens=1), [CHAT, {"above": 200_000, "input": 6 * USD}], 1_800_015_000),
        (
            usage(input_tokens=30, input_by_modality=split(text=10, audio=20)),
            [{"input": USD, "input_audio": 10 * USD}],
            10_000 + 200_000,
        ),
        # Cached tokens are text first.
        (
            usage(input_tokens=30, cached_input_tokens=15, input_by_modality=split(text=10, image=20)),
            [{"input": 8 * USD, "input_image": 4 * USD, "cached_input": 2 * USD, "cached_input_image": USD}],
            10 * 2000 + 5 * 1000 + 15 * 4000,
        ),
        (usage(output_tokens=10, reasoning_output_tokens=4), [{"output": USD, "reasoning_output": 2 * USD}], 14_000),
        (usage(output_tokens=10, reasoning_output_tokens=4), [{"output": USD}], 10_000),
        (
            usage(output_tokens=12, output_by_modality=split(text=2, image=10)),
            [{"output": USD, "output_image": 30 * USD}],
            302_000,
        ),
        # Billed by something else than tokens: tokens that were estimated beside it are not paid.
        (usage(billed_characters=2_000, input_tokens=500), [{"characters": 15 * USD}], 30_000_000),
        (usage(audio_seconds=90, input_tokens=7), [{"audio_hour": 360_000_000}], 9_000_000),
        (usage(audio_seconds=90), [{"audio_minute": 6_000_000}], 9_000_000),
        (usage(billed_images=3), [{"image": 40_000_000}], 120_000_000),
        (usage(input_tokens=1, output_tokens=1), [{"input": USD, "output": USD, "call": 12_000_000}], 12_002_000),
        (
            usage(input_tokens=1, server_tool_calls={"web_search_requests": 2, "file_search": 1}),
            [{"input": USD, "web_search": 10_000_000, "file_search": 2_500_000}],
            22_501_000,
        ),
        # Half a nano-dollar is rounded up, once.
        (usage(input_tokens=1), [{"input": 500_000}], 1),
        (usage(input_tokens=1), [{"input": 499_999}], 0),
        (usage(), [CHAT], 0),
    ],
)
def test_a_sum(used: Usage, prices: list[dict[str, int]], cost: int) -> None:
    assert cost_nano_usd(used, rates(*prices)) == cost


@pytest.mark.parametrize(
    ("used", "prices"),
    [
        (usage(input_tokens=5, output_tokens=5), {"input": USD}),  # nobody told what output costs
        (usage(input_tokens=5), {"output": USD}),
        (usage(input_tokens=5), {"audio_hour": USD}),  # billed by time, and no time was told
        (usage(billed_images=1), {"input": USD, "output": USD}),  # billed by tokens, and none were told
        (usage(input_tokens=1, server_tool_calls={"web_search": 1}), {"input": USD}),
        (usage(input_tokens=1, server_tool_calls={"code_execution": 1}), {"input": USD, "web_search": 1}),
        (usage(billed_characters=5), {"call": 5}),
    ],
)
def test_a_part_without_a_price_makes_the_whole_unknown(used: Usage, prices: dict[str, int]) -> None:
    assert cost_nano_usd(used, rates(prices)) is None


def test_a_tool_that_was_not_called_needs_no_price() -> None:
    assert cost_nano_usd(usage(input_tokens=1, server_tool_calls={"x": 0}), rates({"input": USD})) == 1000


def test_a_service_tier_has_its_own_prices_and_shares_the_others() -> None:
    tiers = {"flex": {"input": USD}, "priority": {"input": 9 * USD}}
    used = usage(input_tokens=10, output_tokens=10)
    costs = {
        tier: cost_nano_usd(used, rates({"input": 2 * USD, "output": USD}, tiers=tiers, tier=tier))
        for tier in ("", "flex", "priority", "unheard-of")
    }
    assert costs == {"": 30_000, "flex": 20_000, "priority": 100_000, "unheard-of": 30_000}


def test_no_prices_are_no_rates() -> None:
    assert Rates.of([]) is None
    assert Rates.of(price_list([{"input": 1}], "flex")) is None


PER_MILLION = {"input", "output", "cached_input", "cache_write", "cache_write_1h", "reasoning_output", "input_audio",
               "output_audio", "cached_input_audio", "input_image", "output_image", "cached_input_image",
               "input_video", "output_video"}  # fmt: skip
prices_of_tokens = st.dictionaries(st.sampled_from(sorted(PER_MILLION)), st.integers(0, 10**12)).map(
    lambda some: {"input": 1_234_567, "output": 7_654_321, **some}
)
counts = st.integers(0, 2**20)


def pools_of(total: int, parts: Any, side: str, band: dict[str, int]) -> dict[str, int]:
    pools = {"": total}
    for part in parts:
        name = usage_pb2.Modality.Name(part.modality).removeprefix("MODALITY_").lower()
        if f"{side}_{name}" in band:
            moved = min(part.tokens, pools[""])
            pools[""] -= moved
            pools[name] = pools.get(name, 0) + moved
    return pools


def drawn(pools: dict[str, int], amount: int) -> dict[str, int]:
    taken = {}
    for name, held in list(pools.items()):
        taken[name] = min(amount, held)
        amount -= taken[name]
        pools[name] -= taken[name]
    return taken


def exact(used: Usage, band: dict[str, int]) -> Fraction:
    """The rules of the docstring once more, in other words and in fractions."""

    def price(*words: str) -> Fraction:
        return Fraction(next(band[word] for word in words if word in band), 1_000_000)

    cost = Fraction(0)
    read = pools_of(used.input_tokens, used.input_by_modality, "input", band)
    hour = min(used.cache_write_1h_input_tokens, used.cache_write_input_tokens)
    for name, tokens in drawn(read, used.cached_input_tokens).items():
        cost += tokens * price(f"cached_input_{name}", "cached_input", f"input_{name}", "input")
    for name, tokens in drawn(read, hour).items():
        cost += tokens * price("cache_write_1h", "cache_write", f"input_{name}", "input")
    for name, tokens in drawn(read, used.cache_write_input_tokens - hour).items():
        cost += tokens * price("cache_write", f"input_{name}", "input")
    cost += sum(tokens * price(f"input_{name}", "input") for name, tokens in read.items())
    made = pools_of(used.output_tokens, used.output_by_modality, "output", band)
    thought = min(used.reasoning_output_tokens, made[""]) if "reasoning_output" in band else 0
    made[""] -= thought
    cost += thought * price("reasoning_output", "output")
    return cost + sum(tokens * price(f"output_{name}", "output") for name, tokens in made.items())


@given(
    prices_of_tokens, counts, counts, counts, counts, counts, counts,
    st.lists(st.tuples(st.sampled_from(["text", "image", "audio", "video", "document"]), counts), max_size=4),
)  # fmt: skip
def test_tokens_cost_what_fractions_say(
    band: dict[str, int], read: int, made: int, cached: int, written: int, hour: int, thought: int, parts: Any
) -> None:
    used = usage(
        input_tokens=read, output_tokens=made, cached_input_tokens=cached, cache_write_input_tokens=written,
        cache_write_1h_input_tokens=hour, reasoning_output_tokens=thought,
        input_by_modality=[one for name, number in parts for one in split(**{name: number})],
        output_by_modality=[one for name, number in reversed(parts) for one in split(**{name: number})],
    )  # fmt: skip
    assert cost_nano_usd(used, rates(band)) == floor(exact(used, band) + Fraction(1, 2))


@given(st.integers(1, 10**13), st.integers(0, 10**15), st.integers(0, 10**6), st.integers(1, 10**9))
def test_time_characters_and_calls_cost_what_fractions_say(hour: int, nanos: int, characters: int, each: int) -> None:
    used = Usage(billed_characters=characters, billed_images=3)
    used.billed_audio_duration.FromNanoseconds(nanos)
    found = cost_nano_usd(used, rates({"audio_hour": hour, "characters": each, "image": each, "call": each}))
    exactly = Fraction(hour * nanos, 3_600_000_000_000) + Fraction(characters * each, 10**6) + 4 * each
    assert found == floor(exactly + Fraction(1, 2))


@given(st.lists(st.integers(1, 1_000_000), unique=True, max_size=4), st.integers(0, 1_100_000), st.integers(0, 10**12))
def test_the_highest_bound_below_the_input_decides(bounds: list[int], read: int, output: int) -> None:
    bands = [{"input": 10**6, "output": output}, *({"above": bound, "input": bound * 10**6} for bound in bounds)]
    passed = max((bound for bound in bounds if read > bound), default=1)
    assert cost_nano_usd(usage(input_tokens=read), rates(*bands)) == read * passed


@given(prices_of_tokens, counts, counts)
def test_more_tokens_never_cost_less(band: dict[str, int], read: int, more: int) -> None:
    fewer = cost_nano_usd(usage(input_tokens=read), rates(band))
    assert fewer is not None
    assert fewer <= (cost_nano_usd(usage(input_tokens=read + more), rates(band)) or 0)


def test_a_sum_takes_microseconds() -> None:
    made = rates(CHAT, {"above": 200_000, "input": 6 * USD})
    used = usage(input_tokens=1000, output_tokens=200, cached_input_tokens=300, reasoning_output_tokens=50)
    seconds = min(timeit.repeat(lambda: cost_nano_usd(used, made), number=200, repeat=5)) / 200
    assert seconds < 100e-6  # 5 on an idle machine


def test_every_word_of_prices_is_a_unit_of_its_own() -> None:
    assert len(set(PRICES.values())) == len(PRICES) == len(pb.PriceUnit.keys()) - 1
    assert pb.PRICE_UNIT_UNSPECIFIED not in PRICES.values()


def test_settings_and_data_use_the_same_words() -> None:
    from server.config.models import PRICE_WORDS, Capability
    from server.models.vocabulary import CAPABILITIES, VISION

    assert set(PRICE_WORDS) == set(PRICES)
    assert set(get_args(Capability)) == {*CAPABILITIES, VISION}
    assert len(set(CAPABILITIES.values())) == len(pb.ModelCapability.keys()) - 1


def test_a_price_in_dollars_is_a_whole_number_of_nano_dollars() -> None:
    from server.config.models import ModelFacts
    from server.models.served import Served
    from server.models.told import operators_model

    told = operators_model(ModelFacts(prices={"input": Decimal("0.075"), "call": Decimal("1e-9")}), Served(), "x")
    assert [price.nano_usd for price in told.prices] == [75_000_000, 1]
