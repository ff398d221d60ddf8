"""Bedrock's Converse: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import Dialect, Otherwise, Refused, Reply, dump
from tests.conversations.dialects.base import StreamReply as Streamed
from tests.conversations.dialects.bedrock_heard import HearsBedrock
from tests.conversations.dialects.openai_chat import in_pieces
from tests.conversations.neutral import (
    Choice,
    Heard,
    Script,
    Thought,
    Tool,
    ToolCall,
    Usage,
)
from tests.event_frames import event

_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
}
_JSON = {"Content-Type": "application/json", "x-amzn-RequestId": "request-1"}
_EVENTS = {"Content-Type": "application/vnd.amazon.eventstream", "x-amzn-RequestId": "request-1"}


@dataclass(frozen=True)
class Bedrock(HearsBedrock):
    """The API whole, with one model."""

    @override
    def tells(self, script: Script) -> Script:
        # An answer has no id, a refusal is text, and reasoning is not counted apart.
        choices = tuple(
            replace(
                choice,
                text=choice.text or choice.refusal,
                refusal="",
                thoughts=choice.thoughts if self.signs else tuple(Thought(one.text) for one in choice.thoughts),
                stop_sequence=choice.stop_sequence if self.signs else "",
            )
            for choice in script.choices
        )
        return replace(script, id="", choices=choices, usage=script.usage and replace(script.usage, reasoning=0))

    @override
    def answer(self, script: Script, heard: Heard) -> Reply:
        choice = _told(script, heard)
        message = {"role": "assistant", "content": list(_blocks(choice))}
        body = {"output": {"message": message}, **_end(choice), "metrics": {"latencyMs": 7}}
        return Reply(_JSON, json.dumps({**body, "usage": _usage(script.usage)}, ensure_ascii=False).encode())

    @override
    def stream(self, script: Script, heard: Heard) -> Streamed:
        choice = _told(script, heard)
        pieces = [event("messageStart", {"role": "assistant"})]
        for index, block in enumerate(_blocks(choice)):
            pieces += _events(index, block)
        pieces.append(event("messageStop", _end(choice)))
        pieces.append(event("metadata", {"usage": _usage(script.usage), "metrics": {"latencyMs": 7}}))
        return Streamed(_EVENTS, pieces)

    @override
    def refuse(self, why: str) -> Reply:
        kind = {"x-amzn-ErrorType": "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/"}
        return Reply({**_JSON, **kind}, json.dumps({"message": why}).encode(), 400)


def _blocks(choice: Choice) -> Iterator[dict[str, Any]]:
    for thought in choice.thoughts:
        told = {"text": thought.text, **({"signature": thought.signature} if thought.signature else {})}
        yield {"reasoningContent": {"reasoningText": told}}
    if choice.text:
        yield {"text": choice.text}
    for call in choice.calls:
        yield {"toolUse": {"toolUseId": call.id, "name": call.name, "input": call.arguments}}


def _end(choice: Choice) -> dict[str, Any]:
    if not choice.stop_sequence:
        return {"stopReason": _STOPS[choice.finish]}
    fields = {"additionalModelResponseFields": {"stop_sequence": choice.stop_sequence}}
    return {"stopReason": "stop_sequence", **fields}


def _usage(usage: Usage | None) -> dict[str, Any]:
    """Cached tokens stand beside the input."""
    assert usage is not None
    told = {
        "inputTokens": usage.input - usage.cached - usage.cache_written,
        "outputTokens": usage.output,
        "totalTokens": usage.input + usage.output,
        "serverToolUsage": {},
    }
    if usage.cached or usage.cache_written:
        told |= {"cacheReadInputTokens": usage.cached, "cacheWriteInputTokens": usage.cache_written}
    return told


def _events(index: int, block: dict[str, Any]) -> Iterator[bytes]:
    """A block in its pieces; blocks of words have no start of their own."""
    [(kind, inner)] = block.items()
    place = {"contentBlockIndex": index, "p": "abcdefghijklmn"[: 3 + index]}
    if kind == "text":
        deltas: list[Any] = [{"text": piece} for piece in in_pieces(inner)]
    elif kind == "reasoningContent":
        told = inner["reasoningText"]
        deltas = [{"reasoningContent": {"text": piece}} for piece in in_pieces(told["text"])]
        if "signature" in told:
            deltas.append({"reasoningContent": {"signature": told["signature"]}})
    else:
        start = {"toolUse": {"toolUseId": inner["toolUseId"], "name": inner["name"]}}
        yield event("contentBlockStart", {"start": start, **place})
        arguments = dump(inner["input"]).decode()
        deltas = [{"toolUse": {"input": piece}} for piece in ("", *in_pieces(arguments))]
    for delta in deltas:
        yield event("contentBlockDelta", {"delta": delta, **place})
    yield event("contentBlockStop", place)


def _answered_by_tool(heard: Heard) -> Heard:
    tool = Tool(
        "json_answer", "Gives the answer to the user. Call it once, with the whole answer as its input.", heard.schema
    )
    return replace(heard, json_only=False, schema=None, tools=(tool,), tool_choice="function:json_answer")


def _as_input(script: Script) -> Script:
    """An input is parsed JSON in a whole answer: the spaces that a model wrote are not told."""
    [choice] = script.choices
    return replace(script, choices=(replace(choice, text=dump(json.loads(choice.text)).decode()),))


def _told(script: Script, heard: Heard) -> Choice:
    """The only choice; as a call where a call was demanded."""
    [choice] = script.choices
    if heard.tool_choice != "function:json_answer":
        return choice
    call = ToolCall("tooluse_1", "json_answer", json.loads(choice.text))
    return replace(choice, text="", calls=(call,), finish="tool_calls")


_ALWAYS = {
    "vision by URL": Otherwise(
        # What is in no S3 the hub fetches itself, which it may not here.
        refused=Refused("messages[0].content[1].image.media.url", "INVALID_ARGUMENT", "URL_NOT_ALLOWED")
    ),
    "n": Otherwise(refused=Refused("n")),
    "logprobs": Otherwise(refused=Refused("logprobs")),
}
DIALECTS: tuple[Dialect, ...] = (
    Bedrock(
        kind="bedrock",
        options={"region": "us-east-1"},
        model="us.anthropic.claude-sonnet-5",
        otherwise={**_ALWAYS, "stop": Otherwise(refused=Refused("stop[1]"))},
    ),
    Bedrock(
        kind="bedrock",
        instance="bedrock-nova",
        options={"region": "eu-north-1"},
        model="eu.amazon.nova-2-lite-v1:0",
        structured=False,
        signs=False,
        effort="reasoningConfig",
        otherwise={
            **_ALWAYS,
            "json_schema": Otherwise(
                emulated="the answer is the input of a tool that must be called",
                heard=_answered_by_tool,
                told=_as_input,
            ),
        },
    ),
)
