"""Requests of Ollama's own API in one spelling: what two requests may differ in and still ask the same."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from tests.wire.recording import Json

IDS, BLANKS = "made ids of calls", "an empty setting is none"
OLDER_PATH = "the path that took over"
NAMES: Mapping[str, str] = {
    IDS: "the contract's calls have ids; releases that know none pass over them, and over a result's tool_name",
    BLANKS: 'the reference\'s own clients send tools: [], format: "" and options: {} for what was not set',
    OLDER_PATH: "/api/embeddings takes one prompt and is superseded by /api/embed, which takes inputs",
}
"""Rules by name, with their reasons; see normalise.py."""


def spell(body: Json, used: Counter[str]) -> Json:
    """A request in the one spelling; the rules that changed something are counted in ``used``."""
    told: dict[str, Any] = orjson.loads(orjson.dumps(body))
    for name in ("tools", "format", "options"):
        if told.get(name) in ([], "", {}):
            del told[name]
            used[BLANKS] += 1
    for message in told["messages"]:
        given = [call.pop("id") for call in message.get("tool_calls") or () if str(call.get("id")).startswith("made_")]
        if str(message.get("tool_call_id")).startswith("made_"):
            given += [message.pop("tool_call_id"), message.pop("tool_name", "")]
        used[IDS] += bool(given)
    return told
