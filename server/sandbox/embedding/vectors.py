"""Vectors whose cosine follows the words that two texts share.

Every word stands for the same few places of a vector, each with a sign of its own, both drawn from the word's hash; a
text is the sum over its words, made one long. So texts of the same words have the cosine 1, texts of n and m words
that share s about s / √(n·m), and others about 0.
"""

import re
from array import array
from collections.abc import Iterable
from hashlib import blake2b
from math import sqrt

from server.sandbox.embedding.request import Input

_WORD = re.compile(r"\w+")
_PLACES = 8  # of one word: one alone would make words that collide the same
_BYTES = 4  # of the hash, for one place


def vector(one: Input, dimensions: int) -> "array[float]":
    """The vector of a text or of token ids, of length 1."""
    found: dict[int, float] = {}
    for word in _words(one):
        digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=_PLACES * _BYTES).digest()
        for begin in range(0, len(digest), _BYTES):
            drawn = int.from_bytes(digest[begin : begin + _BYTES], "little")
            place = (drawn >> 1) % dimensions
            found[place] = found.get(place, 0.0) + (1.0 if drawn & 1 else -1.0)
    length = sqrt(sum(number * number for number in found.values()))
    made = array("f", bytes(4 * dimensions))
    if not length:  # all its places took each other away, as they may in very few dimensions
        found, length = {0: 1.0}, 1.0
    for place, number in found.items():
        made[place] = number / length
    return made


def _words(one: Input) -> Iterable[str]:
    if isinstance(one, str):
        # A text of signs alone is a word of its own.
        return _WORD.findall(one.lower()) or [one]
    return [f"#{number}" for number in one]
