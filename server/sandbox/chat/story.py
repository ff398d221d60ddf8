"""story: as many tokens as asked for, as fast as asked for."""

from hashlib import blake2b
from random import Random

from server.sandbox.answer import Draft
from server.sandbox.refusal import Refusal
from server.sandbox.request import ChatRequest
from server.sandbox.words import WORDS

_USUAL_TOKENS = 64  # where nothing is said
_MOST_TOKENS = 100_000  # of all choices together: what one request may make the sandbox write
_SENTENCE = 10  # tokens, its full stop among them
_SLOWEST, _FASTEST = 0.001, 1e6  # tokens a second


def story(request: ChatRequest, index: int) -> Draft:
    """Words drawn by ``seed``, else by the last user text; each choice has its own story.

    ``metadata.tokens`` is its length. Without it the story goes on as long as the token limit lets it, and is
    64 tokens where there is no limit. ``metadata.tokens_per_second`` is its speed; without it, at once.
    """
    rate = _metadata(request, "tokens_per_second", _SLOWEST, _FASTEST)
    return Draft(_tell(_length(request), _seed(request, index)), pace=1 / rate if rate else 0.0)


def _length(request: ChatRequest) -> int:
    asked = _metadata(request, "tokens", 1, _MOST_TOKENS)
    if asked is None:
        # One more than the limit, so that it is the limit that ends the story, with finish reason length.
        asked = _USUAL_TOKENS if request.max_tokens is None else request.max_tokens + 1
    return min(int(asked), _MOST_TOKENS // request.n)


def _metadata(request: ChatRequest, name: str, least: float, most: float) -> float | None:
    text = (request.metadata or {}).get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not least <= value <= most:
        path = f"metadata.{name}"
        raise Refusal(f"Invalid '{path}': expected a number from {least} to {most:.0f}, as a string.", param=path)
    return value


def _seed(request: ChatRequest, index: int) -> bytes:
    theme = request.last_text if request.seed is None else str(request.seed)
    return blake2b(f"{index}/{theme}".encode()).digest()


def _tell(length: int, seed: bytes) -> str:
    words = Random(seed).choices(WORDS, k=length)  # noqa: S311 - a story is no secret
    pieces = [_piece(place, word) for place, word in enumerate(words)]
    return "".join(pieces).lstrip(" ")


def _piece(place: int, word: str) -> str:
    inside = place % _SENTENCE
    if inside == _SENTENCE - 1:
        return "."
    return f" {word.capitalize() if inside == 0 else word}"
