"""One schema document: its references, and how much work a request may make of it."""

from typing import Any
from urllib.parse import unquote

_MOST_HOPS = 64  # references and branches within each other, at one place of the value
_MOST_STEPS = 20_000  # a few hundred milliseconds at worst; real schemas take tens


class TooMuchWork(Exception):
    """The schema branches so much that trying its branches has no end in sight."""


class Document:
    """The root of a schema, and a count of the steps taken in it."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._steps = 0

    def step(self, cost: int = 1, *, hops: int = 0) -> None:
        """Counts a look at a schema, or work worth ``cost`` of them; raises TooMuchWork when it is enough.

        ``hops`` is how many references and branches led here: a reference that leads to itself has no end.
        """
        self._steps += cost
        if self._steps > _MOST_STEPS or hops > _MOST_HOPS:
            raise TooMuchWork

    def resolve(self, ref: object) -> object:
        """What a reference points at: a JSON pointer or an anchor. True, which allows all, where it is not here."""
        if not isinstance(ref, str) or not ref.startswith("#"):
            return True
        if ref != "#" and not ref.startswith("#/"):
            return self._anchor(ref[1:])
        place: Any = self._root
        for key in ref[2:].split("/") if ref != "#" else ():
            name = unquote(key).replace("~1", "/").replace("~0", "~")
            if isinstance(place, dict) and name in place:
                place = place[name]
            elif isinstance(place, list) and name.isdecimal() and int(name) < len(place):
                place = place[int(name)]
            else:
                return True
        return place

    def _anchor(self, name: str) -> object:
        root = self._root if isinstance(self._root, dict) else {}
        for store in ("$defs", "definitions"):
            for schema in objects(root, store).values():
                if isinstance(schema, dict) and schema.get("$anchor") == name:
                    return schema
        return True


def objects(schema: dict[str, Any], key: str) -> dict[str, Any]:
    """A keyword whose value should be an object; empty where it is not."""
    value = schema.get(key)
    return value if isinstance(value, dict) else {}


def array(schema: dict[str, Any], key: str) -> list[Any]:
    """A keyword whose value should be an array; empty where it is not."""
    value = schema.get(key)
    return value if isinstance(value, list) else []


def number(schema: dict[str, Any], key: str) -> int | float | None:
    """A keyword whose value should be a number."""
    value = schema.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def size(schema: dict[str, Any], key: str) -> int | None:
    """A keyword whose value should be a count."""
    value = number(schema, key)
    return None if value is None else max(0, int(value))


def prefix(schema: dict[str, Any]) -> list[Any]:
    """The schemas of an array's first items: prefixItems, or items as a list, as drafts up to 2019-09 had it."""
    return array(schema, "prefixItems") or array(schema, "items")


def rest(schema: dict[str, Any]) -> object:
    """The schema of the items after those."""
    return schema.get("additionalItems" if isinstance(schema.get("items"), list) else "items", True)


def types(schema: dict[str, Any]) -> list[str]:
    """The types a schema names; empty where it names none."""
    named = schema.get("type")
    return [named] if isinstance(named, str) else [name for name in array(schema, "type") if isinstance(name, str)]
