"""Which entry of a collection a model's name means."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Names:
    """Entries by the names they go under, first come first served as the collection has it.

    An entry tells whole ``names``, ``starts``, ``ends`` and parts (``holds``) of them, regular ``patterns``, or in
    ``all`` lists of such groups that must hold together.
    """

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        self._whole: dict[str, int] = {}
        self._partial: list[tuple[int, _Partial]] = []
        for place, entry in enumerate(entries):
            for name in entry.get("names", ()):
                self._whole.setdefault(name, place)
            partial = _Partial.of(entry)
            if partial:
                self._partial.append((place, partial))

    def find(self, model: str) -> int | None:
        """The place of the entry for ``model``, whatever its case; a date is read with and without its dashes."""
        name = model.lower()
        found = self._find(name)
        if found is None and (dashed := _COMPACT_DATE.sub(r"-\1-\2-\3", name)) != name:
            found = self._find(dashed)
        return found

    def _find(self, name: str) -> int | None:
        whole = self._whole.get(name)
        for place, partial in self._partial:
            if whole is not None and place > whole:
                break
            if partial.fits(name):
                return place
        return whole


@dataclass(frozen=True, slots=True)
class _Partial:
    names: frozenset[str] = frozenset()
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()
    all: tuple["tuple[_Partial, ...]", ...] = field(default=())

    @classmethod
    def of(cls, told: Mapping[str, Any], *, names: bool = False) -> "_Partial | None":
        """What ``told`` says beside whole names, which are looked up faster; None where it says nothing else."""
        made = cls(
            frozenset(told.get("names", ())) if names else frozenset(),
            tuple(told.get("starts", ())),
            tuple(told.get("ends", ())),
            tuple(told.get("holds", ())),
            tuple(re.compile(pattern) for pattern in told.get("patterns", ())),
            tuple(tuple(part for one in group if (part := cls.of(one, names=True))) for group in told.get("all", ())),
        )
        return made if made != cls() else None

    def fits(self, name: str) -> bool:
        return (
            name in self.names
            or name.startswith(self.starts)
            or name.endswith(self.ends)
            or any(part in name for part in self.holds)
            or any(pattern.search(name) for pattern in self.patterns)
            or any(all(part.fits(name) for part in group) for group in self.all)
        )
