"""vision: what the images it got are."""

from base64 import b64decode
from binascii import Error as Base64Error

from server.sandbox.answer import Draft
from server.sandbox.messages import Part
from server.sandbox.refusal import Refusal
from server.sandbox.request import ChatRequest
from server.wire.image_facts import probe


def vision(request: ChatRequest, index: int) -> Draft:
    """A line for each image of the conversation: ``Image 1: PNG, 64 x 48 pixels.`` A URL is named, never fetched."""
    images = [part for message in request.messages for part in message.parts if part.kind == "image_url"]
    if not images:
        return Draft("I got no image: send one as an image_url part, its url a data: URL.")
    return Draft("\n".join(f"Image {place}: {_described(image)}." for place, image in enumerate(images, 1)))


def _described(image: Part) -> str:
    detail = f", detail {image.detail}" if image.detail else ""
    if image.url[:5].lower() != "data:":
        return f"a URL, which I do not fetch: {image.url}{detail}"
    found = probe(_bytes(image))
    if found is None:
        raise Refusal(
            f"Invalid '{image.path}': not a PNG, JPEG, GIF or WebP image that can be read.",
            param=image.path,
            code="invalid_image_format",
        )
    return f"{found.format}, {found.width} x {found.height} pixels{detail}"


def _bytes(image: Part) -> bytes:
    head, _, data = image.url.partition(",")
    try:
        if head.endswith(";base64"):
            return b64decode(data, validate=True)
    except Base64Error:
        pass
    raise Refusal(
        f"Invalid '{image.path}': expected data:image/...;base64, and then base64.",
        param=image.path,
        code="invalid_base64_image",
    )
