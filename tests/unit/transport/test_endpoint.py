"""What an operator can get wrong is told when the endpoint is made, not when a call fails."""

from typing import Any

import pytest

from server.transport.credentials import bearer
from server.transport.endpoint import Credential, Endpoint, Timeouts
from server.transport.settings import TransportSettings


def test_a_secret_file_ends_in_a_newline() -> None:
    assert Credential("first", "sk-abc\r\n").secret == "sk-abc"


@pytest.mark.parametrize("secret", ["sk-a\nb", "sk-a\r\nX: y", "sk-a\0b", "sk-ä", "sk-😀", "sk-\x7f"])
def test_a_secret_no_header_can_carry_is_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(ValueError, match="credential 'first'") as caught:
        Credential("first", secret)
    assert "sk-" not in str(caught.value)


def test_a_secret_is_not_in_the_repr() -> None:
    assert "sk-abc" not in repr(Credential("first", "sk-abc"))


@pytest.mark.parametrize(
    ("base_url", "why"),
    [
        ("", "is empty"),
        ("api.example.com/v1", "must begin with https"),
        ("ftp://example.com", "must begin with https"),
        ("https://", "names no host"),
        ("https:///v1", "names no host"),
        ("https://user:hunter2@example.com/v1", "must not hold a user or a password"),
        ("https://example.com/v1?key=hunter2", "must end before any"),
        ("https://example.com/v1#x", "must end before any"),
        ("https://exam ple.com", "holds a space"),
        ("https://exämple.com", "holds a space or a character outside ASCII"),
        ("https://example.com:port/", "is no URL"),
        ("https://[::1", "is no URL"),
    ],
)
def test_a_base_url_that_cannot_work_is_refused(base_url: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"provider 'acme': base_url: {why}") as caught:
        Endpoint("acme", base_url, bearer)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("base_url", ["https://api.example.com/v1/", " https://api.example.com/v1\n"])
def test_a_base_url_is_kept_without_its_last_slash(base_url: str) -> None:
    assert Endpoint("acme", base_url, bearer).base_url == "https://api.example.com/v1"


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"X A": "b"}, "no HTTP header name"),
        ({"": "b"}, "no HTTP header name"),
        ({"X-A:": "b"}, "no HTTP header name"),
        ({"X-A": "b\r\nX-B: c"}, "the value of header X-A"),
        ({"X-A": "ü"}, "the value of header X-A"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused(headers: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Endpoint("acme", "https://api.example.com", bearer, headers=headers)


@pytest.mark.parametrize("proxy", ["https://proxy:3128", "socks5://proxy:1080", "proxy:3128", ""])
def test_only_an_http_proxy_is_taken(proxy: str) -> None:
    with pytest.raises(ValueError, match="proxy"):
        Endpoint("acme", "https://api.example.com", bearer, proxy=proxy)
    with pytest.raises(ValueError, match="proxy"):
        TransportSettings(proxy=proxy)


@pytest.mark.parametrize("wrong", [{"connect": 0}, {"idle": -1}, {"first_byte": float("inf")}, {"idle": float("nan")}])
def test_a_wait_is_a_number_of_seconds(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="timeouts"):
        Timeouts(**wrong)
