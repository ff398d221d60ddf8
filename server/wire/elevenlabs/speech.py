"""ElevenLabs' text to speech: the voice in the path, the encoding in the query, the rest in the body.

https://elevenlabs.io/docs/api-reference/text-to-speech/stream
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson
from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest
from aignehub.v1.usage_pb2 import Usage
from typing_extensions import override

from server.errors import HubError, InvalidArgument, UnsupportedByProvider
from server.wire import wav
from server.wire.audio.spoken import Expected, SpokenDecoder
from server.wire.drops import Drops
from server.wire.elevenlabs.errors import decode_error
from server.wire.elevenlabs.voices import voice_id
from server.wire.extra_body import extra_fields, merge_extra_body
from server.wire.http import HttpRequest, HttpResponse, path_segment
from server.wire.json_text import check_object
from server.wire.query import with_query

NAME = "elevenlabs"
_SLOWEST, _FASTEST = 0.7, 1.2
"""https://elevenlabs.io/docs/eleven-api/capabilities/text-to-speech, voice settings."""
_WAV = audio_pb2.AUDIO_FORMAT_WAV
_PCM = audio_pb2.AUDIO_FORMAT_PCM_S16LE

_FORMATS: Mapping[int, Mapping[int, str]] = MappingProxyType({
    audio_pb2.AUDIO_FORMAT_MP3: {44100: "mp3_44100_128", 22050: "mp3_22050_32", 24000: "mp3_24000_48"},
    audio_pb2.AUDIO_FORMAT_OPUS: {48000: "opus_48000_128"},
    _PCM: {rate: f"pcm_{rate}" for rate in (24000, 8000, 16000, 22050, 32000, 44100, 48000)},
    _WAV: {rate: f"pcm_{rate}" for rate in (24000, 8000, 16000, 22050, 32000, 44100, 48000)},
    audio_pb2.AUDIO_FORMAT_MULAW: {8000: "ulaw_8000"},
    audio_pb2.AUDIO_FORMAT_ALAW: {8000: "alaw_8000"},
})  # fmt: skip
"""What output_format is called by encoding and rate; the first rate is the one without being asked."""

_IN_QUERY = frozenset({"enable_logging", "optimize_streaming_latency"})
"""Fields of the caller's own that ElevenLabs takes in the query."""
_OWNED = frozenset({"text", "model_id", "language_code", "output_format", "voice_id"})


@dataclass(frozen=True, slots=True)
class ElevenLabsSpeechCodec:
    """See SpeechCodec. A whole answer is streamed too: the bytes are the same."""

    def encode(self, request: CreateSpeechRequest, model: str) -> HttpRequest:
        """See SpeechCodec.encode."""
        options, drops = request.options, Drops(strict=request.gateway.strict_parameters)
        if options.ssml:
            raise UnsupportedByProvider.of(
                "options.ssml", f"{NAME} reads no SSML here; leave it unset, some of its models read <break> in text"
            )
        if options.instructions:
            drops.drop("options.instructions", f"{NAME} has no such parameter; eleven_v3 reads [tags] in the text")
        body: dict[str, Any] = {"text": request.input, "model_id": model}
        if options.language:
            body["language_code"] = options.language.partition("-")[0].lower()
        if options.HasField("speed"):
            body["voice_settings"] = {"speed": _speed(options)}
        query = [*_output(options), *_merge_extra(request.gateway.extra_body_json, body)]
        path = f"/v1/text-to-speech/{path_segment(voice_id(options.voice))}/stream"
        return HttpRequest(
            with_query(path, query),
            orjson.dumps(body),
            {"Content-Type": "application/json"},
            adjusted_fields=tuple(drops.fields),
        )

    def decoder(self, request: CreateSpeechRequest, headers: Mapping[str, str]) -> SpokenDecoder:
        """See SpeechCodec.decoder. Characters are what ElevenLabs bills where it tells it."""
        options = request.options
        form = options.format or audio_pb2.AUDIO_FORMAT_MP3
        rate = options.sample_rate_hertz or next(iter(_FORMATS[form]))
        usage = _usage(headers, len(request.input))
        content_type = headers.get("Content-Type", "")
        if form == _WAV:
            return _WavDecoder(content_type, Expected(_PCM, rate), usage)
        return SpokenDecoder(content_type, Expected(form, rate), usage)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See SpeechCodec.decode_error."""
        return decode_error(response)


class _WavDecoder(SpokenDecoder):
    """ElevenLabs makes no WAV: samples are asked for and a header put before them, with their length left open."""

    @override
    def _release(self) -> bytes:
        head = super()._release()
        if head:
            self.format = _WAV
            return wav.write_header(self.rate, 1, None) + head
        return head


def _output(options: audio_pb2.SpeechOptions) -> Iterator[tuple[str, str]]:
    if not options.format and not options.sample_rate_hertz:
        return
    known = _FORMATS.get(options.format or audio_pb2.AUDIO_FORMAT_MP3)
    if known is None:
        names = ", ".join(audio_pb2.AudioFormat.Name(form) for form in _FORMATS)  # type: ignore[arg-type]
        raise UnsupportedByProvider.of("options.format", f"{NAME} does not make it; it makes {names}")
    rate = options.sample_rate_hertz or next(iter(known))
    if rate not in known:
        rates = ", ".join(map(str, sorted(known)))
        raise UnsupportedByProvider.of(
            "options.sample_rate_hertz", f"{NAME} does not make it in this format; it makes {rates}"
        )
    yield "output_format", known[rate]


def _speed(options: audio_pb2.SpeechOptions) -> float:
    if not _SLOWEST <= options.speed <= _FASTEST:
        raise InvalidArgument.field("options.speed", f"is from {_SLOWEST} to {_FASTEST} at {NAME}")
    return options.speed


def _merge_extra(text: str, body: dict[str, Any]) -> list[tuple[str, str]]:
    """Puts the caller's own fields where ElevenLabs takes them; those of the query are handed back."""
    if not text:
        return []
    fields = check_object("gateway.extra_body_json", text)
    query = {name: value for name, value in fields.items() if name in _IN_QUERY}
    rest = {name: value for name, value in fields.items() if name not in _IN_QUERY}
    merge_extra_body(orjson.dumps(rest).decode() if query else text, body, owned=_OWNED)
    return extra_fields(orjson.dumps(query).decode(), ()) if query else []


def _usage(headers: Mapping[str, str], characters: int) -> Usage:
    """``character-cost`` is what is billed, which is less than the text has for some models."""
    for name in ("character-cost", "x-character-count"):
        told = headers.get(name, "")
        if told.isascii() and told.isdigit() and len(told) < 10:
            return Usage(billed_characters=int(told))
    return Usage(billed_characters=characters, estimated=True)
