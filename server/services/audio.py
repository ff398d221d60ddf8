"""aignehub.v1.AudioService: validate, resolve, delegate."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from types import MappingProxyType

from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1.audio_service_pb2_grpc import AudioServiceServicer
from aignehub.v1.options_pb2 import GatewayOptions
from typing_extensions import override

from server.backends.arrival import Arrival
from server.calls import current_call
from server.errors import InvalidArgument
from server.routing.audio import speech, speech_stream, transcribe, transcribe_live
from server.routing.catalogue import Modality
from server.routing.plan import Plan
from server.routing.speech_session import speech_session
from server.services.frame import Context, FirstAndLast, Frame, caller_rights, conclude
from server.services.recordings import audio_of, first_config, transcription, translation, uploaded
from server.services.replays import refuse_for_streams
from server.services.validation import validate
from server.services.voices import list_voices
from server.wire.field_names import placed, told_at
from server.wire.recording import Dictation

_PIECE = 16 * 1024
"""Bytes of live audio that are worked on before others get a turn on the loop: a few milliseconds."""
_IN_CONFIG = MappingProxyType({name: f"config.{name}" for name in ("model", "input", "options", "gateway")})
"""Where the streaming methods have what the unary ones have at the top."""
_IN_SESSION = MappingProxyType({**_IN_CONFIG, "input": "text"})
"""A sentence of a session is spoken as one of CreateSpeech is."""


class AudioService(AudioServiceServicer):
    """Speech to text and text to speech over every provider of the catalogue that has them."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    @override
    async def CreateTranscription(
        self, request: pb.CreateTranscriptionRequest, context: Context
    ) -> pb.CreateTranscriptionResponse:
        validate(request)
        plan = self._hearing(request.model, request.gateway)
        make = partial(self._transcribed, transcription(request), plan, context)
        return _heard(await self._frame.once(request, request.gateway, make))

    @override
    async def CreateTranslation(
        self, request: pb.CreateTranslationRequest, context: Context
    ) -> pb.CreateTranslationResponse:
        validate(request)
        plan = self._hearing(request.model, request.gateway)
        make = partial(self._transcribed, translation(request), plan, context)
        answer = _heard(await self._frame.once(request, request.gateway, make))
        return pb.CreateTranslationResponse(
            transcript=answer.transcript, model=answer.model, usage=answer.usage, gateway=answer.gateway
        )

    @override
    async def UploadTranscription(
        self, request_iterator: AsyncIterator[pb.UploadTranscriptionRequest], context: Context
    ) -> pb.CreateTranscriptionResponse:
        first = await first_config(request_iterator)
        validate(first)
        with told_at(_IN_CONFIG):
            refuse_for_streams(first.config.gateway)
            plan = self._hearing(first.config.model, first.config.gateway)
            async with Arrival(audio_of(request_iterator)) as coming:
                return _heard(await self._transcribed(uploaded(first.config, coming), plan, context))

    @override
    async def StreamTranscription(
        self, request_iterator: AsyncIterator[pb.StreamTranscriptionRequest], context: Context
    ) -> AsyncIterator[pb.StreamTranscriptionResponse]:
        first = await first_config(request_iterator)
        validate(first)
        config = first.config
        with told_at(_IN_CONFIG):
            refuse_for_streams(config.gateway)
            plan = self._hearing(config.model, config.gateway)
            terms = self._frame.terms(context)
            events = transcribe_live(config, _spoken(request_iterator), plan, terms, self._frame.dispatch)
            async with aclosing(events):
                async for event in _summed_up(events):
                    yield event

    @override
    async def CreateSpeech(self, request: pb.CreateSpeechRequest, context: Context) -> pb.CreateSpeechResponse:
        call = current_call.get()
        validate(request)
        plan = self._speaking(request.model, request.gateway)

        async def make() -> pb.CreateSpeechResponse:
            return await speech(request, plan, self._frame.terms(context), self._frame.dispatch)

        response = await self._frame.once(request, request.gateway, make)
        conclude(call, response.gateway, response.usage)
        call.response_model = response.gateway.provider_model
        return response

    @override
    def StreamSpeech(self, request: pb.CreateSpeechRequest, context: Context) -> AsyncIterator[pb.StreamSpeechResponse]:
        validate(request)
        refuse_for_streams(request.gateway)
        plan = self._speaking(request.model, request.gateway)
        listening = _Listening(current_call.get())
        return speech_stream(request, plan, self._frame.terms(context), self._frame.dispatch, listening)

    @override
    async def StreamSpeechSession(
        self, request_iterator: AsyncIterator[pb.StreamSpeechSessionRequest], context: Context
    ) -> AsyncIterator[pb.StreamSpeechSessionResponse]:
        first = await first_config(request_iterator)
        validate(first)
        with told_at(_IN_SESSION):
            refuse_for_streams(first.config.gateway)
            plan = self._speaking(first.config.model, first.config.gateway)
            terms = self._frame.terms(context)
            texts = _written(request_iterator)
            async with aclosing(speech_session(first.config, texts, plan, terms, self._frame.dispatch)) as chunks:
                listening: _Listening | None = None
                async for chunk in chunks:
                    if listening is None:
                        listening = _Listening(current_call.get())
                        listening.began(chunk)
                    if chunk.HasField("gateway"):
                        listening.ended(chunk)
                        adjusted = chunk.gateway.adjusted_fields
                        adjusted[:] = [placed(path, _IN_SESSION) for path in adjusted]
                    yield pb.StreamSpeechSessionResponse(chunk=chunk)

    @override
    async def ListVoices(self, request: pb.ListVoicesRequest, context: Context) -> pb.ListVoicesResponse:
        validate(request)
        terms = self._frame.terms(context)
        return await list_voices(self._frame.catalogue, request, caller_rights(), terms)

    def _hearing(self, model: str, gateway: GatewayOptions) -> Plan:
        return self._frame.plan(model, gateway, Modality.TRANSCRIPTION)

    def _speaking(self, model: str, gateway: GatewayOptions) -> Plan:
        return self._frame.plan(model, gateway, Modality.SPEECH)

    async def _transcribed(self, dictation: Dictation, plan: Plan, context: Context) -> pb.CreateTranscriptionResponse:
        return await transcribe(dictation, plan, self._frame.terms(context), self._frame.dispatch)


def _heard(answer: pb.CreateTranscriptionResponse) -> pb.CreateTranscriptionResponse:
    """The same, with the call's id and times."""
    call = current_call.get()
    conclude(call, answer.gateway, answer.usage)
    call.response_model = answer.model
    return answer


class _Listening(FirstAndLast[pb.StreamSpeechResponse]):
    """Tells the call what its stream says of itself."""

    def ended(self, event: pb.StreamSpeechResponse) -> None:
        """See Listener."""
        self.conclude(event.gateway, event.usage)
        self.call.response_model = event.gateway.provider_model


async def _summed_up(
    events: AsyncIterator[pb.StreamTranscriptionResponse],
) -> AsyncIterator[pb.StreamTranscriptionResponse]:
    """The events, the summary with the call's id and times."""
    call = current_call.get()
    first_at: float | None = None
    async for event in events:
        if first_at is None and (event.HasField("interim") or event.HasField("final")):
            first_at = call.phases.total()
        if event.HasField("summary"):
            conclude(call, event.summary.gateway, event.summary.usage)
            call.response_model = event.summary.gateway.provider_model
            if first_at is not None:
                event.summary.gateway.time_to_first_token.FromMicroseconds(int(first_at * 1_000_000))
        yield event


async def _spoken(requests: AsyncIterator[pb.StreamTranscriptionRequest]) -> AsyncIterator[bytes | None]:
    """Audio of the stream; None ends an utterance."""
    async for request in requests:
        match request.WhichOneof("payload"):
            case "audio":
                for begin in range(0, len(request.audio), _PIECE):
                    if begin:
                        await asyncio.sleep(0)
                    yield request.audio[begin : begin + _PIECE]
            case "commit":
                yield None
            case _:
                raise InvalidArgument.field("config", "comes once, in the first message; send audio or commit after it")


async def _written(requests: AsyncIterator[pb.StreamSpeechSessionRequest]) -> AsyncIterator[str | None]:
    """Text of the stream; None speaks what is there now."""
    async for request in requests:
        match request.WhichOneof("payload"):
            case "text":
                yield request.text
            case "flush":
                yield None
            case _:
                raise InvalidArgument.field("config", "comes once, in the first message; send text or flush after it")
