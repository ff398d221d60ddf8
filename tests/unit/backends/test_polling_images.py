"""Where a job may be asked after, and how often."""

from itertools import islice

import pytest

from server.backends.polling_images import Pauses, where_to_ask
from server.errors import ProviderBadResponse
from server.transport.credentials import bearer
from server.transport.endpoint import Endpoint

DOMAINS = ("vendor.ai", "vendor.ml")


def endpoint(base_url: str = "https://api.vendor.ai") -> Endpoint:
    return Endpoint(name="v", base_url=base_url, authorize=bearer, headers={"X-Own": "1"})


@pytest.mark.parametrize(
    ("base_url", "url", "whole"),
    [
        ("https://api.vendor.ai", "https://api.vendor.ai/get?id=1&b=%20", ("https://api.vendor.ai", "/get?id=1&b=%20")),
        ("https://api.vendor.ai", "https://API.eu1.Vendor.ai:443/x", ("https://API.eu1.Vendor.ai:443", "/x")),
        ("https://vendor.ai", "https://api.vendor.ai/x#part", ("https://api.vendor.ai", "/x")),
        ("https://api.vendor.ml", "https://api.us.vendor.ml", ("https://api.us.vendor.ml", "/")),
        ("http://127.0.0.1:8080/below", "http://127.0.0.1:8080/v1/get", ("http://127.0.0.1:8080", "/v1/get")),
    ],
)  # fmt: skip
def test_hosts_of_the_provider_are_asked(base_url: str, url: str, whole: tuple[str, str]) -> None:
    asked, request = where_to_ask(url, endpoint(base_url), DOMAINS)
    assert (asked.base_url, request.path) == whole
    assert (request.method, asked.headers, asked.authorize) == ("GET", {"X-Own": "1"}, bearer)


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.vendor.ai", "https://evil.example/v1/get"),
        ("https://api.vendor.ai", "https://api.vendor.ai.evil.example/"),
        ("https://api.vendor.ai", "https://evilvendor.ai/"),
        ("https://api.vendor.ai", "https://api.vendor.ml/"),  # another domain of the vendor's is another place
        ("https://api.vendor.ai", "http://api.vendor.ai/"),
        ("https://api.vendor.ai", "https://api.vendor.ai:8443/"),
        ("https://api.vendor.ai", "https://user@api.vendor.ai/"),
        ("https://api.vendor.ai", "https://api.vendor.ai\\@evil.example/"),
        ("https://api.vendor.ai", "https://api.vendor.ai/a b"),
        ("https://api.vendor.ai", "https://api.vendor.ai/\u00e9"),
        ("https://api.vendor.ai", "https://api.vendor.ai:x/"),
        ("https://api.vendor.ai", "https://[::1/"),
        ("https://api.vendor.ai", "/v1/get"),
        ("https://api.vendor.ai", ""),
        ("https://flux.inside.example", "https://api.vendor.ai/"),
        ("https://flux.inside.example", "https://other.inside.example/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:9090/"),
        ("http://127.0.0.1:8080", "http://169.254.169.254/"),
    ],
)
def test_the_credential_goes_nowhere_else(base_url: str, url: str) -> None:
    with pytest.raises(ProviderBadResponse, match="not its own"):
        where_to_ask(url, endpoint(base_url), DOMAINS)


def test_pauses_grow_to_a_bound() -> None:
    assert list(islice(Pauses(first=1, growth=2, longest=5), 5)) == [1, 2, 4, 5, 5]
    usual = list(islice(Pauses(), 30))
    assert usual == sorted(usual)
    assert usual[0] < 0.5 < usual[-1] < 10
