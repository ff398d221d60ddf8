"""Deepgram: speech, recordings and live speech, each in its own format.

Speech: a voice is a model (``aura-2-thalia-en``), so either the voice is named whole, or alone (``thalia``) with the
family as the model and, where wanted, a language; English without. Emulated: nothing. Refused: SSML, more than 2000
characters in one call, a language that the voice does not speak, a pace outside 0.7 to 1.5. Dropped and listed:
instructions, and speed but for Aura-2.

Transcription: without a language Deepgram would take all for English, so that recordings are sent with detect_language
and live speech, to models that can, as ``multi``; several languages bound what may be heard. smart_format is set unless
gateway.extra_body_json says otherwise, whose fields go into the query. URLs are handed on. Refused: translation, log
probabilities, known speakers, subtitles of live speech, Flux models live. Dropped and listed: prompt, temperature,
min_speakers and max_speakers, threshold and prefix_padding. Whisper hears live speech by utterance.
"""

from dataclasses import replace

from server.providers.kind import ProviderKind
from server.providers.lists import always as listed
from server.transport.credentials import always, scheme
from server.wire import model_lists
from server.wire.audio.voice import SpokenVoice
from server.wire.deepgram import (
    DeepgramLiveCodec,
    DeepgramSpeechCodec,
    DeepgramTranscriptionCodec,
    DeepgramVoicesCodec,
)

_SPEECH = DeepgramSpeechCodec()
_HEARING = DeepgramTranscriptionCodec()

_FEATURED = {
    "en": "thalia andromeda helena apollo arcas aries",
    "es": "celeste estrella nestor",
    "de": "julius viktoria",
    "fr": "agathe hector",
    "it": "livia dionisio",
    "ja": "fujin izanami",
    "nl": "rhea sander",
}
"""https://developers.deepgram.com/docs/tts-models; told where its list cannot be had."""
_VOICES = tuple(
    SpokenVoice(f"aura-2-{name}-{language}", (language,), name.title(), "aura-2")
    for language, names in _FEATURED.items()
    for name in names.split()
)

DEEPGRAM = ProviderKind(
    name="deepgram",
    # Its own version stands in each path: /v2/speak is Flux's.
    base_url="https://api.deepgram.com",
    authorize=always(scheme("Token")),
    key_env=("DEEPGRAM_API_KEY",),
    base_url_env="DEEPGRAM_BASE_URL",
    speech=lambda _: _SPEECH,
    voices=_VOICES,
    voice_list=DeepgramVoicesCodec(),
    transcription=lambda _: _HEARING,
    live=DeepgramLiveCodec(),
    # The list has no short names such as nova-3, which are called all the same.
    model_list=listed(replace(model_lists.DEEPGRAM, path="/v1/models", whole=False)),
    notes="a voice is a model: `deepgram/aura-2` with the voice `thalia`",
)
