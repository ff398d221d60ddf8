"""What the data in this package says of a kind's models: prices, abilities, and what was added by hand.

A kind's files are read when one of its models is first asked for: a hub that nobody asks holds none of them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import msgspec
from aignehub.v1 import model_service_pb2 as pb

from server.models.matching import Names
from server.models.overlay import lay_over
from server.models.vocabulary import CAPABILITIES, MODALITIES, PRICES

_DATA = Path(__file__).parent / "data"
# A dated or numbered name means what the plain one does where nothing is said of it.
_SNAPSHOT = re.compile(r"[-@](20\d\d-?\d\d-?\d\d|latest|\d{4}|v?\d{3})$")


class Bundled:
    """The data of one kind. A kind without data answers that nothing is known."""

    def __init__(self, kind: str, *, responses: bool = False) -> None:
        """With ``responses``, models that only OpenAI's Responses API serves can be asked to chat here."""
        self._chats = ("chat", "responses") if responses else ("chat",)
        self._prices = _Prices(kind)
        fallbacks = [_Prices(other) for other in self._prices.then]
        self._price_books = (self._prices, *fallbacks)
        self._abilities = [_Abilities(collection, kind) for collection in ("abilities", "own")]

    def find(self, model: str, now: datetime) -> tuple[pb.Model, bool]:
        """What is known of ``model`` without its id, and whether that changes with the hour.

        A capability that is unspecified says that the model does something the hub has no method for.
        """
        known = pb.Model()
        timed = False
        canonical = ""
        for book in self._price_books:
            entry = book.find(model)
            if entry is not None:
                canonical = entry["id"]
                timed = _read_prices(entry, known, now)
                break
        for collection in self._abilities:
            found = collection.find(model, canonical)
            if found is not None:
                lay_over(known, _read_abilities(found, self._chats))
        return known, timed


class _Prices:
    def __init__(self, kind: str) -> None:
        told = _read("prices", kind)
        self._entries: list[msgspec.Raw] = told.models
        self.then: list[str] = told.then
        self._names = Names(map(_entry, self._entries))

    def find(self, model: str) -> Mapping[str, Any] | None:
        place = self._names.find(model)
        return None if place is None else _entry(self._entries[place])


class _Abilities:
    def __init__(self, collection: str, kind: str) -> None:
        named = [(msgspec.json.decode(one, type=_Named), one) for one in _read(collection, kind).models]
        self._entries = {name.id: one for name, one in named}
        self._starts = [(name.starts, one) for name, one in named if name.starts]

    def find(self, model: str, canonical: str) -> Mapping[str, Any] | None:
        name = model.lower()
        found = next((self._entries[one] for one in _spellings(name, canonical) if one in self._entries), None)
        if found is None:
            found = next((one for starts, one in self._starts if name.startswith(starts)), None)
        return None if found is None else _entry(found)


def _entry(raw: msgspec.Raw) -> Mapping[str, Any]:
    return msgspec.json.decode(raw, type=dict[str, Any])


def _spellings(model: str, canonical: str) -> Iterator[str]:
    yield model
    yield canonical
    yield _SNAPSHOT.sub("", model)


class _Named(msgspec.Struct):
    id: str
    starts: tuple[str, ...] = ()


class _Collection(msgspec.Struct):
    models: list[msgspec.Raw] = []
    then: list[str] = []


def _read(collection: str, kind: str) -> _Collection:
    # Entries stay text until they are asked for: as objects they would take several times the room.
    path = _DATA / collection / f"{kind}.json"
    return msgspec.json.decode(path.read_bytes(), type=_Collection) if path.is_file() else _Collection()


def _read_prices(entry: Mapping[str, Any], known: pb.Model, now: datetime) -> bool:
    known.display_name = entry.get("name", "")
    known.max_input_tokens = entry.get("context", 0)
    bands = entry.get("prices", ())
    for one in entry.get("timed", ()):
        if _holds(one, now.astimezone(UTC)):
            bands = one["prices"]
    known.prices.extend(price_list(bands))
    for tier, its_bands in entry.get("tiers", {}).items():
        known.prices.extend(price_list(its_bands, tier))
    return "timed" in entry


def _holds(when: Mapping[str, Any], now: datetime) -> bool:
    if "from" in when:
        return now.date() >= date.fromisoformat(when["from"])
    begin, end = (time.fromisoformat(text) for text in when["hours"])
    return begin <= now.time() < end if begin <= end else now.time() >= begin or now.time() < end


def price_list(bands: Iterable[Mapping[str, int]], service_tier: str = "") -> Iterator[pb.Price]:
    """Prices as the contract has them, from bands of words to nano-USD; ``above`` is a band's bound."""
    for band in bands:
        above = band.get("above", 0)
        for word, nano in band.items():
            if word != "above":
                yield pb.Price(unit=PRICES[word], nano_usd=nano, above_input_tokens=above, service_tier=service_tier)


def _read_abilities(told: Mapping[str, Any], chats: Sequence[str]) -> pb.Model:
    can = told.get("can", ())
    words = ["chat" if word in chats else word for word in can]
    if "responses" in words:
        words = []  # and so its tools and the rest are of no use either
    model = pb.Model(
        display_name=told.get("name", ""),
        capabilities=[CAPABILITIES[word] for word in words],
        input_modalities=[MODALITIES[word] for word in told.get("reads", ())],
        output_modalities=[MODALITIES[word] for word in told.get("makes", ())],
        max_input_tokens=told.get("input", 0),
        max_output_tokens=told.get("output", 0),
        embedding_dimensions=_dimensions(told.get("dimensions", ())),
        prices=price_list(told.get("prices", ())),
    )
    if "can" in told and not words:
        model.capabilities.append(pb.MODEL_CAPABILITY_UNSPECIFIED)
    if "until" in told:
        model.shutdown_time.FromDatetime(datetime.combine(date.fromisoformat(told["until"]), time(), UTC))
    return model


def _dimensions(told: Any) -> list[int]:
    return [told] if isinstance(told, int) else list(told)
