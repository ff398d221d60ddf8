"""Speech to text: https://docs.mistral.ai/api/endpoint/audio/transcriptions."""

import re
from collections.abc import Iterator

from aignehub.v1.audio_pb2 import Transcript, TranscriptSegment, TranscriptWord
from aignehub.v1.audio_service_pb2 import CreateTranscriptionResponse
from aignehub.v1.media_pb2 import Media

from server.errors import HubError, ProviderBadResponse, UnsupportedByProvider
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.audio.complete import SUBTITLES, complete
from server.wire.drops import Drops
from server.wire.extra_body import extra_fields
from server.wire.http import HttpRequest, HttpResponse
from server.wire.multipart import form_of, form_with_file
from server.wire.openai_audio.names import HEARD
from server.wire.openai_audio.transcription import file_part
from server.wire.openai_chat.usage import read_usage
from server.wire.recording import WHOLE, Dictation
from server.wire.sound import duration

_CONTAINERS = frozenset(
    {"audio/wav", "audio/mpeg", "audio/flac", "audio/ogg", "audio/mp4", "video/mp4", "audio/webm", "video/webm"}
)
_MAX_KEYWORDS = 100
_LONGEST_URL = 2083  # characters
_ISO_639_1 = 2  # letters
_BETWEEN_WORDS = re.compile(r"[,\s]+")
_MOST_TIMED = 200_000  # words or segments: more than a day of speech
_OWNED = frozenset(
    {"model", "file", "file_url", "file_id", "language", "temperature", "stream", "diarize", "context_bias"}
    | {"timestamp_granularities"}
)


class MistralTranscriptionCodec:
    """See TranscriptionCodec."""

    uploads = WHOLE

    def encode(self, dictation: Dictation, model: str) -> HttpRequest:
        """See TranscriptionCodec.encode."""
        drops = Drops(strict=dictation.gateway.strict_parameters)
        fields = [("model", model), *_fields(dictation, drops)]
        if dictation.gateway.extra_body_json:
            fields += extra_fields(dictation.gateway.extra_body_json, _OWNED)
        recording = dictation.recording
        if recording.url:
            form = form_of([*fields, ("file_url", recording.url)])
        else:
            form = form_with_file(fields, file_part("mistral", _CONTAINERS, recording), None)
        return form.to("/audio/transcriptions", drops.fields)

    def decode(self, response: HttpResponse, dictation: Dictation, model: str) -> CreateTranscriptionResponse:
        """See TranscriptionCodec.decode."""
        told = json.obj(json.parse(response.body))
        if (error := provider_errors.error_in(told, response.headers, names=HEARD)) is not None:
            raise error
        if type(told.get("text")) is not str:
            raise ProviderBadResponse("the provider answered without a transcript")
        transcript = Transcript(text=told["text"], language=json.text(told.get("language")))
        pieces = json.objects(told.get("segments"))
        if len(pieces) > _MOST_TIMED:
            raise ProviderBadResponse("the provider sent more words than the hub reads")
        if dictation.options.word_timestamps:
            # They come in the place of segments, which are then made of them.
            transcript.words.extend(map(_word, pieces))
        else:
            transcript.segments.extend(_segment(place, piece) for place, piece in enumerate(pieces))
        answer = CreateTranscriptionResponse(
            transcript=transcript,
            model=json.text(told.get("model")) or model,
            usage=read_usage(json.obj(told.get("usage"))),
        )
        complete(answer, dictation)
        return answer

    def decode_error(self, response: HttpResponse) -> HubError:
        """See TranscriptionCodec.decode_error."""
        return provider_errors.read_error(response, HEARD)

    def reads_url(self, _kind: str, media: Media, _model: str) -> bool:
        """See ReadsUrls.reads_url."""
        return media.url.startswith("https://") and len(media.url) <= _LONGEST_URL


def _fields(dictation: Dictation, drops: Drops) -> Iterator[tuple[str, str]]:
    options, path = dictation.options, dictation.options_field
    _refuse(dictation)
    diarized = options.HasField("diarization")
    timed = options.word_timestamps or options.segment_timestamps or options.format in SUBTITLES or diarized
    if options.languages:
        language = options.languages[0].partition("-")[0]
        if timed:
            # https://docs.mistral.ai/capabilities/audio_transcription/offline_transcription: one excludes the other.
            drops.drop(f"{path}.languages", "mistral takes no language where it tells times")
        elif len(language) != _ISO_639_1:
            drops.drop(f"{path}.languages", "mistral takes codes of two letters")
        else:
            yield "language", language
    if options.HasField("temperature"):
        yield "temperature", f"{options.temperature:g}"
    if timed:
        yield "timestamp_granularities", "word" if options.word_timestamps else "segment"
    if diarized:
        yield "diarize", "true"
        for bound in ("min_speakers", "max_speakers"):
            if getattr(options.diarization, bound):
                drops.drop(f"{path}.diarization.{bound}", "mistral counts the speakers itself")
    yield from _keywords(dictation, drops)
    if options.prompt:
        drops.drop(f"{path}.prompt", "mistral has no such parameter; name words in keywords")


def _keywords(dictation: Dictation, drops: Drops) -> Iterator[tuple[str, str]]:
    """Each without blanks and commas: words that belong together are tied by underscores, as on its page."""
    keywords = dictation.options.keywords
    for keyword in keywords[:_MAX_KEYWORDS]:
        if word := _BETWEEN_WORDS.sub("_", keyword.strip()):
            yield "context_bias", word
    if len(keywords) > _MAX_KEYWORDS:
        drops.drop(f"{dictation.options_field}.keywords", f"mistral takes {_MAX_KEYWORDS} of them")


def _refuse(dictation: Dictation) -> None:
    """What cannot be asked for at all."""
    options, path = dictation.options, dictation.options_field
    if dictation.translate:
        raise UnsupportedByProvider.of("model", "mistral does not translate recordings here; transcribe it")
    if len(options.languages) > 1:
        raise UnsupportedByProvider.of(f"{path}.languages", "mistral takes one language; name the likeliest, or none")
    if options.logprobs:
        raise UnsupportedByProvider.of(f"{path}.logprobs", "mistral tells no log probabilities; leave it unset")
    if options.diarization.known_speakers:
        raise UnsupportedByProvider.of(f"{path}.diarization.known_speakers", "mistral knows no voices; leave it empty")


def _segment(place: int, told: json.Object) -> TranscriptSegment:
    return TranscriptSegment(
        id=place,
        text=json.text(told.get("text")).strip(),
        start_offset=duration(json.number(told.get("start")) or 0.0),
        end_offset=duration(json.number(told.get("end")) or 0.0),
        speaker=json.word(told.get("speaker_id")),
    )


def _word(told: json.Object) -> TranscriptWord:
    segment = _segment(0, told)
    word = TranscriptWord(
        word=segment.text, start_offset=segment.start_offset, end_offset=segment.end_offset, speaker=segment.speaker
    )
    score = json.number(told.get("score"))
    if score is not None and 0 <= score <= 1:
        word.confidence = score
    return word
