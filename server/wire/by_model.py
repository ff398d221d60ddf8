"""Clouds that serve models of several makers, each in its maker's format: which codec speaks to which model."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from server.errors import HubError
from server.wire.http import HttpResponse

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class ByModel(Generic[C]):
    """A table of codecs. The first pattern that a name begins with decides."""

    families: tuple[tuple[re.Pattern[str], C], ...]
    """Matched from the beginning of the provider's own name of the model."""
    others: C
    """For every other name. It also reads the errors of all: a cloud has one form of them."""

    def of(self, model: str) -> C:
        """The codec that speaks to ``model``."""
        return next((codec for pattern, codec in self.families if pattern.match(model)), self.others)


def codec_for(codec: C | ByModel[C], model: str) -> C:
    """``codec`` itself, or the one of its table that speaks to ``model``."""
    return codec.of(model) if isinstance(codec, ByModel) else codec


class _ReadsErrors(Protocol):
    def decode_error(self, response: HttpResponse) -> HubError: ...


E = TypeVar("E", bound=_ReadsErrors)


def error_reader(codec: E | ByModel[E]) -> Callable[[HttpResponse], HubError]:
    """What reads an answer outside 2xx."""
    return (codec.others if isinstance(codec, ByModel) else codec).decode_error
