"""``python -m tests.drill``: runs the drill and prints its report; the exit status says whether it passed."""

import argparse
import asyncio
import random
import sys

from tests.drill.run import Plan, run
from tests.drill.verdict import lines


def main() -> int:
    """0 where all that must hold did."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("--seconds", type=float, default=Plan.seconds)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--at-once", type=int, default=Plan.at_once)
    parser.add_argument("--share", type=float, default=Plan.share, help="of the requests that meet a fault")
    parser.add_argument("kinds", nargs="*", help="dialects; all where none is named")
    told = parser.parse_args()
    print(f"seed {told.seed}", flush=True)
    plan = Plan(told.seconds, told.seed, told.at_once, told.share, tuple(told.kinds))
    verdict, injected = asyncio.run(run(plan))
    print("\n".join(lines(verdict, injected)))
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    sys.exit(main())
