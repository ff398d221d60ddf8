"""The provider that CONTRIBUTING shows being added is the one in the tree."""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from server.providers.registry import PROVIDERS

ROOT = Path(__file__).resolve().parents[2]
_NO_FILE = "/dev/null"


def shown() -> dict[str, tuple[bool, list[str]]]:
    """By path of each file in the diff: whether it is new there, and the lines of its hunks."""
    [block] = re.findall(r"^```diff\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL | re.MULTILINE)
    files: dict[str, tuple[bool, list[str]]] = {}
    for text in re.split(r"^diff --git .*\n", block, flags=re.MULTILINE)[1:]:
        head, _, hunks = text.partition("@@")
        before, after = re.findall(r"^(?:---|\+\+\+) (.+)$", head, re.MULTILINE)
        files[after.removeprefix("b/")] = (before == _NO_FILE, f"@@{hunks}".splitlines())
    return files


def added(lines: list[str]) -> Iterator[str]:
    """What the hunks add, each run of lines as one text."""
    for adds, run in groupby(lines, lambda line: line.startswith("+")):
        if adds:
            yield "".join(f"{line[1:]}\n" for line in run)


@pytest.mark.parametrize("path", shown())
def test_the_shown_diff_is_what_the_code_says(path: str) -> None:
    new, lines = shown()[path]
    text = (ROOT / path).read_text()
    runs = list(added(lines))
    assert runs
    if new:
        assert runs == [text], f"{path} has changed: show it in CONTRIBUTING.md as it is"
    for run in runs:
        assert run in text, f"CONTRIBUTING.md shows lines that {path} no longer has"


def test_what_is_shown_is_a_whole_provider() -> None:
    files = shown()
    assert [path for path, (new, _) in files.items() if new] == ["server/providers/compatible/moonshot.py"]
    assert all(path.startswith("server/") for path in files)
    assert "moonshot" in PROVIDERS
