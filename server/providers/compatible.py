"""Hosts that speak OpenAI's chat completions: a row each. Adding one is a row here and a case in its test.

Where a vendor's page says less than one would like, the row is the careful reading: a knob that is not documented
is dropped and told to the caller, never sent in hope.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from aignehub.v1 import chat_pb2

from server.providers.kind import ProviderKind
from server.providers.model_rules import OPENAI_RULES, XAI_RULES
from server.transport.credentials import always, bearer, header
from server.wire.chat.knobs import COMMON_KNOBS, OPENAI_KNOBS, SAMPLER_KNOBS
from server.wire.codec import ChatCodec
from server.wire.http import path_segment
from server.wire.openai_chat import Dialect, OpenAIChatCodec, reasoning

_LOW = chat_pb2.REASONING_EFFORT_LOW
_MEDIUM = chat_pb2.REASONING_EFFORT_MEDIUM
_HIGH = chat_pb2.REASONING_EFFORT_HIGH
_NONE = chat_pb2.REASONING_EFFORT_NONE
_MINIMAL = chat_pb2.REASONING_EFFORT_MINIMAL
_MAX = chat_pb2.REASONING_EFFORT_MAX

_THREE_LEVELS: Mapping[int, str] = MappingProxyType({_LOW: "low", _MEDIUM: "medium", _HIGH: "high"})
_NONE_AND_THREE: Mapping[int, str] = MappingProxyType({_NONE: "none", **_THREE_LEVELS})

_OPENAI = Dialect(
    # https://platform.openai.com/docs/api-reference/chat/create
    name="openai",
    knobs=OPENAI_KNOBS,
    model_rules=OPENAI_RULES,
    max_stop=4,
    max_tools=128,
    whole_logit_bias=True,
    developer_role=True,
    inputs=frozenset({"image", "audio", "file"}),
    audio_formats=frozenset({"wav", "mp3"}),
    refusal_field=True,
    cache="breakpoint",
    custom_tools=True,
    allowed_tools=True,
    modalities=frozenset({"audio"}),
    web_search="openai",
    moderation=True,
    reasoning=reasoning.effort,
)

_DEEPSEEK = Dialect(
    # https://api-docs.deepseek.com/api/create-chat-completion
    name="deepseek",
    knobs=(COMMON_KNOBS - {"seed"}) | {"n", "logprobs", "top_logprobs", "name"},
    max_tokens="max_tokens",
    max_n=1,
    max_tools=128,
    inputs=frozenset(),
    replay_reasoning="reasoning_content",
    parameters_required=True,
    json_schema=False,
    reasoning=reasoning.thinking,
)

_XAI = Dialect(
    # https://docs.x.ai/docs/api-reference#chat-completions
    name="xai",
    knobs=COMMON_KNOBS | {"n", "logit_bias", "logprobs", "top_logprobs", "parallel_tool_calls", "name"},
    model_rules=XAI_RULES,
    max_stop=8,
    max_top_logprobs=8,
    max_tools=128,
    developer_role=True,
    replay_reasoning="reasoning_content",
    provider_tools=True,
    reasoning=reasoning.effort_with_text,
    efforts=_THREE_LEVELS,
)

_OPENROUTER = Dialect(
    # https://openrouter.ai/docs/api-reference/chat-completion; it drops by itself what the model behind it lacks.
    name="openrouter",
    knobs=(OPENAI_KNOBS - {"store", "safety_identifier", "prompt_cache_ttl", "include_obfuscation"}) | SAMPLER_KNOBS,
    max_stop=4,
    # It ignores a larger number: https://github.com/OpenRouterArchived/openrouter-runner/issues/99
    max_n=1,
    developer_role=True,
    inputs=frozenset({"image", "audio", "video", "file"}),
    file_urls=True,
    refusal_field=True,
    assistant_images=True,
    replay_reasoning="reasoning_details",
    cache="cache_control",
    provider_tools=True,
    grammar="response_format",
    modalities=frozenset({"image", "audio"}),
    web_search="openai",
    reasoning=reasoning.openrouter,
)

_GROQ = Dialect(
    # https://console.groq.com/docs/openai: logprobs, logit_bias, names and n above 1 are answered with 400.
    name="groq",
    knobs=COMMON_KNOBS | {"n", "parallel_tool_calls", "service_tier"},
    max_stop=4,
    max_n=1,
    max_tools=128,
    developer_role=True,
    replay_reasoning="reasoning",
    provider_tools=True,
    reasoning=reasoning.groq,
    efforts=_NONE_AND_THREE,
)

_TOGETHER = Dialect(
    # https://docs.together.ai/reference/chat-completions-1
    name="together",
    knobs=(COMMON_KNOBS - {"user"}) | SAMPLER_KNOBS | {"n", "logit_bias", "logprobs", "top_logprobs", "name"},
    max_tokens="max_tokens",
    logprobs_number=True,
    inputs=frozenset({"image", "video"}),
    replay_reasoning="reasoning",
    regex="response_format",
    reasoning=reasoning.together,
    efforts=_THREE_LEVELS,
)

_FIREWORKS = Dialect(
    # https://docs.fireworks.ai/api-reference/post-chatcompletions
    name="fireworks",
    knobs=COMMON_KNOBS
    | SAMPLER_KNOBS
    | {
        "n",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "parallel_tool_calls",
        "service_tier",
        "prediction",
        "metadata",
        "prompt_cache_key",
        "name",
    },
    max_tokens="max_tokens",
    max_top_logprobs=5,
    replay_reasoning="reasoning_content",
    grammar="response_format",
    reasoning=reasoning.effort_with_text,
    efforts=_NONE_AND_THREE,
)

_PERPLEXITY = Dialect(
    # https://docs.perplexity.ai/api-reference/chat-completions-post; usage comes with every chunk unasked.
    name="perplexity",
    knobs=frozenset({"temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "stop"}),
    max_tokens="max_tokens",
    inputs=frozenset({"image", "file"}),
    file_urls=True,
    tools=False,
    json_object=False,
    schema_name_required=False,
    web_search="flat",
    stream_usage=False,
    reasoning=reasoning.effort,
    efforts=MappingProxyType({_MINIMAL: "minimal", **_THREE_LEVELS}),
)

_CEREBRAS = Dialect(
    # https://inference-docs.cerebras.ai/api-reference/chat-completions; what it refuses: /resources/openai.
    name="cerebras",
    knobs=(COMMON_KNOBS - {"frequency_penalty", "presence_penalty"})
    | {"logprobs", "top_logprobs", "parallel_tool_calls", "service_tier", "prediction", "prompt_cache_key", "name"},
    max_stop=4,
    max_temperature=1.5,
    max_tools=128,
    developer_role=True,
    inputs=frozenset(),
    replay_reasoning="reasoning",
    reasoning=reasoning.effort_with_text,
    efforts=_NONE_AND_THREE,
)

_DOUBAO = Dialect(
    # https://www.volcengine.com/docs/82379/1494384; minimal is its word for not at all.
    name="doubao",
    knobs=(COMMON_KNOBS - {"seed", "user"})
    | {"logit_bias", "logprobs", "top_logprobs", "parallel_tool_calls", "service_tier"},
    max_stop=4,
    inputs=frozenset({"image", "video"}),
    video_fps=True,
    replay_reasoning="reasoning_content",
    reasoning=reasoning.thinking_auto,
    efforts=MappingProxyType({_MINIMAL: "minimal", **_THREE_LEVELS}),
)

_POE = Dialect(
    # https://creator.poe.com/docs/external-applications/openai-compatible-api lists what it ignores, among it
    # response_format, n above 1, seed, penalties, parallel_tool_calls and strict.
    name="poe",
    knobs=frozenset({"temperature", "top_p", "stop", "name"}),
    max_stop=4,
    inputs=frozenset({"image", "audio", "video", "file"}),
    json_object=False,
    json_schema=False,
    reasoning=None,
)

_HUGGINGFACE = Dialect(
    # https://huggingface.co/docs/inference-providers/tasks/chat-completion
    name="huggingface",
    knobs=(COMMON_KNOBS - {"user"}) | {"logprobs", "top_logprobs", "name"},
    max_tokens="max_tokens",
    max_stop=4,
    max_top_logprobs=5,
    replay_reasoning="reasoning_content",
    reasoning=reasoning.effort_with_text,
)

_ZAI = Dialect(
    # https://docs.z.ai/api-reference/llm/chat-completion
    name="zai",
    knobs=frozenset({"temperature", "top_p", "stop"}),
    max_tokens="max_tokens",
    max_stop=1,
    max_temperature=1.0,
    max_tools=128,
    inputs=frozenset({"image", "video", "file"}),
    file_urls=True,
    replay_reasoning="reasoning_content",
    provider_tools=True,
    json_schema=False,
    reasoning=reasoning.thinking_kept,
)

_OLLAMA = Dialect(
    # https://docs.ollama.com/api/openai-compatibility
    name="ollama",
    knobs=(COMMON_KNOBS - {"user"}) | {"logprobs", "top_logprobs"},
    max_tokens="max_tokens",
    replay_reasoning="reasoning",
    reasoning=reasoning.effort_with_text,
    efforts=MappingProxyType({**_NONE_AND_THREE, _MAX: "max"}),
)

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
    refusal_field=True,
    replay_reasoning="reasoning_content",
    google_signatures=True,
    custom_tools=True,
    provider_tools=True,
    modalities=frozenset({"audio"}),
    web_search="openai",
    reasoning=reasoning.effort,
)

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
    dialect = replace(_OPENAI, name="azure", moderation=False, web_search="")
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
    return OpenAIChatCodec(replace(_OPENAI, name="azure-foundry", moderation=False, web_search="", chat_path=path))


def _any_server(_: Mapping[str, str]) -> ChatCodec:
    return OpenAIChatCodec(_ANY)


def _host(dialect: Dialect, base_url: str, *key_env: str, needs_key: bool = True) -> ProviderKind:
    """A row: the dialect is the same for every instance, ``NAME_BASE_URL`` overrides the address."""
    codec = OpenAIChatCodec(dialect)
    return ProviderKind(
        name=dialect.name,
        base_url=base_url,
        authorize=always(bearer),
        chat=lambda _: codec,
        key_env=key_env,
        base_url_env=f"{dialect.name.upper()}_BASE_URL",
        needs_key=needs_key,
        lacks=dialect.lacks,
    )


def _headers(kind: ProviderKind, **header_options: str) -> ProviderKind:
    return replace(kind, options=frozenset(header_options), header_options=header_options)


KINDS: tuple[ProviderKind, ...] = (
    _headers(
        _host(_OPENAI, "https://api.openai.com/v1", "OPENAI_API_KEY"),
        organization="OpenAI-Organization",
        project="OpenAI-Project",
    ),
    ProviderKind(
        # base_url is https://RESOURCE.openai.azure.com/openai/v1, or with options.api_version the resource alone.
        name="azure",
        base_url="",
        authorize=always(header("api-key")),
        chat=_azure,
        key_env=("AZURE_OPENAI_API_KEY",),
        base_url_env="AZURE_OPENAI_BASE_URL",
        options=frozenset({"api_version"}),
    ),
    ProviderKind(
        # base_url is https://RESOURCE.services.ai.azure.com/models.
        name="azure-foundry",
        base_url="",
        authorize=always(header("api-key")),
        chat=_foundry,
        key_env=("AZURE_AI_API_KEY",),
        base_url_env="AZURE_AI_BASE_URL",
        options=frozenset({"api_version"}),
    ),
    _host(_DEEPSEEK, "https://api.deepseek.com", "DEEPSEEK_API_KEY"),
    _host(_XAI, "https://api.x.ai/v1", "XAI_API_KEY"),
    _headers(
        _host(_OPENROUTER, "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "OPEN_ROUTER_API_KEY"),
        referer="HTTP-Referer",
        title="X-Title",
    ),
    _host(_GROQ, "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    _host(_TOGETHER, "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    _host(_FIREWORKS, "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    _host(_PERPLEXITY, "https://api.perplexity.ai", "PERPLEXITY_API_KEY"),
    _host(_CEREBRAS, "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    _host(_DOUBAO, "https://ark.cn-beijing.volces.com/api/v3", "DOUBAO_API_KEY", "ARK_API_KEY"),
    _host(_POE, "https://api.poe.com/v1", "POE_API_KEY"),
    _host(_HUGGINGFACE, "https://router.huggingface.co/v1", "HF_TOKEN"),
    _host(_ZAI, "https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
    _host(_OLLAMA, "http://localhost:11434/v1", "OLLAMA_API_KEY", needs_key=False),
    _host(_LMSTUDIO, "http://localhost:1234/v1", "LMSTUDIO_API_KEY", needs_key=False),
    _host(_VLLM, "http://localhost:8000/v1", "VLLM_API_KEY", needs_key=False),
    ProviderKind(name="openai-compatible", base_url="", authorize=always(bearer), chat=_any_server, needs_key=False),
)
"""In the order in which they are listed to an operator."""
