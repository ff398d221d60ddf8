"""What answers of Ideogram, Stability and Black Forest Labs say."""

import json
from typing import Any

import pytest

from server.errors import (
    ContentFiltered,
    HubError,
    ProviderBadResponse,
    ProviderQuotaExceeded,
    ProviderUnavailable,
)
from server.wire.bfl import BflCodec
from server.wire.http import HttpResponse
from server.wire.ideogram import IdeogramCodec
from server.wire.pictures import ImageJob
from server.wire.stability import StabilityCodec
from tests.contract.test_image_formats import B64, CAT, draw


def answer(body: Any, status: int = 200, **headers: str) -> HttpResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, {name.replace("_", "-"): text for name, text in headers.items()}, raw)


def test_an_answer_of_ideogram() -> None:
    body = {
        "created": "2026-01-02T03:04:05+00:00",
        "data": [
            {
                "url": "https://x/1.png",
                "prompt": "A fat cat",
                "resolution": "1280x800",
                "is_image_safe": True,
                "seed": 1,
            },
            {"url": None, "prompt": "A fat cat", "resolution": "1280x800", "is_image_safe": False, "seed": 2},
        ],
    }
    drawn = IdeogramCodec().decode(answer(body))
    first, second = drawn.pictures
    assert (first.url, first.width, first.height, first.revised_prompt) == ("https://x/1.png", 1280, 800, "A fat cat")
    assert (second.index, second.filtered, second.url) == (1, True, "")
    assert "safety" in second.filter_reason
    assert (drawn.created, drawn.usage.billed_images) == (1767323045, 1)


def test_an_answer_of_stability() -> None:
    decode = StabilityCodec().decode
    for response in (
        answer(CAT, Content_Type="image/png", seed="7", Finish_Reason="SUCCESS"),
        answer({"image": B64, "finish_reason": "SUCCESS", "seed": 7}),
    ):
        [picture] = decode(response).pictures
        assert (picture.data, picture.mime_type, picture.width, picture.filtered) == (CAT, "image/png", 8, False)
    for response in (
        answer(CAT, Content_Type="image/png", Finish_Reason="CONTENT_FILTERED"),
        answer({"image": B64, "finish_reason": "CONTENT_FILTERED"}),
    ):
        drawn = decode(response)
        assert (drawn.pictures[0].filtered, drawn.pictures[0].data, drawn.usage.billed_images) == (True, CAT, 1)


def test_errors_as_each_vendor_tells_them() -> None:
    told = {"id": "1", "name": "content_moderation", "errors": ["Your request was flagged by our moderation system"]}
    error = StabilityCodec().decode_error(answer(told, 403))
    assert isinstance(error, ContentFiltered)
    assert error.metadata["providerCode"] == "content_moderation"
    bad = StabilityCodec().decode_error(answer({"name": "bad_request", "errors": ["a: b", "c: d"]}, 400))
    assert "a: b; c: d" in bad.message
    assert isinstance(
        StabilityCodec().decode_error(answer({"name": "x", "errors": ["no credits"]}, 402)), ProviderQuotaExceeded
    )
    assert isinstance(IdeogramCodec().decode_error(answer({"error": "Prompt failed"}, 422)), ContentFiltered)
    assert isinstance(IdeogramCodec().decode_error(answer(b"<html>", 422)), ContentFiltered)
    assert isinstance(IdeogramCodec().decode_error(answer({"error": "no"}, 402)), ProviderQuotaExceeded)
    rejected = BflCodec().decode_error(answer({"detail": [{"loc": ["body", "width"], "msg": "too small"}]}, 422))
    assert "body.width: too small" in rejected.message
    with pytest.raises(HubError, match="flagged"):
        StabilityCodec().decode(answer(told))


JOB = ImageJob("https://api.bfl.ai/v1/get_result?id=1", 40_000_000)


def test_a_job_of_bfl() -> None:
    begun = {"id": "1", "polling_url": "https://api.eu.bfl.ai/v1/get_result?id=1", "cost": 4.5}
    assert BflCodec().job(answer(begun)) == ImageJob("https://api.eu.bfl.ai/v1/get_result?id=1", 45_000_000)
    assert BflCodec().job(answer({"polling_url": "https://x/"})).cost_nano_usd is None
    for status in ("Pending", "Queued", "Generating", "Something new"):
        assert BflCodec().drawn(answer({"status": status, "result": None}), JOB, draw()) is None
    ready = {"status": "Ready", "result": {"sample": "https://d.bfl.ai/1.jpg", "prompt": "a fat cat", "seed": 5}}
    drawn = BflCodec().drawn(answer(ready), JOB, draw())
    assert drawn
    assert (drawn.pictures[0].url, drawn.pictures[0].revised_prompt) == ("https://d.bfl.ai/1.jpg", "a fat cat")
    assert (drawn.usage.billed_images, drawn.usage.provider_cost_nano_usd) == (1, 40_000_000)
    moderated = {"status": "Content Moderated", "details": {"Moderation Reasons": ["Derivative Works Filter"]}}
    drawn = BflCodec().drawn(answer(moderated), JOB, draw())
    assert drawn
    assert (drawn.pictures[0].filtered, drawn.pictures[0].filter_reason) == (True, "Derivative Works Filter")


FAILED = [
    ({"status": "Request Moderated", "details": {"Moderation Reasons": ["Safety Filter"]}}, ContentFiltered, "Safety"),
    ({"status": "Error", "details": {"error": "out of memory"}}, ProviderUnavailable, "out of memory"),
    ({"status": "Error", "result": {"error": "boom"}}, ProviderUnavailable, "boom"),
    ({"status": "Task not found"}, ProviderUnavailable, "task not found"),
    ({"status": "Ready", "result": {}}, ProviderBadResponse, "no image"),
    ({"status": "Ready", "result": {"sample": "x" * 9000}}, ProviderBadResponse, "too long"),
    ({}, ProviderBadResponse, "did not say"),
    ([1], ProviderBadResponse, "no JSON object"),
]


@pytest.mark.parametrize(("body", "error", "says"), FAILED)
def test_a_job_that_fails(body: Any, error: type[HubError], says: str) -> None:
    with pytest.raises(error, match=says):
        BflCodec().drawn(answer(body), JOB, draw())


@pytest.mark.parametrize("body", [{}, {"polling_url": 5}, {"polling_url": ""}, [1], {"error": "busy"}])
def test_a_job_that_was_not_begun(body: Any) -> None:
    with pytest.raises(HubError):
        BflCodec().job(answer(body))
