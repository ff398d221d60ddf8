"""From the contract's four ways to send a recording to one Dictation."""

from collections.abc import AsyncIterator
from typing import Protocol, TypeVar

from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1.media_pb2 import Media
from google.protobuf.message import Message

from server.errors import InvalidArgument, ResourceExhausted, UnsupportedByProvider
from server.wire.openai_audio.transcription import MAX_UPLOAD_BYTES
from server.wire.recording import Dictation, Recording

_MOST_PIECES = 65536
"""Pieces of one upload: what is cut finer would cost more to hold than the audio itself."""

_Part = TypeVar("_Part", bound=Message)


class _WithAudio(Protocol):
    @property
    def audio(self) -> Media: ...


def transcription(request: pb.CreateTranscriptionRequest) -> Dictation:
    """A whole recording in one message. Raises HubError naming the field that is wrong."""
    return Dictation(_recording(request), request.input, request.options, request.gateway)


def translation(request: pb.CreateTranslationRequest) -> Dictation:
    """The same, to be translated."""
    return Dictation(
        _recording(request),
        request.input,
        request.options,
        request.gateway,
        translate=True,
        target_language=request.target_language,
    )


async def uploaded(
    config: pb.UploadTranscriptionConfig, rest: AsyncIterator[pb.UploadTranscriptionRequest]
) -> Dictation:
    """A recording in pieces, which are kept as they came. Raises HubError naming the field that is wrong."""
    pieces: list[bytes] = []
    size = 0
    async for part in rest:
        if part.WhichOneof("payload") != "audio":
            raise InvalidArgument.field("config", "comes once, in the first message; send audio after it")
        size += len(part.audio)
        if size > MAX_UPLOAD_BYTES:
            raise ResourceExhausted(
                f"audio: holds more than {MAX_UPLOAD_BYTES} bytes, which is the most of one recording; "
                "compress it, or send it in parts"
            )
        if part.audio:
            pieces.append(part.audio)
        if len(pieces) > _MOST_PIECES:
            raise ResourceExhausted(f"audio: comes in more than {_MOST_PIECES} pieces; send larger ones, under 1 MiB")
    recording = Recording(
        tuple(pieces),
        mime_type=config.mime_type,
        filename=config.filename,
        field="audio",
        mime_field="config.mime_type",
    )
    return Dictation(
        recording,
        config.input,
        config.options,
        config.gateway,
        translate=bool(config.target_language),
        target_language=config.target_language,
        options_field="config.options",
        target_field="config.target_language",
    )


async def first_config(requests: AsyncIterator[_Part]) -> _Part:
    """The first message, which must hold the settings. Raises InvalidArgument naming ``config``."""
    async for request in requests:
        if request.WhichOneof("payload") == "config":
            return request
        break
    raise InvalidArgument.field("config", "must be in the first message; send the settings before anything else")


def _recording(request: _WithAudio) -> Recording:
    media = request.audio
    source = media.WhichOneof("source")
    if source == "file_id":
        raise UnsupportedByProvider.of("audio.file_id", "recordings are taken as bytes or by URL; send one of those")
    if source == "url":
        return Recording(url=media.url, mime_type=media.mime_type, filename=media.filename, field="audio.url")
    return Recording((media.data,), mime_type=media.mime_type, filename=media.filename)
