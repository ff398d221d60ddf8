"""``python -m server``, installed as ``hub``."""

import os
import sys

from server.cli import serve
from server.cli.failure import INTERRUPTED


def main() -> int:
    """Runs the hub command; its exit status."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["serve"] and (options := serve.read_plain(arguments[1:])):
        return serve.run(options)
    # gRPC's core would write its own account of a failed connection beside ours.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        from server.cli.main import run  # noqa: PLC0415 - the server does without the libraries of the command line

        return run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
