"""One session of live transcription over a WebSocket, from its set-up to its end."""

import asyncio
from collections.abc import Sequence

from server.backends.base import Call
from server.backends.http_exchange import provider_request_id
from server.errors import ProviderTimeout, ProviderUnavailable
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.transport.websocket import WebSocket, WebSocketRefused
from server.wire.audio.live import Event, Frame, Kind, LiveDialogue, LivePlan
from server.wire.codec import LiveCodec

_SETUP = 15.0
"""Seconds from the handshake until the provider must be listening."""
_PIECE = 32 * 1024
"""Bytes of samples in one message, a second at 16 kHz; OpenAI takes 15 MiB, ElevenLabs asks for a second at most."""


class Session:
    """An open session that is listening."""

    def __init__(self, socket: WebSocket, dialogue: LiveDialogue, number: int) -> None:
        self._socket = socket
        self._dialogue = dialogue
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._sent_at = self._began
        self.number = number
        """Which session of its call it is; names of utterances hold within one."""
        self.id = provider_request_id(socket.headers)
        self.begins_at = 0.0
        """Where its first sample is, in seconds from the start of all audio."""

    @classmethod
    async def open(
        cls, endpoint: Endpoint, codec: LiveCodec, plan: LivePlan, transport: Transport, call: Call, number: int
    ) -> "Session":
        """Connects, sends the greeting, and waits until the provider listens. Raises HubError."""
        try:
            socket = await transport.connect_websocket(
                endpoint, plan.request, credential=call.credential, deadline=call.deadline
            )
        except WebSocketRefused as error:
            raise codec.decode_error(error.response) from None
        session = cls(socket, plan.dialogue(), number)
        began = session._loop.time()
        try:
            async with asyncio.timeout_at(min(call.deadline, began + _SETUP)):
                for frame in plan.greeting:
                    await socket.send(frame)
                if plan.awaits_ready:
                    await session._set_up()
        except TimeoutError:
            socket.drop()
            raise ProviderTimeout(f"{endpoint.name}: its live session was not ready in time") from None
        except BaseException:
            socket.drop()
            raise
        finally:
            call.phases.add("upstream_ttfb", session._loop.time() - began)
        return session

    @property
    def age(self) -> float:
        """Seconds since it was opened."""
        return self._loop.time() - self._began

    @property
    def idle(self) -> float:
        """Seconds since anything was sent."""
        return self._loop.time() - self._sent_at

    async def append(self, samples: bytes) -> None:
        """Sends samples. Where the connection is gone nothing is said: ``receive`` tells."""
        for place in range(0, len(samples), _PIECE):
            await self._send((self._dialogue.append(samples[place : place + _PIECE]),))

    async def commit(self) -> None:
        """Ends the utterance."""
        await self._send(self._dialogue.commit())

    async def keep_alive(self) -> None:
        """Has the provider wait for more audio."""
        await self._send(self._dialogue.keep_alive())

    async def finish(self) -> bool:
        """Asks for the rest and the end; False where this provider has no such thing and a commit is all."""
        frames = self._dialogue.finish()
        await self._send(frames)
        return bool(frames)

    async def receive(self) -> Sequence[Event] | None:
        """The next events, or None once the session is over."""
        try:
            message = await self._socket.receive(self._dialogue.patience())
        except TimeoutError:
            return self._dialogue.overdue()
        if message is None:
            return self._dialogue.overdue() or None
        return self._dialogue.read(message)

    async def close(self) -> None:
        """Ends it in good order."""
        await self._socket.close()

    def drop(self) -> None:
        """Ends it at once."""
        self._socket.drop()

    async def _send(self, frames: Sequence[Frame]) -> None:
        self._sent_at = self._loop.time()
        try:
            for frame in frames:
                await self._socket.send(frame)
        except ProviderUnavailable:
            return

    async def _set_up(self) -> None:
        while (events := await self.receive()) is not None:
            for event in events:
                if event.kind is Kind.CREATED:
                    self.id = event.item or self.id
                elif event.kind is Kind.READY:
                    self.id = self.id or event.item
                    return
                elif event.error is not None:
                    raise event.error
        raise ProviderUnavailable("the provider closed the live session before it began")
