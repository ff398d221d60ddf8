"""Shows an answer as it comes: for people, or as JSON for machines."""

import sys
from collections.abc import Iterable
from typing import Protocol

from aignehub.v1 import chat_pb2, chat_service_pb2, usage_pb2
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from typing_extensions import override

from server.cli.client import Hub
from server.cli.duration import spoken_duration
from server.cli.terminal import dim, note, without_controls

_ENDINGS = {
    chat_pb2.FINISH_REASON_LENGTH: "the answer was cut at the token limit; raise it with --max-tokens",
    chat_pb2.FINISH_REASON_CONTENT_FILTER: "the provider's filter cut the answer",
    chat_pb2.FINISH_REASON_TOOL_CALLS: "the model wants to call a tool, which this command offers none of; see --json",
    chat_pb2.FINISH_REASON_PAUSE: "the provider paused its turn; ask it to go on",
}


class AnswerView(Protocol):
    """Takes the answer piece by piece, or whole; then is told that it ended."""

    def chunk(self, chunk: chat_service_pb2.StreamChatCompletionResponse) -> None:
        """Shows the next piece of a streamed answer."""

    def whole(self, response: chat_service_pb2.CreateChatCompletionResponse) -> None:
        """Shows an answer that came at once."""

    def end(self) -> None:
        """Leaves the terminal at the start of a line, whichever way the answer ended."""


def print_json(message: Message) -> None:
    """One line of protobuf JSON. ASCII only, so that no locale can spoil it."""
    print(MessageToJson(message, indent=None), flush=True)


class JsonView(AnswerView):
    """Every message as one line of JSON."""

    @override
    def chunk(self, chunk: chat_service_pb2.StreamChatCompletionResponse) -> None:
        print_json(chunk)

    @override
    def whole(self, response: chat_service_pb2.CreateChatCompletionResponse) -> None:
        print_json(response)

    @override
    def end(self) -> None:
        pass


class TextView(AnswerView):
    """The text on standard output; on a terminal the reasoning before it, dimmed."""

    def __init__(self, *, show_usage: bool) -> None:
        self._show_usage = show_usage
        # What goes to a file or a pipe goes unchanged; what goes to a terminal must not command it.
        self._tty = sys.stdout.isatty()
        self._thinking = False
        self._last = "\n"
        self._notes: list[str] = []  # held back until the answer is over, so that they do not stand within it
        self.text = ""
        """The answer so far, without the reasoning, as the model wrote it."""

    @override
    def chunk(self, chunk: chat_service_pb2.StreamChatCompletionResponse) -> None:
        for delta in chunk.choices:
            if delta.index == 0:
                self._think(delta.reasoning.text)
                self._say(delta.content or delta.refusal)
                self._mention_parts(delta.parts)
                self._mention_ending(delta.finish_reason)
        sys.stdout.flush()
        self._account(chunk.usage if chunk.HasField("usage") else None, chunk.gateway)

    @override
    def whole(self, response: chat_service_pb2.CreateChatCompletionResponse) -> None:
        for choice in response.choices[:1]:
            for part in choice.message.content:
                self._think(part.reasoning.text)
                self._say(part.text)
            self._say(choice.message.refusal)
            self._mention_parts(choice.message.content)
            self._mention_ending(choice.finish_reason)
        sys.stdout.flush()
        self._account(response.usage if response.HasField("usage") else None, response.gateway)

    @override
    def end(self) -> None:
        if self._last != "\n":
            self._write("\n")
        sys.stdout.flush()
        notes, self._notes = self._notes, []
        for line in notes:
            note(line)

    def _think(self, text: str) -> None:
        if not text or not self._tty:
            return
        self._thinking = True
        sys.stdout.write(dim(without_controls(text), sys.stdout))
        self._last = text[-1]

    def _say(self, text: str) -> None:
        if not text:
            return
        if self._thinking:
            self._write("\n\n" if self._last != "\n" else "\n")
            self._thinking = False
        self.text += text
        self._write(without_controls(text) if self._tty else text)

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            self._last = text[-1]

    def _mention_parts(self, parts: Iterable[chat_pb2.ContentPart]) -> None:
        for part in parts:
            if part.HasField("image"):
                media = part.image.media
                size = media.url or f"{len(media.data)} bytes"
                self._notes.append(f"note: the answer holds an image ({media.mime_type} {size}); --json gives it")

    def _mention_ending(self, reason: chat_pb2.FinishReason.ValueType) -> None:
        if ending := _ENDINGS.get(reason):
            self._notes.append(f"note: {ending}")

    def _account(self, usage: usage_pb2.Usage | None, gateway: usage_pb2.GatewayInfo) -> None:
        if gateway.adjusted_fields:
            self._notes.append("note: dropped or changed for this provider: " + ", ".join(gateway.adjusted_fields))
        if usage is not None and self._show_usage:
            self._notes.append(describe_usage(usage, gateway))


async def stream_answer(
    hub: Hub,
    request: chat_service_pb2.CreateChatCompletionRequest,
    view: AnswerView,
    timeout: float | None,
) -> None:
    """Streams one answer into the view. Leaving early, by Ctrl-C too, ends the call and with it the provider's."""
    call = hub.chat.StreamChatCompletion(request, metadata=hub.metadata, timeout=timeout)
    try:
        async for chunk in call:
            view.chunk(chunk)
    finally:
        # An abandoned call of grpc.aio is neither collected nor cancelled (grpc#43462); ended calls ignore this.
        call.cancel()
        view.end()


def describe_usage(usage: usage_pb2.Usage, gateway: usage_pb2.GatewayInfo) -> str:
    """Tokens, cost, who answered and how soon, in one line."""
    tokens = f"{usage.input_tokens} input + {usage.output_tokens} output = {usage.total_tokens} tokens"
    shares = ((usage.cached_input_tokens, "cached"), (usage.reasoning_output_tokens, "reasoning"))
    known = [f"{count} {name}" for count, name in shares if count]
    parts = [tokens + (f" ({', '.join(known)})" if known else "") + (" estimated" if usage.estimated else "")]
    if usage.HasField("cost_nano_usd"):
        parts.append(f"${usage.cost_nano_usd / 1e9:.6f}")
    if gateway.provider:
        parts.append(f"{gateway.provider}/{gateway.provider_model}")
    if gateway.HasField("time_to_first_token"):
        parts.append("first token after " + spoken_duration(gateway.time_to_first_token.ToTimedelta().total_seconds()))
    if gateway.request_id:
        parts.append(f"request {gateway.request_id}")
    return "usage: " + "; ".join(parts)
