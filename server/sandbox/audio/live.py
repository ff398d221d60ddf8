"""hear over a WebSocket, with OpenAI's realtime events for transcription."""

import asyncio
import base64
import binascii
from array import array
from typing import Any

import orjson
from aignehub.v1.audio_service_pb2 import VoiceActivityOptions
from aiohttp import WSMsgType, web

from server.sandbox import tokens
from server.sandbox.audio.hear import hear_samples
from server.sandbox.audio.models import GARBAGE, HEAR, slowness
from server.wire import pcm
from server.wire.utterance import Started, Utterance, UtteranceCutter

_RATE = 24000
_MESSAGE = 4 * 1024 * 1024
_TRANSCRIPTION = "conversation.item.input_audio_transcription"


async def live(http: web.Request) -> web.StreamResponse:
    """One session; it ends with the connection. The models that misbehave are known here too."""
    socket = web.WebSocketResponse(max_msg_size=_MESSAGE)
    await socket.prepare(http)
    session = _Session(socket)
    await session.tell("session.created", session={"id": session.id, "object": "realtime.session"})
    async for message in socket:
        if message.type is not WSMsgType.TEXT or not await session.take(message.data):
            break
    await socket.close()
    return socket


class _Session:
    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.id = f"sess_{id(socket):x}"
        self._socket = socket
        self._model = ""
        self._cutter = UtteranceCutter(_RATE, VoiceActivityOptions())
        self._began: float | None = None
        self._items = 0
        self._events = 0

    async def take(self, text: str) -> bool:
        """Acts on one event of the client; False where the session is over."""
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError:
            event = None
        kind = event.get("type") if isinstance(event, dict) else None
        match kind:
            case "session.update":
                return await self._begin(event)
            case "input_audio_buffer.append":
                return await self._append(event)
            case "input_audio_buffer.commit":
                await self._commit()
            case _:
                await self._refuse(f"Unknown event type '{str(kind)[:60]}'.", "invalid_event")
        return True

    async def tell(self, kind: str, **fields: Any) -> None:
        """Sends one event."""
        self._events += 1
        event = {"type": kind, "event_id": f"event_{self._events}", **fields}
        await self._socket.send_str(orjson.dumps(event).decode())

    async def _refuse(self, message: str, code: str) -> None:
        await self.tell("error", error={"type": "invalid_request_error", "code": code, "message": message})

    async def _begin(self, event: dict[str, Any]) -> bool:
        try:
            heard = event["session"]["audio"]["input"]
            self._model = heard["transcription"]["model"]
            form, turns = heard.get("format") or {}, heard.get("turn_detection")
        except (KeyError, TypeError):
            await self._refuse("session.audio.input.transcription.model is missing.", "missing_required_parameter")
            return True
        if form.get("rate", _RATE) != _RATE or form.get("type", "audio/pcm") != "audio/pcm":
            await self._refuse(f"Only audio/pcm at {_RATE} Hz is heard.", "invalid_value")
            return True
        if not await self._behaves():
            return False
        self._cutter = UtteranceCutter(_RATE, _activity(turns))
        await self.tell("session.updated", session={"id": self.id, "type": "transcription"})
        return True

    async def _behaves(self) -> bool:
        """Whether the model listens; one that does not has failed as its name says."""
        family, _, status = self._model.partition("-")
        wait = slowness(self._model)
        if family == "fail":
            await self._refuse(f"The sandbox fails with {status[:3]}, as asked.", status[:3])
        elif self._model == "hang":
            await asyncio.get_running_loop().create_future()
        elif self._model == "garbage":
            await self._socket.send_str(GARBAGE)
        elif wait is not None:
            await asyncio.sleep(wait)
            return True
        elif self._model not in (HEAR, "cut"):
            await self._refuse(f"The model '{self._model[:60]}' does not exist.", "model_not_found")
        else:
            return True
        return False

    async def _append(self, event: dict[str, Any]) -> bool:
        try:
            samples = base64.b64decode(event.get("audio", ""), validate=True)
        except (binascii.Error, TypeError, ValueError):
            await self._refuse("audio must be base64.", "invalid_value")
            return True
        for found in self._cutter.feed(samples):
            if self._model == "cut":
                return False
            await self._found(found)
        return True

    async def _commit(self) -> None:
        found = self._cutter.end()
        if not found:
            await self._refuse("The audio buffer is empty.", "input_audio_buffer_commit_empty")
        for one in found:
            await self._found(one, by_hand=True)

    async def _found(self, found: Started | Utterance, *, by_hand: bool = False) -> None:
        item = f"item_{self._items}"
        if isinstance(found, Started):
            self._began = found.seconds
            await self.tell(
                "input_audio_buffer.speech_started", item_id=item, audio_start_ms=round(found.seconds * 1000)
            )
            return
        self._items += 1
        if not by_hand and self._began is not None:
            await self.tell("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=round(found.ended * 1000))
        self._began = None
        await self.tell("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        await self._transcribe(item, pcm.samples_of(found.samples))

    async def _transcribe(self, item: str, samples: "array[int]") -> None:
        heard = await asyncio.to_thread(hear_samples, samples, _RATE)
        text = heard.text if heard.known else f"{heard.seconds:.1f} seconds of audio."
        for token in tokens.split(text):
            await self.tell(f"{_TRANSCRIPTION}.delta", item_id=item, content_index=0, delta=token)
        usage = {"type": "duration", "seconds": round(heard.seconds, 3)}
        await self.tell(f"{_TRANSCRIPTION}.completed", item_id=item, content_index=0, transcript=text, usage=usage)


def _activity(turns: object) -> VoiceActivityOptions:
    if not isinstance(turns, dict):
        return VoiceActivityOptions(disabled=True)
    activity = VoiceActivityOptions()
    if isinstance(turns.get("threshold"), int | float):
        activity.threshold = turns["threshold"]
    for name, target in (("prefix_padding_ms", "prefix_padding"), ("silence_duration_ms", "silence_duration")):
        if isinstance(turns.get(name), int):
            getattr(activity, target).FromMilliseconds(turns[name])
    return activity
