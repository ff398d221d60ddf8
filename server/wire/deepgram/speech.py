"""Deepgram's /v1/speak, and /v2/speak for its Flux voices: text in the body, everything else in the query.

https://developers.deepgram.com/reference/text-to-speech/speak-request
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import orjson
from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, InvalidArgument, UnsupportedByProvider
from server.wire.audio.spoken import Expected, SpokenDecoder
from server.wire.deepgram.errors import decode_error
from server.wire.deepgram.options import NAME
from server.wire.deepgram.voice_model import voice_model
from server.wire.drops import Drops
from server.wire.extra_body import extra_fields
from server.wire.http import HttpRequest, HttpResponse
from server.wire.query import with_query

_MOST_CHARACTERS = 2000
"""https://developers.deepgram.com/docs/text-to-speech: what is longer is answered with 413."""
_SLOWEST, _FASTEST = 0.7, 1.5
"""https://developers.deepgram.com/docs/tts-voice-controls"""
_OWNED = frozenset({
    "model", "encoding", "container", "sample_rate", "speed", "text", "callback", "callback_method",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Encoding:
    """One row of https://developers.deepgram.com/docs/tts-media-output-settings."""

    encoding: str
    container: str
    rates: tuple[int, ...]
    """The first is the one without being asked; a single one cannot be asked for."""


_ENCODINGS: Mapping[int, _Encoding] = MappingProxyType({
    audio_pb2.AUDIO_FORMAT_MP3: _Encoding("mp3", "", (22050,)),
    audio_pb2.AUDIO_FORMAT_OPUS: _Encoding("opus", "ogg", (48000,)),
    audio_pb2.AUDIO_FORMAT_AAC: _Encoding("aac", "", (22050,)),
    audio_pb2.AUDIO_FORMAT_FLAC: _Encoding("flac", "", (48000, 8000, 16000, 22050, 32000)),
    audio_pb2.AUDIO_FORMAT_WAV: _Encoding("linear16", "wav", (24000, 8000, 16000, 32000, 48000)),
    audio_pb2.AUDIO_FORMAT_PCM_S16LE: _Encoding("linear16", "none", (24000, 8000, 16000, 32000, 48000)),
    audio_pb2.AUDIO_FORMAT_MULAW: _Encoding("mulaw", "none", (8000, 16000)),
    audio_pb2.AUDIO_FORMAT_ALAW: _Encoding("alaw", "none", (8000, 16000)),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeepgramSpeechCodec:
    """See SpeechCodec."""

    def encode(self, request: CreateSpeechRequest, model: str) -> HttpRequest:
        """See SpeechCodec.encode."""
        options, drops = request.options, Drops(strict=request.gateway.strict_parameters)
        if options.ssml:
            raise UnsupportedByProvider.of("options.ssml", f"{NAME} reads plain text only; send it without markup")
        if len(request.input) > _MOST_CHARACTERS:
            raise InvalidArgument.field(
                "input",
                f"has {len(request.input)} characters and {NAME} takes {_MOST_CHARACTERS}; "
                "send long texts through StreamSpeechSession",
            )
        name = voice_model(model, options.voice, options.language)
        fields = [("model", name), *_output(options), *_speed(options, name, drops)]
        if options.instructions:
            drops.drop("options.instructions", f"{NAME} has no such parameter")
        if request.gateway.extra_body_json:
            fields += extra_fields(request.gateway.extra_body_json, _OWNED)
        path = "/v2/speak" if _is_flux(name) else "/v1/speak"
        return HttpRequest(
            with_query(path, fields),
            orjson.dumps({"text": request.input}),
            {"Content-Type": "application/json"},
            adjusted_fields=tuple(drops.fields),
        )

    def decoder(self, request: CreateSpeechRequest, headers: Mapping[str, str]) -> SpokenDecoder:
        """See SpeechCodec.decoder. Characters are Deepgram's own count where it tells it."""
        options = request.options
        form = options.format or audio_pb2.AUDIO_FORMAT_MP3
        expected = Expected(form, options.sample_rate_hertz or _ENCODINGS[form].rates[0])
        counted = headers.get("dg-char-count", "")
        told = counted.isascii() and counted.isdigit() and len(counted) < 10
        usage = Usage(billed_characters=int(counted) if told else len(request.input), estimated=not told)
        return SpokenDecoder(headers.get("Content-Type", ""), expected, usage)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See SpeechCodec.decode_error."""
        return decode_error(response)


def _output(options: audio_pb2.SpeechOptions) -> Iterator[tuple[str, str]]:
    if options.format and options.format not in _ENCODINGS:
        names = ", ".join(audio_pb2.AudioFormat.Name(known) for known in _ENCODINGS)  # type: ignore[arg-type]
        raise UnsupportedByProvider.of("options.format", f"{NAME} does not make it; it makes {names}")
    wanted = _ENCODINGS[options.format or audio_pb2.AUDIO_FORMAT_MP3]
    if options.format:
        yield "encoding", wanted.encoding
        if wanted.container:
            yield "container", wanted.container
    rate = options.sample_rate_hertz
    if not rate:
        return
    if rate not in wanted.rates:
        known = ", ".join(map(str, sorted(wanted.rates)))
        raise UnsupportedByProvider.of(
            "options.sample_rate_hertz", f"{NAME} does not make it of {wanted.encoding}; it makes {known}"
        )
    if len(wanted.rates) > 1:
        yield "sample_rate", str(rate)


def _speed(options: audio_pb2.SpeechOptions, model: str, drops: Drops) -> Iterator[tuple[str, str]]:
    if not options.HasField("speed"):
        return
    if not model.startswith("aura-2"):
        drops.drop("options.speed", f"the voice {model[:64]} has one pace")
        return
    if not _SLOWEST <= options.speed <= _FASTEST:
        raise InvalidArgument.field("options.speed", f"is from {_SLOWEST} to {_FASTEST} at {NAME}")
    yield "speed", f"{options.speed:g}"


def _is_flux(model: str) -> bool:
    return model.lower().startswith("flux")
