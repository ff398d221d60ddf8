"""Moonshot's Kimi: https://platform.kimi.ai/docs/api/chat.

Emulated: pictures and videos named by an address are fetched by the hub, since bytes and its own files are all that it
reads; a tool called by name is the only one sent, and required. A function without parameters has those of none.
Refused: sound, documents, custom tools and tools of its own, more than one choice from a Kimi; a tool that must be
called while a K2 thinks. Dropped and listed: sampling at a Kimi, which fixes it; a seed; levels of reasoning at a K2,
and the switch at a K3, which always thinks. ``thinking.keep`` goes by ``gateway.extra_body_json``.
"""

import re
from types import MappingProxyType

from aignehub.v1 import chat_pb2

from server.providers.compatible.host import HIGH, LOW, host
from server.wire import model_lists
from server.wire.chat.knobs import COMMON_KNOBS, ModelRule
from server.wire.openai_chat import Dialect, reasoning

_RULES = (
    # https://platform.kimi.ai/docs/api/models-overview
    ModelRule(
        re.compile("kimi"),
        frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty", "n"}),
        fixed=True,
    ),
    ModelRule(re.compile(r"kimi-k2\.[56]"), frozenset({"reasoning.effort"})),
    ModelRule(re.compile(r"kimi-k2\.[56]"), frozenset({"forced_tool"}), unless_effort_none=True),
    ModelRule(re.compile(r"kimi-k2(?!\.[56])"), frozenset({"reasoning.effort", "reasoning.mode", "forced_tool"})),
    ModelRule(re.compile("kimi-k3"), frozenset({"reasoning.mode"})),
    ModelRule(re.compile("moonshot"), frozenset({"reasoning"})),
)

_MOONSHOT = Dialect(
    name="moonshot",
    knobs=(COMMON_KNOBS - {"seed", "user"})
    | {"n", "logprobs", "top_logprobs", "safety_identifier", "prompt_cache_key", "name"},
    model_rules=_RULES,
    max_temperature=1.0,
    max_n=5,
    max_stop=5,
    max_tools=128,
    inputs=frozenset({"image", "video"}),
    media_urls=False,
    file_scheme="ms://",
    replay_reasoning="reasoning_content",
    named_tool=False,
    parameters_required=True,
    reasoning=reasoning.thinking_or_effort,
    efforts=MappingProxyType({LOW: "low", HIGH: "high", chat_pb2.REASONING_EFFORT_MAX: "max"}),
)

KIND = host(_MOONSHOT, "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", listing=model_lists.OPENAI)
