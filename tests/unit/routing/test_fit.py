"""Who is left out of a plan before anybody is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from aignehub.v1 import chat_service_pb2, model_service_pb2, usage_pb2
from google.protobuf import json_format

from server.errors import ContextLengthExceeded, UnsupportedByProvider
from server.routing.catalogue import Candidate, Provider
from server.routing.fit import Needs, fitting, needs_of
from server.routing.plan import Plan

_PNG = {"image": {"media": {"data": "AAAA", "mimeType": "image/png"}}}


@dataclass
class Known:
    """Facts of a test: by model, and the models of which the operator spoke."""

    models: Mapping[str, dict[str, Any]]
    stated: frozenset[str] = frozenset()

    def model(self, candidate: Candidate) -> model_service_pb2.Model:
        return json_format.ParseDict(self.models.get(candidate.model, {}), model_service_pb2.Model())

    def is_stated(self, candidate: Candidate) -> bool:
        return candidate.model in self.stated


BLIND = {"inputModalities": ["MODALITY_TEXT"]}
SEEING = {"inputModalities": ["MODALITY_TEXT", "MODALITY_IMAGE"]}
SHORT = {"maxInputTokens": 100}


def plan(*models: str) -> Plan:
    provider = Provider("p", "openai", ())
    return Plan(tuple(Candidate(provider, model) for model in models))


def names(found: Plan) -> list[str]:
    return [candidate.model for candidate in found.candidates]


def asked(**fields: Any) -> chat_service_pb2.CreateChatCompletionRequest:
    fields.setdefault("messages", [{"role": "ROLE_USER", "content": [{"text": "Hi"}]}])
    return json_format.ParseDict(fields, chat_service_pb2.CreateChatCompletionRequest())


SEE = asked(messages=[{"role": "ROLE_USER", "content": [{"text": "What is it?"}, _PNG]}])
LONG = asked(messages=[{"role": "ROLE_USER", "content": [{"text": "word " * 5000}]}])


def test_what_a_request_needs() -> None:
    assert needs_of(asked()) == Needs()
    assert needs_of(SEE).modalities == {(usage_pb2.MODALITY_IMAGE, "images")}
    tools = asked(tools=[{"function": {"name": "f"}}], responseFormat={"jsonSchema": {"schemaJson": "{}"}})
    assert (needs_of(tools).tools, needs_of(tools).schema) == (True, True)
    # 25,000 bytes are 6,250 tokens by the rule of thumb; half of it is what is certain.
    assert needs_of(LONG).input_tokens == pytest.approx(3125, abs=5)


def test_who_cannot_see_is_left_out() -> None:
    known = Known({"blind": BLIND, "seeing": SEEING})
    assert names(fitting(plan("blind", "seeing", "unknown"), lambda: needs_of(SEE), known)) == ["seeing", "unknown"]
    assert names(fitting(plan("blind", "seeing"), lambda: needs_of(asked()), known)) == ["blind", "seeing"]


def test_tools_and_schemas() -> None:
    chats = {"capabilities": ["MODEL_CAPABILITY_CHAT", "MODEL_CAPABILITY_REASONING"]}
    able = {"capabilities": ["MODEL_CAPABILITY_CHAT", "MODEL_CAPABILITY_TOOLS", "MODEL_CAPABILITY_JSON_SCHEMA"]}
    guessed = {"capabilities": ["MODEL_CAPABILITY_CHAT"]}
    known = Known({"plain": chats, "able": able, "guessed": guessed})
    needs = Needs(tools=True)
    assert names(fitting(plan("plain", "able", "guessed"), lambda: needs, known)) == ["able", "guessed"]
    assert names(fitting(plan("plain", "able"), lambda: Needs(schema=True), known)) == ["able"]


def test_tiers_stay_with_their_candidates() -> None:
    known = Known({"blind": BLIND})
    found = fitting(Plan(plan("blind", "a", "blind", "b").candidates, (0, 0, 1, 2)), lambda: needs_of(SEE), known)
    assert (names(found), found.tiers) == (["a", "b"], (0, 2))


def test_old_data_keeps_nobody_away() -> None:
    known = Known({"blind": BLIND, "other": BLIND})
    assert names(fitting(plan("blind"), lambda: needs_of(SEE), known)) == ["blind"]
    assert names(fitting(plan("blind", "other"), lambda: needs_of(SEE), known)) == ["blind", "other"]


def test_what_the_operator_said_does_and_the_error_names_it() -> None:
    known = Known({"blind": BLIND, "short": SHORT}, frozenset({"blind", "short"}))
    with pytest.raises(UnsupportedByProvider, match="p/blind reads no images"):
        fitting(plan("blind"), lambda: needs_of(SEE), known)
    with pytest.raises(ContextLengthExceeded, match="p/short reads at most 100 tokens"):
        fitting(plan("short"), lambda: needs_of(LONG), known)
