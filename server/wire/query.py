"""The query of a URL, escaped."""

from collections.abc import Iterable
from urllib.parse import quote, urlencode


def with_query(path: str, fields: Iterable[tuple[str, str]]) -> str:
    """``path`` and the fields in order, each value escaped whole.

    >>> with_query("/v1/listen", [("model", "nova-3"), ("keyterm", "a&b c")])
    '/v1/listen?model=nova-3&keyterm=a%26b%20c'
    """
    query = urlencode(list(fields), quote_via=quote, safe="")
    return f"{path}?{query}" if query else path


def flag(value: bool) -> str:
    """A boolean as queries and forms have it."""
    return "true" if value else "false"
