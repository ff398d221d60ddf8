"""The tables of docs/routing.md, made by the code that routes: ``python -m tools.routing_tables`` rewrites them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.errors import HubError, ProviderBadResponse, ProviderCredentialInvalid, ProviderTokenRefused
from server.identity.rights import Rights
from server.providers.registry import PROVIDERS
from server.routing.catalogue import Catalogue, Group, ListedModel, Modality, Provider
from server.routing.policies import Policy
from server.routing.resolve import NO_WISHES, Wishes, plan_call
from server.routing.retry import Phase, steps
from server.transport import faults
from server.transport.endpoint import Credential
from server.wire.http import HttpResponse
from server.wire.provider_errors import error_in

PAGE = Path(__file__).resolve().parents[1] / "docs" / "routing.md"
_SERVES: Any = object()


def _provider(name: str, kind: str = "", **more: Any) -> Provider:
    values: dict[str, Any] = {"credentials": (Credential("key"),), "chat": _SERVES, "embeddings": _SERVES, **more}
    return Provider(name=name, kind=kind or name, **values)


CATALOGUE = Catalogue(
    (
        _provider("openai", models=(ListedModel("gpt-5", aliases=("smart",)),)),
        _provider("team-openai", "openai"),
        _provider("azure", models=(ListedModel("our-gpt-5", aliases=("gpt-5",)),), closed=True),
        _provider("anthropic", embeddings=None),
        _provider("gemini"),
        _provider("bedrock"),
        _provider("mistral"),
        _provider("openrouter"),
        _provider("groq", embeddings=None),
        _provider("xai", credentials=()),
        _provider("ollama", needs_key=False, credentials=()),
        _provider("off", "deepseek", enabled=False),
    ),
    frozenset(PROVIDERS),
    {
        "fast": Group((("groq/llama-3.3-70b-versatile", 100), ("cerebras/llama-3.3-70b", 100))),
        "gpt-5-class": Group((("openai/gpt-5", 100), ("azure/our-gpt-5", 100), ("openrouter/openai/gpt-5", 100))),
        "any": Group((("gpt-5-class", 100), ("claude-opus-4-5", 100)), Policy.ORDER),
        "cheap": Group((("gpt-5-nano", 100),)),
        "broken": Group((("nobody/command-a", 100),)),
    },
)
"""The configuration of the table of names: its providers, in their order, and its groups."""

RIGHTS = Rights(models=("*",))
ONLY_OPENAI = Rights(models=("openai/*",))

NAMES: tuple[tuple[str, Wishes, Rights], ...] = (
    *(
        (name, NO_WISHES, RIGHTS)
        for name in (
            *("openai/gpt-5", "openai/gpt-4.1", "OpenAI/gpt-5", "aignehub/openai/gpt-5", "team-openai/gpt-5"),
            *("azure/our-gpt-5", "azure/gpt-5", "azure/gpt-4.1", "azure-foundry/gpt-5", "openai/smart", "smart"),
            *("gpt-5", "gpt-5-mini", "gpt-5-nano", "o3", "o1", "o4-mini", "chatgpt-4o-latest", "codex-mini-latest"),
            *("claude-opus-4-5", "anthropic/claude-opus-4-5", "bedrock/anthropic.claude-opus-4-5-v1:0"),
            *("us.anthropic.claude-opus-4-5-v1:0", "gemini-2.5-pro", "gemini/gemini-2.5-pro", "google/gemini-2.5-pro"),
            *("mistral-large-latest", "codestral-latest", "mistral/mistral-large-latest", "ministral-8b-latest"),
            *("grok-4", "xai/grok-4", "deepseek-chat", "deepseek/deepseek-chat", "off/deepseek-chat", "llama3.2"),
            *("ollama/llama3.2:3b", "openrouter/meta-llama/llama-3.3-70b", "meta-llama/llama-3.3-70b", "qwen3-32b"),
            *("gemma-3-27b", "phi-4", "command-a", "nova-lite", "amazon.nova-lite-v1:0", "kimi-k2", "no-such-model"),
            *("nobody/gpt-5", "openai/", "fast", "gpt-5-class", "any", "cheap", "broken", "whisper-1"),
        )
    ),
    ("gpt-5", NO_WISHES, ONLY_OPENAI),
    ("claude-opus-4-5", NO_WISHES, ONLY_OPENAI),
    ("gpt-5", Wishes(providers=("openrouter", "openai")), RIGHTS),
    ("gpt-5", Wishes(providers=("gemini",)), RIGHTS),
    ("grok-4", Wishes(fallback_models=("gpt-5-mini",)), RIGHTS),
    ("openai/gpt-5", Wishes(fallback_models=("anthropic/claude-opus-4-5", "fast")), RIGHTS),
    ("openai/gpt-5", Wishes(fallback_models=("no-such-model",)), RIGHTS),
)


def plans() -> Iterator[tuple[str, str, str]]:
    """Name, what the caller asked beside it, and the plan or the error."""
    for name, wishes, rights in NAMES:
        asked = []
        if rights is ONLY_OPENAI:
            asked.append("key for openai/* only")
        if wishes.providers:
            asked.append(f"providers {', '.join(wishes.providers)}")
        if wishes.fallback_models:
            asked.append(f"fallbacks {', '.join(wishes.fallback_models)}")
        yield name, "; ".join(asked), _plan(name, wishes, rights)


def _plan(name: str, wishes: Wishes, rights: Rights) -> str:
    try:
        plan = plan_call(CATALOGUE, name, rights, Modality.CHAT, wishes)
    except HubError as error:
        return f"{error.reason}"
    tiers: dict[int, list[str]] = {}
    for place, candidate in enumerate(plan.candidates):
        tiers.setdefault(plan.tier_of(place), []).append(candidate.id)
    return " then ".join(", ".join(tier) for tier in tiers.values())


@dataclass(frozen=True, slots=True)
class Failure:
    """One way in which a provider fails, in its own words."""

    who: str
    status: int
    """0 for an error inside an answer of status 200."""
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    def error(self) -> HubError:
        """What the provider's own codec reads."""
        if not self.status:
            found = error_in(self.body)
            return found if found is not None else ProviderBadResponse("no error")
        kind = PROVIDERS[self.who]
        chat = kind.chat({}) if kind.chat else None
        if chat is None:
            raise ValueError(f"{self.who} has no chat")
        body = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return chat.decode_error(HttpResponse(self.status, self.headers, body.encode()))


def _openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _anthropic(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def _google(code: int, status: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status}}


FAILURES: tuple[Failure, ...] = (
    Failure("openai", 400, _openai("Invalid value: 'x'.", "invalid_value")),
    Failure("openai", 400, _openai("This model's maximum context length is 8192 tokens.", "context_length_exceeded")),
    Failure("openai", 400, _openai("Your request was flagged by our safety system.", "content_policy_violation")),
    Failure("openai", 401, _openai("Incorrect API key provided.", "invalid_api_key")),
    Failure("openai", 403, _openai("Country not supported.", "unsupported_country_region_territory")),
    Failure("openai", 404, _openai("The model `x` does not exist.", "model_not_found")),
    Failure("openai", 429, _openai("Rate limit reached.", "rate_limit_exceeded", "requests"), {"retry-after": "2"}),
    Failure("openai", 429, _openai("You exceeded your current quota.", "insufficient_quota", "insufficient_quota")),
    Failure("openai", 500, _openai("The server had an error.", None, "server_error")),
    Failure("openai", 503, _openai("The engine is overloaded.", None, "server_error")),
    Failure("azure", 400, _openai("The response was filtered.", "content_filter")),
    Failure("azure", 401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}}),
    Failure("azure", 404, {"error": {"code": "DeploymentNotFound", "message": "The deployment does not exist."}}),
    Failure("anthropic", 400, _anthropic("invalid_request_error", "prompt is too long: 210000 tokens > 200000")),
    Failure("anthropic", 400, _anthropic("invalid_request_error", "Your credit balance is too low.")),
    Failure("anthropic", 401, _anthropic("authentication_error", "invalid x-api-key")),
    Failure("anthropic", 413, _anthropic("request_too_large", "Request exceeds the maximum size")),
    Failure("anthropic", 429, _anthropic("rate_limit_error", "Number of requests has exceeded your rate limit")),
    Failure("anthropic", 529, _anthropic("overloaded_error", "Overloaded")),
    Failure("gemini", 400, _google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")),
    Failure("gemini", 429, _google(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted.")),
    Failure("gemini", 503, _google(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")),
    Failure("mistral", 401, {"detail": "Unauthorized"}),
    Failure("mistral", 422, {"detail": [{"loc": ["body", "n"], "msg": "must be positive", "type": "value_error"}]}),
    Failure("deepseek", 402, _openai("Insufficient Balance", "invalid_request_error", "unknown_error")),
    Failure("xai", 403, {"code": "permission", "error": "Content violates usage guidelines. Failed check: SAFETY"}),
    Failure("xai", 403, {"code": "permission", "error": "Your team has run out of credits."}),
    Failure("openrouter", 402, {"error": {"message": "Insufficient credits", "code": 402}}),
    Failure("openrouter", 502, {"error": {"message": "Provider returned error", "code": 502}}),
    Failure("groq", 413, {"error": {"message": "Request too large for model", "code": "rate_limit_exceeded"}}),
    Failure("groq", 498, {"error": {"message": "Flex tier capacity exceeded", "code": "capacity_exceeded"}}),
    Failure("together", 524, "<html>A timeout occurred</html>"),
    Failure("perplexity", 401, "<html><title>401 Authorization Required</title></html>"),
    Failure("cerebras", 408, {"message": "Request timed out", "code": "request_timeout"}),
    Failure("ollama", 404, {"error": "model 'x' not found"}),
    Failure("openai", 0, {"error": {"message": "The server had an error.", "type": "server_error"}}),
    Failure("openrouter", 0, {"error": {"message": "Rate limit exceeded", "code": 429}}),
    Failure("anthropic", 0, _anthropic("overloaded_error", "Overloaded")),
)


def _begun(error: HubError) -> HubError:
    """``error`` as the backend tells it of an answer that had begun."""
    error.answered = True
    return error


_NETWORK: tuple[tuple[str, HubError], ...] = (
    ("no connection in time", faults.slow_to_connect("it", 5)),
    ("silence after the request", faults.slow_to_answer("it", 120)),
    ("silence in the answer", _begun(faults.fell_silent("it", 60))),
    ("the answer broke off", _begun(faults.broke_off("it"))),
    ("a redirect", faults.redirected("it", 302)),
    ("bytes that are no HTTP", faults.no_http("it")),
    ("an answer that cannot be read", ProviderBadResponse("it")),
    ("a kept access token that was refused", ProviderTokenRefused("it", retry_after=0.0)),
    ("no access token for the credential", ProviderCredentialInvalid("it")),
    ("the call's deadline", faults.out_of_time("it", 3)),
)


def actions() -> Iterator[tuple[str, ...]]:
    """Failure, its reason, and what follows before an answer, in a stream without content yet, and after content."""
    for one in FAILURES:
        told = one.body if isinstance(one.body, str) else json.dumps(one.body, ensure_ascii=False)
        yield f"{one.who} {one.status or '200, error inside'} `{told[:96]}`", *_after(one.error())
    for name, error in _NETWORK:
        yield name, *_after(error)


def _after(error: HubError) -> tuple[str, str, str, str]:
    return (
        error.reason,
        _told(error, Phase.ANSWERING if error.answered else Phase.UNANSWERED, streaming=False),
        _told(error, Phase.ANSWERING, streaming=True),
        _told(error, Phase.TOLD, streaming=True),
    )


def _told(error: HubError, phase: Phase, *, streaming: bool) -> str:
    return ", ".join(step.value for step in steps(error, phase, streaming=streaming)) or "give up"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def in_page(text: str) -> str:
    """``text`` with both tables between their marks."""
    for name, table in (
        ("plans", _table(("name", "asked beside it", "plan"), plans())),
        (
            "actions",
            _table(
                ("failure", "reason", "unary, or before an answer", "stream without content", "with content"), actions()
            ),
        ),
    ):
        before, begin, rest = text.partition(f"<!-- {name}: make routing-tables -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->\n")
        if not begin or not end:
            raise ValueError(f"{PAGE.name} has no marks for {name}")
        text = before + begin + table + end + after
    return text


if __name__ == "__main__":
    PAGE.write_text(in_page(PAGE.read_text()))
