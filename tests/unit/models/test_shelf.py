"""Who has the last word about a model: the operator, then the provider's own list, then the data."""

from typing import Any

import pytest
from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1 import usage_pb2

from server.models import shelf as shelf_module
from server.models.served import Served
from server.models.shelf import Shelf
from server.models.vocabulary import CAPABILITIES, PRICES

ALL = Served(chat=True, embeddings=True, images=True, transcription=True, speech=True)


def model(*words: str, **facts: Any) -> pb.Model:
    return pb.Model(capabilities=[CAPABILITIES[word] for word in words], **facts)


def words(found: pb.Model) -> list[str]:
    return [word for word, number in CAPABILITIES.items() if number in found.capabilities]


def priced(nano: int) -> pb.Price:
    return pb.Price(unit=PRICES["input"], nano_usd=nano)


async def test_each_field_is_of_whoever_tells_it_first() -> None:
    told = {"gpt-5": model(display_name="Ours", prices=[priced(7)])}
    shelf = Shelf("mine", "openai", ALL, told)
    await shelf.replace_list({"gpt-5": model(max_input_tokens=9, display_name="Theirs", prices=[priced(8)])})
    found = shelf.model("gpt-5")
    assert (found.id, found.provider, found.display_name) == ("mine/gpt-5", "mine", "Ours")
    assert found.max_input_tokens == 9
    assert found.max_output_tokens == 128_000
    assert [price.nano_usd for price in found.prices] == [7]
    assert words(found) == ["chat", "tools", "json_schema", "reasoning"]


async def test_a_list_that_tells_a_part_keeps_what_is_known_of_the_same_task() -> None:
    shelf = Shelf("openai", "openai", ALL, {})
    await shelf.replace_list({"gpt-5": model("chat"), "gpt-4o-mini-tts": model("chat")})
    assert words(shelf.model("gpt-5")) == ["chat", "tools", "json_schema", "reasoning"]
    assert words(shelf.model("gpt-4o-mini-tts")) == ["chat"]


def test_the_operators_capabilities_stand_alone() -> None:
    shelf = Shelf("openai", "openai", ALL, {"gpt-5": model("chat")})
    assert words(shelf.model("gpt-5")) == ["chat"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("brand-new", ["chat"]),
        ("new-embed-2", ["embedding"]),
        ("whisper-9", ["transcription", "live_transcription"]),
        ("gpt-9-tts", ["speech"]),
        ("draw-1", ["image", "image_edit"]),
        ("sora-2", []),
        ("gpt-5-pro", []),
    ],
)
def test_a_name_tells_what_nobody_else_does(name: str, expected: list[str]) -> None:
    served = Served(
        chat=True, embeddings=True, images=True, transcription=True, speech=True,
        draws=lambda model: ("image", "image_edit") if model.startswith("draw") else (),
    )  # fmt: skip
    assert words(Shelf("p", "openai", served, {}).model(name)) == expected


@pytest.mark.parametrize(
    ("served", "name", "expected"),
    [
        (Served(chat=True), "text-embedding-3-small", []),  # the data knows that it does not chat
        (Served(chat=True), "a-new-embed", ["chat"]),
        (Served(embeddings=True), "anything", ["embedding"]),
        (Served(speech=True, transcription=True), "anything", ["transcription", "live_transcription"]),
        (Served(speech=True), "anything", ["speech"]),
        (Served(), "anything", []),
        (Served(chat=True, responses=True), "gpt-5-pro", ["chat", "tools", "json_schema", "reasoning"]),
        (Served(chat=True, lacks=frozenset({"tools"})), "gpt-5", ["chat", "json_schema", "reasoning"]),
    ],
)
def test_only_what_is_served_here_is_told(served: Served, name: str, expected: list[str]) -> None:
    assert words(Shelf("p", "openai", served, {}).model(name)) == expected


@pytest.mark.parametrize(
    ("name", "reads", "makes"),
    [
        ("brand-new", ["TEXT"], ["TEXT"]),
        ("gpt-5", ["TEXT", "IMAGE", "DOCUMENT"], ["TEXT"]),
        ("text-embedding-3-small", ["TEXT"], ["EMBEDDING"]),
        ("whisper-1", ["AUDIO"], ["TEXT"]),
        ("tts-1", ["TEXT"], ["AUDIO"]),
        ("dall-e-2", ["TEXT", "IMAGE"], ["IMAGE"]),
    ],
)
def test_modalities_follow_from_what_a_model_does(name: str, reads: list[str], makes: list[str]) -> None:
    found = Shelf("openai", "openai", ALL, {}).model(name)
    named = [usage_pb2.Modality.Name(one).removeprefix("MODALITY_") for one in found.input_modalities]
    assert named == reads
    assert [usage_pb2.Modality.Name(one).removeprefix("MODALITY_") for one in found.output_modalities] == makes


async def test_a_new_list_takes_the_place_of_the_old() -> None:
    shelf = Shelf("p", "openai-compatible", ALL, {})
    assert not shelf.names
    await shelf.replace_list(
        {"b": model("chat"), "a": model("chat"), "c": pb.Model(capabilities=[pb.MODEL_CAPABILITY_UNSPECIFIED])}
    )
    assert list(shelf.names) == ["a", "b"], "what can do nothing here is not listed"
    await shelf.replace_list({"b": model("chat", max_input_tokens=5)})
    assert list(shelf.names) == ["b"]
    assert shelf.model("b").max_input_tokens == 5


def test_strangers_do_not_pile_up() -> None:
    shelf = Shelf("p", "openai", ALL, {})
    for number in range(2 * shelf_module._MOST_STRANGERS + 1):
        shelf.rates(f"strange-{number}", "")
    assert len(shelf._strangers) <= shelf_module._MOST_STRANGERS


def test_prices_by_the_clock_are_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(shelf_module, "monotonic", lambda: now)
    shelf = Shelf("deepseek", "deepseek", ALL, {})
    first, plain = shelf.model("deepseek-v4-pro"), Shelf("openai", "openai", ALL, {})
    kept = plain.model("gpt-5")
    now += 61
    assert shelf.model("deepseek-v4-pro") is not first
    assert plain.model("gpt-5") is kept


def test_rates_are_made_once() -> None:
    shelf = Shelf("openai", "openai", ALL, {})
    assert shelf.rates("gpt-5", "flex") is shelf.rates("gpt-5", "flex")
    assert shelf.rates("gpt-5", "flex") != shelf.rates("gpt-5", "")
    assert shelf.rates("no-such", "") is None
