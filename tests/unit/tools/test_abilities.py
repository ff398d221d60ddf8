"""What LiteLLM's catalogue says, in the hub's own words."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tools.models import abilities, files


def written(entries: dict[str, dict[str, Any]], folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The files that a wheel with these entries makes, by kind and then by model."""
    monkeypatch.setattr(files, "DATA", folder / "data")
    wheel = folder / "litellm-9.8.7-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("litellm/model_prices_and_context_window_backup.json", json.dumps(entries))
    counts = abilities.write_abilities(wheel)
    found = {}
    for kind, number in counts.items():
        told = json.loads((folder / "data" / "abilities" / f"{kind}.json").read_text())
        assert told["source"] == "litellm 9.8.7"
        assert len(told["models"]) == number
        found[kind] = {model.pop("id"): model for model in told["models"]}
    return found


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"mode": "chat"}, {"can": ["chat"]}),
        (
            {"mode": "chat", "supports_function_calling": True, "supports_vision": True, "max_output_tokens": 9},
            {"can": ["chat", "tools"], "reads": ["text", "image"], "output": 9},
        ),
        # A tool of another API draws; a chat completion does not.
        ({"mode": "chat", "supported_output_modalities": ["text", "image"]}, {"can": ["chat"]}),
        ({"mode": "chat", "supports_audio_output": True}, {"can": ["chat"], "makes": ["text", "audio"]}),
        (
            {"mode": "responses", "supported_endpoints": ["/v1/responses"], "supports_reasoning": True},
            {"can": ["reasoning", "responses"]},
        ),
        ({"mode": "chat", "supported_endpoints": ["/v1/responses"]}, {"can": ["responses"]}),
        ({"mode": "responses", "supported_endpoints": ["/v1/chat/completions"]}, {"can": ["chat"]}),
        ({"mode": "chat", "supported_endpoints": ["/v1/messages"]}, {"can": ["chat"]}),
        ({"mode": "chat", "supported_endpoints": ["/v1/realtime"]}, {"can": []}),
        ({"mode": "embedding", "output_vector_size": 3072.0}, {"can": ["embedding"], "dimensions": 3072}),
        (
            {"mode": "image_generation", "supported_endpoints": ["/v1/images/edits"]},
            {"can": ["image", "image_edit"], "makes": ["image"]},
        ),
        ({"mode": "audio_transcription"}, {"can": ["transcription"]}),
        (
            {"mode": "audio_transcription", "supported_endpoints": ["/v1/realtime/transcription_sessions"]},
            {"can": ["live_transcription"]},
        ),
        ({"mode": "audio_transcription", "supported_endpoints": ["/v1/realtime"]}, {"can": ["live_transcription"]}),
        ({"mode": "audio_speech", "max_output_tokens": 9}, {"can": ["speech"]}),
        ({"mode": "rerank"}, {"can": []}),
        ({}, {"can": []}),
        ({"mode": "chat", "deprecation_date": "2027-01-02"}, {"can": ["chat"], "until": "2027-01-02"}),
        ({"mode": "chat", "deprecation_date": "soon"}, {"can": ["chat"]}),
    ],
)
def test_an_entry(entry: dict[str, Any], told: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert written({"m": {"litellm_provider": "openai", **entry}}, tmp_path, monkeypatch) == {"openai": {"m": told}}


def test_names_are_those_that_providers_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    providers = {
        "gpt-5": "openai",
        "gemini/gemini-9": "gemini",
        "together_ai/A/B": "together_ai",
        "vertex_ai/imagen": "vertex_ai-image-models",
        "us.anthropic.claude": "bedrock_converse",
        "bedrock/eu-west-1/x": "bedrock",
        "1024-x-1024/dall-e": "openai",
        "elsewhere/m": "nobody-here",
    }
    entries = {name: {"litellm_provider": provider, "mode": "chat"} for name, provider in providers.items()}
    found = written(entries, tmp_path, monkeypatch)
    assert {kind: set(models) for kind, models in found.items()} == {
        "openai": {"gpt-5"},
        "gemini": {"gemini-9"},
        "together": {"a/b"},
        "vertex": {"imagen"},
        "bedrock": {"us.anthropic.claude"},
    }
