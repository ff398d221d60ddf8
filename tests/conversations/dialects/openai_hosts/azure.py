"""OpenAI's format on Azure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import Dialect, NotTaken, Request
from tests.conversations.dialects.openai_chat import OpenAIChat
from tests.conversations.dialects.openai_hosts.makers import OPENAI
from tests.conversations.neutral import Choice, Heard, Script


@dataclass(frozen=True)
class Azure(OpenAIChat):
    """What Azure's filters found comes with everything, first of all with a chunk that has no choices.

    https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter
    """

    key_header: str = "api-key"

    @override
    def hear(self, request: Request) -> Heard:
        version = self.options.get("api_version")
        if request.query.get("api-version") != version:
            raise NotTaken(f"api-version is {request.query.get('api-version')}")
        return super().hear(request)

    @override
    def choice(self, index: int, choice: Choice) -> dict[str, Any]:
        return {**super().choice(index, choice), "content_filter_results": _FILTERS}

    @override
    def delta(self, delta: Mapping[str, Any], finish: str | None = None, logprobs: Any = None) -> dict[str, Any]:
        return {**super().delta(delta, finish, logprobs), "content_filter_results": _FILTERS if delta else {}}

    @override
    def chunks(self, script: Script, heard: Heard) -> Iterator[dict[str, Any]]:
        found = [{"prompt_index": 0, "content_filter_results": _FILTERS}]
        yield {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": found}
        yield from super().chunks(script, heard)


_FILTERS = {"hate": {"filtered": False, "severity": "safe"}, "jailbreak": {"filtered": False, "detected": False}}

AZURE = Azure(
    # https://learn.microsoft.com/azure/ai-foundry/openai/latest
    kind="azure",
    base_path="/openai/v1",
    model="gpt-4.1",
    models=OPENAI.models,
    reads=OPENAI.reads,
    breakpoints=True,
    otherwise=OPENAI.otherwise,
)
AZURE_DEPLOYMENT = replace(
    # https://learn.microsoft.com/azure/ai-foundry/openai/reference
    AZURE,
    instance="azure-deployment",
    base_path="",
    options={"api_version": "2024-10-21"},
    path="/openai/deployments/{model}/chat/completions",
)
AZURE_OLD = replace(
    # Before 2024-09-01-preview: "Unknown parameter: 'stream_options'", and likewise max_completion_tokens.
    AZURE_DEPLOYMENT,
    instance="azure-old",
    options={"api_version": "2024-06-01"},
    limits=frozenset({"max_tokens"}),
    usage_asked=False,
    stream_usage=False,
)
AZURE_FOUNDRY = replace(
    # https://learn.microsoft.com/rest/api/aifoundry/model-inference/get-chat-completions
    AZURE,
    kind="azure-foundry",
    base_path="/models",
    options={"api_version": "2024-05-01-preview"},
)

DIALECTS: tuple[Dialect, ...] = (
    AZURE,
    AZURE_DEPLOYMENT,
    AZURE_OLD,
    AZURE_FOUNDRY,
)
