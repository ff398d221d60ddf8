"""ElevenLabs' speech to text for recordings: a form with the file in it, or its address.

https://elevenlabs.io/docs/api-reference/speech-to-text/convert
"""

from collections.abc import Iterator
from dataclasses import dataclass

from aignehub.v1.audio_service_pb2 import CreateTranscriptionResponse
from aignehub.v1.media_pb2 import Media

from server.errors import HubError, UnsupportedByProvider
from server.wire.audio.complete import SUBTITLES
from server.wire.drops import Drops
from server.wire.elevenlabs.errors import decode_error
from server.wire.elevenlabs.speech import NAME
from server.wire.elevenlabs.transcript import read_transcript
from server.wire.extra_body import extra_fields
from server.wire.http import HttpRequest, HttpResponse
from server.wire.multipart import FilePart, Form, form_of, form_with_file
from server.wire.query import flag, with_query
from server.wire.recording import Dictation, Recording, Uploads

_UPLOADS = Uploads(max_bytes=3 * 10**9, chunked=True)
_MOST_SPEAKERS = 32
_MOST_KEY_TERMS = 1000
_IN_QUERY = frozenset({"enable_logging"})
_OWNED = frozenset({
    "model_id", "file", "language_code", "diarize", "num_speakers", "timestamps_granularity", "keyterms", "temperature",
    "cloud_storage_url", "source_url", "webhook", "webhook_id", "webhook_metadata", "file_format",
})  # fmt: skip
"""Set by fields of the contract, or, as webhook, such that no transcript would come back."""


@dataclass(frozen=True, slots=True)
class ElevenLabsTranscriptionCodec:
    """See TranscriptionCodec."""

    uploads: Uploads = _UPLOADS

    def encode(self, dictation: Dictation, model: str) -> HttpRequest:
        """See TranscriptionCodec.encode."""
        if dictation.translate:
            raise UnsupportedByProvider.of("model", f"{NAME} does not translate recordings here; transcribe it")
        drops = Drops(strict=dictation.gateway.strict_parameters)
        fields = [("model_id", model), *_fields(dictation, drops)]
        extra = dictation.gateway.extra_body_json
        own = extra_fields(extra, _OWNED) if extra else []
        fields += [one for one in own if one[0] not in _IN_QUERY]
        form = _form(fields, dictation.recording)
        return form.to(with_query("/v1/speech-to-text", [one for one in own if one[0] in _IN_QUERY]), drops.fields)

    def decode(self, response: HttpResponse, dictation: Dictation, model: str) -> CreateTranscriptionResponse:
        """See TranscriptionCodec.decode."""
        return read_transcript(response, dictation, model)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See TranscriptionCodec.decode_error."""
        return decode_error(response)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url: ElevenLabs fetches over HTTPS alone."""
        return media.url.lower().startswith("https://")


def _form(fields: list[tuple[str, str]], recording: Recording) -> Form:
    if recording.url:
        return form_of([*fields, ("cloud_storage_url", recording.url)])
    file = FilePart("file", recording.filename or "audio", recording.mime_type, recording.pieces)
    return form_with_file(fields, file, recording.passage)


def _fields(dictation: Dictation, drops: Drops) -> Iterator[tuple[str, str]]:
    options, path = dictation.options, dictation.options_field
    if len(options.languages) > 1:
        raise UnsupportedByProvider.of(f"{path}.languages", f"{NAME} takes one; name the likeliest, or none")
    if options.languages:
        yield "language_code", options.languages[0].partition("-")[0].lower()
    timed = options.word_timestamps or options.segment_timestamps or options.logprobs or options.format in SUBTITLES
    spoken_by = options.HasField("diarization")
    yield "timestamps_granularity", "word" if timed or spoken_by else "none"
    if spoken_by:
        yield from _speakers(dictation, drops)
    if options.HasField("temperature"):
        yield "temperature", f"{options.temperature:g}"
    yield from (("keyterms", word) for word in options.keywords[:_MOST_KEY_TERMS])
    if options.prompt:
        drops.drop(f"{path}.prompt", f"{NAME} has no such parameter; name words in keywords")


def _speakers(dictation: Dictation, drops: Drops) -> Iterator[tuple[str, str]]:
    told, path = dictation.options.diarization, f"{dictation.options_field}.diarization"
    if told.known_speakers:
        raise UnsupportedByProvider.of(f"{path}.known_speakers", f"{NAME} knows no voices; leave it empty")
    if told.min_speakers:
        drops.drop(f"{path}.min_speakers", f"{NAME} takes the most of them alone")
    yield "diarize", flag(True)
    if told.max_speakers > _MOST_SPEAKERS:
        drops.drop(f"{path}.max_speakers", f"{NAME} tells {_MOST_SPEAKERS} apart at most")
    if told.max_speakers:
        yield "num_speakers", str(min(told.max_speakers, _MOST_SPEAKERS))
