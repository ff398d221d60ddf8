"""Tokens counted by the hub itself: four bytes a token, always told as an estimate.

The rule of thumb is OpenAI's for English text:
https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them
"""

from collections.abc import Iterable

from aignehub.v1 import chat_pb2, usage_pb2
from aignehub.v1.chat_pb2 import ContentPart, Message, Tool
from aignehub.v1.chat_service_pb2 import ChatChoice, CountTokensResponse, CreateChatCompletionRequest
from aignehub.v1.usage_pb2 import Modality, ModalityTokens, Usage

_BYTES_PER_TOKEN = 4
# Role and delimiters of one message: https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
_MESSAGE = 4
# A picture of 1024 x 1024 at high and at low detail: https://platform.openai.com/docs/guides/images-vision
_IMAGE = 765
_IMAGE_LOW = 85
# What cannot be measured without decoding it: a page of text, ten seconds of sound, ten frames.
_DOCUMENT = 1000
_AUDIO = 100
_VIDEO = 2580


def tokens(size: int) -> int:
    """Tokens of ``size`` bytes of text; at least one for any text."""
    return (size + _BYTES_PER_TOKEN - 1) // _BYTES_PER_TOKEN


def text_size(text: str) -> int:
    """Bytes of ``text`` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def input_by_modality(request: CreateChatCompletionRequest) -> "dict[Modality.ValueType, int]":
    """Estimated input tokens of every modality the request holds."""
    counts: dict[Modality.ValueType, int] = {usage_pb2.MODALITY_TEXT: 0}
    size = 0
    for message in request.messages:
        size += _BYTES_PER_TOKEN * _MESSAGE + _message(message, counts)
    size += sum(_tool(tool) for tool in request.tools)
    if request.response_format.HasField("json_schema"):
        size += text_size(request.response_format.json_schema.schema_json)
    counts[usage_pb2.MODALITY_TEXT] = tokens(size)
    return counts


def choice_size(choice: ChatChoice) -> int:
    """Bytes of text in a whole choice, as ``usage`` wants them."""
    size = text_size(choice.message.refusal)
    for part in choice.message.content:
        size += text_size(part.text) + text_size(part.reasoning.text)
    for call in choice.message.tool_calls:
        size += text_size(call.function.arguments_json) + text_size(call.custom.input)
    return size


def usage(request: CreateChatCompletionRequest, output_size: int) -> Usage:
    """Usage of a call whose provider told none; ``output_size`` is in bytes of text."""
    read = sum(input_by_modality(request).values())
    written = tokens(output_size)
    return Usage(input_tokens=read, output_tokens=written, total_tokens=read + written, estimated=True)


def count(request: CreateChatCompletionRequest, model: str) -> CountTokensResponse:
    """The answer to CountTokens where the provider cannot count."""
    counts = input_by_modality(request)
    return CountTokensResponse(
        input_tokens=sum(counts.values()),
        input_by_modality=[ModalityTokens(modality=kind, tokens=number) for kind, number in counts.items() if number],
        model=model,
        estimated=True,
    )


def _message(message: Message, counts: "dict[Modality.ValueType, int]") -> int:
    size = _parts(message.content, counts) + text_size(message.name) + text_size(message.refusal)
    for call in message.tool_calls:
        function, custom = call.function, call.custom
        size += text_size(function.name) + text_size(function.arguments_json)
        size += text_size(custom.name) + text_size(custom.input)
    return size


def _parts(parts: Iterable[ContentPart], counts: "dict[Modality.ValueType, int]") -> int:
    size = 0
    for part in parts:
        match part.WhichOneof("part"):
            case "text":
                size += text_size(part.text)
            case "reasoning":
                size += text_size(part.reasoning.text)
            case "provider":
                size += text_size(part.provider.json)
            case "image":
                low = part.image.detail == chat_pb2.IMAGE_DETAIL_LOW
                _add(counts, usage_pb2.MODALITY_IMAGE, _IMAGE_LOW if low else _IMAGE)
            case "audio":
                _add(counts, usage_pb2.MODALITY_AUDIO, _AUDIO)
            case "video":
                _add(counts, usage_pb2.MODALITY_VIDEO, _VIDEO)
            case "file":
                _add(counts, usage_pb2.MODALITY_DOCUMENT, _DOCUMENT)
            case _:
                pass
    return size


def _add(counts: "dict[Modality.ValueType, int]", modality: "Modality.ValueType", number: int) -> None:
    counts[modality] = counts.get(modality, 0) + number


def _tool(tool: Tool) -> int:
    function, custom, provider = tool.function, tool.custom, tool.provider
    return sum(
        text_size(text)
        for text in (
            function.name,
            function.description,
            function.parameters_json_schema,
            custom.name,
            custom.description,
            custom.lark_grammar,
            custom.regex_grammar,
            provider.type,
            provider.config_json,
        )
    )
