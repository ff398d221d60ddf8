"""What was left out of a request because host or model has no place for it."""

from server.errors import InvalidArgument


class Drops:
    """The list a caller is told, or, for a strict caller, the refusal."""

    __slots__ = ("fields", "strict")

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.fields: list[str] = []

    def drop(self, path: str, why: str) -> None:
        """Notes that the field is not sent as asked. Raises InvalidArgument naming it where the caller is strict."""
        if self.strict:
            raise InvalidArgument.field(path, f"{why}; leave it unset or turn gateway.strict_parameters off")
        if path not in self.fields:
            self.fields.append(path)
