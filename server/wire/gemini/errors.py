"""Google's errors, which say more than others: how long to wait, and what is wrong where.

https://cloud.google.com/apis/design/errors#error_details
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import orjson

from server.errors import (
    FieldViolation,
    HubError,
    ProviderCredentialInvalid,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
)
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.field_names import Names, field_of
from server.wire.http import HttpResponse
from server.wire.json_value import Object
from server.wire.retry_after import MAX_SECONDS

_RETRY_INFO = "google.rpc.RetryInfo"
_BAD_REQUEST = "google.rpc.BadRequest"
_QUOTA_FAILURE = "google.rpc.QuotaFailure"
_ERROR_INFO = "google.rpc.ErrorInfo"
_MOST_FIELDS = 8
_CONFIG = "generation_config"
_NAMES: Names = MappingProxyType({
    # Turns are not messages: what a system said stands apart, and what one side says in a row is one.
    "contents": "messages",
    "system_instruction": "messages",
    "tools": "tools",
    "tool_config": "tool_choice",
    **{f"{_CONFIG}.{name}": name
       for name in ("temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty")},
    f"{_CONFIG}.max_output_tokens": "max_completion_tokens",
    f"{_CONFIG}.stop_sequences": "stop",
    f"{_CONFIG}.candidate_count": "n",
    f"{_CONFIG}.response_logprobs": "logprobs",
    f"{_CONFIG}.logprobs": "top_logprobs",
    f"{_CONFIG}.response_modalities": "modalities",
    f"{_CONFIG}.response_mime_type": "response_format",
    f"{_CONFIG}.response_schema": "response_format",
    f"{_CONFIG}.response_json_schema": "response_format",
    f"{_CONFIG}.speech_config": "audio",
    f"{_CONFIG}.thinking_config": "reasoning",
    "labels": "metadata",
})  # fmt: skip


def read_error(response: HttpResponse) -> HubError:
    """What an answer outside 2xx means. Never raises."""
    error = provider_errors.read_error(response)
    try:
        answer = orjson.loads(response.body)
    except ValueError:
        return error
    if type(answer) is list and answer:
        answer = answer[0]
    return _detailed(error, json.obj(answer))


def error_in(answer: Object, headers: Mapping[str, str] | None = None) -> HubError | None:
    """The failure told inside a 200 body or a stream's event; None where ``answer`` tells none."""
    error = provider_errors.error_in(answer, headers)
    return None if error is None else _detailed(error, answer)


def _detailed(error: HubError, answer: Object) -> HubError:
    details = json.objects(json.obj(answer.get("error")).get("details"))
    wait = _seconds(_of(details, _RETRY_INFO))
    if error.retry_after is None:
        error.retry_after = wait
    if isinstance(error, ProviderQuotaExceeded) and wait is not None and not _daily(_of(details, _QUOTA_FAILURE)):
        # "You exceeded your current quota" is said of every limit; one that ends soon is no empty account.
        # https://ai.google.dev/gemini-api/docs/rate-limits
        said = provider_errors.tell(json.text(json.obj(answer.get("error")).get("message")))
        return ProviderRateLimited(
            f"the provider's rate limit was reached: {said}", metadata=error.metadata, retry_after=error.retry_after
        )
    if json.text(_of(details, _ERROR_INFO).get("reason")).startswith("API_KEY_"):
        # A key that is wrong is answered with status 400.
        return ProviderCredentialInvalid(
            "the provider refused the hub's credential; tell the operator", metadata=error.metadata
        )
    if isinstance(error, ProviderRejected) and not error.fields:
        error.fields = tuple(_violations(_of(details, _BAD_REQUEST)))
    return error


def _daily(told: Object) -> bool:
    """Whether a limit of a whole day is used up."""
    return any("PerDay" in json.text(violation.get("quotaId")) for violation in json.objects(told.get("violations")))


def _of(details: Iterable[Object], kind: str) -> Object:
    return next((detail for detail in details if json.text(detail.get("@type")).endswith(kind)), {})


def _seconds(info: Object) -> float | None:
    """A duration as JSON has it, such as 33.5s."""
    told = json.text(info.get("retryDelay"))
    if not told.endswith("s"):
        return None
    try:
        seconds = float(told[:-1])
    except ValueError:
        return None
    return min(seconds, MAX_SECONDS) if 0 <= seconds < float("inf") else None


def _violations(told: Object) -> Iterable[FieldViolation]:
    for violation in json.objects(told.get("fieldViolations"))[:_MOST_FIELDS]:
        said = provider_errors.tell(json.text(violation.get("description")))
        where = provider_errors.tell(json.text(violation.get("field")))
        yield FieldViolation(field_of(provider_errors.shorten(where, 128), _NAMES), said or "refused by the provider")
