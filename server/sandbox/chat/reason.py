"""reason: thinks aloud, then answers."""

from server.sandbox.answer import Draft
from server.sandbox.request import EFFORTS, ChatRequest

_THOUGHTS = (
    "The user wants an answer.",
    "I read the request again.",
    "It asks for nothing I could get wrong.",
    "I check that once more.",
)


def reason(request: ChatRequest, index: int) -> Draft:
    """Reasoning, more of it the greater ``reasoning_effort`` (none at all for none), then the last user text."""
    effort = EFFORTS.index(request.reasoning_effort)
    thoughts = [_THOUGHTS[step % len(_THOUGHTS)] for step in range(effort)]
    asked = request.last_text or "nothing"
    return Draft(f"I thought about it. You said: {asked}", reasoning=" ".join(thoughts))
