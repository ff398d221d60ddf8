"""Which candidates can serve a request at all, as far as is known of their models."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1 import usage_pb2
from aignehub.v1.chat_pb2 import Message
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from aignehub.v1.usage_pb2 import Modality

from server.errors import ContextLengthExceeded, HubError, UnsupportedByProvider
from server.routing.catalogue import Candidate
from server.routing.plan import Plan
from server.wire import estimate


class Facts(Protocol):
    """What is known of models."""

    def model(self, candidate: Candidate) -> pb.Model:
        """All that is known of the candidate's model."""

    def is_stated(self, candidate: Candidate) -> bool:
        """Whether the operator said what it can do."""


_MODALITIES: "dict[str, tuple[Modality.ValueType, str]]" = {
    "image": (usage_pb2.MODALITY_IMAGE, "images"),
    "audio": (usage_pb2.MODALITY_AUDIO, "sound"),
    "video": (usage_pb2.MODALITY_VIDEO, "video"),
    "file": (usage_pb2.MODALITY_DOCUMENT, "documents"),
}
_LEAST_TOKENS = 2
"""Estimates of text are taken to be at most this many times too high: no request is kept away by a bad guess."""
_MANY_BYTES = 4096
"""A shorter request fits every model there is."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a request asks of a model."""

    modalities: "frozenset[tuple[Modality.ValueType, str]]" = frozenset()
    tools: bool = False
    schema: bool = False
    input_tokens: int = 0
    """At least so many."""


def needs_of(request: CreateChatCompletionRequest) -> Needs:
    """Of a chat request."""
    tokens = 0
    if request.ByteSize() > _MANY_BYTES:
        tokens = estimate.input_by_modality(request)[usage_pb2.MODALITY_TEXT] // _LEAST_TOKENS
    return Needs(
        frozenset(_modalities(request.messages)),
        bool(request.tools),
        request.response_format.HasField("json_schema"),
        tokens,
    )


def _modalities(messages: Iterable[Message]) -> "Iterable[tuple[Modality.ValueType, str]]":
    for message in messages:
        for part in message.content:
            if (kind := part.WhichOneof("part")) in _MODALITIES:
                yield _MODALITIES[kind]


def fitting(plan: Plan, needs: Callable[[], Needs], facts: Facts) -> Plan:
    """``plan`` without the candidates whose models are known not to serve such a request.

    A plan of one is let through unless its operator said what the model lacks: the provider knows best. Raises
    ContextLengthExceeded or UnsupportedByProvider, naming each candidate with what it lacks, where none is left.
    """
    if len(plan.candidates) == 1 and not facts.is_stated(plan.candidates[0]):
        return plan
    wanted = needs()
    if wanted == Needs():
        return plan
    lacks = [(candidate, _lack(facts.model(candidate), wanted)) for candidate in plan.candidates]
    keep = [place for place, (_, why) in enumerate(lacks) if not why]
    if len(keep) == len(lacks):
        return plan
    if not keep:
        # Of data that came with the hub, some may be old: then nobody is left out.
        if not all(facts.is_stated(candidate) for candidate in plan.candidates):
            return plan
        raise _nobody(lacks)
    return replace(
        plan,
        candidates=tuple(plan.candidates[place] for place in keep),
        tiers=tuple(plan.tiers[place] for place in keep) if plan.tiers else (),
    )


def _lack(model: pb.Model, wanted: Needs) -> str:
    """What keeps the model from serving; empty where nothing is known that does."""
    if model.max_input_tokens and wanted.input_tokens > model.max_input_tokens:
        return f"reads at most {model.max_input_tokens} tokens"
    if model.input_modalities:
        for modality, word in sorted(wanted.modalities):
            if modality not in model.input_modalities:
                return f"reads no {word}"
    if pb.MODEL_CAPABILITY_CHAT in model.capabilities and len(model.capabilities) > 1:
        if wanted.tools and pb.MODEL_CAPABILITY_TOOLS not in model.capabilities:
            return "calls no tools"
        if wanted.schema and pb.MODEL_CAPABILITY_JSON_SCHEMA not in model.capabilities:
            return "holds to no schema"
    return ""


def _nobody(lacks: Sequence[tuple[Candidate, str]]) -> HubError:
    told = "; ".join(f"{candidate.id} {why}" for candidate, why in lacks[:8])
    if all("tokens" in why for _, why in lacks):
        return ContextLengthExceeded(f"the request is longer than any model of the plan reads: {told}")
    return UnsupportedByProvider.of("model", f"no model of the plan can serve this: {told}")
