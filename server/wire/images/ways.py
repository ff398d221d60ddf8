"""The ways a vendor's models are asked: which path takes what, and under which names. A format's table holds them."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TypeVar

from aignehub.v1.image_service_pb2 import EditImagesRequest
from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument
from server.wire.drops import Drops
from server.wire.extra_body import as_field, extra_fields
from server.wire.http import HttpRequest, path_segment
from server.wire.images.masks import painted
from server.wire.images.options import Draft, Spelling, as_it_is, check_request, put_options
from server.wire.images.rows import ImageModel
from server.wire.images.sources import check_sources, source_bytes, source_file
from server.wire.multipart import FilePart, multipart
from server.wire.pictures import ImageRequest


@dataclass(frozen=True, slots=True)
class Way:
    """One path for one family of models."""

    row: ImageModel
    path: str
    """``{model}`` in it is replaced by the escaped model."""
    prompt: str = "prompt"
    """Its name for the prompt; empty where it reads none."""
    source: str = "image"
    """Its name for a source."""
    marks: str = ""
    """The colour by which a mask marks what may change; empty where it takes none."""
    mask_required: bool = False
    requires: tuple[str, ...] = ()
    """Options that it cannot do without."""
    sends: Mapping[str, str] = field(default_factory=dict)
    """Fields that are always sent; ``{model}`` in a value is the model."""
    unless_told: Mapping[str, str] = field(default_factory=dict)
    """Fields that are sent unless gateway.extra_body_json holds them."""
    spell: Spelling = as_it_is
    only: Callable[[ImageRequest], bool] = lambda _: True
    """What a request must be like beside that."""

    def serves(self, request: ImageRequest) -> bool:
        """Whether such a request goes this way, if it is sound."""
        if not isinstance(request, EditImagesRequest):
            return self.row.generates and self.only(request)
        masked = request.HasField("mask")
        return self.row.edits and (bool(self.marks) if masked else not self.mask_required) and self.only(request)


W = TypeVar("W", bound=Way)


def way_of(ways: Sequence[W], request: ImageRequest, model: str) -> W:
    """The first way of the model that serves the request; where none does, its first, to say what it lacks.

    A model that no way knows goes by those of rows that are not ``known``.
    """
    own = [way for way in ways if way.row.known and way.row.pattern.fullmatch(model)]
    own = own or [way for way in ways if not way.row.known]
    edit = isinstance(request, EditImagesRequest)
    able = [way for way in own if (way.row.edits if edit else way.row.generates)] or own
    return next((way for way in own if way.serves(request)), able[0])


def capabilities_of(ways: Sequence[Way], model: str) -> tuple[str, ...]:
    """See ImageCodec.capabilities."""
    own = (way.row for way in ways if way.row.known and way.row.pattern.fullmatch(model))
    found = {name for row in own for name in row.capabilities}
    return tuple(name for name in ("image", "image_edit") if name in found)


def drafted(way: Way, request: ImageRequest, model: str, host: str) -> Draft:
    """The request without its files. Raises as ``check_request``, ``put_options`` and ``check_sources`` do."""
    check_request(request, way.row, model, host)
    notes = Drops(strict=request.gateway.strict_parameters)
    draft = Draft(host, way.row, model, request.options, notes, way.spell)
    draft.body |= {name: value.replace("{model}", model) for name, value in way.sends.items()}
    if way.prompt:
        draft.body[way.prompt] = request.prompt
    else:
        draft.notes.drop("prompt", f"{model} reads none")
    for name in way.requires:
        if not getattr(request.options, name):
            raise InvalidArgument.field(f"options.{name}", f"{model} needs one")
    put_options(draft)
    if request.user:
        draft.tune("user", request.user, path="user")
    if not isinstance(request, EditImagesRequest):
        return draft
    check_sources(request, way.row, model)
    if way.mask_required and not request.HasField("mask"):
        raise InvalidArgument.field("mask", f"{model} needs one: a PNG whose see-through pixels may change")
    if request.input_fidelity:
        draft.tune("input_fidelity", request.input_fidelity, path="input_fidelity")
    return draft


def mask_of(way: Way, mask: Media) -> bytes:
    """The mask as this way wants it. Raises InvalidArgument where it cannot be read."""
    return painted(source_bytes(mask, "mask"), marks=way.marks)


def as_form(way: Way, request: ImageRequest, draft: Draft, *, owned: Set[str], accept: str) -> HttpRequest:
    """The request as a form with files. ``owned`` are fields that gateway.extra_body_json may not set."""
    fields = [(name, as_field(value)) for name, value in draft.body.items()]
    extra = request.gateway.extra_body_json
    more = extra_fields(extra, owned | way.sends.keys()) if extra else []
    told = {name for name, _ in more}
    fields += [pair for pair in way.unless_told.items() if pair[0] not in told] + more
    files = _files(way, request) if isinstance(request, EditImagesRequest) else []
    content_type, pieces = multipart(fields, files)
    return HttpRequest(
        path=way.path.replace("{model}", path_segment(draft.model)),
        pieces=tuple(pieces),
        headers={"Content-Type": content_type, "Accept": accept},
        adjusted_fields=tuple(draft.notes.fields),
    )


def _files(way: Way, request: EditImagesRequest) -> list[FilePart]:
    files = [
        source_file(media, way.source, f"images[{index}]", f"image-{index}")
        for index, media in enumerate(request.images)
    ]
    if request.HasField("mask"):
        files.append(FilePart("mask", "mask.png", "image/png", (mask_of(way, request.mask),)))
    return files
