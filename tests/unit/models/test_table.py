"""What an operator says of models, and what is said back where it makes no sense."""

from pathlib import Path
from typing import Any

import pytest

from server.config import load_settings
from server.config.models import ModelFacts
from server.config.reading import read
from server.config.table import load_model_table
from server.errors import ConfigError
from server.models.served import Served
from server.models.told import operators_model
from server.models.vocabulary import PRICES


def test_prices_come_in_steps_and_tiers() -> None:
    facts = read(
        ModelFacts,
        {
            "prices": {"input": 1.25, "output": "10", "audio_minute": 0.006},
            "prices_above": {200_000: {"input": 2.5}},
            "prices_by_tier": {"flex": {"input": 0.625}},
        },
    )
    told = operators_model(facts, Served(), "models[0]")
    found = [(one.unit, one.nano_usd, one.above_input_tokens, one.service_tier) for one in told.prices]
    assert found == [
        (PRICES["input"], 1_250_000_000, 0, ""),
        (PRICES["output"], 10_000_000_000, 0, ""),
        (PRICES["audio_minute"], 6_000_000, 0, ""),
        (PRICES["input"], 2_500_000_000, 200_000, ""),
        (PRICES["input"], 625_000_000, 0, "flex"),
    ]


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"prices": {"inptu": 1}}, "providers[0].models[0].prices: 'inptu' is no price; there are input, output"),
        ({"prices": {"input": -1}}, "providers[0].models[0].prices.input: "),
        ({"prices": {"input": 1e-10}}, "providers[0].models[0].prices.input: "),
        ({"prices": {"input": "free"}}, "providers[0].models[0].prices.input: "),
        ({"prices_above": {0: {"input": 1}}}, "providers[0].models[0].prices_above[0]: "),
        ({"prices_above": {9: {"inptu": 1}}}, "providers[0].models[0].prices_above[9]: 'inptu' is no price"),
        ({"capabilities": ["chta"]}, "providers[0].models[0].capabilities[0]: "),
        ({"max_input_tokens": 0}, "providers[0].models[0].max_input_tokens: "),
        ({"context_window": 9}, "providers[0].models[0].context_window is no setting of the hub"),
    ],
)
def test_a_bad_fact_is_named(facts: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_settings(None, {}, providers=[{"name": "openai", "models": [{"name": "m", **facts}]}])
    assert told in str(raised.value)


def test_a_capability_that_is_not_served_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^models\[0\]\.capabilities: speech is not served by this kind"):
        operators_model(ModelFacts(capabilities=("chat", "vision", "speech")), Served(chat=True), "models[0]")


def _table(text: str, folder: Path) -> dict[str, ModelFacts]:
    path = folder / "models.yaml"
    path.write_text(text)
    return load_model_table(path)


def test_a_table_is_yaml_or_json(tmp_path: Path) -> None:
    expected = {"openai/gpt-5": ModelFacts(max_input_tokens=9)}
    assert _table("openai/gpt-5: {max_input_tokens: 9}", tmp_path) == expected
    assert _table('{"openai/gpt-5": {"max_input_tokens": 9}}', tmp_path) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it must be a mapping of provider/model to facts"),
        ("- a", "it must be a mapping of provider/model to facts"),
        ("a: [", "is neither YAML nor JSON"),
        ("gpt-5: {}", "'gpt-5' is no provider/model"),
        ("openai/: {}", "'openai/' is no provider/model"),
        ("1: {}", "1 is no provider/model"),
        ("openai/gpt-5: 7", "openai/gpt-5: must be a mapping of settings"),
        ("openai/gpt-5: {prices: {input: x}}", "openai/gpt-5.prices.input: "),
        ("openai/gpt-5: {aliases: [x]}", "openai/gpt-5.aliases: "),
    ],
)
def test_a_bad_table_names_itself_and_the_entry(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        _table(text, tmp_path)
    assert str(raised.value).startswith(f"models.table: {tmp_path}")
    assert told in str(raised.value)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^models\.table: cannot read .*absent"):
        load_model_table(tmp_path / "absent")
