"""Providers' lists of their models as they were recorded."""

import json
from typing import Any

import pytest
from aignehub.v1 import model_service_pb2 as pb

from server.wire import model_lists
from server.wire.http import HttpResponse
from server.wire.model_lists import ListCodec
from tests.contract.shared import WIRE

CODECS = {
    "anthropic": model_lists.ANTHROPIC,
    "bedrock_mantle": model_lists.OPENAI,
    "cerebras": model_lists.OPENAI,
    "deepgram": model_lists.DEEPGRAM,
    "gemini": model_lists.GEMINI,
    "openai": model_lists.OPENAI,
    "openrouter": model_lists.OPENROUTER,
    "perplexity": model_lists.OPENAI,
}
RECORDED = sorted(WIRE.glob("*/*models-list*.json"))

pytestmark = pytest.mark.skipif(not RECORDED, reason="no recordings beside the project")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_a_recorded_list_is_read_whole(path: Any) -> None:
    recorded = json.loads(path.read_text())
    codec: ListCodec = CODECS[recorded["provider"]]
    body = recorded["response_body"].encode()
    page = codec.decode(HttpResponse(200, {}, body))
    told = json.loads(body)
    entries = [entry for name in codec.items for entry in told.get(name, [])]
    names = {_name(entry) for entry in entries}
    assert {model.id for model in page.models} == names
    assert len(names) > 2


def _name(entry: dict[str, Any]) -> str:
    name: str = entry.get("canonical_name") or entry.get("id") or entry["name"].removeprefix("models/")
    return name


def _recorded(provider: str) -> dict[str, pb.Model]:
    path = next(path for path in RECORDED if path.parent.name == provider)
    body = json.loads(path.read_text())["response_body"].encode()
    return {model.id: model for model in CODECS[provider].decode(HttpResponse(200, {}, body)).models}


def test_anthropics_limits_and_abilities() -> None:
    opus = _recorded("anthropic")["claude-opus-5"]
    assert (opus.max_input_tokens, opus.max_output_tokens) == (1_000_000, 128_000)
    assert pb.MODEL_CAPABILITY_JSON_SCHEMA in opus.capabilities
    assert opus.create_time.seconds == 1_784_851_200


def test_openrouters_prices_and_their_steps() -> None:
    sonnet = _recorded("openrouter")["anthropic/claude-sonnet-4"]
    inputs = [
        (price.above_input_tokens, price.nano_usd)
        for price in sonnet.prices
        if price.unit == pb.PRICE_UNIT_INPUT_TOKENS_MILLION
    ]
    assert inputs == [(0, 3_000_000_000), (200_000, 6_000_000_000)]


def test_gemini_has_a_next_page_and_says_what_each_model_is_for() -> None:
    models = _recorded("gemini")
    assert list(models["gemini-embedding-001"].capabilities) == [pb.MODEL_CAPABILITY_EMBEDDING]
    assert list(models["gemini-2.5-flash-preview-tts"].capabilities) == [pb.MODEL_CAPABILITY_SPEECH]
    assert list(models["veo-3.1-generate-preview"].capabilities) == [pb.MODEL_CAPABILITY_UNSPECIFIED]


def test_deepgram_hears_and_speaks() -> None:
    models = _recorded("deepgram")
    assert pb.MODEL_CAPABILITY_LIVE_TRANSCRIPTION in models["nova-3-general"].capabilities
    assert list(models["aura-2-thalia-en"].capabilities) == [pb.MODEL_CAPABILITY_SPEECH]
