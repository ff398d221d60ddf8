"""``hub chat`` and ``hub count-tokens``: one question, one answer."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from aignehub.v1 import chat_service_pb2

from server.cli.answer import AnswerView, JsonView, TextView, print_json, stream_answer
from server.cli.client import SHORT_CALL, Hub, explained
from server.cli.connection import Target
from server.cli.conversation import converse
from server.cli.duration import parse_duration
from server.cli.failure import USAGE, CommandFailed
from server.cli.options import TargetOf, with_hub, with_target
from server.cli.question import Wish, begin_request, read_text, user_message

Text = Annotated[
    list[str] | None,
    typer.Argument(metavar="TEXT", help="What to ask. - stands for standard input, and so does a pipe without TEXT."),
]
Model = Annotated[
    str, typer.Option("--model", "-m", metavar="MODEL", help="As `hub models` lists it; the hub's default without it.")
]
System = Annotated[str | None, typer.Option(metavar="TEXT", help="Instructions to the model, ahead of the question.")]
Images = Annotated[
    list[str] | None, typer.Option("--image", metavar="FILE|URL", help="Show the model a picture; repeat for more.")
]


@with_target
def chat(
    target_of: TargetOf,
    text: Text = None,
    model: Model = "",
    system: System = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print protobuf JSON: one line a chunk, or the whole answer with --no-stream."),
    ] = False,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Print the answer once it is whole.")] = False,
    max_tokens: Annotated[int | None, typer.Option(min=1, metavar="N", help="Most tokens to answer with.")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, metavar="T", help="How much to vary, 0 to 2.")
    ] = None,
    image: Images = None,
    schema: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Answer with JSON that fits the JSON Schema in FILE.")
    ] = None,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Label stored with the call; repeat for more.")
    ] = None,
    deadline: Annotated[
        str | None, typer.Option(metavar="SECONDS", help="Give up after so long, for example 30 or 2m.")
    ] = None,
    usage: Annotated[bool, typer.Option("--usage", help="Print tokens and cost to standard error.")] = False,
) -> int:
    """Ask a model. Without TEXT, hold a conversation."""
    wish = Wish(model, system, max_tokens, temperature, schema, metadata or ())
    request = begin_request(wish)
    timeout = parse_duration(deadline, "--deadline", bare_seconds=True) if deadline else None
    if not text and sys.stdin.isatty():
        if as_json or no_stream:
            raise CommandFailed("--json and --no-stream want a TEXT", "give one, or leave them out", status=USAGE)
        return converse(target_of(), request, images=image or (), timeout=timeout, show_usage=usage)
    _add_question(request, text, image)
    view = JsonView() if as_json else TextView(show_usage=usage)
    return asyncio.run(_ask(target_of(), request, view, stream=not no_stream, timeout=timeout))


@with_hub
async def count_tokens(
    hub: Hub,
    text: Text = None,
    model: Model = "",
    system: System = None,
    image: Images = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole answer as protobuf JSON.")] = False,
) -> int:
    """Count the input tokens of a question without asking it."""
    request = begin_request(Wish(model, system))
    _add_question(request, text, image)
    counted = await hub.chat.CountTokens(request, metadata=hub.metadata, timeout=SHORT_CALL)
    if as_json:
        print_json(counted)
    else:
        print(counted.input_tokens, "(estimated)" if counted.estimated else "")
    return 0


def _add_question(
    request: chat_service_pb2.CreateChatCompletionRequest, words: list[str] | None, images: list[str] | None
) -> None:
    asked = read_text(words or ())
    if not asked.strip() and not images:
        raise CommandFailed("there is nothing to ask", 'give a TEXT, for example: hub chat "Hello"', status=USAGE)
    request.messages.append(user_message(asked, images or ()))


async def _ask(
    target: Target,
    request: chat_service_pb2.CreateChatCompletionRequest,
    view: AnswerView,
    *,
    stream: bool,
    timeout: float | None,
) -> int:
    with explained(target):
        async with Hub(target) as hub:
            if stream:
                await stream_answer(hub, request, view, timeout)
            else:
                view.whole(await hub.chat.CreateChatCompletion(request, metadata=hub.metadata, timeout=timeout))
                view.end()
    return 0
