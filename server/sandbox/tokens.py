"""The sandbox's tokenizer: words and punctuation.

A token is up to 16 letters, digits or underscores of one word, or one other character, each together with the white
space before it; white space at the very end is a token too. Joined, the tokens are the text again.
"""

import re

_TOKEN = re.compile(r"\s*(?:\w{1,16}|[^\w\s])|\s+")


def split(text: str) -> list[str]:
    """The tokens of a text, in order.

    >>> split("Hello, big world!")
    ['Hello', ',', ' big', ' world', '!']
    """
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """How many tokens a text has."""
    return len(_TOKEN.findall(text))
