"""Anthropic: chat and token counts by the Messages API, at its own address and on Azure.

Emulated
- ``json_schema``: by ``output_config.format`` from Claude 4.5 on, objects that do not say whether they are open being
  closed first (unless ``strict`` is set, which sends the schema as it is). Where the model has no such format, or the
  schema needs an open object, by a tool that must be called and whose input becomes the text; where a call cannot be
  forced, because the model reasons, by an instruction. ``json_object`` by that tool or instruction. A schema's name has
  no use but as the tool's. Among the caller's own tools the answer is one more tool of which one must be called.
- ``reasoning``: effort by ``output_config.effort`` with adaptive thinking; for models that know budgets alone, by a
  budget of 20 % (low), 50 % (medium), 80 % (high) or 95 % of the token limit, at most 32,000. A budget is sent to
  models that take one. What a model cannot do is listed: a budget from Claude 4.7 on, no reasoning at those that always
  do.
- ``max_completion_tokens``: the API wants a limit; unset, it is the most that the model gives.
- system and developer messages within the conversation stay in place at models that take them there (Claude Opus from
  4.8, Fable, Mythos), else they join the others at the top. Results of tools go first into one user turn.
- ``allowed_tools``: only those are sent. ``web_search_options``: the web search tool. ``service_tier`` default is
  ``standard_only``, fast is ``speed``. ``safety_identifier``, else ``user``, is ``metadata.user_id``.
  ``prompt_cache_ttl`` is automatic caching of the request's last block.
- Ids of calls that other providers made, and arguments that are no JSON object, are fitted to what the API takes.
- ``gateway.extra_body_json`` may bring ``mcp_servers``, ``container``, ``context_management`` and the like.

Refused: custom tools, log probabilities, more than one choice, audio and video, images of the assistant's own, spoken
answers, moderation, grammars, stop sequences of white space, forced calls at models that refuse them, and ``strict``
schemas before Claude 4.5. Dropped and listed: temperature, top_p and top_k at models after 4.6 and while reasoning by
budget, penalties, seed, logit_bias, min_p, verbosity, prediction, store, metadata, prompt_cache_key, image detail,
names of participants, and reasoning that Claude did not sign.

The option ``betas`` names features that every call asks for, between commas. An address may end in /v1 or not. In
Foundry a key goes as ``x-api-key``; entra.py has the options for tokens in its place.

Answers: blocks of the provider's own tools, and any that the contract has no part for, are ProviderParts, to be sent
back as they came; who called a tool from code, and its toolset, travel in the call's signature.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from server.providers import entra
from server.providers.kind import ProviderKind, Site
from server.transport.credentials import always
from server.transport.credentials.anthropic import anthropic_key
from server.wire import model_lists
from server.wire.anthropic import AnthropicCodec, AnthropicCountCodec, Dialect

_BETA = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_KIN = frozenset({"anthropic", "azure-anthropic"})
"""Names that Claude's signed reasoning and blocks carry, which are exchangeable: Claude on Vertex AI is the first."""


def _host(dialect: Dialect, base_url: str, key_env: str, base_url_env: str, notes: str) -> ProviderKind:
    def instance(options: Mapping[str, str]) -> Dialect:
        return replace(dialect, betas=_betas(options))

    return ProviderKind(
        name=dialect.name,
        base_url=base_url,
        authorize=always(anthropic_key),
        chat=lambda options: AnthropicCodec(instance(options)),
        count=lambda options: AnthropicCountCodec(instance(options)),
        key_env=(key_env,),
        base_url_env=base_url_env,
        settle=_settle,
        options=frozenset({"betas"}),
        notes=notes,
    )


def _settle(site: Site, _: Mapping[str, str]) -> Site:
    """Takes an address with the version in it as well, as other kinds have theirs."""
    _betas(site.options)
    return replace(site, base_url=site.base_url.removesuffix("/v1"))


def _betas(options: Mapping[str, str]) -> tuple[str, ...]:
    """Raises ValueError, written for the operator, where one is no name of a beta."""
    names = tuple(name.strip() for name in options.get("betas", "").split(",") if name.strip())
    for name in names:
        if not _BETA.fullmatch(name):
            raise ValueError(f"options.betas: {name!r} is no name of a beta, such as context-management-2025-06-27")
    return names


ANTHROPIC = replace(
    _host(
        Dialect(name="anthropic", kin=_KIN),
        "https://api.anthropic.com",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        "Messages API; an OAuth token `sk-ant-oat…` goes as a bearer",
    ),
    model_list=lambda _: model_lists.ANTHROPIC,
)
# base_url is https://RESOURCE.services.ai.azure.com/anthropic:
# https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry
AZURE_ANTHROPIC = replace(
    _host(
        Dialect(name="azure-anthropic", kin=_KIN, fast=False),
        "",
        "ANTHROPIC_FOUNDRY_API_KEY",
        "ANTHROPIC_FOUNDRY_BASE_URL",
        "Claude in Foundry: `https://RESOURCE.services.ai.azure.com/anthropic`; Entra as for `azure`",
    ),
    authorize=entra.authorizes(anthropic_key, entra.FOUNDRY_SCOPE),
    settle=lambda site, environ: _settle(entra.settle(site, environ), environ),
    credentials_from=entra.credentials_from,
    takes_no_keys=entra.takes_no_keys,
    options=entra.OPTIONS | {"betas"},
)
