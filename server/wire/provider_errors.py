"""What a provider's refusal means: one table for every host and every shape of body.

An error goes by what it says first (a 400 may mean an unknown model, a bad key or an empty account) and by its
number last. The shapes, as recorded: ``{error: {message, type, code, param}}`` with or without ``type: error``
beside it, ``{message}``, ``{detail}`` as text or as a list, ``{code, error: "..."}``, ``{error: "..."}``, a list of
one of these, plain text, HTML, and nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from server.errors import (
    ContentFiltered,
    ContextLengthExceeded,
    FailedPrecondition,
    FieldViolation,
    HubError,
    ModelNotFound,
    ProviderBadResponse,
    ProviderCredentialInvalid,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRegionRefused,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from server.wire import json_value as json
from server.wire.http import HttpResponse
from server.wire.json_value import Json, Object
from server.wire.redact import redact
from server.wire.retry_after import retry_after

MAX_MESSAGE_BYTES = 1024
"""Most of a provider's own words that a caller is told: error details must stay below 4 KiB in all."""

_MAX_CODE = 64
_MAX_PARAM = 128


@dataclass(frozen=True, slots=True)
class _Complaint:
    """What the body says, whatever its shape; ``status`` is 0 where nothing tells it."""

    status: int
    message: str = ""
    code: str = ""
    kind: str = ""
    param: str = ""

    @property
    def words(self) -> str:
        return self.message.lower()

    @property
    def codes(self) -> tuple[str, str]:
        return self.code.lower(), self.kind.lower()


@dataclass(frozen=True, slots=True)
class _Rule:
    """Holds where the status is one of ``statuses`` (empty: any) and a code or a phrase is met."""

    error: type[HubError]
    statuses: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    says: re.Pattern[str] | None = None

    def holds(self, complaint: _Complaint) -> bool:
        if self.statuses and complaint.status not in self.statuses:
            return False
        if not self.codes.isdisjoint(complaint.codes):
            return True
        return self.says is not None and self.says.search(complaint.words) is not None


def _any_of(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases))


_REFUSALS = frozenset({0, 400, 403, 404, 406, 413, 422})

_RULES = (
    # Groq answers 413 with code rate_limit_exceeded where one request is above the tokens of a minute.
    _Rule(
        ProviderRateLimited,
        codes=frozenset(
            {"rate_limit_exceeded", "rate_limit_error", "ratelimitreached", "too_many_requests", "rate_limited"}
        ),
    ),
    _Rule(
        ContextLengthExceeded,
        _REFUSALS,
        frozenset({"context_length_exceeded", "model_context_window_exceeded"}),
        _any_of(
            "maximum context length",
            "max(imum)? context (length|window|size)",
            "context (length|window) (is |was )?exceeded",
            "exceed(s|ed|ing)? (the |this |its )?(model'?s? )?(max(imum)? )?(available )?context",
            "prompt (is )?too long",
            "input is too long",
            "input length .* exceed",
            "too many input tokens",
            "reduce the length of the (messages|prompt|input)",
        ),
    ),
    _Rule(
        ProviderQuotaExceeded,
        frozenset({0, 400, 402, 403, 429}),
        frozenset(
            {
                "insufficient_quota",
                "insufficient_balance",
                "insufficient_credits",
                "billing_hard_limit_reached",
                "billing_not_active",
                "credits_exhausted",
                "payment_required",
                "accountoverdueerror",
            }
        ),
        _any_of(
            "insufficient (account )?balance",
            "insufficient (credits?|funds|quota)",
            "exceeded your current quota",
            "run out of (available )?credits?",
            "out of credits",
            "(requires|need|add) more credits",
            "credit balance is too low",
            "monthly spending limit",
            "overdue balance",
        ),
    ),
    _Rule(
        ContentFiltered,
        _REFUSALS,
        frozenset(
            {
                "content_filter",
                "content_policy_violation",
                "responsibleaipolicyviolation",
                "moderation_blocked",
                "data_inspection_failed",
                "sensitivecontentdetected",
            }
        ),
        _any_of(
            "content (policy|management policy|filter)",
            "content violates",
            "usage guidelines",
            "safety_check",
            "failed check",
            "flagged (for|as|by)",
            "safety system",
        ),
    ),
    _Rule(
        ProviderRegionRefused,
        frozenset({0, 400, 403, 451}),
        frozenset({"unsupported_country_region_territory"}),
        _any_of(
            "not (available|supported) in your (region|country)", "geographic restriction", "region(al)? restriction"
        ),
    ),
    _Rule(
        ProviderUnavailable,
        frozenset({403}),
        says=_any_of("temporarily blocked", "temporary block", "try again later"),
    ),
    _Rule(
        ModelNotFound,
        _REFUSALS | {410},
        frozenset(
            {
                "model_not_found",
                "deploymentnotfound",
                "unknown_model",
                "model_not_available",
                "modelnotfound",
                "invalid_model",
            }
        ),
        _any_of(
            r"\b(model|deployment)\b.{0,200}(does not|doesn't|did not) exist",
            r"\b(model|deployment)\b.{0,200}\bnot (be )?found",
            r"\b(unknown|invalid|no such|unsupported) model\b",
            r"\bmodel not exist",
            r"not a valid model",
            r"does not have access to model",
        ),
    ),
    _Rule(
        ProviderCredentialInvalid,
        frozenset({0, 400, 401, 403, 404, 422}),
        frozenset(
            {"invalid_api_key", "authentication_error", "invalid_authentication", "unauthorized", "api_key_invalid"}
        ),
        _any_of(
            "(incorrect|invalid|wrong|expired|missing|unknown) api[- ]?key",
            r"api[- ]?key (is |was )?(not valid|not found|invalid|expired|missing|incorrect|required)",
            "no auth credentials",
            "(invalid|missing) authentication",
            "authentication fail",
        ),
    ),
    _Rule(
        ProviderUnavailable,
        frozenset({0, 400, 500, 502, 503, 529}),
        frozenset(
            {"overloaded_error", "engine_overloaded", "server_overloaded", "server_error", "internal_server_error"}
        ),
        _any_of(r"\boverloaded\b", "at capacity"),
    ),
    _Rule(ProviderTimeout, frozenset({0}), frozenset({"timeout", "request_timeout", "timeout_error"})),
    _Rule(ProviderRateLimited, frozenset({0, 400, 503}), says=_any_of("rate limit", "too many requests")),
    _Rule(ProviderRejected, frozenset({0}), frozenset({"invalid_request_error", "bad_request", "invalid_argument"})),
)

_BY_STATUS: Mapping[int, type[HubError]] = {
    0: ProviderUnavailable,
    401: ProviderCredentialInvalid,
    402: ProviderQuotaExceeded,
    403: ProviderCredentialInvalid,
    404: ModelNotFound,
    407: ProviderUnavailable,
    408: ProviderTimeout,
    410: ModelNotFound,
    425: ProviderUnavailable,
    429: ProviderRateLimited,
    451: ProviderRegionRefused,
    # Groq's flex tier is out of capacity: https://console.groq.com/docs/flex-processing
    498: ProviderUnavailable,
    504: ProviderTimeout,
    524: ProviderTimeout,
}


def read_error(response: HttpResponse) -> HubError:
    """What an answer outside 2xx means. Never raises."""
    complaint = _from_body(response.status, response.body)
    return _as_error(complaint, retry_after(response.headers, complaint.message))


def error_in(answer: Object, headers: Mapping[str, str] | None = None) -> HubError | None:
    """The failure told inside a 200 body or a stream's event; None where ``answer`` tells none."""
    told = answer.get("error")
    if not json.says_something(told) or told is False:
        return None
    complaint = _from_json(_status_told(answer), answer)
    return _as_error(complaint, retry_after(headers or {}, complaint.message))


def _status_told(answer: Object) -> int:
    error = json.obj(answer.get("error"))
    for told in (error.get("status_code"), error.get("code"), error.get("status"), answer.get("code")):
        digits = json.word(told)
        if len(digits) == 3 and digits.isascii() and digits.isdigit() and 400 <= int(digits) < 600:
            return int(digits)
    return 0


def _from_body(status: int, body: bytes) -> _Complaint:
    try:
        parsed = orjson.loads(body)
    except ValueError:
        return _Complaint(status, _plain(body))
    if type(parsed) is list and parsed:
        parsed = parsed[0]
    if type(parsed) is dict:
        return _from_json(status, parsed)
    return _Complaint(status, parsed if type(parsed) is str else "")


def _from_json(status: int, answer: Object) -> _Complaint:
    error = answer.get("error")
    inner = error if type(error) is dict else answer
    message = _first_text(inner.get("message"), error, inner.get("detail"), answer.get("message"), inner.get("msg"))
    # OpenRouter wraps what the provider behind it said: https://openrouter.ai/docs/api-reference/errors
    raw = json.text(json.obj(inner.get("metadata")).get("raw"))
    if raw and raw not in message:
        message = f"{message}: {raw}" if message else raw
    code = json.word(inner.get("code")) or json.word(answer.get("code"))
    kind = json.word(inner.get("type")) or json.word(json.obj(inner.get("innererror")).get("code"))
    inner_code = json.word(json.obj(inner.get("innererror")).get("code"))
    return _Complaint(status, message, code or inner_code, kind, json.text(inner.get("param")))


def _first_text(*candidates: Json) -> str:
    for candidate in candidates:
        if type(candidate) is str and candidate:
            return candidate
        if type(candidate) is list and candidate:
            return _detail_list(candidate)
        if type(candidate) is dict and (found := json.text(candidate.get("message") or candidate.get("msg"))):
            return found
    return ""


def _detail_list(details: list[Json]) -> str:
    """FastAPI's ``detail``: ``[{loc: [body, field], msg}]``."""
    told = []
    for detail in details[:8]:
        if type(detail) is str:
            told.append(detail)
        elif type(detail) is dict:
            where = ".".join(json.word(step) for step in json.items(detail.get("loc")))
            what = json.text(detail.get("msg")) or json.text(detail.get("message"))
            told.append(f"{where}: {what}" if where else what)
    return "; ".join(part for part in told if part)


_TAGS = re.compile(r"(?is)<(script|style|head)\b.*?</\1\s*>|<[^>]*>")


def _plain(body: bytes) -> str:
    words = body[: 4 * MAX_MESSAGE_BYTES].decode("utf-8", "replace")
    return _TAGS.sub(" ", words) if "<" in words else words


def _classify(complaint: _Complaint) -> type[HubError]:
    for rule in _RULES:
        if rule.holds(complaint):
            return rule.error
    status = complaint.status
    if (known := _BY_STATUS.get(status)) is not None:
        return known
    if status >= 500:
        return ProviderUnavailable
    # A redirect is never followed, and a 1xx or 2xx is no error: neither is anything the hub can read.
    return ProviderRejected if status >= 400 else ProviderBadResponse


_TOLD_AS: Mapping[type[HubError], str] = {
    ContextLengthExceeded: "the request is longer than the model reads",
    ContentFiltered: "the provider's safety filter refused the request",
    FailedPrecondition: "the provider refused the call",
    ModelNotFound: "the provider does not serve this model",
    ProviderBadResponse: "the provider's answer cannot be read",
    ProviderQuotaExceeded: "the hub's account at the provider has no credit left",
    ProviderRateLimited: "the provider's rate limit was reached",
    ProviderRegionRefused: "the provider does not serve the hub's region",
    ProviderRejected: "the provider refused the request",
    ProviderTimeout: "the provider took too long",
    ProviderUnavailable: "the provider failed",
}


def _as_error(complaint: _Complaint, wait: float | None) -> HubError:
    error = _classify(complaint)
    metadata = {}
    if complaint.status:
        metadata["providerStatus"] = str(complaint.status)
    if code := shorten(redact(complaint.code or complaint.kind), _MAX_CODE):
        metadata["providerCode"] = code
    if error is ProviderCredentialInvalid:
        # What a provider says of a refused key may hold the key, in whole or in part, in a form nobody foresaw.
        return error("the provider refused the hub's credential; tell the operator", metadata=metadata)
    said = tell(complaint.message)
    message = f"{_TOLD_AS[error]}: {said}" if said else _TOLD_AS[error]
    fields: tuple[FieldViolation, ...] = ()
    if error is ProviderRejected and complaint.param:
        fields = (FieldViolation(shorten(redact(complaint.param), _MAX_PARAM), said or "refused by the provider"),)
    return error(message, metadata=metadata, retry_after=wait, fields=fields)


def tell(message: str) -> str:
    """A provider's own words as a caller may read them: on one line, at most 1 KiB, without secrets."""
    # Cut before the patterns run, so that their cost is bounded, and after, since a replacement may be longer.
    head = message[: 4 * MAX_MESSAGE_BYTES]
    return shorten(redact(" ".join(head.split())), MAX_MESSAGE_BYTES)


def shorten(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` bytes of UTF-8, printable; an ellipsis tells that something was cut."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    encoded = printable.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return encoded.decode("utf-8")
    return encoded[: limit - 3].decode("utf-8", "ignore") + "…"
