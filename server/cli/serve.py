"""``hub serve``: the one command that becomes the server."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server.cli.failure import INTERRUPTED, USAGE
from server.errors import ConfigError, HubError

_READ_IN_ONE_THREAD = "-event_engine_listener"
"""Lets the thread that waits for gRPC's events read the sockets of callers as well, as older releases do.

Else a pool of threads reads them and hands every event on, and threads wake one another four times a call: the bare
stack took 347 microseconds of CPU a call that way and 310 this way. It is a switch of gRPC's own, which its core reads
once, when it is loaded, and ignores where it does not know it. An environment that sets GRPC_EXPERIMENTS has its way.
"""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line says of the server; None leaves it to the file and the environment."""

    config: Path | None = None
    listen: str | None = None
    dev: bool = False
    workers: int | None = None


def read_plain(arguments: Sequence[str]) -> ServeOptions | None:
    """Reads what follows ``hub serve`` where it is plainly right; None leaves it to the whole command line.

    A server lives for months and the command line's libraries would stay in its memory all the while; so they
    are loaded only to explain (--help) or to complain.
    """
    values: dict[str, str] = {}
    dev = False
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name in ("--config", "--listen", "--workers"):
            given = value if equals else next(rest, "")
            if not given or given.startswith("-"):
                return None
            values[name] = given
        elif argument == "--dev":
            dev = True
        else:
            return None
    config, workers = values.get("--config"), values.get("--workers", "")
    if "--workers" in values and not (workers.isascii() and workers.isdigit()):
        return None
    return ServeOptions(
        Path(config) if config else None, values.get("--listen"), dev, int(workers) if workers else None
    )


def run(options: ServeOptions) -> int:
    """Serves until told to stop; the exit status."""
    # structlog imports rich where it can, to paint tracebacks on a console: 6 MB that a server would hold for
    # nothing. None makes that import fail, which structlog is prepared for (structlog/dev.py).
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    # gRPC's core would write lines of its own among the structured ones; set it to DEBUG to look into the core.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("GRPC_EXPERIMENTS", _READ_IN_ONE_THREAD)
    from server.app import serve  # noqa: PLC0415 - only this command becomes the server; no other should load it

    config = options.config or (Path(named) if (named := os.environ.get("HUB_CONFIG")) else None)
    try:
        return serve(config, options.listen, dev=options.dev, workers=options.workers)
    except ConfigError as error:
        return _refuse(str(error))
    except HubError as error:
        return _refuse(f"{error.message} ({error.reason})")
    except KeyboardInterrupt:  # before the server took over the signal
        return INTERRUPTED


def _refuse(line: str) -> int:
    print(f"error: {' '.join(line.split())}", file=sys.stderr, flush=True)
    return USAGE
