"""Bedrock's endpoint of other formats: https://docs.aws.amazon.com/bedrock/latest/userguide/endpoints.html."""

from dataclasses import dataclass, replace

from typing_extensions import override

from tests.conversations.dialects.anthropic import Anthropic
from tests.conversations.dialects.base import KEY, Dialect, NotTaken, Otherwise, Refused, Request
from tests.conversations.dialects.openai_chat import OpenAIChat
from tests.conversations.dialects.openai_hosts.differences import NO_BREAKPOINT, NO_FILES, NO_TOOL_ERROR
from tests.conversations.dialects.openai_responses import OPENAI
from tests.conversations.dialects.openai_responses import Responses as AnyResponses
from tests.conversations.neutral import Heard, Tool

_REGION = {"region": "us-west-2"}


@dataclass(frozen=True)
class Responses(AnyResponses):
    """OpenAI's format below a path of its own."""

    @override
    def hear(self, request: Request) -> Heard:
        path = request.path.removeprefix("/openai/v1") if request.path.startswith("/openai/v1/") else ""
        return super().hear(replace(request, path=path))


@dataclass(frozen=True)
class Claude(Anthropic):
    """Anthropic's format below a path of its own, but for how a client proves itself."""

    @override
    def hear(self, request: Request) -> Heard:
        if request.headers.get("authorization") != f"Bearer {KEY}" or "x-api-key" in request.headers:
            raise NotTaken("a bearer token is what proves a client")
        path = request.path.removeprefix("/anthropic") if request.path.startswith("/anthropic/") else ""
        return super().hear(replace(request, path=path, headers={**request.headers, "x-api-key": KEY}))


def _by_tool(heard: Heard) -> Heard:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    tool = Tool("person", "Gives the answer to the user. Call it once, with the whole answer as its input.", schema)
    return replace(heard, json_only=False, schema=None, tools=(tool,), tool_choice="function:person")


_NOT_FETCHED = Otherwise(
    # It takes no address: the hub fetches the image, which it may not here.
    refused=Refused("messages[0].content[1].image.media.url", "INVALID_ARGUMENT", "URL_NOT_ALLOWED")
)

DIALECTS: tuple[Dialect, ...] = (
    OpenAIChat(
        kind="bedrock-mantle",
        base_path="",
        path="/v1/chat/completions",
        options=_REGION,
        model="openai.gpt-oss-120b",
        takes=frozenset({"response_format", "tools", "stop"}),
        thinks="reasoning",
        takes_thoughts="reasoning",
        counts=frozenset({"cached", "reasoning"}),
        otherwise={
            **NO_TOOL_ERROR,
            **NO_BREAKPOINT,
            **NO_FILES,
            "n": Otherwise(refused=Refused("n")),
            "logprobs": Otherwise(refused=Refused("logprobs")),
        },
    ),
    Responses(
        kind="bedrock-mantle",
        instance="bedrock-mantle-responses",
        base_path="",
        options=_REGION,
        model="openai.gpt-5.6-luna",
        proofs=frozenset({"openai.gpt-5.6-luna"}),
        breakpoints=False,
        otherwise={
            **OPENAI.otherwise,
            **NO_BREAKPOINT,
            "logprobs": Otherwise(refused=Refused("logprobs")),
        },
    ),
    Claude(
        kind="bedrock-mantle",
        instance="bedrock-mantle-claude",
        options=_REGION,
        model="anthropic.claude-opus-4-6",
        structured=False,
        otherwise={
            "vision by URL": _NOT_FETCHED,
            "json_schema": Otherwise(emulated="a tool that must be called takes the answer", heard=_by_tool),
            # The table's second sequence is two line feeds.
            "stop": Otherwise(refused=Refused("stop[1]")),
            "n": Otherwise(refused=Refused("n")),
            "logprobs": Otherwise(refused=Refused("logprobs")),
        },
    ),
)
