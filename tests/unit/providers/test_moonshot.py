"""Kimi's ways: what each of its models fixes, and how it thinks."""

from typing import Any

import pytest
from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument, UnsupportedByProvider
from server.providers.registry import PROVIDERS
from server.routing.inference import infer
from server.wire import model_lists
from server.wire.codec import ReadsUrls
from tests.unit.wire.support import ask, body, codec, encoded

K3, K27, K26, V1 = "kimi-k3", "kimi-k2.7-code", "kimi-k2.6", "moonshot-v1-32k"
TOOLS = [{"function": {"name": "f"}}, {"function": {"name": "g"}}]


def sent(model: str, **fields: Any) -> dict[str, Any]:
    told = body(ask(**fields), "moonshot", model)
    return {name: value for name, value in told.items() if name not in ("model", "messages")}


def adjusted(model: str, **fields: Any) -> tuple[str, ...]:
    return encoded(ask(**fields), "moonshot", model).adjusted_fields


def test_a_kimi_fixes_its_sampling() -> None:
    knobs: dict[str, Any] = {"temperature": 1, "topP": 1, "presencePenalty": 0.5, "frequencyPenalty": 0.5}
    assert sent(K26, **knobs) == {}
    assert adjusted(K3, **knobs) == ("temperature", "top_p", "frequency_penalty", "presence_penalty")
    assert sent(V1, temperature=0.5, n=5) == {"temperature": 0.5, "n": 5}
    with pytest.raises(InvalidArgument, match="at most 1"):
        sent(V1, temperature=1.5)
    for model, n in ((V1, 6), (K3, 2)):
        with pytest.raises(UnsupportedByProvider, match="n: "):
            sent(model, n=n)


def test_what_every_model_takes() -> None:
    fields = {"maxCompletionTokens": 9, "stop": list("abcde"), "promptCacheKey": "k", "safetyIdentifier": "s"}
    assert sent(K3, **fields, logprobs=True, topLogprobs=20) == {
        "max_completion_tokens": 9,
        "stop": list("abcde"),
        "prompt_cache_key": "k",
        "safety_identifier": "s",
        "logprobs": True,
        "top_logprobs": 20,
    }
    assert adjusted(K3, seed=1, user="u") == ("seed", "user")
    with pytest.raises(InvalidArgument, match="at most 5"):
        sent(K3, stop=list("abcdef"))
    with pytest.raises(InvalidArgument, match="at most 128"):
        sent(K3, tools=[{"function": {"name": f"f{place}"}} for place in range(129)])


@pytest.mark.parametrize(
    ("model", "reasoning", "expected", "dropped"),
    [
        (K26, {"mode": "REASONING_MODE_OFF"}, {"thinking": {"type": "disabled"}}, ()),
        (K26, {"effort": "REASONING_EFFORT_HIGH"}, {"thinking": {"type": "enabled"}}, ("reasoning.effort",)),
        (K27, {"mode": "REASONING_MODE_OFF"}, {}, ("reasoning.mode",)),
        (K27, {"effort": "REASONING_EFFORT_HIGH"}, {}, ("reasoning.effort",)),
        (K3, {"effort": "REASONING_EFFORT_MAX"}, {"reasoning_effort": "max"}, ()),
        (K3, {"effort": "REASONING_EFFORT_MEDIUM"}, {"reasoning_effort": "low"}, ("reasoning.effort",)),
        (K3, {"effort": "REASONING_EFFORT_NONE"}, {"reasoning_effort": "low"}, ("reasoning.effort",)),
        (K3, {"mode": "REASONING_MODE_OFF"}, {}, ("reasoning.mode",)),
        (V1, {"effort": "REASONING_EFFORT_HIGH"}, {}, ("reasoning",)),
    ],
)
def test_every_model_thinks_its_own_way(
    model: str, reasoning: dict[str, Any], expected: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    assert (sent(model, reasoning=reasoning), adjusted(model, reasoning=reasoning)) == (expected, dropped)


def test_a_tool_is_forced_where_the_model_does_not_mind() -> None:
    named = {"functionName": "g"}
    for model, more in ((K3, {}), (V1, {}), (K26, {"reasoning": {"mode": "REASONING_MODE_OFF"}})):
        told = sent(model, tools=TOOLS, toolChoice=named, **more)
        assert told["tool_choice"] == "required"
        assert told["tools"] == [{"type": "function", "function": {"name": "g", "parameters": _NONE}}]
    for model in (K26, K27):
        with pytest.raises(UnsupportedByProvider, match="tool_choice"):
            sent(model, tools=TOOLS, toolChoice={"mode": "TOOL_CHOICE_MODE_REQUIRED"})


_NONE = {"type": "object", "properties": {}}


def test_media_are_bytes_or_files_of_its_own() -> None:
    chat = codec("moonshot")
    assert isinstance(chat, ReadsUrls)
    assert not chat.reads_url("image", Media(url="https://example.com/a.png"), K3)
    film = {"video": {"media": {"fileId": "f1"}}}
    [message] = body(ask(messages=[{"role": "ROLE_USER", "content": [film]}]), "moonshot", K3)["messages"]
    assert message["content"] == [{"type": "video_url", "video_url": {"url": "ms://f1"}}]


def test_it_is_found_by_the_names_of_its_models_and_lists_them() -> None:
    assert [infer(model)[0] for model in (K3, V1)] == [("moonshot", K3), ("moonshot", V1)]
    listing = PROVIDERS["moonshot"].model_list
    assert listing is not None
    assert listing({}) == model_lists.OPENAI
