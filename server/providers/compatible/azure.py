"""OpenAI's format on Azure, for OpenAI's models and for those of other makers.

A key goes as ``api-key``; by Entra, which entra.py has the options of, a token goes as a bearer.
"""

from collections.abc import Mapping
from dataclasses import replace

from server.providers import entra
from server.providers.compatible.makers import OPENAI
from server.providers.kind import ProviderKind
from server.transport.credentials import header
from server.wire.codec import ChatCodec
from server.wire.http import path_segment
from server.wire.openai_chat import OpenAIChatCodec

_OLD_AZURE = "2024-09"
"""API versions before this know max_tokens alone, and refuse stream_options: a stream tells no usage there.

https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle and
https://github.com/openai/openai-python/issues/1469
"""

_FOUNDRY_VERSION = "2024-05-01-preview"
"""The version that its reference is written for."""


def _azure(options: Mapping[str, str]) -> ChatCodec:
    """The v1 path with the model in the body; with an API version, the older path of a deployment.

    https://learn.microsoft.com/azure/ai-foundry/openai/latest
    """
    dialect = replace(OPENAI, name="azure", moderation=False, web_search="")
    version = options.get("api_version", "")
    if not version:
        return OpenAIChatCodec(dialect)
    path = f"/openai/deployments/{{model}}/chat/completions?api-version={path_segment(version)}"
    if version < _OLD_AZURE:
        dialect = replace(dialect, max_tokens="max_tokens", stream_usage=False)
    return OpenAIChatCodec(replace(dialect, chat_path=path))


def _foundry(options: Mapping[str, str]) -> ChatCodec:
    """Azure AI Foundry's models of every maker, behind one path with the model in the body.

    https://learn.microsoft.com/rest/api/aifoundry/model-inference/get-chat-completions
    """
    version = options.get("api_version", _FOUNDRY_VERSION)
    path = f"/chat/completions?api-version={path_segment(version)}"
    return OpenAIChatCodec(replace(OPENAI, name="azure-foundry", moderation=False, web_search="", chat_path=path))


KINDS: tuple[ProviderKind, ...] = (
    ProviderKind(
        # base_url is https://RESOURCE.openai.azure.com/openai/v1, or with options.api_version the resource alone.
        name="azure",
        base_url="",
        authorize=entra.authorizes(header("api-key"), entra.AZURE_SCOPE),
        chat=_azure,
        key_env=("AZURE_OPENAI_API_KEY",),
        base_url_env="AZURE_OPENAI_BASE_URL",
        settle=entra.settle,
        credentials_from=entra.credentials_from,
        takes_no_keys=entra.takes_no_keys,
        options=entra.OPTIONS | {"api_version"},
    ),
    ProviderKind(
        # base_url is https://RESOURCE.services.ai.azure.com/models.
        name="azure-foundry",
        base_url="",
        authorize=entra.authorizes(header("api-key"), entra.FOUNDRY_SCOPE),
        chat=_foundry,
        key_env=("AZURE_AI_API_KEY",),
        base_url_env="AZURE_AI_BASE_URL",
        settle=entra.settle,
        credentials_from=entra.credentials_from,
        takes_no_keys=entra.takes_no_keys,
        options=entra.OPTIONS | {"api_version"},
    ),
)
