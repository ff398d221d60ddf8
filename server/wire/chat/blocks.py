"""Blocks of a provider that has several APIs: which of them only one can take back."""

import re

_RESPONSE_ITEM = re.compile(r"\w+_(call|output|tools|request|response)|compaction\w*|program")


def is_response_item(kind: str) -> bool:
    """Whether a block of this type is an item of OpenAI's Responses API, which chat completions have no place for.

    https://platform.openai.com/docs/api-reference/responses/object
    """
    return _RESPONSE_ITEM.fullmatch(kind) is not None
