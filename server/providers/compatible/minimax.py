"""MiniMax: https://platform.minimax.io/docs/api-reference/text-chat-openai.

Every request has thoughts told apart from the text (``reasoning_split``), which begins with them otherwise; they go
back as they came. Emulated: pictures in a tool's result follow in a message of the user. Refused, since its page has
none of it: stop sequences, JSON modes and schemas, being made to call a tool, more than one choice, sound, documents.
Dropped and listed: a temperature of 0, which is raised, levels of reasoning, and switching it off at an M2.
"""

import re
from types import MappingProxyType

from server.providers.compatible.host import host
from server.wire.chat.knobs import ModelRule
from server.wire.openai_chat import Dialect, reasoning

_MINIMAX = Dialect(
    name="minimax",
    knobs=frozenset({"temperature", "top_p"}),
    model_rules=(
        ModelRule(re.compile(""), frozenset({"forced_tool"})),
        ModelRule(re.compile("MiniMax-M2"), frozenset({"reasoning.mode"})),
    ),
    always=MappingProxyType({"reasoning_split": True}),
    min_temperature=0.01,
    max_temperature=1.0,
    inputs=frozenset({"image", "video"}),
    replay_reasoning="reasoning_details",
    json_object=False,
    json_schema=False,
    reasoning=reasoning.thinking_adaptive,
)

KIND = host(_MINIMAX, "https://api.minimax.io/v1", "MINIMAX_API_KEY")
