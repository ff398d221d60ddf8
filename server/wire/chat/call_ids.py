"""Ids of tool calls where the provider gives none."""

from hashlib import blake2b


def made_call_id(salt: str, choice: int, call: int) -> str:
    """An id for a call that came without one: the same for the same answer, another for any other.

    ``salt`` is the answer's own id, or chance where it has none.
    """
    digest = blake2b(f"{salt}/{choice}/{call}".encode("utf-8", "replace"), digest_size=12)
    return f"call_{digest.hexdigest()}"
