"""The items of one answer, told to its choice: in pieces as a stream brings them, or whole."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from aignehub.v1.chat_pb2 import Logprobs, OutputAudio, ReasoningPart

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire.chat.assembly import Batch, ChoiceAssembly
from server.wire.chat.call_ids import made_call_id
from server.wire.json_value import Json, Object
from server.wire.openai_chat.calls import MAX_CALLS
from server.wire.openai_chat.logprobs import read_logprobs
from server.wire.openai_chat.pieces import arguments, provider_block
from server.wire.openai_responses import reasoning
from server.wire.openai_responses.citations import read_annotation
from server.wire.openai_responses.finish import end_of
from server.wire.openai_responses.images import drawn_part

MAX_ITEMS = 4096
"""More items than this in one answer are taken for an attack on memory."""

_FOR_THE_CALLER = frozenset(
    {"computer_call", "local_shell_call", "shell_call", "apply_patch_call", "tool_search_call", "mcp_approval_request"}
)
"""Items that wait for the caller where no item of the same answer holds their outcome."""

_MESSAGE = frozenset({"type", "role", "content", "phase"})
_CALLS: Mapping[str, str] = MappingProxyType({"function_call": "arguments", "custom_tool_call": "input"})
"""Kinds of calls, and where each has its text."""
_CALL = frozenset({"type", "id", "call_id", "name", "arguments", "input", "status"})


class _Item:
    """What has been told of one item."""

    __slots__ = ("call", "cited", "key", "kind", "parts", "sizes", "words")

    def __init__(self) -> None:
        self.kind = ""
        self.key = ""
        """The piece that was told last: form and number."""
        self.sizes: dict[str, int] = {}
        """Characters told of every form."""
        self.parts: list[int | None] = []
        """Numbers of the text parts that it became."""
        self.cited = 0
        self.words = 0
        """Tokens with a log probability."""
        self.call: int | None = None
        """Its place among the calls."""


class AnswerOutput:
    """The state of an answer's only choice."""

    def __init__(self, provider: str, batch: Batch, salt: Callable[[], str], *, stored: bool) -> None:
        """``salt`` makes ids where there are none; ``stored`` answers are found again by the ids of their items."""
        self._assembly = ChoiceAssembly(0, batch)
        self._provider = provider
        self._salt = salt
        self._stored = stored
        self._items: dict[int, _Item] = {}
        self._ended: set[int] = set()
        self._ids: set[str] = set()
        self._calls = 0
        self._waiting: set[str] = set()
        self._left: list[Object] = []
        self._notes: list[Object] = []
        self._word = ""
        self.phase = ""
        """Of the last message; see Message.phase."""

    @property
    def ended(self) -> bool:
        """True once the provider has said how the answer ended."""
        return bool(self._word)

    @property
    def size(self) -> int:
        """Bytes of text so far."""
        return self._assembly.size

    def close(self) -> None:
        """Completes the message at hand."""
        self._assembly.close()

    def stop(self, word: str) -> None:
        """The provider's word for the end; ``end`` tells it."""
        self._word = word or "completed"

    def end(self) -> None:
        """Tells why it ended, on its last delta."""
        fields: Object = {}
        if self._left:
            fields["output"] = self._left
        if self._notes:
            fields["annotations"] = self._notes
        reason = end_of(self._word, calls=bool(self._calls or self._waiting))
        self._assembly.finish(reason, self._word, "", json.to_text(fields))

    def begin(self, index: int, told: Object) -> None:
        """An item has begun; a call is told at once."""
        item = self._item(index)
        item.kind = json.text(told.get("type"))
        if item.kind in _CALLS and json.word(told.get("call_id")):
            self._begin_call(item, told)

    def text(self, index: int, content: Json, piece: str, logprobs: Json = None) -> None:
        """Appends to a text of a message, the one of that number; None goes on with the one at hand."""
        item = self._item(index)
        if content is not None:
            self._turn_to(item, f"text/{content}")
        if piece:
            item.sizes["text"] = item.sizes.get("text", 0) + len(piece)
            self._assembly.text(piece)
            if not item.parts or item.parts[-1] != self._assembly.text_part:
                item.parts.append(self._assembly.text_part)
        if (read := read_logprobs({"content": logprobs})) is not None:
            item.words += len(read.content)
            self._assembly.logprobs(Logprobs(content=read.content))

    def refusal(self, index: int, piece: str) -> None:
        """Appends to the refusal."""
        item = self._item(index)
        item.sizes["refusal"] = item.sizes.get("refusal", 0) + len(piece)
        if piece:
            self._assembly.refusal(piece)

    def thought(self, index: int, form: str, number: Json, piece: str, item_id: str) -> None:
        """Appends to a text of reasoning, a summary or the thought itself."""
        item = self._item(index)
        key = f"{form}/{number}"
        new = key != item.key
        item.key = key
        if piece:
            item.sizes[form] = item.sizes.get(form, 0) + len(piece)
            part = ReasoningPart(text=piece, provider=self._provider, id=item_id, format=form)
            self._assembly.reasoning_detail(part, new_block=new)

    def call(self, index: int, piece: str, *, custom: bool) -> None:
        """Appends to what a call is made with."""
        item = self._item(index)
        if item.call is not None and piece:
            item.sizes["call"] = item.sizes.get("call", 0) + len(piece)
            self._assembly.call(item.call, piece, id="", name="", custom=custom, signature=b"")

    def audio(self, piece: OutputAudio) -> None:
        """Appends to the spoken answer."""
        self._assembly.audio(piece)

    def cite(self, index: int, told: Object) -> None:
        """One annotation of a text."""
        item = self._item(index)
        item.cited += 1
        self._cite(told, item.parts[-1] if item.parts else None)

    def whole(self, index: int, told: Object) -> None:
        """An item that is complete: what has not been told of it yet."""
        if index in self._ended:
            return
        self._ended.add(index)
        self._ids.add(json.text(told.get("id")))
        item = self._item(index)
        kind = json.text(told.get("type"))
        if kind == "message":
            self._message(index, item, told)
        elif kind == "reasoning":
            self._reasoning(index, told)
        elif kind in _CALLS:
            self._whole_call(index, item, told)
        elif (drawn := drawn_part(told)) is not None:
            self._assembly.part(drawn[0])
            self._keep(drawn[1])
        elif told:
            self._block(kind, told)

    def rest(self, output: Json) -> None:
        """The items of a whole answer, of which a stream may have brought some before."""
        streamed = self._ids - {""}
        for index, told in enumerate(json.items(output)):
            if type(told) is dict and json.text(told.get("id")) not in streamed:
                self.whole(index, told)

    def _item(self, index: int) -> _Item:
        item = self._items.get(index)
        if item is None:
            if len(self._items) >= MAX_ITEMS:
                raise ProviderBadResponse("the provider sent more items than the hub reads")
            item = self._items[index] = _Item()
        return item

    def _turn_to(self, item: _Item, key: str) -> None:
        if item.key != key:
            item.key = key
            self._assembly.new_part()

    def _message(self, index: int, item: _Item, told: Object) -> None:
        sizes, cited, words = dict(item.sizes), item.cited, item.words
        for place, part in enumerate(json.objects(told.get("content"))):
            if part.get("type") == "refusal":
                self.refusal(index, _remainder(json.text(part.get("refusal")), sizes, "refusal"))
                continue
            if part.get("type") not in ("output_text", "text"):
                self._assembly.part(provider_block(part, self._provider))
                continue
            begun = sizes.get("text", 0) > 0
            rest = _remainder(json.text(part.get("text")), sizes, "text")
            logprobs = json.items(part.get("logprobs"))
            if rest or logprobs[words:]:
                self.text(index, None if begun else f"whole {place}", rest, logprobs[words:])
            words = max(words - len(logprobs), 0)
            annotations = json.objects(part.get("annotations"))
            for annotation in annotations[cited:]:
                self._cite(annotation, item.parts[min(place, len(item.parts) - 1)] if item.parts else None)
            cited = max(cited - len(annotations), 0)
        self._assembly.new_part()
        self.phase = json.text(told.get("phase")) or self.phase
        self._keep({"type": "message", **json.unread(told, _MESSAGE), **_phase(told)})

    def _reasoning(self, index: int, told: Object) -> None:
        item_id = json.text(told.get("id"))
        sizes = dict(self._item(index).sizes)
        for name, form in (("content", reasoning.CONTENT), ("summary", reasoning.SUMMARY)):
            for place, part in enumerate(json.objects(told.get(name))):
                if rest := _remainder(json.text(part.get("text")), sizes, form):
                    self.thought(index, form, f"whole {place}", rest, item_id)
        proof = json.text(told.get("encrypted_content")).encode()
        said = any(self._item(index).sizes.values())
        if proof or (self._stored and item_id and not said):
            block = ReasoningPart(signature=proof, provider=self._provider, id=item_id)
            block.redacted = bool(proof) and not said
            self._assembly.reasoning_detail(block, new_block=not said)
        self._assembly.new_part()

    def _begin_call(self, item: _Item, told: Object) -> None:
        if item.call is not None:
            return
        if self._calls >= MAX_CALLS:
            raise ProviderBadResponse("the provider sent more tool calls than the hub reads")
        item.call = self._calls
        self._calls += 1
        custom = told.get("type") == "custom_tool_call"
        name = json.text(told.get("name"))
        call_id = json.word(told.get("call_id")) or json.word(told.get("id"))
        call_id = call_id or made_call_id(self._salt(), 0, item.call)
        self._assembly.call(item.call, "", id=call_id, name=name, custom=custom, signature=b"")

    def _whole_call(self, index: int, item: _Item, told: Object) -> None:
        kind = json.text(told.get("type"))
        self._begin_call(item, told)
        custom = kind == "custom_tool_call"
        self.call(index, _remainder(arguments(told.get(_CALLS[kind])), dict(item.sizes), "call"), custom=custom)
        own_id = json.text(told.get("id"))
        if item.call is not None and own_id and json.word(told.get("call_id")) not in ("", own_id):
            self._assembly.call(item.call, "", id="", name="", custom=custom, signature=own_id.encode())
        if left := json.unread(told, _CALL):
            self._keep({"type": kind, **left})

    def _block(self, kind: str, told: Object) -> None:
        call_id = json.text(told.get("call_id")) or json.text(told.get("id"))
        if kind.endswith("_output"):
            self._waiting.discard(call_id)
        elif kind in _FOR_THE_CALLER and told.get("execution") != "server":
            self._waiting.add(call_id)
        self._assembly.part(provider_block(told, self._provider))

    def _cite(self, told: Object, part: int | None) -> None:
        citation, left = read_annotation(told, part)
        if citation is not None:
            self._assembly.citations([citation])
        if left:
            self._notes.append(left)

    def _keep(self, left: Object) -> None:
        """What an item says that has no place in the contract."""
        if left.keys() - {"type"}:
            self._left.append(left)


def _phase(told: Object) -> Object:
    return {"phase": told["phase"]} if json.text(told.get("phase")) else {}


def _remainder(text: str, sizes: dict[str, int], form: str) -> str:
    """What of ``text`` was not told yet, where so many characters of its form were; the number is counted down."""
    told = sizes.get(form, 0)
    sizes[form] = max(told - len(text), 0)
    return text[told:]
