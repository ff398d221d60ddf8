"""Live transcription over a WebSocket: one provider session after another, none of the audio lost."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator

from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1.usage_pb2 import GatewayInfo

from server.backends.base import Call
from server.backends.live_meter import Meter
from server.backends.live_session import Session
from server.backends.unsettled import Unsettled
from server.backends.utterances import nothing_heard
from server.errors import HubError, ProviderUnavailable
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.wire import sound
from server.wire.audio.live import Event, Kind
from server.wire.audio.live_final import final_transcript
from server.wire.codec import LiveCodec
from server.wire.pcm import LiveSamples

_WAITING = 64
"""Events the caller has not taken yet; beyond them the provider waits."""
_LAST_WORDS = 30.0
"""Seconds the provider may take for what was said last."""
_MOST_LOSSES = 3
"""Sessions lost one soon after another, none of them with a finished utterance, after which the call fails."""
_SOON = 10.0
"""Seconds. A session that lived longer was not refused: it reached a limit, or the network failed."""


class LiveTranscription:
    """One call. ``run`` may be used once."""

    def __init__(self, endpoint: Endpoint, codec: LiveCodec, transport: Transport) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._transport = transport
        self._out: asyncio.Queue[pb.StreamTranscriptionResponse | None] = asyncio.Queue(_WAITING)
        self._swap = asyncio.Lock()
        """Held while samples are sent or the session is exchanged."""
        self._session: Session
        self._sessions = 0
        self._finished = False
        self._ending = False
        """The session was asked for the rest and its end."""
        self._ended: Session | None = None
        """The session that told all it had to."""
        self._exchanged = asyncio.Event()
        """Set where the session may be another one, or the call may be over."""
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
        self._meter = Meter()

    async def run(
        self, config: pb.StreamTranscriptionConfig, audio: AsyncIterator[bytes | None], call: Call
    ) -> AsyncGenerator[pb.StreamTranscriptionResponse]:
        """See TranscriptionBackend.live."""
        self._config, self._call = config, call
        self._plan = self._codec.plan(config, call.model)
        self._unsettled = Unsettled(self._plan.rate)
        samples = LiveSamples(config.input, self._plan.rate)
        self._session = await self._open()
        gateway = GatewayInfo(
            provider=self._endpoint.name,
            provider_model=call.model,
            request_id=call.request_id,
            provider_request_id=self._session.id,
            adjusted_fields=self._plan.request.adjusted_fields,
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
        usage = self._meter.total(self._unsettled.total, "".join(self._texts.values()))
        yield pb.StreamTranscriptionResponse(summary=pb.TranscriptionSummary(usage=usage, gateway=gateway))
        if failure is not None:
            raise failure

    async def _work(self, samples: LiveSamples, audio: AsyncIterator[bytes | None]) -> None:
        """Speaks and listens until both are done; then lets the generator end."""
        tasks = [asyncio.create_task(self._speak(samples, audio)), asyncio.create_task(self._listen())]
        awake = asyncio.create_task(self._stay_awake())
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in (*tasks, awake):
                task.cancel()
            await asyncio.gather(*tasks, awake, return_exceptions=True)
            # The queue may be full, and nobody may be there to take from it.
            if self._out.full():
                self._out.get_nowait()
            self._out.put_nowait(None)

    async def _open(self) -> Session:
        self._sessions += 1
        return await Session.open(self._endpoint, self._codec, self._plan, self._transport, self._call, self._sessions)

    async def _speak(self, samples: LiveSamples, audio: AsyncIterator[bytes | None]) -> None:
        limit = self._plan.session_seconds
        async for piece in audio:
            if self._session.age > limit and not self._speaking:
                await self._renew()
            elif self._session.age > limit * 1.05:
                await self._last_words(at_the_end=False)
                await self._renew()
            if piece is None:
                await self._commit()
            elif heard := samples.feed(piece):
                await self._say(heard)
        if not self._unsettled.total:
            raise nothing_heard()
        await self._last_words(at_the_end=True)
        self._finished = True
        self._exchanged.set()
        await self._session.close()

    async def _stay_awake(self) -> None:
        """Tells a provider that would hang up on a caller who says nothing for a while."""
        most = self._plan.keep_alive
        while most:
            idle = self._session.idle
            if idle >= most and not self._ending:
                async with self._swap:
                    await self._session.keep_alive()
            await asyncio.sleep(most if idle >= most else most - idle)

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
        async with self._swap:
            ending = self._ending = await self._session.finish()
        if not ending and self._unsettled.any(spoken=self._plan.detects and not self._speaking):
            await self._commit()
        try:
            async with asyncio.timeout(_LAST_WORDS):
                while self._ended is not self._session if ending else self._commits or self._pending:
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError:
            if at_the_end:
                raise ProviderUnavailable("the provider did not finish what was said last") from None

    async def _renew(self) -> None:
        """Another session, and in it everything again that is not settled."""
        async with self._swap:
            old, self._session = self._session, await self._open()
            self._meter.next_session()
            self._unsettled.rewind()
            self._session.begins_at = self._unsettled.settled
            self._speaking = self._ending = False
            self._commits.clear()
            self._pending.clear()
            for piece in self._unsettled.pieces():
                await self._session.append(piece)
        self._exchanged.set()
        await old.close()
        offset = sound.duration(self._unsettled.total)
        event = pb.SpeechEvent(type=pb.SPEECH_EVENT_TYPE_SESSION_RENEWED, offset=offset)
        await self._out.put(pb.StreamTranscriptionResponse(speech_event=event))
        self._progress.set()

    async def _listen(self) -> None:
        while not self._finished:
            session = self._session
            events = await session.receive()
            over = events is None
            for event in events or ():
                if event.kind is Kind.EXPIRED:
                    over = True
                    break
                await self._take(event, session)
            if not over or self._finished or session is not self._session:
                continue
            if session is self._ended:
                await self._until_exchanged(session)  # it went as it was asked to
            else:
                await self._replace(session)

    async def _until_exchanged(self, session: Session) -> None:
        while session is self._session and not self._finished:
            self._exchanged.clear()
            await self._exchanged.wait()

    async def _replace(self, lost: Session) -> None:
        """Goes on in another session where one went before its time."""
        self._losses = self._losses + 1 if lost.age < _SOON else 0
        if self._losses > _MOST_LOSSES:
            raise ProviderUnavailable("the provider closed one live session after another")
        commit_again, end_again = bool(self._commits or self._pending), self._ending
        await self._renew()
        if end_again:
            async with self._swap:
                self._ending = await self._session.finish()
        elif commit_again:
            await self._commit()

    async def _take(self, event: Event, session: Session) -> None:
        at, item = session.begins_at + event.seconds, f"{session.number}/{event.item}"
        match event.kind:
            case Kind.SPEECH_STARTED:
                self._speaking = True
                self._times[item] = [at, at]
                await self._tell(pb.SPEECH_EVENT_TYPE_SPEECH_START, at)
            case Kind.SPEECH_STOPPED:
                self._speaking = False
                self._times.setdefault(item, [at, at])[1] = at
                await self._tell(pb.SPEECH_EVENT_TYPE_SPEECH_END, at)
            case Kind.COMMITTED:
                self._committed(item, event, session.begins_at)
            case Kind.NOTHING_COMMITTED:
                self._answered()
            case Kind.DELTA | Kind.GUESS if event.text:
                await self._guess(item, event)
            case Kind.COMPLETED:
                await self._settle(item, event, session.begins_at)
            case Kind.ENDED:
                self._end(event, session)
            case Kind.FAILED if event.error is not None:
                raise event.error
            case _:
                return
        self._progress.set()

    def _committed(self, item: str, event: Event, begins_at: float) -> None:
        self._number(item)
        self._pending.add(item)
        self._speaking = False
        times = self._times.get(item)
        if event.span is not None:
            began, ended = (begins_at + seconds for seconds in event.span)
            times = self._times[item] = [began, max(began, ended)]
            if event.answers:
                self._answered()
        elif times is None or times[1] <= times[0]:  # nobody said where it ends, so a commit of ours did
            began, ended = self._answered()
            began = times[0] if times else began
            times = self._times[item] = [began, max(began, ended)]
        self._unsettled.heard = max(self._unsettled.heard, times[1])

    def _answered(self) -> tuple[float, float]:
        """What the oldest commit of ours was about, which is answered now."""
        return self._commits.popleft() if self._commits else (self._unsettled.heard, self._unsettled.total)

    def _end(self, event: Event, session: Session) -> None:
        if event.usage is not None:
            self._meter.session(event.usage)
        self._ended = session
        self._commits.clear()
        self._pending.clear()

    async def _guess(self, item: str, event: Event) -> None:
        added = event.kind is Kind.DELTA
        text = self._texts.get(item, "") + event.text if added else event.text
        self._texts[item] = text
        # A guess comes while it is said; pieces of text may come when the next thing is said already.
        self._speaking = self._speaking or not added
        if self._config.interim_results:
            guess = pb.InterimTranscript(utterance=self._number(item), text=text, delta=event.text if added else "")
            await self._out.put(pb.StreamTranscriptionResponse(interim=guess))

    async def _settle(self, item: str, event: Event, begins_at: float) -> None:
        began, ended = self._times.get(item, [0.0, self._unsettled.total])
        self._losses = 0
        self._unsettled.settle(ended)
        transcript = final_transcript(event, self._config.options, began=began, ended=ended, session_begins=begins_at)
        self._texts[item] = transcript.text
        self._meter.utterance(event.usage, ended - began, transcript.text)
        final = pb.FinalTranscript(utterance=self._number(item), transcript=transcript)
        await self._out.put(pb.StreamTranscriptionResponse(final=final))
        await self._tell(pb.SPEECH_EVENT_TYPE_UTTERANCE_END, ended)
        self._pending.discard(item)

    def _number(self, item: str) -> int:
        return self._numbers.setdefault(item, len(self._numbers))

    async def _tell(self, kind: "pb.SpeechEventType.ValueType", seconds: float) -> None:
        event = pb.SpeechEvent(type=kind, offset=sound.duration(seconds))
        await self._out.put(pb.StreamTranscriptionResponse(speech_event=event))
