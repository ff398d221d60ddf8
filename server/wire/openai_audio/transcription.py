"""OpenAI's transcription and translation endpoints and what compatible hosts make of them: the request.

https://platform.openai.com/docs/api-reference/audio/createTranscription
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import CreateTranscriptionResponse

from server.errors import HubError, InvalidArgument, UnsupportedByProvider
from server.wire import provider_errors
from server.wire.audio.complete import SUBTITLES
from server.wire.drops import Drops
from server.wire.extra_body import extra_fields
from server.wire.http import HttpRequest, HttpResponse, path_segment
from server.wire.multipart import FilePart, form_with_file
from server.wire.openai_audio.names import HEARD
from server.wire.openai_audio.transcript import read_transcript
from server.wire.recording import WHOLE, Dictation, Recording, Uploads

_EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "audio/wav": "wav",
        "audio/mpeg": "mp3",
        "audio/flac": "flac",
        "audio/ogg": "ogg",
        "audio/mp4": "m4a",
        "video/mp4": "mp4",
        "audio/webm": "webm",
        "video/webm": "webm",
        "audio/aac": "aac",
    }
)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a model can be asked for."""

    verbose: bool = True
    """verbose_json, and with it segments and words with their times."""
    diarized: bool = False
    """diarized_json."""
    logprobs: bool = False
    prompt: bool = True
    keywords: bool = False
    languages: bool = False
    """More than one language."""


WHISPER = Abilities()


@dataclass(frozen=True, slots=True)
class ModelAbilities:
    """Models by their names, and what they can."""

    models: re.Pattern[str]
    abilities: Abilities


@dataclass(frozen=True, slots=True)
class TranscriptionDialect:
    """What one host does differently."""

    name: str
    path: str = "/audio/transcriptions"
    """May hold ``{model}``."""
    translation_path: str = "/audio/translations"
    """Empty where the host does not translate."""
    models: tuple[ModelAbilities, ...] = ()
    """The first that matches holds; others are taken for Whisper."""
    fields: Callable[[Dictation, Drops], Iterator[tuple[str, str]]] | None = None
    """Makes all fields but the file of a host with a form of its own."""
    array: str = "[]"
    """What follows the name of a field that may come several times."""
    speakers: bool = False
    """Takes diarize, min_speakers and max_speakers."""
    any_target: bool = False
    """Translates into other languages than English."""
    containers: frozenset[str] = field(default=frozenset(_EXTENSIONS))
    uploads: Uploads = WHOLE


@dataclass(frozen=True, slots=True)
class OpenAITranscriptionCodec:
    """The TranscriptionCodec of one host."""

    dialect: TranscriptionDialect

    @property
    def uploads(self) -> Uploads:
        """See TranscriptionCodec.uploads."""
        return self.dialect.uploads

    def encode(self, dictation: Dictation, model: str) -> HttpRequest:
        """See TranscriptionCodec.encode."""
        dialect, recording = self.dialect, dictation.recording
        if dictation.translate and not dialect.translation_path:
            raise UnsupportedByProvider.of("model", f"{dialect.name} does not translate recordings here; transcribe it")
        drops = Drops(strict=dictation.gateway.strict_parameters)
        if dialect.fields is not None:
            fields = list(dialect.fields(dictation, drops))
        else:
            fields = [("model", model), *_fields(dialect, dictation, model, drops)]
        if dictation.gateway.extra_body_json:
            fields += extra_fields(dictation.gateway.extra_body_json, _OWNED)
        # xAI wants the file last; nobody else minds: https://docs.x.ai/developers/model-capabilities/audio/speech-to-text
        file = file_part(dialect.name, dialect.containers, recording)
        form = form_with_file(fields, file, recording.passage)
        path = dialect.translation_path if dictation.translate else dialect.path
        return form.to(path.replace("{model}", path_segment(model)), drops.fields)

    def decode(self, response: HttpResponse, dictation: Dictation, model: str) -> CreateTranscriptionResponse:
        """See TranscriptionCodec.decode."""
        return read_transcript(response, dictation, model)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See TranscriptionCodec.decode_error."""
        return provider_errors.read_error(response, HEARD)


_OWNED = frozenset(
    {"model", "file", "url", "language", "languages", "prompt", "keywords", "keyterm", "temperature", "response_format"}
    | {"timestamp_granularities", "include", "diarize", "chunking_strategy", "known_speaker_names", "stream"}
    | {"known_speaker_references", "min_speakers", "max_speakers"}
)


def file_part(host: str, containers: frozenset[str], recording: Recording) -> FilePart:
    """The recording as the ``file`` of a form. Raises InvalidArgument where its kind is not among ``containers``."""
    kind = recording.mime_type
    if kind not in containers:
        raise InvalidArgument.field(
            recording.mime_field,
            f"{kind[:64]} is not taken by {host}; it takes {', '.join(sorted(containers))}",
        )
    extension = _EXTENSIONS.get(kind, "bin")
    name = recording.filename
    # Hosts go by the extension, so one that contradicts the bytes would be refused: openai-python issue 926.
    if not name.lower().endswith(f".{extension}"):
        name = f"{name.rpartition('.')[0] or name or 'audio'}.{extension}"
    return FilePart("file", name, kind, recording.pieces)


def _fields(dialect: TranscriptionDialect, dictation: Dictation, model: str, drops: Drops) -> Iterator[tuple[str, str]]:
    able = next((one.abilities for one in dialect.models if one.models.match(model)), WHISPER)
    options, path = dictation.options, dictation.options_field
    yield from _languages(dialect, dictation, able, drops)
    if options.prompt and not able.prompt:
        drops.drop(f"{path}.prompt", f"the model {model} does not take it")
    elif options.prompt:
        yield "prompt", options.prompt
    if options.keywords and not able.keywords:
        drops.drop(f"{path}.keywords", f"the model {model} does not take them; name them in prompt")
    else:
        yield from ((f"keywords{dialect.array}", word) for word in options.keywords)
    if options.HasField("temperature"):
        yield "temperature", f"{options.temperature:g}"
    if options.logprobs:
        if not able.logprobs or dictation.translate:
            raise UnsupportedByProvider.of(f"{path}.logprobs", f"the model {model} tells none; leave it unset")
        yield f"include{dialect.array}", "logprobs"
    yield from _times(dialect, dictation, able, model)
    if options.HasField("diarization"):
        yield from _speakers(dialect, dictation, able, model, drops)


def _languages(
    dialect: TranscriptionDialect, dictation: Dictation, able: Abilities, drops: Drops
) -> Iterator[tuple[str, str]]:
    languages = dictation.options.languages
    if dictation.translate:
        yield from _target(dialect, dictation)
        if languages:
            drops.drop(f"{dictation.options_field}.languages", f"{dialect.name} hears it by itself where it translates")
    elif len(languages) == 1:
        yield "language", languages[0]
    elif languages and able.languages:
        yield from ((f"languages{dialect.array}", one) for one in languages)
    elif languages:
        raise UnsupportedByProvider.of(
            f"{dictation.options_field}.languages",
            f"the model takes one at {dialect.name}; name the likeliest, or none",
        )


def _target(dialect: TranscriptionDialect, dictation: Dictation) -> Iterator[tuple[str, str]]:
    target = dictation.target_language
    if dialect.any_target and target:
        yield "language", target
    elif target and target.lower().split("-")[0] not in ("en", "english"):
        raise UnsupportedByProvider.of(
            dictation.target_field, f"{dialect.name} translates into English only; leave it empty"
        )


def _times(
    dialect: TranscriptionDialect, dictation: Dictation, able: Abilities, model: str
) -> Iterator[tuple[str, str]]:
    """Which form of answer has what is asked for."""
    options, path = dictation.options, dictation.options_field
    segments = options.segment_timestamps or options.format in SUBTITLES
    if able.diarized and not dictation.translate:
        if options.word_timestamps:
            raise UnsupportedByProvider.of(f"{path}.word_timestamps", f"the model {model} tells none")
        if segments or options.HasField("diarization"):
            yield "response_format", "diarized_json"
        return
    if not segments and not options.word_timestamps:
        return
    if not able.verbose:
        named = "word_timestamps" if options.word_timestamps else "segment_timestamps"
        named = "format" if options.format in SUBTITLES else named
        raise UnsupportedByProvider.of(f"{path}.{named}", f"the model {model} tells no times; whisper-1 does")
    yield "response_format", "verbose_json"
    if dictation.translate:
        if options.word_timestamps:
            raise UnsupportedByProvider.of(f"{path}.word_timestamps", "translations have segments only")
        return
    if options.word_timestamps:
        yield f"timestamp_granularities{dialect.array}", "word"
        if segments:
            yield f"timestamp_granularities{dialect.array}", "segment"


def _speakers(
    dialect: TranscriptionDialect, dictation: Dictation, able: Abilities, model: str, drops: Drops
) -> Iterator[tuple[str, str]]:
    told, path = dictation.options.diarization, f"{dictation.options_field}.diarization"
    if dictation.translate or not (able.diarized or dialect.speakers):
        raise UnsupportedByProvider.of(path, f"the model {model} does not tell speakers apart; leave it unset")
    bounds = [(name, getattr(told, name)) for name in ("min_speakers", "max_speakers") if getattr(told, name)]
    if dialect.speakers:
        yield "diarize", "true"
        yield from ((name, str(value)) for name, value in bounds)
        if told.known_speakers:
            raise UnsupportedByProvider.of(f"{path}.known_speakers", f"{dialect.name} knows no voices; leave it empty")
        return
    for name, _ in bounds:
        drops.drop(f"{path}.{name}", f"the model {model} counts the speakers itself")
    # Recordings above 30 seconds need a strategy, and auto is the one that asks for no numbers.
    yield "chunking_strategy", "auto"
    for place, speaker in enumerate(told.known_speakers):
        yield f"known_speaker_names{dialect.array}", speaker.name
        yield (
            f"known_speaker_references{dialect.array}",
            _reference(speaker, f"{path}.known_speakers[{place}].reference"),
        )


def _reference(speaker: audio_pb2.KnownSpeaker, path: str) -> str:
    kind = next((kind for start, kind in _STARTS if speaker.reference.startswith(start)), "")
    if speaker.reference[4:8] == b"ftyp":
        kind = "audio/mp4"
    if not kind:
        raise InvalidArgument.field(
            path, "is no recording of a known kind; send a few seconds of wav, mp3, flac or ogg"
        )
    return f"data:{kind};base64,{base64.b64encode(speaker.reference).decode()}"


_STARTS = (
    (b"RIFF", "audio/wav"), (b"ID3", "audio/mpeg"), (b"\xff\xfb", "audio/mpeg"), (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"), (b"fLaC", "audio/flac"), (b"OggS", "audio/ogg"), (b"\x1a\x45\xdf\xa3", "audio/webm"),
)  # fmt: skip
