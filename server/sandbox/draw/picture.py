"""From a request to the bytes of its pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from server.sandbox import tokens
from server.sandbox.draw.canvas import Canvas
from server.sandbox.draw.jpeg import write_jpeg
from server.sandbox.draw.paint import Motif, draw, edit, unfinished
from server.sandbox.draw.png import Unreadable, read_png, write_png
from server.sandbox.draw.request import LONGEST_EDGE, DrawRequest
from server.sandbox.draw.webp import write_webp
from server.sandbox.refusal import Refusal

_PATCH = 32  # pixels along the edge of what counts as one token
_DEFAULT = (1024, 1024)

_WRITERS: Mapping[str, Callable[[Canvas, int], bytes]] = MappingProxyType(
    {
        "png": lambda canvas, _: write_png(canvas),
        "jpeg": write_jpeg,
        "webp": lambda canvas, _: write_webp(canvas),
    }
)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The sources of an edit, decoded once for all its pictures."""

    sources: tuple[Canvas, ...] = ()
    mask: Canvas | None = None


def read_inputs(request: DrawRequest) -> Inputs:
    """Raises Refusal for a source or mask that is no PNG of the kind that is read here, or a mask of another size."""
    sources = tuple(_png(data, f"image[{place}]") for place, data in enumerate(request.sources))
    if request.mask is None:
        return Inputs(sources)
    mask = _png(request.mask, "mask")
    if (mask.width, mask.height) != (sources[0].width, sources[0].height):
        raise Refusal("Invalid 'mask': it must have the size of the first image.", param="mask")
    return Inputs(sources, mask)


def _png(data: bytes, param: str) -> Canvas:
    try:
        return read_png(data, max_pixels=LONGEST_EDGE * LONGEST_EDGE)
    except Unreadable as why:
        raise Refusal(f"Invalid '{param}': the sandbox reads PNG alone, and {why}.", param=param) from None


def size_of(request: DrawRequest, inputs: Inputs) -> tuple[int, int]:
    """Width and height of the pictures."""
    if request.size is not None:
        return request.size
    return (inputs.sources[0].width, inputs.sources[0].height) if inputs.sources else _DEFAULT


def paint(request: DrawRequest, inputs: Inputs, index: int) -> Canvas:
    """The picture of that index."""
    motif = Motif(
        request.prompt,
        index,
        request.seed,
        request.quality,
        request.style,
        transparent=request.background == "transparent",
    )
    width, height = size_of(request, inputs)
    if inputs.sources:
        return edit(motif, inputs.sources, inputs.mask, width, height, keep=request.keep)
    return draw(motif, width, height)


def written(request: DrawRequest, canvas: Canvas, share: float = 1.0) -> bytes:
    """The picture in the format asked for; with a ``share`` below 1, as far as it is drawn."""
    shown = canvas if share >= 1 else unfinished(canvas, share)
    return _WRITERS[request.format](shown, request.compression)


def usage(request: DrawRequest, inputs: Inputs, pictures: int, *, first: bool = True) -> dict[str, object]:
    """Tokens: those of the prompt, and one for each patch of 32 x 32 pixels read or drawn.

    What was read counts once, for the ``first`` picture.
    """
    canvases = (*inputs.sources, *((inputs.mask,) if inputs.mask else ())) if first else ()
    text = tokens.count(request.prompt) if first else 0
    read = sum(_patches(one.width, one.height) for one in canvases)
    made = pictures * _patches(*size_of(request, inputs))
    return {
        "input_tokens": text + read,
        "input_tokens_details": {"text_tokens": text, "image_tokens": read},
        "output_tokens": made,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": made},
        "total_tokens": text + read + made,
    }


def _patches(width: int, height: int) -> int:
    return -(-width // _PATCH) * -(-height // _PATCH)
