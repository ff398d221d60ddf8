"""What a run found, as a page: targets and whether they hold, every figure, the settings of everybody."""

import json
import os
import platform
import statistics
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT
from benchmarks.rounds import Found, middle, ratio
from benchmarks.scenarios import ALONE, BATCH, BURST, FIRST, PACED, SCENARIOS, UNARY
from benchmarks.svg import bars

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Target:
    """One figure that is to hold; ``value`` None where it was not measured."""

    name: str
    value: float | None
    must: float
    aim: float
    unit: str
    at_least: bool = False

    def holds(self, bound: float) -> str:
        if self.value is None:
            return "not measured"
        return "yes" if (self.value >= bound if self.at_least else self.value <= bound) else "**no**"


def targets(found: Found) -> list[Target]:
    """Those of the design, from what was found."""
    return [
        Target("unary chat, CPU against the floor", ratio(found, "hub", "floor", UNARY.name), 1.25, 1.0, "×"),
        Target("unary chat, LiteLLM's CPU against the hub's",
               ratio(found, "LiteLLM", "hub", UNARY.name), 12, 20, "×", at_least=True),
        Target("unary chat, Portkey's CPU against the hub's",
               ratio(found, "Portkey", "hub", UNARY.name), 1.8, 3, "×", at_least=True),
        Target("paced stream, CPU a chunk against the floor", ratio(found, "hub", "floor", PACED.name), 1.15, 1.0, "×"),
        Target("burst stream, CPU a provider chunk", middle(found, "hub", BURST.name, "cpu_us"), 10, 6, "µs"),
        Target("embeddings 64 x 1536, base64 upstream, against reading the body alone",
               ratio(found, "hub", "floor", BATCH.name), 2.2, 1.9, "×"),
        Target("added time to first token, p50", added(found, "hub", FIRST.name, "first_ms"), 2.5, 1.5, "ms"),
        Target("resident memory, idle", held(found, "hub", "idle"), 90, 75, "MB"),
        Target("resident memory, 1,000 open streams", held(found, "hub", "streams"), 220, 150, "MB"),
        Target("unary chat, 100,000 keys against 10", _growth(found), 1.1, 1.03, "×"),
    ]  # fmt: skip


def added(found: Found, name: str, scenario: str, figure: str) -> float | None:
    """Milliseconds beyond what the provider alone takes: the median of what each round says."""
    pairs = zip(
        found.figures.get(name, {}).get(scenario, []), found.figures.get("provider", {}).get(scenario, []), strict=False
    )
    values = [mine[figure] - alone[figure] for mine, alone in pairs]
    return statistics.median(values) if values else None


def held(found: Found, name: str, what: str) -> float | None:
    """Resident megabytes: the median of the starts."""
    values = found.rss_mb.get(name, {}).get(what)
    return statistics.median(values) if values else None


def _growth(found: Found) -> float | None:
    counts = sorted(found.growth_us, key=int)
    if len(counts) < 2:
        return None
    few, many = found.growth_us[counts[0]], found.growth_us[counts[-1]]
    return statistics.median(late / early for early, late in zip(few, many, strict=True))


def write(found: Found, setting: dict[str, Any], folder: Path = FOLDER) -> str:
    """Writes RESULTS.md, results.json and the plots; returns the page."""
    setting = {**_machine(), **setting}
    reached = [
        {"name": one.name, "value": one.value, "must": one.must, "aim": one.aim, "unit": one.unit,
         "must_holds": one.holds(one.must) == "yes", "aim_holds": one.holds(one.aim) == "yes"}
        for one in targets(found)
    ]  # fmt: skip
    kept = {"setting": setting, "targets": reached, **asdict(found)}
    (folder / "results.json").write_text(json.dumps(kept, indent=1) + "\n")
    page = _page(found, setting)
    (folder / "RESULTS.md").write_text(page)
    _plots(found, folder)
    return page


def _machine() -> dict[str, Any]:
    return {
        "commit": _commit(),
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in ("grpcio", "aiohttp", "uvloop", "protobuf", "orjson", "msgspec")},
    }


def _commit() -> str:
    """What was measured, as git names it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(("git", *arguments), cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    name = git("rev-parse", "--short=10", "HEAD") or "no git repository"
    return f"{name} with changes" if git("status", "--porcelain", "--", "server", "generated") else name


def _page(found: Found, setting: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in setting["versions"].items())
    lines = [
        "# Results", "",
        "Written by `make bench` (with the other gateways: `make bench-peers`); do not edit. The figure that counts is",
        "the CPU time of the server's process for each request or chunk; microseconds differ between machines, ratios",
        "within one run hardly do. Hub and floor are started anew in each round and take turns in every scenario;",
        "medians over the rounds.", "",
        f"- commit {setting['commit']}",
        f"- {setting['when']}; {setting['cores']} cores, load average {setting['load_average']} before the run",
        f"- {setting['system']}; {versions}",
        f"- {setting['pinning']}", f"- provider: {setting['provider']}", f"- load: {setting['load']}",
        f"- {setting['rounds']} rounds; the run took {setting['seconds']} s", "",
        "## Targets", "", "| | measured | must | holds | aim | holds |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one in targets(found):
        sign, value = ("≥" if one.at_least else "≤"), "–" if one.value is None else f"{one.value:.3g} {one.unit}"
        lines.append(
            f"| {one.name} | {value} | {sign} {one.must:g} {one.unit} | {one.holds(one.must)} "
            f"| {sign} {one.aim:g} {one.unit} | {one.holds(one.aim)} |"
        )
    lines += ["", "Ledger rows are not written yet, so how cost grows with them is not measured.", ""]
    lines += _cpu_table(found) + _latency_table(found) + _memory_table(found)
    lines += ["## Settings", "", *(f"- **{name}**: {words}" for name, words in found.settings.items()), ""]
    if found.errors:
        lines += ["## What did not run", "", *_faults(found), ""]
    return "\n".join(lines)


def _faults(found: Found) -> list[str]:
    """A line an error, with all that it kept from running."""
    told: dict[str, list[str]] = {}
    for name, words in found.errors.items():
        told.setdefault(words, []).append(name)
    return [f"- **{'; '.join(names)}**: `{words}`" for words, names in told.items()]


def names(found: Found) -> list[str]:
    """Who was measured, in the order of the settings."""
    return [name for name in found.settings if name in found.figures]


def _cpu_table(found: Found) -> list[str]:
    measured = names(found)
    others = [name for name in measured if name != "hub"]
    lines = [
        "## CPU of the server, µs for each call or chunk", "",
        "Over one connection where the scenario does not say another number.", "",
        f"| | calls × at once | {' | '.join(measured)} | {' | '.join(f'{name} / hub' for name in others)} |",
        "|---|---|" + "---|" * (len(measured) + len(others)),
    ]  # fmt: skip
    for scenario in SCENARIOS:
        cells = [_cell(found, name, scenario.name) for name in measured]
        ratios = [ratio(found, name, "hub", scenario.name) for name in others]
        unit = f"{scenario.calls} × {scenario.at_once}" + (
            f", {scenario.pieces} chunks each" if scenario.pieces > 1 else ""
        )
        told = " | ".join("–" if one is None else f"{one:.2f}" for one in ratios)
        lines.append(f"| {scenario.name} | {unit} | {' | '.join(cells)} | {told} |")
    lines += ["", "In brackets the lowest and the highest round. Of embeddings the floor only reads the body.", ""]
    if found.growth_us:
        lines += ["| keys in the store | CPU of a unary chat call, µs, medians of turns |", "|---|---|"]
        lines += [
            f"| {int(count):,} | {_spread(found.growth_us[count])} |" for count in sorted(found.growth_us, key=int)
        ]
        lines.append("")
    return lines


def _cell(found: Found, name: str, scenario: str) -> str:
    values = [entry["cpu_us"] for entry in found.figures[name].get(scenario, [])]
    return _spread(values) if values else "failed" if f"{name}: {scenario}" in found.errors else "–"


def _spread(values: list[float]) -> str:
    digits = 0 if min(values) >= 100 else 1
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def cpu(found: Found, name: str, scenario: str) -> str:
    """Microseconds of CPU as the page has them; empty where there are none."""
    values = [entry["cpu_us"] for entry in found.figures.get(name, {}).get(scenario, [])]
    return _spread(values).partition(" ")[0] if values else ""


def _latency_table(found: Found) -> list[str]:
    lines = [
        "## Latency beyond the provider's own, milliseconds", "",
        "| | unary p50 | unary p99 | added to first token, p50 | calls a second at 16 at once |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for name in names(found):
        cells = [
            added(found, name, ALONE.name, "p50_ms"), added(found, name, ALONE.name, "p99_ms"),
            added(found, name, FIRST.name, "first_ms"), middle(found, name, UNARY.name, "per_second"),
        ]  # fmt: skip
        words = ["–" if one is None else f"{one:.2f}" if place < 3 else f"{one:.0f}" for place, one in enumerate(cells)]
        lines.append(f"| {name} | {' | '.join(words)} |")
    return [*lines, ""]


def _memory_table(found: Found) -> list[str]:
    lines = ["## Resident memory, MB", "", "| | idle | after unary load | 1,000 open streams |", "|---|---|---|---|"]
    for name in names(found):
        values = [held(found, name, what) for what in ("idle", "load", "streams")]
        cells = ["–" if value is None else f"{value:.1f}" for value in values]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""]


def _plots(found: Found, folder: Path) -> None:
    for file, title, scenario in (
        ("unary.svg", "CPU of the server for a unary chat call", UNARY.name),
        ("paced.svg", "CPU of the server for a chunk of a stream (one each 5 ms)", PACED.name),
        ("burst.svg", "CPU of the server for a chunk of a stream (as fast as it goes)", BURST.name),
    ):
        values = [(name, middle(found, name, scenario, "cpu_us")) for name in names(found)]
        shown = [(name, value) for name, value in values if value is not None]
        if shown:
            bars(folder / file, title, shown, unit="µs")
