"""ImageOptions as fields of the format: what the model takes is sent, what it lacks is refused or noted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from aignehub.v1 import image_service_pb2 as pb

from server.errors import InvalidArgument, Unimplemented, UnsupportedByProvider
from server.wire.drops import Drops
from server.wire.openai_images.host import ImageHost
from server.wire.openai_images.models import ImageModel

BACKGROUNDS: Mapping[int, str] = MappingProxyType(
    {
        pb.IMAGE_BACKGROUND_AUTO: "auto",
        pb.IMAGE_BACKGROUND_TRANSPARENT: "transparent",
        pb.IMAGE_BACKGROUND_OPAQUE: "opaque",
    }
)
FORMATS: Mapping[int, str] = MappingProxyType(
    {pb.IMAGE_FORMAT_PNG: "png", pb.IMAGE_FORMAT_JPEG: "jpeg", pb.IMAGE_FORMAT_WEBP: "webp"}
)


@dataclass(slots=True)
class Draft:
    """One request in the making."""

    host: ImageHost
    row: ImageModel
    model: str
    options: pb.ImageOptions
    notes: Drops
    stream: bool
    body: dict[str, Any] = field(default_factory=dict)

    def tune(self, name: str, value: object) -> None:
        """Sends a field that only tunes, or notes that the model has none of that name."""
        if name in self.row.fields:
            self.body[name] = value
        else:
            self.notes.drop(f"options.{name}", f"{self.model} has no such parameter")

    def chosen(self, name: str, value: str, allowed: tuple[str, ...]) -> None:
        """The same for a word of a list."""
        if name in self.row.fields and allowed and value not in allowed:
            raise InvalidArgument.field(f"options.{name}", f"{self.model} takes {', '.join(allowed)}")
        self.tune(name, value)


def put_options(draft: Draft) -> None:
    """Writes every option that is set. Raises InvalidArgument or UnsupportedByProvider naming the one at fault."""
    # Walking the fields that are set, not the fields there are: a field added to the contract cannot be forgotten.
    for descriptor, value in draft.options.ListFields():
        put = _PUT.get(descriptor.name)
        if put is None:
            raise Unimplemented.field(f"options.{descriptor.name}")
        put(draft, value)
    if "response_format" in draft.row.fields:
        # Told even where it is the host's default: hosts differ in theirs.
        wants_url = draft.options.delivery == pb.IMAGE_DELIVERY_URL
        draft.body["response_format"] = "url" if wants_url else draft.host.bytes_word


def _n(draft: Draft, n: int) -> None:
    if n > draft.row.max_n:
        most = draft.row.max_n
        raise InvalidArgument.field("options.n", f"{draft.model} makes at most {most} image{'s' * (most > 1)} a call")
    if "n" in draft.row.fields:
        draft.body["n"] = n


def _size(draft: Draft, size: str) -> None:
    row = draft.row
    if "size" not in row.fields:
        if size != "auto":
            raise UnsupportedByProvider.of("options.size", f"{draft.model} has no choice of sizes; leave it unset")
        return
    if size == "auto" and (draft.host.size_field != "size" or (row.sizes and "auto" not in row.sizes)):
        return  # what the model does unasked
    if not row.allows_size(size):
        raise InvalidArgument.field("options.size", f"{draft.model} has no size {size}; it draws {row.said_sizes}")
    match draft.host.size_field:
        case "pixels":
            width, _, height = size.partition("x")
            if not height:
                raise InvalidArgument.field("options.size", f"{draft.host.name} takes WIDTHxHEIGHT in pixels")
            draft.body |= {"width": int(width), "height": int(height)}
        case "resolution":
            draft.body["resolution"] = size.lower()
        case _:
            draft.body["size"] = size


def _aspect_ratio(draft: Draft, ratio: str) -> None:
    row = draft.row
    if "aspect_ratio" in row.fields:
        if row.ratios and ratio not in row.ratios:
            raise InvalidArgument.field("options.aspect_ratio", f"{draft.model} takes {', '.join(row.ratios)}")
        draft.body["aspect_ratio"] = ratio
        return
    if ratio == "auto":
        return
    if draft.options.size not in ("", "auto"):
        raise InvalidArgument.field("options.aspect_ratio", f"{draft.model} takes a size alone; leave the ratio unset")
    if size := row.size_of_ratio(ratio):
        _size(draft, size)
    elif row.sizes:
        raise InvalidArgument.field(
            "options.aspect_ratio", f"{draft.model} has no size of that ratio; it draws {row.said_sizes}"
        )
    else:
        raise UnsupportedByProvider.of("options.aspect_ratio", f"{draft.model} takes a size; set options.size")


def _background(draft: Draft, background: int) -> None:
    word = BACKGROUNDS[background]
    if word != "transparent":
        draft.tune("background", word)
        return
    if "background" not in draft.row.fields:
        raise UnsupportedByProvider.of("options.background", f"{draft.model} cannot draw a transparent background")
    if draft.options.output_format == pb.IMAGE_FORMAT_JPEG:
        raise InvalidArgument.field("options.background", "JPEG cannot be transparent; ask for PNG or WebP")
    draft.body["background"] = word


def _output_format(draft: Draft, number: int) -> None:
    word, row = FORMATS[number], draft.row
    if "output_format" not in row.fields:
        if word not in row.formats:
            only = f"; it makes {', '.join(row.formats)}" if row.formats else ""
            raise UnsupportedByProvider.of("options.output_format", f"{draft.model} has no choice of formats{only}")
        return
    if row.formats and word not in row.formats:
        raise InvalidArgument.field("options.output_format", f"{draft.model} makes {', '.join(row.formats)}")
    draft.body["output_format"] = word


def _delivery(draft: Draft, delivery: int) -> None:
    if delivery == pb.IMAGE_DELIVERY_URL and not draft.row.urls:
        draft.notes.drop("options.delivery", f"{draft.model} gives the bytes alone")


def _partial_images(draft: Draft, number: int) -> None:
    if draft.stream:
        draft.tune("partial_images", number)
    elif number:
        draft.notes.drop("options.partial_images", f"{draft.model} gives no previews in such a call")


def _negative_prompt(draft: Draft, text: str) -> None:
    if "negative_prompt" not in draft.row.fields:
        raise UnsupportedByProvider.of(
            "options.negative_prompt", f"{draft.model} has none; say in the prompt what to keep out"
        )
    draft.body["negative_prompt"] = text


_PUT: Mapping[str, Callable[[Draft, Any], None]] = MappingProxyType(
    {
        "n": _n,
        "size": _size,
        "aspect_ratio": _aspect_ratio,
        "quality": lambda draft, word: draft.chosen("quality", word, draft.row.qualities),
        "style": lambda draft, word: draft.chosen("style", word, draft.row.styles),
        "background": _background,
        "output_format": _output_format,
        "output_compression": lambda draft, number: draft.tune("output_compression", number),
        "delivery": _delivery,
        "moderation": lambda draft, word: draft.tune("moderation", word),
        "partial_images": _partial_images,
        "negative_prompt": _negative_prompt,
        "seed": lambda draft, number: draft.tune("seed", number),
    }
)
