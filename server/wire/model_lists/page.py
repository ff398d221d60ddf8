"""One page of a provider's list."""

from dataclasses import dataclass

from aignehub.v1.model_service_pb2 import Model

from server.wire.http import HttpRequest


@dataclass(frozen=True, slots=True)
class ModelPage:
    """Some models of a list, and how to ask for those after them."""

    models: tuple[Model, ...]
    """Each with the provider's own name as its id, and only what the provider tells."""
    then: HttpRequest | None = None
    """None at the end."""
