"""``hub chat`` without a question: a conversation that remembers."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress

from aignehub.v1 import chat_pb2, chat_service_pb2

from server.cli.answer import TextView, stream_answer
from server.cli.client import Hub, explained
from server.cli.connection import Target
from server.cli.failure import CommandFailed
from server.cli.question import text_message, user_message
from server.cli.terminal import note, one_line

_WELCOME = "Ask away. Ctrl-C stops an answer; /clear forgets what was said; Ctrl-D or /exit ends."


def converse(
    target: Target,
    request: chat_service_pb2.CreateChatCompletionRequest,
    *,
    images: Sequence[str],
    timeout: float | None,
    show_usage: bool,
) -> int:
    """Asks and answers until the user ends it; 0. ``request`` holds what goes ahead of every turn.

    The pictures go with the first question. A question that got no answer is forgotten, so that the next one
    does not follow upon it; an answer that was stopped midway is remembered as far as it came.
    """
    with suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - gives input() its line editing; Windows has none
    begin = len(request.messages)
    pending = list(images)
    note(_WELCOME)
    # One loop for the channel; between two runs of it the terminal is ours and Ctrl-C is an exception of input().
    with asyncio.Runner() as runner:
        hub = runner.run(_open(target))
        try:
            while (line := _read_line()) is not None:
                if line == "/clear":
                    del request.messages[begin:]
                elif line:
                    request.messages.append(user_message(line, pending))
                    if _answer(runner, hub, request, timeout, show_usage=show_usage):
                        pending = []
        finally:
            runner.run(hub.close())
    return 0


async def _open(target: Target) -> Hub:
    return Hub(target)  # a channel belongs to the loop that runs when it is made


def _read_line() -> str | None:
    """What the user typed, stripped; None at the end."""
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            print()
            return None
        except KeyboardInterrupt:
            print()
            note("Ctrl-D or /exit ends the conversation.")
            continue
        return None if line in ("/exit", "/quit") else line


def _answer(
    runner: asyncio.Runner,
    hub: Hub,
    request: chat_service_pb2.CreateChatCompletionRequest,
    timeout: float | None,
    *,
    show_usage: bool,
) -> bool:
    """Has the last question answered and remembers it; False where the question was forgotten instead."""
    view = TextView(show_usage=show_usage)
    try:
        with explained(hub.target):
            runner.run(stream_answer(hub, request, view, timeout))
    except KeyboardInterrupt:
        note("stopped")
    except CommandFailed as failure:
        print(f"error: {one_line(str(failure))}", file=sys.stderr, flush=True)
    if not view.text:
        del request.messages[-1]
        return False
    request.messages.append(text_message(chat_pb2.ROLE_ASSISTANT, view.text))
    return True
