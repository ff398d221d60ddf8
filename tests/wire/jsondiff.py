"""Where two JSON values differ: by value, by kind of number, and inside JSON Schemas by the order of keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Absent(Enum):
    """The value of a key that is not there."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the request that was sent differs from the recorded one."""

    path: Path
    recorded: Any
    sent: Any

    @property
    def where(self) -> str:
        """The path as text, such as ``messages[0].content``."""
        text = ""
        for step in self.path:
            text += f"[{step}]" if isinstance(step, int) else f".{step}"
        return text.removeprefix(".")

    @property
    def pattern(self) -> str:
        """The path with every index left open: ``messages[].content``."""
        return "".join("[]" if isinstance(step, int) else f".{step}" for step in self.path).removeprefix(".")


def differences(recorded: Any, sent: Any, path: Path = ()) -> Iterator[Difference]:
    """Every difference, as deep as it can be named."""
    if isinstance(recorded, dict) and isinstance(sent, dict):
        yield from _objects(recorded, sent, path)
    elif isinstance(recorded, list) and isinstance(sent, list) and len(recorded) == len(sent):
        for place, (one, other) in enumerate(zip(recorded, sent, strict=True)):
            yield from differences(one, other, (*path, place))
    elif type(recorded) is not type(sent) or recorded != sent:
        yield Difference(path, recorded, sent)


def _objects(recorded: dict[str, Any], sent: dict[str, Any], path: Path) -> Iterator[Difference]:
    for name in [*recorded, *(name for name in sent if name not in recorded)]:
        yield from differences(recorded.get(name, ABSENT), sent.get(name, ABSENT), (*path, name))
    if _in_schema(path) and recorded.keys() == sent.keys() and list(recorded) != list(sent):
        yield Difference((*path, "(key order)"), list(recorded), list(sent))


def _in_schema(path: Path) -> bool:
    """Models read a schema's properties in the order they are written."""
    return not {"parameters", "schema", "input_schema"}.isdisjoint(path)
