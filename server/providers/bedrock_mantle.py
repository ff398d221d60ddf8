"""Bedrock's endpoint of other makers' formats: https://docs.aws.amazon.com/bedrock/latest/userguide/endpoints.html.

Keys and options are told in aws.py, but that the environment alone switches this kind on by BEDROCK_MANTLE_BASE_URL:
who has set up Bedrock's own endpoint has not asked for this one as well.

Claude (a name that begins with anthropic) is asked in Anthropic's format, below ``/anthropic``; models that have the
Responses API alone (OpenAI's but for gpt-oss, Grok, Gemma 4) by that, below ``/openai``; every other by OpenAI's chat
completions. Claude is given documents and images as bytes, and holds no answer to a schema here: one is asked for by a
tool, and a strict one refused; its reasoning and blocks carry the name anthropic, whose API takes them back as well.
Of other models tokens are estimated. What is emulated, refused and dropped is told in anthropic.py for the one, and in
responses.py for the next; for the others it is what a row of compatible/ leaves out.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from server.providers import aws
from server.providers.kind import ProviderKind, Site
from server.providers.lists import always
from server.providers.responses import MANTLE
from server.wire import anthropic
from server.wire.anthropic import AnthropicCodec, AnthropicCountCodec
from server.wire.by_model import ByModel, CountByModel
from server.wire.chat.knobs import COMMON_KNOBS
from server.wire.model_lists import OPENAI
from server.wire.openai_chat import Dialect, OpenAIChatCodec, reasoning
from server.wire.openai_responses import OpenAIResponsesCodec, ResponsesDialect
from server.wire.openai_responses.dialect import COMMON

NAME = "bedrock-mantle"

_CHAT = Dialect(
    # https://docs.aws.amazon.com/bedrock/latest/userguide/inference-chat-completions-mantle.html
    name=NAME,
    chat_path="/v1/chat/completions",
    # Tiers: https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html
    knobs=COMMON_KNOBS | {"service_tier"},
    inputs=frozenset({"image", "audio"}),
    replay_reasoning="reasoning",
    reasoning=reasoning.effort_with_text,
)
_CLAUDE = anthropic.Dialect(
    # https://platform.claude.com/docs/en/build-with-claude/claude-in-amazon-bedrock
    name="anthropic",
    kin=frozenset({"azure-anthropic"}),
    path="/anthropic/v1/messages",
    count_path="/anthropic/v1/messages/count_tokens",
    sources=frozenset({"data"}),
    automatic_caching=False,
    # https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html: by other endpoints alone.
    structured=False,
    web_search="",
    fast=False,
)
_OTHERS = ResponsesDialect(
    # Served below this path, of which little more is told:
    # https://docs.aws.amazon.com/bedrock/latest/userguide/inference-responses-api.html
    name=NAME,
    path="/openai/v1/responses",
    knobs=COMMON | {"service_tier", "store"},
    takes_text=True,
)
_CODECS = ByModel(
    OpenAIChatCodec(_CHAT),
    (
        (re.compile(r"anthropic\."), AnthropicCodec(_CLAUDE)),
        MANTLE,
        (re.compile(r"xai\.grok|google\.gemma-4"), OpenAIResponsesCodec(_OTHERS)),
    ),
)
_COUNTS = CountByModel(AnthropicCountCodec(_CLAUDE), ((re.compile(r"(?!anthropic\.)"), None),))
_settle = aws.settled(lambda region: f"https://bedrock-mantle.{region}.api.aws")


def _settled(site: Site, environ: Mapping[str, str]) -> Site:
    if not site.base_url and not site.options.get("region"):
        raise ValueError("options.region: is needed to find the service; write one such as us-east-1")
    return _settle(site, environ)


KIND = ProviderKind(
    name=NAME,
    base_url="",
    authorize=aws.authorizes(NAME),
    chat=lambda _: _CODECS,
    count=lambda _: _COUNTS,
    base_url_env="BEDROCK_MANTLE_BASE_URL",
    settle=_settled,
    credentials_from=aws.credentials_from,
    responses=True,
    model_list=always(replace(OPENAI, path="/v1/models")),
    options=aws.OPTIONS,
    switched_on="`BEDROCK_MANTLE_BASE_URL` with keys as for `bedrock`",
    notes="OpenAI's and Anthropic's formats, at `https://bedrock-mantle.REGION.api.aws`; keys as for `bedrock`",
)
