"""A whole answer told as the only message of a stream, and the other way round."""

from collections.abc import Iterable

from aignehub.v1.chat_pb2 import (
    ContentPart,
    CustomToolCall,
    FunctionCall,
    Message,
    OutputAudio,
    ReasoningPart,
    ToolCall,
)
from aignehub.v1.chat_service_pb2 import (
    ChatChoice,
    ChatChoiceDelta,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
    ToolCallDelta,
)

from server.wire.chat.assembly import Batch, ChoiceAssembly


def as_stream(answer: CreateChatCompletionResponse) -> StreamChatCompletionResponse:
    """Everything ``answer`` says, as deltas that each end their choice: a provider may answer whole in any case."""
    batch = Batch()
    for choice in answer.choices:
        _tell_choice(choice, batch)
    message = batch.message
    message.id = answer.id
    message.model = answer.model
    message.system_fingerprint = answer.system_fingerprint
    message.service_tier = answer.service_tier
    message.provider_fields_json = answer.provider_fields_json
    message.usage.CopyFrom(answer.usage)
    if answer.HasField("create_time"):
        message.create_time.CopyFrom(answer.create_time)
    return message


def _tell_choice(choice: ChatChoice, batch: Batch) -> None:
    assembly = ChoiceAssembly(choice.index, batch)
    _tell_message(choice.message, assembly)
    if choice.HasField("audio"):
        assembly.audio(choice.audio)
    if choice.HasField("logprobs"):
        assembly.logprobs(choice.logprobs)
    if choice.citations:
        assembly.citations(choice.citations)
    assembly.finish(
        choice.finish_reason, choice.native_finish_reason, choice.stop_sequence, choice.provider_fields_json
    )
    assembly.close()


def _tell_message(message: Message, assembly: ChoiceAssembly) -> None:
    for part in message.content:
        match part.WhichOneof("part"):
            case "text" if part.signature:
                assembly.signed_text(part.text, part.signature)
            case "text":
                assembly.new_part()
                assembly.text(part.text)
            case "reasoning":
                assembly.reasoning_detail(part.reasoning, new_block=True)
            case _:
                assembly.part(part)
    if message.refusal:
        assembly.refusal(message.refusal)
    for place, call in enumerate(message.tool_calls):
        custom = call.HasField("custom")
        name = call.custom.name if custom else call.function.name
        text = call.custom.input if custom else call.function.arguments_json
        assembly.call(place, text, id=call.id, name=name, custom=custom, signature=call.signature)


def as_choice(index: int, deltas: Iterable[ChatChoiceDelta]) -> ChatChoice:
    """One choice put together from all of its deltas, for a format whose whole answers are read as streams are."""
    choice = ChatChoice(index=index)
    content: dict[int, ContentPart] = {}
    for delta in deltas:
        _grow_content(delta, content)
        _grow_message(delta, choice.message, len(content))
        choice.logprobs.MergeFrom(delta.logprobs)
        choice.citations.extend(delta.citations)
        choice.finish_reason = delta.finish_reason or choice.finish_reason
        choice.native_finish_reason = delta.native_finish_reason or choice.native_finish_reason
        choice.stop_sequence = delta.stop_sequence or choice.stop_sequence
        choice.provider_fields_json = delta.provider_fields_json or choice.provider_fields_json
        if delta.HasField("audio"):
            _grow_audio(choice.audio, delta.audio)
    choice.message.content.extend(content.values())
    if not choice.logprobs.ListFields():
        choice.ClearField("logprobs")
    return choice


def _grow_content(delta: ChatChoiceDelta, content: dict[int, ContentPart]) -> None:
    if delta.content or delta.content_signature:
        part = content.setdefault(delta.part_index, ContentPart(text=""))
        part.text += delta.content
        part.signature = delta.content_signature or part.signature
    if delta.HasField("reasoning"):
        _grow_reasoning(content.setdefault(delta.part_index, ContentPart()).reasoning, delta.reasoning)
    for whole in delta.parts:
        content[delta.part_index] = whole


def _grow_reasoning(block: ReasoningPart, piece: ReasoningPart) -> None:
    text = block.text + piece.text
    block.MergeFrom(piece)
    block.text = text


def _grow_audio(whole: OutputAudio, piece: OutputAudio) -> None:
    data, transcript = whole.data + piece.data, whole.transcript + piece.transcript
    whole.MergeFrom(piece)
    whole.data, whole.transcript = data, transcript


def _grow_message(delta: ChatChoiceDelta, message: Message, parts: int) -> None:
    message.role = delta.role or message.role
    message.refusal += delta.refusal
    for piece in delta.tool_calls:
        if piece.index >= len(message.tool_calls):
            message.tool_calls.append(_begun(piece, parts))
        call = message.tool_calls[piece.index]
        if call.HasField("custom"):
            call.custom.input += piece.arguments_delta
        else:
            call.function.arguments_json += piece.arguments_delta
        call.signature = piece.signature or call.signature


def _begun(piece: ToolCallDelta, parts: int) -> ToolCall:
    call = ToolCall(id=piece.id, part_index=parts)
    if piece.custom:
        call.custom.CopyFrom(CustomToolCall(name=piece.name))
    else:
        call.function.CopyFrom(FunctionCall(name=piece.name))
    return call
