"""The APIs whose exchanges are replayed. A new one is a module and a line here."""

from collections.abc import Mapping

from tests.wire.anthropic import Messages, MessageTokens
from tests.wire.audio import KINDS as AUDIO_KINDS
from tests.wire.audio import Hearing, Speech
from tests.wire.bench import Api
from tests.wire.by_provider import ByProvider
from tests.wire.chat import ChatCompletions
from tests.wire.cohere import CohereChat
from tests.wire.cohere_embeddings import CohereEmbeddings
from tests.wire.converse import Converse, CountTokens
from tests.wire.deepgram import DeepgramHearing, DeepgramSpeech
from tests.wire.elevenlabs import ElevenLabsHearing, ElevenLabsSpeech
from tests.wire.embeddings import Embeddings
from tests.wire.gemini import GeminiTokens, GenerateContent
from tests.wire.gemini_embeddings import GeminiEmbeddings
from tests.wire.images import Images
from tests.wire.invoke_model import InvokeModel
from tests.wire.ollama import OllamaChat, OllamaEmbeddings
from tests.wire.responses import Responses

_IMAGES = Images()

APIS: Mapping[str, Api] = {
    "chat.completions": ChatCompletions(),
    "responses": Responses(),
    "chat": ByProvider({"cohere": CohereChat(), "ollama": OllamaChat()}),
    "converse": Converse(),
    "invoke_model": InvokeModel(),
    "messages": ByProvider({"anthropic": Messages()}),
    "generateContent": GenerateContent(),
    "count_tokens": ByProvider(
        {
            "anthropic": MessageTokens(),
            "bedrock": CountTokens(),
            "gemini": GeminiTokens(),
            "vertex": GeminiTokens(),
        }
    ),
    "embeddings": ByProvider(
        {
            "cohere": CohereEmbeddings(),
            "gemini": GeminiEmbeddings(),
            "vertex": GeminiEmbeddings(),
            "ollama": OllamaEmbeddings(),
        },
        others=Embeddings(),
    ),
    "images.generate": _IMAGES,
    "images.edit": _IMAGES,
    "audio.transcription": ByProvider(
        {
            **dict.fromkeys(AUDIO_KINDS, Hearing()),
            "deepgram": DeepgramHearing(),
            "elevenlabs": ElevenLabsHearing(),
        }
    ),
    "audio.translation": Hearing(translates=True),
    "audio.speech": ByProvider(
        {**dict.fromkeys(AUDIO_KINDS, Speech()), "deepgram": DeepgramSpeech(), "elevenlabs": ElevenLabsSpeech()}
    ),
}
