"""Calls of the image service for tests, and what a provider in OpenAI's format answers to them."""

import json
import random
from base64 import b64encode
from collections.abc import AsyncIterable
from email.message import Message
from email.parser import BytesParser
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest
from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1 import media_pb2

from tests.fake_provider import Seen
from tests.pictures import solid_png
from tests.running import failure

CAT = solid_png(64, 32, (10, 20, 30, 255))
MIB = 1024 * 1024
LARGE = CAT + random.Random(7).randbytes(5 * MIB)  # decoders stop at IEND; what counts here is the bytes
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"text_tokens": 8, "image_tokens": 2},
    "output_tokens": 272,
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 272},
    "total_tokens": 282,
}


def whole(*data: bytes, **more: Any) -> dict[str, Any]:
    return {"created": 1750000000, "data": [{"b64_json": b64encode(one).decode()} for one in data], **more}


def event(kind: str, data: bytes | None = None, **more: Any) -> bytes:
    body = {"type": kind, **({} if data is None else {"b64_json": b64encode(data).decode()}), **more}
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps(body).encode())


def partial(data: bytes, index: int) -> bytes:
    return event("image_generation.partial_image", data, partial_image_index=index)


def completed(data: bytes, kind: str = "image_generation") -> bytes:
    return event(f"{kind}.completed", data, usage=USAGE)


def draw(prompt: str = "a cat", model: str = "openai/gpt-image-1", **options: Any) -> pb.GenerateImagesRequest:
    return pb.GenerateImagesRequest(model=model, prompt=prompt, options=pb.ImageOptions(**options))


def change(*images: media_pb2.Media, model: str = "openai/gpt-image-1", **more: Any) -> pb.EditImagesRequest:
    return pb.EditImagesRequest(model=model, prompt="make it green", images=images, **more)


def png(data: bytes = CAT, **more: Any) -> media_pb2.Media:
    return media_pb2.Media(data=data, mime_type="image/png", **more)


def form(seen: Seen) -> list[Message]:
    head = f"Content-Type: {seen.headers['Content-Type']}\r\n\r\n".encode()
    parts = BytesParser().parsebytes(head + seen.body).get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]


def named(parts: list[Message]) -> dict[str, bytes]:
    found = {}
    for part in parts:
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found[str(part.get_param("name", header="content-disposition"))] = content
    return found


def reachable(*base_urls: str) -> dict[str, Any]:
    """Egress settings that let the hub fetch from the fakes of a test."""
    ports = [urlsplit(url).port for url in base_urls]
    return {"allow_http": True, "allowed_ports": ports, "allowed_networks": ["127.0.0.0/8"]}


async def collected(events: AsyncIterable[pb.ImageStreamEvent]) -> list[pb.ImageStreamEvent]:
    return [one async for one in events]


async def refused(awaitable: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await awaitable
    return failure(raised.value)
