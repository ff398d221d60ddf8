"""Requests to Gemini and Vertex AI are valid by Google's own client's types, and to Gemini by its published protos."""

import json
from random import Random
from typing import Any

import pytest
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import InvalidArgument, UnsupportedByProvider
from server.providers.registry import PROVIDERS
from tests import gemini_protos, gemini_types
from tests.contract.generated_requests import make_request, requests
from tests.contract.shared import WIRE
from tests.fake_embeddings import ask as embeddings_of
from tests.unit.wire.support import encoded

KINDS = ("gemini", "vertex")
REFUSED = frozenset({"moderation_json", "custom", "regex", "grammar", "n", "modalities", "fps", "Media.file_id"})
"""What Google has no way to do, or bounds more narrowly: tests of their own say how it is refused."""
MODELS = ("gemini-2.0-flash", "gemini-2.5-flash", "gemini-3-pro-preview", "gemini-9-flash", "gemma-3-27b-it")
published = pytest.mark.skipif(not gemini_protos.ROOT.is_dir(), reason="no protos beside this project (../shared)")


def _sent(request: CreateChatCompletionRequest, kind: str, model: str, *, stream: bool) -> Any:
    """The body; None where the request is refused, with words and a field."""
    try:
        return json.loads(encoded(request, kind, model, stream=stream).body)
    except (UnsupportedByProvider, InvalidArgument):
        return None


def _as_published(body: Any) -> Any:
    """Without what is newer than the protos that are published."""
    told = {name: value for name, value in body.items() if name != "store"}
    config = dict(told.get("generationConfig", {}))
    config["thinkingConfig"] = {
        name: value for name, value in config.get("thinkingConfig", {}).items() if name != "thinkingLevel"
    }
    contents = [{**turn, "parts": [_older_part(part) for part in turn["parts"]]} for turn in told["contents"]]
    return {**told, "contents": contents, "generationConfig": config}


def _older_part(part: Any) -> Any:
    result = part.get("functionResponse", {})
    if all(one.keys() == {"inlineData"} for one in result.get("parts", ())):
        return part
    return {"functionResponse": {name: value for name, value in result.items() if name != "parts"}}


def _check_turns(contents: list[Any]) -> None:
    """What the API asks of a conversation beyond its types."""
    assert contents
    assert contents[0]["role"] == "user"
    waiting = 0
    for turn in contents:
        assert turn["parts"]
        results = sum("functionResponse" in part for part in turn["parts"])
        assert results in (0, waiting)
        # Results come before everything else of a turn.
        assert all("functionResponse" in part for part in turn["parts"][:results])
        waiting = sum("functionCall" in part for part in turn["parts"])


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_what_is_sent_is_valid(kind: str, data: st.DataObject) -> None:
    model, stream = data.draw(st.sampled_from(MODELS)), data.draw(st.booleans())
    body = _sent(data.draw(requests(kind, without=REFUSED)), kind, model, stream=stream)
    if body is None:
        return
    assert gemini_types.complaints(body) == []
    _check_turns(body["contents"])
    if kind == "gemini" and gemini_protos.ROOT.is_dir():
        assert gemini_protos.complaint("GenerateContentRequest", _as_published(body)) == ""


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_what_is_counted_is_valid(kind: str, data: st.DataObject) -> None:
    counter = PROVIDERS[kind].count
    assert counter
    request = data.draw(requests(kind, without=REFUSED))
    try:
        body = json.loads(counter({}).encode(request, data.draw(st.sampled_from(MODELS))).body)
    except (UnsupportedByProvider, InvalidArgument):
        return
    assert gemini_types.complaints(body, count=True) == []
    if kind == "gemini" and gemini_protos.ROOT.is_dir():
        body["generateContentRequest"] = _as_published(body["generateContentRequest"])
        assert gemini_protos.complaint("CountTokensRequest", body) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_most_requests_are_sent(kind: str) -> None:
    sent = [_sent(make_request(Random(seed), kind, REFUSED), kind, MODELS[2], stream=False) for seed in range(200)]
    assert sum(body is not None for body in sent) > 100


@published
@pytest.mark.parametrize("model", ["gemini-embedding-001", "gemini-embedding-2"])
def test_what_is_embedded_is_valid(model: str) -> None:
    make = PROVIDERS["gemini"].embeddings
    assert make
    for texts in (("a",), ("a", "b")):
        request = embeddings_of(*texts, model=model, dimensions=8, task=2)
        body = json.loads(make({}).encode(request, model, range(len(texts))).body)
        kind = "BatchEmbedContentsRequest" if "requests" in body else "EmbedContentRequest"
        assert gemini_protos.complaint(kind, body) == ""


def test_the_types_would_have_noticed() -> None:
    good: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
    assert gemini_types.complaints(good) == []
    for broken in (
        {**good, "seed": 1}, {"contents": [{"role": "user", "parts": [{"words": "x"}]}]},
        {**good, "generationConfig": {"topK": "many"}}, {**good, "toolConfig": {"functionCallingConfigs": {}}},
        {**good, "tools": [{"functionDeclaration": []}]},
    ):  # fmt: skip
        assert gemini_types.complaints(broken), broken
        if gemini_protos.ROOT.is_dir():
            assert gemini_protos.complaint("GenerateContentRequest", broken), broken


@published
@pytest.mark.skipif(not WIRE.is_dir(), reason="no recordings beside this project (../shared/wire)")
def test_the_protos_accept_what_gemini_accepted() -> None:
    bodies = []
    for path in WIRE.glob("gemini/*generatecontent*.json"):
        told = json.loads(path.read_text())
        if told["status"] == 200 and told["request_body_encoding"] == "json":
            bodies.append(told["request_body"])
    # Its servers also take what is newer, types in lower case, and one part where a list of them should be.
    accepted = sum(not gemini_protos.complaint("GenerateContentRequest", body) for body in bodies)
    assert accepted >= 0.7 * len(bodies) > 35
