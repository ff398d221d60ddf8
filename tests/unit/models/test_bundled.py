"""The data that comes with the hub: whole, in known words, and found under the names that providers use."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aignehub.v1 import model_service_pb2 as pb

import server.models
from server.models.bundled import Bundled
from server.models.matching import Names
from server.models.vocabulary import CAPABILITIES, MODALITIES, PRICES

DATA = Path(server.models.__file__).parent / "data"
FILES = sorted(DATA.rglob("*.json"))
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def bands(entry: dict[str, Any]) -> list[dict[str, int]]:
    lists = [
        entry.get("prices", []),
        *entry.get("tiers", {}).values(),
        *(one["prices"] for one in entry.get("timed", [])),
    ]
    return [band for some in lists for band in some]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_file_is_whole(path: Path) -> None:
    told = json.loads(path.read_text())
    assert told["written"]
    assert told["models"] or told["then"]
    assert path.read_text().count("\n") == len(told["models"]) + 2, "one model a line"
    for entry in told["models"]:
        assert entry["id"] or path.parent.name == "prices"
        assert set(entry.get("can", ())) <= {*CAPABILITIES, "responses"}
        assert {*entry.get("reads", ()), *entry.get("makes", ())} <= set(MODALITIES)
        for band in bands(entry):
            assert set(band) <= {*PRICES, "above"}
            assert all(type(nano) is int and 0 <= nano < 2**63 for nano in band.values())
        if path.parent.name == "own":
            assert entry["source"].startswith("https://")


def test_the_notice_names_what_the_files_say_they_are_of() -> None:
    notice = (DATA / "NOTICE").read_text()
    sources = {json.loads(path.read_text()).get("source", "").split(" ")[0] for path in FILES} - {""}
    assert sources == {"genai-prices", "litellm"}
    assert "github.com/pydantic/genai-prices" in notice
    assert "github.com/BerriAI/litellm" in notice
    assert notice.count("The above copyright notice and this permission notice shall be included") == 2


def price(model: pb.Model, word: str, above: int = 0, tier: str = "") -> int | None:
    return next(
        (
            one.nano_usd
            for one in model.prices
            if (one.unit, one.above_input_tokens, one.service_tier) == (PRICES[word], above, tier)
        ),
        None,
    )


def words(model: pb.Model) -> set[str]:
    return {word for word, number in CAPABILITIES.items() if number in model.capabilities}


def test_what_is_known_of_a_model() -> None:
    model, clocked = Bundled("openai").find("gpt-5", NOW)
    assert not clocked
    assert words(model) == {"chat", "tools", "json_schema", "reasoning"}
    assert (model.max_input_tokens, model.max_output_tokens) == (272_000, 128_000)
    assert MODALITIES["image"] in model.input_modalities
    assert (price(model, "input"), price(model, "output"), price(model, "cached_input")) == (
        1_250_000_000, 10_000_000_000, 125_000_000,
    )  # fmt: skip
    assert price(model, "input", tier="flex") == 625_000_000
    assert model.shutdown_time.ToDatetime() == datetime(2026, 12, 11)


@pytest.mark.parametrize(
    ("kind", "name", "same_as"),
    [
        ("openai", "gpt-5-2025-08-07", "gpt-5"),
        ("openai", "GPT-5", "gpt-5"),
        ("openai", "gpt-5.2-20251211", "gpt-5.2-2025-12-11"),  # aggregators leave the dashes out
        ("azure", "gpt-4.1-mini", "gpt-4.1-mini"),  # from the kind that its prices fall back to
        ("vertex", "claude-opus-4-5@20251101", "claude-opus-4-5"),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ],
)
def test_a_name_is_read_as_providers_write_it(kind: str, name: str, same_as: str) -> None:
    book = Bundled(kind)
    found, other = book.find(name, NOW)[0], book.find(same_as, NOW)[0]
    assert found.prices
    assert words(found)
    assert list(found.prices) == list(other.prices)
    assert words(found) == words(other)


def test_prices_have_steps_above_a_number_of_tokens() -> None:
    model, _ = Bundled("gemini").find("gemini-2.5-pro", NOW)
    assert (price(model, "input"), price(model, "input", 200_000)) == (1_250_000_000, 2_500_000_000)


@pytest.mark.parametrize(
    ("hour", "input_nano"), [(0, 660_000_000), (1, 1_320_000_000), (3, 1_320_000_000), (4, 660_000_000)]
)
def test_prices_follow_the_clock(hour: int, input_nano: int) -> None:
    model, clocked = Bundled("deepseek").find("deepseek-v4-pro", NOW.replace(hour=hour))
    assert clocked
    assert price(model, "input") == input_nano


def test_what_the_hub_has_no_method_for_is_told_as_such() -> None:
    for name in ("sora-2", "omni-moderation-latest", "gpt-5-pro"):
        model, _ = Bundled("openai").find(name, NOW)
        assert list(model.capabilities) == [pb.MODEL_CAPABILITY_UNSPECIFIED], name


@pytest.mark.parametrize(
    ("kind", "name", "word", "nano"),
    [
        ("gemini", "imagen-4.0-fast-generate-001", "image", 20_000_000),
        ("stability", "sd3.5-large", "image", 65_000_000),
        ("bfl", "flux-pro-1.1-ultra", "image", 60_000_000),
        ("elevenlabs", "eleven_flash_v2_5", "characters", 40_000_000_000),
        ("deepgram", "aura-2-thalia-en", "characters", 30_000_000_000),
        ("deepgram", "aura-asteria-en", "characters", 15_000_000_000),
        ("openai", "whisper-1", "audio_hour", 360_000_000),
        ("openai", "tts-1", "characters", 15_000_000_000),
    ],
)
def test_what_is_billed_by_something_else_than_tokens(kind: str, name: str, word: str, nano: int) -> None:
    assert price(Bundled(kind).find(name, NOW)[0], word) == nano


def test_nothing_is_known_of_a_strange_kind_or_model() -> None:
    assert Bundled("no-such-kind").find("gpt-5", NOW) == (pb.Model(), False)
    assert Bundled("openai").find("no-such-model", NOW) == (pb.Model(), False)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a", 0), ("A", 0), ("a-1", 1), ("b", 2), ("xyz", 3), ("x-q-z", None), ("so", 4), ("v7", 5), ("both-ways", 6),
        ("both", None),
    ],
)  # fmt: skip
def test_the_first_entry_that_fits_is_meant(name: str, place: int | None) -> None:
    names = Names(
        [
            {"names": ["a"]},
            {"starts": ["a"]},
            {"names": ["b", "a-1"]},
            {"holds": ["xyz"]},
            {"ends": ["o"]},
            {"patterns": [r"^v\d$"]},
            {"all": [[{"starts": ["both"]}, {"names": ["both-ways"], "holds": ["-w"]}]]},
        ]
    )
    assert names.find(name) == place


def test_what_one_kind_serves_costs_there_what_it_costs_at_the_other() -> None:
    for kind, other, name in (
        ("bedrock-mantle", "bedrock", "openai.gpt-5.5"),
        ("azure-anthropic", "anthropic", "claude-opus-4-5"),
    ):
        found = Bundled(kind).find(name, NOW)[0]
        assert found.prices
        assert list(found.prices) == list(Bundled(other).find(name, NOW)[0].prices)
