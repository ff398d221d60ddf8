"""One input as hosts of the format write it. All write a text alone as a string, but for Voyage's path for images."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from aignehub.v1.embedding_service_pb2 import EmbeddingInput
from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.image_facts import probe
from server.wire.pictures import MIME_TYPES

WriteInput = Callable[[str, EmbeddingInput], Any]
"""An input as JSON; the path is its own, for errors. Raises InvalidArgument or UnsupportedByProvider naming it."""


def openai_input(path: str, one: EmbeddingInput) -> Any:
    """OpenAI's texts and token ids; images as OpenRouter has them."""
    match one.WhichOneof("input"):
        case "tokens":
            return list(one.tokens.ids)
        case "image":
            # https://openrouter.ai/docs/api-reference/embeddings/create-embeddings
            url = _url(one.image, f"{path}.image") or _data_url(one.image, f"{path}.image")
            return {"content": [{"type": "image_url", "image_url": {"url": url}}]}
        case _:
            return one.text


def voyage_content(path: str, one: EmbeddingInput) -> Any:
    """https://docs.voyageai.com/reference/multimodal-embeddings-api: every input is a list of pieces."""
    if one.WhichOneof("input") != "image":
        return {"content": [{"type": "text", "text": one.text}]}
    path = f"{path}.image"
    if url := _url(one.image, path):
        return {"content": [{"type": "image_url", "image_url": url}]}
    return {"content": [{"type": "image_base64", "image_base64": _data_url(one.image, path)}]}


def jina_input(path: str, one: EmbeddingInput) -> Any:
    """https://api.jina.ai/redoc: an image is its address, or its bytes as base64."""
    if one.WhichOneof("input") != "image":
        return one.text
    return {"image": _url(one.image, f"{path}.image") or b64encode(one.image.data).decode()}


def _url(media: Media, path: str) -> str:
    if media.WhichOneof("source") == "file_id":
        raise UnsupportedByProvider.of(f"{path}.file_id", "send the image's bytes or its URL")
    return media.url


def _data_url(media: Media, path: str) -> str:
    facts = probe(media.data)
    mime_type = MIME_TYPES[facts.format] if facts else media.mime_type
    if not mime_type:
        raise InvalidArgument.field(f"{path}.mime_type", "is required with data, for example image/png")
    return f"data:{mime_type};base64,{b64encode(media.data).decode()}"
