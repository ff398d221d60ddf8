"""Forms, subtitles and extra fields."""

import pytest
from aignehub.v1.audio_pb2 import TranscriptSegment, TranscriptWord

from server.wire.audio.subtitles import read_cues, segments_of, srt, vtt
from server.wire.multipart import FilePart, multipart
from server.wire.sound import duration


def segment(text: str, begin: float, end: float, speaker: str = "") -> TranscriptSegment:
    return TranscriptSegment(text=text, start_offset=duration(begin), end_offset=duration(end), speaker=speaker)


def word(text: str, begin: float, end: float, speaker: str = "") -> TranscriptWord:
    return TranscriptWord(word=text, start_offset=duration(begin), end_offset=duration(end), speaker=speaker)


def test_a_name_cannot_leave_its_place() -> None:
    piece = bytes(10)
    kind, pieces = multipart(
        [('a"b\r\nc', "v")], [FilePart("file", 'x"\r\ny\0\x7f.wav', "audio/wav\r\nX: y", (piece,))]
    )
    body = b"".join(pieces)
    assert kind.startswith("multipart/form-data; boundary=hub-")
    assert b'name="a%22b%0D%0Ac"' in body
    assert b'filename="x%22%0D%0Ay%00%7F.wav"' in body
    assert b"\r\nX: y" not in body
    assert any(one is piece for one in pieces)  # never copied


def test_subtitles_there_and_back() -> None:
    told = [segment("One --> two\n\nthree", 0.0, 1.0004), segment("Later", 3661.5, 3662.25, "A>")]
    assert srt(told).splitlines()[1:3] == ["00:00:00,000 --> 00:00:01,000", "One -> two three"]
    assert "01:01:01,500 --> 01:01:02,250\nA: Later" in srt(told)
    assert "<v A>Later" in vtt(told)
    for text in (srt(told[:1]), vtt(told[:1])):
        [cue] = read_cues(text)
        assert (cue.text, cue.end_offset.ToMilliseconds()) == ("One -> two three", 1000)
    assert read_cues("nothing of the kind") == []


def test_words_become_segments() -> None:
    words = [
        word("One", 0, 0.2), word("two.", 0.2, 0.4), word("Three", 0.5, 0.7), word("after", 2.0, 2.2),
        word("other", 2.2, 2.4, "1"), *(word("on", 3 + at, 3.9 + at, "1") for at in range(9)),
    ]  # fmt: skip
    found = segments_of(words)
    assert [one.text for one in found[:4]] == ["One two.", "Three", "after", "other on on on on on on"]
    assert [one.speaker for one in found[:4]] == ["", "", "", "1"]
    assert found[0].end_offset.ToMilliseconds() == 400


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [
        (["Hello", "there", "All", "well"], 'Hello, there. "All well?"', ["Hello, there.", '"All well?"']),
        (["\u6771", "\u4eac", "\u3067\u3059"], "\u6771\u4eac\u3067\u3059\u3002", ["\u6771\u4eac\u3067\u3059\u3002"]),
        (["Hello", "there"], "Something else", ["Hello there"]),
        (["One", "two"], "One that nobody timed two", ["One two"]),
        (["Hi"], '"Hi"', ['"Hi"']),
        ([], "Nothing", []),
    ],
)
def test_what_stands_between_words_is_kept(words: list[str], text: str, said: list[str]) -> None:
    timed = [word(one, at / 5, at / 5 + 0.1) for at, one in enumerate(words)]
    assert [one.text for one in segments_of(timed, text)] == said
