"""``hub transcribe``: sound to text, from a file, a pipe, or live."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from aignehub.v1 import audio_pb2, audio_service_pb2
from aignehub.v1.usage_pb2 import Usage

from server.cli.answer import print_json
from server.cli.client import Hub
from server.cli.duration import parse_duration
from server.cli.early_end import true_status
from server.cli.failure import USAGE, CommandFailed
from server.cli.options import with_hub
from server.cli.progress import Progress
from server.cli.terminal import dim, note, without_controls

_PIECE = 256 * 1024
_LIVE_PIECE = 16 * 1024
_FORMATS = {
    "text": audio_pb2.TRANSCRIPT_FORMAT_UNSPECIFIED,
    "srt": audio_pb2.TRANSCRIPT_FORMAT_SRT,
    "vtt": audio_pb2.TRANSCRIPT_FORMAT_VTT,
    "json": audio_pb2.TRANSCRIPT_FORMAT_UNSPECIFIED,
}


@with_hub
async def transcribe(
    hub: Hub,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The recording; - is standard input.")],
    model: Annotated[str, typer.Option("--model", "-m", metavar="MODEL", help="The hub's default without it.")] = "",
    language: Annotated[str, typer.Option(metavar="CODE", help="What is spoken, such as en; heard without it.")] = "",
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="Names and words to expect.")] = "",
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, srt, vtt or json.")] = "text",
    words: Annotated[bool, typer.Option("--words", help="With --format json, words with their times.")] = False,
    speakers: Annotated[bool, typer.Option("--speakers", help="Tell speakers apart.")] = False,
    translate: Annotated[str, typer.Option(metavar="CODE", help="Translate into this language, such as en.")] = "",
    live: Annotated[bool, typer.Option("--live", help="Send it as it comes: WAV, or PCM with --rate.")] = False,
    rate: Annotated[int, typer.Option(min=0, max=192000, metavar="HZ", help="Of 16-bit samples without a header.")] = 0,
    channels: Annotated[int, typer.Option(min=1, max=8, metavar="N", help="Of samples without a header.")] = 1,
    deadline: Annotated[
        str | None, typer.Option(metavar="SECONDS", help="Give up after so long, such as 30 or 2m.")
    ] = None,
    usage: Annotated[bool, typer.Option("--usage", help="Print what was used to standard error.")] = False,
) -> int:
    """Transcribe a recording, or speech as it comes."""
    _check(form, words=words, live=live, translate=translate)
    options = audio_pb2.TranscriptionOptions(
        languages=[language] if language else [], prompt=prompt, format=_FORMATS[form], word_timestamps=words
    )
    if speakers:
        options.diarization.SetInParent()
    heard = _headerless(rate, channels) if rate else audio_pb2.AudioInputConfig()
    timeout = parse_duration(deadline, "--deadline", bare_seconds=True) if deadline else None
    with _opened(file) as source:
        if live:
            config = audio_service_pb2.StreamTranscriptionConfig(
                model=model, input=heard, options=options, interim_results=sys.stdout.isatty()
            )
            return await _live(hub, source, config, _View(as_json=form == "json", usage=usage), timeout)
        upload = audio_service_pb2.UploadTranscriptionConfig(
            model=model,
            input=heard,
            options=options,
            target_language=translate,
            filename="" if file == "-" else Path(file).name,
        )
        answer = await _upload(hub, source, upload, timeout)
    if form == "json":
        print_json(answer)
    else:
        _print_text(answer.transcript.rendered or answer.transcript.text)
    if usage:
        _print_usage(answer.usage, answer.gateway.request_id)
    return 0


def _check(form: str, *, words: bool, live: bool, translate: str) -> None:
    """What would be passed over in silence is refused."""
    if form not in _FORMATS:
        raise CommandFailed(f"--format: {form} is not known", f"take one of {', '.join(_FORMATS)}", status=USAGE)
    if words and form != "json":
        raise CommandFailed("--words: only JSON shows them", "add --format json", status=USAGE)
    if live and translate:
        raise CommandFailed("--translate: live speech is not translated", "leave out --live", status=USAGE)


def _headerless(rate: int, channels: int) -> audio_pb2.AudioInputConfig:
    return audio_pb2.AudioInputConfig(
        format=audio_pb2.AUDIO_FORMAT_PCM_S16LE, sample_rate_hertz=rate, channel_count=channels
    )


async def _upload(
    hub: Hub, source: BinaryIO, config: audio_service_pb2.UploadTranscriptionConfig, timeout: float | None
) -> audio_service_pb2.CreateTranscriptionResponse:
    with Progress("sent", _size(source)) as progress:

        async def parts() -> AsyncIterator[audio_service_pb2.UploadTranscriptionRequest]:
            yield audio_service_pb2.UploadTranscriptionRequest(config=config)
            while data := await asyncio.to_thread(source.read, _PIECE):
                yield audio_service_pb2.UploadTranscriptionRequest(audio=data)
                progress.add(len(data))

        call = hub.audio.UploadTranscription(parts(), metadata=hub.metadata, timeout=timeout)
        with true_status(call):
            return await call


async def _live(
    hub: Hub,
    source: BinaryIO,
    config: audio_service_pb2.StreamTranscriptionConfig,
    view: "_View",
    timeout: float | None,
) -> int:
    read = getattr(source, "read1", source.read)  # what a microphone has sent, without waiting for a full piece

    async def parts() -> AsyncIterator[audio_service_pb2.StreamTranscriptionRequest]:
        yield audio_service_pb2.StreamTranscriptionRequest(config=config)
        while data := await asyncio.to_thread(read, _LIVE_PIECE):
            yield audio_service_pb2.StreamTranscriptionRequest(audio=data)

    call = hub.audio.StreamTranscription(parts(), metadata=hub.metadata, timeout=timeout)
    try:
        with true_status(call):
            async for event in call:
                view.show(event)
    finally:
        view.end()
    return 0


class _View:
    """Shows the events of a live transcription: finished utterances a line each, guesses on a terminal alone."""

    def __init__(self, *, as_json: bool, usage: bool) -> None:
        self._as_json = as_json
        self._usage = usage
        self._guessing = False

    def show(self, event: audio_service_pb2.StreamTranscriptionResponse) -> None:
        if self._as_json:
            print_json(event)
            return
        kind = event.WhichOneof("event")
        if kind == "interim":
            self._clear()
            self._guessing = True
            sys.stdout.write(dim(without_controls(event.interim.text.replace("\n", " "))[-72:], sys.stdout))
            sys.stdout.flush()
        elif kind == "final":
            self._clear()
            _print_text(event.final.transcript.text)
        elif kind == "summary" and self._usage:
            _print_usage(event.summary.usage, event.summary.gateway.request_id)

    def end(self) -> None:
        self._clear()

    def _clear(self) -> None:
        if self._guessing:
            sys.stdout.write("\r\x1b[K")
            self._guessing = False


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        if sys.stdin.isatty():
            raise CommandFailed("standard input is a terminal", "name a file, or pipe sound in", status=USAGE)
        yield sys.stdin.buffer
        return
    try:
        source = Path(file).open("rb")  # noqa: SIM115 # closed below; only opening it may fail in this way
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise CommandFailed(f"{file}: {why}", "name a file that you can read", status=USAGE) from None
    with source:
        yield source


def _size(source: BinaryIO) -> int | None:
    if source is sys.stdin.buffer:
        return None
    place = source.seek(0, 2)
    source.seek(0)
    return place


def _print_text(text: str) -> None:
    text = text.rstrip("\n")
    print(without_controls(text) if sys.stdout.isatty() else text, flush=True)


def _print_usage(told: Usage, request_id: str) -> None:
    seconds = told.billed_audio_duration.ToMilliseconds() / 1000
    about = " (estimated)" if told.estimated else ""
    note(f"{seconds:g} s of audio, {told.total_tokens} tokens{about}, request {request_id}")
