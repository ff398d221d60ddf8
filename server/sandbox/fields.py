"""Reading one JSON object of a request; a field of the wrong type or range is a Refusal that names it."""

from collections.abc import Iterator
from typing import Any, TypeVar

from server.sandbox.refusal import Refusal

_T = TypeVar("_T")

_KINDS = ((bool, "a boolean"), (int, "an integer"), (float, "a number"), (str, "a string"), (list, "an array"))


def kind_of(value: object) -> str:
    """What a JSON value is, with its article: ``an integer``."""
    if value is None:
        return "null"
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "an object")


class Fields:
    """A JSON object at ``path`` ("" for the body). Absent and null are the same: None."""

    __slots__ = ("path", "values")

    def __init__(self, values: object, path: str = "") -> None:
        if not isinstance(values, dict):
            raise Refusal(f"{path or 'The body'} must be an object, not {kind_of(values)}.", param=path or None)
        self.values: dict[str, Any] = values
        self.path = path

    def at(self, name: str) -> str:
        """The path of a field of this object."""
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, name: str, expected: str) -> Refusal:
        """The refusal of a field that should have been ``expected``."""
        path = self.at(name)
        if self.values.get(name) is None:
            return Refusal(f"Missing required parameter: '{path}' must be {expected}.", param=path)
        return Refusal(f"Invalid '{path}': expected {expected}, got {kind_of(self.values[name])}.", param=path)

    def text(self, name: str) -> str | None:
        """A string."""
        return self._typed(name, str, "a string")

    def needed_text(self, name: str) -> str:
        """A string that must be there and not be empty."""
        value = self.text(name)
        if not value:
            raise self.wrong(name, "a string that is not empty")
        return value

    def choice(self, name: str, options: tuple[str, ...]) -> str | None:
        """One of ``options``."""
        value = self.text(name)
        if value is not None and value not in options:
            path = self.at(name)
            raise Refusal(f"Invalid value for '{path}'. Supported values are: {', '.join(options)}.", param=path)
        return value

    def flag(self, name: str) -> bool | None:
        """A boolean."""
        return self._typed(name, bool, "a boolean")

    def integer(self, name: str, low: int | None = None, high: int | None = None) -> int | None:
        """An integer of that range."""
        value = self.values.get(name)
        if isinstance(value, bool):
            raise self.wrong(name, "an integer")
        number = self._typed(name, int, "an integer")
        self._in_range(name, number, low, high)
        return number

    def number(self, name: str, low: float | None = None, high: float | None = None) -> float | None:
        """A number of that range."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "a number")
        self._in_range(name, value, low, high)
        return float(value)

    def array(self, name: str) -> list[Any] | None:
        """An array."""
        return self._typed(name, list, "an array")

    def inner(self, name: str) -> "Fields | None":
        """An object."""
        value = self.values.get(name)
        return None if value is None else Fields(value, self.at(name))

    def needed(self, name: str) -> "Fields":
        """An object that must be there."""
        found = self.inner(name)
        if found is None:
            raise self.wrong(name, "an object")
        return found

    def each(self, name: str) -> Iterator["Fields"]:
        """The objects of an array, each with its path; nothing where the array is absent."""
        for index, value in enumerate(self.array(name) or ()):
            yield Fields(value, f"{self.at(name)}[{index}]")

    def _typed(self, name: str, kind: type[_T], expected: str) -> _T | None:
        value = self.values.get(name)
        if value is None or isinstance(value, kind):
            return value
        raise self.wrong(name, expected)

    def _in_range(self, name: str, value: float | None, low: float | None, high: float | None) -> None:
        if value is None:
            return
        path = self.at(name)
        if low is not None and value < low:
            raise Refusal(f"Invalid '{path}': expected a value >= {low}, but got {value}.", param=path)
        if high is not None and value > high:
            raise Refusal(f"Invalid '{path}': expected a value <= {high}, but got {value}.", param=path)
