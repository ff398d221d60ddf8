"""hear: the text of what speak made; of any other sound, its length, rate and channels."""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aignehub.v1.audio_pb2 import TranscriptSegment

from server.sandbox import tokens
from server.sandbox.audio import flac, melody
from server.sandbox.audio.recording import HearingRequest
from server.wire import g711, sound, wav
from server.wire.audio.subtitles import srt, vtt
from server.wire.pcm import samples_of

_WORD = re.compile(rb"\S+")
_SENTENCE_ENDS = (".", "!", "?")


@dataclass(frozen=True, slots=True)
class Word:
    """A word and where it is, in seconds."""

    text: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Heard:
    """All that was heard."""

    text: str
    seconds: float
    words: Sequence[Word] = ()
    known: bool = field(default=True)
    """False where the sound is none of speak's."""


def hear(data: bytes) -> Heard | None:
    """What a file holds; None where not even its length or rate can be read. Never fails on bytes of any kind."""
    told = sound.describe((data,))
    samples, rate = _samples(data)
    if samples and rate:
        heard = hear_samples(samples, rate)
        if heard.known:
            return heard
    if not told.rate and told.seconds is None:
        return None
    text = "audio of unknown length" if told.seconds is None else f"{told.seconds:.1f} seconds of audio"
    text += f" at {told.rate} Hz" if told.rate else ""
    text += f" in {told.channels} channel{'s' if told.channels != 1 else ''}." if told.channels else "."
    seconds = told.seconds or 0.0
    return Heard(text, seconds, [Word(text, 0.0, seconds)], known=False)


def hear_samples(samples: "array[int]", rate: int) -> Heard:
    """The texts in the samples, one after another."""
    sung = melody.listen(samples, rate)
    words = [word for one in sung for word in _words(one)]
    return Heard(" ".join(one.text for one in sung), len(samples) / rate, words, known=bool(sung))


def answer(heard: Heard, request: HearingRequest) -> tuple[str, Any]:
    """Media type and body (text, or what becomes JSON) in the form of OpenAI's that is asked for."""
    form, speakers, granularities = request.form, request.speakers, request.granularities
    segments = _segments(heard)
    if form in ("srt", "vtt"):
        return "text/plain", (srt if form == "srt" else vtt)(_as_messages(segments))
    if form == "text":
        return "text/plain", heard.text + "\n"
    usage = {"type": "duration", "seconds": -(-heard.seconds // 1)}
    if form == "json" and not speakers:
        return "application/json", {"text": heard.text, "usage": usage} | _logprobs(heard, request)
    body: dict[str, Any] = {
        "task": "transcribe",
        "language": request.language or "english",
        "duration": round(heard.seconds, 3),
    }
    body |= {"text": heard.text, "usage": usage}
    if speakers or form == "diarized_json" or "word" not in granularities or "segment" in granularities:
        body["segments"] = [_segment(place, one, speakers=speakers) for place, one in enumerate(segments)]
    if "word" in granularities:
        body["words"] = [{"word": one.text, "start": one.began, "end": one.ended} for one in heard.words]
    return "application/json", body


def _logprobs(heard: Heard, request: HearingRequest) -> dict[str, Any]:
    """As OpenAI tells them, in the plain form alone; the longer a token, the less likely it is here."""
    if not request.logprobs:
        return {}
    split = tokens.split(heard.text)
    return {"logprobs": [{"token": one, "logprob": -len(one) / 100, "bytes": list(one.encode())} for one in split]}


def _samples(data: bytes) -> "tuple[array[int], int]":
    nothing: tuple[array[int], int] = (array("h"), 0)
    if data.startswith(b"fLaC"):
        told = sound.describe((data,))
        return flac.read(data), told.rate
    try:
        header = wav.read_header(data[: wav.LONGEST_HEADER])
    except ValueError:
        return nothing
    if header is None or header.channels != 1:
        return nothing
    body = data[header.data_at :][: header.data_size]
    if header.tag == wav.PCM and header.bits == 16:
        return samples_of(body[: len(body) // 2 * 2]), header.rate
    if header.tag in (wav.MULAW, wav.ALAW):
        return g711.decode(body, alaw=header.tag == wav.ALAW), header.rate
    return nothing


def _words(sung: melody.Sung) -> list[Word]:
    body = sung.text.encode("utf-8", "replace")
    found = []
    for match in _WORD.finditer(body):
        if match.end() <= len(sung.times):
            began, ended = sung.times[match.start()][0], sung.times[match.end() - 1][1]
            found.append(Word(match.group().decode("utf-8", "replace"), round(began, 3), round(ended, 3)))
    return found


def _segments(heard: Heard) -> list[list[Word]]:
    found: list[list[Word]] = []
    for word in heard.words:
        if not found or found[-1][-1].text.endswith(_SENTENCE_ENDS):
            found.append([])
        found[-1].append(word)
    return found


def _segment(place: int, words: list[Word], *, speakers: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"id": place, "start": words[0].began, "end": words[-1].ended}
    told |= {"text": " ".join(word.text for word in words), "avg_logprob": -0.1, "temperature": 0.0}
    return told | {"speaker": "A"} if speakers else told


def _as_messages(segments: list[list[Word]]) -> list[TranscriptSegment]:
    return [
        TranscriptSegment(
            text=" ".join(word.text for word in words),
            start_offset=sound.duration(words[0].began),
            end_offset=sound.duration(words[-1].ended),
        )
        for words in segments
    ]
