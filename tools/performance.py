"""The README's performance section, made of benchmarks/results.json: ``python -m tools.performance`` rewrites it.

Every figure in it stands in benchmarks/RESULTS.md, which is made of the same file; ``make bench`` writes all three.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.report import FOLDER, added, cpu, held, names, targets
from benchmarks.rounds import Found, middle
from benchmarks.scenarios import BATCH, BURST, FIRST, PACED, UNARY

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- performance: make bench -->\n", "<!-- /performance -->\n"
_PLOTS = (
    ("unary.svg", "CPU of each gateway for a unary chat call"),
    ("paced.svg", "CPU of each gateway for a chunk of a paced stream"),
    ("burst.svg", "CPU of each gateway for a chunk of a burst"),
)
_Figure = Callable[[Found, str, str], str]


def _rate(found: Found, name: str, scenario: str) -> str:
    return _told(middle(found, name, scenario, "per_second"), 0)


def _first(found: Found, name: str, scenario: str) -> str:
    return _told(added(found, name, scenario, "first_ms"), 2)


def _memory(found: Found, name: str, what: str) -> str:
    return _told(held(found, name, what), 1)


def _told(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


_ROWS: tuple[tuple[str, str, _Figure], ...] = (
    ("unary chat, µs of CPU a call", UNARY.name, cpu),
    ("unary chat, calls a second on one core", UNARY.name, _rate),
    ("stream, a chunk each 5 ms, µs of CPU a chunk", PACED.name, cpu),
    ("stream as fast as it goes, µs of CPU a chunk", BURST.name, cpu),
    ("embeddings, 64 x 1536, µs of CPU a call", BATCH.name, cpu),
    ("added to the first token, p50, ms", FIRST.name, _first),
    ("memory at rest, MB", "idle", _memory),
    ("memory with 1,000 open streams, MB", "streams", _memory),
)
"""What is told, the scenario or the moment, and its figure as the page has it."""


def performance_section(folder: Path = FOLDER) -> str:
    """The section as the last run has it."""
    kept = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    setting = kept["setting"]
    fields = Found.__dataclass_fields__
    found = Found(**{name: value for name, value in kept.items() if name in fields})
    lines = [
        f"Commit {setting['commit']}, {setting['when']}, {setting['cores']} cores: the server has one, load and",
        f"provider the other; medians of {setting['rounds']} rounds in turns. The floor is the bare stack, gRPC to",
        "HTTP and back, without keys, limits, validation, prices or logs.",
        "",
        *_table(found),
        "",
        *(f"![{words}](benchmarks/{file})" for file, words in _PLOTS),
        "",
        *_verdict(found),
    ]
    return "".join(f"{line}\n" for line in lines)


def _table(found: Found) -> list[str]:
    shown = [name for name in names(found) if "workers" not in name]
    lines = [f"| | {' | '.join(shown)} |", "|---|" + "---:|" * len(shown)]
    for words, what, figure in _ROWS:
        cells = [figure(found, name, what) or _nothing(found, name, what) for name in shown]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return lines


def _nothing(found: Found, name: str, what: str) -> str:
    return "failed" if f"{name}: {what}" in found.errors else "-"


def _verdict(found: Found) -> tuple[str, ...]:
    judged: list[Any] = [one for one in targets(found) if one.value is not None]
    must = sum(one.holds(one.must) == "yes" for one in judged)
    aim = sum(one.holds(one.aim) == "yes" for one in judged)
    missing = ", ".join(name for name in found.errors if ":" not in name)
    return (
        f"Of {len(judged)} targets {must} hold, and {aim} reach what is aimed at.",
        "[benchmarks/RESULTS.md](benchmarks/RESULTS.md) has every scenario, the settings of each gateway, what a patch",
        f"was for, and what did not run{f' ({missing})' if missing else ''}; `make bench-peers` makes it anew.",
    )


def in_readme(text: str) -> str:
    """``text`` with the section between its marks. Raises ValueError where the marks are not there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README has no {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + performance_section() + END + after


def rewrite() -> None:
    """Writes the README anew."""
    README.write_text(in_readme(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
