"""SubRip and WebVTT, both ways, and segments made of words.

https://www.w3.org/TR/webvtt1/ and https://docs.fileformat.com/video/srt/
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from aignehub.v1.audio_pb2 import TranscriptSegment, TranscriptWord
from google.protobuf.duration_pb2 import Duration

from server.wire.sound import duration

_CUE = re.compile(
    r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})[ \t]+-->[ \t]+(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})[^\n]*\n"
    r"((?:[^\n]+(?:\n|$))*)"
)
_PAUSE = 0.8  # seconds of silence after which a new segment begins
_MOST_BETWEEN = 8  # characters: what is longer between two words is words that have no times
_SAYS = re.compile(r"\w")
_LONGEST = 7.0  # seconds; a subtitle should not stand longer
_ENDS = (".", "!", "?", "\u3002", "\uff01", "\uff1f")  # the last three are Chinese and Japanese


def srt(segments: Iterable[TranscriptSegment]) -> str:
    """SubRip: numbered cues, a comma before the milliseconds."""
    return "".join(
        f"{number}\n{_time(one.start_offset, ',')} --> {_time(one.end_offset, ',')}\n{_said(one)}\n\n"
        for number, one in enumerate(segments, 1)
    )


def vtt(segments: Iterable[TranscriptSegment]) -> str:
    """WebVTT: a heading, then cues."""
    cues = "".join(
        f"{_time(one.start_offset, '.')} --> {_time(one.end_offset, '.')}\n{_said(one, voice=True)}\n\n"
        for one in segments
    )
    return "WEBVTT\n\n" + cues


def read_cues(text: str) -> list[TranscriptSegment]:
    """The cues of either format as segments, in order; empty where there are none."""
    found: list[TranscriptSegment] = []
    for match in _CUE.finditer(text.replace("\r\n", "\n").replace("\r", "\n")):
        times, said = match.groups()[:8], match.group(9)
        found.append(
            TranscriptSegment(
                id=len(found),
                start_offset=duration(_seconds(times[:4])),
                end_offset=duration(_seconds(times[4:])),
                text=" ".join(said.split()),
            )
        )
    return found


def segments_of(words: Sequence[TranscriptWord], text: str = "") -> list[TranscriptSegment]:
    """Words gathered into segments: a new one after a sentence, a pause, 7 seconds, or at another speaker.

    What stands between two words is taken from ``text``, where they are found in it: punctuation that the words lack,
    and no space in the languages that have none.
    """
    found: list[TranscriptSegment] = []
    for word, (closes, space, opens) in zip(words, _between(words, text), strict=False):
        last = found[-1] if found else None
        if last is not None:
            last.text += closes
        if last is None or _begins(word, last):
            last = TranscriptSegment(id=len(found), start_offset=word.start_offset, speaker=word.speaker)
            found.append(last)
        last.text = f"{last.text}{space}{opens}{word.word.strip()}".strip()
        last.end_offset.CopyFrom(word.end_offset)
    if found:
        found[-1].text += _after(words[-1].word.strip(), text)
    return found


def _after(said: str, text: str) -> str:
    """What closes the last word."""
    at = text.rfind(said)
    rest = text[at + len(said) :].rstrip() if at >= 0 else ""
    return "" if len(rest) > _MOST_BETWEEN or _SAYS.search(rest) or rest[:1].isspace() else rest


def _between(words: Sequence[TranscriptWord], text: str) -> Iterator[tuple[str, str, str]]:
    """For each word, what closes the one before it, the space between them, and what opens it."""
    place = 0
    for number, word in enumerate(words):
        said = word.word.strip()
        at = text.find(said, place) if said else -1
        gap = text[place:at]
        if at < 0 or len(gap) > _MOST_BETWEEN or _SAYS.search(gap):
            yield "", " ", ""
        else:
            yield _split(gap) if number else ("", "", gap)
        if at >= 0:
            place = at + len(said)


def _split(gap: str) -> tuple[str, str, str]:
    """A gap at its last white space; without any, all of it closes."""
    cut = max(gap.rfind(" "), gap.rfind("\n"))
    return (gap, "", "") if cut < 0 else (gap[:cut].rstrip(), " ", gap[cut + 1 :])


def _begins(word: TranscriptWord, last: TranscriptSegment) -> bool:
    return (
        word.speaker != last.speaker
        or last.text.endswith(_ENDS)
        or _float(word.start_offset) - _float(last.end_offset) > _PAUSE
        or _float(word.end_offset) - _float(last.start_offset) > _LONGEST
    )


def _said(segment: TranscriptSegment, *, voice: bool = False) -> str:
    # A cue ends at an empty line, and an arrow within it would begin another.
    text = " ".join(segment.text.split()).replace("-->", "->")
    if not segment.speaker:
        return text
    speaker = " ".join(segment.speaker.split()).replace(">", "")
    return f"<v {speaker}>{text}" if voice else f"{speaker}: {text}"


def _time(offset: Duration, mark: str) -> str:
    milliseconds = round(offset.ToMicroseconds() / 1000)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{milliseconds:03}"


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{fraction or 0}")


def _float(offset: Duration) -> float:
    return offset.ToMicroseconds() / 1_000_000
