"""What the benchmarks conclude from what they measured."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.report import targets, write
from benchmarks.rounds import Found, ratio
from benchmarks.scenarios import FIRST, UNARY, Figures
from benchmarks.soak import Sample, slope

SETTING = {"pinning": "-", "provider": "-", "load": "-", "rounds": 2, "seconds": 1, "load_average": 0}


def figures(cpu_us: float, first_ms: float | None = None) -> Figures:
    return Figures(cpu_us, per_second=1000, p50_ms=1, p99_ms=2, first_ms=first_ms)


@pytest.fixture
def found() -> Found:
    found = Found(settings={"hub": "as it is", "floor": "bare"})
    for hub, floor, first in ((110, 100, 3.5), (240, 200, 3.7), (130, 100, 9.0)):
        found.add("hub", UNARY, figures(hub))
        found.add("floor", UNARY, figures(floor))
        found.add("hub", FIRST, figures(1, first))
        found.add("provider", FIRST, figures(1, 1.0))
    found.rss_mb = {"hub": {"idle": [91.0, 95.0, 99.0], "streams": [140.0]}}
    found.growth_us = {"10": [100, 100, 100], "1000": [1, 1, 1], "100000": [104, 102, 130]}
    return found


def test_a_ratio_is_the_middle_of_the_rounds_own(found: Found) -> None:
    assert ratio(found, "hub", "floor", UNARY.name) == pytest.approx(1.2)
    assert ratio(found, "Portkey", "hub", UNARY.name) is None


def test_targets_say_whether_they_hold(found: Found) -> None:
    told = {one.name: one for one in targets(found)}
    unary = told["unary chat, CPU against the floor"]
    assert (unary.holds(unary.must), unary.holds(unary.aim)) == ("yes", "**no**")
    peer = told["unary chat, Portkey's CPU against the hub's"]
    assert peer.holds(peer.must) == "not measured"
    assert told["added time to first token, p50"].value == pytest.approx(2.7)
    assert told["resident memory, idle"].holds(90) == "**no**"
    assert told["unary chat, 100,000 keys against 10"].value == pytest.approx(1.04)


def test_a_target_from_below_holds_where_the_value_is_greater(found: Found) -> None:
    found.settings["Portkey"] = "as it comes"
    for cpu in (330, 480, 650):
        found.add("Portkey", UNARY, figures(cpu))
    told = {one.name: one for one in targets(found)}["unary chat, Portkey's CPU against the hub's"]
    assert told.value == pytest.approx(3.0)
    assert (told.holds(1.8), told.holds(3.1)) == ("yes", "**no**")


def test_the_page_the_figures_and_the_plots_are_written(found: Found, tmp_path: Path) -> None:
    found.errors |= {"Bifrost": "it did not build", "floor: burst stream": "500", "floor: first token": "500"}
    page = write(found, SETTING, tmp_path)
    assert (tmp_path / "RESULTS.md").read_text() == page
    assert "- **Bifrost**: `it did not build`" in page
    assert "- **floor: burst stream; floor: first token**: `500`" in page
    burst = next(line for line in page.splitlines() if line.startswith("| burst stream | 60"))
    assert burst.split(" | ")[3] == "failed"
    assert re.search(r"^- commit [0-9a-f]{10}", page, re.MULTILINE)
    row = next(line for line in page.splitlines() if line.startswith("| unary chat | 1500"))
    assert [cell.split()[0] for cell in row.split(" | ")[2:]] == ["130", "100", "0.83"]
    kept = json.loads((tmp_path / "results.json").read_text())
    assert kept["targets"][0]["value"] == pytest.approx(1.2)
    assert kept["figures"]["hub"][UNARY.name][0]["cpu_us"] == 110
    assert (tmp_path / "unary.svg").read_text().count("<rect") == 3


def test_a_slope_leaves_the_beginning_out() -> None:
    begun = [Sample(calls, 10**9, 10**9) for calls in (1, 2)]
    after = [Sample(calls, 1000 + 7 * calls, 5) for calls in range(1000, 7000, 1000)]
    assert slope([*begun, *after], "native_bytes") == pytest.approx(7)
    assert slope([*begun, *after], "rss_bytes") == pytest.approx(0)
