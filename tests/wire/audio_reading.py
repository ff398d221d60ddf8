"""An independent reading of recorded transcripts and speech, from the providers' pages and the recordings alone."""

import base64
import re
from dataclasses import dataclass, field, fields
from typing import Any

import orjson
from aignehub.v1 import audio_pb2
from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1.usage_pb2 import Usage

from tests.wire.failures import failure_of, garbage
from tests.wire.neutral import Failure
from tests.wire.recording import Recording
from tests.wire.sse import events

_VTT = re.compile(r"(\d+):(\d\d):(\d\d)\.(\d{3}) --> (\d+):(\d\d):(\d\d)\.(\d{3})\n((?:.+\n?)+)")

Timed = tuple[str, int, int, str]
"""Text, begin and end in milliseconds, speaker."""


@dataclass(slots=True)
class Heard:
    """All that is compared of a transcript."""

    text: str = ""
    language: str = ""
    milliseconds: int | None = None
    """None where the provider told no length: the hub may then have read it from the audio."""
    segments: list[Timed] = field(default_factory=list)
    words: list[Timed] = field(default_factory=list)
    usage: tuple[int, int, int, int, int] | None = None
    """Input, output and total tokens, milliseconds billed, nano-USD; None where the provider told nothing."""
    failure: Failure | None = None


def read(recording: Recording) -> Heard:
    """What the recorded answer says, or how it fails."""
    body = recording.response_body
    if recording.status >= 300:
        return Heard(failure=failure_of(recording.status, body))
    if recording.streaming or body.startswith(b"data:"):
        return _of_events(body)
    if not body.lstrip().startswith(b"{"):
        return _of_text(body.decode())
    told = orjson.loads(body)
    if not isinstance(told.get("text"), str):
        return Heard(failure=garbage())
    heard = Heard(told["text"], told.get("language") or "")
    if "duration" in told:
        heard.milliseconds = round(told["duration"] * 1000)
    heard.segments = [_timed(one, "text") for one in told.get("segments", ())]
    heard.words = [_timed(one, "word" if "word" in one else "text") for one in told.get("words", ())]
    heard.usage = _usage(told.get("usage"))
    if heard.usage is None and heard.milliseconds is not None:
        heard.usage = (0, 0, 0, heard.milliseconds, 0)
    return heard


def observed(answer: pb.CreateTranscriptionResponse | pb.CreateTranslationResponse) -> Heard:
    """What the hub's client got, in the same form."""
    told = answer.transcript
    return Heard(
        told.text,
        told.language,
        told.duration.ToMilliseconds() if told.HasField("duration") else None,
        [(one.text, _at(one.start_offset), _at(one.end_offset), one.speaker) for one in told.segments],
        [(one.word, _at(one.start_offset), _at(one.end_offset), one.speaker) for one in told.words],
        None if answer.usage.estimated else _told(answer.usage),
    )


def differences(recorded: Heard, got: Heard) -> list[str]:
    """Nothing where both say the same."""
    found = []
    if (recorded.failure is None) != (got.failure is None):
        return [f"status: recorded {recorded.failure}, got {got.failure}"]
    if recorded.failure is not None and got.failure is not None:
        if (recorded.failure.code, recorded.failure.reason) != (got.failure.code, got.failure.reason):
            found.append(f"status: recorded {recorded.failure}, got {got.failure}")
        return found
    for one in fields(Heard):
        expected, have = getattr(recorded, one.name), getattr(got, one.name)
        left_open = one.name == "milliseconds" and expected is None
        # The hub makes segments of words where they were asked for and the provider has none.
        left_open = left_open or (one.name == "segments" and not expected and bool(recorded.words))
        if expected != have and not left_open:
            found.append(f"{one.name}: recorded {str(expected)[:120]}, got {str(have)[:120]}")
    return found


def _timed(told: Any, name: str) -> Timed:
    speaker = told.get("speaker", told.get("speaker_id") or "")
    return (told[name].strip(), _milliseconds(told["start"]), _milliseconds(told["end"]), str(speaker))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1_000_000) // 1000


def _usage(told: Any) -> tuple[int, int, int, int, int] | None:
    if not told:
        return None
    read = told.get("input_tokens", told.get("prompt_tokens", 0))
    written = told.get("output_tokens", told.get("completion_tokens", 0))
    cost = round(told.get("cost", 0) * 1e9)
    # Mistral's prompt_tokens are those of text; its sound is counted in the total alone.
    read += (told.get("prompt_tokens_details") or {}).get("audio_tokens", 0)
    seconds = told.get("seconds", told.get("prompt_audio_seconds", 0))
    return (read, written, told.get("total_tokens", read + written), round(seconds * 1000), cost)


def _told(usage: Usage) -> tuple[int, int, int, int, int]:
    return (
        usage.input_tokens, usage.output_tokens, usage.total_tokens, usage.billed_audio_duration.ToMilliseconds(),
        usage.provider_cost_nano_usd,
    )  # fmt: skip


def _at(offset: Any) -> int:
    return int(offset.ToMilliseconds())


def _of_events(body: bytes) -> Heard:
    heard = Heard(failure=Failure("UNAVAILABLE"))
    for event in events(body):
        if event.data.strip() == "[DONE]":
            break
        told = orjson.loads(event.data)
        if told["type"] == "transcript.text.segment":
            heard.segments.append(_timed(told, "text"))
        elif told["type"] == "transcript.text.done":
            heard.text, heard.usage, heard.failure = told["text"], _usage(told.get("usage")), None
    return heard


def _of_text(text: str) -> Heard:
    if not text.startswith("WEBVTT"):
        return Heard(text.strip())
    heard = Heard()
    for cue in _VTT.finditer(text):
        numbers = [int(part) for part in cue.groups()[:8]]
        begin, end = (
            ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest
            for hours, minutes, seconds, rest in (numbers[:4], numbers[4:])
        )
        heard.segments.append((" ".join(cue.group(9).split()), begin, end, ""))
    heard.text = " ".join(segment[0] for segment in heard.segments)
    return heard


def speech(recording: Recording) -> bytes:
    """Recorded speech: the body, or the base64 that Mistral has in an object."""
    body = recording.response_body
    return base64.b64decode(orjson.loads(body)["audio_data"]) if body.startswith(b"{") else body


def speech_format(data: bytes) -> "audio_pb2.AudioFormat.ValueType":
    """The encoding of recorded speech, all of which is MP3."""
    return audio_pb2.AUDIO_FORMAT_MP3 if data[:3] == b"ID3" or data[:1] == b"\xff" else 0  # type: ignore[return-value]
