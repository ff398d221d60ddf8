"""A text that is still being written, spoken sentence by sentence."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest, SpeechSessionConfig, StreamSpeechResponse
from aignehub.v1.usage_pb2 import GatewayInfo, Usage

from server.errors import HubError, InvalidArgument, UnsupportedByProvider
from server.routing.attempt import Terms
from server.routing.audio import speech_stream
from server.routing.dispatch import Dispatch
from server.routing.plan import Plan
from server.wire.sentences import Sentences
from server.wire.sums import add_usage
from server.wire.wav_join import WavJoin

_AHEAD = 1
"""Sentences read while one is spoken; then the caller's own stream waits."""


async def speech_session(
    config: SpeechSessionConfig, texts: AsyncIterator[str | None], plan: Plan, terms: Terms, dispatch: Dispatch
) -> AsyncGenerator[StreamSpeechResponse]:
    """Audio of the sentences in order, as one recording; None in ``texts`` speaks what is there now.

    The first message has format and rate, the last the usage of all and ``gateway``; also where it then breaks.
    """
    if config.options.format == audio_pb2.AUDIO_FORMAT_FLAC:
        raise UnsupportedByProvider.of(
            "config.options.format",
            "FLAC of several sentences cannot be joined; ask for PCM_S16LE, WAV, MP3, OPUS or AAC",
        )
    queue: asyncio.Queue[str | HubError | None] = asyncio.Queue(_AHEAD)
    reading = asyncio.create_task(_read(texts, queue))
    spoken = _Spoken()
    failure: HubError | None = None
    try:
        while (sentence := await queue.get()) is not None:
            if isinstance(sentence, HubError):
                raise sentence
            request = CreateSpeechRequest(input=sentence, options=config.options, gateway=config.gateway)
            async with aclosing(speech_stream(request, plan, terms, dispatch)) as chunks:
                async for chunk in chunks:
                    if told := spoken.take(chunk):
                        yield told
            plan = _pinned(plan, spoken.gateway)
            spoken.next()
        await reading
    except HubError as error:
        failure = error
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    if failure is None or spoken.begun:
        yield StreamSpeechResponse(usage=spoken.usage, gateway=spoken.gateway)
    if failure is not None:
        raise failure


def _pinned(plan: Plan, gateway: GatewayInfo) -> Plan:
    """The provider that spoke the first sentence speaks them all: elsewhere the voice would be another."""
    spoke = [
        one for one in plan.candidates if (one.provider.name, one.model) == (gateway.provider, gateway.provider_model)
    ]
    return replace(plan, candidates=tuple(spoke[:1]), tiers=()) if spoke else plan


async def _read(texts: AsyncIterator[str | None], queue: "asyncio.Queue[str | HubError | None]") -> None:
    sentences = Sentences()
    spoken = False
    try:
        async for text in texts:
            for sentence in sentences.flush() if text is None else sentences.feed(text):
                spoken = True
                await queue.put(sentence)
        for sentence in sentences.flush():
            spoken = True
            await queue.put(sentence)
        if not spoken:
            raise InvalidArgument.field("text", "none came, so there is nothing to say; send some after config")
        await queue.put(None)
    except HubError as error:
        await queue.put(error)
    except Exception:
        await queue.put(None)  # whoever waits for the queue then sees this task's failure
        raise


class _Spoken:
    """What the caller has been told so far, over all sentences."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.gateway = GatewayInfo()
        self.begun = False
        self._wav: WavJoin | None = None

    def take(self, chunk: StreamSpeechResponse) -> StreamSpeechResponse | None:
        """The chunk as the caller is to see it; None where nothing is left of it."""
        if chunk.HasField("gateway"):
            add_usage(self.usage, chunk.usage)
            attempts = [*self.gateway.attempts]
            self.gateway.CopyFrom(chunk.gateway)
            del self.gateway.attempts[:]
            self.gateway.attempts.extend(attempts or chunk.gateway.attempts)
        if not chunk.audio:
            return None
        if chunk.format == audio_pb2.AUDIO_FORMAT_WAV and self._wav is None:
            self._wav = WavJoin()
        audio = self._wav.feed(chunk.audio) if self._wav is not None else chunk.audio
        if not audio:
            return None
        told = StreamSpeechResponse(audio=audio)
        if not self.begun:
            self.begun = True
            told.format, told.sample_rate_hertz = chunk.format or audio_pb2.AUDIO_FORMAT_WAV, chunk.sample_rate_hertz
        return told

    def next(self) -> None:
        """Another sentence begins."""
        if self._wav is not None:
            self._wav.next()
