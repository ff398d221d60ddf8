"""The conversation as the format has it: the operator's instructions, and turns of user and model.

https://ai.google.dev/api/caching#Content
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, Message, ToolCall

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.gemini.draft import Draft
from server.wire.gemini.parts import encode_part, put_proof
from server.wire.gemini.results import encode_result
from server.wire.gemini.thinking import signs_calls
from server.wire.json_text import object_of

_USER = "user"
_MODEL = "model"
_SYSTEM = (chat_pb2.ROLE_SYSTEM, chat_pb2.ROLE_DEVELOPER)

NO_PROOF = "skip_thought_signature_validator"
"""In place of a signature for a call that no model of Google's made, which Gemini 3 would refuse without one.

https://ai.google.dev/gemini-api/docs/thought-signatures#faqs
"""

# "Developer instruction is not enabled": https://ai.google.dev/gemma/docs/core/prompt-structure#system-instructions
_NO_INSTRUCTIONS = re.compile(r"gemma-[23]")
_NOTHING_SAID = {"text": " "}


def encode_conversation(messages: Iterable[Message], draft: Draft) -> None:
    """Puts ``contents`` and ``systemInstruction`` into the body.

    Raises InvalidArgument or UnsupportedByProvider naming the part that cannot be sent.
    """
    turns = _Turns(draft)
    for place, message in enumerate(messages):
        turns.add(message, f"messages[{place}]")
    contents = turns.contents
    if turns.instructions and _NO_INSTRUCTIONS.match(draft.model):
        contents.insert(0, {"role": _USER, "parts": turns.instructions})
    elif turns.instructions:
        draft.body["systemInstruction"] = {"parts": turns.instructions}
    if not contents or contents[0]["role"] != _USER:
        # The first turn is the user's: https://ai.google.dev/gemini-api/docs/text-generation#multi-turn-conversations
        contents.insert(0, {"role": _USER, "parts": [_NOTHING_SAID]})
    draft.body["contents"] = contents


class _Turns:
    """What the messages so far come to."""

    def __init__(self, draft: Draft) -> None:
        self.contents: list[dict[str, Any]] = []
        self.instructions: list[Any] = []
        self._draft = draft
        self._names: dict[str, str] = {}
        self._results: dict[str, Any] | None = None
        """The turn that holds the results of one round of calls, while they come."""

    def add(self, message: Message, path: str) -> None:
        """One more message."""
        self._check(message, path)
        if message.role == chat_pb2.ROLE_TOOL:
            self._add_result(message, path)
            return
        self._results = None
        if message.role in _SYSTEM:
            self._instruct(message.content, path)
        elif message.role == chat_pb2.ROLE_USER:
            if parts := self._parts(message.content, path):
                self._append(_USER, parts)
        elif message.role == chat_pb2.ROLE_ASSISTANT:
            self._add_answer(message, path)
        else:
            raise InvalidArgument.field(f"{path}.role", "is required")

    def _check(self, message: Message, path: str) -> None:
        notes = self._draft.notes
        if message.name and message.role != chat_pb2.ROLE_TOOL:
            notes.drop(f"{path}.name", "the provider knows no names of participants")
        if message.phase:
            notes.drop(f"{path}.phase", "the provider knows no phases of a turn")
        if message.audio_id:
            raise UnsupportedByProvider.of(f"{path}.audio_id", f"{self._draft.host.name} keeps no answers to replay")

    def _instruct(self, content: Sequence[ContentPart], path: str) -> None:
        for place, part in enumerate(content):
            if part.WhichOneof("part") != "text":
                kind = part.WhichOneof("part")
                raise UnsupportedByProvider.of(
                    f"{path}.content[{place}].{kind}", f"{self._draft.host.name} takes instructions as text alone"
                )
        self.instructions += self._parts(content, path)

    def _add_result(self, message: Message, path: str) -> None:
        name = self._names.get(message.tool_call_id) or message.name
        if not name:
            raise InvalidArgument.field(
                f"{path}.tool_call_id", "answers no call of an assistant message before it; the provider needs its name"
            )
        if self._results is None:
            self._results = self._append(_USER, [])
        encode_result(message, name, path, self._draft, self._results["parts"])

    def _add_answer(self, message: Message, path: str) -> None:
        parts: list[Any] = []
        calls = list(enumerate(message.tool_calls))
        for place, part in enumerate(message.content):
            while calls and calls[0][1].HasField("part_index") and calls[0][1].part_index <= place:
                parts.append(self._call(*calls.pop(0), path))
            if (encoded := encode_part(part, f"{path}.content[{place}]", self._draft)) is not None:
                parts.append(encoded)
        if message.refusal:
            # A refusal is what the model said: the format has no field for it.
            parts.append({"text": message.refusal})
        parts += [self._call(place, call, path) for place, call in calls]
        self._append(_MODEL, self._proved(parts))

    def _call(self, place: int, call: ToolCall, path: str) -> dict[str, Any]:
        path = f"{path}.tool_calls[{place}]"
        if call.HasField("custom"):
            raise UnsupportedByProvider.of(f"{path}.custom", f"{self._draft.host.name} has no custom tools")
        function = call.function
        self._names[call.id] = function.name
        arguments: Any = {}
        if function.arguments_json:
            arguments = object_of(f"{path}.function.arguments_json", function.arguments_json)
        encoded: dict[str, Any] = {"functionCall": {"id": call.id, "name": function.name, "args": arguments}}
        if call.signature:
            put_proof(encoded, call.signature, path, self._draft)
        return encoded

    def _proved(self, parts: list[Any]) -> list[Any]:
        """Calls that another provider's model made go with a word that stands for their proof."""
        if not signs_calls(self._draft.model):
            return parts
        # Of calls side by side the first alone is signed.
        calls = [part for part in parts if isinstance(part, dict) and "functionCall" in part]
        if calls and not any("thoughtSignature" in call for call in calls):
            calls[0]["thoughtSignature"] = NO_PROOF
        return parts

    def _parts(self, content: Sequence[ContentPart], path: str) -> list[Any]:
        found = (encode_part(part, f"{path}.content[{place}]", self._draft) for place, part in enumerate(content))
        return [part for part in found if part is not None]

    def _append(self, role: str, parts: list[Any]) -> dict[str, Any]:
        """Adds a turn; what the model said in several messages is one, so that results follow all its calls."""
        if role == _MODEL and self.contents and self.contents[-1]["role"] == _MODEL:
            self.contents[-1]["parts"] += _saying(parts)
            return self.contents[-1]
        turn = {"role": role, "parts": parts if role == _USER else _saying(parts)}
        if role == _USER or turn["parts"]:
            self.contents.append(turn)
        return turn


def _saying(parts: list[Any]) -> list[Any]:
    """Without texts that are empty, which answers of other providers hold beside calls."""
    return [part for part in parts if part != {"text": ""}]
