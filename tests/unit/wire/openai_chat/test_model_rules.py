"""What models of one host refuse or have in ways of their own."""

import json
import re
from typing import Any

import pytest
from aignehub.v1.media_pb2 import Media

from server.errors import UnsupportedByProvider
from server.wire.chat.knobs import COMMON_KNOBS, ModelRule
from server.wire.openai_chat import Dialect, OpenAIChatCodec, reasoning
from tests.unit.wire.support import ask

CODEC = OpenAIChatCodec(
    Dialect(
        name="host",
        knobs=COMMON_KNOBS | {"n"},
        model_rules=(
            ModelRule(re.compile("fixed"), frozenset({"temperature", "top_p", "n"}), fixed=True),
            ModelRule(re.compile("switch"), frozenset({"forced_tool"}), unless_effort_none=True),
            ModelRule(re.compile("switch"), frozenset({"reasoning.effort"})),
            ModelRule(re.compile("levels"), frozenset({"reasoning.mode"})),
            ModelRule(re.compile("always"), frozenset({"reasoning.mode", "reasoning.effort"})),
        ),
        reasoning=reasoning.thinking_or_effort,
    )
)


def sent(model: str, **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    request = CODEC.encode(ask(**fields), model, stream=False)
    body = json.loads(request.body)
    return {name: value for name, value in body.items() if name not in ("model", "messages")}, request.adjusted_fields


def test_a_model_that_fixes_sampling_takes_not_even_the_usual_default() -> None:
    assert sent("fixed", temperature=1, topP=1) == ({}, ("temperature", "top_p"))
    assert sent("other", temperature=1, topP=0.5) == ({"temperature": 1, "top_p": 0.5}, ())


def test_a_model_that_fixes_n_gives_one_choice() -> None:
    assert sent("fixed", n=1) == ({}, ())
    with pytest.raises(UnsupportedByProvider, match="at most 1"):
        sent("fixed", n=2)
    assert sent("other", n=2) == ({"n": 2}, ())


@pytest.mark.parametrize(
    "choice",
    [
        {"mode": "TOOL_CHOICE_MODE_REQUIRED"},
        {"functionName": "f"},
        {"allowedTools": {"names": ["f"], "mode": "TOOL_CHOICE_MODE_REQUIRED"}},
    ],
)
def test_a_tool_cannot_be_forced_upon_a_model_that_thinks(choice: dict[str, Any]) -> None:
    tools = [{"function": {"name": "f"}}]
    with pytest.raises(UnsupportedByProvider, match="tool_choice"):
        sent("switch", tools=tools, toolChoice=choice)
    off, _ = sent("switch", tools=tools, toolChoice=choice, reasoning={"mode": "REASONING_MODE_OFF"})
    assert off["tool_choice"]
    auto, _ = sent("switch", tools=tools, toolChoice={"mode": "TOOL_CHOICE_MODE_AUTO"})
    assert auto["tool_choice"] == "auto"


_OFF, _ON, _ADAPTIVE = "REASONING_MODE_OFF", "REASONING_MODE_ON", "REASONING_MODE_ADAPTIVE"
_NONE, _HIGH = "REASONING_EFFORT_NONE", "REASONING_EFFORT_HIGH"


@pytest.mark.parametrize(
    ("model", "options", "body", "adjusted"),
    [
        ("switch", {"mode": _OFF}, {"thinking": {"type": "disabled"}}, ()),
        ("switch", {"effort": _NONE}, {"thinking": {"type": "disabled"}}, ()),
        ("switch", {"effort": _HIGH}, {"thinking": {"type": "enabled"}}, ("reasoning.effort",)),
        ("switch", {"mode": _ADAPTIVE}, {}, ("reasoning.mode",)),
        ("levels", {"effort": _HIGH}, {"reasoning_effort": "high"}, ()),
        ("levels", {"mode": _ON}, {}, ()),
        ("levels", {"mode": _OFF}, {}, ("reasoning.mode",)),
        ("always", {"effort": _NONE}, {}, ("reasoning.effort",)),
        ("always", {"effort": _HIGH, "mode": _ON}, {}, ("reasoning.effort",)),
        (
            "always",
            {"includeText": False, "budgetTokens": 9},
            {},
            ("reasoning.budget_tokens", "reasoning.include_text"),
        ),
    ],
)
def test_reasoning_by_what_the_model_has(
    model: str, options: dict[str, Any], body: dict[str, Any], adjusted: tuple[str, ...]
) -> None:
    assert sent(model, reasoning=options) == (body, adjusted)


_EVERY_INPUT = frozenset({"image", "audio", "video", "file"})


@pytest.mark.parametrize(
    ("dialect", "read"),
    [
        (Dialect(name="host", inputs=_EVERY_INPUT), {"image", "video"}),
        (Dialect(name="host", inputs=_EVERY_INPUT, media_urls=False), set()),
        (Dialect(name="host", inputs=_EVERY_INPUT, audio_urls=True, file_urls=True), _EVERY_INPUT),
        (Dialect(name="host", inputs=_EVERY_INPUT, audio_text=True, document_parts=True), _EVERY_INPUT),
        # What the host reads in no way is refused, so that nothing is fetched for it.
        (Dialect(name="host", inputs=frozenset(), media_urls=False), _EVERY_INPUT),
    ],
)
def test_a_host_may_leave_addresses_to_the_hub(dialect: Dialect, read: set[str]) -> None:
    page = Media(url="https://example.com/a")
    codec = OpenAIChatCodec(dialect)
    assert {kind for kind in _EVERY_INPUT if codec.reads_url(kind, page, "m")} == read


def test_a_picture_kept_at_the_host_goes_by_its_id_where_that_has_an_address() -> None:
    kept = ask(messages=[{"role": "ROLE_USER", "content": [{"image": {"media": {"fileId": "f1"}}}]}])
    codec = OpenAIChatCodec(Dialect(name="host", file_scheme="ms://"))
    [message] = json.loads(codec.encode(kept, "m", stream=False).body)["messages"]
    assert message["content"] == [{"type": "image_url", "image_url": {"url": "ms://f1"}}]
    with pytest.raises(UnsupportedByProvider, match="file_id"):
        CODEC.encode(kept, "m", stream=False)
