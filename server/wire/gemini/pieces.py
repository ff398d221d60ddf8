"""One part of an answer, read the same in a whole one and in a stream."""

from dataclasses import dataclass

from aignehub.v1.chat_pb2 import AudioPart, ContentPart, FilePart, ImagePart, ProviderPart, ReasoningPart, VideoPart
from aignehub.v1.media_pb2 import Media

from server.wire import json_value as json
from server.wire.json_value import Object

# What may stand beside the one field that says what a part is.
_BESIDE = frozenset({"thought", "thoughtSignature", "partMetadata", "videoMetadata", "mediaResolution"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function; ``id`` is empty where the provider gave none."""

    id: str
    name: str
    arguments: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Sound:
    """Part of a spoken answer, as ``mime_type`` says, such as audio/L16;codec=pcm;rate=24000."""

    data: bytes
    mime_type: str


Piece = ContentPart | Call | Sound


def read_part(part: Object, provider: str) -> Piece | None:
    """What a part says; None where it says nothing. Signatures stay the provider's own text."""
    signature = json.text(part.get("thoughtSignature")).encode()
    thought = part.get("thought") is True
    call = part.get("functionCall")
    if type(call) is dict:
        return _call(call, signature)
    for key, value in part.items():
        if key in _BESIDE or not (json.says_something(value) or key == "text"):
            continue
        if key == "text" and type(value) is str:
            return _text(value, signature, provider, thought=thought)
        if key in ("inlineData", "fileData") and type(value) is dict and not thought:
            return _media(value, signature)
        # What no field of the contract holds goes back as it came, its signature with it. Pictures that are thoughts
        # are among them: they are no part of the answer.
        block = ProviderPart(provider=provider, type=key, json=json.to_text(part), id=_id(value))
        return ContentPart(provider=block)
    return _text("", signature, provider, thought=thought)


def _id(value: json.Json) -> str:
    return json.text(json.obj(value).get("id"))


def _text(text: str, signature: bytes, provider: str, *, thought: bool) -> ContentPart | None:
    if not text and not signature:
        return None
    if thought:
        return ContentPart(reasoning=ReasoningPart(text=text, signature=signature, provider=provider))
    return ContentPart(text=text, signature=signature)


def _call(told: Object, signature: bytes) -> Call:
    arguments = told.get("args")
    return Call(
        id=json.text(told.get("id")),
        name=json.text(told.get("name")),
        arguments=json.to_text(arguments) if type(arguments) is dict and arguments else "{}",
        signature=signature,
    )


def _media(told: Object, signature: bytes) -> ContentPart | Sound | None:
    mime_type = json.text(told.get("mimeType"))
    media = Media(mime_type=mime_type)
    if uri := json.text(told.get("fileUri")):
        media.url = uri
    elif data := json.base64_bytes(json.text(told.get("data"))):
        media.data = data
    else:
        return None
    match mime_type.partition("/")[0].lower():
        case "image":
            return ContentPart(image=ImagePart(media=media), signature=signature)
        case "video":
            return ContentPart(video=VideoPart(media=media), signature=signature)
        case "audio" if media.data:
            return Sound(media.data, mime_type)
        case "audio":
            return ContentPart(audio=AudioPart(media=media), signature=signature)
        case _:
            return ContentPart(file=FilePart(media=media), signature=signature)
