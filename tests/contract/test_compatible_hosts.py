"""Rows of the provider table: what an operator may write, and where it leads."""

from collections.abc import Mapping

import pytest

from server.providers import compatible
from server.providers.registry import PROVIDERS
from server.transport.endpoint import Credential, Outgoing
from server.wire.http import HttpResponse
from tests.unit.wire.support import ask

HOSTS = sorted(kind.name for kind in compatible.KINDS)
OWN_ADDRESS = ("azure", "azure-foundry", "openai-compatible")
SECRET = Credential("first", "s3cret")


async def _no_fetch(method: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
    raise AssertionError(f"{method} {url}: a fixed key needs no token")


OUTGOING = Outgoing("POST", "https://x.test/v1", {}, b"{}", _no_fetch)


@pytest.mark.parametrize("name", HOSTS)
def test_a_row_is_whole(name: str) -> None:
    kind = PROVIDERS[name]
    assert kind.name == name
    assert kind.chat is not None
    assert not kind.base_url.endswith("/")
    assert kind.base_url.startswith(("https://", "http://localhost")) or name in OWN_ADDRESS
    assert set(kind.header_options) <= kind.options
    assert kind.needs_key is (name not in ("ollama", "lmstudio", "vllm", "openai-compatible"))
    sent = kind.chat({}).encode(ask(), "m", stream=False)
    assert (sent.method, sent.path.partition("?")[0]) == ("POST", "/chat/completions")


@pytest.mark.parametrize("name", HOSTS)
def test_a_key_travels_one_way(name: str) -> None:
    kind = PROVIDERS[name]
    expected = {"api-key": "s3cret"} if name.startswith("azure") else {"Authorization": "Bearer s3cret"}
    assert kind.authorize({})(SECRET, OUTGOING) == expected
    assert kind.authorize({})(Credential("none"), OUTGOING) == {}


def test_no_two_kinds_take_one_key_from_the_environment() -> None:
    names = [name for kind in PROVIDERS.values() for name in kind.key_env]
    assert len(names) == len(set(names))
    assert "OPENAI_API_KEY" in PROVIDERS["openai"].key_env
    assert set(PROVIDERS["openrouter"].key_env) == {"OPENROUTER_API_KEY", "OPEN_ROUTER_API_KEY"}


def test_options_that_are_headers() -> None:
    assert PROVIDERS["openai"].header_options == {"organization": "OpenAI-Organization", "project": "OpenAI-Project"}
    assert PROVIDERS["openrouter"].header_options == {"referer": "HTTP-Referer", "title": "X-Title"}


def test_codecs_are_told_apart_by_value_and_hold_no_state() -> None:
    kind = PROVIDERS["azure"]
    assert kind.chat is not None
    assert kind.chat({"api_version": "a"}) == kind.chat({"api_version": "a"})
    assert kind.chat({"api_version": "a"}) != kind.chat({})
