"""Calls of AudioService through the hub, for the providers whose recordings are not in OpenAI's form."""

import grpc
from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1.audio_service_pb2_grpc import AudioServiceStub

from tests.wire import audio_reading, observed
from tests.wire.audio_reading import Heard
from tests.wire.bench import CALL_SECONDS, Bench
from tests.wire.neutral import Failure
from tests.wire.recording import Recording

SOUND = b"RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\0\x7d\0\0" + bytes(32000)
"""A second of silence, where the recorder kept no request."""


async def transcribed(bench: Bench, request: pb.CreateTranscriptionRequest) -> Heard:
    """What the hub's client got."""
    stub = AudioServiceStub(bench.channel)
    try:
        answer = await stub.CreateTranscription(request, metadata=bench.metadata, timeout=CALL_SECONDS)
    except grpc.aio.AioRpcError as error:
        return Heard(failure=observed.failure(error))
    return audio_reading.observed(answer)


async def spoken(bench: Bench, request: pb.CreateSpeechRequest) -> tuple[list[pb.StreamSpeechResponse], Failure | None]:
    """Every chunk of the stream, and how it failed."""
    chunks = []
    try:
        call = AudioServiceStub(bench.channel).StreamSpeech(request, metadata=bench.metadata, timeout=CALL_SECONDS)
        async for chunk in call:
            chunks.append(chunk)
    except grpc.aio.AioRpcError as error:
        return chunks, observed.failure(error)
    return chunks, None


def speech_differences(
    recording: Recording, chunks: list[pb.StreamSpeechResponse], failed: Failure | None, form: int, characters: int
) -> list[str]:
    """Nothing where every byte came, told as ``form`` in the first chunk, with its characters in the last."""
    if failed is not None:
        return [f"status: got {failed}"]
    found = []
    if b"".join(chunk.audio for chunk in chunks) != recording.response_body:
        found.append("audio: other bytes than were recorded")
    if chunks[0].format != form or not chunks[0].sample_rate_hertz:
        found.append(f"format: got {chunks[0].format} at {chunks[0].sample_rate_hertz} Hz")
    if chunks[-1].usage.billed_characters != characters:
        found.append(f"usage.billed_characters: got {chunks[-1].usage.billed_characters}, told {characters}")
    return found
