"""ElevenLabs' own formats: text to speech, speech to text by HTTP and by WebSocket, and its list of voices.

https://elevenlabs.io/docs/api-reference
"""

from server.wire.elevenlabs.hearing import ElevenLabsTranscriptionCodec
from server.wire.elevenlabs.live import ElevenLabsLiveCodec
from server.wire.elevenlabs.speech import ElevenLabsSpeechCodec
from server.wire.elevenlabs.voices import ElevenLabsVoicesCodec

__all__ = ["ElevenLabsLiveCodec", "ElevenLabsSpeechCodec", "ElevenLabsTranscriptionCodec", "ElevenLabsVoicesCodec"]
