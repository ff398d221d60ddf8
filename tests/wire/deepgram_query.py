"""Deepgram's published parameters as a judge of queries, where they are there: ``../shared/specs``."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jsonschema_rs
import yaml

from tests.wire.hub import ROOT

ENGLISH = "language: en is the default"
NAMES = {ENGLISH: "Deepgram takes for English what names no language; to the contract that is speech to be recognised"}
"""Normalisations of this API, as they are told in the report."""
_SPEC = ROOT.parent / "shared" / "specs" / "deepgram-openapi.yml"


def refused_values(path: str, query: Sequence[tuple[str, str]], *, loose: Sequence[str] = ()) -> list[str]:
    """Fields that ``path`` does not have, or not with that value; of ``loose`` ones any value is good."""
    known = parameters(path) or {}
    found = []
    for name, value in query:
        if name in loose:
            continue
        if name not in known:
            found.append(f"{name}: no such parameter")
        elif not any(known[name].is_valid(reading) for reading in _readings(value)):
            found.append(f"{name}: {value} is not taken")
    return found


@cache
def parameters(path: str) -> Mapping[str, Any] | None:
    """A judge of each parameter of the query that ``path`` has."""
    if not _SPEC.is_file():
        return None
    with _SPEC.open("rb") as file:
        document = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    schemas = {"schemas": _mended(document["components"]["schemas"])}
    return {
        one["name"]: jsonschema_rs.Draft202012Validator({"allOf": [_mended(one["schema"])], "components": schemas})
        for one in document["paths"][path]["post"]["parameters"]
        if one["in"] == "query"
    }


def _mended(schema: Any) -> Any:
    """Alternatives overlap throughout this document, so that one of them is meant and not exactly one."""
    if isinstance(schema, list):
        return [_mended(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {"anyOf" if name == "oneOf" else name: _mended(value) for name, value in schema.items() if name != "format"}


def _readings(value: str) -> list[Any]:
    """A value of a query as each type it can be, and as a list of one."""
    plain: list[Any] = [value]
    if value in ("true", "false"):
        plain.append(value == "true")
    if re.fullmatch(r"-?\d+(\.\d+)?", value):
        plain.append(float(value))
    return [*plain, *([one] for one in plain)]
