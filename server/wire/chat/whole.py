"""A whole answer told as the only message of a stream, for providers that answer whole although asked to stream."""

from aignehub.v1.chat_pb2 import Message
from aignehub.v1.chat_service_pb2 import ChatChoice, CreateChatCompletionResponse, StreamChatCompletionResponse

from server.wire.chat.assembly import Batch, ChoiceAssembly


def as_stream(answer: CreateChatCompletionResponse) -> StreamChatCompletionResponse:
    """Everything ``answer`` says, as deltas that each end their choice."""
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
