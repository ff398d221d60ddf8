"""The generator itself: what it makes is sound by the contract, and holds everything that a caller may set."""

from collections import Counter
from random import Random

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from google.protobuf.message import Message
from hypothesis import given, settings

from server.services.validation import validate
from tests.contract.generated_requests import make_request, requests


@given(requests("maker"))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_requests_are_sound(request: CreateChatCompletionRequest) -> None:
    validate(request)


def test_every_field_is_set_now_and_then() -> None:
    seen: Counter[str] = Counter()
    for seed in range(400):
        _count(make_request(Random(seed), "maker"), seen)
    fields = {field.full_name for field in CreateChatCompletionRequest.DESCRIPTOR.fields}
    assert {name.rpartition(".")[2] for name in fields - seen.keys()} == {"gateway"}
    for name in ("ContentPart.file", "ToolCall.custom", "ReasoningPart.signature", "Tool.cache_control"):
        assert seen[f"aignehub.v1.{name}"]


def _count(message: Message, seen: Counter[str]) -> None:
    for field, value in message.ListFields():
        seen[field.full_name] += 1
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for one in value if field.is_repeated else [value]:
            _count(one, seen)
