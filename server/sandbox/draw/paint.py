"""What is drawn: a pattern whose cells and colours follow from the prompt, and what an edit makes of its sources."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from server.sandbox.draw.canvas import Canvas, Color

_CELLS = {"low": 4, "standard": 8, "auto": 8, "medium": 8, "hd": 16, "high": 16}
_PENDING: Color = (128, 128, 128, 255)


@dataclass(frozen=True, slots=True)
class Motif:
    """What decides how a picture looks; equal motifs look the same."""

    prompt: str
    index: int = 0
    seed: int | None = None
    quality: str = "auto"
    style: str = "vivid"
    transparent: bool = False


def draw(motif: Motif, width: int, height: int) -> Canvas:
    """The pattern: cells on and off by the prompt, the right half the mirror of the left."""
    digest = blake2b(f"{motif.prompt}\0{motif.index}\0{motif.seed}".encode(), digest_size=64).digest()
    ink, paper = _colors(digest, motif)
    cells = _CELLS[motif.quality]
    patterns = [_pattern(digest, line, cells) for line in range(cells)]
    rows = [_row(pattern, width, ink, paper) for pattern in patterns]
    return Canvas(width, height, tuple(rows[y * cells // height] for y in range(height)))


def unfinished(canvas: Canvas, share: float) -> Canvas:
    """The picture as far as it is: the upper part drawn, the rest gray."""
    done = round(canvas.height * share)
    pending = bytes(_PENDING) * canvas.width
    return Canvas(canvas.width, canvas.height, canvas.rows[:done] + (pending,) * (canvas.height - done))


def edit(
    motif: Motif, sources: Sequence[Canvas], mask: Canvas | None, width: int, height: int, *, keep: bool
) -> Canvas:
    """The pattern on the sources, side by side: where the mask is see-through, else along the foot.

    With ``keep`` (high fidelity) the foot is an eighth of the picture, else a third.
    """
    base = _beside(sources, width, height)
    pattern = draw(motif, width, height)
    if mask is not None:
        return base.painted(pattern, mask.scaled(width, height))
    foot = max(1, height // (8 if keep else 3))
    return Canvas(width, height, base.rows[: height - foot] + pattern.rows[height - foot :])


def _beside(sources: Sequence[Canvas], width: int, height: int) -> Canvas:
    edges = [at * width // len(sources) for at in range(len(sources) + 1)]
    strips = [
        source.scaled(right - left, height)
        for source, left, right in zip(sources, edges, edges[1:], strict=False)
        if right > left
    ]
    if len(strips) == 1:
        return strips[0]
    return Canvas(width, height, tuple(b"".join(parts) for parts in zip(*(one.rows for one in strips), strict=True)))


def _colors(digest: bytes, motif: Motif) -> tuple[Color, Color]:
    hue = int.from_bytes(digest[:2], "big") / 65536
    saturation = 0.35 if motif.style == "natural" else 0.85
    ink = _color(hue, saturation, 0.45)
    paper = _color((hue + 0.5) % 1, saturation / 2, 0.9)
    return ink, (0, 0, 0, 0) if motif.transparent else paper


def _color(hue: float, saturation: float, lightness: float) -> Color:
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness, saturation))
    return red, green, blue, 255


def _pattern(digest: bytes, line: int, cells: int) -> list[bool]:
    half = blake2b(digest + bytes([line]), digest_size=8).digest()
    left = [bool(half[at // 8] >> at % 8 & 1) for at in range(cells // 2)]
    return left + left[::-1]


def _row(pattern: list[bool], width: int, ink: Color, paper: Color) -> bytes:
    cells = len(pattern)
    edges = [at * width // cells for at in range(cells + 1)]
    return b"".join(
        [
            bytes(ink if on else paper) * (right - left)
            for on, left, right in zip(pattern, edges, edges[1:], strict=False)
        ]
    )
