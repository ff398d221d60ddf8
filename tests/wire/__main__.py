"""``python -m tests.wire [FOLDER]``: replay every recorded exchange below FOLDER through the hub.

Ends with the line ``wire: decode P/N encode Q/M`` and status 0 where enough of it passed, else 1.
"""

import argparse
import asyncio
import secrets
import sys
from pathlib import Path

from tests.wire.hub import HubFailed
from tests.wire.report import lines, score
from tests.wire.run import DEFAULT_FOLDER, Plan, run


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.wire", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER, help="default: ../shared/wire")
    parser.add_argument(
        "--seed", type=int, help="decides where streams are cut; printed, so that a run can be repeated"
    )
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="only ids that hold TEXT")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is no folder")
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(2**31)
    try:
        result = asyncio.run(run(Plan(arguments.folder, seed, tuple(arguments.only))))
    except HubFailed as error:
        print(error, file=sys.stderr)
        return 1
    for line in lines(result):
        print(line)
    return 0 if score(result.outcomes).good else 1


if __name__ == "__main__":
    sys.exit(main())
