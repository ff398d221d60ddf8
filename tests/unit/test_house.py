"""Rules of the house that no linter here keeps."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVER = sorted((ROOT / "server").rglob("*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50


@pytest.mark.parametrize("path", SERVER, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    long = [
        f"{node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert not long
    assert text.count("\n") <= MAX_FILE_LINES


def test_the_provider_table_of_the_readme_is_true() -> None:
    from tools.readme import README, in_readme

    text = README.read_text(encoding="utf-8")
    assert text == in_readme(text), "run `make readme` and commit the README"


def test_nothing_raises_from_the_grpc_context_but_the_status_interceptor() -> None:
    aborting = [str(path.relative_to(ROOT)) for path in SERVER if ".abort(" in path.read_text()]
    assert sorted(aborting) == ["server/interceptors/status.py", "server/services/health.py"] or aborting == [
        path for path in aborting if path in ("server/interceptors/status.py", "server/services/health.py")
        or path.startswith(("server/sandbox/", "server/transport/"))  # these abort sockets, not calls
    ]  # fmt: skip
