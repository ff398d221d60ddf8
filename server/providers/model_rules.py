"""What models of a family refuse, whoever's table of parameters says otherwise."""

import re

from server.wire.chat.knobs import ModelRule

_SAMPLING = frozenset(
    {"temperature", "top_p", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs"}
)

OPENAI_RULES = (
    # https://platform.openai.com/docs/guides/reasoning: the o-series fixes sampling, and calls one tool at a time.
    ModelRule(re.compile(r"o\d"), _SAMPLING | {"parallel_tool_calls", "verbosity"}),
    # https://platform.openai.com/docs/guides/latest-model: later models take it while they do not reason.
    ModelRule(re.compile(r"gpt-5(?!\.\d)(?!.*chat)"), _SAMPLING),
    # Those before gpt-5.5 reason only when asked to; of them the codex and pro models always do.
    ModelRule(
        re.compile(r"gpt-5\.[1-4](?!\d)(?!.*(chat|codex|pro))"), _SAMPLING, unless_effort_none=True, off_by_default=True
    ),
    ModelRule(
        re.compile(r"gpt-(5\.([5-9]|\d\d+)|5\.[1-4].*(codex|pro)|[6-9])(?!\d)(?!.*chat)"),
        _SAMPLING,
        unless_effort_none=True,
    ),
    # Models that do not reason refuse to be told how.
    ModelRule(re.compile(r"(ft:)?(gpt-[34]|chatgpt-4)"), frozenset({"reasoning", "verbosity"})),
    # https://platform.openai.com/docs/guides/prompt-caching: breakpoints begin with gpt-5.6.
    ModelRule(re.compile(r"(ft:)?(o\d|gpt-[34]|chatgpt|gpt-5(\.[0-5](?!\d))?(?!\.))"), frozenset({"cache_breakpoint"})),
)

XAI_RULES = (
    # https://docs.x.ai/docs/guides/reasoning
    ModelRule(
        re.compile(r"grok-(3-mini|4(?!.*non-reasoning)|code)"),
        frozenset({"frequency_penalty", "presence_penalty", "stop"}),
    ),
    ModelRule(re.compile(r"grok-(2|3(?!-mini)|4($|-)|code)"), frozenset({"reasoning"})),
)
