"""Where a provider lives and how the hub proves itself there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credential:
    """One key of a provider. ``name`` may be told to anyone; ``secret`` is left out of every repr."""

    name: str
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Longest waits in seconds; the caller's deadline ends all of them sooner."""

    connect: float = 5.0
    """To connect, TLS included."""
    first_byte: float = 120.0
    """From the request sent to the answer's first header."""
    idle: float = 60.0
    """Between two reads of the body."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One instance of a provider."""

    name: str
    """The operator's name for the instance; it is the prefix of its models."""
    base_url: str
    """Where every path is appended; no slash at the end."""
    authorize: Callable[[Credential], Mapping[str, str]]
    """Headers that carry the credential."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request, such as OpenAI-Organization."""
    timeouts: Timeouts = Timeouts()
    proxy: str | None = None
    """An http:// proxy for this provider."""
