"""Images: Gemini's own by generateContent, Imagen's by ``:predict``.

https://ai.google.dev/gemini-api/docs/image-generation and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import orjson
from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1.image_service_pb2 import EditImagesRequest

from server.errors import HubError, InvalidArgument
from server.wire import json_value as json
from server.wire.chat.media import base64_text
from server.wire.drops import Drops
from server.wire.extra_body import PATH, merge_extra_body
from server.wire.gemini import errors
from server.wire.gemini.encode import HEADERS
from server.wire.gemini.host import Host
from server.wire.gemini.image_answer import decode
from server.wire.gemini.image_models import Rows, is_imagen, shape_of
from server.wire.http import HttpRequest, HttpResponse
from server.wire.images.masks import painted
from server.wire.images.options import Draft, check_request, put_options
from server.wire.images.rows import row_of
from server.wire.images.sources import check_sources, mime_type_of, source_bytes
from server.wire.images.whole import WholeImages
from server.wire.json_text import check_object
from server.wire.pictures import Drawn, ImageRequest

_OWNED = frozenset({"contents", "instances", "generation_config", "model"})
"""Top-level keys that gateway.extra_body_json may not set; generationConfig and parameters may hold more of it."""
_PIXELS = re.compile(r"\d+x\d+")


@dataclass(frozen=True, slots=True)
class GeminiImageCodec(WholeImages):
    """The ImageCodec of one host."""

    host: Host
    rows: Rows

    def encode(self, request: ImageRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ImageCodec.encode."""
        draft = self._draft(request, model)
        if is_imagen(model):
            method, body = "predict", _predict(request, draft)
        else:
            method, body = "generateContent", _generate(request, draft)
        if request.gateway.extra_body_json:
            merge_extra_body(request.gateway.extra_body_json, body, owned=_OWNED)
        path = self.host.path(model, method)
        return HttpRequest(path, orjson.dumps(body), HEADERS, adjusted_fields=tuple(draft.notes.fields))

    def _draft(self, request: ImageRequest, model: str) -> Draft:
        row = row_of(self.rows, model)
        check_request(request, row, model, self.host.name)
        notes = Drops(strict=request.gateway.strict_parameters)
        spell = _spell_imagen if is_imagen(model) else _spell_gemini
        draft = Draft(self.host.name, row, model, _sendable(request, model, notes), notes, spell)
        put_options(draft)
        if request.user:
            draft.tune("user", request.user, path="user")
        if isinstance(request, EditImagesRequest):
            check_sources(request, row, model)
            if request.input_fidelity:
                draft.tune("input_fidelity", request.input_fidelity, path="input_fidelity")
        return draft

    def decode(self, response: HttpResponse) -> Drawn:
        """See ImageCodec.decode."""
        return decode(self.host, response)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ImageCodec.decode_error."""
        return errors.read_error(response)

    def capabilities(self, model: str) -> tuple[str, ...]:
        """See ImageCodec.capabilities."""
        return row_of(self.rows, model).capabilities


def _sendable(request: ImageRequest, model: str, notes: Drops) -> pb.ImageOptions:
    """The options but for what cannot go with the others."""
    options = request.options
    if _PIXELS.fullmatch(options.size) and options.aspect_ratio not in ("", "auto"):
        raise InvalidArgument.field("options.aspect_ratio", f"the size {options.size} says it; leave one of them unset")
    if not options.HasField("seed") or not is_imagen(model) or _parameters(request).get("addWatermark") is False:
        return options
    notes.drop("options.seed", f"{model} takes one only with parameters.addWatermark = false in {PATH}")
    left = deepcopy(options)
    left.ClearField("seed")
    return left


def _parameters(request: ImageRequest) -> Mapping[str, Any]:
    """Those that the caller adds to the hub's."""
    extra = request.gateway.extra_body_json
    return json.obj(check_object(PATH, extra).get("parameters")) if extra else {}


def _spell_gemini(name: str, value: Any) -> Mapping[str, Any]:
    match name:
        case "size":
            ratio, size = shape_of(value)
            told = {"aspectRatio": ratio, "imageSize": size}
            return {key: word for key, word in told.items() if word}
        case "aspect_ratio":
            return {"aspectRatio": value}
        case "output_format":
            return {"mimeType": f"image/{value}"}
        case "output_compression":
            return {"compressionQuality": value}
        case _:
            return {name: value}


_IMAGEN_NAMES = {
    "n": "sampleCount",
    "size": "sampleImageSize",
    "aspect_ratio": "aspectRatio",
    "negative_prompt": "negativePrompt",
    "output_compression": "compressionQuality",
}


def _spell_imagen(name: str, value: Any) -> Mapping[str, Any]:
    return {"mimeType": f"image/{value}"} if name == "output_format" else {_IMAGEN_NAMES.get(name, name): value}


def _generate(request: ImageRequest, draft: Draft) -> dict[str, Any]:
    told = draft.body
    # The models of 2.0 draw only where they may speak as well.
    speaks = draft.model.startswith("gemini-2.0")
    config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"] if speaks else ["IMAGE"]}
    if "seed" in told:
        config["seed"] = told.pop("seed")
    if output := _taken(told, "mimeType", "compressionQuality"):
        told["imageOutputOptions"] = output
    if told:
        config["imageConfig"] = told
    sources = request.images if isinstance(request, EditImagesRequest) else ()
    parts: list[dict[str, Any]] = [
        {"inlineData": {"mimeType": mime_type_of(media), "data": base64_text(source_bytes(media, f"images[{index}]"))}}
        for index, media in enumerate(sources)
    ]
    parts.append({"text": request.prompt})
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}


def _predict(request: ImageRequest, draft: Draft) -> dict[str, Any]:
    instance: dict[str, Any] = {"prompt": request.prompt}
    parameters: dict[str, Any] = {"sampleCount": 1, **draft.body, "includeRaiReason": True}
    if output := _taken(parameters, "mimeType", "compressionQuality"):
        parameters["outputOptions"] = output
    if isinstance(request, EditImagesRequest):
        instance["referenceImages"] = _references(request)
        if "editMode" not in _parameters(request):
            masked = request.HasField("mask")
            parameters["editMode"] = "EDIT_MODE_INPAINT_INSERTION" if masked else "EDIT_MODE_DEFAULT"
    return {"instances": [instance], "parameters": parameters}


def _taken(told: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: told.pop(name) for name in names if name in told}


def _references(request: EditImagesRequest) -> list[dict[str, Any]]:
    """Sources, which a prompt may name by their place as [1], and the mask, whose white may change."""
    found: list[dict[str, Any]] = [
        _reference("REFERENCE_TYPE_RAW", number, source_bytes(media, f"images[{number - 1}]"))
        for number, media in enumerate(request.images, start=1)
    ]
    if request.HasField("mask"):
        mask = painted(source_bytes(request.mask, "mask"), marks="white")
        about = {"maskImageConfig": {"maskMode": "MASK_MODE_USER_PROVIDED"}}
        found.append({**_reference("REFERENCE_TYPE_MASK", len(found) + 1, mask), **about})
    return found


def _reference(kind: str, number: int, data: bytes) -> dict[str, Any]:
    return {
        "referenceType": kind,
        "referenceId": number,
        "referenceImage": {"bytesBase64Encoded": base64_text(data)},
    }
