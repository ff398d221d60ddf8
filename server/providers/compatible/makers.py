"""Makers who serve their own models.

A picture in a tool's result, which OpenAI reads in no message but a user's, follows in a message of the user; so at
every host of the format that is not known to read it where it stands.
"""

from types import MappingProxyType

from server.providers.compatible.host import MINIMAL, THREE_LEVELS, host, with_headers
from server.providers.kind import ProviderKind
from server.providers.model_rules import OPENAI_RULES, XAI_RULES
from server.wire.chat.knobs import COMMON_KNOBS, OPENAI_KNOBS
from server.wire.openai_chat import Dialect, reasoning

OPENAI = Dialect(
    # https://platform.openai.com/docs/api-reference/chat/create
    name="openai",
    knobs=OPENAI_KNOBS,
    model_rules=OPENAI_RULES,
    max_stop=4,
    max_tools=128,
    whole_logit_bias=True,
    developer_role=True,
    inputs=frozenset({"image", "audio", "file"}),
    system_media=False,
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
    failed=frozenset({"insufficient_system_resource"}),
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
    efforts=THREE_LEVELS,
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
    efforts=MappingProxyType({MINIMAL: "minimal", **THREE_LEVELS}),
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
    efforts=MappingProxyType({MINIMAL: "minimal", **THREE_LEVELS}),
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
    failed=frozenset({"network_error"}),
)

KINDS: tuple[ProviderKind, ...] = (
    with_headers(
        host(OPENAI, "https://api.openai.com/v1", "OPENAI_API_KEY"),
        organization="OpenAI-Organization",
        project="OpenAI-Project",
    ),
    host(_DEEPSEEK, "https://api.deepseek.com", "DEEPSEEK_API_KEY"),
    host(_XAI, "https://api.x.ai/v1", "XAI_API_KEY"),
    host(_PERPLEXITY, "https://api.perplexity.ai", "PERPLEXITY_API_KEY"),
    host(_DOUBAO, "https://ark.cn-beijing.volces.com/api/v3", "DOUBAO_API_KEY", "ARK_API_KEY"),
    host(_ZAI, "https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
)
