"""``images.generate`` and ``images.edit``: OpenAI's images API, xAI's and OpenRouter's."""

import hashlib
import json
import struct
from base64 import b64decode
from collections.abc import Callable
from email.message import Message
from email.parser import BytesParser
from functools import cache
from typing import Any

import grpc
from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1 import media_pb2, usage_pb2
from aignehub.v1.image_service_pb2_grpc import ImageServiceStub

from tests.wire import compare, exceptions, failures, normalise, observed
from tests.wire.bench import CALL_SECONDS, Bench, Outcome
from tests.wire.chat import PUBLIC_ADDRESS
from tests.wire.hub import REPLAY_KEY, ROOT, Instance
from tests.wire.neutral import Answer, Failure
from tests.wire.recording import Json, Recording
from tests.wire.replay import Captured
from tests.wire.spec import request_validator

KINDS = frozenset({"openai", "xai", "openrouter"})
_SUFFIXES = ("/images/generations", "/images/edits", "/images")
_SPEC = ROOT.parent / "shared" / "specs" / "openai-openapi.yaml"
_SCHEMAS = {
    "/images/generations": "CreateImageRequest",
    "/images/edits json": "EditImageBodyJsonParam",
    "/images/edits multipart": "CreateImageEditRequest",
}
_SOURCES = ("images", "input_references", "image", "image[]")
_BEFORE_MODELS = "dall-e-2"
_SETTINGS = ("n", "size", "quality", "style")

Request = pb.GenerateImagesRequest | pb.EditImagesRequest
Made = dict[str, Any]
"""An answer in a form of its own, filled by the reading of the recording and by the gRPC client."""


class Images:
    """The module of both APIs."""

    def serves(self, recording: Recording) -> bool:
        """Whether the hub has a kind for the provider."""
        return recording.provider in KINDS

    def kind(self, recording: Recording) -> str:
        """The provider's own."""
        return recording.provider

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """As for chat: a request that names a URL goes to a public address through the replay server as its proxy."""
        base = next(recording.path.removesuffix(one) for one in _SUFFIXES if recording.path.endswith(one))
        asked = _asked(recording.request, recording.request_bytes, recording.request_type)
        if any(str(one).startswith("http") for one in asked["(images)"]):
            origin = "/".join(root.split("/", 3)[:3])
            return Instance(name, recording.provider, f"http://{PUBLIC_ADDRESS}/{name}{base}", proxy=origin)
        return Instance(name, recording.provider, root + base)

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request through the hub, and the recorded answer back."""
        outcome = Outcome(recording)
        answer = _answer_of(recording)
        request, unmapped = _build(recording, name, by_url=_by_url(recording, answer))
        stub = ImageServiceStub(bench.channel)
        edits = isinstance(request, pb.EditImagesRequest)
        method: Any = stub.EditImages if edits else stub.GenerateImages
        got: Made = {}
        failure: Failure | None = None
        try:
            got = _received(await method(request, metadata=bench.metadata, timeout=CALL_SECONDS))
        except grpc.aio.AioRpcError as error:
            failure = observed.failure(error)
        outcome.decode = _decoded(recording, answer, got, failure)
        requests = bench.server.requests(name)
        if len(requests) != 1:
            outcome.decode.append(f"the provider was asked {len(requests)} times")
        outcome.encode = list(unmapped)
        if argued := exceptions.BY_ID.get(recording.id):
            outcome.exceptions.append(argued)
        if requests:
            outcome.encode += _encoded(bench, recording, requests[0])
            outcome.spec = _judged(recording, requests[0])
        else:
            outcome.encode.append(f"the hub sent nothing: {failure}")
        return outcome


def _asked(body: Json, raw: bytes, content_type: str) -> dict[str, Any]:
    """A request as its fields; sources and mask by what they hold, under whichever name and in whichever form."""
    if isinstance(body, dict):
        found = {name: value for name, value in body.items() if name not in (*_SOURCES, "mask")}
        sources: list[Json] = next((body[name] for name in _SOURCES if name in body), [])
        found["(images)"] = [_identity(_reference(one)) for one in sources]
        found["(mask)"] = _identity(_reference(body["mask"])) if "mask" in body else None
        return {**found, "(form)": "json"}
    found = {"(images)": [], "(mask)": None, "(form)": "multipart"}
    for name, content, is_file in _parts(raw, content_type):
        if not is_file:
            text = content.decode()
            found[name] = int(text) if text.isdecimal() else text
        elif name == "mask":
            found["(mask)"] = _identity(content)
        else:
            found["(images)"].append(_identity(content))
    return found


def _parts(raw: bytes, content_type: str) -> list[tuple[str, bytes, bool]]:
    message = BytesParser().parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + raw)
    payload = message.get_payload()
    parts = []
    for part in payload if isinstance(payload, list) else []:
        content = part.get_payload(decode=True) if isinstance(part, Message) else b""
        assert isinstance(part, Message)
        assert isinstance(content, bytes)
        name = str(part.get_param("name", header="content-disposition"))
        parts.append((name, content, part.get_filename() is not None))
    return parts


def _reference(one: Json) -> bytes | str:
    """The bytes of a data URL, or another URL as it is."""
    while isinstance(one, dict):
        one = one.get("image_url") or one.get("url")
    if isinstance(one, str) and one.startswith("data:"):
        return _unpacked(one.partition(",")[2])
    return str(one)


def _unpacked(text: str) -> bytes:
    """Base64 as far as it goes; long media were cut when they were recorded."""
    whole = text.rstrip("=")
    whole = whole[: len(whole) // 4 * 4] if len(whole) % 4 == 1 else whole
    return b64decode(whole + "=" * (-len(whole) % 4))


def _identity(one: bytes | str) -> str:
    return one if isinstance(one, str) else f"{len(one)} bytes {hashlib.sha256(one).hexdigest()}"


def _media(recording: Recording) -> tuple[list[media_pb2.Media], media_pb2.Media | None]:
    body = recording.request
    if isinstance(body, dict):
        sources: list[Json] = next((body[name] for name in _SOURCES if name in body), [])
        mask = _as_media(_reference(body["mask"])) if "mask" in body else None
        return [_as_media(_reference(one)) for one in sources], mask
    files = [part for part in _parts(recording.request_bytes, recording.request_type) if part[2]]
    images = [_as_media(content) for name, content, _ in files if name != "mask"]
    masks = [_as_media(content) for name, content, _ in files if name == "mask"]
    return images, masks[0] if masks else None


def _as_media(one: bytes | str) -> media_pb2.Media:
    return media_pb2.Media(url=one) if isinstance(one, str) else media_pb2.Media(data=one, mime_type=_magic(one))


def _build(recording: Recording, name: str, *, by_url: bool) -> tuple[Request, list[str]]:
    """The request of the contract, and what of the recorded one it has no field for."""
    fields = _asked(recording.request, recording.request_bytes, recording.request_type)
    options = pb.ImageOptions(**{key: fields[key] for key in _SETTINGS if key in fields})
    told = fields.get("response_format")
    by_url = told == "url" if told else by_url
    options.delivery = pb.IMAGE_DELIVERY_URL if by_url else pb.IMAGE_DELIVERY_BYTES
    known = {*_SETTINGS, "model", "prompt", "response_format", "user", "(images)", "(mask)", "(form)"}
    unmapped = [f"{key}: the harness does not say it to the hub" for key in fields if key not in known]
    images, mask = _media(recording)
    common: dict[str, Any] = {
        "model": f"{name}/{fields.get('model', _BEFORE_MODELS)}",
        "prompt": fields["prompt"],
        "options": options,
        "user": fields.get("user", ""),
    }
    if images:
        return pb.EditImagesRequest(images=images, mask=mask, **common), unmapped
    return pb.GenerateImagesRequest(**common), unmapped


def _answer_of(recording: Recording) -> dict[str, Any]:
    answer = json.loads(recording.response_body)
    assert isinstance(answer, dict)
    return answer


def _by_url(recording: Recording, answer: dict[str, Any]) -> bool:
    """What the client wanted: as the answer shows, or where it failed, what the model does unasked."""
    if recording.status != 200:
        return recording.model.startswith("dall-e")
    return any("url" in one for one in answer["data"])


def _magic(data: bytes) -> str:
    return "image/png" if data.startswith(b"\x89PNG") else "image/jpeg" if data.startswith(b"\xff\xd8") else ""


def _read(answer: dict[str, Any]) -> Made:
    """The recorded answer, read apart from the hub's own codec."""
    images = []
    for one in answer["data"]:
        data = _unpacked(one["b64_json"]) if "b64_json" in one else b""
        size = struct.unpack(">II", data[16:24]) if data.startswith(b"\x89PNG") else None
        images.append(
            {
                "bytes": _identity(data),
                "url": one.get("url", ""),
                "type": _magic(data) or one.get("mime_type", ""),
                "revised_prompt": one.get("revised_prompt", ""),
                "size": size,
            }
        )
    return {"images": images, "created": answer.get("created", 0), "usage": _usage(answer)}


def _usage(answer: dict[str, Any]) -> dict[str, Any]:
    told = answer.get("usage") or {}
    read = told.get("input_tokens", told.get("prompt_tokens", 0))
    written = told.get("output_tokens", told.get("completion_tokens", 0))
    cost = told.get("cost_in_usd_ticks", 0) / 10 or round(told.get("cost", 0) * 1e9)
    image_tokens = (told.get("input_tokens_details") or {}).get("image_tokens", 0)
    billed = 0 if read or written else len(answer["data"])
    return {"read": read, "written": written, "image_tokens": image_tokens, "billed": billed, "cost": cost}


def _received(response: pb.GenerateImagesResponse | pb.EditImagesResponse) -> Made:
    usage = response.usage
    split = {entry.modality: entry.tokens for entry in usage.input_by_modality}
    return {
        "images": [
            {
                "bytes": _identity(one.media.data),
                "url": one.media.url,
                "type": one.media.mime_type,
                "revised_prompt": one.revised_prompt,
                "size": (one.width, one.height) if one.media.data.startswith(b"\x89PNG") else None,
            }
            for one in response.images
        ],
        "created": response.create_time.seconds,
        "usage": {
            "read": usage.input_tokens,
            "written": usage.output_tokens,
            "image_tokens": split.get(usage_pb2.MODALITY_IMAGE, 0),
            "billed": usage.billed_images,
            "cost": usage.provider_cost_nano_usd,
        },
    }


def _decoded(recording: Recording, answer: dict[str, Any], got: Made, failure: Failure | None) -> list[str]:
    if recording.status != 200:
        expected = failures.failure_of(recording.status, recording.response_body)
        return compare.differences(Answer(failure=expected), Answer(failure=failure))
    if failure is not None:
        return [f"status: {failure.code} {failure.message}"]
    wanted = _read(answer)
    found = [
        f"{name}: recorded {wanted[name]}, got {got[name]}"
        for name in ("created", "usage")
        if wanted[name] != got[name]
    ]
    if len(wanted["images"]) != len(got["images"]):
        return [*found, f"images: recorded {len(wanted['images'])}, got {len(got['images'])}"]
    for index, (one, other) in enumerate(zip(wanted["images"], got["images"], strict=True)):
        found += _differences(f"images[{index}].", one, other)
    return found


def _differences(path: str, wanted: Made, got: Made) -> list[str]:
    return [f"{path}{name}: recorded {wanted[name]}, got {got[name]}" for name in wanted if wanted[name] != got[name]]


def _encoded(bench: Bench, recording: Recording, sent: Captured) -> list[str]:
    content_type = {name.lower(): value for name, value in sent.headers.items()}.get("content-type", "")
    wanted = _asked(recording.request, recording.request_bytes, recording.request_type)
    made = _asked(sent.json(), sent.body, content_type)
    argued = recording.id in exceptions.BY_ID
    found = []
    for difference in normalise.explain(wanted, made, normalise.Context(), bench.used):
        if not (argued and difference.where == "quality"):
            found.append(f"{difference.where}: recorded {difference.recorded}, sent {difference.sent}")
    if not normalise.same_path(recording.path, sent.path, bench.used):
        found.append(f"path: recorded {recording.path}, sent {sent.path}")
    if sent.headers.get("Authorization") != f"Bearer {REPLAY_KEY}":
        found.append("headers: the provider's credential is missing")
    return found


@cache
def _validator(schema: str) -> Callable[[Any], list[str]] | None:
    return request_validator(_SPEC, schema)


def _judged(recording: Recording, sent: Captured) -> list[str] | None:
    if recording.provider != "openai":
        return None
    body = sent.json()
    path = next(one for one in _SUFFIXES if sent.path.endswith(one))
    if body is None:
        content_type = sent.headers.get("Content-Type", "")
        fields: dict[str, Any] = {}
        for name, content, is_file in _parts(sent.body, content_type):
            text = "binary" if is_file else content.decode()
            value: Any = int(text) if text.isdecimal() else text
            if name.endswith("[]"):
                fields.setdefault(name.removesuffix("[]"), []).append(value)
            else:
                fields[name] = value
        body, path = fields, f"{path} multipart"
    elif path == "/images/edits":
        path = f"{path} json"
    validate = _validator(_SCHEMAS[path])
    return validate(body) if validate else None
