"""The client: puts a stream together by the rules of the contract, and reads what it got back into a Script."""

import json
from collections.abc import Sequence
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, Message
from aignehub.v1.chat_service_pb2 import (
    ChatChoice,
    ChatChoiceDelta,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)

from tests.conversations.neutral import Chance, Choice, Citation, Script, Thought, ToolCall, Usage


def read(response: CreateChatCompletionResponse) -> Script:
    """What the client got."""
    usage = response.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert usage.input_tokens, "usage is never silently zero"
    return Script(
        choices=tuple(_choice(choice) for choice in sorted(response.choices, key=lambda choice: choice.index)),
        usage=None
        if usage.estimated
        else Usage(
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_input_tokens,
            usage.cache_write_input_tokens,
            usage.reasoning_output_tokens,
        ),
        id=response.id,
        model=response.model,
    )


def _choice(choice: ChatChoice) -> Choice:
    message = choice.message
    assert message.role == chat_pb2.ROLE_ASSISTANT
    return Choice(
        text="".join(part.text for part in message.content),
        thoughts=tuple(
            Thought(part.reasoning.text, part.reasoning.signature.decode())
            for part in message.content
            if part.WhichOneof("part") == "reasoning"
        ),
        calls=tuple(_call(call) for call in message.tool_calls),
        refusal=message.refusal,
        finish=chat_pb2.FinishReason.Name(choice.finish_reason).removeprefix("FINISH_REASON_").lower(),
        stop_sequence=choice.stop_sequence,
        logprobs=tuple(
            Chance(one.token, one.logprob, tuple((top.token, top.logprob) for top in one.top_logprobs))
            for one in choice.logprobs.content
        ),
        citations=tuple(_citation(citation) for citation in choice.citations),
    )


def _call(call: chat_pb2.ToolCall) -> ToolCall:
    arguments = json.loads(call.function.arguments_json)
    return ToolCall(call.id, call.function.name, arguments, call.signature.decode())


def _citation(citation: chat_pb2.Citation) -> Citation:
    return Citation(
        start=citation.start_index if citation.HasField("start_index") else None,
        end=citation.end_index if citation.HasField("end_index") else None,
        url=citation.url,
        title=citation.title,
        quoted=citation.quoted_text,
        document=citation.document_index if citation.HasField("document_index") else None,
    )


def assemble(chunks: Sequence[StreamChatCompletionResponse]) -> CreateChatCompletionResponse:
    """The whole answer, as a client may put it together knowing only the contract; asserts the contract's rules."""
    assert chunks
    first, last = chunks[0], chunks[-1]
    assert not any(chunk.HasField("gateway") for chunk in chunks[:-1])
    assert not any(chunk.id or chunk.model for chunk in chunks[1:])
    assert last.HasField("gateway")
    assert last.HasField("usage")
    whole = CreateChatCompletionResponse(id=first.id, model=first.model, usage=last.usage, gateway=last.gateway)
    choices: dict[int, _Growing] = {}
    for chunk in chunks:
        for delta in chunk.choices:
            choices.setdefault(delta.index, _Growing(delta)).add(delta)
    whole.choices.extend(choices[index].done() for index in sorted(choices))
    return whole


class _Growing:
    """One choice of a stream."""

    def __init__(self, first: ChatChoiceDelta) -> None:
        self._choice = ChatChoice(index=first.index, message=Message(role=first.role))
        self._parts: dict[int, ContentPart] = {}
        self._closed: set[int] = set()
        self._roles = 0

    def add(self, delta: ChatChoiceDelta) -> None:
        choice = self._choice
        says = delta.content or delta.refusal or delta.tool_calls or delta.HasField("reasoning")
        assert not (choice.finish_reason and says), "a choice went on after it had ended"
        self._roles += bool(delta.role)
        self._content(delta)
        choice.message.refusal += delta.refusal
        for piece in delta.tool_calls:
            self._call(piece)
        if delta.finish_reason:
            choice.finish_reason = delta.finish_reason
            choice.native_finish_reason = delta.native_finish_reason
        choice.logprobs.MergeFrom(delta.logprobs)
        choice.citations.extend(delta.citations)
        choice.stop_sequence = choice.stop_sequence or delta.stop_sequence

    def done(self) -> ChatChoice:
        assert self._roles == 1, "the role comes once"
        assert self._choice.finish_reason, "a choice never ended"
        self._choice.message.content.extend(self._parts[place] for place in sorted(self._parts))
        return self._choice

    def _content(self, delta: ChatChoiceDelta) -> None:
        place = delta.part_index
        if delta.content:
            part = self._part(place, "text")
            part.text += delta.content
            part.signature = part.signature or delta.content_signature
        if delta.HasField("reasoning"):
            assert place not in self._closed, "a part with a signature closes the block"
            _grow(self._part(place, "reasoning").reasoning, delta.reasoning)
            if delta.reasoning.signature:
                self._closed.add(place)
        for part in delta.parts:
            assert place not in self._parts, "a part that is whole has a number of its own"
            self._parts[place] = part

    def _part(self, place: int, kind: str) -> ContentPart:
        part = self._parts.setdefault(place, ContentPart())
        assert part.WhichOneof("part") in (None, kind), "one number, one part"
        return part

    def _call(self, piece: Any) -> None:
        calls = self._choice.message.tool_calls
        if piece.index == len(calls):
            assert piece.id
            calls.add(id=piece.id, part_index=len(self._parts)).function.name = piece.name
        else:
            assert not piece.id
            assert not piece.name
        call = calls[piece.index]
        call.function.arguments_json += piece.arguments_delta
        call.signature = call.signature or piece.signature


def _grow(block: chat_pb2.ReasoningPart, piece: chat_pb2.ReasoningPart) -> None:
    text = block.text + piece.text
    block.MergeFrom(piece)
    block.text = text
