"""Ollama, by its own API: https://docs.ollama.com/api.

``base_url`` is the server's, with or without the ``/v1`` of its compatible API. Pictures are drawn below that ``/v1``,
the only place that has them (https://docs.ollama.com/api/openai-compatibility, experimental).

Emulated: a developer's message is one of the system's; several texts of a message are lines of one; pictures by
address are fetched by the hub and sent as bytes; of ``tool_choice`` NONE shows the model no tools and allowed_tools
those alone; ids of calls are made where a release sends none. A schema is held by a grammar, so that ``strict`` is
always kept. gpt-oss takes a level of reasoning and no switch, every other model a switch and no level.
Refused: being made to call a tool, tools that are no functions, ``n`` above 1, sound, videos and documents, spoken
answers, regular expressions and grammars, a web search or a moderation beside the answer.
Dropped and listed: logit_bias, parallel_tool_calls, prediction, verbosity, service_tier, store, metadata, cache marks
and ids of users. ``keep_alive`` and ``options.num_ctx`` go by ``gateway.extra_body_json``.

A model that was not pulled is refused by the server with 404; the error says what to do, and so does GetStatus, from
the list of models that are there. What each of them can do, and how much it reads, is what the server shows of it: it
is asked once for every digest.
"""

from collections.abc import Mapping
from dataclasses import replace

from server.providers.image_hosts import OLLAMA
from server.providers.kind import ProviderKind, Site
from server.providers.lists import always as same_list
from server.transport.credentials import always, bearer
from server.wire import model_lists
from server.wire.ollama import OllamaChatCodec, OllamaEmbeddingsCodec

_CHAT = OllamaChatCodec()
_EMBEDDINGS = OllamaEmbeddingsCodec()


def _settled(site: Site, environ: Mapping[str, str]) -> Site:
    return replace(site, base_url=site.base_url.rstrip("/").removesuffix("/v1"))


KIND = ProviderKind(
    name="ollama",
    base_url="http://localhost:11434",
    authorize=always(bearer),
    chat=lambda _: _CHAT,
    embeddings=lambda _: _EMBEDDINGS,
    images=lambda _: OLLAMA,
    key_env=("OLLAMA_API_KEY",),
    base_url_env="OLLAMA_BASE_URL",
    needs_key=False,
    settle=_settled,
    model_list=same_list(model_lists.OLLAMA),
    notes="its own API, with or without `/v1` in the address; `make run` finds a local one",
)
