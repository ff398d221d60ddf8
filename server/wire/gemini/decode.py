"""A whole answer of the format as one of the contract."""

import secrets

from aignehub.v1 import audio_pb2, chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, FunctionCall, Message, OutputAudio, ToolCall
from aignehub.v1.chat_service_pb2 import ChatChoice, CreateChatCompletionRequest, CreateChatCompletionResponse
from google.protobuf.timestamp_pb2 import Timestamp

from server.errors import ContentFiltered, HubError, ProviderBadResponse
from server.wire import estimate
from server.wire import json_value as json
from server.wire.chat.call_ids import made_call_id
from server.wire.chat.finish import finish_reason
from server.wire.chat.stream import UNREADABLE
from server.wire.gemini import errors, spoken, usage
from server.wire.gemini.candidate import Remarks
from server.wire.gemini.citations import read_citations, searches
from server.wire.gemini.host import Host
from server.wire.gemini.logprobs import read_logprobs
from server.wire.gemini.pieces import Call, Sound, read_part
from server.wire.gemini.words import FINISH_REASONS
from server.wire.http import HttpResponse
from server.wire.json_value import Json, Object
from server.wire.provider_errors import tell

READ = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime", "error"})


def decode(host: Host, response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
    """See ChatCodec.decode."""
    answer = json.parse(response.body)
    if type(answer) is list and answer:
        # Google's servers wrap an error in an array.
        answer = answer[0]
    if type(answer) is not dict:
        raise ProviderBadResponse(UNREADABLE)
    if (error := errors.error_in(answer, response.headers)) is not None:
        raise error
    try:
        return _answer(host, answer, request)
    except (ValueError, TypeError, OverflowError):
        # A value that no field of the contract can hold.
        raise ProviderBadResponse(UNREADABLE) from None


def _answer(host: Host, answer: Object, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
    salt = json.text(answer.get("responseId")) or secrets.token_hex(12)
    grounds: list[Object] = []
    choices = [
        _choice(host, told, place, salt, request, grounds)
        for place, told in enumerate(json.objects(answer.get("candidates")))
    ]
    if not choices:
        raise blocked(answer) or ProviderBadResponse("the provider answered without a choice")
    told = json.obj(answer.get("usageMetadata"))
    whole = CreateChatCompletionResponse(
        id=json.text(answer.get("responseId")),
        model=model_name(answer),
        create_time=moment(answer.get("createTime")),
        choices=choices,
        service_tier=usage.service_tier(told),
        provider_fields_json=json.to_text(unread_of_answer(answer)),
        usage=usage.of_chat(told, request)
        or estimate.usage(request, sum(estimate.choice_size(choice) for choice in choices)),
    )
    for grounding in grounds:
        for name, number in searches(grounding).items():
            whole.usage.server_tool_calls[name] += number
    return whole


def unread_of_answer(answer: Object) -> Object:
    """What an answer says beside the fields of the contract."""
    left = json.unread(answer, READ)
    if counted := usage.unread_usage(json.obj(answer.get("usageMetadata"))):
        left["usageMetadata"] = counted
    return left


def blocked(answer: Object) -> HubError | None:
    """A prompt that was not let through is answered with status 200 and no candidate.

    https://ai.google.dev/api/generate-content#PromptFeedback
    """
    feedback = json.obj(answer.get("promptFeedback"))
    reason = json.word(feedback.get("blockReason"))
    if not reason:
        return None
    said = tell(json.text(feedback.get("blockReasonMessage")))
    words = f"the provider's safety filter refused the request: {tell(reason)}{f', {said}' if said else ''}"
    return ContentFiltered(words, metadata={"providerCode": tell(reason)[:64]})


def model_name(answer: Object) -> str:
    """The model that answered; older ones tell the name of a resource."""
    return json.text(answer.get("modelVersion")).removeprefix("models/")


def moment(told: Json) -> Timestamp | None:
    """RFC 3339, as every Google API writes it; None where it is no time."""
    found = Timestamp()
    try:
        found.FromJsonString(json.text(told))
    except ValueError:
        return None
    return found


def _choice(
    host: Host, told: Object, place: int, salt: str, request: CreateChatCompletionRequest, grounds: list[Object]
) -> ChatChoice:
    index = json.index(told.get("index"))
    reader = _Content(place if index is None else index, salt)
    remarks = Remarks(host)
    remarks.read(told)
    grounds.append(remarks.grounding)
    for part in json.objects(json.obj(told.get("content")).get("parts")):
        reader.add(read_part(part, host.name))
    message = reader.message
    choice = ChatChoice(
        index=reader.index,
        message=message,
        finish_reason=finish_reason(remarks.reason, calls=bool(message.tool_calls), words=FINISH_REASONS),
        native_finish_reason=remarks.reason,
        logprobs=read_logprobs(told.get("logprobsResult")),
        citations=read_citations(remarks.grounding, remarks.recited, reader.texts),
    )
    if reader.sound is not None:
        remarks.sound = reader.sound.mime_type
        choice.audio.CopyFrom(_spoken(reader.sound, request))
    choice.provider_fields_json = remarks.fields()
    return choice


def _spoken(sound: Sound, request: CreateChatCompletionRequest) -> OutputAudio:
    """In a WAV file unless samples alone were asked for."""
    if request.audio.format == audio_pb2.AUDIO_FORMAT_PCM_S16LE:
        return OutputAudio(data=spoken.samples(sound.data, sound.mime_type))
    return OutputAudio(data=spoken.wav_header(sound.mime_type, len(sound.data)) + sound.data)


class _Content:
    """The message that the parts of a candidate come to."""

    def __init__(self, index: int, salt: str) -> None:
        self.index = index
        self.message = Message(role=chat_pb2.ROLE_ASSISTANT)
        self.sound: Sound | None = None
        self.texts: list[tuple[int, str]] = []
        self._salt = salt

    def add(self, piece: ContentPart | Call | Sound | None) -> None:
        """One part, in order."""
        content = self.message.content
        match piece:
            case Call():
                self.message.tool_calls.append(self._call(piece))
            case Sound():
                before = self.sound.data if self.sound else b""
                self.sound = Sound(before + piece.data, piece.mime_type)
            case ContentPart():
                if piece.text:
                    self.texts.append((len(content), piece.text))
                content.append(piece)
            case None:
                pass

    def _call(self, call: Call) -> ToolCall:
        return ToolCall(
            id=call.id or made_call_id(self._salt, self.index, len(self.message.tool_calls)),
            function=FunctionCall(name=call.name, arguments_json=call.arguments),
            signature=call.signature,
            part_index=len(self.message.content),
        )
