from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cli.duration import parse_duration, spoken_duration
from server.cli.failure import CommandFailed


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("24h", 86_400),
        ("30d", 2_592_000),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("2.5s", 2.5),
        (" 1W ", 604_800),
    ],
)
def test_reads_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text, "--x") == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "d", "1y", "-5s", "1 h", "5s!", "0s", "99999999d", "٣s", "1e9s", "1h junk 2m"]
)
def test_refuses_what_is_none_and_names_the_option(text: str) -> None:
    with pytest.raises(CommandFailed, match="--grace") as refused:
        parse_duration(text, "--grace")
    assert refused.value.status == 2


def test_a_bare_number_is_seconds_only_where_asked() -> None:
    assert parse_duration("1.5", "--deadline", bare_seconds=True) == 1.5


@given(st.text(max_size=12))
def test_any_text_is_a_positive_length_or_refused(text: str) -> None:
    with suppress(CommandFailed):
        assert parse_duration(text, "--x") > 0


@pytest.mark.parametrize(
    ("seconds", "spoken"),
    [(0.3141, "0.314 s"), (59.9, "59.9 s"), (60, "1 min"), (61, "1 min 1 s"), (7200, "2 h"), (93_600, "1 d 2 h")],
)
def test_speaks_in_the_two_largest_units(seconds: float, spoken: str) -> None:
    assert spoken_duration(seconds) == spoken
