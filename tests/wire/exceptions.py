"""Recordings that cannot pass, each with its reason. They count as not passed, and are named in the report.

``ENCODE`` is about request fields that the contract has no field for, by provider and JSON path (indices left open);
``BY_ID`` is about single recordings. A recording is an exception only where nothing else of it fails.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unsayable:
    """A request field the contract leaves out on purpose."""

    providers: frozenset[str]
    """Whose field it is; empty for all."""
    path: str
    """A regular expression over the whole path, indices left open."""
    reason: str


ENCODE: tuple[Unsayable, ...] = (
    Unsayable(
        frozenset(),
        r"functions|function_call|messages\[\]\.function_call",
        "OpenAI's functions, deprecated since 2023, were left out of the contract: tools took their place",
    ),
    Unsayable(
        frozenset(),
        "background",
        "an answer that is fetched later has no place in a call that waits for it",
    ),
    Unsayable(
        frozenset({"cohere"}),
        r"messages\[\]\.content\[\]\.document\.data\.url",
        "a document of the contract has a text, a title and what it is; its address is known to the fetching hub alone",
    ),
    Unsayable(
        frozenset({"ollama"}),
        "enable_thinking",
        "no parameter of Ollama's API, which ignores it; the contract says it as reasoning.mode",
    ),
    Unsayable(
        frozenset({"groq"}),
        "reasoning_format",
        "raw leaves the reasoning inside the text; the contract tells reasoning apart from text or leaves it out",
    ),
)

_DALL_E_2_QUALITY = (
    "quality is no parameter of dall-e-2: OpenAI answers 400 to it by now (openai-images-generate-error-f22f9b12), so "
    "the hub leaves it out and tells the caller so"
)

_STORED_PROMPT = "the request names a prompt that is stored at OpenAI and has no input; the contract asks for messages"

BY_ID: dict[str, str] = {
    "openai-responses-chat-document-ac5da2f5": _STORED_PROMPT,
    "openai-responses-chat-reasoning-00adb235": _STORED_PROMPT,
    "anthropic-messages-chat-text-22a37d37": (
        "top_p is -1, which one model let pass in 2024: the contract takes 0 to 1, as Anthropic's own reference did"
    ),
    "anthropic-messages-error-92bd2161": (
        "its one message is a string and no object, which no client of the contract can say; the recording is of the "
        "provider's refusal"
    ),
    "openai-images-generate-343e2986": _DALL_E_2_QUALITY,
    "openai-images-generate-error-f22f9b12": _DALL_E_2_QUALITY,
    "bedrock-converse-chat-structured-eb058f8d": (
        "Claude 3 Sonnet holds no answer to a schema by AWS's page, and the request id that was recorded is "
        "test-request-id-003; the hub has the schema answered by a tool that must be called"
    ),
    "openai-chat-completions-error-0fdd75fa": (
        "the request has no messages, which the contract refuses before any provider sees it; the recording is of the "
        "provider's refusal"
    ),
}


def unsayable(provider: str, path: str) -> str | None:
    """Why the contract has no field for ``path``, or None where nobody argued it."""
    pattern = re.sub(r"\[\d+\]", "[]", path)
    for rule in ENCODE:
        if (not rule.providers or provider in rule.providers) and re.fullmatch(rule.path, pattern):
            return rule.reason
    return None
