"""Requests to Cohere are what its own client would send: by its types, and with no key that they do not have."""

import inspect
import json
from collections.abc import Mapping
from random import Random
from typing import Any

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from cohere import types
from cohere.v2.client import V2Client
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from server.errors import InvalidArgument, UnsupportedByProvider
from tests.contract.generated_requests import make_request, requests
from tests.unit.wire.support import encoded

REFUSED = frozenset(
    {"web_search_options", "audio", "video", "modalities", "moderation_json", "top_logprobs", "n", "custom", "regex"}
    | {"grammar", "file_id", "file"}
)
"""What Cohere has no way to do; files are sent where they are text, which tests of their own say."""
MODELS = ("command-a-plus-05-2026", "command-a-03-2025")
_PARAMETERS = frozenset(inspect.signature(V2Client.chat).parameters) | {"stream"}
_MESSAGES: Mapping[str, type[BaseModel]] = {
    "system": types.SystemChatMessageV2,
    "user": types.UserChatMessageV2,
    "assistant": types.AssistantChatMessageV2,
    "tool": types.ToolChatMessageV2,
}
_BLOCKS: Mapping[tuple[str, str], type[BaseModel]] = {
    ("system", "text"): types.TextContent,
    ("user", "text"): types.TextContent,
    ("user", "image_url"): types.ImageUrlContent,
    ("assistant", "text"): types.TextContent,
    ("assistant", "thinking"): types.ThinkingAssistantMessageV2ContentOneItem,
    ("tool", "text"): types.TextToolContent,
    ("tool", "document"): types.DocumentToolContent,
}
_OBJECTS: Mapping[str, type[BaseModel]] = {
    "thinking": types.Thinking,
    "citation_options": types.CitationOptions,
}
_FORMATS: Mapping[str, type[BaseModel]] = {
    "text": types.TextResponseFormatV2,
    "json_object": types.JsonObjectResponseFormatV2,
}


def _check(model: type[BaseModel], told: Any) -> None:
    assert set(told) <= set(model.model_fields), f"{model.__name__}: {told}"
    model.model_validate(told)


def _check_body(body: Mapping[str, Any]) -> None:
    assert set(body) <= _PARAMETERS
    for message in body["messages"]:
        role = message["role"]
        _check(_MESSAGES[role], message)
        content = message.get("content")
        assert content is not None or message["tool_calls"]
        for block in content if isinstance(content, list) else []:
            _check(_BLOCKS[role, block["type"]], block)
        for call in message.get("tool_calls", ()):
            _check(types.ToolCallV2, call)
            _check(types.ToolCallV2Function, call["function"])
    for tool in body.get("tools", ()):
        _check(types.ToolV2, tool)
        _check(types.ToolV2Function, tool["function"])
    for document in body.get("documents", ()):
        _check(types.Document, document)
    for name in _OBJECTS.keys() & body.keys():
        _check(_OBJECTS[name], body[name])
    if (shape := body.get("response_format")) is not None:
        _check(_FORMATS[shape["type"]], shape)
    assert body.get("tool_choice") in (None, "REQUIRED", "NONE")
    assert 0.01 <= body.get("p", 0.5) <= 0.99
    assert 0 <= body.get("k", 0) <= 500
    assert all(0 <= body.get(name, 0) <= 1 for name in ("frequency_penalty", "presence_penalty"))
    assert len(body.get("stop_sequences", ())) <= 5


def _sent(request: CreateChatCompletionRequest, model: str, *, stream: bool) -> Any:
    """The body; None where the request is refused."""
    try:
        return json.loads(encoded(request, "cohere", model, stream=stream).body)
    except (UnsupportedByProvider, InvalidArgument):
        return None


@given(requests("cohere", without=REFUSED), st.sampled_from(MODELS), st.booleans())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_what_is_sent_is_valid(request: CreateChatCompletionRequest, model: str, stream: bool) -> None:
    body = _sent(request, model, stream=stream)
    if body is not None:
        _check_body(body)
        assert body.get("stream", False) is stream


def test_most_requests_are_sent() -> None:
    sent = [_sent(make_request(Random(seed), "cohere", REFUSED), MODELS[0], stream=False) for seed in range(200)]
    assert sum(body is not None for body in sent) > 100
