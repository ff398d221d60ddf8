"""ImageOptions as fields of a format: what the model takes is sent, what it lacks is refused or noted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from aignehub.v1 import image_service_pb2 as pb

from server.errors import InvalidArgument, Unimplemented, UnsupportedByProvider
from server.wire.drops import Drops
from server.wire.images.rows import ImageModel
from server.wire.pictures import ImageRequest

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
_FIELDS = frozenset(
    {"model", "prompt", "options", "user", "gateway", "images", "mask", "input_fidelity"}
)  # every field of both requests, so that one added to the contract is refused rather than forgotten

Spelling = Callable[[str, Any], Mapping[str, Any]]
"""A field under the contract's name, and its value in words, as fields of the format; nothing where the host does so
unasked. It may raise InvalidArgument naming the field."""


def as_it_is(name: str, value: object) -> Mapping[str, Any]:
    """The Spelling of a format that names its fields as the contract does."""
    return {name: value}


@dataclass(slots=True)
class Draft:
    """One request in the making."""

    host: str
    row: ImageModel
    model: str
    options: pb.ImageOptions
    notes: Drops
    spell: Spelling = as_it_is
    stream: bool = False
    body: dict[str, Any] = field(default_factory=dict)

    def put(self, name: str, value: object) -> None:
        """Sends a field."""
        self.body |= self.spell(name, value)

    def tune(self, name: str, value: object, *, path: str = "") -> None:
        """Sends a field that only tunes, or notes that the model has none of that name."""
        if name in self.row.fields:
            self.put(name, value)
        else:
            self.notes.drop(path or f"options.{name}", f"{self.model} has no such parameter")

    def chosen(self, name: str, value: str, allowed: tuple[str, ...]) -> None:
        """The same for a word of a list."""
        if name in self.row.fields and allowed and value not in allowed:
            raise InvalidArgument.field(f"options.{name}", f"{self.model} takes {', '.join(allowed)}")
        self.tune(name, value)


def check_request(request: ImageRequest, row: ImageModel, model: str, host: str) -> None:
    """Raises Unimplemented, UnsupportedByProvider or InvalidArgument where the model cannot be asked so at all."""
    for descriptor, _ in request.ListFields():
        if descriptor.name not in _FIELDS:
            raise Unimplemented.field(descriptor.name)
    if isinstance(request, pb.EditImagesRequest):
        if not row.edits:
            raise UnsupportedByProvider.of("model", f"{model} does not edit images at {host}")
    elif not row.generates:
        raise UnsupportedByProvider.of("model", f"{model} only edits images")
    if len(request.prompt) > row.max_prompt:
        raise InvalidArgument.field("prompt", f"is longer than the {row.max_prompt} characters that {model} reads")


def put_options(draft: Draft) -> None:
    """Writes every option that is set. Raises InvalidArgument or UnsupportedByProvider naming the one at fault."""
    # Walking the fields that are set, not the fields there are: a field added to the contract cannot be forgotten.
    for descriptor, value in draft.options.ListFields():
        put = _PUT.get(descriptor.name)
        if put is None:
            raise Unimplemented.field(f"options.{descriptor.name}")
        put(draft, value)
    if "delivery" in draft.row.fields:
        # Told even where it is the host's default: hosts differ in theirs.
        draft.put("delivery", "url" if draft.options.delivery == pb.IMAGE_DELIVERY_URL else "bytes")


def _n(draft: Draft, n: int) -> None:
    if n > draft.row.max_n:
        most = draft.row.max_n
        raise InvalidArgument.field("options.n", f"{draft.model} makes at most {most} image{'s' * (most > 1)} a call")
    if "n" in draft.row.fields:
        draft.put("n", n)


def _size(draft: Draft, size: str) -> None:
    row = draft.row
    if "size" not in row.fields:
        if size != "auto":
            instead = f"; it takes options.aspect_ratio: {', '.join(row.ratios)}" if row.ratios else "; leave it unset"
            raise UnsupportedByProvider.of("options.size", f"{draft.model} has no choice of sizes{instead}")
        return
    if size == "auto" and (row.sizes or row.size_rule) and "auto" not in row.sizes:
        return  # what the model does unasked
    if not row.allows_size(size):
        raise InvalidArgument.field("options.size", f"{draft.model} has no size {size}; it draws {row.said_sizes}")
    draft.put("size", size)


def _aspect_ratio(draft: Draft, ratio: str) -> None:
    row = draft.row
    sized = draft.options.size not in ("", "auto")
    if "aspect_ratio" in row.fields:
        if ratio == "auto" and row.ratios and "auto" not in row.ratios:
            return  # what the model does unasked
        if row.ratios and ratio not in row.ratios:
            raise InvalidArgument.field("options.aspect_ratio", f"{draft.model} takes {', '.join(row.ratios)}")
        if sized and row.size_or_ratio:
            raise InvalidArgument.field("options.aspect_ratio", f"{draft.model} takes a size or a ratio, not both")
        draft.put("aspect_ratio", ratio)
        return
    if ratio == "auto":
        return
    if sized:
        raise InvalidArgument.field("options.aspect_ratio", f"{draft.model} takes a size alone; leave the ratio unset")
    _size_of_ratio(draft, ratio)


def _size_of_ratio(draft: Draft, ratio: str) -> None:
    """For a model that takes sizes alone: the one it has of that ratio."""
    row = draft.row
    if size := row.size_of_ratio(ratio):
        _size(draft, size)
    elif row.sizes:
        raise InvalidArgument.field(
            "options.aspect_ratio", f"{draft.model} has no size of that ratio; it draws {row.said_sizes}"
        )
    elif "size" in row.fields:
        raise UnsupportedByProvider.of("options.aspect_ratio", f"{draft.model} takes a size; set options.size")
    else:
        raise UnsupportedByProvider.of("options.aspect_ratio", f"{draft.model} has no choice of ratios; leave it unset")


def _background(draft: Draft, background: int) -> None:
    word = BACKGROUNDS[background]
    if word != "transparent":
        draft.tune("background", word)
        return
    if "background" not in draft.row.fields:
        raise UnsupportedByProvider.of("options.background", f"{draft.model} cannot draw a transparent background")
    if draft.options.output_format == pb.IMAGE_FORMAT_JPEG:
        raise InvalidArgument.field("options.background", "JPEG cannot be transparent; ask for PNG or WebP")
    draft.put("background", word)


def _output_format(draft: Draft, number: int) -> None:
    word, row = FORMATS[number], draft.row
    if "output_format" not in row.fields:
        if word not in row.formats:
            only = f"; it makes {', '.join(row.formats)}" if row.formats else ""
            raise UnsupportedByProvider.of("options.output_format", f"{draft.model} has no choice of formats{only}")
        return
    if row.formats and word not in row.formats:
        raise InvalidArgument.field("options.output_format", f"{draft.model} makes {', '.join(row.formats)}")
    draft.put("output_format", word)


def _delivery(draft: Draft, delivery: int) -> None:
    if delivery == pb.IMAGE_DELIVERY_URL and not draft.row.urls:
        draft.notes.drop("options.delivery", f"{draft.model} gives the bytes alone")


def _partial_images(draft: Draft, number: int) -> None:
    if draft.stream:
        draft.tune("partial_images", number)
    elif number:
        draft.notes.drop("options.partial_images", f"{draft.model} gives no previews in such a call")


def _negative_prompt(draft: Draft, text: str) -> None:
    path, most = "options.negative_prompt", draft.row.max_prompt
    if "negative_prompt" not in draft.row.fields:
        raise UnsupportedByProvider.of(path, f"{draft.model} has none; say in the prompt what to keep out")
    if len(text) > most:
        raise InvalidArgument.field(path, f"is longer than the {most} characters that {draft.model} reads")
    draft.put("negative_prompt", text)


def _seed(draft: Draft, seed: int) -> None:
    most = draft.row.max_seed
    if "seed" in draft.row.fields and most and not 0 <= seed <= most:
        raise InvalidArgument.field("options.seed", f"{draft.model} takes 0 to {most}")
    draft.tune("seed", seed)


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
        "moderation": lambda draft, word: draft.chosen("moderation", word, draft.row.moderations),
        "partial_images": _partial_images,
        "negative_prompt": _negative_prompt,
        "seed": _seed,
    }
)
