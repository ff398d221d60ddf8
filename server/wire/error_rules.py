"""What a provider's refusal means, as a table: by what it says first, by its number last."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from server.errors import (
    ContentFiltered,
    ContextLengthExceeded,
    Help,
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


@dataclass(frozen=True, slots=True)
class Complaint:
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

    def holds(self, complaint: Complaint) -> bool:
        if self.statuses and complaint.status not in self.statuses:
            return False
        if not self.codes.isdisjoint(complaint.codes):
            return True
        return self.says is not None and self.says.search(complaint.words) is not None


def _any_of(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases))


_REFUSALS = frozenset({0, 400, 403, 404, 406, 413, 422})

# What OpenAI's Responses API says of a picture after it has begun to answer:
# https://platform.openai.com/docs/api-reference/responses/object#responses/object-error
_UNREADABLE_IMAGES = frozenset(
    {
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "invalid_image_mode",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
    }
)

_RULES = (
    # Groq answers 413 with code rate_limit_exceeded where one request is above the tokens of a minute.
    _Rule(
        ProviderRateLimited,
        codes=frozenset(
            {
                "rate_limit_exceeded",
                "rate_limit_error",
                "ratelimitreached",
                "too_many_requests",
                "rate_limited",
                # AWS names the kind in a header or beside an event, not in the body.
                "throttlingexception",
                "servicequotaexceededexception",
            }
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
            # Cohere: https://docs.cohere.com/reference/errors
            "too many tokens: size limit",
            "(number of )?input tokens exceed",
            "token count .{0,40}exceeds the maximum",
            "reduce the length of the (messages|prompt|input)",
        ),
    ),
    _Rule(
        ProviderQuotaExceeded,
        # ElevenLabs tells an empty account with 401: https://elevenlabs.io/docs/eleven-api/resources/errors
        frozenset({0, 400, 401, 402, 403, 429}),
        frozenset(
            {
                "insufficient_quota",
                "quota_exceeded",
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
                "image_content_policy_violation",
                "bio_policy",
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
            "not (available|supported) in your (region|country)",
            "user location is not supported",
            "geographic restriction",
            "region(al)? restriction",
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
                "resourcenotfoundexception",
            }
        ),
        _any_of(
            r"\b(model|deployment)\b.{0,200}(does not|doesn't|did not) exist",
            r"\b(model|deployment)\b.{0,200}\bnot (be )?found",
            r"\b(unknown|invalid|no such|unsupported) model\b",
            r"\bmodel not exist",
            r"not a valid model",
            r"model identifier is invalid",
            r"does not have access to model",
        ),
    ),
    _Rule(
        ProviderCredentialInvalid,
        frozenset({0, 400, 401, 403, 404, 422}),
        frozenset(
            {
                "invalid_api_key",
                "authentication_error",
                "invalid_authentication",
                "unauthorized",
                "api_key_invalid",
                "accessdeniedexception",
                "expiredtokenexception",
                "unrecognizedclientexception",
                "invalidsignatureexception",
                "incompletesignatureexception",
                "missingauthenticationtokenexception",
            }
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
            {
                "overloaded_error",
                "engine_overloaded",
                "server_overloaded",
                "server_error",
                "internal_server_error",
                "internalserverexception",
                "serviceunavailableexception",
            }
        ),
        _any_of(r"\boverloaded\b", "at capacity"),
    ),
    # The model failed behind AWS's front (424), or is not loaded yet (429).
    _Rule(
        ProviderUnavailable,
        codes=frozenset({"modelerrorexception", "modelstreamerrorexception", "modelnotreadyexception"}),
    ),
    _Rule(
        ProviderTimeout,
        frozenset({0}),
        frozenset({"timeout", "request_timeout", "timeout_error", "modeltimeoutexception", "vector_store_timeout"}),
    ),
    _Rule(ProviderRateLimited, frozenset({0, 400, 503}), says=_any_of("rate limit", "too many requests")),
    _Rule(
        ProviderRejected,
        frozenset({0}),
        frozenset({"invalid_request_error", "bad_request", "invalid_argument", "validationexception", "invalid_prompt"})
        | _UNREADABLE_IMAGES,
    ),
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


def classify(complaint: Complaint) -> type[HubError]:
    """The error that the complaint is: by the first rule that holds, else by its status."""
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


_SAFE_TO_REPEAT = frozenset({408, 429, 502, 503, 504, 529})
"""Statuses by which a provider says that it did nothing with the request. A 500 may have been worked on and billed.

RFC 9110, 15.5.9 and 15.6; 529 is Anthropic's: https://docs.anthropic.com/en/api/errors
"""


def helps_of(error: type[HubError], complaint: Complaint) -> Help | None:
    """What may help beyond what the class says; None where that is all."""
    overloaded = not complaint.status and "overloaded" in complaint.code + complaint.kind
    if issubclass(error, ProviderUnavailable | ProviderTimeout) and (complaint.status in _SAFE_TO_REPEAT or overloaded):
        return error.helps | Help.RETRY
    return None
