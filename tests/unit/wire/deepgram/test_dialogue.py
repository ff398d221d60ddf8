"""What a session of Deepgram's live speech means."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from server.errors import ProviderBadResponse
from server.wire.audio.live import Event, Kind
from server.wire.deepgram.live import DeepgramDialogue

RATE = 8000


def heard(seconds: float = 0.0) -> DeepgramDialogue:
    session = DeepgramDialogue(RATE)
    session.append(bytes(int(2 * RATE * seconds)))
    return session


def result(session: DeepgramDialogue, text: str, start: float = 0.0, **more: Any) -> Sequence[Event]:
    told = {"type": "Results", "start": start, "duration": 1.0, "channel": {"alternatives": [{"transcript": text}]}}
    return session.read(json.dumps({**told, **more}))


def told(events: Sequence[Event]) -> list[tuple[Kind, str]]:
    return [(one.kind, one.text) for one in events]


def test_stretches_become_an_utterance() -> None:
    session = heard()
    assert told(result(session, "One", is_final=True)) == [(Kind.GUESS, "One")]
    assert told(result(session, "thing", 1.0)) == [(Kind.GUESS, "One thing")]
    events = result(session, "thing.", 1.0, is_final=True, speech_final=True)
    assert told(events)[-1] == (Kind.COMPLETED, "One thing.")
    assert events[-2].span == (0.0, 2.0)
    assert {one.item for one in events} == {"0"}
    assert result(session, "Next", 3.0)[0].item == "1"


def test_speech_begins_once_and_ends_with_its_last_word() -> None:
    session = heard()
    started = '{"type": "SpeechStarted", "timestamp": 0.25}'
    [begun] = session.read(started)
    assert (begun.kind, begun.seconds) == (Kind.SPEECH_STARTED, 0.25)
    assert session.read(started) == ()
    result(session, "One.", is_final=True)
    assert [one.kind for one in session.read('{"type": "UtteranceEnd"}')] == [
        Kind.SPEECH_STOPPED, Kind.COMMITTED, Kind.COMPLETED,
    ]  # fmt: skip
    assert session.read('{"type": "UtteranceEnd"}') == []


@pytest.mark.parametrize("how", ["finalized", "later audio", "silence"])
@pytest.mark.parametrize("text", ["Heard.", ""])
def test_a_commit_is_answered(how: str, text: str) -> None:
    session = heard(2.0)
    if text:
        result(session, text, is_final=True)
    session.commit()
    if how == "finalized":
        events = result(session, "", from_finalize=True, is_final=True)
    elif how == "later audio":
        events = result(session, "", 2.0)
    else:
        assert session.patience() is not None
        events = session.overdue()
    expected = [(Kind.COMMITTED, ""), (Kind.COMPLETED, text)] if text else [(Kind.NOTHING_COMMITTED, "")]
    assert told(events) == expected
    assert events[0].answers == bool(text)
    assert session.patience() is None
    assert session.overdue() == ()


def test_the_end_is_the_summary_and_what_it_is_followed_by() -> None:
    session = heard(2.0)
    assert session.read('{"type": "Metadata", "duration": 9}') == ()  # nobody asked for the end
    session.finish()
    assert session.read('{"type": "Metadata", "duration": 0.5}') == []
    result(session, "More.", is_final=True)
    assert told(session.read('{"type": "Metadata", "duration": 1.5}'))[-1] == (Kind.COMPLETED, "More.")
    [ended] = session.overdue()
    assert ended.kind is Kind.ENDED
    assert ended.usage
    assert ended.usage.billed_audio_duration.ToMilliseconds() == 1500
    assert session.overdue() == ()


@pytest.mark.parametrize(
    "message",
    [
        "[]", "3", "null", "{}", '{"type": 3}', '{"type": "Results"}', '{"type": "Results", "channel": []}',
        '{"type": "Results", "channel": {"alternatives": [3]}, "is_final": "yes", "start": "soon"}',
        '{"type": "Results", "is_final": true, "speech_final": true}', '{"type": "Unheard"}', b'{"type": "Metadata"}',
    ],
)  # fmt: skip
def test_what_means_nothing_is_passed_over(message: str | bytes) -> None:
    assert not heard().read(message)


def test_what_cannot_be_read() -> None:
    with pytest.raises(ProviderBadResponse):
        heard().read("no json")
    [failed] = heard().read('{"type": "Error", "description": "overloaded", "variant": 3}')
    assert failed.error is not None
