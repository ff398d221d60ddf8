"""OpenAI's realtime events, as far as transcription needs them.

https://developers.openai.com/api/docs/guides/realtime-transcription
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aignehub.v1.audio_service_pb2 import StreamTranscriptionConfig

from server.errors import HubError, ProviderUnavailable, UnsupportedByProvider
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.audio.live import Event, Frame, Kind, LivePlan, milliseconds, refuse_untold
from server.wire.drops import Drops
from server.wire.http import HttpRequest, HttpResponse
from server.wire.openai_audio.names import HEARD_LIVE
from server.wire.openai_audio.transcript import read_usage

_TRANSCRIPTION = "conversation.item.input_audio_transcription"
_EXPIRED = frozenset({"session_expired"})
_NOTHING_TO_COMMIT = frozenset({"input_audio_buffer_commit_empty"})

_KINDS = {
    "session.created": Kind.CREATED,
    "transcription_session.created": Kind.CREATED,
    "session.updated": Kind.READY,
    "transcription_session.updated": Kind.READY,
    "input_audio_buffer.speech_started": Kind.SPEECH_STARTED,
    "input_audio_buffer.speech_stopped": Kind.SPEECH_STOPPED,
    "input_audio_buffer.committed": Kind.COMMITTED,
    f"{_TRANSCRIPTION}.delta": Kind.DELTA,
    f"{_TRANSCRIPTION}.completed": Kind.COMPLETED,
}


@dataclass(frozen=True, slots=True)
class RealtimeCodec:
    """The LiveCodec of one host."""

    name: str = "openai"
    path: str = "/realtime?intent=transcription"
    rate: int = 24000
    """The only one there is for 16-bit samples."""
    session_seconds: float = 3300.0
    """OpenAI ends a session at 60 minutes."""
    by_hand: re.Pattern[str] | None = field(default=re.compile(r"gpt-live-transcribe|gpt-realtime-whisper"))
    """Models that leave it to the client where an utterance ends."""

    def plan(self, config: StreamTranscriptionConfig, model: str) -> LivePlan:
        """See LiveCodec.plan."""
        drops = Drops(strict=config.gateway.strict_parameters)
        detects = not config.voice_activity.disabled and not (self.by_hand and self.by_hand.match(model))
        refuse_untold(config, self.name)
        if config.gateway.extra_body_json:
            raise UnsupportedByProvider.of(
                "config.gateway.extra_body_json", "a live session has no body; leave it empty"
            )
        heard = {
            "format": {"type": "audio/pcm", "rate": self.rate},
            "transcription": _transcription(config, model, drops),
            "turn_detection": _turns(config) if detects else None,
        }
        update = {"type": "session.update", "session": {"type": "transcription", "audio": {"input": heard}}}
        return LivePlan(
            HttpRequest(self.path, method="GET", adjusted_fields=tuple(drops.fields)),
            RealtimeDialogue,
            rate=self.rate,
            detects=detects,
            greeting=(orjson.dumps(update).decode(),),
            session_seconds=self.session_seconds,
        )

    def hears(self, _: str) -> bool:
        """See LiveCodec.hears."""
        return True

    def decode_error(self, response: HttpResponse) -> HubError:
        """See LiveCodec.decode_error."""
        return provider_errors.read_error(response, HEARD_LIVE)


class RealtimeDialogue:
    """See LiveDialogue; OpenAI names its utterances itself, so there is no state."""

    def append(self, samples: bytes) -> Frame:
        """See LiveDialogue.append."""
        return f'{{"type":"input_audio_buffer.append","audio":"{base64.b64encode(samples).decode()}"}}'

    def commit(self) -> Sequence[Frame]:
        """See LiveDialogue.commit."""
        return ('{"type":"input_audio_buffer.commit"}',)

    def keep_alive(self) -> Sequence[Frame]:
        """See LiveDialogue.keep_alive."""
        return ()

    def finish(self) -> Sequence[Frame]:
        """See LiveDialogue.finish."""
        return ()

    def patience(self) -> float | None:
        """See LiveDialogue.patience."""
        return None

    def overdue(self) -> Sequence[Event]:
        """See LiveDialogue.overdue."""
        return ()

    def read(self, message: Frame) -> Sequence[Event]:
        """See LiveDialogue.read."""
        told = json.obj(json.parse(message if isinstance(message, bytes) else message.encode("utf-8", "replace")))
        name = json.text(told.get("type"))
        item = json.text(told.get("item_id"))
        if name == "error":
            return (_error(told),)
        if name == f"{_TRANSCRIPTION}.failed":
            return (Event(Kind.FAILED, item, error=_hub_error(told)),)
        match _KINDS.get(name):
            case None:
                return ()
            case (Kind.CREATED | Kind.READY) as kind:
                return (Event(kind, json.text(json.obj(told.get("session")).get("id"))),)
            case Kind.SPEECH_STARTED:
                return (Event(Kind.SPEECH_STARTED, item, seconds=json.count(told.get("audio_start_ms")) / 1000),)
            case Kind.SPEECH_STOPPED:
                return (Event(Kind.SPEECH_STOPPED, item, seconds=json.count(told.get("audio_end_ms")) / 1000),)
            case Kind.DELTA:
                return (Event(Kind.DELTA, item, json.text(told.get("delta"))),)
            case Kind.COMPLETED:
                usage = read_usage(told.get("usage"))
                return (Event(Kind.COMPLETED, item, json.text(told.get("transcript")), usage=usage),)
            case kind:
                return (Event(kind, item),)


def _transcription(config: StreamTranscriptionConfig, model: str, drops: Drops) -> dict[str, Any]:
    options = config.options
    transcription: dict[str, Any] = {"model": model}
    if len(options.languages) > 1:
        raise UnsupportedByProvider.of("config.options.languages", "live transcription takes one; name the likeliest")
    if options.languages:
        transcription["language"] = options.languages[0]
    if options.prompt:
        transcription["prompt"] = options.prompt
    if options.keywords:
        transcription["keywords"] = list(options.keywords)
    if options.HasField("temperature"):
        drops.drop("config.options.temperature", "live transcription has no such parameter")
    return transcription


def _turns(config: StreamTranscriptionConfig) -> dict[str, Any]:
    activity = config.voice_activity
    turns: dict[str, Any] = {"type": "server_vad"}
    if activity.HasField("threshold"):
        turns["threshold"] = activity.threshold
    if activity.HasField("prefix_padding"):
        turns["prefix_padding_ms"] = milliseconds(activity.prefix_padding)
    if activity.HasField("silence_duration"):
        turns["silence_duration_ms"] = milliseconds(activity.silence_duration)
    return turns


def _error(told: json.Object) -> Event:
    code = json.text(json.obj(told.get("error")).get("code"))
    if code in _NOTHING_TO_COMMIT:
        return Event(Kind.NOTHING_COMMITTED)
    if code in _EXPIRED:
        return Event(Kind.EXPIRED)
    return Event(Kind.FAILED, error=_hub_error(told))


def _hub_error(told: json.Object) -> HubError:
    return provider_errors.error_in(told, names=HEARD_LIVE) or ProviderUnavailable(
        "the provider could not transcribe an utterance"
    )
