"""What a model name means."""

from collections.abc import AsyncGenerator

import pytest
from aignehub.v1.chat_service_pb2 import (
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)

from server.backends.base import Call
from server.errors import HubError, ModelNotAllowed, ModelNotFound, NoCredential, NoProvider, UnsupportedByProvider
from server.identity.rights import Rights
from server.routing.catalogue import Catalogue, ListedModel, Modality, Provider
from server.routing.inference import infer
from server.routing.plan import Plan
from server.routing.resolve import plan_call
from server.transport.endpoint import Credential

KINDS = frozenset({"openai", "openrouter", "ollama", "xai", "azure", "poe", "deepseek", "groq"})
KEY = (Credential("k", "s"),)


class _Chat:
    async def chat(self, request: CreateChatCompletionRequest, call: Call) -> CreateChatCompletionResponse:
        raise AssertionError

    async def chat_stream(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> AsyncGenerator[StreamChatCompletionResponse]:
        raise AssertionError
        yield


def _provider(name: str, kind: str = "", **more: object) -> Provider:
    values: dict[str, object] = {"credentials": KEY, "chat": _Chat(), **more}
    return Provider(name=name, kind=kind or name, **values)  # type: ignore[arg-type]


def _catalogue(*providers: Provider) -> Catalogue:
    return Catalogue(providers, KINDS)


def plan_chat(catalogue: Catalogue, model: str, rights: Rights) -> Plan:
    return plan_call(catalogue, model, rights, Modality.CHAT)


OPEN = _catalogue(
    _provider("openai"),
    _provider("team", "openai"),
    _provider("openrouter"),
    _provider("ollama", needs_key=False, credentials=()),
    _provider("shut", "groq", closed=True, models=(ListedModel("llama-3.3-70b", ("big",)),)),
)


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("openai/gpt-5", ["openai/gpt-5"]),
        ("OpenAI/gpt-5", ["openai/gpt-5"]),
        ("aignehub/openai/gpt-5", ["openai/gpt-5"]),
        ("aignehub/gpt-5", ["openai/gpt-5", "team/gpt-5", "openrouter/openai/gpt-5"]),
        ("team/gpt-5", ["team/gpt-5"]),
        ("openrouter/meta-llama/llama-3", ["openrouter/meta-llama/llama-3"]),
        ("shut/llama-3.3-70b", ["shut/llama-3.3-70b"]),
        ("shut/big", ["shut/llama-3.3-70b"]),
        ("groq/big", ["shut/llama-3.3-70b"]),
        ("big", ["shut/llama-3.3-70b"]),
        ("llama-3.3-70b", ["shut/llama-3.3-70b"]),
        ("o3", ["openai/o3", "team/o3", "openrouter/openai/o3"]),
        ("llama3.2:3b", ["openrouter/meta-llama/llama3.2:3b", "ollama/llama3.2:3b"]),
        ("claude-opus-4-5", ["openrouter/anthropic/claude-opus-4-5"]),
    ],
)
def test_names_that_mean_something(name: str, ids: list[str]) -> None:
    assert [candidate.id for candidate in OPEN.candidates(name)] == ids


def test_a_kind_is_found_by_its_other_names() -> None:
    catalogue = Catalogue((_provider("xai"), _provider("team", "groq")), KINDS, aliases={"x": "xai", "g": "groq"})
    assert [one.id for one in catalogue.candidates("x/grok-4")] == ["xai/grok-4"]
    assert [one.id for one in catalogue.candidates("G/llama-3")] == ["team/llama-3"]
    taken = Catalogue((_provider("xai"), _provider("x", "groq")), KINDS, aliases={"x": "xai"})
    assert [one.id for one in taken.candidates("x/llama-3")] == ["x/llama-3"]


@pytest.mark.parametrize(
    ("name", "error", "told"),
    [
        ("shut/other", ModelNotFound, "it serves llama-3.3-70b"),
        ("xai/grok-4", NoProvider, "no provider xai is configured"),
        ("grok-4", None, ""),
        ("doubao-seed-1-6", NoProvider, "no provider that serves"),
        ("no-such-model", ModelNotFound, "provider/model"),
        ("meta-llama/x", ModelNotFound, "provider/model"),
        ("openai/", ModelNotFound, "provider/model"),
        ("/", ModelNotFound, "provider/model"),
    ],
)
def test_names_that_do_not(name: str, error: type[HubError] | None, told: str) -> None:
    if error is None:
        assert OPEN.candidates(name)[0].id == "openrouter/x-ai/grok-4"
        return
    with pytest.raises(error) as raised:
        OPEN.candidates(name)
    assert told in raised.value.message


@pytest.mark.parametrize(
    ("model", "first"),
    [
        ("o1", "openai"), ("o3", "openai"), ("o4-mini", "openai"), ("chatgpt-4o-latest", "openai"),
        ("whisper-1", "openai"), ("tts-1", "openai"), ("text-embedding-3-small", "openai"),
        ("text-embedding-004", "gemini"), ("gemini-embedding-001", "gemini"), ("mistral-embed", "mistral"),
        ("codestral-embed", "mistral"), ("ideogram-v3", "ideogram"), ("nova-lite", "bedrock"), ("nova-3", "deepgram"),
        ("command-r", "cohere"), ("dall-e-3", "openai"), ("sora-2", "openai"), ("gpt-image-1", "openai"),
        ("claude-3-7-sonnet-latest", "anthropic"), ("grok-4", "xai"), ("sonar-pro", "perplexity"),
        ("GPT-5", "openai"),
    ],
)  # fmt: skip
def test_families_of_bare_names(model: str, first: str) -> None:
    assert infer(model)[0][0] == first


def test_rights_are_judged_for_every_candidate() -> None:
    only_team = Rights(models=("team/*",))
    assert [c.id for c in plan_chat(OPEN, "gpt-5", only_team).candidates] == ["team/gpt-5"]
    with pytest.raises(ModelNotAllowed, match="openai/gpt-5"):
        plan_chat(OPEN, "openai/gpt-5", only_team)
    with pytest.raises(ModelNotAllowed):
        plan_chat(OPEN, "shut/big", Rights(models=("shut/big",)))  # an alias is no way around the real name


def test_a_provider_without_a_key_or_without_chat_is_told_apart() -> None:
    keyless = _catalogue(_provider("openai", credentials=()))
    with pytest.raises(NoCredential, match="openai has no key"):
        plan_chat(keyless, "openai/gpt-5", Rights())
    silent = _catalogue(_provider("openai", chat=None))
    with pytest.raises(UnsupportedByProvider):
        plan_chat(silent, "openai/gpt-5", Rights())


def test_listing_shows_what_rights_reach() -> None:
    assert [one.id for one in OPEN.listed(Rights())] == [
        "ollama/*", "openai/*", "openrouter/*", "shut/llama-3.3-70b", "team/*",
    ]  # fmt: skip
    assert [one.id for one in OPEN.listed(Rights(models=("openai/gpt-5",)))] == ["openai/*"]
    assert [one.id for one in OPEN.listed(Rights(models=("shut/*",)))] == ["shut/llama-3.3-70b"]
    assert OPEN.listed(Rights(models=())) == []
