"""Hosts of other makers' models, most of them open ones."""

from server.providers.compatible.host import NONE_AND_THREE, THREE_LEVELS, host, with_headers
from server.providers.kind import ProviderKind
from server.wire import model_lists
from server.wire.chat.knobs import COMMON_KNOBS, OPENAI_KNOBS, SAMPLER_KNOBS
from server.wire.openai_chat import Dialect, reasoning

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
    # https://openrouter.ai/docs/api-reference/errors-and-debugging
    failed=frozenset({"error"}),
)

_GROQ = Dialect(
    # https://console.groq.com/docs/openai: logprobs, logit_bias, names and n above 1 are answered with 400. Its streams
    # tell usage unasked, in x_groq.
    name="groq",
    knobs=COMMON_KNOBS | {"n", "parallel_tool_calls", "service_tier"},
    max_stop=4,
    max_n=1,
    max_tools=128,
    developer_role=True,
    system_media=False,
    replay_reasoning="reasoning",
    provider_tools=True,
    stream_usage=False,
    reasoning=reasoning.groq,
    efforts=NONE_AND_THREE,
)

_TOGETHER = Dialect(
    # https://docs.together.ai/reference/chat-completions-1; streams tell usage unasked.
    name="together",
    knobs=(COMMON_KNOBS - {"user"}) | SAMPLER_KNOBS | {"n", "logit_bias", "logprobs", "top_logprobs", "name"},
    max_tokens="max_tokens",
    logprobs_number=True,
    stream_usage=False,
    inputs=frozenset({"image", "video"}),
    system_media=False,
    plain_texts=True,
    replay_reasoning="reasoning",
    regex="response_format",
    reasoning=reasoning.together,
    efforts=THREE_LEVELS,
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
    efforts=NONE_AND_THREE,
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
    efforts=NONE_AND_THREE,
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

_DEEPINFRA = Dialect(
    # https://docs.deepinfra.com/api-reference/openai-chat-completions-1
    name="deepinfra",
    knobs=COMMON_KNOBS | SAMPLER_KNOBS | {"n", "logprobs", "service_tier", "prompt_cache_key"},
    max_tokens="max_tokens",
    max_stop=4,
    replay_reasoning="reasoning_content",
    cache="cache_control",
    continuous_usage=True,
    reasoning=reasoning.together,
    efforts=THREE_LEVELS,
)

_SAMBANOVA = Dialect(
    # https://docs.sambanova.ai/docs/api-reference/chat-completions/create-chat-based-completion: penalties are taken
    # and not obeyed, pictures are base64.
    name="sambanova",
    knobs=frozenset({"temperature", "top_p", "top_k", "stop", "parallel_tool_calls"}),
    max_stop=4,
    media_urls=False,
    reasoning=reasoning.effort_with_text,
    efforts=THREE_LEVELS,
)

KINDS: tuple[ProviderKind, ...] = (
    with_headers(
        host(_OPENROUTER, "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "OPEN_ROUTER_API_KEY"),
        referer="HTTP-Referer",
        title="X-Title",
    ),
    host(_GROQ, "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    host(_TOGETHER, "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    host(_FIREWORKS, "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    host(_CEREBRAS, "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    host(_POE, "https://api.poe.com/v1", "POE_API_KEY"),
    host(_HUGGINGFACE, "https://router.huggingface.co/v1", "HF_TOKEN"),
    host(
        _DEEPINFRA,
        "https://api.deepinfra.com/v1/openai",
        "DEEPINFRA_TOKEN",
        "DEEPINFRA_API_KEY",
        listing=model_lists.OPENAI,
    ),
    host(_SAMBANOVA, "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY", listing=model_lists.OPENAI),
)
