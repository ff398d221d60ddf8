"""One page of a provider's list."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aignehub.v1.model_service_pb2 import Model

from server.wire.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Details:
    """How to ask what the provider says of one model beyond its entry."""

    version: str
    """Another one means that there may be something else to be told."""
    request: HttpRequest


@dataclass(frozen=True, slots=True)
class ModelPage:
    """Some models of a list, and how to ask for those after them."""

    models: tuple[Model, ...]
    """Each with the provider's own name as its id, and only what the provider tells."""
    then: HttpRequest | None = None
    """None at the end."""
    details: Mapping[str, Details] = field(default_factory=dict)
    """By the provider's own name, of those models that more may be asked about."""
