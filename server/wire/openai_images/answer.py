"""Answers of the format: images as base64, as addresses, or as the reason why there are none."""

import re

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.http import HttpResponse
from server.wire.images.answer import address, measured
from server.wire.images.usage import read_usage
from server.wire.json_value import Object
from server.wire.openai_images.names import NAMES
from server.wire.pictures import Drawn, Picture

_DATA_URL = re.compile(r"data:[\w.+/-]{0,100}(?:;[\w=.+-]{1,100})*,")


def decode(response: HttpResponse) -> Drawn:
    """See ImageCodec.decode."""
    answer = json.parse(response.body)
    if type(answer) is not dict:
        raise ProviderBadResponse("the provider's answer is no JSON object")
    if (error := provider_errors.error_in(answer, response.headers, names=NAMES)) is not None:
        raise error
    pictures = [picture_of(one, answer, index) for index, one in enumerate(json.objects(answer.get("data")))]
    if not any(picture.data or picture.url or picture.filtered for picture in pictures):
        raise ProviderBadResponse("the provider's answer holds no image")
    drawn = sum(not picture.filtered for picture in pictures)
    return Drawn(
        pictures,
        read_usage(json.obj(answer.get("usage")), drawn or 1),  # an image that was filtered is drawn and paid for
        json.text(answer.get("model")),
        json.count(answer.get("created")),
    )


def picture_of(one: Object, answer: Object, index: int) -> Picture:
    """One entry of ``data``, or one event of a stream (which is then ``answer`` too)."""
    picture = Picture(
        index,
        url=address(one.get("url")),
        mime_type=_told_type(one, answer),
        revised_prompt=json.text(one.get("revised_prompt")),
    )
    if text := json.text(one.get("b64_json")):
        picture.data = image_bytes(text)
    measured(picture, json.text(one.get("size")) or json.text(answer.get("size")))
    _judge(picture, one)
    return picture


def image_bytes(text: str) -> bytes:
    """What base64 stands for; some hosts put ``data:image/png;base64,`` before it."""
    if text.startswith("data:") and (head := _DATA_URL.match(text)):
        text = text[head.end() :]
    return json.base64_bytes(text)


def _told_type(one: Object, answer: Object) -> str:
    """OpenRouter's media_type, xAI's mime_type, OpenAI's output_format."""
    told = json.text(one.get("media_type")) or json.text(one.get("mime_type"))
    word = json.text(answer.get("output_format"))
    return told[:128] or (f"image/{word}" if word in ("png", "jpeg", "webp") else "")


def _judge(picture: Picture, one: Object) -> None:
    """Where an image is missing or refused: Doubao puts an error in its place, xAI says respect_moderation."""
    refused = one.get("respect_moderation") is False
    if (picture.data or picture.url) and not refused:
        return
    error = json.obj(one.get("error"))
    reasons = (error.get("message"), error.get("code"), one.get("filter_reason"), one.get("finish_reason"))
    reason = next((text for text in map(json.text, reasons) if text), "")
    if refused or reason:
        picture.filtered = True
        picture.filter_reason = provider_errors.tell(reason or "moderation")
