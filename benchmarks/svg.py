"""Line plots as SVG, small enough to be read as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

_WIDTH, _HEIGHT = 720, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 44, 48
_COLOURS = ("#c0392b", "#1f77b4", "#2e8b57", "#8e44ad", "#b8860b", "#444444")
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its name, through its points in order."""

    name: str
    points: Sequence[tuple[float, float]]


def plot(path: Path, title: str, lines: Sequence[Line], *, x: str, y: str) -> None:
    """Writes the plot to ``path``; both axes begin at 0."""
    right = max(point[0] for line in lines for point in line.points)
    top = max(point[1] for line in lines for point in line.points) * 1.05
    scale = _Scale(right or 1.0, top or 1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">{escape(title)}</text>',
        *_axes(scale, x, y),
    ]
    for place, line in enumerate(lines):
        parts += _line(line, scale, _COLOURS[place % len(_COLOURS)], place)
    path.write_text("\n".join([*parts, "</svg>", ""]))


@dataclass(frozen=True, slots=True)
class _Scale:
    right: float
    top: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies on the picture."""
        return (
            round(_LEFT + x / self.right * (_WIDTH - _LEFT - _RIGHT), 1),
            round(_HEIGHT - _BOTTOM - y / self.top * (_HEIGHT - _TOP - _BOTTOM), 1),
        )


def _axes(scale: _Scale, x: str, y: str) -> list[str]:
    parts = []
    for tick in range(_TICKS + 1):
        at_x, at_y = scale.right * tick / _TICKS, scale.top * tick / _TICKS
        left, bottom = scale.at(at_x, 0), scale.at(0, at_y)
        parts += [
            f'<line x1="{_LEFT}" y1="{bottom[1]}" x2="{_WIDTH - _RIGHT}" y2="{bottom[1]}" stroke="#ddd"/>',
            f'<text x="{_LEFT - 6}" y="{bottom[1] + 4}" text-anchor="end">{at_y:.3g}</text>',
            f'<text x="{left[0]}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{at_x:.3g}</text>',
        ]
    middle = (_HEIGHT - _BOTTOM + _TOP) / 2
    return [
        *parts,
        f'<text x="{(_WIDTH + _LEFT) / 2}" y="{_HEIGHT - 10}" text-anchor="middle">{escape(x)}</text>',
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{escape(y)}</text>',
    ]


def _line(line: Line, scale: _Scale, colour: str, place: int) -> list[str]:
    points = " ".join(f"{x},{y}" for x, y in (scale.at(*point) for point in line.points))
    y = _TOP + 14 + 18 * place
    return [
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
        f'<line x1="{_LEFT + 12}" y1="{y - 4}" x2="{_LEFT + 36}" y2="{y - 4}" stroke="{colour}" stroke-width="2"/>',
        f'<text x="{_LEFT + 42}" y="{y}">{escape(line.name)}</text>',
    ]


def bars(path: Path, title: str, values: Sequence[tuple[str, float]], *, unit: str) -> None:
    """Writes one horizontal bar for each value, each with its figure, from 0."""
    left, step = 170, 34
    height = _TOP + step * len(values) + 10
    most = max(value for _, value in values) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<text x="16" y="22" font-size="14">{escape(title)}</text>',
    ]
    for place, (name, value) in enumerate(values):
        y, width = _TOP + step * place, round(value / most * (_WIDTH - left - 130), 1)
        parts += [
            f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{left}" y="{y}" width="{width}" height="22" fill="{_COLOURS[1 if place == 0 else 5]}"/>',
            f'<text x="{left + width + 6}" y="{y + 15}">{value:,.4g} {escape(unit)}</text>',
        ]
    path.write_text("\n".join([*parts, "</svg>", ""]))
