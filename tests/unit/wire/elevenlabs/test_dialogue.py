"""What a session of ElevenLabs' realtime speech to text means, in every order its messages come in."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest

from server.errors import ProviderBadResponse
from server.wire.audio.live import Event, Kind
from server.wire.elevenlabs.dialogue import ElevenLabsDialogue
from server.wire.elevenlabs.session_clock import SessionClock

RATE = 8000
SECOND = bytes(2 * RATE)


def dialogue(silence: float = 1.5, heard: float = 0.0) -> ElevenLabsDialogue:
    made = ElevenLabsDialogue(RATE, silence=silence, context="")
    if heard:
        made.append(bytes(int(2 * RATE * heard)))
    return made


def read(session: ElevenLabsDialogue, kind: str, text: str = "", *times: tuple[str, float, float]) -> Sequence[Event]:
    words = [{"text": word, "start": start, "end": end, "type": "word"} for word, start, end in times]
    return session.read(json.dumps({"message_type": kind, "text": text, "words": words}))


def plain(session: ElevenLabsDialogue, text: str) -> Sequence[Event]:
    return read(session, "committed_transcript", text)


def timed(session: ElevenLabsDialogue, text: str, end: float = 0.5) -> Sequence[Event]:
    times = [(text, end - 0.25, end)] if text else []
    return read(session, "committed_transcript_with_timestamps", text, *times)


def told(events: Sequence[Event]) -> list[tuple[Kind, str]]:
    return [(one.kind, one.text) for one in events if one.kind is not Kind.COMMITTED]


def answers(events: Sequence[Event]) -> bool:
    return next(one.answers for one in events if one.kind is Kind.COMMITTED)


def test_twins_are_one_utterance_whichever_comes_first() -> None:
    session = dialogue(heard=3)
    assert plain(session, "One") == []
    assert session.patience() is not None
    assert told(timed(session, "One")) == [(Kind.COMPLETED, "One")]
    assert session.patience() is None
    assert told(timed(session, "Two")) == [(Kind.COMPLETED, "Two")]
    assert plain(session, "Two") == []
    assert plain(session, "Three") == []
    assert told(timed(session, "Three")) == [(Kind.COMPLETED, "Three")]


def test_without_its_twin_a_transcript_is_told_without_times() -> None:
    session = dialogue(heard=3)
    plain(session, "One")
    assert told(session.overdue()) == [(Kind.COMPLETED, "One")]
    assert timed(session, "One") == []  # late: it was told already
    plain(session, "Two")
    events = plain(session, "Three")  # the twin of Two will not come any more
    assert told(events) == [(Kind.COMPLETED, "Two")]
    assert events[0].span == (3.0, 3.0)  # from where the last one ended to all that was heard
    assert session.overdue()
    assert session.overdue() == ()


def test_a_commit_is_answered_by_what_ends_where_it_was_made() -> None:
    session = dialogue(heard=5)
    session.commit()
    plain(session, "One")
    assert answers(timed(session, "One", 4.5))
    assert session.patience() is None


def test_an_utterance_that_silence_ended_may_have_overtaken_a_commit() -> None:
    session = dialogue(heard=5)
    session.commit()
    plain(session, "One")
    assert not answers(timed(session, "One", 2.0))
    assert session.patience() is not None
    plain(session, "Two")
    assert answers(timed(session, "Two", 3.0))
    assert session.patience() is None


@pytest.mark.parametrize("how", ["nothing more", "an empty transcript", "throttled"])
def test_a_commit_that_found_nothing(how: str) -> None:
    session = dialogue(heard=5)
    session.commit()
    plain(session, "One")
    timed(session, "One", 2.0)
    if how == "nothing more":
        events = session.overdue()
    elif how == "an empty transcript":
        events = [*plain(session, ""), *timed(session, "")]
    else:
        events = read(session, "commit_throttled")
    assert told(events) == [(Kind.NOTHING_COMMITTED, "")]
    assert session.patience() is None
    assert session.overdue() == ()


def test_where_the_caller_ends_utterances_each_transcript_answers() -> None:
    session = dialogue(silence=0, heard=5)
    session.commit()
    session.commit()
    plain(session, "One")
    assert answers(timed(session, "One", 1.0))
    assert told([*plain(session, ""), *timed(session, "")]) == [(Kind.NOTHING_COMMITTED, "")]
    assert plain(session, "") == []
    assert timed(session, "") == []  # nobody asked


def test_a_commit_is_of_three_tenths_of_a_second_at_least() -> None:
    def length(frame: Any) -> float:
        return len(base64.b64decode(json.loads(frame)["audio_base_64"])) / 2 / RATE

    session = dialogue(heard=5)
    assert length(session.commit()[0]) == 0
    session.append(bytes(RATE // 5))  # 0.1 s
    assert length(session.commit()[0]) == pytest.approx(0.2, abs=0.001)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("session_time_limit_exceeded", Kind.EXPIRED), ("insufficient_audio_activity", Kind.EXPIRED),
        ("auth_error", Kind.FAILED), ("error", Kind.FAILED), ("partial_transcript", Kind.GUESS),
    ],
)  # fmt: skip
def test_other_messages(kind: str, expected: Kind) -> None:
    assert [one.kind for one in read(dialogue(), kind, "text")] == [expected]
    assert read(dialogue(), "partial_transcript") == ()


@pytest.mark.parametrize("message", ["[]", "3", "null", '{"message_type": 3}', '{"message_type": "unheard of"}', "{}"])
def test_what_means_nothing_is_passed_over(message: str) -> None:
    assert dialogue().read(message) == ()
    with pytest.raises(ProviderBadResponse):
        dialogue().read("no json")


def test_the_clock_leaves_out_what_nobody_said() -> None:
    clock = SessionClock(10)
    clock.hear(20)
    clock.pad(5)
    clock.pad(5)
    clock.hear(10)
    clock.pad(10)
    assert clock.heard == 3.0
    places = (0.0, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0)
    assert [clock.real(place) for place in places] == [0.0, 2.0, 2.0, 2.0, 2.5, 3.0, 3.0, 3.0, 4.0]
