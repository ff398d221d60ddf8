"""JSON that a caller wrote, put into the body as it came: key order, integers and all."""

import orjson

from server.errors import InvalidArgument


def object_of(path: str, text: str) -> orjson.Fragment:
    """``text`` for the body, once it is known to be a JSON object. Raises InvalidArgument naming ``path``."""
    check_object(path, text)
    return orjson.Fragment(text)


def check_object(path: str, text: str) -> dict[str, object]:
    """The object that ``text`` holds. Raises InvalidArgument naming ``path``."""
    try:
        value = orjson.loads(text)
    except ValueError as error:
        where = f" (character {error.pos})" if isinstance(error, orjson.JSONDecodeError) else ""
        raise InvalidArgument.field(path, f"is not valid JSON{where}") from None
    if not isinstance(value, dict):
        raise InvalidArgument.field(path, "must be a JSON object")
    return value


def with_type(path: str, kind: str, config: str) -> orjson.Fragment:
    """``{"type": kind, …config}`` with the configuration's own text."""
    head = '{"type":' + orjson.dumps(kind).decode()
    if not config.strip():
        return orjson.Fragment(head + "}")
    value = check_object(path, config)
    if "type" in value:
        raise InvalidArgument.field(path, "must not hold a type of its own")
    body = config.strip()[1:].lstrip()
    return orjson.Fragment(head + ("," if value else "") + body)
