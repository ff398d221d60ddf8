"""Cohere: chat (version 2 of its API), embeddings, transcription.

Emulated: a function that must be called is sent as the only tool, and allowed tools are sent alone; files of text
become documents, ``doc:N`` by their place among the request's files, which citations name as ``document_index``; a
tool plan is reasoning with the format ``tool_plan`` and goes back as one; name and description of a schema become its
title and description; URLs of documents, and of images to embed, are fetched by the hub. Every embedding has an
``input_type``: that of the task, else search_document. Refused: n above 1, alternatives of log probabilities, custom
and provider tools, audio, video, documents that are no text, JSON beside tools or documents, grammars, web search, more
than 5 stop sequences, times and speakers of a transcript. Changed to the nearest and listed: top_p (0.01 to 0.99),
top_k (to 500), penalties (0 to 1), levels of reasoning below high. Dropped and listed: parallel_tool_calls false,
``strict`` of some tools where others are not, samplers beyond top_k, user, metadata, names, tool_error, cache marks.
``safety_mode``, ``priority`` and ``citation_options`` go through gateway.extra_body_json.
"""

from server.providers.kind import ProviderKind
from server.transport.credentials import always, bearer
from server.wire import model_lists
from server.wire.cohere import CohereChatCodec, CohereEmbeddingsCodec, CohereTranscriptionCodec

_CHAT = CohereChatCodec()
_EMBEDDINGS = CohereEmbeddingsCodec()
_TRANSCRIPTION = CohereTranscriptionCodec()

COHERE = ProviderKind(
    name="cohere",
    base_url="https://api.cohere.com",
    authorize=always(bearer),
    chat=lambda _: _CHAT,
    embeddings=lambda _: _EMBEDDINGS,
    transcription=lambda _: _TRANSCRIPTION,
    model_list=lambda _: model_lists.COHERE,
    key_env=("COHERE_API_KEY", "CO_API_KEY"),
    base_url_env="COHERE_BASE_URL",
    notes="version 2 of its API; documents are texts",
)
