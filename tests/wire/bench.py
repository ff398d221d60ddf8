"""What a module for one API is given to replay an exchange with, and what it gives back."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc

from tests.wire.hub import Instance
from tests.wire.neutral import Answer
from tests.wire.recording import Recording
from tests.wire.replay import ReplayServer

CALL_SECONDS = 15.0


@dataclass(slots=True)
class Outcome:
    """How one exchange went. A list of problems that is empty is a pass."""

    recording: Recording
    decode: list[str] = field(default_factory=list)
    encode: list[str] | None = None
    """None where the recording holds no request."""
    exceptions: list[str] = field(default_factory=list)
    """Argued reasons why the request cannot be sent as it was recorded; it counts as not passed."""
    spec: list[str] | None = None
    """What the published spec says against the request that was sent; None where it was not asked."""

    @property
    def encoded(self) -> bool:
        return self.encode == [] and not self.exceptions


@dataclass(slots=True)
class Bench:
    """Everything an exchange is replayed with."""

    channel: grpc.aio.Channel
    metadata: tuple[tuple[str, str], ...]
    server: ReplayServer
    used: Counter[str]
    """Normalisations by name."""
    read: Callable[[Recording], Answer]
    """The independent reading; a test puts a wrong one here to show that the comparison bites."""
    validate: Callable[[Any], list[str]] | None = None
    """What OpenAI's published spec says against a request, where it is there."""
    beside: Counter[str] = field(default_factory=Counter)
    """Fields of providers' own that were given in ``gateway.extra_body_json``, by name."""


class Api(Protocol):
    """One wire surface of the recordings, such as ``chat.completions``."""

    def serves(self, recording: Recording) -> bool:
        """Whether the hub is meant to speak this surface to this provider by now."""

    def kind(self, recording: Recording) -> str:
        """The hub's kind of provider that the recording is replayed as."""

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """The provider to configure for the exchange, whose replay is below ``root``."""

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """One call through the hub, compared both ways."""
