"""Hosts that also speak OpenAI's Responses API, and which of their models are asked that way.

An instance chooses by ``options.api``: ``auto`` (the default) asks by chat completions wherever a model has them and by
responses where it does not, ``chat`` and ``responses`` ask every model alike.

Behind it, as in chat completions: what the caller did not ask to be stored is not stored, and a function that says
nothing of ``strict`` is not strict (this API's own defaults are the other way round). ``web_search_options`` become the
host's tool; ``reasoning.include_text`` asks for a summary, which is the only text of it that OpenAI and xAI tell.
Reasoning comes encrypted and goes back so; ids of items go back as they came. Refused: ``stop``, ``n`` above 1, spoken
answers and modalities besides text (the tool ``image_generation`` draws), regular expressions and grammars. Dropped
and listed: penalties, ``logit_bias``, ``seed``, ``prediction``, names of participants, the mark of a failed tool.
What the contract has no field for (``truncation``, ``previous_response_id``, more of ``include``,
``reasoning.context``) goes by ``gateway.extra_body_json``; ``background`` is refused there too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aignehub.v1 import chat_pb2

from server.providers.kind import ProviderKind, Site
from server.providers.model_rules import OPENAI_RULES, XAI_RULES
from server.wire.by_model import ByModel
from server.wire.codec import ChatCodec
from server.wire.http import path_segment
from server.wire.openai_responses import OpenAIResponsesCodec, ResponsesDialect
from server.wire.openai_responses.dialect import COMMON

_APIS = ("auto", "chat", "responses")

_KNOBS = COMMON | {
    "logprobs",
    "top_logprobs",
    "verbosity",
    "service_tier",
    "store",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_ttl",
    "include_obfuscation",
    "user",
}

# The o-series, gpt-5 and later but for the models of chatgpt.com, and what was made of them: others answer 400.
_REASONING = r"o\d|gpt-([5-9]|\d\d)(?!.*chat)|codex|computer-use|gpt-daybreak"


def _after(vendor: str, models: re.Pattern[str]) -> re.Pattern[str]:
    """The same models by names that begin with their maker's."""
    return re.compile(rf"{re.escape(vendor)}({models.pattern})")


_OPENAI = ResponsesDialect(
    # https://platform.openai.com/docs/api-reference/responses/create
    name="openai",
    knobs=_KNOBS,
    model_rules=OPENAI_RULES,
    least_tokens=16,
    developer_role=True,
    inputs=frozenset({"image", "file"}),
    cache_breakpoints=True,
    custom_tools=True,
    allowed_tools=True,
    defer_loading=True,
    web_search="web_search",
    moderation=True,
    encrypts=True,
    encrypted_models=re.compile(_REASONING),
    summaries=True,
)

_XAI = ResponsesDialect(
    # https://docs.x.ai/docs/api-reference#create-new-response; metadata and service_tier are read and not obeyed.
    name="xai",
    knobs=COMMON | {"logprobs", "top_logprobs", "store", "prompt_cache_key", "user"},
    model_rules=XAI_RULES,
    max_top_logprobs=8,
    logprobs_switch=True,
    developer_role=True,
    inputs=frozenset({"image", "file"}),
    web_search="web_search",
    encrypts=True,
    encrypted_models=re.compile(r"grok(?!.*non-reasoning)"),
    summaries=True,
    efforts={
        chat_pb2.REASONING_EFFORT_NONE: "none",
        chat_pb2.REASONING_EFFORT_LOW: "low",
        chat_pb2.REASONING_EFFORT_MEDIUM: "medium",
        chat_pb2.REASONING_EFFORT_HIGH: "high",
    },
)

_DEEPSEEK = ResponsesDialect(
    # https://api-docs.deepseek.com; it keeps nothing, and tells its thoughts whole.
    name="deepseek",
    knobs=COMMON | {"user"},
    inputs=frozenset(),
    web_search="web_search",
    takes_text=True,
    efforts={chat_pb2.REASONING_EFFORT_HIGH: "high", chat_pb2.REASONING_EFFORT_MAX: "max"},
)

_OPENROUTER = ResponsesDialect(
    # https://openrouter.ai/docs/api-reference/responses; it keeps nothing, and drops by itself what a model lacks.
    name="openrouter",
    knobs=(_KNOBS - {"logprobs", "top_logprobs", "store", "prompt_cache_ttl", "include_obfuscation"})
    | {"top_k", "frequency_penalty", "presence_penalty"},
    developer_role=True,
    inputs=frozenset({"image", "audio", "file"}),
    web_search="web_search",
    encrypts=True,
    encrypted_models=re.compile(rf"openai/({_REASONING})|x-ai/grok"),
    summaries=True,
    takes_text=True,
)

_ANY = ResponsesDialect(
    # A server nobody described, such as vLLM, LM Studio or Amazon's: what is newest in OpenAI's API is left out.
    name="openai-compatible",
    knobs=_KNOBS - {"prompt_cache_ttl", "include_obfuscation", "safety_identifier"},
    inputs=frozenset({"image", "file"}),
    custom_tools=True,
    encrypts=True,
    summaries=True,
    takes_text=True,
)

MANTLE = (
    # https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html: OpenAI's own models by responses alone,
    # its open ones by chat completions as well, as most others'. Web search is there:
    # https://developers.openai.com/api/docs/guides/amazon-bedrock
    re.compile(r"openai\.(?!gpt-oss)"),
    OpenAIResponsesCodec(
        replace(
            _OPENAI,
            name="bedrock-mantle",
            path="/openai/v1/responses",
            knobs=_KNOBS - {"prompt_cache_ttl", "include_obfuscation", "safety_identifier"},
            model_rules=tuple(replace(rule, models=_after("openai.", rule.models)) for rule in OPENAI_RULES),
            cache_breakpoints=False,
            moderation=False,
            encrypted_models=re.compile(rf"openai\.({_REASONING})"),
        )
    ),
)
"""The row of Bedrock's endpoint of other makers' formats: which models, and how they are asked."""

_ONLY_RESPONSES = re.compile(
    # https://platform.openai.com/docs/models: those whose page lists no chat completions.
    r"o\d+-pro|gpt-5(\.\d+)?-pro|(gpt-.*)?codex|o\d.*deep-research|computer-use|gpt-daybreak|gpt-5\.\d+-cyber"
)


@dataclass(frozen=True, slots=True)
class _Row:
    dialect: ResponsesDialect
    only: re.Pattern[str] | None = None
    """Models that have no chat completions."""
    elsewhere: str = ""
    """End of an address below which this API is not, though the host has it."""

    def codec(self, options: Mapping[str, str]) -> OpenAIResponsesCodec:
        version = "" if self.elsewhere else options.get("api_version", "")
        if not version:
            return OpenAIResponsesCodec(self.dialect)
        # Below no deployment, the model in the body: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/responses.
        path = f"/openai/responses?api-version={path_segment(version)}"
        return OpenAIResponsesCodec(replace(self.dialect, path=path))


_AZURE = replace(_OPENAI, name="azure", moderation=False)

_ROWS = {
    "openai": _Row(_OPENAI, _ONLY_RESPONSES),
    "azure": _Row(_AZURE, _ONLY_RESPONSES),
    "azure-foundry": _Row(replace(_AZURE, name="azure-foundry"), elsewhere="/models"),
    # https://docs.x.ai/docs/guides/multi-agent
    "xai": _Row(_XAI, re.compile(r"grok-.*multi-agent")),
    "deepseek": _Row(_DEEPSEEK),
    "openrouter": _Row(_OPENROUTER),
    "openai-compatible": _Row(_ANY),
}


def with_responses(kind: ProviderKind) -> ProviderKind:
    """The kind with its second API and the option that chooses, where its host has it; others as they are."""
    row = _ROWS.get(kind.name)
    chat, settle = kind.chat, kind.settle
    if row is None or chat is None:
        return kind

    def choose(options: Mapping[str, str]) -> ChatCodec:
        match options.get("api", "auto"):
            case "responses":
                return row.codec(options)
            case "auto" if row.only is not None:
                return ByModel(chat(options), ((row.only, row.codec(options)),))
            case _:
                return chat(options)

    def settled(site: Site, environ: Mapping[str, str]) -> Site:
        api = site.options.get("api", "auto")
        if api not in _APIS:
            raise ValueError(f"options.api: must be one of {', '.join(_APIS)}")
        site = settle(site, environ) if settle else site
        if api == "responses" and row.elsewhere and site.base_url.endswith(row.elsewhere):
            raise ValueError(f"base_url: responses are not below {row.elsewhere}; let it end in /openai/v1")
        return site

    only_here = row.only is not None
    return replace(kind, chat=choose, settle=settled, options=kind.options | {"api"}, responses=only_here)
