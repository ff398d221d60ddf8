"""tools: calls what it is given, then tells what came of it."""

from itertools import takewhile

from server.sandbox.answer import Draft, ToolCall
from server.sandbox.messages import Message
from server.sandbox.request import ChatRequest
from server.sandbox.schema.fill import filled
from server.sandbox.schema.pattern import example
from server.sandbox.toolbox import Tool


def tools(request: ChatRequest, index: int) -> Draft:
    """Calls every tool it may (the first one where parallel_tool_calls is false); answers once it has results.

    tool_choice ``required`` or a tool by name calls even where results are there already, as OpenAI does.
    """
    results = _results(request)
    if results and request.tool_choice.mode != "required":
        return Draft(_quoted(request, results))
    callable_tools = [tool for tool in request.tools if request.tool_choice.allows(tool)]
    if not callable_tools:
        given = "I may not call any of them" if request.tools else "I was given none"
        return Draft(f"I call tools, but {given}: send tools, and a tool_choice that allows them.")
    if not request.parallel_tool_calls:
        callable_tools = callable_tools[:1]
    return Draft(calls=tuple(_call(tool, request, index) for tool in callable_tools))


def _call(tool: Tool, request: ChatRequest, index: int) -> ToolCall:
    if tool.kind == "function":
        return ToolCall(tool.kind, tool.name, filled(tool.schema, tool.path, index))
    written = example(tool.pattern, variant=index) if tool.pattern else None
    return ToolCall(tool.kind, tool.name, request.last_text if written is None else written)


def _results(request: ChatRequest) -> list[Message]:
    """The tool messages since the last user message."""
    latest = takewhile(lambda message: message.role != "user", reversed(request.messages))
    return [message for message in reversed(list(latest)) if message.role == "tool"]


def _quoted(request: ChatRequest, results: list[Message]) -> str:
    names = {call.id: call.name for message in request.messages for call in message.calls}
    said = (f'{names.get(result.tool_call_id, result.tool_call_id)} said: "{result.text}"' for result in results)
    return "\n".join(said)
