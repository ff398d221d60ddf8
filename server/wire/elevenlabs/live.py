"""ElevenLabs' realtime speech to text: options in the query, audio as base64 in JSON, commits to end utterances.

https://elevenlabs.io/docs/api-reference/speech-to-text/v-1-speech-to-text-realtime
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from aignehub.v1.audio_pb2 import AudioInputConfig
from aignehub.v1.audio_service_pb2 import StreamTranscriptionConfig, VoiceActivityOptions

from server.errors import HubError
from server.wire.audio.live import LivePlan, milliseconds, refuse_untold
from server.wire.drops import Drops
from server.wire.elevenlabs.dialogue import ElevenLabsDialogue
from server.wire.elevenlabs.errors import decode_error
from server.wire.elevenlabs.speech import NAME
from server.wire.extra_body import extra_fields
from server.wire.http import HttpRequest, HttpResponse
from server.wire.query import flag, with_query

_RATES = frozenset({8000, 16000, 22050, 24000, 44100, 48000})
_RATE = 16000
_KEEP_ALIVE = 5.0
"""A session that hears nothing for about 15 seconds is closed."""
_SILENCES = (0.3, 3.0)
_SILENCE = 1.5
"""Seconds of silence that end an utterance unless it is said: vad_silence_threshold_secs."""
_THRESHOLDS = (0.1, 0.9)
_OWNED = frozenset({
    "model_id", "audio_format", "commit_strategy", "language_code", "secondary_languages", "include_timestamps",
    "include_language_detection", "keyterms", "vad_silence_threshold_secs", "vad_threshold", "token",
    "filter_background_audio",
})  # fmt: skip
"""Set by fields of the contract; filter_background_audio goes with no times, which the hub needs."""


@dataclass(frozen=True, slots=True)
class ElevenLabsLiveCodec:
    """See LiveCodec."""

    def plan(self, config: StreamTranscriptionConfig, model: str) -> LivePlan:
        """See LiveCodec.plan."""
        refuse_untold(config, NAME, words=True)
        drops = Drops(strict=config.gateway.strict_parameters)
        detects = not config.voice_activity.disabled
        rate = _rate(config.input)
        silence = _silence(config.voice_activity, drops) if detects else 0.0
        fields = [
            ("model_id", model),
            ("audio_format", f"pcm_{rate}"),
            ("include_timestamps", flag(True)),
            *_words(config, drops),
            ("commit_strategy", "vad" if detects else "manual"),
            *_activity(config.voice_activity, drops, silence),
        ]
        if config.gateway.extra_body_json:
            fields += extra_fields(config.gateway.extra_body_json, _OWNED)
        path = with_query("/v1/speech-to-text/realtime", fields)
        return LivePlan(
            HttpRequest(path, method="GET", adjusted_fields=tuple(drops.fields)),
            partial(ElevenLabsDialogue, rate, silence=silence, context=config.options.prompt),
            rate=rate,
            detects=detects,
            keep_alive=_KEEP_ALIVE,
        )

    def hears(self, model: str) -> bool:
        """See LiveCodec.hears. Each generation of Scribe has a model of its own that listens live."""
        return "realtime" in model

    def decode_error(self, response: HttpResponse) -> HubError:
        """See LiveCodec.decode_error."""
        return decode_error(response)


def _words(config: StreamTranscriptionConfig, drops: Drops) -> Iterator[tuple[str, str]]:
    """The likeliest language, then others that may be heard; words to favour. The prompt goes along with the audio."""
    options = config.options
    codes = [one.partition("-")[0].lower() for one in options.languages]
    if codes:
        yield "language_code", codes[0]
    yield from (("secondary_languages", code) for code in codes[1:])
    if len(codes) != 1:
        yield "include_language_detection", flag(True)
    yield from (("keyterms", word) for word in options.keywords)
    if options.HasField("temperature"):
        drops.drop("config.options.temperature", "live transcription has no such parameter")


def _silence(activity: VoiceActivityOptions, drops: Drops) -> float:
    if not activity.HasField("silence_duration"):
        return _SILENCE
    asked = milliseconds(activity.silence_duration) / 1000
    return _bounded(asked, _SILENCES, "silence_duration", drops)


def _activity(activity: VoiceActivityOptions, drops: Drops, silence: float) -> Iterator[tuple[str, str]]:
    if activity.HasField("prefix_padding"):
        drops.drop("config.voice_activity.prefix_padding", f"{NAME} has no such parameter")
    if activity.disabled:
        return
    if activity.HasField("silence_duration"):
        yield "vad_silence_threshold_secs", f"{silence:g}"
    if activity.HasField("threshold"):
        yield "vad_threshold", f"{_bounded(activity.threshold, _THRESHOLDS, 'threshold', drops):g}"


def _bounded(asked: float, bounds: tuple[float, float], name: str, drops: Drops) -> float:
    least, most = bounds
    if not least <= asked <= most:
        drops.drop(f"config.voice_activity.{name}", f"{NAME} takes {least:g} to {most:g}")
    return min(max(asked, least), most)


def _rate(config: AudioInputConfig) -> int:
    """The caller's own where it is said and ElevenLabs hears it, so that nothing is resampled."""
    return config.sample_rate_hertz if config.sample_rate_hertz in _RATES else _RATE
