"""Text to speech: https://docs.mistral.ai/api/endpoint/audio/speech."""

from collections.abc import Mapping
from types import MappingProxyType

import orjson
from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest

from server.errors import HubError, UnsupportedByProvider
from server.wire import provider_errors
from server.wire.audio.spoken import Expected
from server.wire.drops import Drops
from server.wire.extra_body import merge_extra_body
from server.wire.http import HttpRequest, HttpResponse
from server.wire.mistral_audio.speech_stream import MistralSpeechDecoder
from server.wire.openai_audio.names import SPOKEN

_PCM = audio_pb2.AUDIO_FORMAT_PCM_S16LE
_FORMATS: Mapping[int, str] = MappingProxyType(
    {
        audio_pb2.AUDIO_FORMAT_MP3: "mp3",
        audio_pb2.AUDIO_FORMAT_OPUS: "opus",
        audio_pb2.AUDIO_FORMAT_FLAC: "flac",
        audio_pb2.AUDIO_FORMAT_WAV: "wav",
        _PCM: "pcm",
    }
)
_RATE = 24000
"""Of every voice of Voxtral."""
_OWNED = frozenset({"model", "input", "voice_id", "voice", "response_format", "stream", "speed", "instructions"})


class MistralSpeechCodec:
    """See SpeechCodec."""

    def encode(self, request: CreateSpeechRequest, model: str) -> HttpRequest:
        """Always as events: they alone tell usage, and the first of them comes before the speech is whole."""
        _check(request)
        options = request.options
        drops = Drops(strict=request.gateway.strict_parameters)
        body = {"model": model, "input": request.input, "voice_id": options.voice, "stream": True}
        if options.format:
            body["response_format"] = _FORMATS[options.format]
        named = {"speed": options.HasField("speed"), "instructions": options.instructions, "language": options.language}
        for name, is_set in named.items():
            if is_set:
                drops.drop(f"options.{name}", "mistral has no such parameter")
        if request.gateway.extra_body_json:
            merge_extra_body(request.gateway.extra_body_json, body, owned=_OWNED)
        return HttpRequest(
            "/audio/speech",
            orjson.dumps(body),
            {"Content-Type": "application/json", "Accept": "text/event-stream"},
            adjusted_fields=tuple(drops.fields),
        )

    def decoder(self, request: CreateSpeechRequest, headers: Mapping[str, str]) -> MistralSpeechDecoder:
        """See SpeechCodec.decoder."""
        expected = Expected(request.options.format or audio_pb2.AUDIO_FORMAT_MP3, _RATE)
        return MistralSpeechDecoder(headers.get("Content-Type", ""), expected, request.input)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See SpeechCodec.decode_error."""
        return provider_errors.read_error(response, SPOKEN)


def _check(request: CreateSpeechRequest) -> None:
    options = request.options
    if options.ssml:
        raise UnsupportedByProvider.of("options.ssml", "mistral reads plain text only; send it without markup")
    if options.format and options.format not in _FORMATS:
        raise UnsupportedByProvider.of("options.format", f"mistral makes {', '.join(_FORMATS.values())}")
    if options.sample_rate_hertz not in (0, _RATE):
        raise UnsupportedByProvider.of("options.sample_rate_hertz", f"mistral makes {_RATE} alone")
