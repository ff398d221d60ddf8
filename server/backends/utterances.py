"""Live transcription at a provider that has none: each utterance, cut by its silences, is sent as a recording."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1.audio_pb2 import TranscriptSegment
from aignehub.v1.usage_pb2 import GatewayInfo, Usage

from server.backends.base import Call
from server.errors import HubError, InvalidArgument, UnsupportedByProvider
from server.wire import sound, wav
from server.wire.audio.complete import SUBTITLES, shift
from server.wire.pcm import LiveSamples
from server.wire.recording import Dictation, Recording
from server.wire.sums import add_usage
from server.wire.utterance import Started, Utterance, UtteranceCutter

Transcribe = Callable[[Dictation, Call], Awaitable[pb.CreateTranscriptionResponse]]

_AHEAD = 2
"""Utterances heard while one is with the provider; then the caller's own stream waits."""


async def by_utterance(
    transcribe: Transcribe,
    config: pb.StreamTranscriptionConfig,
    audio: AsyncIterator[bytes | None],
    call: Call,
    provider: str,
) -> AsyncGenerator[pb.StreamTranscriptionResponse]:
    """Events of the stream. ``ready`` has no session id, since there is no session, and no interim results come."""
    adjusted = _check(config, provider)
    samples = LiveSamples(config.input, None)
    yield pb.StreamTranscriptionResponse(ready=pb.TranscriptionReady())
    total = _Total(GatewayInfo(provider=provider, provider_model=call.model, request_id=call.request_id))
    total.gateway.adjusted_fields.extend(adjusted)
    queue: asyncio.Queue[Started | Utterance | HubError | None] = asyncio.Queue(_AHEAD)
    hearing = asyncio.create_task(_hear(samples, config, audio, queue))
    failure: HubError | None = None
    try:
        number = 0
        while (heard := await queue.get()) is not None:
            if isinstance(heard, HubError):
                raise heard
            if isinstance(heard, Started):
                yield _speech(pb.SPEECH_EVENT_TYPE_SPEECH_START, heard.seconds)
                continue
            yield _speech(pb.SPEECH_EVENT_TYPE_SPEECH_END, heard.ended)
            answer = await transcribe(_dictation(config, heard, samples.rate), call)
            total.add(answer)
            yield pb.StreamTranscriptionResponse(final=_final(number, answer, heard))
            yield _speech(pb.SPEECH_EVENT_TYPE_UTTERANCE_END, heard.ended)
            number += 1
        await hearing
    except HubError as error:
        failure = error
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
    yield pb.StreamTranscriptionResponse(summary=pb.TranscriptionSummary(usage=total.usage, gateway=total.gateway))
    if failure is not None:
        raise failure


async def _hear(
    samples: LiveSamples,
    config: pb.StreamTranscriptionConfig,
    audio: AsyncIterator[bytes | None],
    queue: "asyncio.Queue[Started | Utterance | HubError | None]",
) -> None:
    cutter: UtteranceCutter | None = None
    try:
        async for piece in audio:
            heard = samples.feed(piece) if piece is not None else b""
            if cutter is None and samples.rate:
                cutter = UtteranceCutter(samples.rate, config.voice_activity)
            if cutter is None:
                continue
            for found in cutter.end() if piece is None else cutter.feed(heard):
                await queue.put(found)
        if cutter is None:
            raise nothing_heard()
        for found in cutter.end():
            await queue.put(found)
        await queue.put(None)
    except HubError as error:
        await queue.put(error)
    except Exception:
        await queue.put(None)  # whoever waits for the queue then sees this task's failure
        raise


def nothing_heard() -> InvalidArgument:
    """What a caller did wrong who opened a live transcription and sent no audio."""
    return InvalidArgument.field("audio", "none came, so there is nothing to transcribe; send some after config")


def _check(config: pb.StreamTranscriptionConfig, provider: str) -> list[str]:
    """The fields that are not served as asked. Raises HubError where that cannot be."""
    if config.options.format in SUBTITLES:
        raise UnsupportedByProvider.of(
            "config.options.format", "no subtitles are made of live speech; send the recording to UploadTranscription"
        )
    if config.options.logprobs:
        raise UnsupportedByProvider.of("config.options.logprobs", "are not told live; leave it unset")
    if not config.interim_results:
        return []
    if config.gateway.strict_parameters:
        raise InvalidArgument.field(
            "config.interim_results",
            f"{provider} has no live transcription and is asked once for each utterance; leave it unset",
        )
    return ["config.interim_results"]


def _dictation(config: pb.StreamTranscriptionConfig, heard: Utterance, rate: int) -> Dictation:
    header = wav.write_header(rate, 1, len(heard.samples))
    recording = Recording((header, heard.samples), mime_type="audio/wav", filename="utterance.wav", field="audio")
    return Dictation(recording, options=config.options, gateway=config.gateway, options_field="config.options")


def _final(number: int, answer: pb.CreateTranscriptionResponse, heard: Utterance) -> pb.FinalTranscript:
    """The transcript with its times counted from the start of the stream."""
    transcript = answer.transcript
    transcript.text = transcript.text.strip()
    shift(transcript, heard.first)
    if not transcript.segments:
        transcript.segments.append(
            TranscriptSegment(
                text=transcript.text, start_offset=sound.duration(heard.began), end_offset=sound.duration(heard.ended)
            )
        )
    return pb.FinalTranscript(utterance=number, transcript=transcript)


def _speech(kind: "pb.SpeechEventType.ValueType", seconds: float) -> pb.StreamTranscriptionResponse:
    return pb.StreamTranscriptionResponse(speech_event=pb.SpeechEvent(type=kind, offset=sound.duration(seconds)))


class _Total:
    """Usage over all utterances."""

    def __init__(self, gateway: GatewayInfo) -> None:
        self.usage = Usage()
        self.gateway = gateway

    def add(self, answer: pb.CreateTranscriptionResponse) -> None:
        """One more utterance."""
        add_usage(self.usage, answer.usage)
        self.gateway.provider_request_id = answer.gateway.provider_request_id
        for field in answer.gateway.adjusted_fields:
            if field not in self.gateway.adjusted_fields:
                self.gateway.adjusted_fields.append(field)
