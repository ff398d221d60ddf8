"""Answers of the format: the image itself, or JSON that holds it as base64; errors as ``{id, name, errors}``."""

import orjson
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, ProviderBadResponse
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.http import HttpResponse
from server.wire.pictures import Drawn, Picture

_FILTERED = "CONTENT_FILTERED"


def decode(response: HttpResponse) -> Drawn:
    """See ImageCodec.decode. An image that moderation blurred is told as filtered."""
    if response.headers.get("Content-Type", "").startswith("image/"):
        data, reason = response.body, response.headers.get("Finish-Reason", "")
    else:
        data, reason = _from_json(response)
    filtered = reason.upper() == _FILTERED
    if not data and not filtered:
        raise ProviderBadResponse("the provider's answer holds no image")
    picture = Picture(0, data=data, filtered=filtered, filter_reason=_FILTERED if filtered else "")
    picture.identify()
    return Drawn([picture], Usage(billed_images=1))


def _from_json(response: HttpResponse) -> tuple[bytes, str]:
    answer = json.parse(response.body)
    if type(answer) is not dict:
        raise ProviderBadResponse("the provider's answer is no JSON object")
    if json.says_something(answer.get("errors")):
        raise read_error(response)
    image = json.text(answer.get("image"))
    return json.base64_bytes(image), json.text(answer.get("finish_reason"))


def read_error(response: HttpResponse) -> HubError:
    """See ImageCodec.decode_error. https://platform.stability.ai/docs/api-reference: ``{id, name, errors: [text]}``."""
    try:
        told = json.obj(orjson.loads(response.body))
    except ValueError:
        told = {}
    errors = [text for text in map(json.text, json.items(told.get("errors"))) if text]
    if errors:
        plain = {"error": {"message": "; ".join(errors), "code": json.text(told.get("name"))}}
        response = HttpResponse(response.status, response.headers, orjson.dumps(plain))
    return provider_errors.read_error(response)
