from aignehub.v1 import usage_pb2

from server.wire import estimate
from tests.unit.wire.support import ask


def test_four_bytes_are_a_token_and_a_message_costs_four() -> None:
    counted = estimate.count(ask(messages=[{"role": "ROLE_USER", "content": [{"text": "12345678"}]}]), "m")
    assert (counted.input_tokens, counted.estimated, counted.model) == (6, True, "m")


def test_bytes_are_counted_not_characters() -> None:
    assert estimate.text_size("é€") == 5


def test_every_kind_of_input_counts() -> None:
    media = {"media": {"data": "AA==", "mimeType": "x/y"}}
    parts = [{"image": media}, {"audio": media}, {"video": media}, {"file": media}]
    counted = estimate.count(ask(messages=[{"role": "ROLE_USER", "content": parts}]), "m")
    kinds = {entry.modality for entry in counted.input_by_modality}
    assert kinds == {
        usage_pb2.MODALITY_TEXT,
        usage_pb2.MODALITY_IMAGE,
        usage_pb2.MODALITY_AUDIO,
        usage_pb2.MODALITY_VIDEO,
        usage_pb2.MODALITY_DOCUMENT,
    }
    assert counted.input_tokens == sum(entry.tokens for entry in counted.input_by_modality)


def test_tools_calls_and_schemas_count() -> None:
    plain = estimate.count(ask(), "m").input_tokens
    schema = '{"type":"object"}'
    fields = {
        "tools": [{"function": {"name": "f", "description": "d" * 40, "parametersJsonSchema": schema}}],
        "responseFormat": {"jsonSchema": {"schemaJson": schema * 10}},
    }
    assert estimate.count(ask(**fields), "m").input_tokens > plain + 40


def test_usage_is_marked_as_an_estimate_and_never_zero() -> None:
    usage = estimate.usage(ask(), 0)
    assert usage.estimated
    assert usage.input_tokens > 0
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
