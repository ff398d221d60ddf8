"""Ids of tool calls where the provider gives none, and where it takes only some."""

import re
from hashlib import blake2b

_NINE = re.compile(r"[a-zA-Z0-9]{9}")
_LETTERS_AND_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def made_call_id(salt: str, choice: int, call: int) -> str:
    """An id for a call that came without one: the same for the same answer, another for any other.

    ``salt`` is the answer's own id, or chance where it has none.
    """
    digest = blake2b(f"{salt}/{choice}/{call}".encode("utf-8", "replace"), digest_size=12)
    return f"call_{digest.hexdigest()}"


def nine_characters(call_id: str) -> str:
    """An id of nine letters and digits, the only ones that Mistral takes: its own as they are, others by a digest.

    It is the same for the same id, so that a call and its result find each other.

    >>> nine_characters("EscTeQY62"), nine_characters("call_1") == nine_characters("call_1")
    ('EscTeQY62', True)
    """
    if _NINE.fullmatch(call_id):
        return call_id
    number = int.from_bytes(blake2b(call_id.encode("utf-8", "replace"), digest_size=8).digest())
    made = ""
    for _ in range(9):
        number, digit = divmod(number, len(_LETTERS_AND_DIGITS))
        made += _LETTERS_AND_DIGITS[digit]
    return made
