"""Speech and transcription over the plan of a call."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from aignehub.v1.audio_service_pb2 import (
    CreateSpeechRequest,
    CreateSpeechResponse,
    CreateTranscriptionResponse,
    StreamSpeechResponse,
    StreamTranscriptionConfig,
    StreamTranscriptionResponse,
)

from server.routing.attempt import Attempt, Terms, served
from server.routing.resolve import Plan
from server.wire.recording import Dictation


async def speech(request: CreateSpeechRequest, plan: Plan, terms: Terms) -> CreateSpeechResponse:
    """The answer of the first candidate; ``gateway.attempts`` tells how it went."""
    attempt = Attempt(plan.candidates[0], terms)
    response = await served(attempt.provider.speech).speech(request, attempt.call)
    attempt.tell(response.gateway)
    return response


async def speech_stream(request: CreateSpeechRequest, plan: Plan, terms: Terms) -> AsyncGenerator[StreamSpeechResponse]:
    """Audio of the first candidate; the last message has ``gateway``, also where the stream then breaks."""
    attempt = Attempt(plan.candidates[0], terms)
    async with aclosing(served(attempt.provider.speech).speech_stream(request, attempt.call)) as chunks:
        async for chunk in chunks:
            if chunk.HasField("gateway"):
                attempt.tell(chunk.gateway)
            yield chunk


async def transcribe(dictation: Dictation, plan: Plan, terms: Terms) -> CreateTranscriptionResponse:
    """The transcript of the first candidate; ``gateway.attempts`` tells how it went."""
    attempt = Attempt(plan.candidates[0], terms)
    response = await served(attempt.provider.transcription).transcribe(dictation, attempt.call)
    attempt.tell(response.gateway)
    return response


async def transcribe_live(
    config: StreamTranscriptionConfig, audio: AsyncIterator[bytes | None], plan: Plan, terms: Terms
) -> AsyncGenerator[StreamTranscriptionResponse]:
    """Events of the first candidate; the last is the summary, also where the stream then breaks."""
    attempt = Attempt(plan.candidates[0], terms)
    async with aclosing(served(attempt.provider.transcription).live(config, audio, attempt.call)) as events:
        async for event in events:
            if event.HasField("summary"):
                attempt.tell(event.summary.gateway)
            yield event
