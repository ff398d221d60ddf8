"""OpenAI's realtime events, as far as transcription needs them: text in, text out; the socket is the backend's.

https://developers.openai.com/api/docs/guides/realtime-transcription
"""

import base64
import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import orjson
from aignehub.v1.audio_service_pb2 import StreamTranscriptionConfig
from aignehub.v1.usage_pb2 import Usage
from google.protobuf.duration_pb2 import Duration

from server.errors import HubError, InvalidArgument, ProviderUnavailable, UnsupportedByProvider
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.drops import Drops
from server.wire.openai_audio.transcript import read_usage

_TRANSCRIPTION = "conversation.item.input_audio_transcription"
_EXPIRED = frozenset({"session_expired"})
_NOTHING_TO_COMMIT = frozenset({"input_audio_buffer_commit_empty"})


class Kind(Enum):
    """What an event of the provider tells."""

    CREATED = auto()
    READY = auto()
    SPEECH_STARTED = auto()
    SPEECH_STOPPED = auto()
    COMMITTED = auto()
    NOTHING_COMMITTED = auto()
    DELTA = auto()
    COMPLETED = auto()
    EXPIRED = auto()
    FAILED = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``seconds`` is counted from the session's first sample."""

    kind: Kind
    item: str = ""
    text: str = ""
    seconds: float = 0.0
    language: str = ""
    usage: Usage | None = None
    error: HubError | None = None


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
    """The events of one host."""

    name: str = "openai"
    path: str = "/realtime?intent=transcription"
    rate: int = 24000
    """The only one there is for 16-bit samples."""
    session_seconds: float = 3300.0
    """A session is given up for a new one after this long; OpenAI ends it at 60 minutes."""
    by_hand: re.Pattern[str] | None = field(default=re.compile(r"gpt-live-transcribe|gpt-realtime-whisper"))
    """Models that leave it to the client where an utterance ends."""

    def detects(self, config: StreamTranscriptionConfig, model: str) -> bool:
        """Whether the provider is to find the ends of utterances."""
        return not config.voice_activity.disabled and not (self.by_hand and self.by_hand.match(model))

    def begin(self, config: StreamTranscriptionConfig, model: str) -> tuple[str, tuple[str, ...]]:
        """The event that sets a session up, and the fields that were dropped. Raises HubError naming a field."""
        drops = Drops(strict=config.gateway.strict_parameters)
        options = config.options
        _refuse(config, self.name)
        transcription: dict[str, Any] = {"model": model}
        if len(options.languages) > 1:
            raise UnsupportedByProvider.of(
                "config.options.languages", "live transcription takes one; name the likeliest"
            )
        if options.languages:
            transcription["language"] = options.languages[0]
        if options.prompt:
            transcription["prompt"] = options.prompt
        if options.keywords:
            transcription["keywords"] = list(options.keywords)
        if options.HasField("temperature"):
            drops.drop("config.options.temperature", "live transcription has no such parameter")
        heard = {
            "format": {"type": "audio/pcm", "rate": self.rate},
            "transcription": transcription,
            "turn_detection": self._turns(config, model),
        }
        if config.gateway.extra_body_json:
            raise UnsupportedByProvider.of(
                "config.gateway.extra_body_json", "a live session has no body; leave it empty"
            )
        update = {"type": "session.update", "session": {"type": "transcription", "audio": {"input": heard}}}
        return orjson.dumps(update).decode(), tuple(drops.fields)

    def append(self, samples: bytes) -> str:
        """The event that adds samples."""
        return f'{{"type":"input_audio_buffer.append","audio":"{base64.b64encode(samples).decode()}"}}'

    def commit(self) -> str:
        """The event that ends the utterance now."""
        return '{"type":"input_audio_buffer.commit"}'

    def read(self, text: str) -> Event:
        """What an event means; OTHER where it is of no interest. Raises ProviderBadResponse where it is no JSON."""
        told = json.obj(json.parse(text.encode("utf-8", "replace")))
        name = json.text(told.get("type"))
        item = json.text(told.get("item_id"))
        if name == "error":
            return _error(told)
        if name == f"{_TRANSCRIPTION}.failed":
            return Event(Kind.FAILED, item, error=_hub_error(told))
        kind = _KINDS.get(name, Kind.OTHER)
        match kind:
            case Kind.CREATED | Kind.READY:
                return Event(kind, json.text(json.obj(told.get("session")).get("id")))
            case Kind.SPEECH_STARTED:
                return Event(kind, item, seconds=json.count(told.get("audio_start_ms")) / 1000)
            case Kind.SPEECH_STOPPED:
                return Event(kind, item, seconds=json.count(told.get("audio_end_ms")) / 1000)
            case Kind.DELTA:
                return Event(kind, item, json.text(told.get("delta")))
            case Kind.COMPLETED:
                usage = read_usage(told.get("usage"))
                return Event(kind, item, json.text(told.get("transcript")), usage=usage)
            case _:
                return Event(kind, item)

    def _turns(self, config: StreamTranscriptionConfig, model: str) -> dict[str, Any] | None:
        if not self.detects(config, model):
            return None
        activity = config.voice_activity
        turns: dict[str, Any] = {"type": "server_vad"}
        if activity.HasField("threshold"):
            turns["threshold"] = activity.threshold
        if activity.HasField("prefix_padding"):
            turns["prefix_padding_ms"] = _milliseconds(activity.prefix_padding)
        if activity.HasField("silence_duration"):
            turns["silence_duration_ms"] = _milliseconds(activity.silence_duration)
        return turns


def _refuse(config: StreamTranscriptionConfig, name: str) -> None:
    """What a live session cannot tell."""
    options = config.options
    asked = {
        "word_timestamps": options.word_timestamps,
        "diarization": options.HasField("diarization"),
        "logprobs": options.logprobs,
        "format": options.format > 1,
    }
    for field_name, is_set in asked.items():
        if is_set:
            raise UnsupportedByProvider.of(
                f"config.options.{field_name}",
                f"{name} does not tell it live; send the recording to UploadTranscription",
            )


def _milliseconds(told: Duration) -> int:
    milliseconds = round(told.ToMicroseconds() / 1000)
    if not 0 <= milliseconds <= 60_000:
        raise InvalidArgument.field("config.voice_activity", "its durations are from 0 to 60 s")
    return milliseconds


def _error(told: json.Object) -> Event:
    code = json.text(json.obj(told.get("error")).get("code"))
    if code in _NOTHING_TO_COMMIT:
        return Event(Kind.NOTHING_COMMITTED)
    if code in _EXPIRED:
        return Event(Kind.EXPIRED)
    return Event(Kind.FAILED, error=_hub_error(told))


def _hub_error(told: json.Object) -> HubError:
    return provider_errors.error_in(told) or ProviderUnavailable("the provider could not transcribe an utterance")
