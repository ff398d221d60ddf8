"""Which call a piece of a streamed tool call belongs to."""

from collections.abc import Callable
from typing import NamedTuple

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire.chat.call_ids import made_call_id
from server.wire.json_value import Json, Object
from server.wire.openai_chat import pieces

MAX_CALLS = 1024
"""More calls than this in one choice are taken for an attack on memory."""


class CallPiece(NamedTuple):
    """One piece, with ``id`` and ``name`` where it is the first to tell them."""

    place: int
    text: str
    id: str
    name: str
    custom: bool
    signature: bytes


class _Call:
    __slots__ = ("given_id", "named")

    def __init__(self, given_id: str, *, named: bool) -> None:
        self.given_id = given_id
        self.named = named


class CallTracker:
    """Counts the calls of one choice, in the order in which they first appear."""

    __slots__ = ("_by_index", "_calls", "_choice")

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._calls: list[_Call] = []
        self._by_index: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def place(self, index: int) -> int | None:
        """Which call the provider numbers so; None where none has begun yet."""
        return self._by_index.get(index)

    def read(self, told: Object, salt: Callable[[], str]) -> CallPiece | None:
        """One element of ``tool_calls``; None where it says nothing. ``salt`` makes ids where there are none."""
        custom = json.obj(told.get("custom"))
        source = custom or json.obj(told.get("function"))
        given_id, name = json.word(told.get("id")), json.text(source.get("name"))
        text = json.text(source.get("input")) if custom else pieces.arguments(source.get("arguments"))
        signature = pieces.signature_of(told)
        place = self._find(json.index(told.get("index")), given_id, name)
        if place is not None:
            call = self._calls[place]
            # Some hosts repeat id and name on every piece.
            told_name = "" if call.named else name
            call.named = call.named or bool(name)
            return CallPiece(place, text, "", told_name, bool(custom), signature)
        if not (given_id or name or text):
            return None
        return self._begin(told.get("index"), given_id, name, salt, text, custom=bool(custom), signature=signature)

    def _begin(
        self,
        index: Json,
        given_id: str,
        name: str,
        salt: Callable[[], str],
        text: str,
        *,
        custom: bool,
        signature: bytes,
    ) -> CallPiece:
        place = len(self._calls)
        if place >= MAX_CALLS:
            raise ProviderBadResponse("the provider sent more tool calls than the hub reads")
        self._calls.append(_Call(given_id, named=bool(name)))
        if (number := json.index(index)) is not None:
            self._by_index[number] = place
        call_id = given_id or made_call_id(salt(), self._choice, place)
        return CallPiece(place, text, call_id, name, custom, signature)

    def _find(self, index: int | None, given_id: str, name: str) -> int | None:
        """The call a piece goes on with; None where it begins one."""
        if index is not None:
            place = self._by_index.get(index)
            # Gemini behind this format numbers every one of its parallel calls 0: a second id is a second call.
            if place is not None and name and given_id and given_id != self._calls[place].given_id:
                return None
            return place
        if given_id:
            return next((at for at, call in enumerate(self._calls) if call.given_id == given_id), None)
        return len(self._calls) - 1 if self._calls and not name else None
