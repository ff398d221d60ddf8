"""``hub speak`` and ``hub voices``: text to sound."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer
from aignehub.v1 import audio_pb2, audio_service_pb2

from server.cli.answer import print_json
from server.cli.client import SHORT_CALL, Hub
from server.cli.duration import parse_duration
from server.cli.early_end import true_status
from server.cli.failure import USAGE, CommandFailed
from server.cli.options import with_hub
from server.cli.progress import Progress
from server.cli.question import read_text
from server.cli.sound_file import sound_file
from server.cli.terminal import note, print_table

_FORMATS = {
    "mp3": audio_pb2.AUDIO_FORMAT_MP3, "opus": audio_pb2.AUDIO_FORMAT_OPUS, "ogg": audio_pb2.AUDIO_FORMAT_OPUS,
    "aac": audio_pb2.AUDIO_FORMAT_AAC, "flac": audio_pb2.AUDIO_FORMAT_FLAC, "wav": audio_pb2.AUDIO_FORMAT_WAV,
    "pcm": audio_pb2.AUDIO_FORMAT_PCM_S16LE, "raw": audio_pb2.AUDIO_FORMAT_PCM_S16LE,
    "mulaw": audio_pb2.AUDIO_FORMAT_MULAW, "ulaw": audio_pb2.AUDIO_FORMAT_MULAW, "alaw": audio_pb2.AUDIO_FORMAT_ALAW,
}  # fmt: skip
_LONGEST_AT_ONCE = 4096
"""Characters of one call that every provider takes; longer texts are spoken sentence by sentence."""
_PAGE = 1000


@with_hub
async def speak(
    hub: Hub,
    text: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="What to say; - is standard input.")] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to write; - is standard output.")
    ] = "-",
    model: Annotated[str, typer.Option("--model", "-m", metavar="MODEL", help="The hub's default without it.")] = "",
    voice: Annotated[str, typer.Option(metavar="NAME", help="See `hub voices`; the model's first without it.")] = "",
    encoding: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="wav, mp3, opus, aac, flac, pcm, mulaw or alaw; else FILE's."),
    ] = "",
    rate: Annotated[int, typer.Option(min=0, max=192000, metavar="HZ", help="Samples per second.")] = 0,
    speed: Annotated[float | None, typer.Option(min=0.25, max=4, metavar="X", help="How fast, 0.25 to 4.")] = None,
    instructions: Annotated[str, typer.Option(metavar="TEXT", help="How to say it.")] = "",
    language: Annotated[str, typer.Option(metavar="CODE", help="For voices that speak several.")] = "",
    deadline: Annotated[
        str | None, typer.Option(metavar="SECONDS", help="Give up after so long, such as 30 or 2m.")
    ] = None,
    usage: Annotated[bool, typer.Option("--usage", help="Print what was used to standard error.")] = False,
) -> int:
    """Speak a text. The sound is written as it comes."""
    said = read_text(text or ()).strip()
    if not said:
        raise CommandFailed("there is nothing to say", 'give a TEXT, for example: hub speak "Hello"', status=USAGE)
    if output == "-" and sys.stdout.isatty():
        raise CommandFailed("sound is not written to a terminal", "name a file with -o, or pipe it on", status=USAGE)
    options = audio_pb2.SpeechOptions(
        voice=voice or await _first_voice(hub, model),
        format=_format(encoding, output),
        sample_rate_hertz=rate,
        instructions=instructions,
        language=language,
    )
    if speed is not None:
        options.speed = speed
    timeout = parse_duration(deadline, "--deadline", bare_seconds=True) if deadline else None
    last = audio_service_pb2.StreamSpeechResponse()
    with sound_file(output) as file, Progress("spoken") as progress:
        async for chunk in _chunks(hub, model, said, options, timeout):
            await asyncio.to_thread(file.write, chunk.audio)
            progress.add(len(chunk.audio))
            last = chunk
    if usage:
        _print_usage(last)
    return 0


@with_hub
async def voices(
    hub: Hub,
    model: Annotated[str, typer.Option("--model", "-m", metavar="MODEL", help="Only voices of this model.")] = "",
    language: Annotated[str, typer.Option(metavar="CODE", help="Only voices that speak it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print protobuf JSON.")] = False,
) -> int:
    """List the voices that can be named to `hub speak`."""
    listed = audio_service_pb2.ListVoicesResponse()
    token = ""
    while True:
        request = audio_service_pb2.ListVoicesRequest(model=model, language=language, page_size=_PAGE, page_token=token)
        page = await hub.audio.ListVoices(request, metadata=hub.metadata, timeout=SHORT_CALL)
        listed.voices.extend(page.voices)
        if not page.next_page_token or page.next_page_token == token:
            break
        token = page.next_page_token
    if as_json:
        print_json(listed)
    elif listed.voices:
        rows = [(one.id, one.provider, ", ".join(one.languages)) for one in listed.voices]
        print_table(("VOICE", "PROVIDER", "LANGUAGES"), rows)
    else:
        note("no voices are known for that; a provider may still have some, see its own list")
    return 0


async def _first_voice(hub: Hub, model: str) -> str:
    request = audio_service_pb2.ListVoicesRequest(model=model, page_size=1)
    found = await hub.audio.ListVoices(request, metadata=hub.metadata, timeout=SHORT_CALL)
    if not found.voices:
        raise CommandFailed("no voice of this model is known", "name one with --voice", status=USAGE)
    return found.voices[0].id


def _format(encoding: str, output: str) -> audio_pb2.AudioFormat.ValueType:
    if encoding:
        if encoding.lower() not in _FORMATS:
            raise CommandFailed(
                f"--format: {encoding} is not known", f"take one of {', '.join(_FORMATS)}", status=USAGE
            )
        return _FORMATS[encoding.lower()]
    return _FORMATS.get(Path(output).suffix.lower().lstrip("."), audio_pb2.AUDIO_FORMAT_UNSPECIFIED)


async def _chunks(
    hub: Hub, model: str, text: str, options: audio_pb2.SpeechOptions, timeout: float | None
) -> AsyncIterator[audio_service_pb2.StreamSpeechResponse]:
    if len(text) <= _LONGEST_AT_ONCE:
        request = audio_service_pb2.CreateSpeechRequest(model=model, input=text, options=options)
        async for chunk in hub.audio.StreamSpeech(request, metadata=hub.metadata, timeout=timeout):
            yield chunk
        return
    requests = _session(model, text, options)
    call = hub.audio.StreamSpeechSession(requests, metadata=hub.metadata, timeout=timeout)
    with true_status(call):
        async for answer in call:
            yield answer.chunk


async def _session(
    model: str, text: str, options: audio_pb2.SpeechOptions
) -> AsyncIterator[audio_service_pb2.StreamSpeechSessionRequest]:
    config = audio_service_pb2.SpeechSessionConfig(model=model, options=options)
    yield audio_service_pb2.StreamSpeechSessionRequest(config=config)
    for place in range(0, len(text), _LONGEST_AT_ONCE):
        yield audio_service_pb2.StreamSpeechSessionRequest(text=text[place : place + _LONGEST_AT_ONCE])


def _print_usage(last: audio_service_pb2.StreamSpeechResponse) -> None:
    told = last.usage
    about = " (estimated)" if told.estimated else ""
    note(f"{told.billed_characters} characters, {told.total_tokens} tokens{about}, request {last.gateway.request_id}")
