"""What a candidate says beside the parts of its content."""

from dataclasses import dataclass, field

from server.wire import json_value as json
from server.wire.gemini.host import Host
from server.wire.gemini.words import finish_word
from server.wire.json_value import Object

_READ = frozenset({"content", "index", "finishReason", "logprobsResult"})
_READ_CONTENT = frozenset({"parts", "role"})
# Later chunks of a stream tell these anew, whole or with more in them.
_GROUNDING = "groundingMetadata"
_RECITED = "citationMetadata"


@dataclass(slots=True)
class Remarks:
    """Gathered over all chunks of a stream; a whole answer is one."""

    host: Host
    reason: str = ""
    """The provider's word for why it ended; empty while it has not."""
    grounding: Object = field(default_factory=dict)
    recited: Object = field(default_factory=dict)
    sound: str = ""
    """Media type of what was spoken."""
    _left: Object = field(default_factory=dict)

    def read(self, told: Object) -> None:
        """One candidate of one chunk."""
        self.reason = finish_word(told.get("finishReason"), self.host.finish_numbers) or self.reason
        if told.keys() <= _READ and json.obj(told.get("content")).keys() <= _READ_CONTENT:
            return
        left = json.unread(told, _READ)
        self.grounding.update(json.unread(json.obj(left.get(_GROUNDING)), frozenset()))
        self.recited.update(json.unread(json.obj(left.get(_RECITED)), frozenset()))
        self._left.update(left)
        if content := json.unread(json.obj(told.get("content")), _READ_CONTENT):
            self._left["content"] = content

    def fields(self) -> str:
        """What the contract has no field for, as JSON. What grounds the answer is kept whole beside its citations."""
        if self.grounding:
            self._left[_GROUNDING] = self.grounding
        if self.recited:
            self._left[_RECITED] = self.recited
        if self.sound:
            self._left["inlineData"] = {"mimeType": self.sound}
        return json.to_text(self._left)
