"""A text that matches a regular expression, written from the expression; nothing is ever matched.

Reads what ECMA-262 and Python share: literals, classes, groups, alternatives, quantifiers, anchors.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

_MOST_CHARACTERS = 10_000
_LIKED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.,:;/+*#@!?%&=~<>()[]{}|^$'\"`\\\t\n"
_SETS: dict[str, Callable[[str], bool]] = {
    "d": lambda c: c in "0123456789",
    "w": lambda c: (c.isascii() and c.isalnum()) or c == "_",
    "s": str.isspace,
}
_QUANTIFIERS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_HEX = frozenset("0123456789abcdefABCDEF")
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}


class Unreadable(Exception):
    """The expression uses something this module cannot write an example of, such as a look-ahead."""


@dataclass(frozen=True, slots=True)
class _Characters:
    """One character out of these, the most readable first."""

    options: str


@dataclass(frozen=True, slots=True)
class _Repeat:
    node: "_Node"
    low: int
    high: int | None


@dataclass(slots=True)
class _Group:
    """Alternatives, each a sequence."""

    options: list[list["_Node"]] = field(default_factory=lambda: [[]])


_Node = _Characters | _Repeat | _Group


def example(pattern: str, *, least: int = 0, most: int | None = None, variant: int = 0) -> str | None:
    """A match of ``pattern`` with ``least`` to ``most`` characters; None where the pattern cannot be read.

    Best effort: where no match that long is found, one of another length.
    """
    try:
        tree = _Reader(pattern).tree()
        short = text = _written(tree, 0, variant)
        extra = 1
        while len(text) < least:
            longer = _written(tree, extra, variant)
            if len(longer) == len(text):
                break  # nothing in it can repeat any more
            # In great steps while far off, one by one at the end so as not to overshoot.
            extra += max(1, extra // 8) if len(longer) < least - extra else 1
            text = longer
    except (Unreadable, RecursionError):
        return None
    if most is not None and len(text) > most:
        return short
    if len(text) < least and not pattern.endswith("$"):
        return text + "a" * (least - len(text))
    return text


def _written(node: _Node, extra: int, variant: int) -> str:
    """One match, each outermost open quantifier taken ``extra`` times more than it must."""
    if isinstance(node, _Characters):
        return node.options[variant % len(node.options)]
    if isinstance(node, _Group):
        option = node.options[variant % len(node.options)]
        return _bounded("".join(_written(inner, extra, variant) for inner in option))
    times = node.low + extra if node.high is None else min(node.low + extra, node.high)
    if not times:
        return ""
    unit = _written(node.node, 0, variant)
    if len(unit) * times > _MOST_CHARACTERS:
        raise Unreadable
    return unit * times


def _bounded(text: str) -> str:
    if len(text) > _MOST_CHARACTERS:
        raise Unreadable
    return text


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._rest = pattern
        self._at = 0

    def tree(self) -> _Group:
        """The whole pattern."""
        group = self._group()
        if self._at < len(self._rest):
            raise Unreadable  # a bracket too many
        return group

    def _next(self) -> str:
        if self._at >= len(self._rest):
            raise Unreadable
        self._at += 1
        return self._rest[self._at - 1]

    def _skip(self, text: str) -> bool:
        if not self._rest.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _group(self) -> _Group:
        group = _Group()
        while self._at < len(self._rest) and self._rest[self._at] != ")":
            if self._skip("|"):
                group.options.append([])
                continue
            node = self._atom()
            if node is not None:
                group.options[-1].append(self._quantified(node))
        return group

    def _atom(self) -> _Node | None:
        """The next piece; None for an anchor."""
        character = self._next()
        if character in "^$":
            return None
        if character == "(":
            return self._bracketed()
        if character == "[":
            return _Characters(self._class())
        if character == ".":
            return _Characters(_LIKED.rstrip("\n"))
        if character == "\\":
            if self._skip("b"):
                return None
            return _Characters(self._escaped())
        if character in "*+?":
            raise Unreadable
        return _Characters(character)

    def _bracketed(self) -> _Group:
        if self._skip("?") and not self._skip(":"):
            if not (self._skip("P<") or self._skip("<")) or self._rest[self._at : self._at + 1] in {"=", "!"}:
                raise Unreadable  # a look-around, or a flag
            while self._next() != ">":
                pass
        group = self._group()
        if not self._skip(")"):
            raise Unreadable
        return group

    def _quantified(self, node: _Node) -> _Node:
        marked = next((counts for mark, counts in _QUANTIFIERS.items() if self._skip(mark)), None)
        counts = marked or self._counts()
        if counts is None:
            return node
        self._skip("?")  # lazy or not, the same texts match
        return _Repeat(node, *counts)

    def _counts(self) -> tuple[int, int | None] | None:
        end = self._rest.find("}", self._at)
        if not self._rest.startswith("{", self._at) or end < 0:
            return None
        low, comma, high = self._rest[self._at + 1 : end].partition(",")
        if not low.isdecimal() or (high and not high.isdecimal()):
            return None
        self._at = end + 1
        least = min(int(low[:6]), _MOST_CHARACTERS + 1)
        return least, (int(high[:6]) if high else None if comma else least)

    def _escaped(self) -> str:
        """The characters an escape stands for; its backslash is read already."""
        letter = self._next()
        if letter.lower() in _SETS:
            test = _SETS[letter.lower()]
            return "".join(c for c in _LIKED if test(c) == letter.islower())
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter in "xu":
            return self._code(2 if letter == "x" else 4)
        if letter.isalnum():
            raise Unreadable  # a back-reference, a Unicode property
        return letter

    def _code(self, digits: int) -> str:
        text = self._rest[self._at : self._at + digits]
        self._at += digits
        if len(text) < digits or not set(text) <= _HEX:
            raise Unreadable
        code = int(text, 16)
        if 0xD800 <= code <= 0xDFFF:  # half of a pair is no character
            raise Unreadable
        return chr(code)

    def _class(self) -> str:
        """What a class in square brackets allows; its first bracket is read already."""
        negated = self._skip("^")
        allowed: list[str] = []
        while not self._skip("]"):
            options = self._class_member()
            if len(options) == 1 and self._rest[self._at : self._at + 1] == "-" and not self._ends_class(1):
                self._at += 1
                options = _range(options, self._class_member())
            allowed.append(options)
        named = "".join(allowed)
        if negated:
            named = "".join(character for character in _LIKED if character not in named)
        if not named:
            raise Unreadable
        return named

    def _ends_class(self, ahead: int) -> bool:
        return self._rest[self._at + ahead : self._at + ahead + 1] == "]"

    def _class_member(self) -> str:
        character = self._next()
        if character != "\\":
            return character
        return "\b" if self._skip("b") else self._escaped()


def _range(first: str, last: str) -> str:
    if len(last) != 1 or last < first:
        raise Unreadable
    liked = "".join(character for character in _LIKED if first <= character <= last)
    return liked or first
