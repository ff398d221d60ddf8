"""A caller's recording made ready for a provider: fetched where it is a URL, known for what it is, given a header."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from aignehub.v1 import audio_pb2
from aignehub.v1.audio_pb2 import AudioInputConfig
from aignehub.v1.media_pb2 import Media

from server.backends.media import CallerMedia
from server.errors import InvalidArgument
from server.transport.sniff import sniff
from server.wire import wav
from server.wire.recording import GATHERED_BYTES, Coming, Dictation, Passage, Recording, Uploads, too_large

_LOOKED_AT = 4096
_MOST_PIECES = 65536
"""Pieces of one gathered upload: what is cut finer would cost more to hold than the audio itself."""
_HEADERLESS = {
    audio_pb2.AUDIO_FORMAT_PCM_S16LE: wav.PCM,
    audio_pb2.AUDIO_FORMAT_MULAW: wav.MULAW,
    audio_pb2.AUDIO_FORMAT_ALAW: wav.ALAW,
}
_G711 = (wav.MULAW, wav.ALAW)
_G711_RATE = 8000
_MIME_TYPES = {
    audio_pb2.AUDIO_FORMAT_MP3: "audio/mpeg",
    audio_pb2.AUDIO_FORMAT_OPUS: "audio/ogg",
    audio_pb2.AUDIO_FORMAT_AAC: "audio/aac",
    audio_pb2.AUDIO_FORMAT_FLAC: "audio/flac",
    audio_pb2.AUDIO_FORMAT_WAV: "audio/wav",
    audio_pb2.AUDIO_FORMAT_WEBM_OPUS: "audio/webm",
    audio_pb2.AUDIO_FORMAT_MP4_AAC: "audio/mp4",
}
_ALIASES = {
    "audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "audio/vnd.wave": "audio/wav", "audio/mp3": "audio/mpeg",
    "audio/x-flac": "audio/flac", "audio/x-m4a": "audio/mp4", "audio/m4a": "audio/mp4", "audio/opus": "audio/ogg",
    "audio/mpga": "audio/mpeg", "audio/aacp": "audio/aac", "application/ogg": "audio/ogg",
    "video/quicktime": "video/mp4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Site:
    """Where a recording goes."""

    base_url: str
    uploads: Uploads
    reads_url: Callable[[Media], bool]
    """Whether the provider fetches a recording by its URL."""


async def ready(dictation: Dictation, media: CallerMedia, site: Site, *, deadline: float) -> Dictation:
    """The same with bytes and with the media type that they have. Raises HubError naming the field that is wrong.

    What is still coming is gathered, unless the provider takes it as it comes; a URL is fetched, unless it fetches it.
    """
    recording = dictation.recording
    most = min(site.uploads.max_bytes, GATHERED_BYTES)
    if recording.url:
        if await _passes(recording, dictation, media, site):
            return dictation
        data = await media.fetch_audio(recording.url, field=recording.field, deadline=deadline, max_bytes=most)
        recording = replace(recording, pieces=(data,), url="", filename=recording.filename or _name_in(recording.url))
    elif (coming := recording.coming) is not None:
        recording, more = await _begun(recording, coming)
        if more and site.uploads.chunked and _lacks_header(recording, dictation.input) is None:
            return dictation.heard_from(_passing(_identified(recording, dictation), coming, site.uploads))
        if more:
            recording = await _gathered(recording, coming, most)
    if not recording.size:
        raise InvalidArgument.field(recording.field, "is empty; send a recording")
    if recording.size > most:
        raise too_large(recording.field, most)
    return dictation.heard_from(_identified(recording, dictation))


async def _passes(recording: Recording, dictation: Dictation, media: CallerMedia, site: Site) -> bool:
    """Whether the provider fetches the URL itself; samples without a header are fetched here and given one."""
    if dictation.input.format in _HEADERLESS:
        return False
    told = Media(url=recording.url, mime_type=recording.mime_type)
    return site.reads_url(told) and await media.passes_on(recording.url, field=recording.field, base_url=site.base_url)


async def _begun(recording: Recording, coming: Coming) -> tuple[Recording, bool]:
    """The same with enough of it to tell what it is, and whether there is more."""
    pieces: list[bytes] = []
    size = 0
    async with aclosing(coming.pieces()) as arriving:
        async for piece in arriving:
            pieces.append(piece)
            size += len(piece)
            if size >= _LOOKED_AT:
                return replace(recording, pieces=tuple(pieces)), True
    return replace(recording, pieces=tuple(pieces)), False


async def _gathered(recording: Recording, coming: Coming, most: int) -> Recording:
    """The same with all of it, at most ``most`` bytes in not too many pieces."""
    pieces: list[bytes] = []
    size = 0
    async with aclosing(coming.pieces()) as arriving:
        async for piece in arriving:
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise too_large(recording.field, most)
            if len(pieces) > _MOST_PIECES:
                raise InvalidArgument.field(
                    recording.field, f"comes in more than {_MOST_PIECES} pieces; send larger ones, under 1 MiB"
                )
    return replace(recording, pieces=tuple(pieces))


def _passing(recording: Recording, coming: Coming, uploads: Uploads) -> Recording:
    """The same, to be handed on as it comes."""
    passage = Passage(coming.pieces(), path=recording.field, most=uploads.max_bytes)
    return replace(recording, pieces=(), passage=passage)


def _lacks_header(recording: Recording, config: AudioInputConfig) -> int | None:
    """How samples without a header are coded, by their WAV tag; None where there is a container."""
    tag = _HEADERLESS.get(config.format)
    return None if tag is None or _head(recording).startswith(b"RIFF") else tag


def _identified(recording: Recording, dictation: Dictation) -> Recording:
    config, head = dictation.input, _head(recording)
    if (tag := _lacks_header(recording, config)) is not None:
        return _with_header(recording, dictation, tag)
    found = _ALIASES.get(sniffed := sniff(head), sniffed)
    if found and not found.startswith(("audio/", "video/")):
        raise InvalidArgument.field(recording.mime_field, f"the bytes are {found}; send a recording")
    declared = recording.mime_type.partition(";")[0].strip().lower()
    declared = _ALIASES.get(declared, declared)
    kind = (
        found or _MIME_TYPES.get(config.format, "") or (declared if declared.startswith(("audio/", "video/")) else "")
    )
    if declared and not declared.startswith(("audio/", "video/")) and declared != "application/octet-stream":
        raise InvalidArgument.field(recording.mime_field, "is no type of sound; leave it empty and it is detected")
    if not kind:
        raise InvalidArgument.field(
            recording.field,
            f"begins like no known container; for headerless samples say {dictation.input_field}.format and its rate",
        )
    if kind == "video/webm" and declared == "audio/webm":
        kind = declared
    return replace(recording, mime_type=kind)


def _with_header(recording: Recording, dictation: Dictation, tag: int) -> Recording:
    config = dictation.input
    rate = config.sample_rate_hertz or (_G711_RATE if tag in _G711 else 0)
    if not rate:
        raise InvalidArgument.field(
            f"{dictation.input_field}.sample_rate_hertz", "say the rate of headerless samples, such as 16000"
        )
    header = wav.write_header(rate, config.channel_count or 1, recording.size, tag=tag)
    return replace(recording, pieces=(header, *recording.pieces), mime_type="audio/wav")


def _head(recording: Recording) -> bytes:
    head = b""
    for piece in recording.pieces:
        head += piece[: _LOOKED_AT - len(head)]
        if len(head) >= _LOOKED_AT:
            break
    return head


def _name_in(url: str) -> str:
    return url.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0].rstrip("/").rpartition("/")[2][:128]
