"""What only OpenAI's Responses API can take back of its own, told from the outside."""

import re

_RESPONSE_ITEM = re.compile(r"\w+_(call|output|tools|request|response)|compaction\w*|program")


def is_response_item(kind: str) -> bool:
    """Whether a block of this type is an item of OpenAI's Responses API, which chat completions have no place for.

    https://platform.openai.com/docs/api-reference/responses/object
    """
    return _RESPONSE_ITEM.fullmatch(kind) is not None


def is_item_id(signature: bytes) -> bool:
    """Whether the proof of a call is none, but the second id that calls have in that API."""
    return signature.startswith((b"fc_", b"ctc_"))
