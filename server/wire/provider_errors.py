"""What a provider's refusal means: one table for every host and every shape of body.

An error goes by what it says first (a 400 may mean an unknown model, a bad key or an empty account) and by its
number last. The shapes, as recorded: ``{error: {message, type, code, param}}`` with or without ``type: error``
beside it, ``{message}``, ``{detail}`` as text, as a list or as an object, ``{err_code, err_msg}``, ``{code, error:
"..."}``, ``{error: "..."}``, a list of one of these, plain text, HTML, and nothing.
"""

import re
from collections.abc import Mapping

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
from server.wire.error_rules import Complaint, classify, helps_of
from server.wire.field_names import NO_NAMES, Names, field_of
from server.wire.http import HttpResponse
from server.wire.json_value import Json, Object
from server.wire.redact import redact
from server.wire.retry_after import retry_after

MAX_MESSAGE_BYTES = 1024
"""Most of a provider's own words that a caller is told: error details must stay below 4 KiB in all."""

_MAX_CODE = 64
_MAX_PARAM = 128


def read_error(response: HttpResponse, names: Names = NO_NAMES) -> HubError:
    """What an answer outside 2xx means; a field it names is told by ``names``. Never raises."""
    complaint = _from_body(response.status, response.body)
    return _as_error(complaint, retry_after(response.headers, complaint.message), names)


def error_in(answer: Object, headers: Mapping[str, str] | None = None, *, names: Names = NO_NAMES) -> HubError | None:
    """The failure told inside a 200 body or a stream's event; None where ``answer`` tells none."""
    told = answer.get("error")
    if (not json.says_something(told) or told is False) and not _is_error(answer):
        return None
    complaint = _from_json(_status_told(answer), answer)
    return _as_error(complaint, retry_after(headers or {}, complaint.message), names)


def _is_error(answer: Object) -> bool:
    """Mistral and older vLLM mark the object itself: ``{object: error, message, type, code}``; MiniMax tells a code."""
    return (answer.get("object") == "error" and bool(json.text(answer.get("message")))) or bool(_base_code(answer))


_BASE_STATUSES: Mapping[str, int] = {"1001": 504, "1002": 429, "1004": 401, "1008": 402, "2013": 400, "2049": 401}
"""https://platform.minimax.io/docs/api-reference/errorcode; the others are failures of its own."""


def _base_code(answer: Object) -> str:
    """MiniMax's ``base_resp: {status_code, status_msg}``, in answers with status 200; empty where all is well."""
    code = json.word(json.obj(answer.get("base_resp")).get("status_code"))
    return "" if code == "0" else code


def _status_told(answer: Object) -> int:
    error = json.obj(answer.get("error"))
    told_of_answer = (answer.get("raw_status_code"), answer.get("code"))
    for told in (error.get("status_code"), error.get("code"), error.get("status"), *told_of_answer):
        digits = json.word(told)
        if len(digits) == 3 and digits.isascii() and digits.isdigit() and 400 <= int(digits) < 600:
            return int(digits)
    return _BASE_STATUSES.get(code, 500) if (code := _base_code(answer)) else 0


def _from_body(status: int, body: bytes) -> Complaint:
    try:
        parsed = orjson.loads(body)
    except ValueError:
        return Complaint(status, _plain(body))
    if type(parsed) is list and parsed:
        parsed = parsed[0]
    if type(parsed) is dict:
        return _from_json(status, parsed)
    return Complaint(status, parsed if type(parsed) is str else "")


def _from_json(status: int, answer: Object) -> Complaint:
    error, detail = answer.get("error"), answer.get("detail")
    # ElevenLabs tells all in detail: https://elevenlabs.io/docs/eleven-api/resources/errors
    inner = next((one for one in (error, detail) if type(one) is dict), answer)
    message = _first_text(
        inner.get("message"),
        error,
        inner.get("detail"),
        answer.get("message"),
        inner.get("msg"),
        answer.get("err_msg"),
        json.obj(answer.get("base_resp")).get("status_msg"),
    )
    # OpenRouter wraps what the provider behind it said: https://openrouter.ai/docs/api-reference/errors
    raw = json.text(json.obj(inner.get("metadata")).get("raw"))
    if raw and raw not in message:
        message = f"{message}: {raw}" if message else raw
    code = json.word(inner.get("code")) or json.word(answer.get("code")) or _code_in_other_words(answer, inner)
    kind = json.word(inner.get("type")) or json.word(json.obj(inner.get("innererror")).get("code"))
    inner_code = json.word(json.obj(inner.get("innererror")).get("code"))
    param = json.text(inner.get("param")) or _first_place(inner.get("detail"))
    return Complaint(status, message, code or inner_code, kind, param)


def _code_in_other_words(answer: Object, inner: Object) -> str:
    """Deepgram's err_code (or category), and ElevenLabs' status where it is a word."""
    status = json.text(inner.get("status")) if inner is answer.get("detail") else ""
    return status or json.word(answer.get("err_code")) or json.text(answer.get("category")) or _base_code(answer)


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


_AROUND = frozenset({"body", "query", "path"})
"""Steps of ``loc`` that say how the field travelled."""


def _first_place(details: Json) -> str:
    """The field that FastAPI's first fault lies in, such as ``messages[0].content``."""
    first = next(iter(json.objects(details)), {})
    steps = [step for told in json.items(first.get("loc")) if (step := json.word(told))]
    if steps and steps[0] in _AROUND:
        del steps[0]
    return "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in steps).removeprefix(".")


_TAGS = re.compile(r"(?is)<(script|style|head)\b.*?</\1\s*>|<[^>]*>")


def _plain(body: bytes) -> str:
    words = body[: 4 * MAX_MESSAGE_BYTES].decode("utf-8", "replace")
    return _TAGS.sub(" ", words) if "<" in words else words


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


def _as_error(complaint: Complaint, wait: float | None, names: Names) -> HubError:
    error = classify(complaint)
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
        where = field_of(shorten(redact(complaint.param), _MAX_PARAM), names)
        fields = (FieldViolation(where, said or "refused by the provider"),)
    return error(message, metadata=metadata, retry_after=wait, fields=fields, helps=helps_of(error, complaint))


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
