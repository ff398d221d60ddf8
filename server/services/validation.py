"""The contract's own rules, applied to a request before anything else looks at it."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from server.errors import FieldViolation, InvalidArgument
from server.services.quick_check import is_sound

MEDIA_BYTES = 64 * 1024
"""A larger request that may hold media is judged without its bytes, on which the contract has no rules."""

_MOST_VIOLATIONS = 20
_LONGEST_DESCRIPTION = 160
_LONGEST_PATH = 160

# Judging an entry costs 4 to 8 microseconds and telling its faults ten times that, all of it on the event loop, so
# a request may not hold more of them than the loop can spare the time for; a sound one of that size takes 0.1 s.
_MOST_ENTRIES = 16_384
_MANY_ENTRIES = 2048
"""Past this, the first fault is told alone."""
_FEW_BYTES = 4096
"""A smaller request cannot hold enough entries to matter."""

FORMS: Mapping[str, str] = MappingProxyType({
    "aignehub.v1.ImageOptions.size":
        "is none of WIDTHxHEIGHT of 10 pixels and more (1024x1024), a class (1K, 0.5K, 1MP) and auto",
    "aignehub.v1.ImageOptions.aspect_ratio": "is neither W:H (16:9, 1:1, 2.4:1) nor auto",
    "aignehub.v1.FunctionTool.name": "must be 1 to 128 letters of a-z and A-Z, digits, and any of _ . -",
    "aignehub.v1.CustomTool.name": "must be 1 to 128 letters of a-z and A-Z, digits, and any of _ . -",
    "aignehub.v1.JsonSchemaFormat.name": "must be at most 64 letters of a-z and A-Z, digits, and any of _ -",
})  # fmt: skip
"""What a field's regular expression says, in words and examples; the expression itself tells a caller little."""

_PLACEHOLDER = b"\0"  # keeps a oneof set


def validate(message: Message, *, media_bytes: int = MEDIA_BYTES) -> None:
    """Raises ``InvalidArgument`` with at most 20 violations, each with its path such as ``messages[0].role``.

    Rules that need a message as a value make the validator serialise it, 1.7 ms a megabyte, so the bytes fields
    of a request above ``media_bytes`` are left out of what it sees.
    """
    size = message.ByteSize()
    entries = _count(message, _MOST_ENTRIES) if size > _FEW_BYTES else 0
    if entries >= _MOST_ENTRIES:
        raise InvalidArgument(
            f"the request holds more than {_MOST_ENTRIES} entries in all its lists; send less at once"
        )
    if is_sound(message):
        return
    if _holds_bytes(message.DESCRIPTOR) and size > media_bytes:
        message = _without_bytes(message)
    validator = _validator()
    try:
        validator.validate(message, fail_fast=entries > _MANY_ENTRIES)
    except validator.ValidationError as error:
        # The error speaks protobuf-py; the rest of the hub speaks google.protobuf.
        found = validate_pb2.Violations.FromString(error.to_proto().to_binary()).violations
        raise _refusal(found, message) from None


@cache
def _validator() -> Any:
    """protovalidate, imported with the first request that is not plainly sound: it is 11 MB that others do without."""
    return import_module("protovalidate")


def _refusal(found: Iterable[validate_pb2.Violation], request: Message) -> InvalidArgument:
    fields = [FieldViolation(_path(v), _shortened(_words(v, request), _LONGEST_DESCRIPTION)) for v in found]
    first = fields[0]
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    where = f"{first.field}: " if first.field else ""
    return InvalidArgument(f"{where}{first.description}{more}", fields=fields[:_MOST_VIOLATIONS])


def _path(violation: validate_pb2.Violation) -> str:
    path = ""
    for element in violation.field.elements:
        name = element.field_name
        path += f".{name}" if path and not name.startswith("[") else name
        kind = element.WhichOneof("subscript")
        if kind == "index":
            path += f"[{element.index}]"
        elif kind == "string_key":
            path += f'["{_shortened(element.string_key, 32)}"]'
        elif kind is not None:
            path += f"[{getattr(element, kind)}]"
    if not path and "_needs_" in violation.rule_id:
        # A rule over the whole request names its field in its id, as chat.tool_choice_needs_tools does.
        path = violation.rule_id.rpartition(".")[2].partition("_needs_")[0]
    return _shortened(path, _LONGEST_PATH)


def _words(violation: validate_pb2.Violation, request: Message) -> str:
    if violation.rule_id == "string.pattern" and (form := FORMS.get(_full_name(violation, request))):
        return form
    return violation.message or violation.rule_id


def _full_name(violation: validate_pb2.Violation, request: Message) -> str:
    """Of the field that a violation is of; empty where it lies in a map or is told otherwise than by fields."""
    name, message = "", request.DESCRIPTOR
    for element in violation.field.elements:
        field = message.fields_by_name.get(element.field_name)
        if field is None:
            return ""
        name, message = field.full_name, field.message_type or message
    return name


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _count(message: Message, most: int) -> int:
    """Messages and texts in the lists and maps of ``message`` at any depth; counting stops at ``most``."""
    found = 0
    todo = [message]
    while todo and found < most:
        for field, value in todo.pop().ListFields():
            if field.is_repeated:
                if field.message_type is None and field.type != FieldDescriptor.TYPE_STRING:
                    continue  # numbers have no rules of their own
                found += len(value)
                if found >= most:
                    return found
                if field.message_type is not None and not field.message_type.GetOptions().map_entry:
                    todo.extend(value)
            elif field.message_type is not None:
                todo.append(value)
    return found


@cache
def _holds_bytes(descriptor: Descriptor) -> bool:
    """Whether a message of this type can hold bytes, at any depth."""
    todo, seen = [descriptor], {descriptor.full_name}
    while todo:
        for field in todo.pop().fields:
            if field.type == FieldDescriptor.TYPE_BYTES:
                return True
            if field.message_type is not None and field.message_type.full_name not in seen:
                seen.add(field.message_type.full_name)
                todo.append(field.message_type)
    return False


def _without_bytes(message: Message) -> Message:
    copy = type(message)()
    for field, value in message.ListFields():
        _copy_field(copy, field, value)
    return copy


def _copy_field(copy: Message, field: FieldDescriptor, value: object) -> None:
    kept = getattr(copy, field.name)
    nested = field.message_type
    is_map = nested is not None and nested.GetOptions().map_entry
    if field.type == FieldDescriptor.TYPE_BYTES:
        if field.is_repeated:
            kept.extend(_PLACEHOLDER for _ in value)  # type: ignore[attr-defined]
        else:
            setattr(copy, field.name, _PLACEHOLDER)
    elif field.is_repeated:
        if nested is not None and not is_map and _holds_bytes(nested):
            kept.extend(_without_bytes(item) for item in value)  # type: ignore[attr-defined]
        else:
            kept.MergeFrom(value)
    elif nested is not None:
        kept.CopyFrom(_without_bytes(value) if _holds_bytes(nested) else value)  # type: ignore[arg-type]
    else:
        setattr(copy, field.name, value)
