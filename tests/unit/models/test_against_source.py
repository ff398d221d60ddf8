"""The data and the sums against the package they were written from, model by model."""

import random
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from aignehub.v1.usage_pb2 import Usage

from server.models.bundled import Bundled
from server.models.rates import Rates, cost_nano_usd

genai = pytest.importorskip("genai_prices", reason="genai-prices is not installed")

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
# Fields of both, and what the hub's counts are called there.
SHARED = {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok",
          "web_searches_kcount", "storage_searches_kcount", "requests_kcount", "output_reasoning_mtok",
          "cache_write_5m_mtok"}  # fmt: skip
FEW = {"elevenlabs"}  # billed by characters and time


def _kinds() -> list[tuple[str, str]]:
    from tools.models.prices import KINDS

    return sorted(KINDS.items())


@pytest.mark.parametrize(("kind", "provider_id"), _kinds())
def test_every_model_costs_what_the_source_says(kind: str, provider_id: str) -> None:
    from genai_prices import types
    from genai_prices.data import providers

    provider = next(one for one in providers if one.id == provider_id)
    book = Bundled(kind)
    draw = random.Random(7)
    compared = 0
    for model in provider.models:
        name = _a_name(model.match) or model.id
        if provider.find_model(name) is not model:
            continue  # an earlier entry takes the name
        prices = model.get_prices(NOW)
        if not prices.__dict__ or set(prices.__dict__) - SHARED:
            continue
        read, made = draw.randrange(400_000), draw.randrange(100_000)
        cached = draw.randrange(read + 1) if prices.cache_read_mtok is not None else 0
        used = types.Usage(input_tokens=read, output_tokens=made, cache_read_tokens=cached)
        if prices.output_mtok is None:
            made = 0
        expected = prices.calc_price(used)["total_price"] * 10**9
        rates = Rates.of(book.find(name, NOW)[0].prices)
        assert rates is not None, name
        found = cost_nano_usd(Usage(input_tokens=read, output_tokens=made, cached_input_tokens=cached), rates)
        assert found == int(Decimal(expected).to_integral_value(ROUND_HALF_UP)), name
        compared += 1
    assert compared > len(provider.models) / 2 or kind in FEW


def _a_name(clause: object) -> str:
    """A whole name that the clause means; empty where it tells none."""
    if text := getattr(clause, "equals", "") or getattr(clause, "starts_with", ""):
        return str(text)
    return next((name for part in getattr(clause, "or_", ()) if (name := _a_name(part))), "")
