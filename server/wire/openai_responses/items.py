"""The conversation as the format has it: a list of items, where a message is one kind of item among others."""

from collections.abc import Iterator
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, Message, ReasoningPart, ToolCall
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import InvalidArgument
from server.wire.chat.adjustments import Adjustments
from server.wire.json_text import object_of
from server.wire.openai_chat import words
from server.wire.openai_responses import calls, parts, reasoning
from server.wire.openai_responses.dialect import ResponsesDialect

FINAL_ANSWER = "final_answer"
COMMENTARY = "commentary"
"""The two phases of an assistant's message: https://platform.openai.com/docs/api-reference/responses/object."""


def encode_items(
    request: CreateChatCompletionRequest, dialect: ResponsesDialect, notes: Adjustments
) -> list[dict[str, Any]]:
    """Every message, in order. Raises InvalidArgument or UnsupportedByProvider naming the part that cannot be sent."""
    kinds = {call.id: call.WhichOneof("call") for message in request.messages for call in message.tool_calls}
    items: list[Any] = []
    for place, message in enumerate(request.messages):
        path = f"messages[{place}]"
        _drop_rest(message, path, notes)
        match message.role:
            case chat_pb2.ROLE_ASSISTANT:
                items += _Turn(message, path, dialect, notes, stored=request.store).items()
            case chat_pb2.ROLE_TOOL:
                items += _result(message, path, dialect, notes, custom=kinds.get(message.tool_call_id) == "custom")
            case _:
                items += _said(message, path, dialect, notes)
    return items


def _drop_rest(message: Message, path: str, notes: Adjustments) -> None:
    if message.name:
        notes.drop(f"{path}.name", "the provider knows no names of participants in this API")
    if message.tool_error:
        notes.drop(f"{path}.tool_error", "the provider has no mark for a failed tool; its text still says so")
    if message.phase and message.role != chat_pb2.ROLE_ASSISTANT:
        notes.drop(f"{path}.phase", "only an assistant's messages have phases")
    if message.audio_id:
        notes.drop(f"{path}.audio_id", "the provider replays no spoken answers in this API")


def _said(message: Message, path: str, dialect: ResponsesDialect, notes: Adjustments) -> Iterator[Any]:
    """A message of a system, a developer or a user."""
    role = words.ROLES.get(message.role)
    if role is None:
        raise InvalidArgument.field(f"{path}.role", "is required")
    if role == "developer" and not dialect.developer_role:
        role = "system"
    content: list[dict[str, Any]] = []
    for place, part in enumerate(message.content):
        where = f"{path}.content[{place}]"
        if part.WhichOneof("part") == "provider":
            # An item of its own, such as what a computer tool's run looked like.
            if content:
                yield {"role": role, "content": parts.simplest(content)}
                content = []
            yield from _block(part, where, dialect, notes)
        elif part.WhichOneof("part") == "reasoning":
            notes.drop(f"{where}.reasoning", "only an assistant reasons")
        else:
            content.append(parts.encode_input(part, where, dialect, notes))
    if content:
        yield {"role": role, "content": parts.simplest(content)}


def _result(
    message: Message, path: str, dialect: ResponsesDialect, notes: Adjustments, *, custom: bool
) -> Iterator[Any]:
    """What a tool of the caller's answered."""
    content: list[dict[str, Any]] = []
    blocks: list[Any] = []
    for place, part in enumerate(message.content):
        where = f"{path}.content[{place}]"
        if part.WhichOneof("part") == "provider":
            blocks += _block(part, where, dialect, notes)
        else:
            content.append(parts.encode_input(part, where, dialect, notes))
    if content or not blocks:
        kind = "custom_tool_call_output" if custom else "function_call_output"
        yield {"type": kind, "call_id": message.tool_call_id, "output": parts.simplest(content) or ""}
    yield from blocks


def _block(part: ContentPart, path: str, dialect: ResponsesDialect, notes: Adjustments) -> Iterator[Any]:
    if part.provider.provider != dialect.name:
        notes.drop(f"{path}.provider", "another provider's block cannot be sent")
    else:
        yield object_of(f"{path}.provider.json", part.provider.json)


class _Turn:
    """An assistant's message taken apart into its items, in the order in which they were made."""

    def __init__(
        self, message: Message, path: str, dialect: ResponsesDialect, notes: Adjustments, *, stored: bool
    ) -> None:
        self._message = message
        self._path = path
        self._dialect = dialect
        self._notes = notes
        self._stored = stored
        self._items: list[Any] = []
        self._texts: list[dict[str, Any]] = []
        self._thoughts: list[ReasoningPart] = []
        self._thoughts_at: list[str] = []
        self._said: list[dict[str, Any]] = []

    def items(self) -> list[Any]:
        """All of them; calls stand before the content part that they came before."""
        message = self._message
        waiting = list(enumerate(message.tool_calls))
        for place, part in enumerate(message.content):
            while waiting and waiting[0][1].HasField("part_index") and waiting[0][1].part_index <= place:
                self._call(*waiting.pop(0))
            self._part(part, f"{self._path}.content[{place}]")
        if message.refusal:
            self._settle_thoughts()
            self._texts.append({"type": "refusal", "refusal": message.refusal})
        for one in waiting:
            self._call(*one)
        self._settle()
        self._mark_phases()
        return self._items

    def _part(self, part: ContentPart, path: str) -> None:
        match part.WhichOneof("part"):
            case "text":
                self._settle_thoughts()
                parts.drop_marks(part, path, self._notes, "an assistant's words")
                self._texts.append({"type": "output_text", "text": part.text})
            case "reasoning":
                self._settle_texts()
                self._thought(part.reasoning, path)
            case "provider":
                self._settle()
                self._items += _block(part, path, self._dialect, self._notes)
            case "image":
                self._settle()
                self._items.append(parts.drawn_image(part, path, self._dialect))
            case _:
                raise parts.no_input(part, path, self._dialect)

    def _call(self, place: int, call: ToolCall) -> None:
        self._settle()
        self._items.append(calls.call_item(call, f"{self._path}.tool_calls[{place}]", self._dialect, self._notes))

    def _thought(self, part: ReasoningPart, path: str) -> None:
        if not reasoning.belongs(part, self._thoughts):
            self._settle_thoughts()
        self._thoughts.append(part)
        self._thoughts_at.append(f"{path}.reasoning")

    def _settle(self) -> None:
        self._settle_thoughts()
        self._settle_texts()

    def _settle_thoughts(self) -> None:
        if not self._thoughts:
            return
        if reasoning.is_ours(self._thoughts, self._dialect, stored=self._stored):
            self._items.append(reasoning.reasoning_item(self._thoughts, self._dialect))
        else:
            for path in self._thoughts_at:
                self._notes.drop(path, "the provider cannot take this reasoning back")
        self._thoughts, self._thoughts_at = [], []

    def _settle_texts(self) -> None:
        """Consecutive texts are one message; a plain one goes as a string, which needs no id of the provider's own."""
        if not self._texts:
            return
        lone = len(self._texts) == 1 and "text" in self._texts[0]
        entry = {"role": "assistant", "content": self._texts[0]["text"] if lone else self._texts}
        self._items.append(entry)
        self._said.append(entry)
        self._texts = []

    def _mark_phases(self) -> None:
        """A message of the contract has one phase; what was said on the way to a final answer is commentary."""
        phase = self._message.phase
        if phase not in ("", FINAL_ANSWER, COMMENTARY):
            self._notes.drop(f"{self._path}.phase", f"the provider knows {COMMENTARY} and {FINAL_ANSWER}")
        elif phase:
            for entry in self._said:
                entry["phase"] = COMMENTARY
            if self._said:
                self._said[-1]["phase"] = phase
