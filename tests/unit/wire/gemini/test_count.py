"""Counting the tokens of a request."""

import json
from typing import Any

import pytest

from server.errors import ProviderBadResponse, ProviderRateLimited, UnsupportedByProvider
from server.wire.gemini import GeminiCountCodec, Host
from server.wire.http import HttpResponse
from tests.unit.wire.gemini.bodies import FLASH
from tests.unit.wire.support import ask

GEMINI = GeminiCountCodec(Host(name="gemini", root="/v1beta"))
VERTEX = GeminiCountCodec(Host(name="vertex", root="/v1/p", publisher="/publishers/google", counts_whole=False))
FIELDS: dict[str, Any] = {
    "tools": [{"function": {"name": "f"}}],
    "toolChoice": {"mode": "TOOL_CHOICE_MODE_AUTO"},
    "temperature": 0.5,
    "frequencyPenalty": 1.0,
    "gateway": {"strictParameters": True},
}
CONTENTS = [{"role": "user", "parts": [{"text": "Hello"}]}]
TOOLS = [{"functionDeclarations": [{"name": "f"}]}]


def test_what_the_model_reads_is_counted_and_nothing_else_is_sent() -> None:
    sent = GEMINI.encode(ask(**FIELDS), FLASH)
    assert sent.path == "/v1beta/models/gemini-2.5-flash:countTokens"
    assert json.loads(sent.body) == {
        "generateContentRequest": {
            "model": "models/gemini-2.5-flash",
            "contents": CONTENTS,
            "tools": TOOLS,
            "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
        }
    }
    sent = VERTEX.encode(ask(**FIELDS), FLASH)
    assert sent.path == "/v1/p/publishers/google/models/gemini-2.5-flash:countTokens"
    assert json.loads(sent.body) == {"contents": CONTENTS, "tools": TOOLS}


def test_what_a_caller_adds_is_counted_where_it_can_be() -> None:
    request = ask(gateway={"extraBodyJson": '{"cachedContent": "cachedContents/1"}'})
    inner = json.loads(GEMINI.encode(request, FLASH).body)["generateContentRequest"]
    assert inner["cachedContent"] == "cachedContents/1"
    with pytest.raises(UnsupportedByProvider, match=r"gateway\.extra_body_json"):
        VERTEX.encode(request, FLASH)


def read(answer: Any) -> Any:
    return GEMINI.decode(HttpResponse(200, {}, json.dumps(answer).encode()), FLASH)


def test_counts_by_kind() -> None:
    told = read({"totalTokens": 9, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}]})
    assert (told.input_tokens, told.model, told.estimated) == (9, FLASH, False)
    assert [one.tokens for one in told.input_by_modality] == [9]
    answers: tuple[Any, ...] = ({}, [], {"totalTokens": "9"}, {"totalTokens": -1})
    for answer in answers:
        with pytest.raises(ProviderBadResponse):
            read(answer)
    with pytest.raises(ProviderRateLimited):
        read({"error": {"code": 429, "message": "slow down"}})
