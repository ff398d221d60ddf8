"""A caller's recording made ready for a provider: fetched where it is a URL, known for what it is, given a header."""

from dataclasses import replace

from aignehub.v1 import audio_pb2
from aignehub.v1.audio_pb2 import AudioInputConfig

from server.backends.media import CallerMedia
from server.errors import InvalidArgument
from server.transport.sniff import sniff
from server.wire import wav
from server.wire.recording import Dictation, Recording

_LOOKED_AT = 4096
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


async def ready(dictation: Dictation, media: CallerMedia, *, deadline: float, max_bytes: int) -> Dictation:
    """The same with bytes and with the media type that they have. Raises HubError naming the field that is wrong."""
    recording = dictation.recording
    if recording.url:
        data = await media.fetch_audio(recording.url, field=recording.field, deadline=deadline, max_bytes=max_bytes)
        recording = replace(recording, pieces=(data,), url="", filename=recording.filename or _name_in(recording.url))
    if not recording.size:
        raise InvalidArgument.field(recording.field, "is empty; send a recording")
    if recording.size > max_bytes:
        raise InvalidArgument.field(
            recording.field,
            f"holds {recording.size} bytes and {max_bytes} are the most; compress it, or send parts of it",
        )
    return dictation.heard_from(_identified(recording, dictation.input))


def _identified(recording: Recording, config: AudioInputConfig) -> Recording:
    head = _head(recording)
    tag = _HEADERLESS.get(config.format)
    if tag is not None and not head.startswith(b"RIFF"):
        return _with_header(recording, config, tag)
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
            recording.field, "begins like no known container; for headerless samples say input.format and its rate"
        )
    if kind == "video/webm" and declared == "audio/webm":
        kind = declared
    return replace(recording, mime_type=kind)


def _with_header(recording: Recording, config: AudioInputConfig, tag: int) -> Recording:
    rate = config.sample_rate_hertz or (_G711_RATE if tag in _G711 else 0)
    if not rate:
        raise InvalidArgument.field("input.sample_rate_hertz", "say the rate of headerless samples, such as 16000")
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
