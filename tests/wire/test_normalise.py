"""The table takes other spellings of the same request, and nothing else."""

import copy
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.wire.jsondiff import differences
from tests.wire.made import REQUEST
from tests.wire.normalise import RULES, Context, explain, same_path

THOUGHT = {"reasoning": "r", "reasoning_content": "r"}
ASSISTANT = {"role": "assistant", "content": "", "tool_calls": [{"id": "1"}], **THOUGHT}

RECORDED: dict[str, Any] = {
    **REQUEST,
    "max_tokens": 5,
    "seed": 3,
    "stop": "x",
    "stream": True,
    "n": None,
    "messages": [
        {"role": "user", "content": "hi"},
        ASSISTANT,
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}]},
    ],
}
SENT: dict[str, Any] = {
    **REQUEST,
    "max_completion_tokens": 5,
    "seed": 3,
    "stop": ["x"],
    "stream": True,
    "stream_options": {"include_usage": True},
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "tool_calls": [{"id": "1"}], "reasoning": "r"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORx=="}}]},
    ],
}


def left(recorded: object, sent: object) -> list[str]:
    return [each.where for each in explain(recorded, sent, Context(), Counter())]


def test_other_spellings_are_the_same_request_and_are_counted() -> None:
    used: Counter[str] = Counter()
    assert explain(RECORDED, SENT, Context(), used) == []
    assert used == {
        "max_tokens folded": 2,
        "one stop sequence": 1,
        "null is absent": 1,
        "usage asked for": 1,
        "content text is one text part": 1,
        "no text beside calls": 1,
        "reasoning told once": 1,
        "media of equal bytes": 1,
    }


def _reorder(body: dict[str, Any]) -> None:
    body["tools"][0]["function"]["parameters"]["properties"] = {"at": {}, "city": {}}


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a text": (lambda body: body["messages"][0]["content"][0].update(text="ho"), "messages[0].content"),
    "a limit": (lambda body: body.update(max_completion_tokens=6), "max_tokens"),
    "a number's kind": (lambda body: body.update(seed=3.0), "seed"),
    "true for one": (lambda body: body.update(seed=True), "seed"),
    "a knob": (lambda body: body.update(temperature=0.7), "temperature"),
    "a lost knob": (lambda body: body.pop("temperature"), "temperature"),
    "a made-up knob": (lambda body: body.update(top_p=1.0), "top_p"),
    "a stop": (lambda body: body.update(stop=["y"]), "stop"),
    "a lost call": (lambda body: body["messages"][1].pop("tool_calls"), "messages[1].tool_calls"),
    "lost reasoning": (lambda body: body["messages"][1].pop("reasoning"), "messages[1].reasoning"),
    "other bytes": (
        lambda body: body["messages"][2]["content"][0]["image_url"].update(url="data:image/png;base64,AAAA"),
        "messages[2].content[0].image_url.url",
    ),
    "another media type": (
        lambda body: body["messages"][2]["content"][0]["image_url"].update(url="data:image/gif;base64,iVBORw=="),
        "messages[2].content[0].image_url.url",
    ),
    "a schema's key order": (_reorder, "tools[0].function.parameters.properties.(key order)"),
    "a lost message": (lambda body: body["messages"].pop(), "messages"),
    "a lost stream": (lambda body: body.pop("stream"), "stream"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_request_is_named_by_its_path(change: str) -> None:
    sent = copy.deepcopy(SENT)
    make, where = CHANGES[change]
    make(sent)
    assert where in left(RECORDED, sent)


def test_cut_media_may_end_inside_a_group_only_where_the_recording_says_so() -> None:
    path = ["messages", 0, "content", 0, "input_audio", "data"]
    recorded, sent = ({"messages": [{"content": [{"input_audio": {"data": data}}]}]} for data in ("SUQzBA", "SUQz"))
    assert explain(recorded, sent, Context(elided=True), Counter()) == []
    assert [list(each.path) for each in explain(recorded, sent, Context(), Counter())] == [path]


def test_every_rule_has_a_name_of_its_own_a_reason_and_a_pattern() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert len(rule.reason) > 20
        re.compile(rule.where)


def test_keys_of_ordinary_objects_have_no_order() -> None:
    assert list(differences({"a": 1, "b": 2}, {"b": 2, "a": 1})) == []


def test_azure_names_its_model_in_the_path() -> None:
    azure = Context(deployment="mine")
    assert explain({"model": None}, {"model": "mine"}, azure, Counter()) == []
    assert explain({"model": "gpt-4o"}, {"model": "mine"}, azure, Counter()) == []
    assert explain({"model": "gpt-4o"}, {"model": "other"}, azure, Counter()) != []
    assert explain({"model": "gpt-4o"}, {"model": "mine"}, Context(), Counter()) != []


def test_paths_are_the_same_but_for_a_version_that_was_not_recorded() -> None:
    path = "/openai/deployments/mine/chat/completions"
    assert same_path(path, f"{path}?api-version=2024-10-21", Counter())
    assert not same_path(path, f"{path}?other=1", Counter())
    assert not same_path(f"{path}?api-version=1", f"{path}?api-version=2", Counter())
    assert not same_path("/v1/chat/completions", "/v1/chat/completions?api-version=1", Counter())
