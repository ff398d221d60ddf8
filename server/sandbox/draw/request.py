"""An image request, JSON or a form, checked and made typed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from server.sandbox.fields import Fields
from server.sandbox.refusal import Refusal

_PIXELS = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_CLASSES = {"auto": (1024, 1024), "1K": (1024, 1024), "2K": (2048, 2048)}
LONGEST_EDGE = 2048
"""Pixels; a larger picture would keep the hub's own process busy for seconds."""
_NUMBERS = ("n", "output_compression", "partial_images", "seed")
_QUALITIES = ("auto", "low", "medium", "high", "standard", "hd")
_FORMATS = ("png", "jpeg", "webp")
_MAX_SOURCES = 16


@dataclass(frozen=True, slots=True)
class DrawRequest:
    """What the model reads; ``sources`` is empty for a picture that is made from nothing."""

    model: str
    prompt: str
    n: int
    size: tuple[int, int] | None
    """None takes that of the first source, or 1024 x 1024."""
    quality: str
    style: str
    background: str
    format: str
    compression: int
    by_url: bool
    stream: bool
    partial_images: int
    seed: int | None
    keep: bool
    sources: tuple[bytes, ...] = ()
    mask: bytes | None = None


async def read_generation(http: web.Request) -> DrawRequest:
    """The JSON body of a generation. Raises Refusal naming the field at fault."""
    try:
        values = orjson.loads(await http.read())
    except orjson.JSONDecodeError:
        raise Refusal("We could not parse the JSON body of your request: it must be a JSON object.") from None
    return _read(Fields(values))


async def read_edit(http: web.Request) -> DrawRequest:
    """The form of an edit: images under image or image[], and a mask. Raises Refusal."""
    if http.content_type != "multipart/form-data":
        raise Refusal(f"Invalid content type {http.content_type[:100]}: an edit is multipart/form-data.")
    values: dict[str, Any] = {}
    sources: list[bytes] = []
    mask = None
    for name, value in (await http.post()).items():
        if isinstance(value, web.FileField):
            data = value.file.read()
            if name in ("image", "image[]"):
                sources.append(data)
            elif name == "mask":
                mask = data
            else:
                raise Refusal(f"Unknown file '{name[:100]}'.", param=name[:100])
        else:
            values[name] = _typed(name, value if isinstance(value, str) else value.decode("utf-8", "replace"))
    if not 0 < len(sources) <= _MAX_SOURCES:
        raise Refusal(f"Expected 1 to {_MAX_SOURCES} images, got {len(sources)}.", param="image")
    return _read(Fields(values), tuple(sources), mask)


def _typed(name: str, text: str) -> object:
    if name in _NUMBERS and re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if name == "stream" else text


def _read(fields: Fields, sources: tuple[bytes, ...] = (), mask: bytes | None = None) -> DrawRequest:
    background = fields.choice("background", ("auto", "transparent", "opaque")) or "auto"
    form = fields.choice("output_format", _FORMATS) or "png"
    if background == "transparent" and form == "jpeg":
        raise Refusal("A transparent background needs png or webp.", param="background")
    fields.choice("moderation", ("auto", "low"))
    fields.text("user")
    compression = fields.integer("output_compression", 0, 100)
    return DrawRequest(
        model=fields.needed_text("model"),
        prompt=fields.needed_text("prompt"),
        n=fields.integer("n", 1, 10) or 1,
        size=_size(fields.values),
        quality=fields.choice("quality", _QUALITIES) or "auto",
        style=fields.choice("style", ("vivid", "natural")) or "vivid",
        background=background,
        format=form,
        compression=100 if compression is None else compression,
        by_url=fields.choice("response_format", ("url", "b64_json")) == "url",
        stream=bool(fields.flag("stream")),
        partial_images=fields.integer("partial_images", 0, 3) or 0,
        seed=fields.integer("seed"),
        keep=fields.choice("input_fidelity", ("low", "high")) == "high",
        sources=sources,
        mask=mask,
    )


def _size(values: Mapping[str, Any]) -> tuple[int, int] | None:
    size = values.get("size")
    if size is None:
        return None
    if isinstance(size, str) and size in _CLASSES:
        return None if size == "auto" else _CLASSES[size]
    pixels = _PIXELS.fullmatch(size) if isinstance(size, str) else None
    if pixels is None or max(int(pixels[1]), int(pixels[2])) > LONGEST_EDGE:
        most = f"{LONGEST_EDGE}x{LONGEST_EDGE}"
        raise Refusal(f"Invalid 'size': expected auto, 1K, 2K or WIDTHxHEIGHT up to {most}.", param="size")
    return int(pixels[1]), int(pixels[2])
