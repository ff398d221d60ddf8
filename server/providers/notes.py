"""What an operator should know of hosts of OpenAI's formats, for the provider table of the README."""

from collections.abc import Mapping
from types import MappingProxyType

NOTES: Mapping[str, str] = MappingProxyType(
    {
        "azure": "`https://RESOURCE.openai.azure.com/openai/v1`; with `api_version` the resource alone, and models are "
        "deployments; `credentials`: `client_secret`, `workload_identity` or `managed_identity` is Entra",
        "azure-foundry": "`https://RESOURCE.services.ai.azure.com/models`; Entra as for `azure`",
        "moonshot": "pictures and videos named by URL are fetched by the hub",
        "dashscope": "Qwen; the address is Singapore's, a key is that of one region",
        "perplexity": "vectors are whole numbers: compare them by cosine",
        "vllm": "regex and grammar formats",
        "openai-compatible": "anything else that speaks the format: set `base_url`",
    }
)
"""By the name of the kind; the rest of a row is told by the kind itself."""
