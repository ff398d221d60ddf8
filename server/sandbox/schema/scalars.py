"""Numbers and strings that fit the keywords of one schema."""

from fractions import Fraction
from math import ceil, floor
from typing import Any

from server.sandbox.schema.document import number, size
from server.sandbox.schema.pattern import example
from server.sandbox.words import WORDS

_MOST_CHARACTERS = 10_000


def filled_number(schema: dict[str, Any], variant: int, *, whole: bool) -> int | float:
    """A number within bounds and of the step; the nearest to 1 that will do, other variants further on."""
    step = _step(schema, whole=whole)
    low, high = _low(schema, step), _high(schema, step)
    if step is None:
        return _float(_between(low, high, variant))
    chosen = _on_grid(low, high, step, variant)
    return int(chosen) if whole else _float(chosen)


def _step(schema: dict[str, Any], *, whole: bool) -> Fraction | None:
    step = number(schema, "multipleOf")
    if not step:
        return Fraction(1) if whole else None
    # As a decimal, so that 0.1 is a tenth. The integers among its multiples are those of its numerator.
    exact = abs(Fraction(str(step)))
    return Fraction(exact.numerator) if whole else exact


def _low(schema: dict[str, Any], step: Fraction | None) -> tuple[Fraction, bool] | None:
    """The bound below and whether it may itself be taken."""
    bounds = [(Fraction(str(value)), key == "minimum") for key, value in _given(schema, "minimum", "exclusiveMinimum")]
    if not bounds:
        return None
    bound, taken = max(bounds, key=lambda entry: (entry[0], not entry[1]))
    if step is None:
        return bound, taken
    first = ceil(bound / step) * step
    return (first + step if first == bound and not taken else first), True


def _high(schema: dict[str, Any], step: Fraction | None) -> tuple[Fraction, bool] | None:
    bounds = [(Fraction(str(value)), key == "maximum") for key, value in _given(schema, "maximum", "exclusiveMaximum")]
    if not bounds:
        return None
    bound, taken = min(bounds, key=lambda entry: (entry[0], entry[1]))
    if step is None:
        return bound, taken
    last = floor(bound / step) * step
    return (last - step if last == bound and not taken else last), True


def _given(schema: dict[str, Any], *keys: str) -> list[tuple[str, int | float]]:
    return [(key, value) for key in keys if (value := number(schema, key)) is not None]


_Bound = tuple[Fraction, bool] | None


def _on_grid(low: _Bound, high: _Bound, step: Fraction, variant: int) -> Fraction:
    usual = step * (1 + variant)
    if (low is None or usual >= low[0]) and (high is None or usual <= high[0]):
        return usual
    if low is None:
        return high[0] - step * variant if high else usual
    if high is None:
        return low[0] + step * variant
    places = max(1, int((high[0] - low[0]) / step) + 1)
    return low[0] + step * (variant % places)


def _between(low: _Bound, high: _Bound, variant: int) -> Fraction:
    usual = Fraction(3, 2) + variant
    if (low is None or usual > low[0]) and (high is None or usual < high[0]):
        return usual
    if low is None:
        return high[0] - 1 - variant if high else usual
    if high is None:
        return low[0] + 1 + variant
    return low[0] + (high[0] - low[0]) / (2 + variant)


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return 0.0


def filled_string(schema: dict[str, Any], variant: int) -> str:
    """A word, or what the pattern or format asks for; as long as it must be, up to 10,000 characters."""
    least = min(size(schema, "minLength") or 0, _MOST_CHARACTERS)
    most = size(schema, "maxLength")
    pattern, form = schema.get("pattern"), schema.get("format")
    if isinstance(pattern, str):
        written = example(pattern, least=least, most=most, variant=variant)
        if written is not None:
            return written
    if isinstance(form, str) and form in _FORMATS:
        return _FORMATS[form].format(n=variant % 10_000, day=1 + variant % 28, byte=variant % 250 + 1)
    turn, place = divmod(variant, len(WORDS))
    text = WORDS[place] + (str(turn) if turn else "")
    if most is not None and len(text) > most:
        text = f"{variant:x}{text}"[:most]
    return text + "a" * (least - len(text))


# Reserved names and numbers throughout: RFC 2606 and RFC 5737, RFC 3849.
_FORMATS = {
    "date-time": "2026-01-{day:02d}T00:00:00Z",
    "date": "2026-01-{day:02d}",
    "time": "00:00:{day:02d}Z",
    "duration": "P{day}D",
    "email": "user{n}@example.com",
    "idn-email": "user{n}@example.com",
    "hostname": "host{n}.example.com",
    "idn-hostname": "host{n}.example.com",
    "ipv4": "192.0.2.{byte}",
    "ipv6": "2001:db8::{byte:x}",
    "uri": "https://example.com/{n}",
    "iri": "https://example.com/{n}",
    "uri-reference": "/{n}",
    "iri-reference": "/{n}",
    "uuid": "00000000-0000-4000-8000-{n:012d}",
    "json-pointer": "/{n}",
    "regex": "^{n}$",
}
