"""Lines out of a body, however it was cut."""

import pytest

from server.errors import ProviderBadResponse
from server.wire.ndjson import NdjsonParser

BODY = '{"a":"Grüße"}\n\n  \n{"b":[]}\r\n{"c":1}'.encode()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_lines_whatever_the_cuts(size: int) -> None:
    parser = NdjsonParser()
    lines = [line for at in range(0, len(BODY), size) for line in parser.feed(BODY[at : at + size])]
    assert [line.strip() for line in lines] == ['{"a":"Grüße"}'.encode(), b'{"b":[]}']
    assert parser.rest() == b'{"c":1}'
    assert parser.rest() == b""


def test_a_line_has_a_longest_length_that_ends_with_the_line() -> None:
    parser = NdjsonParser(limit=5)
    assert parser.feed(b"1234\n1234") == [b"1234"]
    assert parser.feed(b"5\n") == [b"12345"]
    with pytest.raises(ProviderBadResponse):
        parser.feed(b"123456")
