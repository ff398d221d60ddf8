"""Which model has which name. A new model is a row here and one in the catalog."""

from collections.abc import Callable

from server.sandbox.chat.echo import echo
from server.sandbox.chat.faults import cut, fail, garbage, hang, slow
from server.sandbox.chat.reason import reason
from server.sandbox.chat.story import story
from server.sandbox.chat.structured import structured
from server.sandbox.chat.tools import tools
from server.sandbox.chat.vision import vision
from server.sandbox.exchange import Serve, says

CHAT: dict[str, Serve] = {
    "echo": says(echo),
    "story": says(story),
    "tools": says(tools),
    "json": says(structured),
    "vision": says(vision),
    "reason": says(reason),
    "hang": hang,
    "cut": cut,
    "garbage": garbage,
}

CHAT_FAMILIES: dict[str, Callable[[str], Serve | None]] = {"fail": fail, "slow": slow}
"""Models with a parameter after the first hyphen; None where the parameter makes no sense."""


def chat_model(name: str) -> Serve | None:
    """The chat model of that name, None where there is none."""
    if name in CHAT:
        return CHAT[name]
    family, _, parameter = name.partition("-")
    return CHAT_FAMILIES[family](parameter) if family in CHAT_FAMILIES else None
