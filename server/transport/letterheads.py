"""Heads of requests that are sent again and again: put together and checked once, then filled in.

Requests to one path of a provider under one key differ in nothing but the body's length and the caller's trace.
"""

import re
from collections.abc import Callable, Mapping

from multidict import CIMultiDict

from server.transport.direct import DirectPath, Target, Written
from server.transport.endpoint import Credential, Endpoint, Settled
from server.wire.http import HttpRequest

_MOST = 1024
_BLANK = "\ue000"
"""Stands where something is filled in. It is of Unicode's private use; a head that has it of its own is not kept."""
_SAFE = re.compile(r"[\t\x20-\x7e]*")

_Key = tuple[int, str, str, str, tuple[tuple[str, str], ...], tuple[str, ...]]
_Headers = Callable[[Endpoint, HttpRequest, Mapping[str, str]], CIMultiDict[str]]


class _Letterhead:
    """The head of every request of one kind, in the pieces between the blanks."""

    __slots__ = ("endpoint", "pieces", "target")

    def __init__(self, endpoint: Endpoint, target: Target, pieces: list[bytes]) -> None:
        self.endpoint = endpoint
        """Held, so that the key can go by which object it is."""
        self.target = target
        self.pieces = pieces


class Letterheads:
    """Those in use, up to a number at which it begins anew."""

    def __init__(self, direct: DirectPath, headers: _Headers) -> None:
        """``headers`` puts together what is sent beside the credential, the later winning."""
        self.direct = direct
        self._headers = headers
        self._kept: dict[_Key, _Letterhead] = {}

    def written(
        self, endpoint: Endpoint, request: HttpRequest, credential: Credential, extra: Mapping[str, str]
    ) -> Written | None:
        """The whole request and whom to ask, where it is of a kind that can be kept; else None.

        That is one with a short body, no header that depends on it, and at most one ``extra`` header.
        """
        body, authorize = request.body, endpoint.authorize
        if not body or request.pieces or request.flow is not None or not self.direct.takes(body):
            return None
        if not isinstance(authorize, Settled):
            return None
        key = (
            id(endpoint), request.method, request.path, credential.secret, tuple(request.headers.items()), tuple(extra),
        )  # fmt: skip
        found = self._kept.get(key)
        if found is None:
            headers = self._headers(endpoint, request, dict.fromkeys(extra, _BLANK))
            headers.update(authorize.headers(credential, headers))
            found = self._made(endpoint, request, headers, len(extra))
            if found is None:
                return None
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[key] = found
        pieces = found.pieces
        if not extra:
            return found.target, b"%b%d%b%b" % (pieces[0], len(body), pieces[1], body)
        (value,) = extra.values()
        if not _SAFE.fullmatch(value):
            return None
        return found.target, b"%b%b%b%d%b%b" % (pieces[0], value.encode(), pieces[1], len(body), pieces[2], body)

    def _made(
        self, endpoint: Endpoint, request: HttpRequest, headers: CIMultiDict[str], blanks: int
    ) -> _Letterhead | None:
        """``blanks`` of the headers are to be filled in, one at most."""
        if blanks > 1:
            return None
        try:
            asked = self.direct.head(request.method, endpoint.base_url + request.path, headers, _BLANK)
        except ValueError:
            return None  # whoever sends it the other way says what is wrong with it
        if asked is None:
            return None
        target, head = asked
        pieces = head.split(_BLANK.encode())
        return _Letterhead(endpoint, target, pieces) if len(pieces) == blanks + 2 else None
