from pathlib import Path

import pytest

from server.cli.serve import ServeOptions, read_plain


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], ServeOptions()),
        (["--dev"], ServeOptions(dev=True)),
        (["--workers", "2"], ServeOptions(workers=2)),
        (["--config", "a b.yaml", "--listen=[::]:1"], ServeOptions(Path("a b.yaml"), "[::]:1")),
        (["--listen", "unix:/x", "--dev", "--listen", "y:1"], ServeOptions(None, "y:1", dev=True)),
    ],
)
def test_a_plain_command_is_read_without_the_command_lines_libraries(
    arguments: list[str], options: ServeOptions
) -> None:
    assert read_plain(arguments) == options


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--config"], ["--config", "--dev"], ["--config="], ["--nope"], ["x"], ["--dev=1"]]
)
def test_anything_else_is_left_to_them(arguments: list[str]) -> None:
    assert read_plain(arguments) is None
