"""What models can do, how much they read and write, and when they end: from LiteLLM's catalogue."""

import json
import re
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tools.models.files import begin, write

_CATALOGUE = "litellm/model_prices_and_context_window_backup.json"

KINDS: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("anthropic",),
    "azure": ("azure",),
    "azure-anthropic": ("anthropic",),
    "azure-foundry": ("azure_ai",),
    "bedrock": ("bedrock", "bedrock_converse"),
    "cerebras": ("cerebras",),
    "cohere": ("cohere", "cohere_chat"),
    "deepgram": ("deepgram",),
    "deepseek": ("deepseek",),
    "doubao": ("volcengine",),
    "elevenlabs": ("elevenlabs",),
    "fireworks": ("fireworks_ai", "fireworks_ai-embedding-models"),
    "gemini": ("gemini",),
    "groq": ("groq",),
    "jina": ("jina_ai",),
    "minimax": ("minimax",),
    "mistral": ("mistral",),
    "moonshot": ("moonshot",),
    "ollama": ("ollama",),
    "openai": ("openai", "text-completion-openai"),
    "openrouter": ("openrouter",),
    "perplexity": ("perplexity",),
    "together": ("together_ai",),
    "vertex": (
        "vertex_ai",
        "vertex_ai-anthropic_models",
        "vertex_ai-embedding-models",
        "vertex_ai-image-models",
        "vertex_ai-language-models",
        "vertex_ai-llama_models",
        "vertex_ai-mistral_models",
    ),
    "voyage": ("voyage",),
    "xai": ("xai",),
    "zai": ("zai",),
}
"""The hub's name of a kind to the catalogue's names of its provider."""

_MODES: Mapping[str, str] = {
    "chat": "chat",
    "responses": "responses",
    "embedding": "embedding",
    "image_generation": "image",
    "image_edit": "image_edit",
    "audio_transcription": "transcription",
    "audio_speech": "speech",
}
_ENDPOINTS: Mapping[str, str] = {
    "/v1/chat/completions": "chat",
    "/v1/images/generations": "image",
    "/v1/images/edits": "image_edit",
    "/v1/audio/transcriptions": "transcription",
    "/v1/audio/speech": "speech",
    "/v1/realtime/transcription_sessions": "live_transcription",
}
_CHAT_ABILITIES: Mapping[str, str] = {
    "supports_function_calling": "tools",
    "supports_response_schema": "json_schema",
    "supports_reasoning": "reasoning",
}
_READS: Mapping[str, str] = {
    "supports_vision": "image",
    "supports_audio_input": "audio",
    "supports_video_input": "video",
    "supports_pdf_input": "document",
    "supports_embedding_image_input": "image",
}
_WRITERS = {"chat", "responses"}
_BY_TOOLS = {"image", "video"}
_MODALITIES = ("text", "image", "audio", "video", "document")
_REALTIME_ALONE = {"/v1/realtime"}
_MESSAGES_ALONE = {"/v1/messages"}
_SNAPSHOT = re.compile(r"20\d\d-\d\d-\d\d")
# An entry of another price, region or commitment, and no name that could be called.
_NO_NAME = re.compile(r"\d+-x-\d+|-commitment/|^\*|-up-to-|-above-|b-to-|^streaming/|default$")


def write_abilities(wheel: Path) -> dict[str, int]:
    """Writes every kind's file and returns how many models each has."""
    with zipfile.ZipFile(wheel) as opened:
        catalogue = json.loads(opened.read(_CATALOGUE))
    folder = begin("abilities")
    head = {"source": "litellm " + wheel.name.split("-")[1], "written": f"{date.today():%Y-%m-%d}"}
    counts = {}
    for kind, providers in KINDS.items():
        models: dict[str, Any] = {}
        for full_name, entry in catalogue.items():
            provider = entry.get("litellm_provider")
            if provider in providers and (name := _name(full_name, provider)):
                models[name] = {"id": name, **_abilities(entry)}
        if models:
            counts[kind] = write(folder / f"{kind}.json", head, [models[name] for name in sorted(models)])
    return counts


def _name(full_name: str, provider: str) -> str:
    """The provider's own name of the model, lower-cased; empty for an entry that is no model."""
    if _NO_NAME.search(full_name):
        return ""
    prefix = provider.partition("-")[0].removesuffix("_converse") + "/"
    name = full_name.removeprefix(prefix).lower()
    return "" if provider == "bedrock" and "/" in name else name


def _abilities(entry: Mapping[str, Any]) -> dict[str, Any]:
    can = _can(entry)
    told: dict[str, Any] = {"can": can}
    reads = [word for word in _MODALITIES if word in _reads(entry)]
    # A model that chats is said to draw where only another of its APIs does.
    made = set(entry.get("supported_output_modalities", ())) - (_BY_TOOLS if _WRITERS & set(can) else set())
    makes = [word for word in _MODALITIES if word in made or (word == "image" and "image" in can)]
    if entry.get("supports_audio_output") and "audio" not in makes:
        makes = [*(makes or ["text"]), "audio"]
    if reads and set(reads) != {"text"}:
        told["reads"] = reads
    if makes and set(makes) != {"text"}:
        told["makes"] = makes
    for key, word in (
        ("max_input_tokens", "input"),
        ("max_output_tokens", "output"),
        ("output_vector_size", "dimensions"),
    ):
        if isinstance(entry.get(key), int | float) and entry[key] > 0 and (word != "output" or _WRITERS & set(can)):
            told[word] = int(entry[key])
    if _SNAPSHOT.fullmatch(str(entry.get("deprecation_date", ""))):
        told["until"] = entry["deprecation_date"]
    return told


def _can(entry: Mapping[str, Any]) -> list[str]:
    """What the hub has a method for, in its own words; ``responses`` is a chat that only that API serves."""
    mode = _MODES.get(entry.get("mode", ""))
    endpoints = set(entry.get("supported_endpoints", ()))
    can = {_ENDPOINTS[path] for path in endpoints & _ENDPOINTS.keys()}
    if mode is None:
        return []
    if not can and endpoints and endpoints <= _REALTIME_ALONE:
        return ["live_transcription"] if mode == "transcription" else []
    if mode == "responses" and "chat" in can:
        mode = "chat"
    if mode == "chat" and endpoints and "chat" not in can and not endpoints <= _MESSAGES_ALONE:
        mode = "responses"
    if not (mode == "transcription" and can == {"live_transcription"}):
        can.add(mode)
    if _WRITERS & can:
        can |= {word for key, word in _CHAT_ABILITIES.items() if entry.get(key)}
    return sorted(can)


def _reads(entry: Mapping[str, Any]) -> set[str]:
    told = set(entry.get("supported_modalities", ()))
    told |= {word for key, word in _READS.items() if entry.get(key)}
    return told | {"text"} if entry.get("mode") != "audio_transcription" else told
