"""Images by InvokeModel: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html.

The body is each maker's own; what comes back is much the same of all: ``images`` in base64, and why some are missing,
``error`` at Amazon's models and ``finish_reasons`` at Stability's.
"""

import re
from dataclasses import dataclass

import orjson
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, ProviderBadResponse, ProviderUnavailable, UnsupportedByProvider
from server.wire import json_value as json
from server.wire.bedrock import amazon_images, stability_images
from server.wire.bedrock.draft import PROVIDER
from server.wire.bedrock.errors import read_error
from server.wire.bedrock.families import foundation_model
from server.wire.bedrock.image_task import body_of, task_of
from server.wire.http import HttpRequest, HttpResponse, path_segment
from server.wire.images.ways import capabilities_of, drafted
from server.wire.images.whole import WholeImages
from server.wire.json_value import Object
from server.wire.pictures import Drawn, ImageRequest, Picture

TAKES_N = re.compile(r"(.*[./])?amazon\..*")
"""Models that make several images a request."""

_TASKS = (*amazon_images.TASKS, *stability_images.TASKS)
_FILTERED = "filter reason"


@dataclass(frozen=True, slots=True)
class BedrockImageCodec(WholeImages):
    """The ImageCodec."""

    def encode(self, request: ImageRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ImageCodec.encode."""
        task = task_of(_TASKS, request, foundation_model(model))
        if task is None:
            raise UnsupportedByProvider.of(
                "model", f"{PROVIDER} is known to draw by Nova Canvas, Titan Image Generator and Stability's models"
            )
        draft = drafted(task, request, model, PROVIDER)
        return HttpRequest(
            path=task.path.replace("{model}", path_segment(model)),
            body=orjson.dumps(body_of(task, request, draft)),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            adjusted_fields=tuple(draft.notes.fields),
        )

    def decode(self, response: HttpResponse) -> Drawn:
        """See ImageCodec.decode."""
        answer = json.parse(response.body)
        if type(answer) is not dict:
            raise ProviderBadResponse("the provider's answer is no JSON object")
        pictures = _pictures(answer)
        if not pictures:
            raise ProviderBadResponse("the provider's answer holds no image")
        drawn = sum(not picture.filtered for picture in pictures)
        return Drawn(pictures, Usage(billed_images=drawn or 1))

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ImageCodec.decode_error."""
        return read_error(response)

    def capabilities(self, model: str) -> tuple[str, ...]:
        """See ImageCodec.capabilities."""
        return capabilities_of(_TASKS, foundation_model(model))


def _pictures(answer: Object) -> list[Picture]:
    images = [json.base64_bytes(json.text(one)) for one in json.items(answer.get("images"))]
    reasons = [json.text(one) for one in json.items(answer.get("finish_reasons"))]
    if failed := next((reason for reason in reasons if reason and not _is_filter(reason)), ""):
        raise ProviderUnavailable(f"the model failed: {failed[:200]}")
    pictures = [Picture(index, data=data) for index, data in enumerate(filter(None, images))]
    blocked = [reason for reason in reasons if reason]
    if error := json.text(answer.get("error")):
        # Amazon's models tell nothing else so: see "Response body" of their page.
        blocked.append(error)
    for picture in pictures:
        picture.identify()
    pictures += [
        Picture(len(pictures) + more, filtered=True, filter_reason=reason) for more, reason in enumerate(blocked)
    ]
    return pictures


def _is_filter(reason: str) -> bool:
    return reason.lower().startswith(_FILTERED)
