"""AWS event-stream framing: by botocore's own reading, however the network cuts it, and when it is damaged."""

import random
import struct
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer

from server.errors import ProviderBadResponse
from server.wire.event_stream import Event, EventStreamParser
from tests.event_frames import event, exception, frame, message, text_headers

STREAM = (
    event("messageStart", {"role": "assistant"})
    + event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Grüße 🌍"}, "p": "abcd"})
    + frame(b"", message_type="event", event_type="empty")
    + exception("throttlingException", "slow down")
    + frame(b"x" * 70_000, message_type="event")
)


def read(*pieces: bytes) -> list[Event]:
    parser = EventStreamParser()
    events = [found for piece in pieces for found in parser.feed(piece)]
    assert not parser.inside
    return events


def test_it_reads_what_botocore_reads() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(STREAM)
    theirs = [Event(told.headers, told.payload) for told in buffer]
    assert read(STREAM) == theirs
    assert len(theirs) == 5
    assert theirs[3].headers[":exception-type"] == "throttlingException"


def test_cuts_change_nothing() -> None:
    whole = read(STREAM)
    small = STREAM[:600]
    for size in (1, 2, 11, 12, 13, 100):
        parser = EventStreamParser()
        pieces = [small[at : at + size] for at in range(0, len(small), size)]
        assert [found for piece in pieces for found in parser.feed(piece)] == whole[:4]
        assert parser.inside
    chance = random.Random(7)
    for _ in range(20):
        cuts = sorted(chance.sample(range(len(STREAM)), 9))
        pieces = [STREAM[a:b] for a, b in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
        assert read(*pieces) == whole


def test_every_type_of_header_is_passed_over() -> None:
    odd = (
        b"\x01a\x00" + b"\x01b\x01" + b"\x01c\x02\xff" + b"\x01d\x03\x00\x01" + b"\x01e\x04" + bytes(4)
        + b"\x01f\x05" + bytes(8) + b"\x01g\x06\x00\x02hi" + b"\x01h\x08" + bytes(8) + b"\x01i\x09" + bytes(16)
    )  # fmt: skip
    assert read(message(odd + text_headers({":event-type": "x"}), b"{}")) == [Event({":event-type": "x"}, b"{}")]


@pytest.mark.parametrize(
    "headers",
    [b"\x05ab", b"\x01a\x0a", b"\x01a\x07\x00\x09ab", b"\x01a", b"\x02\xff\xfe\x00", b"\x01a\x07\x00", b"\x01a\x09ab"],
)
def test_headers_that_make_no_sense(headers: bytes) -> None:
    with pytest.raises(ProviderBadResponse, match="headers"):
        list(EventStreamParser().feed(message(headers, b"{}")))


def test_what_came_before_the_damage_is_told() -> None:
    first, second = event("a", {"n": 1}), bytearray(event("b", {"n": 2}))
    second[-6] ^= 1
    events = EventStreamParser().feed(first + bytes(second))
    assert next(events).payload == b'{"n":1}'
    with pytest.raises(ProviderBadResponse, match="damaged"):
        next(events)


@pytest.mark.parametrize("body", [b'{"message": "no stream"}', b"<html>an error page</html>", b"data: {}\n\n" * 2])
def test_no_event_stream_at_all(body: bytes) -> None:
    with pytest.raises(ProviderBadResponse, match="no event stream"):
        list(EventStreamParser().feed(body))


def test_length_is_bounded_before_it_is_waited_for() -> None:
    prelude = struct.pack(">II", 2**31, 0)
    with pytest.raises(ProviderBadResponse, match="longer"):
        list(EventStreamParser().feed(prelude + struct.pack(">I", crc32(prelude))))
    short = struct.pack(">II", 20, 100)
    with pytest.raises(ProviderBadResponse, match="no event stream"):
        list(EventStreamParser().feed(short + struct.pack(">I", crc32(short))))


def test_a_message_that_comes_byte_by_byte_is_not_joined_each_time() -> None:
    parser = EventStreamParser()
    long = frame(b"x" * 300_000)
    found = [got for at in range(0, len(long), 3) for got in parser.feed(long[at : at + 3])]
    assert [len(got.payload) for got in found] == [300_000]
