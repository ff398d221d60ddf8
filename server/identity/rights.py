"""What a caller may do: methods it may call and models it may use."""

from collections.abc import Sequence
from dataclasses import dataclass

DATA_PLANE = "aignehub.v1.*"
"""The methods of a key that names none."""
EVERY_MODEL = "*"
"""The models of a key that names none."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Patterns that end in ``*`` allow every name with that beginning; others allow one name."""

    methods: tuple[str, ...] = (DATA_PLANE,)
    models: tuple[str, ...] = (EVERY_MODEL,)

    def allows_method(self, method: str) -> bool:
        """``method`` is a gRPC path, ``/package.Service/Method``, with or without its first slash."""
        return _any_matches(self.methods, method.removeprefix("/"))

    def allows_model(self, model: str) -> bool:
        """``model`` is a resolved name, ``provider/name``."""
        return _any_matches(self.models, model)

    def reach_model(self, pattern: str) -> bool:
        """True where some model that ``pattern`` stands for is allowed; for a plain name, whether that one is."""
        if not pattern.endswith("*"):
            return self.allows_model(pattern)
        stem = pattern[:-1]
        return any(_overlap(own, stem) for own in self.models)

    def covers(self, other: "Rights") -> bool:
        """True where everything ``other`` allows is allowed here too."""
        return all(_any_matches(self.methods, pattern) for pattern in other.methods) and all(
            _any_matches(self.models, pattern) for pattern in other.models
        )


def _any_matches(patterns: Sequence[str], name: str) -> bool:
    # A pattern is itself a name here: "a.*" starts with "a." and so is covered by "a.*" and by "*".
    for pattern in patterns:  # noqa: SIM110 - a generator would cost each call twice what the comparison does
        if name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern:
            return True
    return False


def _overlap(pattern: str, stem: str) -> bool:
    if not pattern.endswith("*"):
        return pattern.startswith(stem)
    return pattern[:-1].startswith(stem) or stem.startswith(pattern[:-1])
