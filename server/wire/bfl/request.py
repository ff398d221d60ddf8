"""A request of the contract as a job: JSON, sources and mask as base64."""

from base64 import b64encode
from typing import Any

import orjson
from aignehub.v1.image_service_pb2 import EditImagesRequest

from server.wire.bfl.ways import OWNED, WAYS
from server.wire.extra_body import merge_extra_body
from server.wire.http import HttpRequest, path_segment
from server.wire.images.sources import source_bytes
from server.wire.images.ways import Way, drafted, mask_of, way_of
from server.wire.pictures import ImageRequest

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


def encode(request: ImageRequest, model: str) -> HttpRequest:
    """See ImageJobCodec.encode."""
    way = way_of(WAYS, request, model)
    draft = drafted(way, request, model, "bfl")
    if isinstance(request, EditImagesRequest):
        draft.body |= _sources(way, request)
    if request.gateway.extra_body_json:
        merge_extra_body(request.gateway.extra_body_json, draft.body, owned=OWNED)
    # Some paths have two segments, such as flux-tools/erase-v1.
    path = "/".join(path_segment(segment) for segment in model.split("/"))
    return HttpRequest(
        path=way.path.replace("{model}", path),
        body=orjson.dumps(draft.body),
        headers=_HEADERS,
        adjusted_fields=tuple(draft.notes.fields),
    )


def _sources(way: Way, request: EditImagesRequest) -> dict[str, Any]:
    """The second source and those after it are numbered: input_image, input_image_2."""
    found = {
        f"{way.source}_{place + 1}" if place else way.source: _text(source_bytes(media, f"images[{place}]"))
        for place, media in enumerate(request.images)
    }
    if request.HasField("mask"):
        found["mask"] = _text(mask_of(way, request.mask))
    return found


def _text(data: bytes) -> str:
    return b64encode(data).decode()
