"""Where Claude is served, and how one host differs from Anthropic's own API. A host is a row of these."""

from collections.abc import Callable
from dataclasses import dataclass

from server.wire.chat.evented import Framing
from server.wire.sse import SseParser


@dataclass(frozen=True, slots=True)
class Dialect:
    """One host's ways. The defaults are Anthropic's own: https://platform.claude.com/docs/en/api/messages."""

    name: str
    """The kind of provider; reasoning and blocks it made carry this name."""
    kin: frozenset[str] = frozenset()
    """Other kinds whose reasoning and blocks it takes back: signatures hold on every platform, see
    https://platform.claude.com/docs/en/build-with-claude/extended-thinking#thinking-encryption."""

    # Paths. ``{model}`` in one is replaced by the escaped model.
    path: str = "/v1/messages"
    stream_path: str = ""
    """Path of a streamed call; empty where it is the same."""
    count_path: str = "/v1/messages/count_tokens"

    # Where the envelope goes.
    version: str = "2023-06-01"
    """Of the API. The later 2026-10-21 is no more than this without sampling parameters, which models up to 4.6 take:
    https://platform.claude.com/docs/en/api/migration-2026-10-21"""
    version_in_body: bool = False
    """As ``anthropic_version``, not as a header."""
    model_in_body: bool = True
    """Of a chat request; counting names the model in the body everywhere."""
    stream_in_body: bool = True
    betas_in_body: bool = False
    """As ``anthropic_beta``, not as a header."""
    betas: tuple[str, ...] = ()
    """Asked for with every call: https://platform.claude.com/docs/en/api/beta-headers."""
    framing: Callable[[], Framing] = SseParser
    """Makes what cuts a streamed body into events."""

    # Features. What is missing is refused with UnsupportedByProvider, or dropped where it only tunes.
    sources: frozenset[str] = frozenset({"data", "url", "file_id"})
    """How images and documents may be given."""
    automatic_caching: bool = True
    """Takes ``cache_control`` for the whole request."""
    web_search: str = "web_search_20250305"
    """Type of the tool that web_search_options stand for; empty where there is none."""
    structured: bool = True
    """Holds answers and the input of tools to a schema, with models that can."""
    fast: bool = True
    """Takes ``speed``."""

    def made(self, provider: str) -> bool:
        """Whether what ``provider`` made may go back to this host."""
        return provider == self.name or provider in self.kin
