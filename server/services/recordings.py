"""From the contract's four ways to send a recording to one Dictation."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol, TypeVar

from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1.media_pb2 import Media
from google.protobuf.message import Message

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.recording import Coming, Dictation, Recording

_CANCEL_SECONDS = 0.01

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


def uploaded(config: pb.UploadTranscriptionConfig, coming: Coming) -> Dictation:
    """A recording that is still coming."""
    recording = Recording(
        coming=coming,
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
        input_field="config.input",
        target_field="config.target_language",
    )


async def audio_of(rest: AsyncIterator[pb.UploadTranscriptionRequest]) -> AsyncIterator[bytes]:
    """The pieces after the settings. Raises InvalidArgument where anything else comes."""
    async for part in rest:
        if part.WhichOneof("payload") != "audio":
            raise InvalidArgument.field("config", "comes once, in the first message; send audio after it")
        if part.audio:
            yield part.audio
    # gRPC ends the messages of a call that is given up as it does those of one that is complete, and cancels the call
    # within the same turn of the loop: half a recording must not pass for a whole one.
    await asyncio.sleep(_CANCEL_SECONDS)


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
