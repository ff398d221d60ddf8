"""The bar is for eyes alone, and gives way to what is printed."""

import io
import sys

import pytest
from typing_extensions import override

from server.cli import embed_progress
from server.cli.embed_progress import Progress


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def test_nobody_watching_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = io.StringIO()
    monkeypatch.setattr(sys, "stderr", silent)
    with Progress(4) as progress:
        progress.show(2)
    assert silent.getvalue() == ""


@pytest.mark.parametrize(("total", "told"), [(4, "2/4"), (None, "2 texts")])
def test_a_terminal_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch, total: int | None, told: str) -> None:
    seen = Terminal()
    monkeypatch.setattr(sys, "stderr", seen)
    monkeypatch.setattr(sys, "stdout", Terminal())
    now = 0.0
    monkeypatch.setattr(embed_progress, "monotonic", lambda: now)
    with Progress(total) as progress:
        now = 1.0
        progress.show(2)
        assert told in seen.getvalue()
        assert "2/s" in seen.getvalue()
        now = 1.05
        drawn = seen.getvalue()
        progress.show(3)
        assert seen.getvalue() == drawn  # too soon to draw again
        progress.hide()
        assert seen.getvalue().endswith("\r\x1b[K")
        now = 2.0
        progress.show(4)
    assert seen.getvalue().endswith("\r\x1b[K")
