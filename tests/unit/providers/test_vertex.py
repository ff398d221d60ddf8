"""Where calls to Vertex AI go, which format each model is asked in, and what is checked at start."""

import json
from typing import Any

import pytest

from server.errors import UnsupportedByProvider
from server.providers.kind import Site
from server.providers.registry import PROVIDERS
from server.transport.credentials.google import MACHINE
from tests.unit.wire.support import ask

KIND = PROVIDERS["vertex"]
SITE = {"project": "my-project", "location": "us-central1"}


def settled(options: dict[str, str], **environ: str) -> Site:
    assert KIND.settle is not None
    return KIND.settle(Site(KIND.base_url, options), environ)


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "https://aiplatform.googleapis.com"),
        ("us-central1", "https://us-central1-aiplatform.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_each_location_has_its_host(location: str, host: str) -> None:
    assert settled({"project": "my-project", "location": location}).base_url == host


def test_an_address_of_ones_own_stays() -> None:
    assert KIND.settle is not None
    assert KIND.settle(Site("https://proxy.example/vertex", SITE), {}).base_url == "https://proxy.example/vertex"


def test_the_environment_completes_what_is_configured() -> None:
    environ = {"GOOGLE_CLOUD_PROJECT": "env-project", "GOOGLE_CLOUD_LOCATION": "europe-west4"}
    assert settled({}, **environ).options == {"project": "env-project", "location": "europe-west4"}
    assert settled(SITE, **environ).options == SITE
    assert settled({}, GOOGLE_CLOUD_LOCATION="europe-west4").options == {}
    assert settled({"project": "my-project"}).base_url == "https://aiplatform.googleapis.com"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"project": "../x"}, "options.project"),
        ({"project": "my-project", "location": "a/b"}, "options.location"),
        ({"location": "us-central1"}, "options.location"),
        ({**SITE, "api_version": "1"}, "options.api_version"),
    ],
)
def test_what_is_no_place_is_refused_at_start(options: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}: "):
        settled(options)


def test_the_machines_own_credentials_are_used_where_they_are_meant() -> None:
    assert KIND.credentials_from is not None
    assert KIND.credentials_from(SITE, {"GOOGLE_APPLICATION_CREDENTIALS": "/a"}) == (MACHINE,)
    assert KIND.credentials_from(SITE, {"GOOGLE_GENAI_USE_VERTEXAI": "True"}) == (MACHINE,)
    assert KIND.credentials_from(SITE, {}) == ()
    assert KIND.credentials_from({}, {"GOOGLE_APPLICATION_CREDENTIALS": "/a"}) == ()


HOME = "/v1/projects/my-project/locations/us-central1"


@pytest.mark.parametrize(
    ("model", "stream", "path", "key"),
    [
        ("gemini-2.5-flash", False, f"{HOME}/publishers/google/models/gemini-2.5-flash:generateContent", "contents"),
        ("endpoints/123", True, f"{HOME}/endpoints/123:streamGenerateContent?alt=sse", "contents"),
        (
            "claude-sonnet-4-5@20250929",
            True,
            f"{HOME}/publishers/anthropic/models/claude-sonnet-4-5%4020250929:streamRawPredict",
            "anthropic_version",
        ),
        ("meta/llama-4-maverick", False, f"{HOME}/endpoints/openapi/chat/completions", "messages"),
    ],
)
def test_each_maker_is_asked_in_its_own_format(model: str, stream: bool, path: str, key: str) -> None:
    assert KIND.chat is not None
    sent = KIND.chat(SITE).encode(ask(), model, stream=stream)
    assert sent.path == path
    assert key in json.loads(sent.body)


def test_express_mode_has_no_project() -> None:
    assert KIND.chat is not None
    sent = KIND.chat({}).encode(ask(), "gemini-2.5-flash", stream=False)
    assert sent.path == "/v1/publishers/google/models/gemini-2.5-flash:generateContent"


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-flash", f"{HOME}/publishers/google/models/gemini-2.5-flash:countTokens"),
        ("claude-sonnet-5", f"{HOME}/publishers/anthropic/models/count-tokens:rawPredict"),
    ],
)
def test_tokens_are_counted_by_the_maker(model: str, path: str) -> None:
    assert KIND.count is not None
    assert KIND.count(SITE).encode(ask(), model).path == path


def test_partners_count_nothing() -> None:
    assert KIND.count is not None
    with pytest.raises(UnsupportedByProvider) as caught:
        KIND.count(SITE).encode(ask(), "meta/llama-4-maverick")
    assert caught.value.fields[0].field == "model"


def test_labels_are_what_google_cloud_takes() -> None:
    def sent(**metadata: str) -> tuple[Any, tuple[str, ...]]:
        assert KIND.chat is not None
        request = KIND.chat(SITE).encode(ask(metadata=metadata), "gemini-2.5-flash", stream=False)
        return json.loads(request.body).get("labels"), request.adjusted_fields

    assert sent(team="a-1") == ({"team": "a-1"}, ())
    assert sent(Team="a", x="B") == (None, ("metadata[Team]", "metadata[x]"))


def test_what_claude_and_gemini_made_stays_apart() -> None:
    assert KIND.chat is not None
    codec = KIND.chat(SITE)
    thoughts = [
        {"reasoning": {"text": "x", "provider": provider, "signature": "c2ln"}} for provider in ("vertex", "anthropic")
    ]
    messages = [
        {"role": "ROLE_USER", "content": [{"text": "Hi"}]},
        {"role": "ROLE_ASSISTANT", "content": [*thoughts, {"text": "a"}]},
        {"role": "ROLE_USER", "content": [{"text": "Hi"}]},
    ]
    for model, dropped in (("gemini-2.5-flash", 1), ("claude-sonnet-4-5", 0)):
        sent = codec.encode(ask(messages=messages), model, stream=False)
        assert [path for path in sent.adjusted_fields if "content" in path] == [
            f"messages[1].content[{dropped}].reasoning"
        ]
