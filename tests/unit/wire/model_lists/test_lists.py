"""Each host's list, as its page describes it, and lists that are nothing of the kind."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1 import usage_pb2
from hypothesis import given
from hypothesis import strategies as st

from server.errors import HubError, ProviderBadResponse
from server.wire import model_lists
from server.wire.http import HttpResponse
from server.wire.model_lists import ListCodec, ModelPage

EVERY = [getattr(model_lists, name) for name in model_lists.__all__ if name.isupper()]


def read(codec: ListCodec, body: Any) -> ModelPage:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return codec.decode(HttpResponse(200, {"content-type": "application/json"}, data))


def words(model: pb.Model) -> list[str]:
    names = [pb.ModelCapability.Name(one).removeprefix("MODEL_CAPABILITY_").lower() for one in model.capabilities]
    return [name if name != "unspecified" else "-" for name in names]


def reads(model: pb.Model) -> list[str]:
    return [usage_pb2.Modality.Name(one).removeprefix("MODALITY_").lower() for one in model.input_modalities]


def prices(model: pb.Model) -> dict[str, int]:
    told = {}
    for one in model.prices:
        word = pb.PriceUnit.Name(one.unit).removeprefix("PRICE_UNIT_").lower()
        told[f"{word}>{one.above_input_tokens}" if one.above_input_tokens else word] = one.nano_usd
    return told


@pytest.mark.parametrize("codec", EVERY)
def test_a_list_is_asked_for_by_get(codec: ListCodec) -> None:
    asked = codec.encode()
    assert (asked.method, asked.body) == ("GET", b"")
    assert asked.path.startswith("/")


@pytest.mark.parametrize(
    ("codec", "entry", "name", "can", "inputs"),
    [
        (model_lists.OPENAI, {"id": "gpt-9", "created": 5}, "gpt-9", [], []),
        (model_lists.TOGETHER, {"id": "a/b", "type": "chat"}, "a/b", ["chat"], []),
        (model_lists.TOGETHER, {"id": "a/b", "type": "rerank"}, "a/b", ["-"], []),
        (
            model_lists.FIREWORKS,
            {"id": "f", "supports_chat": True, "supports_tools": True, "supports_image_input": True},
            "f",
            ["chat", "tools"],
            ["text", "image"],
        ),
        (model_lists.FIREWORKS, {"id": "f", "supports_chat": False}, "f", [], []),
        (
            model_lists.HUGGINGFACE,
            {
                "id": "h",
                "architecture": {"input_modalities": ["text", "image"]},
                "providers": [
                    {"status": "live", "supports_tools": True, "context_length": 9},
                    {"status": "error", "supports_structured_output": True},
                ],
            },
            "h",
            ["chat", "tools"],
            ["text", "image"],
        ),
        (
            model_lists.MISTRAL,
            {"id": "m", "capabilities": {"completion_chat": True, "function_calling": True, "vision": True}},
            "m",
            ["chat", "tools"],
            ["text", "image"],
        ),
        (model_lists.MISTRAL, {"id": "m", "capabilities": {"audio_transcription": True}}, "m", ["transcription"], []),
        (model_lists.MISTRAL, {"id": "m", "capabilities": {"ocr": True}}, "m", ["-"], []),
        (model_lists.MISTRAL, {"id": "mistral-embed", "capabilities": {}}, "mistral-embed", [], []),
        (
            model_lists.ANTHROPIC,
            {"id": "c", "capabilities": {"thinking": {"supported": True}, "structured_outputs": {"supported": False}}},
            "c",
            ["chat", "tools", "reasoning"],
            [],
        ),
        (model_lists.ANTHROPIC, {"id": "claude-old"}, "claude-old", ["chat", "tools"], []),
        (
            model_lists.GEMINI,
            {"name": "models/g", "supportedGenerationMethods": ["generateContent"], "thinking": True},
            "g",
            ["chat", "reasoning"],
            [],
        ),
        (
            model_lists.GEMINI,
            {"name": "models/e", "supportedGenerationMethods": ["embedContent"]},
            "e",
            ["embedding"],
            [],
        ),
        (model_lists.GEMINI, {"name": "models/i", "supportedGenerationMethods": ["predict"]}, "i", ["image"], []),
        (
            model_lists.GEMINI,
            {"name": "models/v", "supportedGenerationMethods": ["predictLongRunning"]},
            "v",
            ["-"],
            [],
        ),
        (
            model_lists.GEMINI,
            {"name": "models/g-tts", "supportedGenerationMethods": ["generateContent"]},
            "g-tts",
            ["speech"],
            [],
        ),
        (
            model_lists.COHERE,
            {"name": "command", "endpoints": ["chat", "generate"], "features": ["tools", "vision", "json_schema"]},
            "command",
            ["chat", "tools", "json_schema"],
            ["text", "image"],
        ),
        (
            model_lists.COHERE,
            {"name": "e", "endpoints": ["embed", "embed_image"]},
            "e",
            ["embedding"],
            ["text", "image"],
        ),
        (model_lists.COHERE, {"name": "r", "endpoints": ["rerank"], "features": None}, "r", ["-"], []),
        (
            model_lists.OLLAMA,
            {"name": "q:8b", "model": "q:8b", "capabilities": ["completion", "tools", "vision"]},
            "q:8b",
            ["chat", "tools", "json_schema"],
            ["text", "image"],
        ),
        (
            model_lists.OLLAMA,
            {"name": "q:cloud", "remote_host": "https://ollama.com", "capabilities": ["completion", "thinking"]},
            "q:cloud",
            ["chat", "reasoning"],
            [],
        ),
        (model_lists.OLLAMA, {"name": "old"}, "old", [], []),
        (
            model_lists.DEEPGRAM,
            {"name": "general", "canonical_name": "nova-9-general", "batch": True, "streaming": True},
            "nova-9-general",
            ["transcription", "live_transcription"],
            [],
        ),
        (
            model_lists.DEEPGRAM,
            {"name": "thalia", "canonical_name": "aura-2-thalia-en"},
            "aura-2-thalia-en",
            ["speech"],
            [],
        ),
        (model_lists.ELEVENLABS, {"model_id": "e", "can_do_text_to_speech": True}, "e", ["speech"], []),
        (model_lists.ELEVENLABS, {"model_id": "sts", "can_do_text_to_speech": False}, "sts", ["-"], []),
        (
            model_lists.OPENROUTER,
            {
                "id": "o/r",
                "architecture": {"input_modalities": ["text", "file"], "output_modalities": ["text"]},
                "supported_parameters": ["tools", "structured_outputs", "temperature"],
            },
            "o/r",
            ["chat", "tools", "json_schema"],
            ["text", "document"],
        ),
        (
            model_lists.OPENROUTER,
            {"id": "d", "architecture": {"input_modalities": ["image"], "output_modalities": ["image"]}},
            "d",
            ["image", "image_edit"],
            ["image"],
        ),
        (model_lists.OPENROUTER, {"id": "r", "architecture": {"output_modalities": ["rerank"]}}, "r", ["-"], []),
    ],
)
def test_an_entry(codec: ListCodec, entry: dict[str, Any], name: str, can: list[str], inputs: list[str]) -> None:
    (model,) = read(codec, {codec.items[0]: [entry]}).models
    assert (model.id, words(model), reads(model)) == (name, can, inputs)


@pytest.mark.parametrize(
    ("codec", "entry", "limits"),
    [
        (model_lists.OPENAI, {"id": "groq", "context_window": 131072, "max_completion_tokens": 65536}, (131072, 65536)),
        (model_lists.OPENAI, {"id": "vllm", "max_model_len": 4096}, (4096, 0)),
        (model_lists.OPENAI, {"id": "plain", "context_length": 8.0}, (8, 0)),
        (model_lists.ANTHROPIC, {"id": "c", "max_input_tokens": 200000, "max_tokens": 64000}, (200000, 64000)),
        (model_lists.GEMINI, {"name": "g", "inputTokenLimit": 5, "outputTokenLimit": 6}, (5, 6)),
        (model_lists.MISTRAL, {"id": "m", "max_context_length": 7}, (7, 0)),
        (model_lists.COHERE, {"name": "c", "context_length": 128000.0}, (128000, 0)),
        (model_lists.OPENAI, {"id": "odd", "context_window": -1, "context_length": "many"}, (0, 0)),
    ],
)
def test_limits(codec: ListCodec, entry: dict[str, Any], limits: tuple[int, int]) -> None:
    (model,) = read(codec, {codec.items[0]: [entry]}).models
    assert (model.max_input_tokens, model.max_output_tokens) == limits


def test_times() -> None:
    entry = {"id": "o", "created": 1747930371, "expiration_date": "2027-01-02"}
    (model,) = read(model_lists.OPENROUTER, {"data": [entry]}).models
    assert (model.create_time.seconds, model.shutdown_time.seconds) == (1747930371, 1798848000)
    (model,) = read(model_lists.MISTRAL, {"data": [{"id": "m", "deprecation": "2026-12-31T12:00:00+02:00"}]}).models
    assert model.shutdown_time.seconds == 1798711200
    (model,) = read(model_lists.ANTHROPIC, {"data": [{"id": "m", "created_at": "last spring"}]}).models
    assert not model.HasField("create_time")


def test_openrouters_prices_are_exact() -> None:
    pricing = {
        "prompt": "0.00000125", "completion": "0.00001", "input_cache_read": "0.000000125", "request": "0",
        "web_search": "0.01", "image": "0.001238", "internal_reasoning": "0", "audio": "-1",
        "overrides": [
            {"min_prompt_tokens": 200000, "prompt": "0.0000025"},
            {"utc_start": 100, "utc_end": 400, "prompt": "0.000005"},
        ],
    }  # fmt: skip
    (model,) = read(model_lists.OPENROUTER, {"data": [{"id": "o", "pricing": pricing}]}).models
    assert prices(model) == {
        "input_tokens_million": 1_250_000_000,
        "output_tokens_million": 10_000_000_000,
        "cached_input_tokens_million": 125_000_000,
        "web_search": 10_000_000,
        "input_tokens_million>200000": 2_500_000_000,
    }


def test_what_is_free_says_so() -> None:
    entry = {"id": "o:free", "pricing": {"prompt": "0", "completion": "0"}}
    (model,) = read(model_lists.OPENROUTER, {"data": [entry]}).models
    assert prices(model) == {"input_tokens_million": 0, "output_tokens_million": 0}


def test_togethers_zero_is_no_price() -> None:
    sold = {"id": "a", "pricing": {"input": 0.3, "output": 0.88, "hourly": 0}}
    (one, other) = read(model_lists.TOGETHER, [sold, {"id": "b", "pricing": {"input": 0, "output": 0}}]).models
    assert prices(one) == {"input_tokens_million": 300_000_000, "output_tokens_million": 880_000_000}
    assert prices(other) == {}


@pytest.mark.parametrize(
    ("codec", "beside", "path"),
    [
        (model_lists.ANTHROPIC, {"has_more": True, "last_id": "claude/3"}, "/v1/models?limit=1000&after_id=claude%2F3"),
        (model_lists.ANTHROPIC, {"has_more": False, "last_id": "x"}, ""),
        (model_lists.GEMINI, {"nextPageToken": "a&b"}, "/v1beta/models?pageSize=1000&pageToken=a%26b"),
        (model_lists.COHERE, {"next_page_token": "t"}, "/v1/models?page_size=1000&page_token=t"),
        (model_lists.COHERE, {"next_page_token": ""}, ""),
        (model_lists.OPENAI, {"object": "list"}, ""),
    ],
)
def test_the_next_page(codec: ListCodec, beside: dict[str, Any], path: str) -> None:
    then = read(codec, {**beside, codec.items[0]: []}).then
    assert (then.path if then else "") == path
    assert then is None or then.method == "GET"


def test_models_that_are_not_served_are_left_out() -> None:
    assert (
        read(model_lists.OPENAI, {"data": [{"id": "a", "active": False}, {"id": ""}, {"object": "model"}]}).models == ()
    )


def test_one_entry_for_each_language_is_one_model() -> None:
    heard = [{"canonical_name": "nova", "batch": True}, {"canonical_name": "nova", "streaming": True, "batch": False}]
    (model,) = read(model_lists.DEEPGRAM, {"stt": heard, "tts": []}).models
    assert words(model) == ["transcription", "live_transcription"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"{", b'{"data"', b'{"data": [{"id": "a"}', b"[" * 5000, b'{"data": {}}', b'{"data": 7}', b"7",
        b"null", b'"text"', b'{"models_are": []}', b"\xff\xfe",
        b'{"data": [' + b'{"a":' * 3000 + b"1" + b"}" * 3000 + b"]}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("codec", EVERY)
def test_what_is_no_list_is_one_clear_error(codec: ListCodec, body: bytes) -> None:
    if body.startswith(b'{"data": [{"a"') and "data" not in codec.items:
        return
    with pytest.raises(HubError) as raised:
        read(codec, body)
    assert isinstance(raised.value, ProviderBadResponse), raised.value.message


def test_an_error_of_status_200_is_read_as_such() -> None:
    with pytest.raises(HubError) as raised:
        read(model_lists.OPENAI, {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}})
    assert raised.value.reason == "PROVIDER_CREDENTIAL_INVALID"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["id", "name", "model", "canonical_name", "model_id", "created", "created_at", "context_length", "pricing",
         "capabilities", "architecture", "supported_parameters", "providers", "endpoints", "features", "prompt",
         "supportedGenerationMethods", "type", "batch", "top_provider", "overrides", "expiration_date"]  # fmt: skip
ENTRIES = st.dictionaries(st.sampled_from(NAMES), JSON | st.dictionaries(st.sampled_from(NAMES), JSON), max_size=8)


@pytest.mark.parametrize("codec", EVERY)
@given(entries=st.lists(ENTRIES | JSON, max_size=3), beside=st.dictionaries(st.text(max_size=8), JSON, max_size=2))
def test_anything_in_an_entry_is_read(codec: ListCodec, entries: list[Any], beside: dict[str, Any]) -> None:
    try:
        page = read(codec, {**beside, codec.items[0]: entries})
    except HubError:
        return
    assert len({model.id for model in page.models}) == len(page.models)
    assert all(model.id for model in page.models)


def _nulled(entry: dict[str, Any], name: str) -> dict[str, Any]:
    return {**entry, name: None}


def _missing(entry: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != name}


@pytest.mark.parametrize("change", [_nulled, _missing])
def test_every_field_may_be_null_or_missing(change: Callable[[dict[str, Any], str], dict[str, Any]]) -> None:
    entry = {
        "id": "o", "name": "O", "created": 5, "context_length": 9, "architecture": {"output_modalities": ["text"]},
        "pricing": {"prompt": "1"}, "top_provider": {"max_completion_tokens": 3}, "supported_parameters": ["tools"],
        "expiration_date": "2027-01-01",
    }  # fmt: skip
    for name in entry:
        page = read(model_lists.OPENROUTER, {"data": [change(entry, name)]})
        assert [model.id for model in page.models] == ([] if name == "id" else ["o"])


def test_other_lists_say_of_nothing_that_it_is_missing() -> None:
    for codec in EVERY:
        assert codec.changes is (codec is model_lists.OLLAMA)
        assert codec is model_lists.OLLAMA or not codec.missing("x", ())
