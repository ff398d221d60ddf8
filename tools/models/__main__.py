"""Command line: ``prices``, or ``abilities WHEEL``."""

import argparse
from pathlib import Path

from tools.models.abilities import write_abilities
from tools.models.prices import write_prices


def main() -> None:
    """Writes one of the two collections and says how much it holds."""
    parser = argparse.ArgumentParser(prog="python -m tools.models")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prices", help="from the installed genai-prices")
    abilities = commands.add_parser("abilities", help="from LiteLLM's catalogue")
    abilities.add_argument("wheel", type=Path, help="as `pip download --no-deps litellm` leaves it")
    chosen = parser.parse_args()
    counts = write_prices() if chosen.command == "prices" else write_abilities(chosen.wheel)
    for kind, models in counts.items():
        print(f"{kind:16} {models:5} models")


if __name__ == "__main__":
    main()
