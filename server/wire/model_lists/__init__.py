"""Providers' own lists of their models, read into the contract's ``Model``. A list costs nothing: it is a GET."""

from server.wire.model_lists.codec import ListCodec
from server.wire.model_lists.hosts import (
    ANTHROPIC,
    COHERE,
    DEEPGRAM,
    ELEVENLABS,
    FIREWORKS,
    GEMINI,
    HUGGINGFACE,
    MISTRAL,
    OPENAI,
    OPENROUTER,
    TOGETHER,
)
from server.wire.model_lists.ollama import OLLAMA
from server.wire.model_lists.page import Details, ModelPage

__all__ = [
    "ANTHROPIC",
    "COHERE",
    "DEEPGRAM",
    "ELEVENLABS",
    "FIREWORKS",
    "GEMINI",
    "HUGGINGFACE",
    "MISTRAL",
    "OLLAMA",
    "OPENAI",
    "OPENROUTER",
    "TOGETHER",
    "Details",
    "ListCodec",
    "ModelPage",
]
