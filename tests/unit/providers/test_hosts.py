"""Quirks of hosts whose rows are young: Model Studio, MiniMax, DeepInfra, SambaNova."""

from typing import Any

import pytest

from server.errors import (
    HubError,
    InvalidArgument,
    ProviderCredentialInvalid,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    UnsupportedByProvider,
)
from server.providers.registry import PROVIDERS
from server.routing.inference import infer
from server.wire import model_lists
from tests.unit.wire.support import answer, ask, body, chunk, codec, encoded, sse, whole

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


def test_minimax_is_always_asked_for_thoughts_apart_from_the_text() -> None:
    split = {"reasoning_split": True}
    assert sent("minimax", "MiniMax-M3") == split
    off = {"mode": "REASONING_MODE_OFF"}
    assert sent("minimax", "MiniMax-M3", reasoning=off) == {**split, "thinking": {"type": "disabled"}}
    assert sent("minimax", "MiniMax-M2.7", reasoning=off) == split
    assert encoded(ask(reasoning=off), "minimax", "MiniMax-M2.7").adjusted_fields == ("reasoning.mode",)
    on = {"effort": "REASONING_EFFORT_LOW"}
    assert sent("minimax", "MiniMax-M3", reasoning=on) == {**split, "thinking": {"type": "adaptive"}}
    assert adjusted("minimax", reasoning=on) == ("reasoning.effort",)


def test_minimax_takes_a_temperature_above_0_up_to_1() -> None:
    assert sent("minimax", temperature=0)["temperature"] == 0.01
    assert adjusted("minimax", temperature=0) == ("temperature",)
    assert sent("minimax", temperature=0.5)["temperature"] == 0.5
    with pytest.raises(InvalidArgument, match="at most 1"):
        sent("minimax", temperature=1.5)


@pytest.mark.parametrize(
    ("code", "error"),
    [(1002, ProviderRateLimited), (1008, ProviderQuotaExceeded), (2049, ProviderCredentialInvalid), (1000, HubError)],
)
def test_minimax_fails_with_status_200(code: int, error: type[HubError]) -> None:
    verdict = {"base_resp": {"status_code": code, "status_msg": "it failed"}}
    with pytest.raises(error):
        answer(verdict, "minimax")
    decoder = codec("minimax").decoder(ask())
    decoder.feed(sse(chunk({"content": "a"}), {"id": "1", "choices": [], **verdict}))
    with pytest.raises(error):
        decoder.finish()
    well = {**whole({"content": "a"}), "base_resp": {"status_code": 0, "status_msg": ""}}
    assert answer(well, "minimax").choices[0].message.content[0].text == "a"


@pytest.mark.parametrize("kind", ["deepinfra", "sambanova"])
def test_their_lists_are_of_openai_s_form(kind: str) -> None:
    listing = PROVIDERS[kind].model_list
    assert listing is not None
    assert listing({}) == model_lists.OPENAI
