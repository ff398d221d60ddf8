"""Prices of genai-prices, in the hub's own words."""

from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest

genai: Any = pytest.importorskip("genai_prices.types", reason="genai-prices is not installed")

BASE = {"names": ["m"]}


def told(prices: Any, **more: Any) -> dict[str, Any]:
    from tools.models.prices import _model

    return _model(genai.ModelInfo(id="m", match=genai.ClauseEquals(equals="M"), prices=prices, **more))


def plain(**prices: Any) -> Any:
    return genai.ModelPrice(**{key: Decimal(str(price)) for key, price in prices.items()})


def test_prices_become_whole_nano_dollars() -> None:
    found = told(plain(input_mtok="0.075", output_mtok=10, requests_kcount=12, audio_hours="0.36"))
    assert found == {
        "id": "m",
        **BASE,
        "prices": [{"input": 75_000_000, "output": 10_000_000_000, "call": 12_000_000, "audio_hour": 360_000_000}],
    }


def test_steps_become_bands() -> None:
    stepped = genai.TieredPrices(base=Decimal(1), tiers=[genai.Tier(start=200_000, price=Decimal(2))])
    found = told(genai.ModelPrice(input_mtok=stepped, output_mtok=Decimal(5)))
    assert found["prices"] == [
        {"input": 1_000_000_000, "output": 5_000_000_000},
        {"above": 200_000, "input": 2_000_000_000},
    ]


def test_what_is_over_is_left_out_and_what_is_to_come_is_kept() -> None:
    past, ahead = genai.StartDateConstraint(date(2020, 1, 1)), genai.StartDateConstraint(date(2200, 1, 1))
    night = genai.TimeOfDateConstraint(time(1), time(4))
    found = told(
        [
            genai.ConditionalPrice(prices=plain(input_mtok=9)),
            genai.ConditionalPrice(past, prices=plain(input_mtok=1)),
            genai.ConditionalPrice(ahead, prices=plain(input_mtok=2)),
            genai.ConditionalPrice(night, prices=plain(input_mtok=3)),
        ]
    )
    assert found["prices"] == [{"input": 1_000_000_000}]
    assert found["timed"] == [
        {"from": "2200-01-01", "prices": [{"input": 2_000_000_000}]},
        {"hours": ["01:00", "04:00"], "prices": [{"input": 3_000_000_000}]},
    ]


def test_service_tiers_are_kept_and_batches_are_not() -> None:
    flex = genai.PriceVariant({"service_tier": "flex"}, plain(input_mtok=1))
    batch = genai.PriceVariant({"processing": "batch"}, plain(input_mtok=1))
    same = genai.PriceVariant({"service_tier": "default"}, genai.ModelPrice())
    found = told(plain(input_mtok=2), price_variants=[same, flex, batch])
    assert found["tiers"] == {"flex": [{"input": 1_000_000_000}]}


def test_no_price_is_told_where_a_part_of_the_bill_cannot_be_counted() -> None:
    assert "prices" not in told(plain(input_mtok=2, output_citation_mtok=1))


def test_clauses_become_alternatives() -> None:
    from tools.models.prices import _names

    clause = genai.ClauseOr(
        [
            genai.ClauseEquals("A"),
            genai.ClauseOr([genai.ClauseStartsWith("b"), genai.ClauseEndsWith("c")]),
            genai.ClauseContains("d"),
            genai.ClauseRegex("^e$"),
            genai.ClauseAnd([genai.ClauseStartsWith("f"), genai.ClauseEquals("fg")]),
        ]
    )
    assert _names(clause) == {
        "names": ["a"], "starts": ["b"], "ends": ["c"], "holds": ["d"], "patterns": ["^e$"],
        "all": [[{"starts": ["f"]}, {"names": ["fg"]}]],
    }  # fmt: skip
