"""Every fake there is: one module a format. Add the module here."""

from tests.conversations.dialects import (
    anthropic,
    bedrock,
    bedrock_mantle,
    cohere,
    gemini,
    mistral,
    ollama,
    openai_hosts,
    openai_responses,
    vertex,
)
from tests.conversations.dialects.base import Dialect

DIALECTS: tuple[Dialect, ...] = (
    *openai_hosts.DIALECTS,
    *openai_responses.DIALECTS,
    *ollama.DIALECTS,
    *anthropic.DIALECTS,
    *mistral.DIALECTS,
    *gemini.DIALECTS,
    *vertex.DIALECTS,
    *bedrock.DIALECTS,
    *bedrock_mantle.DIALECTS,
    *cohere.DIALECTS,
)
