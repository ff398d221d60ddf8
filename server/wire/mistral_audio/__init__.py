"""Mistral's own speech endpoints, both ways."""

from server.wire.mistral_audio.speech import MistralSpeechCodec
from server.wire.mistral_audio.transcription import MistralTranscriptionCodec

__all__ = ["MistralSpeechCodec", "MistralTranscriptionCodec"]
