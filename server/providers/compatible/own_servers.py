"""Servers that one runs oneself, and any other that speaks the format."""

from collections.abc import Mapping

from server.providers.compatible.host import host
from server.providers.kind import ProviderKind
from server.transport.credentials import always, bearer
from server.wire.chat.knobs import COMMON_KNOBS, OPENAI_KNOBS, SAMPLER_KNOBS
from server.wire.codec import ChatCodec
from server.wire.openai_chat import Dialect, OpenAIChatCodec, reasoning

_LMSTUDIO = Dialect(
    # https://lmstudio.ai/docs/developer/openai-compat/chat-completions: a schema is its only way to JSON.
    name="lmstudio",
    knobs=(COMMON_KNOBS - {"user"}) | {"top_k", "logit_bias", "repetition_penalty"},
    max_tokens="max_tokens",
    json_object=False,
    reasoning=reasoning.effort_with_text,
)

_VLLM = Dialect(
    # https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
    name="vllm",
    knobs=COMMON_KNOBS
    | SAMPLER_KNOBS
    | {"n", "logit_bias", "logprobs", "top_logprobs", "parallel_tool_calls", "prompt_cache_key", "name"},
    developer_role=True,
    inputs=frozenset({"image", "audio", "video"}),
    audio_urls=True,
    tool_media=True,
    replay_reasoning="reasoning",
    regex="structured_outputs",
    grammar="structured_outputs",
    continuous_usage=True,
    reasoning=reasoning.vllm,
)

_ANY = Dialect(
    # A server nobody described: what OpenAI's own clients send by default, under its older names.
    name="openai-compatible",
    knobs=OPENAI_KNOBS - {"include_obfuscation", "prompt_cache_ttl"},
    max_tokens="max_tokens",
    inputs=frozenset({"image", "audio", "file"}),
    tool_media=True,
    refusal_field=True,
    replay_reasoning="reasoning_content",
    google_signatures=True,
    custom_tools=True,
    provider_tools=True,
    modalities=frozenset({"audio"}),
    web_search="openai",
    reasoning=reasoning.effort,
)


def _any_server(_: Mapping[str, str]) -> ChatCodec:
    return OpenAIChatCodec(_ANY)


KINDS: tuple[ProviderKind, ...] = (
    host(_LMSTUDIO, "http://localhost:1234/v1", "LMSTUDIO_API_KEY", needs_key=False),
    host(_VLLM, "http://localhost:8000/v1", "VLLM_API_KEY", needs_key=False),
    ProviderKind(name="openai-compatible", base_url="", authorize=always(bearer), chat=_any_server, needs_key=False),
)
