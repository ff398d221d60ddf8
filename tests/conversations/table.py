"""The fifteen conversations."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import (
    ContentPart,
    FilePart,
    FunctionTool,
    ImagePart,
    JsonSchemaFormat,
    Message,
    ReasoningOptions,
    ResponseFormat,
)
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from aignehub.v1.media_pb2 import Media

from tests.conversations.neutral import (
    Chance,
    Choice,
    Document,
    Heard,
    Image,
    Reasoning,
    Script,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
    Usage,
    saying,
)
from tests.pictures import encode_png

Ask = Callable[[Sequence[Message]], CreateChatCompletionRequest]
"""The request, without its model, from the messages the conversation has got so far."""
Expect = Callable[[Sequence[Script]], Heard]
"""What must be heard, without model and stream, from the answers the client has got so far."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer."""

    name: str
    ask: Ask
    script: Script
    heard: Expect
    follows: bool = False
    """It goes on from the answer before it."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One row of the table."""

    name: str
    exchanges: tuple[Exchange, ...]


def _text(text: str, *, cached: bool = False) -> ContentPart:
    part = ContentPart(text=text)
    if cached:
        part.cache_control.SetInParent()
    return part


def _said(role: chat_pb2.Role.ValueType, *parts: ContentPart | str, **more: Any) -> Message:
    content = [_text(part) if isinstance(part, str) else part for part in parts]
    return Message(role=role, content=content, **more)


def _user(*parts: ContentPart | str) -> Message:
    return _said(chat_pb2.ROLE_USER, *parts)


def _system(*parts: ContentPart | str) -> Message:
    return _said(chat_pb2.ROLE_SYSTEM, *parts)


def _result(call: chat_pb2.ToolCall, text: str, *, error: bool = False) -> Message:
    return _said(chat_pb2.ROLE_TOOL, text, tool_call_id=call.id, tool_error=error)


def _one(
    name: str, request: CreateChatCompletionRequest, script: Script, heard: Heard, *, follows: bool = False
) -> Exchange:
    """An exchange that needs nothing of what was said before."""
    return Exchange(name, lambda _: request, script, lambda _: heard, follows)


def _alone(name: str, request: CreateChatCompletionRequest, script: Script, heard: Heard) -> Conversation:
    return Conversation(name, (_one(name, request, script, heard),))


def _request(*messages: Message, **more: Any) -> CreateChatCompletionRequest:
    return CreateChatCompletionRequest(messages=messages, **more)


def _asks(text: str) -> Turn:
    return Turn("user", (text,))


# Text that a stream may be cut within: two, three and four bytes a character.
GREETING = "Grüße €5 你好 🌍, said the model.\n"
OVER = Usage(input=21, output=9)

TEXT = _alone("text", _request(_user("Say hello.")), saying(GREETING), Heard(turns=(_asks("Say hello."),)))

SYSTEM = _alone(
    "system",
    _request(_system("Answer in French."), _user("Good morning.")),
    saying("Bonjour."),
    Heard(system=("Answer in French.",), turns=(_asks("Good morning."),)),
)

MULTI_TURN = _alone(
    "multi-turn",
    _request(
        _user("My name is Ada."),
        _said(chat_pb2.ROLE_ASSISTANT, "Pleased to meet you."),
        _user("What is my name?"),
    ),
    saying("Ada.", usage=OVER),
    Heard(
        turns=(
            _asks("My name is Ada."),
            Turn("assistant", ("Pleased to meet you.",)),
            _asks("What is my name?"),
        )
    ),
)

PICTURE = encode_png(2, 2, bytes(range(16)))
PICTURE_URL = "https://example.com/cat.png"


def _look(media: Media) -> CreateChatCompletionRequest:
    return _request(_user("What is this?", ContentPart(image=ImagePart(media=media))))


def _shown(image: Image) -> Heard:
    return Heard(turns=(Turn("user", ("What is this?",), images=(image,)),))


VISION = Conversation(
    "vision",
    (
        _one(
            "vision by bytes",
            _look(Media(data=PICTURE, mime_type="image/png")),
            saying("A cat."),
            _shown(Image(PICTURE, "image/png")),
        ),
        _one("vision by URL", _look(Media(url=PICTURE_URL)), saying("A cat too."), _shown(Image(url=PICTURE_URL))),
    ),
)

PAGE = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

DOCUMENT = _alone(
    "document",
    _request(
        _user(
            "Sum it up.",
            ContentPart(file=FilePart(media=Media(data=PAGE, mime_type="application/pdf", filename="report.pdf"))),
        )
    ),
    saying("It is empty."),
    Heard(turns=(Turn("user", ("Sum it up.",), documents=(Document(PAGE, "application/pdf", "report.pdf"),)),)),
)

PLACE = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
WEATHER = Tool("get_weather", "Weather of a city", PLACE)


def _tool() -> chat_pb2.Tool:
    function = FunctionTool(
        name=WEATHER.name, description=WEATHER.description, parameters_json_schema=json.dumps(WEATHER.parameters)
    )
    return chat_pb2.Tool(function=function)


PARIS = ToolCall("call_A1", "get_weather", {"city": "Paris", "days": 2})
KYOTO = ToolCall("call_B2", "get_weather", {"city": "Kyōto", "days": 3})
BOTH_CITIES = "Weather in Paris and Kyōto?"


def _both_results(messages: Sequence[Message]) -> CreateChatCompletionRequest:
    [answer] = messages
    return _request(
        _user(BOTH_CITIES),
        answer,
        _result(answer.tool_calls[0], '{"sky": "clear"}'),
        _result(answer.tool_calls[1], "no such city", error=True),
        tools=[_tool()],
    )


def _both_heard(answers: Sequence[Script]) -> Heard:
    [choice] = answers[0].choices
    return Heard(
        turns=(
            _asks(BOTH_CITIES),
            _replayed(choice),
            Turn(
                "tool",
                results=(
                    ToolResult(choice.calls[0].id, '{"sky": "clear"}', name=WEATHER.name),
                    ToolResult(choice.calls[1].id, "no such city", error=True, name=WEATHER.name),
                ),
            ),
        ),
        tools=(WEATHER,),
    )


def _replayed(choice: Choice) -> Turn:
    """The client's answer as it must come back to the provider that gave it."""
    texts = (choice.text,) if choice.text else ()
    return Turn("assistant", texts, thoughts=choice.thoughts, calls=choice.calls)


PARALLEL_TOOLS = Conversation(
    "parallel tools",
    (
        _one(
            "parallel tools",
            _request(_user(BOTH_CITIES), tools=[_tool()]),
            saying("Let me look.", calls=(PARIS, KYOTO), finish="tool_calls", usage=Usage(50, 30)),
            Heard(turns=(_asks(BOTH_CITIES),), tools=(WEATHER,)),
        ),
        Exchange("parallel tools answered", _both_results, saying("Clear in Paris."), _both_heard, follows=True),
    ),
)

FORCED_TOOL = _alone(
    "forced tool",
    _request(_user("Paris."), tools=[_tool()], tool_choice=chat_pb2.ToolChoice(function_name="get_weather")),
    saying("", calls=(PARIS,), finish="tool_calls"),
    Heard(turns=(_asks("Paris."),), tools=(WEATHER,), tool_choice="function:get_weather"),
)

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}

JSON_SCHEMA = _alone(
    "json_schema",
    _request(
        _user("Ada, 36."),
        response_format=ResponseFormat(json_schema=JsonSchemaFormat(name="person", schema_json=json.dumps(PERSON))),
    ),
    saying('{"name": "Ada", "age": 36}'),
    Heard(turns=(_asks("Ada, 36."),), json_only=True, schema=PERSON),
)

# What providers sign with is base64, with every character that a careless copy would change.
THOUGHT = Thought("The user wants the weather.\nI should call the tool: 一回.", "EqQB/+9A==.sig+/=")


def _thinking(*messages: Message) -> CreateChatCompletionRequest:
    options = ReasoningOptions(effort=chat_pb2.REASONING_EFFORT_HIGH, include_text=True)
    return _request(*messages, tools=[_tool()], reasoning=options)


_DEEP = Reasoning(effort="high", text=True)


def _think_on(messages: Sequence[Message]) -> CreateChatCompletionRequest:
    [answer] = messages
    return _thinking(_user("Paris?"), answer, _result(answer.tool_calls[0], "12 °C"))


def _thought_heard(answers: Sequence[Script]) -> Heard:
    [choice] = answers[0].choices
    result = ToolResult(choice.calls[0].id, "12 °C", name=WEATHER.name)
    return Heard(
        turns=(_asks("Paris?"), _replayed(choice), Turn("tool", results=(result,))), tools=(WEATHER,), reasoning=_DEEP
    )


REASONING = Conversation(
    "reasoning",
    (
        _one(
            "reasoning",
            _thinking(_user("Paris?")),
            saying("", thoughts=(THOUGHT,), calls=(PARIS,), finish="tool_calls", usage=Usage(40, 90, reasoning=64)),
            Heard(turns=(_asks("Paris?"),), tools=(WEATHER,), reasoning=_DEEP),
        ),
        Exchange("reasoning replayed", _think_on, saying("Cool: 12 °C."), _thought_heard, follows=True),
    ),
)

STOP = _alone(
    "stop",
    _request(_user("Count."), stop=["END", "\n\n"]),
    saying("1 2 3", stop_sequence="END"),
    Heard(turns=(_asks("Count."),), stop=("END", "\n\n")),
)

MAX_TOKENS = _alone(
    "max tokens",
    _request(_user("Tell me everything."), max_completion_tokens=16),
    saying("It all began", finish="length", usage=Usage(14, 16)),
    Heard(turns=(_asks("Tell me everything."),), max_tokens=16),
)

N = _alone(
    "n",
    _request(_user("A name?"), n=2),
    Script((Choice("Ada"), Choice("Alan", finish="length")), Usage(10, 2)),
    Heard(turns=(_asks("A name?"),), n=2),
)

CHANCES = (
    Chance("Hi", -0.25, (("Hi", -0.25), ("Hello", -1.5))),
    Chance(" é", -0.5, ((" é", -0.5), (" e", -2.0))),
)

LOGPROBS = _alone(
    "logprobs",
    _request(_user("Greet."), logprobs=True, top_logprobs=2),
    saying("Hi é", logprobs=CHANCES, usage=Usage(9, 2)),
    Heard(turns=(_asks("Greet."),), logprobs=2),
)

RULES = "These are the rules of the house. " * 8

CACHE_BREAKPOINT = _alone(
    "cache breakpoint",
    _request(_system(_text(RULES, cached=True)), _user("May I?")),
    saying("You may.", usage=Usage(input=3000, output=4, cached=1024, cache_written=1900)),
    Heard(system=(RULES,), turns=(_asks("May I?"),), cached=(RULES,)),
)

REFUSAL = _alone(
    "refusal",
    _request(_user("Something bad.")),
    saying("", refusal="I cannot help with that.", finish="content_filter"),
    Heard(turns=(_asks("Something bad."),)),
)

CONVERSATIONS = (
    TEXT,
    SYSTEM,
    MULTI_TURN,
    VISION,
    DOCUMENT,
    PARALLEL_TOOLS,
    FORCED_TOOL,
    JSON_SCHEMA,
    REASONING,
    STOP,
    MAX_TOKENS,
    N,
    LOGPROBS,
    CACHE_BREAKPOINT,
    REFUSAL,
)

EXCHANGES = frozenset(exchange.name for conversation in CONVERSATIONS for exchange in conversation.exchanges)
"""Names that a dialect may use in ``otherwise`` and ``models``."""


def addressed(heard: Heard, model: str, *, stream: bool) -> Heard:
    """The same, as it was sent to a model."""
    return replace(heard, model=model, stream=stream)
