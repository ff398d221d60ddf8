"""Speech and transcription over the plan of a call."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from operator import methodcaller

from aignehub.v1.audio_service_pb2 import (
    CreateSpeechRequest,
    CreateSpeechResponse,
    CreateTranscriptionResponse,
    StreamSpeechResponse,
    StreamTranscriptionConfig,
    StreamTranscriptionResponse,
)

from server.errors import HubError
from server.routing.attempt import Attempt, Terms, served
from server.routing.dispatch import Dispatch, Listener, Reading
from server.routing.plan import Plan
from server.wire.recording import Dictation


async def speech(request: CreateSpeechRequest, plan: Plan, terms: Terms, dispatch: Dispatch) -> CreateSpeechResponse:
    """The whole audio; ``gateway.attempts`` tells every attempt it took."""

    async def send(attempt: Attempt) -> CreateSpeechResponse:
        return await served(attempt.provider.speech).speech(request, attempt.call)

    return await dispatch.whole(plan, terms, send)


def speech_stream(
    request: CreateSpeechRequest,
    plan: Plan,
    terms: Terms,
    dispatch: Dispatch,
    listener: Listener[StreamSpeechResponse] | None = None,
) -> AsyncGenerator[StreamSpeechResponse]:
    """Audio as it comes; the last message has ``gateway``, also where the stream then breaks."""

    def send(attempt: Attempt) -> AsyncGenerator[StreamSpeechResponse]:
        return served(attempt.provider.speech).speech_stream(request, attempt.call)

    return dispatch.stream(plan, terms, send, _SPEECH, listener)


async def transcribe(dictation: Dictation, plan: Plan, terms: Terms, dispatch: Dispatch) -> CreateTranscriptionResponse:
    """The whole transcript; ``gateway.attempts`` tells every attempt it took."""
    coming = dictation.recording.coming

    async def send(attempt: Attempt) -> CreateTranscriptionResponse:
        try:
            return await served(attempt.provider.transcription).transcribe(dictation, attempt.call)
        except HubError as error:
            # What is too long to be kept was heard by one provider and can be told to no other.
            error.answered = error.answered or (coming is not None and not coming.whole)
            raise

    return await dispatch.whole(plan, terms, send)


def transcribe_live(
    config: StreamTranscriptionConfig, audio: AsyncIterator[bytes | None], plan: Plan, terms: Terms, dispatch: Dispatch
) -> AsyncGenerator[StreamTranscriptionResponse]:
    """Events as they come; the last is the summary, also where the stream then breaks.

    Another attempt is made only until ``ready``: what was spoken after that is heard once.
    """

    def send(attempt: Attempt) -> AsyncGenerator[StreamTranscriptionResponse]:
        return served(attempt.provider.transcription).live(config, audio, attempt.call)

    # Two attempts would each hear half of what is spoken.
    return dispatch.stream(replace(plan, may_race=False, hedge_after=None), terms, send, _LIVE)


_SPEECH: Reading[StreamSpeechResponse] = Reading(
    has_content=lambda chunk: bool(chunk.audio),
    is_last=methodcaller("HasField", "gateway"),
    gateway=lambda chunk: chunk.gateway,
    usage=lambda chunk: chunk.usage,
)
_LIVE: Reading[StreamTranscriptionResponse] = Reading(
    has_content=lambda event: not event.HasField("summary"),
    is_last=methodcaller("HasField", "summary"),
    gateway=lambda event: event.summary.gateway,
    usage=lambda event: event.summary.usage,
)
