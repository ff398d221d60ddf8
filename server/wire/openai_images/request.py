"""A request of the contract as one of the format."""

import orjson
from aignehub.v1.image_service_pb2 import EditImagesRequest, GenerateImagesRequest

from server.wire.drops import Drops
from server.wire.extra_body import as_field, extra_fields, merge_extra_body
from server.wire.http import HttpRequest, path_segment
from server.wire.images.options import Draft, check_request, put_options
from server.wire.images.sources import check_sources
from server.wire.multipart import multipart
from server.wire.openai_images.host import ImageHost
from server.wire.openai_images.references import as_files, put_references
from server.wire.pictures import ImageRequest

_OWNED = frozenset(
    {
        "model", "prompt", "image", "images", "image_url", "input_references", "reference_images", "mask", "n", "size",
        "width", "height", "resolution", "aspect_ratio", "quality", "style", "background", "output_format",
        "output_compression", "response_format", "moderation", "partial_images", "input_fidelity", "negative_prompt",
        "seed", "user", "user_id", "stream",
    }
)  # fmt: skip
"""Keys that a field of the contract stands for; they are set there and nowhere else."""


def encode(host: ImageHost, request: ImageRequest, model: str, *, stream: bool) -> HttpRequest:
    """See ImageCodec.encode."""
    row = host.row(model)
    check_request(request, row, model, host.name)
    stream = stream and row.streams
    notes = Drops(strict=request.gateway.strict_parameters)
    draft = Draft(host.name, row, model, request.options, notes, host.spell, stream)
    draft.body |= {"model": model, "prompt": request.prompt}
    put_options(draft)
    if request.user:
        draft.tune("user", request.user, path="user")
    if stream:
        draft.body["stream"] = True
    if isinstance(request, GenerateImagesRequest):
        return _as_json(draft, request, host.generate_path)
    check_sources(request, row, model)
    if request.input_fidelity:
        draft.tune("input_fidelity", request.input_fidelity, path="input_fidelity")
    # How strictly an edit is judged can be said in JSON alone, by the published schema of both bodies:
    # https://platform.openai.com/docs/api-reference/images/createEdit
    only_json = _by_reference(request) or (draft.row.reads_urls and "moderation" in draft.body)
    if host.sources == "multipart" and not only_json:
        return _as_form(draft, request, host.edit_path)
    put_references(request, host.sources, draft.body)
    return _as_json(draft, request, host.edit_path)


def _by_reference(request: EditImagesRequest) -> bool:
    medias = (*request.images, *((request.mask,) if request.HasField("mask") else ()))
    return any(media.WhichOneof("source") != "data" for media in medias)


def _as_json(draft: Draft, request: ImageRequest, path: str) -> HttpRequest:
    if request.gateway.extra_body_json:
        merge_extra_body(request.gateway.extra_body_json, draft.body, owned=_OWNED)
    accept = "text/event-stream" if draft.stream else "application/json"
    return HttpRequest(
        path=path.replace("{model}", path_segment(draft.model)),
        body=orjson.dumps(draft.body),
        headers={"Content-Type": "application/json", "Accept": accept},
        adjusted_fields=tuple(draft.notes.fields),
    )


def _as_form(draft: Draft, request: EditImagesRequest, path: str) -> HttpRequest:
    fields = [(name, as_field(value)) for name, value in draft.body.items()]
    if request.gateway.extra_body_json:
        fields += extra_fields(request.gateway.extra_body_json, _OWNED)
    content_type, pieces = multipart(fields, as_files(request))
    return HttpRequest(
        path=path.replace("{model}", path_segment(draft.model)),
        pieces=tuple(pieces),
        headers={"Content-Type": content_type, "Accept": "text/event-stream" if draft.stream else "application/json"},
        adjusted_fields=tuple(draft.notes.fields),
    )
