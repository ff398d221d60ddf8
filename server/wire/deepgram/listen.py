"""Deepgram's /v1/listen for recordings: the options in the query, the bytes or the address in the body.

https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded
"""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from aignehub.v1.audio_service_pb2 import CreateTranscriptionResponse
from aignehub.v1.media_pb2 import Media

from server.errors import HubError, UnsupportedByProvider
from server.wire.audio.complete import SUBTITLES
from server.wire.deepgram.errors import decode_error
from server.wire.deepgram.options import NAME, common_fields, extra_query
from server.wire.deepgram.transcript import read_transcript
from server.wire.drops import Drops
from server.wire.http import HttpRequest, HttpResponse
from server.wire.query import with_query
from server.wire.recording import Dictation, Uploads

_UPLOADS = Uploads(max_bytes=2 * 1024**3, chunked=True)
"""https://developers.deepgram.com/docs/pre-recorded-audio, limits."""


@dataclass(frozen=True, slots=True)
class DeepgramTranscriptionCodec:
    """See TranscriptionCodec."""

    uploads: Uploads = _UPLOADS

    def encode(self, dictation: Dictation, model: str) -> HttpRequest:
        """See TranscriptionCodec.encode."""
        if dictation.translate:
            raise UnsupportedByProvider.of("model", f"{NAME} does not translate recordings; transcribe it")
        drops = Drops(strict=dictation.gateway.strict_parameters)
        fields = [
            *common_fields(dictation.options, dictation.options_field, model, drops),
            *_languages(dictation),
            *_parts(dictation),
            *extra_query(dictation.gateway.extra_body_json),
        ]
        recording = dictation.recording
        path = with_query("/v1/listen", fields)
        if recording.url:
            body = orjson.dumps({"url": recording.url})
            return HttpRequest(path, body, {"Content-Type": "application/json"}, adjusted_fields=tuple(drops.fields))
        return HttpRequest(
            path,
            headers={"Content-Type": recording.mime_type},
            pieces=recording.pieces,
            flow=recording.passage,
            adjusted_fields=tuple(drops.fields),
        )

    def decode(self, response: HttpResponse, dictation: Dictation, model: str) -> CreateTranscriptionResponse:
        """See TranscriptionCodec.decode."""
        return read_transcript(response, dictation, model)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See TranscriptionCodec.decode_error."""
        return decode_error(response)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url: Deepgram fetches what it is given the address of."""
        return True


def _languages(dictation: Dictation) -> Iterator[tuple[str, str]]:
    """Unasked Deepgram takes everything for English, and the contract has it listen; several bound what it may hear."""
    languages = dictation.options.languages
    if len(languages) == 1:
        yield "language", languages[0]
    elif languages:
        yield from (("detect_language", one) for one in languages)
    else:
        yield "detect_language", "true"


def _parts(dictation: Dictation) -> Iterator[tuple[str, str]]:
    """Words come with their times unasked; utterances are the segments."""
    options = dictation.options
    if options.segment_timestamps or options.format in SUBTITLES or options.HasField("diarization"):
        yield "utterances", "true"
