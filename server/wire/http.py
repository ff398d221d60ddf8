"""An HTTP exchange described, not made."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(slots=True)
class HttpRequest:
    """What a codec wants sent.

    ``path`` starts with a slash, is joined to the provider's base URL as it is, and is already escaped: any
    part that came from a caller went through ``path_segment``. ``adjusted_fields`` are the proto paths of
    parameters that were dropped or changed because the provider lacks them.
    """

    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    adjusted_fields: tuple[str, ...] = ()
    pieces: tuple[bytes, ...] = ()
    """Sent one after the other in place of ``body``: a long upload that is never put together."""
    flow: AsyncIterator[bytes] | None = None
    """Sent in place of both as it comes, chunked, since its length is not known. It can be sent once."""


@dataclass(slots=True)
class HttpResponse:
    """A whole answer. ``headers`` looks names up without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def path_segment(text: str) -> str:
    """``text`` as one segment of a URL path: nothing in it can end the segment or climb out of it.

    >>> path_segment("../admin?x#y")
    '..%2Fadmin%3Fx%23y'
    """
    escaped = quote(text, safe="")
    # Dots are unreserved, so "." and ".." alone survive quoting and would be resolved away.
    return escaped.replace(".", "%2E") if set(text) == {"."} else escaped
