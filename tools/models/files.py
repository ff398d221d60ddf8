"""How a collection is written: one file a kind, one model a line, nothing that changes by itself."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "server" / "models" / "data"


def begin(collection: str) -> Path:
    """The collection's folder, emptied."""
    folder = DATA / collection
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write(path: Path, head: Mapping[str, Any], models: Iterable[Mapping[str, Any]]) -> int:
    """Writes ``head`` with the models as its last field, and returns how many there are."""
    lines = [json.dumps(model, ensure_ascii=False, separators=(",", ":")) for model in models]
    start = json.dumps(dict(head), ensure_ascii=False, separators=(",", ":"))[:-1]
    path.write_text(f'{start},"models":[' + ",".join(f"\n{line}" for line in lines) + "\n]}\n", encoding="utf-8")
    return len(lines)
