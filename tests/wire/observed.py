"""What a gRPC client got from the hub, in the neutral form; the streaming contract is checked on the way."""

from collections.abc import Iterable

import grpc
import orjson
from aignehub.v1 import chat_pb2, chat_service_pb2, usage_pb2
from google.rpc import error_details_pb2, status_pb2

from tests.wire.neutral import Answer, Choice, Failure, ToolCall, Usage

_FINISH_PREFIX = "FINISH_REASON_"


def failure(error: grpc.aio.AioRpcError) -> Failure:
    """The status, the ErrorInfo reason, and the words of both."""
    words = [error.details() or ""]
    reason = ""
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value if isinstance(value, bytes) else value.encode())
            for detail in status.details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    reason = info.reason
                    words += info.metadata.values()
    return Failure(error.code().name, reason, "\n".join(words))


def _check_object(answer: Answer, name: str, text: str) -> None:
    """What is said to be a JSON object must be one."""
    if not text:
        return
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        answer.breaches.append(f"{name} is no JSON object")


def unary(response: chat_service_pb2.CreateChatCompletionResponse) -> Answer:
    """The neutral form of a whole answer."""
    answer = Answer(
        id=response.id,
        model=response.model,
        created=response.create_time.seconds,
        service_tier=response.service_tier,
        system_fingerprint=response.system_fingerprint,
    )
    for choice in response.choices:
        if choice.index in answer.choices:
            answer.breaches.append(f"choice {choice.index} comes twice")
        if choice.message.role != chat_pb2.ROLE_ASSISTANT:
            answer.breaches.append(f"choice {choice.index} has the role {choice.message.role}")
        _unary_choice(answer.choice(choice.index), choice)
        _check_object(answer, f"choices[{choice.index}].provider_fields_json", choice.provider_fields_json)
    _check_object(answer, "provider_fields_json", response.provider_fields_json)
    if not response.HasField("usage"):
        answer.breaches.append("no usage")
    answer.usage = _usage(answer, response.usage)
    _check_gateway(answer, response.gateway)
    return answer


def _unary_choice(target: Choice, choice: chat_service_pb2.ChatChoice) -> None:
    _parts(target, choice.message.content)
    target.refusal = choice.message.refusal
    for call in choice.message.tool_calls:
        custom = call.WhichOneof("call") == "custom"
        name = call.custom.name if custom else call.function.name
        arguments = call.custom.input if custom else call.function.arguments_json
        target.tool_calls.append(ToolCall(call.id, name, arguments, custom))
    target.finish = _finish(choice.finish_reason)
    target.native_finish = choice.native_finish_reason
    target.audio = choice.audio.data
    target.transcript = choice.audio.transcript
    target.logprobs = len(choice.logprobs.content)
    _cite(target, choice.citations)


def _parts(target: Choice, parts: Iterable[chat_pb2.ContentPart]) -> None:
    for part in parts:
        kind = part.WhichOneof("part")
        if kind == "text":
            target.text += part.text
        elif kind == "reasoning":
            _reasoning(target, part.reasoning)
        elif kind == "image":
            target.images += 1


def _reasoning(target: Choice, part: chat_pb2.ReasoningPart) -> None:
    target.reasoning += part.text
    if part.signature:
        target.signatures.append(part.signature.decode())


def _cite(target: Choice, citations: Iterable[chat_pb2.Citation]) -> None:
    for citation in citations:
        if citation.url and citation.url not in target.citations:
            target.citations.append(citation.url)


def _finish(reason: chat_pb2.FinishReason.ValueType) -> str:
    return chat_pb2.FinishReason.Name(reason).removeprefix(_FINISH_PREFIX)


def _usage(answer: Answer, usage: usage_pb2.Usage) -> Usage | None:
    if usage.total_tokens != usage.input_tokens + usage.output_tokens:
        answer.breaches.append("usage: the total is not input and output together")
    if usage.estimated:
        if not usage.input_tokens:
            answer.breaches.append("usage is estimated, and no input was counted")
        return None
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.total_tokens,
        usage.cached_input_tokens,
        usage.cache_write_input_tokens,
        usage.reasoning_output_tokens,
    )


def _check_gateway(answer: Answer, gateway: usage_pb2.GatewayInfo) -> None:
    for name in ("request_id", "provider", "provider_model"):
        if not getattr(gateway, name):
            answer.breaches.append(f"gateway.{name} is empty")


class Stream:
    """Puts a streamed answer together; ``answer()`` closes it."""

    def __init__(self) -> None:
        self._answer = Answer()
        self._messages = 0
        self._ended = False
        self._calls: dict[tuple[int, int], ToolCall] = {}
        self._roles: dict[int, int] = {}

    def add(self, chunk: chat_service_pb2.StreamChatCompletionResponse) -> None:
        """One message, in order."""
        answer = self._answer
        if self._ended:
            answer.breaches.append("a message after the one with usage and gateway")
        self._head(chunk)
        for delta in chunk.choices:
            self._delta(delta)
        if chunk.HasField("usage") != chunk.HasField("gateway"):
            answer.breaches.append("usage and gateway did not come together")
        if chunk.HasField("gateway"):
            self._ended = True
            answer.usage = _usage(answer, chunk.usage)
            answer.service_tier = chunk.service_tier
            _check_gateway(answer, chunk.gateway)
            _check_object(answer, "provider_fields_json", chunk.provider_fields_json)
        elif chunk.service_tier or chunk.provider_fields_json:
            answer.breaches.append("service_tier or provider_fields_json before the last message")
        self._messages += 1

    def answer(self, error: Failure | None) -> Answer:
        """Everything that came, with ``error`` as its end."""
        answer = self._answer
        answer.failure = error
        if self._messages and not self._ended:
            answer.breaches.append("the stream ended without usage and gateway")
        if error is None and not self._messages:
            answer.breaches.append("the stream was empty")
        for index, times in self._roles.items():
            if times != 1:
                answer.breaches.append(f"choice {index} told its role {times} times")
        return answer

    def _head(self, chunk: chat_service_pb2.StreamChatCompletionResponse) -> None:
        answer = self._answer
        if self._messages == 0:
            answer.id, answer.model = chunk.id, chunk.model
            answer.created, answer.system_fingerprint = chunk.create_time.seconds, chunk.system_fingerprint
            return
        for name in ("id", "model", "system_fingerprint"):
            if getattr(chunk, name):
                answer.breaches.append(f"{name} again after the first message")
        if chunk.HasField("create_time"):
            answer.breaches.append("create_time again after the first message")

    def _delta(self, delta: chat_service_pb2.ChatChoiceDelta) -> None:
        answer = self._answer
        choice = answer.choice(delta.index)
        told = self._roles.setdefault(delta.index, 0)
        if delta.role:
            self._roles[delta.index] = told + 1
            if delta.role != chat_pb2.ROLE_ASSISTANT:
                answer.breaches.append(f"choice {delta.index} has the role {delta.role}")
        elif not told:
            answer.breaches.append(f"choice {delta.index} began without its role")
            self._roles[delta.index] = 1
        if choice.native_finish and (delta.content or delta.tool_calls or delta.HasField("reasoning")):
            answer.breaches.append(f"choice {delta.index} went on after its finish reason")
        choice.text += delta.content
        _reasoning(choice, delta.reasoning)
        choice.refusal += delta.refusal
        choice.audio += delta.audio.data
        choice.transcript += delta.audio.transcript
        choice.logprobs += len(delta.logprobs.content)
        _parts(choice, delta.parts)
        _cite(choice, delta.citations)
        for piece in delta.tool_calls:
            self._tool_call(choice, delta.index, piece)
        self._finish(choice, delta)
        _check_object(answer, f"choices[{delta.index}].provider_fields_json", delta.provider_fields_json)

    def _tool_call(self, choice: Choice, index: int, piece: chat_service_pb2.ToolCallDelta) -> None:
        call = self._calls.get((index, piece.index))
        if call is None:
            call = ToolCall(piece.id, piece.name, piece.arguments_delta, piece.custom)
            self._calls[index, piece.index] = call
            choice.tool_calls.append(call)
            if piece.index != len(choice.tool_calls) - 1:
                self._answer.breaches.append(f"tool call {piece.index} is the {len(choice.tool_calls)}. to begin")
            return
        if piece.id or piece.name:
            self._answer.breaches.append(f"tool call {piece.index} told its id or name again")
        call.arguments += piece.arguments_delta

    def _finish(self, choice: Choice, delta: chat_service_pb2.ChatChoiceDelta) -> None:
        if not delta.finish_reason and not delta.native_finish_reason:
            return
        if choice.native_finish:
            self._answer.breaches.append(f"choice {delta.index} ended twice")
        choice.finish = _finish(delta.finish_reason)
        choice.native_finish = delta.native_finish_reason
