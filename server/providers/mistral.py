"""Mistral: chat in a dialect of OpenAI's format, embeddings, speech both ways.

Emulated: ids of calls that other providers made become nine letters and digits, the same for the call and its result;
a word of the assistant goes between a tool's result and a user's message, and a conversation that ends with the
assistant is sent as a prefix, with which the answer begins again; reasoning has the levels none and high, and what lies
between goes to the nearer one. Refused: custom and provider tools, log probabilities, video, media in instructions,
grammars, web search, audio answers, temperatures above 1.5. Dropped and listed: samplers that its reference lacks
(top_k, min_p, repetition_penalty, logit_bias), user, service_tier, store, verbosity, cache marks, names of
participants, tool_error.
"""

import re
from types import MappingProxyType

from aignehub.v1 import chat_pb2

from server.providers.kind import ProviderKind
from server.transport.credentials import always, bearer
from server.wire import model_lists
from server.wire.chat.call_ids import nine_characters
from server.wire.chat.knobs import COMMON_KNOBS, ModelRule
from server.wire.mistral_audio import MistralSpeechCodec, MistralTranscriptionCodec
from server.wire.openai_chat import Dialect, OpenAIChatCodec, reasoning
from server.wire.openai_chat.turns import mistral_turns
from server.wire.openai_embeddings import EmbeddingsDialect, OpenAIEmbeddingsCodec
from server.wire.openai_embeddings.dialect import BINARY, FLOAT32, INT8, UBINARY, UINT8, Format

_CHAT = Dialect(
    # https://docs.mistral.ai/api/endpoint/chat; unknown keys are answered with 422.
    name="mistral",
    knobs=(COMMON_KNOBS - {"user"})
    | {"n", "parallel_tool_calls", "prediction", "metadata", "prompt_cache_key", "tool_name"},
    max_tokens="max_tokens",
    seed="random_seed",
    min_seed=0,
    required_tool="any",
    model_rules=(
        # https://docs.mistral.ai/capabilities/reasoning: models before 2026 that are no Magistral do not reason.
        ModelRule(
            re.compile(r"open-|codestral|pixtral|voxtral|(mistral|ministral|devstral)-.*2[345]\d\d$"),
            frozenset({"reasoning"}),
        ),
    ),
    max_temperature=1.5,
    inputs=frozenset({"image", "audio", "file"}),
    system_media=False,
    tool_media=True,
    audio_text=True,
    document_parts=True,
    replay_reasoning=reasoning.IN_PLACE,
    call_id=nine_characters,
    turns=mistral_turns,
    parameters_required=True,
    stream_usage=False,
    reasoning=reasoning.all_or_nothing,
    efforts=MappingProxyType(
        {chat_pb2.REASONING_EFFORT_NONE: "none", chat_pb2.REASONING_EFFORT_HIGH: "high"},
    ),
    failed=frozenset({"error"}),
)
_CHAT_CODEC = OpenAIChatCodec(_CHAT)

_EMBEDDINGS_CODEC = OpenAIEmbeddingsCodec(
    EmbeddingsDialect(
        # https://docs.mistral.ai/api/endpoint/embeddings. Its reference has base64, yet mistral-embed was seen to
        # answer with lists of numbers even so. It takes 256 texts, and refuses "Too many tokens overall".
        name="mistral",
        max_inputs=256,
        max_tokens=16_000,
        formats=MappingProxyType(
            {
                FLOAT32: Format(FLOAT32),
                INT8: Format(INT8, dtype="int8"),
                UINT8: Format(UINT8, dtype="uint8"),
                BINARY: Format(BINARY, dtype="binary"),
                UBINARY: Format(UBINARY, dtype="ubinary"),
            }
        ),
        dimensions=True,
        dimensions_name="output_dimension",
        truncates=False,
    )
)

_SPEECH_CODEC = MistralSpeechCodec()
_TRANSCRIPTION_CODEC = MistralTranscriptionCodec()

MISTRAL = ProviderKind(
    name="mistral",
    base_url="https://api.mistral.ai/v1",
    authorize=always(bearer),
    chat=lambda _: _CHAT_CODEC,
    embeddings=lambda _: _EMBEDDINGS_CODEC,
    speech=lambda _: _SPEECH_CODEC,
    transcription=lambda _: _TRANSCRIPTION_CODEC,
    key_env=("MISTRAL_API_KEY",),
    base_url_env="MISTRAL_BASE_URL",
    model_list=lambda _: model_lists.MISTRAL,
    notes="ids of calls from elsewhere become nine characters",
)
