"""Which hosts speak and which hear, and what each does differently: a row each.

Where a vendor's page says less than one would like, the row is the careful reading, as for chat.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from server.providers.kind import ProviderKind
from server.wire.audio.voice import SpokenVoice
from server.wire.http import path_segment
from server.wire.openai_audio import (
    OpenAISpeechCodec,
    OpenAITranscriptionCodec,
    RealtimeCodec,
    SpeechDialect,
    TranscriptionDialect,
)
from server.wire.openai_audio.speech import ALAW, FLAC, MP3, MULAW, OPUS, PCM, WAV, openai_body, together_body
from server.wire.openai_audio.transcription import Abilities, ModelAbilities
from server.wire.recording import CHUNKED, WHOLE
from server.wire.xai_audio import speech_body, transcription_fields

_TELEPHONE_TO_STUDIO = frozenset({8000, 16000, 22050, 24000, 32000, 44100, 48000})


def _voices(names: str, *languages: str) -> tuple[SpokenVoice, ...]:
    return tuple(SpokenVoice(name, languages) for name in names.split())


_OPENAI_SPEECH = SpeechDialect(
    # https://platform.openai.com/docs/guides/text-to-speech
    name="openai",
    body=openai_body,
    plain_models=re.compile(r"tts-1"),
    event_models=re.compile(r"gpt-.*-tts"),
    max_characters=4096,
    voices=_voices("alloy ash ballad coral echo fable nova onyx sage shimmer verse marin cedar"),
)
_OPENAI_HEARING = TranscriptionDialect(
    # https://platform.openai.com/docs/guides/speech-to-text
    name="openai",
    models=(
        ModelAbilities(re.compile(r"gpt-4o-transcribe-diarize"), Abilities(verbose=False, diarized=True, prompt=False)),
        ModelAbilities(re.compile(r"gpt-4o(-mini)?-transcribe"), Abilities(verbose=False, logprobs=True)),
        ModelAbilities(
            re.compile(r"gpt-(live-)?transcribe|gpt-realtime"), Abilities(verbose=False, keywords=True, languages=True)
        ),
    ),
    containers=frozenset(
        {"audio/wav", "audio/mpeg", "audio/flac", "audio/ogg", "audio/mp4", "video/mp4", "audio/webm", "video/webm"}
    ),
    # Its own client sends a stream without a length: https://github.com/openai/openai-node#file-uploads
    uploads=CHUNKED,
)
_GROQ_SPEECH = SpeechDialect(
    # https://console.groq.com/docs/text-to-speech/orpheus: that model makes WAV alone, so it is asked for.
    name="groq",
    body=openai_body,
    formats=MappingProxyType({WAV: "wav", MP3: "mp3", FLAC: "flac", OPUS: "ogg", MULAW: "mulaw"}),
    default_format=WAV,
    rates=_TELEPHONE_TO_STUDIO,
    knobs=frozenset({"speed"}),
    voices=_voices("autumn diana hannah austin daniel troy", "en")
    + _voices("abdullah fahad sultan lulwa noura aisha", "ar"),
)
_XAI_SPEECH = SpeechDialect(
    # https://docs.x.ai/developers/model-capabilities/audio/text-to-speech
    name="xai",
    body=speech_body,
    path="/tts",
    formats=MappingProxyType({MP3: "mp3", WAV: "wav", PCM: "pcm", MULAW: "mulaw", ALAW: "alaw"}),
    rates=_TELEPHONE_TO_STUDIO - {32000},
    knobs=frozenset({"speed", "language"}),
    max_characters=15000,
    voices=_voices("eve ara rex sal leo"),
)
_OPENROUTER_SPEECH = SpeechDialect(
    # https://openrouter.ai/docs/api-reference/text-to-speech; each model has voices of its own.
    name="openrouter",
    body=openai_body,
    formats=MappingProxyType({MP3: "mp3", PCM: "pcm"}),
    knobs=frozenset({"speed"}),
)
_TOGETHER_SPEECH = SpeechDialect(
    # https://docs.together.ai/reference/audio-speech; each model has voices of its own.
    name="together",
    body=together_body,
    formats=MappingProxyType({MP3: "mp3", WAV: "wav", PCM: "raw"}),
    rates=_TELEPHONE_TO_STUDIO,
    knobs=frozenset({"language"}),
)
_ANY_SPEECH = replace(
    _OPENAI_SPEECH, name="openai-compatible", plain_models=None, event_models=None, max_characters=0, voices=()
)
_SANDBOX_SPEECH = replace(
    _ANY_SPEECH,
    name="sandbox",
    # What can be made by hand, without an encoder: the same that sandbox/speak makes.
    formats=MappingProxyType({WAV: "wav", PCM: "pcm", FLAC: "flac", MULAW: "mulaw", ALAW: "alaw"}),
    rates=_TELEPHONE_TO_STUDIO,
    max_characters=4096,
    voices=_voices("flute horn"),
)

_ANY_HEARING = replace(
    _OPENAI_HEARING,
    name="openai-compatible",
    containers=_OPENAI_HEARING.containers | {"audio/aac"},
    uploads=WHOLE,  # many such servers answer 411 where there is no Content-Length
)
_REALTIME = RealtimeCodec()


def _speaks(kind: ProviderKind, dialect: SpeechDialect) -> ProviderKind:
    codec = OpenAISpeechCodec(dialect)
    return replace(kind, speech=lambda _: codec, voices=dialect.voices)


def _hears(kind: ProviderKind, dialect: TranscriptionDialect, live: RealtimeCodec | None = None) -> ProviderKind:
    codec = OpenAITranscriptionCodec(dialect)
    return replace(kind, transcription=lambda _: codec, live=live)


def _azure_paths(options: Mapping[str, str], action: str) -> str:
    version = options.get("api_version", "")
    if not version:
        return f"/audio/{action}"
    return f"/openai/deployments/{{model}}/audio/{action}?api-version={path_segment(version)}"


def _azure_speech(options: Mapping[str, str]) -> OpenAISpeechCodec:
    return OpenAISpeechCodec(replace(_OPENAI_SPEECH, name="azure", path=_azure_paths(options, "speech")))


def _azure_hearing(options: Mapping[str, str]) -> OpenAITranscriptionCodec:
    return OpenAITranscriptionCodec(
        replace(
            _OPENAI_HEARING,
            name="azure",
            uploads=WHOLE,
            path=_azure_paths(options, "transcriptions"),
            translation_path=_azure_paths(options, "translations"),
        )
    )


def with_audio(kind: ProviderKind) -> ProviderKind:
    """The kind with the speech and transcription that its host is known to have; others are handed back as they are."""
    match kind.name:
        case "openai":
            return _hears(_speaks(kind, _OPENAI_SPEECH), _OPENAI_HEARING, _REALTIME)
        case "azure":
            # Its realtime paths differ from region to region, so live speech is served by utterance.
            return replace(kind, speech=_azure_speech, transcription=_azure_hearing, voices=_OPENAI_SPEECH.voices)
        case "groq":
            # https://github.com/groq/groq-typescript#file-uploads
            return _hears(_speaks(kind, _GROQ_SPEECH), TranscriptionDialect(name="groq", uploads=CHUNKED))
        case "xai":
            hearing = TranscriptionDialect(name="xai", path="/stt", translation_path="", fields=transcription_fields)
            return _hears(_speaks(kind, _XAI_SPEECH), hearing)
        case "openrouter":
            return _hears(
                _speaks(kind, _OPENROUTER_SPEECH), TranscriptionDialect(name="openrouter", translation_path="")
            )
        case "together":
            hearing = TranscriptionDialect(name="together", array="", speakers=True, any_target=True)
            return _hears(_speaks(kind, _TOGETHER_SPEECH), hearing)
        case "vllm":
            return _hears(kind, replace(_ANY_HEARING, name="vllm"))
        case "openai-compatible":
            return _hears(_speaks(kind, _ANY_SPEECH), _ANY_HEARING)
        case _:
            return kind


SANDBOX_SPEECH = OpenAISpeechCodec(_SANDBOX_SPEECH)
SANDBOX_HEARING = OpenAITranscriptionCodec(
    replace(
        _ANY_HEARING,
        name="sandbox",
        uploads=CHUNKED,
        models=(
            ModelAbilities(re.compile(r""), Abilities(diarized=False, logprobs=True, keywords=True, languages=True)),
        ),
        speakers=True,
    )
)
SANDBOX_REALTIME = RealtimeCodec(name="sandbox")
SANDBOX_VOICES = _SANDBOX_SPEECH.voices
