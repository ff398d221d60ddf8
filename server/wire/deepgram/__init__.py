"""Deepgram's own formats: /v1/listen by HTTP and by WebSocket, /v1/speak, and its list of voices.

https://developers.deepgram.com/reference
"""

from server.wire.deepgram.listen import DeepgramTranscriptionCodec
from server.wire.deepgram.live import DeepgramLiveCodec
from server.wire.deepgram.speech import DeepgramSpeechCodec
from server.wire.deepgram.voices import DeepgramVoicesCodec

__all__ = ["DeepgramLiveCodec", "DeepgramSpeechCodec", "DeepgramTranscriptionCodec", "DeepgramVoicesCodec"]
