"""Answers of the format: an address for each image, which expires, or the word that it is not safe."""

import orjson
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, ProviderBadResponse
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.http import HttpResponse
from server.wire.images.answer import address, measured
from server.wire.json_value import Object
from server.wire.pictures import Drawn, Picture
from server.wire.timestamps import iso_seconds

_UNSAFE = "the image did not pass the provider's safety check"
_SAFETY_STATUS = 422
"""Of a prompt or a source that failed the safety check: https://developer.ideogram.ai/api-reference."""


def decode(response: HttpResponse) -> Drawn:
    """See ImageCodec.decode."""
    answer = json.parse(response.body)
    if type(answer) is not dict:
        raise ProviderBadResponse("the provider's answer is no JSON object")
    if (error := provider_errors.error_in(answer, response.headers)) is not None:
        raise error
    pictures = [_picture(one, index) for index, one in enumerate(json.objects(answer.get("data")))]
    if not any(picture.url or picture.filtered for picture in pictures):
        raise ProviderBadResponse("the provider's answer holds no image")
    drawn = sum(not picture.filtered for picture in pictures)
    return Drawn(pictures, Usage(billed_images=drawn or 1), created=iso_seconds(answer.get("created")))


def _picture(one: Object, index: int) -> Picture:
    picture = Picture(index, url=address(one.get("url")), revised_prompt=json.text(one.get("prompt")))
    measured(picture, json.text(one.get("upscaled_resolution")) or json.text(one.get("resolution")))
    if one.get("is_image_safe") is False:
        picture.url, picture.filtered, picture.filter_reason = "", True, _UNSAFE
    return picture


def read_error(response: HttpResponse) -> HubError:
    """See ImageCodec.decode_error."""
    if response.status != _SAFETY_STATUS:
        return provider_errors.read_error(response)
    try:
        told = json.obj(orjson.loads(response.body))
    except ValueError:
        told = {}
    message = json.text(told.get("error")) or json.text(told.get("message"))
    body = orjson.dumps({"error": {"message": message, "code": "content_policy_violation"}})
    return provider_errors.read_error(HttpResponse(response.status, response.headers, body))
