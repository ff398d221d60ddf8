"""A provider's names of fields as those of the contract, for what it says is wrong."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from server.errors import FieldViolation, HubError

Names = Mapping[str, str]
"""The contract's path by the provider's, such as ``tools[].function.parameters``; ``[]`` is any place in a list."""

NO_NAMES: Names = MappingProxyType({})

_PLACE = "[]"
_STEP = re.compile(r"\[\]|[^.\[\]]+")


def field_of(told: str, names: Names) -> str:
    """The contract's path of what a provider calls ``told``: of the longest of ``names`` that it begins with.

    Places come over in their order, and what follows the name is left out, since it is the provider's own. What
    fits no name stays as it was told.
    """
    steps = _STEP.findall(told)
    found, length = told, 0
    for name, path in names.items():
        wanted = _STEP.findall(name)
        if len(wanted) > length and _begins(steps, wanted):
            found, length = path, len(wanted)
    for step in steps[:length]:
        if step.isdecimal():
            found = found.replace(_PLACE, f"[{step}]", 1)
    return found


def _begins(steps: Sequence[str], wanted: Sequence[str]) -> bool:
    pairs = zip(steps, wanted, strict=False)
    return len(steps) >= len(wanted) and all(
        step.isdecimal() if want == _PLACE else step == want for step, want in pairs
    )


@contextmanager
def told_at(places: Mapping[str, str]) -> Iterator[None]:
    """Errors from within tell their fields by ``places``, as ``moved`` does, and so do messages that begin with one."""
    try:
        yield
    except HubError as error:
        was, error.fields = error.fields, moved(error.fields, places)
        if was and (path := was[0].field) != error.fields[0].field and error.message.startswith(path):
            error.message = error.fields[0].field + error.message.removeprefix(path)
            error.args = (error.message,)
        if "field" in error.metadata:
            error.metadata["field"] = placed(error.metadata["field"], places)
        raise


def moved(fields: Sequence[FieldViolation], places: Mapping[str, str]) -> tuple[FieldViolation, ...]:
    """The same violations with paths that begin with a key of ``places`` beginning with its value instead."""
    return tuple(FieldViolation(placed(one.field, places), one.description, one.reason) for one in fields)


def placed(path: str, places: Mapping[str, str]) -> str:
    """The path as ``moved`` has it."""
    for old, new in places.items():
        rest = path.removeprefix(old)
        if path.startswith(old) and (not rest or rest[0] in ".["):
            return new + rest
    return path
