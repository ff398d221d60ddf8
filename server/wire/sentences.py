"""Text as it comes, cut into sentences that can be spoken one by one."""

import re

# Closing quotes may follow the mark, curly ones among them; Chinese and Japanese marks need no space after them.
_END = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]*\s+|[\u3002\uff01\uff1f]|\n\s*\n")
_SOONEST = 12  # characters: what is shorter is said together with what follows, or "Dr. " would be a sentence
_LONGEST = 1000
"""Characters after which a sentence is cut at a space: a listener should not wait for a full stop that never comes."""


class Sentences:
    """Fed with pieces of text; gives sentences in order, white space at their ends removed."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> list[str]:
        """The sentences that this piece completed."""
        self._held += text
        found = []
        while (cut := self._next()) > 0:
            found.append(self._held[:cut])
            self._held = self._held[cut:]
        return [sentence.strip() for sentence in found if sentence.strip()]

    def flush(self) -> list[str]:
        """What is left, as a sentence of its own."""
        rest, self._held = self._held.strip(), ""
        return [rest] if rest else []

    def _next(self) -> int:
        for match in _END.finditer(self._held, 0, _LONGEST):
            if match.end() >= _SOONEST:
                return match.end()
        if len(self._held) <= _LONGEST:
            return 0
        space = self._held.rfind(" ", _SOONEST, _LONGEST)
        return space + 1 if space > 0 else _LONGEST
