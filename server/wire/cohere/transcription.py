"""/v2/audio/transcriptions: https://docs.cohere.com/reference/create-audio-transcription."""

from collections.abc import Iterator

from aignehub.v1.audio_service_pb2 import CreateTranscriptionResponse

from server.errors import HubError, InvalidArgument, UnsupportedByProvider
from server.wire.audio.complete import SUBTITLES
from server.wire.cohere.failures import read_error
from server.wire.cohere.words import PROVIDER
from server.wire.drops import Drops
from server.wire.extra_body import extra_fields
from server.wire.http import HttpRequest, HttpResponse
from server.wire.multipart import form_with_file
from server.wire.openai_audio.transcript import read_transcript
from server.wire.openai_audio.transcription import file_part
from server.wire.recording import WHOLE, Dictation

_CONTAINERS = frozenset({"audio/flac", "audio/mpeg", "audio/ogg", "audio/wav"})
_OWNED = frozenset({"model", "file", "language", "temperature"})


class CohereTranscriptionCodec:
    """See TranscriptionCodec. Its answer is the text alone."""

    uploads = WHOLE

    def encode(self, dictation: Dictation, model: str) -> HttpRequest:
        """See TranscriptionCodec.encode."""
        drops = Drops(strict=dictation.gateway.strict_parameters)
        fields = [("model", model), *_fields(dictation, drops)]
        if dictation.gateway.extra_body_json:
            fields += extra_fields(dictation.gateway.extra_body_json, _OWNED)
        form = form_with_file(fields, file_part(PROVIDER, _CONTAINERS, dictation.recording), None)
        return form.to("/v2/audio/transcriptions", drops.fields)

    def decode(self, response: HttpResponse, dictation: Dictation, model: str) -> CreateTranscriptionResponse:
        """See TranscriptionCodec.decode."""
        return read_transcript(response, dictation, model)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See TranscriptionCodec.decode_error."""
        return read_error(response)


def _fields(dictation: Dictation, drops: Drops) -> Iterator[tuple[str, str]]:
    options, path = dictation.options, dictation.options_field
    _refuse(dictation)
    if len(options.languages) != 1:
        raise InvalidArgument.field(f"{path}.languages", f"{PROVIDER} must be told the one language that is spoken")
    yield "language", options.languages[0].partition("-")[0]
    if options.HasField("temperature"):
        yield "temperature", f"{options.temperature:g}"
    if options.prompt:
        drops.drop(f"{path}.prompt", f"{PROVIDER} has no such parameter")
    if options.keywords:
        drops.drop(f"{path}.keywords", f"{PROVIDER} has no such parameter")


def _refuse(dictation: Dictation) -> None:
    options, path = dictation.options, dictation.options_field
    if dictation.translate:
        raise UnsupportedByProvider.of("model", f"{PROVIDER} does not translate recordings; transcribe it")
    asked = {
        "word_timestamps": options.word_timestamps,
        "segment_timestamps": options.segment_timestamps,
        "logprobs": options.logprobs,
        "diarization": options.HasField("diarization"),
        "format": options.format in SUBTITLES,
    }
    for name, is_set in asked.items():
        if is_set:
            raise UnsupportedByProvider.of(f"{path}.{name}", f"{PROVIDER} tells the text alone; leave it unset")
