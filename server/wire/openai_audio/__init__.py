"""OpenAI's audio endpoints, and everything that calls itself compatible with them."""

from server.wire.openai_audio.realtime import RealtimeCodec
from server.wire.openai_audio.speech import OpenAISpeechCodec, SpeechDialect
from server.wire.openai_audio.transcription import OpenAITranscriptionCodec, TranscriptionDialect

__all__ = [
    "OpenAISpeechCodec",
    "OpenAITranscriptionCodec",
    "RealtimeCodec",
    "SpeechDialect",
    "TranscriptionDialect",
]
