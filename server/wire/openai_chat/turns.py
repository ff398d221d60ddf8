"""The order of turns at hosts that insist on one."""

import re
from typing import Any

_LENIENT = re.compile(r"mistral-small-(latest|26)")
"""Models that were seen to take a user's message after a tool's result."""


def mistral_turns(entries: list[dict[str, Any]], model: str) -> None:
    """The messages as Mistral takes them.

    Most of its models answer 400 "Unexpected role 'user' after role 'tool'", so that a word of the assistant goes
    between. It answers "Expected last role User or Tool (or Assistant with prefix True)", so that a last message of the
    assistant is marked as what the answer begins with: https://docs.mistral.ai/capabilities/completion/prefix
    """
    if not _LENIENT.match(model):
        for place in range(len(entries) - 1, 0, -1):
            if (entries[place - 1]["role"], entries[place]["role"]) == ("tool", "user"):
                entries.insert(place, {"role": "assistant", "content": "OK"})
    if entries and entries[-1]["role"] == "assistant" and "tool_calls" not in entries[-1]:
        entries[-1]["prefix"] = True
