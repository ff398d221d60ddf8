"""What tools are called, and which of them a caller allows."""

from collections.abc import Container, Iterable, Mapping

from aignehub.v1.chat_pb2 import AllowedTools, Tool

from server.errors import InvalidArgument


def tool_name(tool: Tool) -> str:
    """A tool of the provider's own is known by its type."""
    match tool.WhichOneof("tool"):
        case "function":
            return tool.function.name
        case "custom":
            return tool.custom.name
        case _:
            return tool.provider.type


def check_allowed(allowed: AllowedTools, names: Container[str]) -> None:
    """Raises InvalidArgument where a tool is allowed that is not among the request's."""
    for place, name in enumerate(allowed.names):
        if name not in names:
            raise InvalidArgument.field(f"tool_choice.allowed_tools.names[{place}]", "is not one of tools")


def allowed_places(allowed: AllowedTools, tools: Iterable[Tool]) -> Mapping[str, int]:
    """Where among ``tools`` each of the allowed ones is. Raises as ``check_allowed`` does."""
    places = {tool_name(tool): place for place, tool in enumerate(tools)}
    check_allowed(allowed, places)
    return {name: places[name] for name in allowed.names}
