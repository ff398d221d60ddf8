"""Where what the client got differs from what the recording says. Every line names the field and both values."""

from dataclasses import fields

from tests.wire.neutral import Answer, Choice, Failure, ToolCall, Usage

_SHOWN = 120


def differences(expected: Answer, got: Answer) -> list[str]:
    """Nothing where both say the same."""
    found = [f"contract: {breach}" for breach in got.breaches]
    found += _failures(expected.failure, got.failure)
    # A failed call may end before anything was told; what was told of it must be right all the same.
    if expected.failure is None or got.choices:
        found += _heads(expected, got)
        found += _choices(expected, got)
    if expected.failure is None or got.choices:
        found += _usage(expected.usage, got.usage)
    said = any(choice.text or choice.reasoning or choice.tool_calls for choice in expected.choices.values())
    if expected.failure is not None and said and not got.choices:
        found.append("choices: the partial answer before the failure is missing")
    return found


def _differ(name: str, expected: object, got: object) -> list[str]:
    if expected == got:
        return []
    return [f"{name}: recorded {_short(expected)}, got {_short(got)}"]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}…{text[-_SHOWN // 2 :]} ({len(text)})"


def _heads(expected: Answer, got: Answer) -> list[str]:
    names = ["id", "model", "created", "system_fingerprint"]
    if expected.failure is None:
        names.append("service_tier")
    return [line for name in names for line in _differ(name, getattr(expected, name), getattr(got, name))]


def _choices(expected: Answer, got: Answer) -> list[str]:
    found = _differ("choices", sorted(expected.choices), sorted(got.choices))
    for index in sorted(expected.choices.keys() & got.choices.keys()):
        found += _choice(f"choices[{index}]", expected.choices[index], got.choices[index])
    return found


def _choice(path: str, expected: Choice, got: Choice) -> list[str]:
    found: list[str] = []
    for field in fields(Choice):
        if field.name != "tool_calls":
            found += _differ(f"{path}.{field.name}", getattr(expected, field.name), getattr(got, field.name))
    return found + _tool_calls(f"{path}.tool_calls", expected.tool_calls, got.tool_calls)


def _tool_calls(path: str, expected: list[ToolCall], got: list[ToolCall]) -> list[str]:
    found = _differ(f"{path}.length", len(expected), len(got))
    for place, (one, other) in enumerate(zip(expected, got, strict=False)):
        here = f"{path}[{place}]"
        if not one.id:
            # The hub makes an id where the provider sends none; which one is its own affair.
            found += [] if other.id else [f"{here}.id: none was made"]
        else:
            found += _differ(f"{here}.id", one.id, other.id)
        for name in ("name", "arguments", "custom"):
            found += _differ(f"{here}.{name}", getattr(one, name), getattr(other, name))
    return found


def _usage(expected: Usage | None, got: Usage | None) -> list[str]:
    if expected is None or got is None:
        told = "none, so estimated" if expected is None else repr(expected)
        return [] if expected is got else [f"usage: recorded {told}, got {'an estimate' if got is None else got!r}"]
    return [
        line
        for field in fields(Usage)
        for line in _differ(f"usage.{field.name}", getattr(expected, field.name), getattr(got, field.name))
    ]


def _failures(expected: Failure | None, got: Failure | None) -> list[str]:
    if expected is None and got is None:
        return []
    if expected is None or got is None:
        return [f"status: recorded {_told(expected)}, got {_told(got)}"]
    found = _differ("status", expected.code, got.code)
    if expected.reason:
        found += _differ("status.reason", expected.reason, got.reason)
    if expected.message and expected.message not in got.message:
        found.append(f"status.message: does not tell {_short(expected.message)}")
    return found


def _told(failure: Failure | None) -> str:
    return "success" if failure is None else f"{failure.code} {failure.reason} {_short(failure.message)}"
