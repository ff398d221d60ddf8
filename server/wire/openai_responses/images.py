"""Images that the provider's own tool drew."""

from aignehub.v1.chat_pb2 import ContentPart, ImagePart
from aignehub.v1.media_pb2 import Media

from server.wire import json_value as json
from server.wire.image_facts import probe
from server.wire.json_value import Object

_READ = frozenset({"type", "id", "result", "status"})


def drawn_part(told: Object) -> tuple[ContentPart, Object] | None:
    """The image that an item is, its id as ``signature``, and what else the item says; None where it is none."""
    if told.get("type") != "image_generation_call" or not (result := json.text(told.get("result"))):
        return None
    data = json.base64_bytes(result)
    facts = probe(data)
    form = facts.format.lower() if facts else json.text(told.get("output_format")) or "png"
    media = Media(data=data, mime_type=f"image/{form}")
    part = ContentPart(image=ImagePart(media=media), signature=json.text(told.get("id")).encode())
    return part, {"type": "image_generation_call", **json.unread(told, _READ)}
