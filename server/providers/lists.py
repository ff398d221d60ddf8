"""Hosts of OpenAI's formats that list their models for free, each by the name of its kind.

Left out: Azure, which lists what could be deployed and not what is
(https://learn.microsoft.com/azure/ai-foundry/openai/latest), Perplexity, whose list is of another of its APIs
(https://docs.perplexity.ai/docs/agent-api/models), and Doubao, Z.ai, DashScope and MiniMax, of which no list is
documented. Some hosts name theirs in their own row.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from server.wire import model_lists
from server.wire.codec import ModelListCodec


def always(codec: ModelListCodec) -> Callable[[Mapping[str, str]], ModelListCodec]:
    """For a kind whose instances all have the same list."""
    return lambda _: codec


_CODECS: Mapping[str, ModelListCodec] = {
    "openrouter": model_lists.OPENROUTER,
    "together": model_lists.TOGETHER,
    "fireworks": model_lists.FIREWORKS,
    "huggingface": model_lists.HUGGINGFACE,
    **dict.fromkeys(
        (
            *("openai", "deepseek", "xai", "groq", "cerebras", "poe", "lmstudio", "vllm"),
            "openai-compatible",
        ),
        model_lists.OPENAI,
    ),
}

LISTS: Mapping[str, Callable[[Mapping[str, str]], ModelListCodec]] = MappingProxyType(
    {name: always(codec) for name, codec in _CODECS.items()}
)
"""Makes the codec of an instance's list, for each kind that has one."""
