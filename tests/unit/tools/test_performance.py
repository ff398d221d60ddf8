"""The README's performance section says what the last run found, and nothing that its page does not show."""

import re

from benchmarks.report import FOLDER
from tools.performance import README, in_readme, performance_section


def test_the_readme_has_the_figures_of_the_last_run() -> None:
    text = README.read_text(encoding="utf-8")
    assert in_readme(text) == text, "the README's performance section is stale: python -m tools.performance"


def test_every_figure_and_plot_stands_in_the_results() -> None:
    section = performance_section()
    page = (FOLDER / "RESULTS.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\d+(?:\.\d+)?", page))
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| |")]
    assert len(rows) >= 8
    for row in rows:
        assert set(row.strip("| ").split(" | ")[1:]) <= shown | {"-", "failed"}, row
    for plot in re.findall(r"\(benchmarks/(\w+\.svg)\)", section):
        assert (FOLDER / plot).read_text(encoding="utf-8").startswith("<svg")
