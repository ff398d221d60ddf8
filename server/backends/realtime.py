"""Live transcription over a realtime WebSocket: one provider session after another, none of the audio lost."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator

from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1.audio_pb2 import Transcript, TranscriptSegment
from aignehub.v1.usage_pb2 import GatewayInfo, Usage

from server.backends.base import Call
from server.backends.realtime_session import Session
from server.backends.unsettled import Unsettled
from server.backends.utterances import add_usage
from server.errors import HubError, ProviderUnavailable
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.wire import sound
from server.wire.codec import TranscriptionCodec
from server.wire.openai_audio.realtime import Event, Kind, RealtimeCodec
from server.wire.openai_audio.transcript import estimated
from server.wire.pcm import LiveSamples

_WAITING = 64
"""Events the caller has not taken yet; beyond them the provider waits."""
_LAST_WORDS = 30.0
"""Seconds the provider may take for what was said last."""
_MOST_LOSSES = 3
"""Sessions lost one after another, none of them with a finished utterance, after which the call fails."""


class RealtimeTranscription:
    """One call. ``run`` may be used once."""

    def __init__(
        self, endpoint: Endpoint, codec: RealtimeCodec, transport: Transport, errors: TranscriptionCodec
    ) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._transport = transport
        self._errors = errors
        self._out: asyncio.Queue[pb.StreamTranscriptionResponse | None] = asyncio.Queue(_WAITING)
        self._swap = asyncio.Lock()
        """Held while samples are sent or the session is exchanged."""
        self._unsettled = Unsettled(codec.rate)
        self._session: Session
        self._finished = False
        self._losses = 0
        self._numbers: dict[str, int] = {}
        self._texts: dict[str, str] = {}
        self._times: dict[str, list[float]] = {}
        self._pending: set[str] = set()
        """Utterances whose transcript is still to come."""
        self._speaking = False
        self._progress = asyncio.Event()
        """Set at every event that may end a wait for the last words."""
        self._commits: deque[tuple[float, float]] = deque()
        """Commits of ours that the provider has not answered: where in the audio each begins and ends."""
        self._usage = Usage()

    async def run(
        self, config: pb.StreamTranscriptionConfig, audio: AsyncIterator[bytes | None], call: Call
    ) -> AsyncGenerator[pb.StreamTranscriptionResponse]:
        """See TranscriptionBackend.live."""
        self._config, self._call = config, call
        self._begin, adjusted = self._codec.begin(config, call.model)
        self._detects = self._codec.detects(config, call.model)
        samples = LiveSamples(config.input, self._codec.rate)
        self._session = await self._open()
        gateway = GatewayInfo(
            provider=self._endpoint.name,
            provider_model=call.model,
            request_id=call.request_id,
            provider_request_id=self._session.id,
            adjusted_fields=adjusted,
        )
        began = asyncio.get_running_loop().time()
        work = asyncio.create_task(self._work(samples, audio))
        failure: HubError | None = None
        try:
            yield pb.StreamTranscriptionResponse(ready=pb.TranscriptionReady(session_id=self._session.id))
            while (event := await self._out.get()) is not None:
                yield event
            await work
        except HubError as error:
            failure = error
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self._session.drop()
            # While a live call lasts it waits for the provider or for the caller: none of it is the hub's own time.
            call.phases.add("upstream", asyncio.get_running_loop().time() - began)
        if not self._usage.ByteSize():
            self._usage.CopyFrom(estimated(self._unsettled.total, "".join(self._texts.values())))
        yield pb.StreamTranscriptionResponse(summary=pb.TranscriptionSummary(usage=self._usage, gateway=gateway))
        if failure is not None:
            raise failure

    async def _work(self, samples: LiveSamples, audio: AsyncIterator[bytes | None]) -> None:
        """Speaks and listens until both are done; then lets the generator end."""
        tasks = [asyncio.create_task(self._speak(samples, audio)), asyncio.create_task(self._listen())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # The queue may be full, and nobody may be there to take from it.
            if self._out.full():
                self._out.get_nowait()
            self._out.put_nowait(None)

    async def _open(self) -> Session:
        return await Session.open(
            self._endpoint, self._codec, self._transport, self._errors.decode_error, self._call, self._begin
        )

    async def _speak(self, samples: LiveSamples, audio: AsyncIterator[bytes | None]) -> None:
        async for piece in audio:
            if self._session.age > self._codec.session_seconds and not self._speaking:
                await self._renew()
            elif self._session.age > self._codec.session_seconds * 1.05:
                await self._last_words(at_the_end=False)
                await self._renew()
            if piece is None:
                await self._commit()
            elif heard := samples.feed(piece):
                await self._say(heard)
        await self._last_words(at_the_end=True)
        self._finished = True
        await self._session.close()

    async def _say(self, heard: bytes) -> None:
        async with self._swap:
            self._unsettled.add(heard)
            await self._session.append(heard)

    async def _commit(self) -> None:
        async with self._swap:
            self._commits.append((self._unsettled.heard, self._unsettled.total))
            self._unsettled.heard = self._unsettled.total
            await self._session.commit()

    async def _last_words(self, *, at_the_end: bool) -> None:
        """Has the provider finish all it heard. What it does not finish in time stays unsettled, or fails the call."""
        if self._unsettled.any(spoken=self._detects and not self._speaking):
            await self._commit()
        try:
            async with asyncio.timeout(_LAST_WORDS):
                while self._commits or self._pending:
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError:
            if at_the_end:
                raise ProviderUnavailable("the provider did not finish what was said last") from None

    async def _renew(self) -> None:
        """Another session, and in it everything again that is not settled."""
        async with self._swap:
            old, self._session = self._session, await self._open()
            self._unsettled.rewind()
            self._session.begins_at = self._unsettled.settled
            self._speaking = False
            self._commits.clear()
            self._pending.clear()
            for piece in self._unsettled.pieces():
                await self._session.append(piece)
        await old.close()
        offset = sound.duration(self._unsettled.total)
        event = pb.SpeechEvent(type=pb.SPEECH_EVENT_TYPE_SESSION_RENEWED, offset=offset)
        await self._out.put(pb.StreamTranscriptionResponse(speech_event=event))
        self._progress.set()

    async def _listen(self) -> None:
        while not self._finished:
            session = self._session
            event = await session.receive()
            if event is not None and event.kind is not Kind.EXPIRED:
                await self._take(event, session)
                continue
            if self._finished or session is not self._session:
                continue
            self._losses += 1
            if self._losses > _MOST_LOSSES:
                raise ProviderUnavailable("the provider closed one live session after another")
            commit_again = bool(self._commits or self._pending)
            await self._renew()
            if commit_again:
                await self._commit()

    async def _take(self, event: Event, session: Session) -> None:
        at = session.begins_at + event.seconds
        match event.kind:
            case Kind.SPEECH_STARTED:
                self._speaking = True
                self._times[event.item] = [at, at]
                await self._tell(pb.SPEECH_EVENT_TYPE_SPEECH_START, at)
            case Kind.SPEECH_STOPPED:
                self._speaking = False
                self._times.setdefault(event.item, [at, at])[1] = at
                await self._tell(pb.SPEECH_EVENT_TYPE_SPEECH_END, at)
            case Kind.COMMITTED:
                self._committed(event.item)
            case Kind.NOTHING_COMMITTED:
                self._answered()
            case Kind.DELTA if event.text:
                await self._guess(event)
            case Kind.COMPLETED:
                await self._settle(event)
            case Kind.FAILED if event.error is not None:
                raise event.error
            case _:
                return
        self._progress.set()

    def _committed(self, item: str) -> None:
        self._number(item)
        self._pending.add(item)
        self._speaking = False
        times = self._times.get(item)
        if times is None or times[1] <= times[0]:  # the provider did not say where it ends, so a commit of ours did
            began, ended = self._answered()
            began = times[0] if times else began
            times = self._times[item] = [began, max(began, ended)]
        self._unsettled.heard = max(self._unsettled.heard, times[1])

    def _answered(self) -> tuple[float, float]:
        """What the oldest commit of ours was about, which is answered now."""
        return self._commits.popleft() if self._commits else (self._unsettled.heard, self._unsettled.total)

    async def _guess(self, event: Event) -> None:
        text = self._texts.get(event.item, "") + event.text
        self._texts[event.item] = text
        if self._config.interim_results:
            guess = pb.InterimTranscript(utterance=self._number(event.item), text=text, delta=event.text)
            await self._out.put(pb.StreamTranscriptionResponse(interim=guess))

    async def _settle(self, event: Event) -> None:
        began, ended = self._times.get(event.item, [0.0, self._unsettled.total])
        text = event.text.strip()
        self._texts[event.item] = text
        self._losses = 0
        self._unsettled.settle(ended)
        add_usage(self._usage, event.usage or estimated(ended - began, text))
        transcript = Transcript(text=text, duration=sound.duration(ended - began))
        if self._config.options.languages:
            transcript.language = self._config.options.languages[0]
        transcript.segments.append(
            TranscriptSegment(text=text, start_offset=sound.duration(began), end_offset=sound.duration(ended))
        )
        final = pb.FinalTranscript(utterance=self._number(event.item), transcript=transcript)
        await self._out.put(pb.StreamTranscriptionResponse(final=final))
        await self._tell(pb.SPEECH_EVENT_TYPE_UTTERANCE_END, ended)
        self._pending.discard(event.item)

    def _number(self, item: str) -> int:
        return self._numbers.setdefault(item, len(self._numbers))

    async def _tell(self, kind: "pb.SpeechEventType.ValueType", seconds: float) -> None:
        event = pb.SpeechEvent(type=kind, offset=sound.duration(seconds))
        await self._out.put(pb.StreamTranscriptionResponse(speech_event=event))
