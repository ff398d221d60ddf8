"""The hub command as a whole: its commands, and how each ends."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from typer.main import get_command

from server import __version__
from server.cli import keys, providers
from server.cli.chat import chat, count_tokens
from server.cli.embed import embed
from server.cli.failure import FAILED, INTERRUPTED, PIPE_CLOSED, USAGE, CommandFailed
from server.cli.image import image
from server.cli.models import models
from server.cli.serve import ServeOptions
from server.cli.serve import run as run_server
from server.cli.speak import speak, voices
from server.cli.status import status
from server.cli.terminal import one_line
from server.cli.transcribe import transcribe

app = typer.Typer(
    help="The hub: one gRPC service in front of every AI model.",
    # Plain help and plain errors: the same on a terminal, in a pipe and in a log, and a fifth of a second sooner.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
_providers = typer.Typer(
    help="Look at providers, switch and weigh them, reload.", rich_markup_mode=None, pretty_exceptions_enable=False
)
_keys = typer.Typer(help="Make, list, rotate and revoke keys.", rich_markup_mode=None, pretty_exceptions_enable=False)


def _add(app: typer.Typer, name: str, command: Callable[..., int], *examples: str) -> None:
    heading = "Example:" if len(examples) == 1 else "Examples:"
    # Click's mark \b keeps the lines of a paragraph as they are.
    epilog = "\b\n" + "\n".join([heading, *(f"  {example}" for example in examples)])
    app.command(name, epilog=epilog)(_quiet_when_unread(command))


def _quiet_when_unread(command: Callable[..., int]) -> Callable[..., int]:
    @wraps(command)
    def run(**given: Any) -> int:
        try:
            status = command(**given)
            sys.stdout.flush()
        except BrokenPipeError:
            _forget_output()
            return PIPE_CLOSED
        return status

    return run


def serve(
    config: Annotated[
        Path | None, typer.Option(envvar="HUB_CONFIG", metavar="FILE", help="Settings; see hub.example.yaml.")
    ] = None,
    listen: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where to listen, for example 127.0.0.1:50051.")
    ] = None,
    dev: Annotated[
        bool, typer.Option("--dev", help="For trying out: with the sandbox provider and a first key in .hub/key.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes behind the one port; see workers in hub.example.yaml.")
    ] = None,
) -> int:
    """Run the hub. It prints `listening on ADDRESS` once it is ready; SIGTERM ends it in good order."""
    return run_server(ServeOptions(config, listen, dev, workers))


def version() -> int:
    """Print the release."""
    print(f"hub {__version__}")
    return 0


_add(app, "serve", serve, "hub serve --config hub.yaml", "hub serve --dev")
_add(
    app,
    "chat",
    chat,
    'hub chat "What is gRPC?"',
    "hub chat -m sandbox/echo",
    "git diff | hub chat 'Write a commit message for this:' -",
)
_add(app, "count-tokens", count_tokens, "hub count-tokens -m openai/gpt-5-mini - < book.txt")
_add(
    app,
    "embed",
    embed,
    'hub embed "What is gRPC?"',
    "hub embed --npy titles.npy < titles.txt",
)
_add(
    app,
    "image",
    image,
    'hub image "A lighthouse at dusk" -o lighthouse.png',
    'hub image "Add a boat" --edit lighthouse.png -o boat.png',
)
_add(
    app,
    "speak",
    speak,
    'hub speak "Good morning" -o morning.wav',
    'hub speak "Good morning" | hub transcribe -',
)
_add(
    app,
    "transcribe",
    transcribe,
    "hub transcribe -m openai/whisper-1 --format srt talk.mp3 > talk.srt",
    "arecord -q -f S16_LE -r 16000 -t raw | hub transcribe --live --rate 16000 -",
)
_add(app, "voices", voices, "hub voices -m openai/tts-1")
_add(app, "models", models, "hub models --provider openai")
_add(app, "status", status, "hub status openai/gpt-5-mini")
_add(app, "version", version, "hub version")
_add(
    _keys,
    "create",
    keys.create,
    "hub keys create --name ci --model 'openai/*' --expires 30d > ci.key",
    "export HUB_API_KEY=$(hub keys create --admin --offline)",
)
_add(_keys, "list", keys.list_keys, "hub keys list")
_add(_keys, "show", keys.show, "hub keys show self")
_add(_keys, "rotate", keys.rotate, "hub keys rotate KEY_ID --grace 24h > new.key")
_add(_keys, "revoke", keys.revoke, "hub keys revoke KEY_ID")
app.add_typer(_keys, name="keys")
_add(_providers, "list", providers.list_providers, "hub providers list")
_add(_providers, "on", providers.on, "hub providers on openai")
_add(_providers, "off", providers.off, "hub providers off openai --key second")
_add(_providers, "weigh", providers.weigh, "hub providers weigh azure 300")
_add(_providers, "reload", providers.reload, "hub providers reload")
app.add_typer(_providers, name="providers")


def run(arguments: Sequence[str]) -> int:
    """Runs the command that the arguments name; its exit status. Whatever happens, no traceback."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        _never_choke(stream)
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


_NAMES_NO_COMMAND = ((), ("keys",), ("providers",))


def _dispatch(arguments: Sequence[str]) -> int:
    if tuple(arguments) in _NAMES_NO_COMMAND:
        arguments = (*arguments, "--help")
    try:
        status = get_command(app).main(list(arguments), prog_name="hub", standalone_mode=False)
    except CommandFailed as failure:
        return _complain(str(failure), failure.status)
    except typer.TyperException as error:
        return _complain(_usage_error(error), USAGE)
    except OSError as error:
        return _complain(f"cannot write: {error.strerror or 'the output failed'}", FAILED)
    except asyncio.CancelledError:
        return _complain("the call was cancelled (CANCELLED); try it again", FAILED)
    return status if isinstance(status, int) else 0


def _usage_error(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "hub"
    return f"{error.format_message().rstrip('.')}; see {command} --help"


def _complain(line: str, status: int) -> int:
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    print(f"error: {one_line(line)}", file=sys.stderr, flush=True)
    return status


def _never_choke(stream: TextIO) -> None:
    # A character that the terminal's encoding lacks is shown as ?, rather than ending the command.
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")


def _forget_output() -> None:
    # The interpreter flushes standard output as it exits, and would complain of the closed pipe once more.
    # https://docs.python.org/3/library/signal.html#note-on-sigpipe
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
