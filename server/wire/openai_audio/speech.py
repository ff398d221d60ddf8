"""OpenAI's speech endpoint and what its compatible hosts make of it.

https://platform.openai.com/docs/api-reference/audio/createSpeech
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson
from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest

from server.errors import HubError, InvalidArgument, UnsupportedByProvider
from server.wire import provider_errors
from server.wire.audio.spoken import Expected
from server.wire.audio.voice import SpokenVoice
from server.wire.drops import Drops
from server.wire.extra_body import merge_extra_body
from server.wire.http import HttpRequest, HttpResponse, path_segment
from server.wire.openai_audio.names import SPOKEN
from server.wire.openai_audio.speech_stream import SpeechStreamDecoder

MP3 = audio_pb2.AUDIO_FORMAT_MP3
OPUS = audio_pb2.AUDIO_FORMAT_OPUS
AAC = audio_pb2.AUDIO_FORMAT_AAC
FLAC = audio_pb2.AUDIO_FORMAT_FLAC
WAV = audio_pb2.AUDIO_FORMAT_WAV
PCM = audio_pb2.AUDIO_FORMAT_PCM_S16LE
MULAW = audio_pb2.AUDIO_FORMAT_MULAW
ALAW = audio_pb2.AUDIO_FORMAT_ALAW

OPENAI_FORMATS: Mapping[int, str] = MappingProxyType(
    {MP3: "mp3", OPUS: "opus", AAC: "aac", FLAC: "flac", WAV: "wav", PCM: "pcm"}
)
_G711_RATE = 8000


@dataclass(frozen=True, slots=True)
class SpeechDialect:
    """What one host does differently."""

    name: str
    body: "Callable[[SpeechDialect, CreateSpeechRequest, str, Drops], dict[str, Any]]"
    """Makes the JSON body; ``openai_body`` for nearly every host."""
    path: str = "/audio/speech"
    """May hold ``{model}``."""
    formats: Mapping[int, str] = field(default_factory=lambda: OPENAI_FORMATS)
    default_format: int = 0
    """Sent where the caller asks for none; 0 leaves it to the host."""
    native_rate: int = 24000
    """Of what comes without a header."""
    rates: frozenset[int] = field(default=frozenset())
    """Rates that may be asked for beside the model's own."""
    knobs: frozenset[str] = field(default=frozenset({"speed", "instructions"}))
    """Of: speed, instructions, language."""
    plain_models: re.Pattern[str] | None = None
    """Models that take no instructions and have no events, though their host has both."""
    event_models: re.Pattern[str] | None = None
    """Models that tell their tokens where asked for events."""
    max_characters: int = 0
    """Longest text of one call; 0 leaves it to the host."""
    voices: tuple[SpokenVoice, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenAISpeechCodec:
    """The SpeechCodec of one host."""

    dialect: SpeechDialect

    def encode(self, request: CreateSpeechRequest, model: str) -> HttpRequest:
        """See SpeechCodec.encode."""
        dialect = self.dialect
        _check(dialect, request)
        drops = Drops(strict=request.gateway.strict_parameters)
        body = dialect.body(dialect, request, model, drops)
        if request.gateway.extra_body_json:
            merge_extra_body(request.gateway.extra_body_json, body, owned=_OWNED)
        return HttpRequest(
            dialect.path.replace("{model}", path_segment(model)),
            orjson.dumps(body),
            {"Content-Type": "application/json"},
            adjusted_fields=tuple(drops.fields),
        )

    def decoder(self, request: CreateSpeechRequest, headers: Mapping[str, str]) -> SpeechStreamDecoder:
        """See SpeechCodec.decoder."""
        options = request.options
        form = options.format or self.dialect.default_format
        native = _G711_RATE if form in (MULAW, ALAW) else self.dialect.native_rate
        expected = Expected(form, options.sample_rate_hertz or native)
        return SpeechStreamDecoder(headers.get("Content-Type", ""), expected, request.input)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See SpeechCodec.decode_error."""
        return provider_errors.read_error(response, SPOKEN)


_OWNED = frozenset(
    {"model", "input", "voice", "response_format", "speed", "instructions", "stream_format", "text", "voice_id"}
    | {"language", "sample_rate"}
)


def openai_body(dialect: SpeechDialect, request: CreateSpeechRequest, model: str, drops: Drops) -> dict[str, Any]:
    """OpenAI's own fields, and those of hosts that add to them."""
    options = request.options
    body: dict[str, Any] = {"model": model, "input": request.input, "voice": options.voice}
    if form := options.format or dialect.default_format:
        body["response_format"] = dialect.formats[form]
    if options.sample_rate_hertz and options.sample_rate_hertz != dialect.native_rate:
        body["sample_rate"] = options.sample_rate_hertz
    if takes(dialect, "speed", options.HasField("speed"), drops):
        body["speed"] = options.speed
    if options.instructions and dialect.plain_models and dialect.plain_models.match(model):
        drops.drop("options.instructions", f"the model {model} does not take instructions")
    elif takes(dialect, "instructions", bool(options.instructions), drops):
        body["instructions"] = options.instructions
    if takes(dialect, "language", bool(options.language), drops):
        body["language"] = options.language
    if dialect.event_models and dialect.event_models.match(model):
        body["stream_format"] = "sse"
    return body


def together_body(dialect: SpeechDialect, request: CreateSpeechRequest, model: str, drops: Drops) -> dict[str, Any]:
    """Together calls headerless audio raw, and its encoding stands apart; languages go without their region.

    https://docs.together.ai/reference/audio-speech
    """
    body = openai_body(dialect, request, model, drops)
    if body.get("response_format") == "raw":
        body["response_encoding"] = "pcm_s16le"
    if "language" in body:
        body["language"] = body["language"].partition("-")[0].lower()
        if body["language"] not in _TOGETHER_LANGUAGES:
            del body["language"]
            drops.drop("options.language", f"{dialect.name} speaks {', '.join(sorted(_TOGETHER_LANGUAGES))}")
    return body


_TOGETHER_LANGUAGES = frozenset(
    ["de", "en", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "tr", "zh"]
)


def takes(dialect: SpeechDialect, knob: str, is_set: bool, drops: Drops) -> bool:
    """True where the field is set and the host takes it; else it is noted as dropped where set."""
    if is_set and knob not in dialect.knobs:
        drops.drop(f"options.{knob}", f"{dialect.name} has no such parameter")
        return False
    return is_set


def _check(dialect: SpeechDialect, request: CreateSpeechRequest) -> None:
    options = request.options
    if options.ssml:
        raise UnsupportedByProvider.of("options.ssml", f"{dialect.name} reads plain text only; send it without markup")
    if options.format and options.format not in dialect.formats:
        names = ", ".join(audio_pb2.AudioFormat.Name(known) for known in dialect.formats)  # type: ignore[arg-type]
        raise UnsupportedByProvider.of("options.format", f"{dialect.name} does not make it; it makes {names}")
    rate = options.sample_rate_hertz
    form = options.format or dialect.default_format
    if rate and rate not in dialect.rates and rate != (_G711_RATE if form in (MULAW, ALAW) else dialect.native_rate):
        known = ", ".join(map(str, sorted(dialect.rates | {dialect.native_rate})))
        raise UnsupportedByProvider.of(
            "options.sample_rate_hertz", f"{dialect.name} does not make it; it makes {known}"
        )
    if dialect.max_characters and len(request.input) > dialect.max_characters:
        raise InvalidArgument.field(
            "input",
            f"has {len(request.input)} characters and {dialect.name} takes {dialect.max_characters}; "
            "send long texts through StreamSpeechSession",
        )
