"""Answers of providers, damaged: cut, and their JSON with members dropped, nulled, added and of another type."""

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.event_frames import message, split

_STRANGE: tuple[Any, ...] = (
    None,
    True,
    "",
    "x",
    "\u0000",
    0,
    -1,
    2**63,
    2**70,
    1.5,
    1e308,
    [],
    {},
    [None],
    {"type": "unheard_of"},
    [[[[]]]],
)

Damage = Callable[[bytes, Random], bytes]


def cut(body: bytes, chance: Random) -> bytes:
    """Only the beginning; never the whole."""
    return body[: chance.randrange(len(body))]


def scrambled(body: bytes, chance: Random) -> bytes:
    """Some bytes replaced."""
    damaged = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


def mangled(body: bytes, chance: Random) -> bytes:
    """One to three changes to the JSON of a whole answer, or to that of some events of a stream.

    A body that holds no JSON, as text or in AWS's frames, is scrambled.
    """
    if (frames := split(body)) is not None:
        return _mangled_frames(frames, chance)
    if body.lstrip()[:1] in (b"{", b"["):
        return _mangled_object(body, chance)
    lines = body.split(b"\n")
    told = [place for place, line in enumerate(lines) if line.startswith((b"data: {", b"data:{", b"{"))]
    if not told:
        return scrambled(body, chance)
    for place in chance.sample(told, min(len(told), chance.randint(1, 2))):
        head, brace, rest = lines[place].partition(b"{")
        lines[place] = head + _mangled_object(brace + rest, chance)
    if chance.random() < 0.2:
        lines.insert(
            chance.choice(told), chance.choice((b"data: null", b"data: 3", b"data: []", b": x", b"event: error"))
        )
    return b"\n".join(lines)


def _mangled_frames(frames: list[tuple[bytes, bytes]], chance: Random) -> bytes:
    """The payloads of some changed, their checksums right; now and then one left out, or told twice."""
    for place in chance.sample(range(len(frames)), min(len(frames), chance.randint(1, 2))):
        headers, payload = frames[place]
        frames[place] = (headers, _mangled_object(payload, chance))
    if chance.random() < 0.2:
        place = chance.randrange(len(frames))
        frames[place : place + 1] = [frames[place]] * chance.choice((0, 2))
    return b"".join(message(headers, payload) for headers, payload in frames)


def _mangled_object(body: bytes, chance: Random) -> bytes:
    try:
        value = json.loads(body)
    except ValueError:
        return scrambled(body, chance)
    for _ in range(chance.randint(1, 3)):
        value = _changed(value, chance)
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _changed(value: Any, chance: Random) -> Any:
    """A copy with one change somewhere inside."""
    holders = [one for one in _inside(value) if one]
    if not holders:
        return copy.deepcopy(chance.choice(_STRANGE))
    holder = chance.choice(holders)
    key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    match chance.randrange(4):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[chance.choice(("never_heard_of", "error", "usage", "object", "type", "index", "id"))] = (
                copy.deepcopy(chance.choice(_STRANGE))
            )
        case 2 if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        case _:
            holder[key] = copy.deepcopy(chance.choice(_STRANGE))
    return value


def _inside(value: Any) -> Iterator[Any]:
    """Every object and array in ``value``, itself first."""
    if isinstance(value, dict | list):
        yield value
        for one in value.values() if isinstance(value, dict) else value:
            yield from _inside(one)
