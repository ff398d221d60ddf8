"""A picture in memory: rows of RGBA, one byte a channel. Rows that look the same may be one object."""

from dataclasses import dataclass

Color = tuple[int, int, int, int]

_OPAQUE = bytes(range(255, 256))
_TO_MASK = bytes([255]) + bytes(255)  # alpha 0 becomes 255, all else 0


@dataclass(frozen=True, slots=True)
class Canvas:
    """``rows[y]`` holds four bytes for each of ``width`` pixels."""

    width: int
    height: int
    rows: tuple[bytes, ...]

    @property
    def transparent(self) -> bool:
        """Whether any pixel is see-through."""
        return any(row[3::4] != _OPAQUE * self.width for row in set(self.rows))

    def pixel(self, x: int, y: int) -> Color:
        """The pixel at that place."""
        red, green, blue, alpha = self.rows[y][4 * x : 4 * x + 4]
        return red, green, blue, alpha

    def scaled(self, width: int, height: int) -> "Canvas":
        """The same in another size, by the nearest pixel."""
        if (width, height) == (self.width, self.height):
            return self
        columns = [4 * (x * self.width // width) for x in range(width)]
        done: dict[int, bytes] = {}
        rows = []
        for y in range(height):
            source = y * self.height // height
            if source not in done:
                row = self.rows[source]
                done[source] = b"".join([row[at : at + 4] for at in columns])
            rows.append(done[source])
        return Canvas(width, height, tuple(rows))

    def painted(self, other: "Canvas", mask: "Canvas") -> "Canvas":
        """``other`` where ``mask`` is wholly see-through, else this; all three of one size."""
        rows = []
        for own, new, over in zip(self.rows, other.rows, mask.rows, strict=True):
            chosen = over[3::4].translate(_TO_MASK)
            wide = bytearray(4 * self.width)
            for channel in range(4):
                wide[channel::4] = chosen
            take = int.from_bytes(wide, "big")
            keep = take ^ ((1 << (32 * self.width)) - 1)
            mixed = (int.from_bytes(own, "big") & keep) | (int.from_bytes(new, "big") & take)
            rows.append(mixed.to_bytes(4 * self.width, "big"))
        return Canvas(self.width, self.height, tuple(rows))


def rgb(row: bytes) -> bytes:
    """A row without its alpha."""
    out = bytearray(len(row) // 4 * 3)
    for channel in range(3):
        out[channel::3] = row[channel::4]
    return bytes(out)
