"""Alibaba's Model Studio, home of Qwen.

https://www.alibabacloud.com/help/en/model-studio/qwen-api-via-openai-chat-completions

The address is Singapore's; a key is that of one region, whose address ``base_url`` then names. Emulated: a schema is
an instruction beside JSON mode, which every model has; where some tool must be called and there is one, it is named.
Refused: being made to call one of several tools, or any while a model thinks, sound and documents. Dropped and listed:
frequency_penalty, and levels of reasoning, which has a switch and a budget. Its own searches and what images are read
with go by ``gateway.extra_body_json``. Some open models answer in streams alone while they think.
"""

import re

from server.providers.compatible.host import host
from server.wire.chat.knobs import ModelRule
from server.wire.openai_chat import Dialect, reasoning

_FORCED = frozenset({"forced_tool"})

_DASHSCOPE = Dialect(
    name="dashscope",
    knobs=frozenset({"temperature", "top_p", "top_k", "presence_penalty", "seed", "stop", "n"})
    | {"logprobs", "top_logprobs", "parallel_tool_calls"},
    model_rules=(
        # https://www.alibabacloud.com/help/en/model-studio/qwen-function-calling
        ModelRule(re.compile(r".*thinking|qwq|qvq|deepseek-r1"), _FORCED),
        ModelRule(re.compile(""), _FORCED, unless_effort_none=True, off_by_default=True),
    ),
    max_tokens="max_tokens",
    max_n=4,
    max_top_logprobs=5,
    min_seed=0,
    inputs=frozenset({"image", "video"}),
    replay_reasoning="reasoning_content",
    required_tool="",
    json_schema=False,
    reasoning=reasoning.switch_and_budget,
)

KIND = host(_DASHSCOPE, "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY")
