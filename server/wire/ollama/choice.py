"""The only choice of an answer: what each line says of it, handed to its assembly."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import orjson
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, FinishReason, ImagePart
from aignehub.v1.media_pb2 import Media

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire.chat.assembly import Batch, ChoiceAssembly
from server.wire.chat.call_ids import made_call_id
from server.wire.chat.finish import finish_reason
from server.wire.image_facts import probe
from server.wire.json_value import Object
from server.wire.ollama.names import NAME
from server.wire.openai_chat.calls import MAX_CALLS
from server.wire.openai_chat.logprobs import read_logprobs

_WORDS: "Mapping[str, FinishReason.ValueType]" = MappingProxyType(
    {"stop": chat_pb2.FINISH_REASON_STOP, "length": chat_pb2.FINISH_REASON_LENGTH}
)
_MESSAGE = frozenset({"role", "content", "thinking", "tool_calls", "images"})


class AnswerChoice:
    """State of the choice."""

    def __init__(self, batch: Batch, salt: Callable[[], str]) -> None:
        """``salt`` makes ids of calls where there are none."""
        self._assembly = ChoiceAssembly(0, batch)
        self._salt = salt
        self._calls = 0
        self._left: Object = {}
        self._word = ""
        self.heard = False
        """True once there was a message, even an empty one."""
        self.ended = False
        """True once the provider has said that the answer is whole."""

    @property
    def size(self) -> int:
        """Bytes of text so far."""
        return self._assembly.size

    def close(self) -> None:
        """Completes the message at hand."""
        self._assembly.close()

    def read(self, line: Object) -> None:
        """One object of the answer: a piece of it, or all of it."""
        self.heard = self.heard or type(line.get("message")) is dict
        message = json.obj(line.get("message"))
        if thinking := json.text(message.get("thinking")):
            self._assembly.reasoning(thinking, NAME)
        if content := json.text(message.get("content")):
            self._assembly.text(content)
        for told in json.objects(message.get("tool_calls")):
            self._call(told)
        for told in json.items(message.get("images")):
            self._image(json.text(told))
        logprobs = line.get("logprobs")
        if logprobs and (read := read_logprobs({"content": logprobs})) is not None:
            self._assembly.logprobs(read)
        if not message.keys() <= _MESSAGE:
            json.merge(self._left, json.unread(message, _MESSAGE))
        if line.get("done") is True:
            self.ended = True
            self._word = json.text(line.get("done_reason"))

    def end(self) -> None:
        """Tells why it ended, on its last delta. Older releases do not say: then it was a natural end."""
        reason = finish_reason(self._word or "stop", calls=self._calls > 0, words=_WORDS)
        self._assembly.finish(reason, self._word, "", json.to_text({"message": self._left} if self._left else {}))

    def _call(self, told: Object) -> None:
        function = json.obj(told.get("function"))
        if not function:
            return
        if self._calls >= MAX_CALLS:
            raise ProviderBadResponse("the provider sent more tool calls than the hub reads")
        call_id = json.text(told.get("id")) or made_call_id(self._salt(), 0, self._calls)
        name, text = json.text(function.get("name")), _arguments(function.get("arguments"))
        self._assembly.call(self._calls, text, id=call_id, name=name, custom=False, signature=b"")
        self._calls += 1

    def _image(self, told: str) -> None:
        if not told:
            return
        data = json.base64_bytes(told)
        facts = probe(data)
        media = Media(data=data, mime_type=f"image/{facts.format.lower()}" if facts else "image/png")
        self._assembly.part(ContentPart(image=ImagePart(media=media)))


def _arguments(told: Any) -> str:
    """Arguments come parsed; as JSON text they go on."""
    if type(told) is str:
        return told
    try:
        return "{}" if told is None else orjson.dumps(told).decode()
    except TypeError:
        raise ProviderBadResponse("the provider's answer is nested too deeply") from None
