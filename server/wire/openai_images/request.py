"""A request of the contract as one of the format."""

from typing import Any

import orjson
from aignehub.v1.image_service_pb2 import EditImagesRequest, GenerateImagesRequest

from server.errors import InvalidArgument, Unimplemented, UnsupportedByProvider
from server.wire.drops import Drops
from server.wire.extra_body import PATH, merge_extra_body
from server.wire.http import HttpRequest, path_segment
from server.wire.json_text import check_object
from server.wire.openai_images.host import ImageHost
from server.wire.openai_images.models import row_of
from server.wire.openai_images.multipart import form
from server.wire.openai_images.options import Draft, put_options
from server.wire.openai_images.sources import as_files, check_sources, put_references
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
_FIELDS = frozenset(
    {"model", "prompt", "options", "user", "gateway", "images", "mask", "input_fidelity"}
)  # every field of both requests, so that one added to the contract is refused rather than forgotten


def encode(host: ImageHost, request: ImageRequest, model: str, *, stream: bool) -> HttpRequest:
    """See ImageCodec.encode."""
    row = row_of(host.models, model)
    edit = request if isinstance(request, EditImagesRequest) else None
    _check(host, request, model)
    stream = stream and row.streams
    notes = Drops(strict=request.gateway.strict_parameters)
    draft = Draft(host, row, model, request.options, notes, stream)
    draft.body |= {"model": model, "prompt": request.prompt}
    put_options(draft)
    if request.user:
        _put_user(draft, request.user)
    if stream:
        draft.body["stream"] = True
    if edit is None:
        return _as_json(draft, request, host.generate_path)
    check_sources(edit, row, model)
    if edit.input_fidelity:
        if "input_fidelity" in row.fields:
            draft.body["input_fidelity"] = edit.input_fidelity
        else:
            notes.drop("input_fidelity", f"{model} has no such parameter")
    if host.sources == "multipart" and not _by_reference(edit):
        return _as_form(draft, edit)
    put_references(edit, host.sources, draft.body)
    return _as_json(draft, edit, host.edit_path)


def _check(host: ImageHost, request: ImageRequest, model: str) -> None:
    for descriptor, _ in request.ListFields():
        if descriptor.name not in _FIELDS:
            raise Unimplemented.field(descriptor.name)
    row = row_of(host.models, model)
    if isinstance(request, GenerateImagesRequest) and not row.generates:
        raise UnsupportedByProvider.of("model", f"{model} only edits images")
    if isinstance(request, EditImagesRequest) and not (host.edits and row.edits):
        raise UnsupportedByProvider.of("model", f"{model} does not edit images at {host.name}")
    if len(request.prompt) > row.max_prompt:
        raise InvalidArgument.field("prompt", f"is longer than the {row.max_prompt} characters that {model} reads")


def _put_user(draft: Draft, user: str) -> None:
    if "user" in draft.row.fields:
        draft.body[draft.host.user_field] = user
    else:
        draft.notes.drop("user", f"{draft.host.name} has no such parameter")


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


def _as_form(draft: Draft, request: EditImagesRequest) -> HttpRequest:
    extra = check_object(PATH, request.gateway.extra_body_json) if request.gateway.extra_body_json else {}
    for key in extra:
        if key in _OWNED:
            raise InvalidArgument.field(PATH, f"{key} is set by a field of the request; use that")
    fields = [(name, _text(value)) for name, value in {**draft.body, **extra}.items()]
    content_type, pieces = form(fields, as_files(request))
    return HttpRequest(
        path=draft.host.edit_path.replace("{model}", path_segment(draft.model)),
        pieces=pieces,
        headers={"Content-Type": content_type, "Accept": "text/event-stream" if draft.stream else "application/json"},
        adjusted_fields=tuple(draft.notes.fields),
    )


def _text(value: Any) -> str:
    """A value as a field of a form holds it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
