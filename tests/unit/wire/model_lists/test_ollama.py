"""What Ollama says of the models on its machine."""

import json
from typing import Any

import pytest
from aignehub.v1 import model_service_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from server.errors import ProviderBadResponse
from server.models.vocabulary import CAPABILITIES
from server.wire import model_lists
from server.wire.http import HttpResponse


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("llama3.2", False), ("llama3.2:latest", False), ("LLaMa3.2", False), ("qwen3:8B", False), ("qwen3", True),
        ("qwen3:4b", True), ("registry.ollama.ai/library/llama3.2", False), ("hf.co/me/Model-GGUF", False),
        ("hf.co:443/me/Model-GGUF", True), ("kimi-k2:1t-cloud", False), ("glm-4.6:cloud", False), ("", True),
    ],
)  # fmt: skip
def test_what_ollama_has_not_pulled(name: str, missing: bool) -> None:
    listed = ("llama3.2:latest", "qwen3:8b", "hf.co/me/Model-GGUF:latest")
    assert bool(model_lists.OLLAMA.missing(name, listed)) is missing


@pytest.mark.parametrize(
    ("shown", "can", "reads", "size"),
    [
        # https://docs.ollama.com/api-reference/show-model-details
        (
            {
                "capabilities": ["completion", "vision", "insert"],
                "model_info": {"gemma3.context_length": 131072, "gemma3.embedding_length": 2560, "gemma3.vision.x": 1},
            },
            ["chat", "json_schema"],
            131072,
            [],
        ),
        (
            {"capabilities": ["embedding"], "model_info": {"bert.context_length": 512, "bert.embedding_length": 384}},
            ["embedding"],
            512,
            [384],
        ),
        ({"capabilities": ["completion"], "remote_host": "https://ollama.com"}, ["chat"], 0, []),
        (
            {"capabilities": None, "model_info": {"a.b.context_length": 1, "context_length": 2}},
            ["chat", "tools"],
            0,
            [],
        ),
        ([], ["chat", "tools"], 0, []),
    ],
)
def test_what_ollama_shows_of_a_model(shown: Any, can: list[str], reads: int, size: list[int]) -> None:
    model = pb.Model(id="m", capabilities=[CAPABILITIES["chat"], CAPABILITIES["tools"]])
    found = model_lists.OLLAMA.detailed(HttpResponse(200, {}, json.dumps(shown).encode()), model)
    assert list(found.capabilities) == [CAPABILITIES[word] for word in can]
    assert (found.max_input_tokens, list(found.embedding_dimensions)) == (reads, size)
    assert len(model.capabilities) == 2  # what the list said is as it was


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["a.context_length", "a.embedding_length", "context_length", "b.c.context_length"])


@given(
    capabilities=st.lists(st.sampled_from(["completion", "embedding", "vision"]) | JSON, max_size=3) | JSON,
    info=st.dictionaries(KEYS, JSON, max_size=4) | JSON,
    remote=JSON,
)
def test_anything_that_is_shown_is_read(capabilities: Any, info: Any, remote: Any) -> None:
    told = {"capabilities": capabilities, "model_info": info, "remote_host": remote}
    found = model_lists.OLLAMA.detailed(HttpResponse(200, {}, json.dumps(told).encode()), pb.Model(id="m"))
    assert found.id == "m"
    assert len(set(found.capabilities)) == len(found.capabilities)


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"\xff"])
def test_what_is_no_answer_is_one_clear_error(body: bytes) -> None:
    with pytest.raises(ProviderBadResponse):
        model_lists.OLLAMA.detailed(HttpResponse(200, {}, body), pb.Model(id="m"))
