"""Makes sections of what a file or the environment says, and finds the place of what is wrong in it."""

import json
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, structs

from server.config.must_be import bound_words, type_words
from server.config.section import Secret, Section

S = TypeVar("S", bound=Section)
Place = tuple[str | int, ...]

_SWITCHES: Mapping[str, bool] = MappingProxyType(
    {**dict.fromkeys(("true", "yes", "on", "1"), True), **dict.fromkeys(("false", "no", "off", "0"), False)}
)


class Fault(Exception):
    """What is wrong, and where."""

    def __init__(self, place: Place, words: str, *, unknown: bool = False) -> None:
        """``unknown`` where the last name of ``place`` is no setting."""
        super().__init__(words)
        self.place = place
        self.words = words
        self.unknown = unknown

    @property
    def path(self) -> str:
        """The place as an operator writes it, such as ``providers[0].base_url``."""
        path = ""
        for part in self.place:
            path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
        return path


def read(section: type[S], told: object, place: Place = ()) -> S:
    """The section that ``told`` describes. Raises Fault; its words show no value that could be a secret."""
    told = section.written(told)
    if not isinstance(told, Mapping):
        raise Fault(place, "must be a mapping of settings")
    fields = {field.name: field for field in structs.fields(section)}
    for name in told:
        if name not in fields:
            raise Fault((*place, str(name)), "is no setting", unknown=True)
    for name, field in fields.items():
        if field.required and name not in told:
            raise Fault((*place, name), "is missing: write it")
    values = {name: _value(fields[name].type, value, (*place, name)) for name, value in told.items()}
    try:
        return section(**values)
    except ValueError as error:
        setting, _, words = str(error).partition(": ")
        raise Fault((*place, setting), words) from None


def _value(kind: Any, told: object, place: Place) -> Any:
    bare, bounds = _plain(kind)
    if _is_optional(bare):
        return None if told is None else _value(_but_none(bare), told, place)
    if isinstance(bare, type) and issubclass(bare, Section):
        return read(bare, told, place)
    origin = get_origin(bare)
    if origin is tuple:
        return _several(get_args(bare)[0], told, bounds, place)
    if origin is dict:
        of_key, of_value = get_args(bare)
        return _by_name(of_key, of_value, told, place)
    return _single(bare, bounds, told, place)


def _several(kind: Any, told: object, bounds: Meta | None, place: Place) -> tuple[Any, ...]:
    if not isinstance(told, list | tuple):
        raise Fault(place, "must be a list")
    if bounds is not None and bounds.min_length and len(told) < bounds.min_length:
        raise Fault(place, f"must have {bounds.min_length} entry at least")
    return tuple(_value(kind, one, (*place, at)) for at, one in enumerate(told))


def _by_name(of_key: Any, of_value: Any, told: object, place: Place) -> dict[Any, Any]:
    if not isinstance(told, Mapping):
        raise Fault(place, "must be a mapping")
    found = {}
    for name, value in told.items():
        at = (*place, name if isinstance(name, int) else str(name))
        found[_value(of_key, name, at)] = _value(of_value, value, at)
    return found


def _single(bare: Any, bounds: Meta | None, told: object, place: Place) -> Any:
    if bare is bool and isinstance(told, str):
        told = _SWITCHES.get(told.lower(), told)
    try:
        found = msgspec.convert(told, bare, strict=False, dec_hook=_made)
    except msgspec.ValidationError:
        raise Fault(place, type_words(bare)) from None
    if isinstance(found, float) and not isfinite(found):
        raise Fault(place, type_words(bare))
    if bounds is not None:
        try:
            msgspec.convert(found, Annotated[bare, bounds])
        except msgspec.ValidationError:
            raise Fault(place, bound_words(bounds, found)) from None
    return found


def _made(kind: type, told: object) -> object:
    if kind not in (Path, Secret):
        raise NotImplementedError(kind)  # how msgspec is told that a type is not known: a section was written wrongly
    if isinstance(told, kind):
        return told
    if not isinstance(told, str):
        raise ValueError(told)
    return kind(told)


def _plain(kind: Any) -> tuple[Any, Meta | None]:
    """The type without its annotations, and the bounds among them."""
    if get_origin(kind) is not Annotated:
        return kind, None
    bare, *more = get_args(kind)
    return bare, next((one for one in more if isinstance(one, Meta)), None)


def _is_optional(bare: Any) -> bool:
    return get_origin(bare) in (Union, UnionType)


def _but_none(kind: Any) -> Any:
    [only] = [one for one in get_args(kind) if one is not type(None)]
    return only


def nested(kind: Any) -> type[Section] | None:
    """The section that a setting of this type holds itself; None for lists and mappings of them."""
    bare, _ = _plain(kind)
    if _is_optional(bare):
        bare = _but_none(bare)
    return bare if isinstance(bare, type) and issubclass(bare, Section) else None


def below(section: type[Section], part: str) -> type[Section] | None:
    """The section whose names stand below the setting ``part``, also in a list or a mapping; None where none does."""
    kind = next((field.type for field in structs.fields(section) if field.name == part), None)
    found: Any = nested(kind) if kind is not None else None
    if found is None and kind is not None:
        found = next((one for one in map(nested, get_args(_plain(kind)[0])) if one is not None), None)
    return found  # type: ignore[no-any-return]


def variables(section: type[Section], prefix: str) -> Iterator[str]:
    """Names of the environment variables that set something in it."""
    for field in structs.fields(section):
        yield prefix + field.name.upper()
        inner = nested(field.type)
        if inner is not None:
            yield from variables(inner, f"{prefix}{field.name.upper()}__")


def from_environment(
    section: type[Section], environ: Mapping[str, str], prefix: str, merged: Callable[[Any, Any], Any]
) -> dict[str, Any]:
    """What the variables say, to be read. Raises Fault at the variable that should hold JSON."""
    found: dict[str, Any] = {}
    for field in structs.fields(section):
        variable = prefix + field.name.upper()
        inner = nested(field.type)
        if variable in environ:
            found[field.name] = environ[variable] if _is_single(field.type) else _json(variable, environ[variable])
        if inner is not None:
            told = from_environment(inner, environ, f"{variable}__", merged)
            if told:
                found[field.name] = merged(found.get(field.name) or {}, told)
    return found


def _is_single(kind: Any) -> bool:
    return nested(kind) is None and get_origin(_plain(kind)[0]) not in (tuple, dict)


def _json(variable: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Fault((variable,), "must hold JSON, such as [] or {}") from None
