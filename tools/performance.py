"""The README's performance section, made of benchmarks/results.json: ``python -m tools.performance`` rewrites it.

Every figure in it stands in benchmarks/RESULTS.md, which is made of the same file; ``make bench`` writes all three.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.report import FOLDER, added, held, names, targets
from benchmarks.rounds import Found, middle
from benchmarks.scenarios import BATCH, BURST, FIRST, PACED, UNARY

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- performance: make bench -->\n", "<!-- /performance -->\n"
_PLOTS = (
    ("unary.svg", "CPU of each gateway for a unary chat call"),
    ("paced.svg", "CPU of each gateway for a chunk of a paced stream"),
    ("burst.svg", "CPU of each gateway for a chunk of a burst"),
)
_Figure = Callable[[Found, str], float | None]


def _cpu(scenario: str) -> _Figure:
    return lambda found, name: middle(found, name, scenario, "cpu_us")


_ROWS: tuple[tuple[str, _Figure, int], ...] = (
    ("unary chat, µs of CPU a call", _cpu(UNARY.name), 0),
    ("calls a second on one core, 16 at once", lambda found, name: middle(found, name, UNARY.name, "per_second"), 0),
    ("stream, a chunk each 5 ms, µs of CPU a chunk", _cpu(PACED.name), 1),
    ("stream as fast as it goes, µs of CPU a chunk", _cpu(BURST.name), 1),
    ("embeddings, 64 x 1536, µs of CPU a call", _cpu(BATCH.name), 0),
    ("added to the first token, p50, ms", lambda found, name: added(found, name, FIRST.name, "first_ms"), 2),
    ("memory at rest, MB", lambda found, name: held(found, name, "idle"), 0),
    ("memory with 1,000 open streams, MB", lambda found, name: held(found, name, "streams"), 0),
)


def performance_section(folder: Path = FOLDER) -> str:
    """The section as the last run has it."""
    kept = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    setting = kept["setting"]
    fields = Found.__dataclass_fields__
    found = Found(**{name: value for name, value in kept.items() if name in fields})
    lines = [
        f"Commit {setting['commit']}, {setting['when']}, {setting['cores']} cores, the server on one, load and provider on the",
        f"other; medians of {setting['rounds']} rounds in turns. The floor is the bare stack, gRPC to HTTP and back, without keys,",
        "limits, validation, prices or logs.",
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
    for words, figure, digits in _ROWS:
        cells = [_told(figure(found, name), digits) for name in shown]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return lines


def _told(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _verdict(found: Found) -> tuple[str, ...]:
    judged: list[Any] = [one for one in targets(found) if one.value is not None]
    must = sum(one.holds(one.must) == "yes" for one in judged)
    aim = sum(one.holds(one.aim) == "yes" for one in judged)
    missing = ", ".join(name for name in found.errors if ":" not in name)
    return (
        f"Of {len(judged)} targets {must} hold, and {aim} reach what is aimed at. [benchmarks/RESULTS.md](benchmarks/RESULTS.md)",
        f"has every scenario, the settings of each gateway and what did not run{f' ({missing})' if missing else ''};",
        "`make bench` and `make bench-peers` make it anew.",
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
