"""Text to speech, always streamed: https://ai.google.dev/gemini-api/docs/speech-generation."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson
from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest

from server.errors import HubError, UnsupportedByProvider
from server.wire.audio.spoken import Expected
from server.wire.drops import Drops
from server.wire.extra_body import merge_extra_body
from server.wire.gemini import errors
from server.wire.gemini.host import Host
from server.wire.gemini.speech_stream import GeminiSpeechDecoder
from server.wire.gemini.spoken import USUAL_RATE, reads_verbatim, speech_config
from server.wire.http import HttpRequest, HttpResponse

_WAV, _PCM = audio_pb2.AUDIO_FORMAT_WAV, audio_pb2.AUDIO_FORMAT_PCM_S16LE
_TELEPHONE = MappingProxyType({audio_pb2.AUDIO_FORMAT_MULAW: "AUDIO_MULAW", audio_pb2.AUDIO_FORMAT_ALAW: "AUDIO_ALAW"})
"""What newer models make beside samples, which they stream without being asked."""
_TELEPHONE_RATE = 8000
_OWNED = frozenset({"contents", "generation_config", "model"})


@dataclass(frozen=True, slots=True)
class GeminiSpeechCodec:
    """The SpeechCodec of one host."""

    host: Host

    def encode(self, request: CreateSpeechRequest, model: str) -> HttpRequest:
        """See SpeechCodec.encode."""
        options, notes = request.options, Drops(strict=request.gateway.strict_parameters)
        verbatim = reads_verbatim(model)
        self._check(options, model, verbatim=verbatim)
        if options.HasField("speed"):
            notes.drop("options.speed", f"{self.host.name} has no such parameter; say it in the instructions")
        speech = speech_config(options.voice, model)
        if options.language:
            speech["languageCode"] = options.language
        config: dict[str, Any] = {"responseModalities": ["AUDIO"], "speechConfig": speech}
        if word := _TELEPHONE.get(options.format):
            form = {"audio": {"mimeType": word}}
            config["responseFormat"] = [form] if self.host.lists_formats else form
        part = _part(request, verbatim=verbatim)
        body = {"contents": [{"role": "user", "parts": [part]}], "generationConfig": config}
        if request.gateway.extra_body_json:
            merge_extra_body(request.gateway.extra_body_json, body, owned=_OWNED)
        return HttpRequest(
            self.host.path(model, "streamGenerateContent?alt=sse"),
            orjson.dumps(body),
            {"Content-Type": "application/json", "Accept": "text/event-stream"},
            adjusted_fields=tuple(notes.fields),
        )

    def _check(self, options: audio_pb2.SpeechOptions, model: str, *, verbatim: bool) -> None:
        name = self.host.name
        if options.ssml:
            raise UnsupportedByProvider.of("options.ssml", f"{name} reads plain text only; send it without markup")
        if options.format and options.format not in (_WAV, _PCM, *(_TELEPHONE if verbatim else ())):
            more = ", mu-law and A-law" if verbatim else ""
            raise UnsupportedByProvider.of("options.format", f"{model} speaks PCM, which the hub puts into WAV{more}")
        rate = _TELEPHONE_RATE if options.format in _TELEPHONE else USUAL_RATE
        if options.sample_rate_hertz not in (0, rate):
            raise UnsupportedByProvider.of("options.sample_rate_hertz", f"{name} makes {rate} alone of this format")

    def decoder(self, request: CreateSpeechRequest, headers: Mapping[str, str]) -> GeminiSpeechDecoder:
        """See SpeechCodec.decoder."""
        form = request.options.format or _WAV
        rate = _TELEPHONE_RATE if form in _TELEPHONE else USUAL_RATE
        return GeminiSpeechDecoder(Expected(form, rate), request.input)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See SpeechCodec.decode_error."""
        return errors.read_error(response)


def _part(request: CreateSpeechRequest, *, verbatim: bool) -> dict[str, Any]:
    """The text, and how to say it: beside it, or before it as the older models want it."""
    style = request.options.instructions
    if not style:
        return {"text": request.input}
    if verbatim:
        return {"text": request.input, "speechMetadata": {"style": style}}
    return {"text": f"{style.rstrip(' .:')}:\n{request.input}"}
