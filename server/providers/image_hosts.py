"""Hosts that speak OpenAI's images API, each by its kind's name; a host that is not here draws nothing.

Looked up and left out: Groq, DeepSeek, Perplexity, Cerebras, LM Studio and vLLM draw nothing; Fireworks, Hugging Face
and Poe draw by other APIs (workflows, tasks, chat).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from server.providers.kind import ProviderKind
from server.wire.codec import ImageCodec
from server.wire.http import path_segment
from server.wire.openai_images import ImageHost, OpenAIImagesCodec, models

_OPENAI = ImageHost("openai", models.OPENAI)
_XAI = ImageHost("xai", models.XAI, sources="images", size_field="resolution")
_OPENROUTER = ImageHost(
    # https://openrouter.ai/docs/api-reference/images: one path for both.
    "openrouter",
    models.OPENROUTER,
    generate_path="/images",
    edit_path="/images",
    sources="input_references",
)
_TOGETHER = ImageHost(
    "together",
    models.TOGETHER,
    edit_path="/images/generations",
    sources="reference_images",
    size_field="pixels",
    bytes_word="base64",
)
_DOUBAO = ImageHost("doubao", models.DOUBAO, edit_path="/images/generations", sources="image")
_ZAI = ImageHost("zai", models.ZAI, sources="", user_field="user_id")
_ANY = ImageHost("openai-compatible")

OLLAMA: ImageCodec = OpenAIImagesCodec(
    ImageHost("ollama", models.OLLAMA, generate_path="/v1/images/generations", sources="")
)
"""Of Ollama, whose own API draws nothing."""

SANDBOX: ImageCodec = OpenAIImagesCodec(ImageHost("sandbox", models.SANDBOX))
"""The sandbox's own, which streams and takes every option."""


def _azure(options: Mapping[str, str]) -> ImageCodec:
    """As for chat: the v1 path, or with an API version the older path of a deployment.

    https://learn.microsoft.com/azure/ai-foundry/openai/how-to/dall-e
    """
    version = options.get("api_version", "")
    host = replace(_OPENAI, name="azure")
    if version:
        deployment, query = "/openai/deployments/{model}/images", f"api-version={path_segment(version)}"
        generate, edit = f"{deployment}/generations?{query}", f"{deployment}/edits?{query}"
        host = replace(host, generate_path=generate, edit_path=edit)
    return OpenAIImagesCodec(host)


def _always(host: ImageHost) -> Callable[[Mapping[str, str]], ImageCodec]:
    codec = OpenAIImagesCodec(host)
    return lambda _: codec


_CODECS: Mapping[str, Callable[[Mapping[str, str]], ImageCodec]] = MappingProxyType(
    {
        "azure": _azure,
        **{host.name: _always(host) for host in (_OPENAI, _XAI, _OPENROUTER, _TOGETHER, _DOUBAO, _ZAI, _ANY)},
    }
)


def drawing(kind: ProviderKind) -> ProviderKind:
    """The kind with its codec for images, where it has one."""
    return replace(kind, images=_CODECS.get(kind.name))
