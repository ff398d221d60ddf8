"""Requests of the Responses API in one spelling: what two requests may differ in and still ask the same.

Each step names the rule of ``normalise.py`` that argues it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import orjson

_Item = dict[str, Any]
_TOLD_OF_ANSWERS = ("id", "status", "type")


def spell(body: Any, used: Counter[str]) -> Any:
    """A copy of ``body`` in the one spelling; the rules that changed something are counted in ``used``."""
    if not isinstance(body, dict):
        return body
    spelled: dict[str, Any] = orjson.loads(orjson.dumps(body))
    for name, step in _STEPS:
        before = orjson.dumps(spelled)
        step(spelled)
        if orjson.dumps(spelled) != before:
            used[name] += 1
    return spelled


def _text_input(body: dict[str, Any]) -> None:
    if isinstance(body.get("input"), str):
        body["input"] = [{"role": "user", "content": body["input"]}]


def _instructions(body: dict[str, Any]) -> None:
    words = body.pop("instructions", None)
    if words and isinstance(body.get("input"), list):
        body["input"].insert(0, {"role": "system", "content": words})


def _items(change: Callable[[_Item], None]) -> Callable[[dict[str, Any]], None]:
    def step(body: dict[str, Any]) -> None:
        for item in body.get("input") or ():
            if isinstance(item, dict):
                change(item)

    return step


def _message_type(item: _Item) -> None:
    if "role" in item:
        item.pop("type", None)


def _said_before(item: _Item) -> None:
    if item.get("role") != "assistant":
        return
    for name in ("id", "status"):
        item.pop(name, None)
    for part in item["content"] if isinstance(item["content"], list) else ():
        if part.get("type") == "output_text":
            part.pop("annotations", None)
            part.pop("logprobs", None)


def _one_text(item: _Item) -> None:
    content = item.get("content")
    if "role" in item and isinstance(content, list) and len(content) == 1 and content[0].keys() == {"type", "text"}:
        item["content"] = content[0]["text"]


def _item_status(item: _Item) -> None:
    if item.get("type") in ("reasoning", "function_call"):
        item.pop("status", None)


def _include_order(body: dict[str, Any]) -> None:
    if isinstance(names := body.pop("include", None), list) and names:
        body["include"] = dict.fromkeys(sorted(names), True)


_STEPS: tuple[tuple[str, Callable[[dict[str, Any]], None]], ...] = (
    ("input: a text is one user's message", _text_input),
    ("input: instructions are the first system message", _instructions),
    ("input: what has a role is a message", _items(_message_type)),
    ("input: an answer's message goes back as what was said", _items(_said_before)),
    ("input: one text part is its text", _items(_one_text)),
    ("input: a status is told, never asked", _items(_item_status)),
    ("include is a set", _include_order),
)

NAMES: Mapping[str, str] = {
    "input: a text is one user's message": "the spec: a text input is equivalent to a text with the user's role",
    "input: instructions are the first system message": (
        "the spec: instructions are a system message inserted into the model's context"
    ),
    "input: what has a role is a message": "message is the only type of item with a role, and the spec's default",
    "input: an answer's message goes back as what was said": (
        "id and status name an item that the provider stored, annotations and log probabilities are told of an answer; "
        "the API takes the text and the phase alone (azure-responses-chat-server-tool-b463a8ca)"
    ),
    "input: one text part is its text": "a string and a list of one text part are the same content",
    "input: a status is told, never asked": "the spec: populated when items are returned via API",
    "include is a set": "the order in which parts of an answer are asked for means nothing",
}
"""Rules by name, with their reasons."""
