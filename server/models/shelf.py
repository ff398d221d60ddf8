"""Everything that is known of one provider's models."""

from asyncio import sleep
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1.usage_pb2 import Modality

from server.models.bundled import Bundled
from server.models.overlay import lay_over
from server.models.rates import Rates
from server.models.served import TASKS, Capability, Served
from server.models.vocabulary import MODALITIES

_AT_ONCE = 50
"""Accounts drawn up before other calls are let in: some 3 ms of work."""
_CLOCKED_SECONDS = 60
"""Prices that change with the hour are looked up again this often."""
_MOST_STRANGERS = 1024
"""Accounts kept of models that nobody listed: callers may name any, and each would stay."""

_MOST_TIERS = 16
"""Tiers whose rates are kept: the provider names them, and may name any."""

_HEARING = {pb.MODEL_CAPABILITY_TRANSCRIPTION, pb.MODEL_CAPABILITY_LIVE_TRANSCRIPTION}
_MAKES = {
    pb.MODEL_CAPABILITY_CHAT: MODALITIES["text"],
    pb.MODEL_CAPABILITY_TRANSCRIPTION: MODALITIES["text"],
    pb.MODEL_CAPABILITY_LIVE_TRANSCRIPTION: MODALITIES["text"],
    pb.MODEL_CAPABILITY_EMBEDDING: MODALITIES["embedding"],
    pb.MODEL_CAPABILITY_IMAGE: MODALITIES["image"],
    pb.MODEL_CAPABILITY_IMAGE_EDIT: MODALITIES["image"],
    pb.MODEL_CAPABILITY_SPEECH: MODALITIES["audio"],
}


@dataclass(slots=True)
class _Account:
    model: pb.Model
    until: float
    rates: dict[str, Rates | None] = field(default_factory=dict)
    """By service tier."""


class Shelf:
    """The models of one instance: the operator's word over the provider's list over the data that came with the hub."""

    def __init__(self, provider: str, kind: str, served: Served, told: Mapping[str, pb.Model]) -> None:
        """``told`` is what the operator says, by the provider's own names."""
        self.provider = provider
        self._kind = kind
        self._served = served
        self._told = told
        self._bundled: Bundled | None = None
        self._listed: Mapping[str, pb.Model] = {}
        self._accounts: dict[str, _Account] = {}
        self._strangers: dict[str, _Account] = {}
        self.names: Sequence[str] = ()
        """Names on the provider's own list that can be called here."""

    async def replace_list(self, models: Mapping[str, pb.Model]) -> None:
        """Takes over a new list; the old one is forgotten. Other calls are let in between."""
        self._listed = models
        self._accounts = {}
        self._strangers = {}
        callable_ = []
        for place, name in enumerate(sorted(models)):
            if self.model(name).capabilities:
                callable_.append(name)
            if place % _AT_ONCE == _AT_ONCE - 1:
                await sleep(0)
        self.names = tuple(callable_)

    def keep_list(self, before: "Shelf") -> bool:
        """Takes over the list that an earlier shelf of the same instance had; False where there is none to take."""
        if before._kind != self._kind or not before._listed:
            return False
        self._listed = before._listed
        self.names = before.names
        return True

    def model(self, name: str) -> pb.Model:
        """The whole account of one model; a message that must not be changed."""
        return self._account(name).model

    def is_stated(self, name: str) -> bool:
        """Whether the operator said something of the model."""
        told = self._told.get(name)
        return told is not None and bool(told.capabilities or told.input_modalities or told.max_input_tokens)

    @property
    def listed(self) -> Collection[str]:
        """Every name on the provider's own list."""
        return self._listed.keys()

    def rates(self, name: str, service_tier: str) -> Rates | None:
        """What calls of the model cost in that tier; None where nobody told."""
        account = self._account(name)
        try:
            return account.rates[service_tier]
        except KeyError:
            rates = Rates.of(account.model.prices, service_tier)
            if len(account.rates) < _MOST_TIERS:
                account.rates[service_tier] = rates
            return rates

    def _account(self, name: str) -> _Account:
        kept = self._accounts if name in self._listed or name in self._told else self._strangers
        account = kept.get(name)
        if account is None or account.until < monotonic():
            if kept is self._strangers and len(kept) >= _MOST_STRANGERS:
                kept.clear()
            account = kept[name] = self._draw_up(name)
        return account

    def _draw_up(self, name: str) -> _Account:
        if self._bundled is None:
            self._bundled = Bundled(self._kind, responses=self._served.responses)
        model, clocked = self._bundled.find(name, datetime.now(UTC))
        if (listed := self._listed.get(name)) is not None:
            _add_list(model, listed)
        if (told := self._told.get(name)) is not None:
            lay_over(model, told)
        self._settle(model, name)
        return _Account(model, monotonic() + _CLOCKED_SECONDS if clocked else float("inf"))

    def _settle(self, model: pb.Model, name: str) -> None:
        model.id = f"{self.provider}/{name}"
        model.provider = self.provider
        model.display_name = model.display_name or name
        told = list(model.capabilities)
        model.capabilities[:] = self._served.narrow(told) if told else self._served.guess(name)
        if not model.output_modalities:
            model.output_modalities.extend(dict.fromkeys(_MAKES[one] for one in model.capabilities if one in _MAKES))
        if not model.input_modalities:
            model.input_modalities.extend(_reads(set(model.capabilities)))


def _add_list(model: pb.Model, listed: pb.Model) -> None:
    """A provider's word over the data. Few lists tell all that a model can do: what is known of the same task stays."""
    known = list(model.capabilities)
    lay_over(model, listed)
    if TASKS & set(known) & set(listed.capabilities):
        model.capabilities.extend(one for one in known if one not in listed.capabilities)


def _reads(capabilities: set[Capability]) -> "list[Modality.ValueType]":
    tells = (
        (bool(capabilities - _HEARING), MODALITIES["text"]),
        (pb.MODEL_CAPABILITY_IMAGE_EDIT in capabilities, MODALITIES["image"]),
        (bool(capabilities & _HEARING), MODALITIES["audio"]),
    )
    return [modality for told, modality in tells if told]
