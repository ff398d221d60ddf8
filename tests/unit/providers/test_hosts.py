"""Quirks of hosts whose rows are young: Model Studio, DeepInfra, SambaNova."""

from typing import Any

import pytest

from server.errors import InvalidArgument, UnsupportedByProvider
from server.providers.registry import PROVIDERS
from server.routing.inference import infer
from server.wire import model_lists
from tests.unit.wire.support import answer, ask, body, encoded, whole

F, G = {"function": {"name": "f"}}, {"function": {"name": "g"}}
NAMED = {"type": "function", "function": {"name": "f"}}
REQUIRED = {"mode": "TOOL_CHOICE_MODE_REQUIRED"}


def sent(host: str, model: str = "qwen-plus", **fields: Any) -> dict[str, Any]:
    told = body(ask(**fields), host, model)
    return {name: value for name, value in told.items() if name not in ("model", "messages")}


def adjusted(host: str, **fields: Any) -> tuple[str, ...]:
    return encoded(ask(**fields), host, "qwen-plus").adjusted_fields


@pytest.mark.parametrize(
    ("options", "expected", "dropped"),
    [
        ({"mode": "REASONING_MODE_ON"}, {"enable_thinking": True}, ()),
        ({"mode": "REASONING_MODE_OFF", "budgetTokens": 9}, {"enable_thinking": False}, ()),
        ({"effort": "REASONING_EFFORT_NONE"}, {"enable_thinking": False}, ()),
        ({"effort": "REASONING_EFFORT_LOW"}, {"enable_thinking": True}, ("reasoning.effort",)),
        ({"budgetTokens": 512}, {"enable_thinking": True, "thinking_budget": 512}, ()),
        ({"budgetTokens": 0}, {"enable_thinking": False}, ()),
        ({"budgetTokens": -1}, {}, ("reasoning.budget_tokens",)),
        ({"mode": "REASONING_MODE_ADAPTIVE"}, {}, ("reasoning.mode",)),
        ({"mode": "REASONING_MODE_ON", "includeText": False}, {"enable_thinking": True}, ("reasoning.include_text",)),
    ],
)
def test_qwen_has_a_switch_and_a_budget(
    options: dict[str, Any], expected: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    assert sent("dashscope", reasoning=options) == expected
    assert adjusted("dashscope", reasoning=options) == dropped


def test_qwen_is_made_to_call_a_tool_by_its_name_while_it_does_not_think() -> None:
    assert sent("dashscope", tools=[F], toolChoice=REQUIRED)["tool_choice"] == NAMED
    allowed = {"allowedTools": {"names": ["f"], "mode": "TOOL_CHOICE_MODE_REQUIRED"}}
    told = sent("dashscope", tools=[G, F], toolChoice=allowed)
    assert (told["tool_choice"], len(told["tools"])) == (NAMED, 1)
    with pytest.raises(UnsupportedByProvider, match="by its name alone"):
        sent("dashscope", tools=[F, G], toolChoice=REQUIRED)
    thinking: dict[str, Any] = {"tools": [F], "toolChoice": {"functionName": "f"}}
    with pytest.raises(UnsupportedByProvider, match="tool_choice"):
        sent("dashscope", **thinking, reasoning={"mode": "REASONING_MODE_ON"})
    with pytest.raises(UnsupportedByProvider, match="tool_choice"):
        sent("dashscope", "qwen3-235b-a22b-thinking-2507", **thinking)


def test_qwen_takes_what_its_page_lists() -> None:
    fields: dict[str, Any] = {"maxCompletionTokens": 9, "topK": 5, "n": 4, "logprobs": True, "topLogprobs": 5}
    told = {"max_tokens": 9, "top_k": 5, "n": 4, "logprobs": True, "top_logprobs": 5}
    assert sent("dashscope", **fields, presencePenalty=1) == {**told, "presence_penalty": 1}
    assert adjusted("dashscope", frequencyPenalty=1, seed=-1) == ("seed", "frequency_penalty")
    with pytest.raises(InvalidArgument, match="at most 5"):
        sent("dashscope", logprobs=True, topLogprobs=6)
    assert infer("qwen-plus")[0] == ("dashscope", "qwen-plus")


def test_deepinfra_tells_what_an_answer_cost() -> None:
    told = whole({"content": "a"})
    told["usage"]["estimated_cost"] = 0.0000268
    found = answer(told, "deepinfra")
    assert (found.usage.provider_cost_nano_usd, found.provider_fields_json) == (26800, "")
    assert sent("deepinfra", reasoning={"mode": "REASONING_MODE_OFF"}) == {"reasoning": {"enabled": False}}
    marked = ask(messages=[{"role": "ROLE_USER", "content": [{"text": "a", "cacheControl": {}}]}])
    [message] = body(marked, "deepinfra", "m")["messages"]
    assert message["content"][0]["cache_control"] == {"type": "ephemeral"}


def test_sambanova_is_not_sent_what_it_does_not_obey() -> None:
    fields: dict[str, Any] = {"frequencyPenalty": 1, "presencePenalty": 1, "seed": 3, "user": "u"}
    assert sent("sambanova", **fields, topK=3) == {"top_k": 3}
    assert set(adjusted("sambanova", **fields)) == {"frequency_penalty", "presence_penalty", "seed", "user"}


@pytest.mark.parametrize("kind", ["deepinfra", "sambanova"])
def test_their_lists_are_of_openai_s_form(kind: str) -> None:
    listing = PROVIDERS[kind].model_list
    assert listing is not None
    assert listing({}) == model_lists.OPENAI
