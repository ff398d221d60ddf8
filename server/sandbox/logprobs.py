"""Log probabilities that look like some and depend on the token alone."""

from typing import Any
from zlib import crc32

from server.sandbox.words import WORDS

_LEAST = -0.5  # of the token chosen; it is always the likeliest
_STEP = 1.25  # by which each alternative is less likely than the one before


def logprobs(text: list[str], top: int) -> dict[str, Any]:
    """OpenAI's logprobs object for these tokens, with ``top`` alternatives each, the token itself first."""
    return {"content": [_token(token, top) for token in text], "refusal": None}


def _token(token: str, top: int) -> dict[str, Any]:
    mark = crc32(token.encode())
    chosen = _entry(token, _LEAST * (mark % 1000) / 1000)
    others = (word for word in (f" {WORDS[(mark + i) % len(WORDS)]}" for i in range(top + 1)) if word != token)
    alternatives = [_entry(word, chosen["logprob"] - _STEP * (i + 1)) for i, word in enumerate(others)]
    return chosen | {"top_logprobs": [chosen, *alternatives][:top]}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": round(logprob, 6), "bytes": list(token.encode())}
