"""echo: the last user text, again."""

from server.sandbox.answer import Draft
from server.sandbox.request import ChatRequest


def echo(request: ChatRequest, index: int) -> Draft:
    """The text of the last user message; says so where there is none."""
    return Draft(request.last_text or "The last user message has no text to repeat.")
