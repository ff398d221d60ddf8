import time
from email.utils import formatdate

import pytest

from server.wire.retry_after import MAX_SECONDS, retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, 360),
        ({"x-ratelimit-reset-tokens": "7m12.5s", "x-ratelimit-remaining-tokens": "0"}, 432.5),
        (
            {
                "x-ratelimit-reset-requests": "20ms",
                "x-ratelimit-remaining-requests": "5",
                "x-ratelimit-reset-tokens": "3s",
                "x-ratelimit-remaining-tokens": "0",
            },
            3,
        ),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "9s"}, 1),
        ({"x-ratelimit-reset": "12"}, 12),
        ({"retry-after": "999999999"}, MAX_SECONDS),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"x-ratelimit-reset": "later"}, None),
        ({}, None),
    ],
)
def test_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == (None if seconds is None else pytest.approx(seconds))


def test_a_date_is_counted_from_now() -> None:
    found = retry_after({"retry-after": formatdate(time.time() + 30, usegmt=True)})
    assert found is not None
    assert 27 < found < 31


def test_a_moment_in_milliseconds_is_counted_from_now() -> None:
    found = retry_after({"x-ratelimit-reset": str(int((time.time() + 40) * 1000))})
    assert found is not None
    assert 38 < found <= 40


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit reached. Please try again in 7m12.5s. Visit …", 432.5),
        ("Please try again in 6ms.", 0.006),
        ("Please retry after 10 s", 10),
        ("Please try again in a while", None),
    ],
)
def test_the_message_says_it_where_no_header_does(message: str, seconds: float | None) -> None:
    assert retry_after({}, message) == (None if seconds is None else pytest.approx(seconds))
