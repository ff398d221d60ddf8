from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import ProviderBadResponse
from server.wire.sse import Event, SseParser


def events(*reads: bytes) -> list[Event]:
    parser = SseParser()
    found = [event for data in reads for event in parser.feed(data)]
    if (rest := parser.rest()) is not None:
        found.append(rest)
    return found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"data: a\n\ndata: b\n\n", [("", b"a"), ("", b"b")], id="lf"),
        pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a"), ("", b"b")], id="crlf"),
        pytest.param(b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")], id="cr"),
        pytest.param(b"data: a\r\n\ndata: b\n\r\n", [("", b"a"), ("", b"b")], id="mixed"),
        pytest.param(b": OPENROUTER PROCESSING\n\ndata: a\n\n", [("", b"a")], id="comment_of_its_own"),
        pytest.param(b": hi\ndata: a\n\n", [("", b"a")], id="comment_before_data"),
        pytest.param(b"event: error\ndata: {}\n\n", [("error", b"{}")], id="named"),
        pytest.param(b"data: a\ndata: b\n\n", [("", b"a\nb")], id="two_lines_of_data"),
        pytest.param(b"data:a\n\n", [("", b"a")], id="no_space"),
        pytest.param(b"data:  a\n\n", [("", b" a")], id="only_one_space_is_taken"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [("", b"a")], id="bom"),
        pytest.param(b"id: 1\nretry: 5\ndata: a\n\n", [("", b"a")], id="other_fields"),
        pytest.param(b"data\n\n", [("", b"")], id="field_without_colon"),
        pytest.param(b"event: ping\n\ndata: a\n\n", [("", b"a")], id="no_data_no_event"),
        pytest.param(b"\n\n\n\ndata: a\n\n\n\n", [("", b"a")], id="blank_lines"),
        pytest.param(b"data: a\n\ndata: b", [("", b"a"), ("", b"b")], id="last_blank_line_missing"),
        pytest.param("data: grüße €\n\n".encode(), [("", "grüße €".encode())], id="utf8"),
    ],
)
def test_every_split_gives_the_same_events(body: bytes, expected: list[Event]) -> None:
    assert events(body) == expected
    for cut in range(len(body) + 1):
        assert events(body[:cut], body[cut:]) == expected
    assert events(*(body[at : at + 1] for at in range(len(body)))) == expected


def test_an_event_above_the_limit_is_refused_before_it_is_whole() -> None:
    parser = SseParser(limit=1000)
    for _ in range(50):
        parser.feed(b"x" * 20)
    with pytest.raises(ProviderBadResponse):
        parser.feed(b"x")


def test_many_events_above_the_limit_together_pass() -> None:
    parser = SseParser(limit=100)
    assert sum(len(parser.feed(b"data: " + b"x" * 80 + b"\n\n")) for _ in range(100)) == 100


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_any_bytes_read_alike_however_they_are_cut(body: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(body), *(min(cut, len(body)) for cut in cuts)})
    pieces = [body[a:b] for a, b in pairwise(edges)]
    assert events(*pieces) == events(body)
