"""Answers of the format: a job begun, and how it goes. https://docs.bfl.ai/api-reference/utility/get-result."""

from aignehub.v1.usage_pb2 import Usage

from server.errors import ContentFiltered, HubError, ProviderBadResponse, ProviderUnavailable
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.http import HttpResponse
from server.wire.images.answer import address
from server.wire.json_value import Object
from server.wire.pictures import Drawn, ImageJob, ImageRequest, Picture

_NANO_USD_PER_CREDIT = 10_000_000
"""A credit is a cent: https://docs.bfl.ai/quick_start/pricing."""


def job(response: HttpResponse) -> ImageJob:
    """See ImageJobCodec.job."""
    answer = _object(response)
    if (error := provider_errors.error_in(answer, response.headers)) is not None:
        raise error
    url = address(answer.get("polling_url"))
    if not url:
        raise ProviderBadResponse("the provider did not say where to ask after the image")
    credits = json.number(answer.get("cost"))
    known = credits is not None and 0 <= credits < 1e9
    return ImageJob(url, round(credits * _NANO_USD_PER_CREDIT) if credits is not None and known else None)


def drawn(response: HttpResponse, job: ImageJob, request: ImageRequest) -> Drawn | None:
    """See ImageJobCodec.drawn."""
    answer = _object(response)
    match json.text(answer.get("status")):
        case "Ready":
            return _drawn(_ready(json.obj(answer.get("result")), request), job)
        case "Content Moderated":
            reason = _reasons(answer) or "the image was moderated"
            return _drawn(Picture(0, filtered=True, filter_reason=reason), job)
        case "Request Moderated":
            raise ContentFiltered(
                f"the provider's safety filter refused the request: {_reasons(answer) or 'no reason'}"
            )
        case "Error" | "Failed" | "Task not found" as status:
            raise _failure(status, answer)
        case "":
            raise ProviderBadResponse("the provider did not say how the image goes")
        case _:
            return None  # Pending, Queued, Reasoning, Generating, and what may come to be beside them


def _object(response: HttpResponse) -> Object:
    answer = json.parse(response.body)
    if type(answer) is not dict:
        raise ProviderBadResponse("the provider's answer is no JSON object")
    return answer


def _ready(result: Object, request: ImageRequest) -> Picture:
    url = address(result.get("sample"))
    if not url:
        raise ProviderBadResponse("the provider's answer holds no image")
    prompt = json.text(result.get("prompt"))
    return Picture(0, url=url, revised_prompt="" if prompt == request.prompt else prompt)


def _drawn(picture: Picture, job: ImageJob) -> Drawn:
    usage = Usage(billed_images=1)
    if job.cost_nano_usd is not None:
        usage.provider_cost_nano_usd = job.cost_nano_usd
    return Drawn([picture], usage)


def _reasons(answer: Object) -> str:
    details = json.obj(answer.get("details"))
    told = [text for reason in json.items(details.get("Moderation Reasons")) if (text := json.text(reason))]
    return provider_errors.tell(", ".join(told))


def _failure(status: str, answer: Object) -> HubError:
    told = json.obj(answer.get("details")).get("error") or json.obj(answer.get("result")).get("error")
    if json.says_something(told) and (error := provider_errors.error_in({"error": told})) is not None:
        return error
    return ProviderUnavailable(f"the provider could not make the image: {status.lower()}")
