"""Every way a call can fail, drawn once.

    HubError
    ├── InvalidArgument ............ REQUEST_INVALID
    │   ├── ContextLengthExceeded .. CONTEXT_LENGTH_EXCEEDED
    │   ├── ProviderRejected ....... PROVIDER_REJECTED_REQUEST
    │   └── UrlRefused ............. URL_NOT_ALLOWED
    ├── Unauthenticated ............ API_KEY_INVALID, and TOKEN_… for each fault of a JWT
    ├── PermissionDenied ........... METHOD_NOT_ALLOWED
    │   └── ModelNotAllowed ........ MODEL_NOT_ALLOWED
    ├── NotFound ................... RESOURCE_NOT_FOUND
    │   ├── ModelNotFound .......... MODEL_NOT_FOUND
    │   └── KeyNotFound ............ KEY_NOT_FOUND
    ├── FailedPrecondition ......... FAILED_PRECONDITION
    │   ├── ContentFiltered ........ CONTENT_FILTERED
    │   └── ProviderRegionRefused .. PROVIDER_REGION_REFUSED
    ├── ResourceExhausted .......... RESOURCE_EXHAUSTED
    │   ├── ConcurrencyExceeded .... CONCURRENCY_LIMIT_EXCEEDED
    │   ├── ProviderRateLimited .... PROVIDER_RATE_LIMITED
    │   └── ProviderQuotaExceeded .. PROVIDER_QUOTA_EXCEEDED
    ├── Unimplemented .............. NOT_BUILT
    │   ├── MethodUnknown .......... METHOD_UNKNOWN
    │   └── UnsupportedByProvider .. UNSUPPORTED_BY_PROVIDER
    ├── Unavailable ................ UNAVAILABLE
    │   ├── Overloaded ............. SERVER_OVERLOADED
    │   ├── Draining ............... SERVER_DRAINING
    │   ├── NoProvider ............. NO_PROVIDER
    │   ├── NoCredential ........... NO_CREDENTIAL
    │   ├── JwksUnavailable ........ JWKS_UNAVAILABLE
    │   ├── ProviderUnavailable .... PROVIDER_UNAVAILABLE
    │   ├── ProviderTokenRefused ... PROVIDER_TOKEN_REFUSED
    │   └── ProviderCredentialInvalid PROVIDER_CREDENTIAL_INVALID
    ├── DeadlineExceeded ........... DEADLINE_EXCEEDED
    │   └── ProviderTimeout ........ PROVIDER_TIMEOUT
    │       └── AttemptTimedOut  ATTEMPT_TIMED_OUT
    └── Internal ................... INTERNAL
        └── ProviderBadResponse .... PROVIDER_BAD_RESPONSE

A message is written for the caller: it names what is wrong and what to do, and never holds a secret, a
stack or another exception's text. Only the status interceptor turns these into a gRPC status.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from typing import ClassVar

DOMAIN = "aignehub"
"""The domain of every google.rpc.ErrorInfo the hub sends; a reason is unique within it."""

# google.rpc.Code by number, so that nothing below the interceptors needs gRPC:
# https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
_INVALID_ARGUMENT = 3
_DEADLINE_EXCEEDED = 4
_NOT_FOUND = 5
_PERMISSION_DENIED = 7
_RESOURCE_EXHAUSTED = 8
_FAILED_PRECONDITION = 9
_UNIMPLEMENTED = 12
_INTERNAL = 13
_UNAVAILABLE = 14
_UNAUTHENTICATED = 16


class ConfigError(Exception):
    """The hub cannot start as configured; the message names the setting and the remedy."""


class Help(Flag):
    """What may mend a failure: the same again, another credential, provider or model, or nothing (0)."""

    NOTHING = 0
    RETRY = auto()
    """Safe to send again: the provider did nothing with it, or says so itself."""
    CREDENTIAL = auto()
    PROVIDER = auto()
    MODEL = auto()
    """The model cannot serve this, at whichever provider; another may."""


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of the request that is wrong: its proto path, such as ``messages[0].role``, and the remedy."""

    field: str
    description: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class QuotaViolation:
    """One limit that was reached: whose (``key:<id>``, ``server``) and which, with its number."""

    subject: str
    description: str


class HubError(Exception):
    """A failure with all a caller is told of it.

    ``code`` is the google.rpc.Code, ``reason`` the ErrorInfo reason (UPPER_SNAKE, stable), ``helps`` what
    routing may try next. ``retry_after`` is in seconds.
    """

    code: ClassVar[int] = _INTERNAL
    reason: str = "INTERNAL"
    helps: Help = Help.NOTHING
    attempts: int = 0
    """How many were made, of an error that ended a call at a provider."""
    credential: str = ""
    """Name of the provider's key that the last of them used."""
    answered: bool = False
    """True where the provider had begun to answer with success: what it made until then is paid for."""

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        fields: Sequence[FieldViolation] = (),
        quota: Sequence[QuotaViolation] = (),
        links: Sequence[tuple[str, str]] = (),
        helps: Help | None = None,
    ) -> None:
        """``metadata`` goes into ErrorInfo; ``links`` are (description, url) pairs for google.rpc.Help.

        ``helps`` overrides what its class says of itself.
        """
        super().__init__(message)
        if helps is not None:
            self.helps = helps
        self.message = message
        if reason is not None:
            self.reason = reason
        self.metadata: dict[str, str] = dict(metadata or {})
        self.retry_after = retry_after
        self.fields = tuple(fields)
        self.quota = tuple(quota)
        self.links = tuple(links)


class InvalidArgument(HubError):
    """The request itself is wrong; ``fields`` says where."""

    code = _INVALID_ARGUMENT
    reason = "REQUEST_INVALID"

    @classmethod
    def field(cls, path: str, description: str, *, reason: str | None = None) -> "InvalidArgument":
        """One wrong field: the status message names it as the violation does."""
        return cls(f"{path}: {description}", reason=reason, fields=(FieldViolation(path, description),))


class ContextLengthExceeded(InvalidArgument):
    """The request is longer than the model reads; another model may read more."""

    reason = "CONTEXT_LENGTH_EXCEEDED"
    helps = Help.MODEL


class ProviderRejected(InvalidArgument):
    """The provider refused the request as malformed (its 400 or 422)."""

    reason = "PROVIDER_REJECTED_REQUEST"


class UrlRefused(InvalidArgument):
    """A URL the caller named may not be fetched: private, link-local, or no web address at all."""

    reason = "URL_NOT_ALLOWED"


class Unauthenticated(HubError):
    """No key, or one that is malformed, unknown, revoked or expired."""

    code = _UNAUTHENTICATED
    reason = "API_KEY_INVALID"


class PermissionDenied(HubError):
    """The caller is known and may not do this."""

    code = _PERMISSION_DENIED
    reason = "METHOD_NOT_ALLOWED"


class ModelNotAllowed(PermissionDenied):
    """The caller's key does not reach this model."""

    reason = "MODEL_NOT_ALLOWED"


class NotFound(HubError):
    """What was named does not exist."""

    code = _NOT_FOUND
    reason = "RESOURCE_NOT_FOUND"


class ModelNotFound(NotFound):
    """No provider here serves a model of this name, or its provider says so."""

    reason = "MODEL_NOT_FOUND"
    helps = Help.PROVIDER


class KeyNotFound(NotFound):
    """No key has this id."""

    reason = "KEY_NOT_FOUND"


class FailedPrecondition(HubError):
    """The call cannot be served in the present state, and trying again will not change that."""

    code = _FAILED_PRECONDITION
    reason = "FAILED_PRECONDITION"


class OneOfSeveral(FailedPrecondition):
    """What one of several workers cannot promise for the others."""

    reason = "SEVERAL_WORKERS"

    @classmethod
    def cannot(cls, what: str, why: str) -> "OneOfSeveral":
        """``what`` is the field or method that is refused."""
        return cls(f"{what} is refused while workers is more than 1: {why}")


class ContentFiltered(FailedPrecondition):
    """The provider's safety filter refused the prompt. Shopping around for one that does not is not the hub's."""

    reason = "CONTENT_FILTERED"


class ProviderRegionRefused(FailedPrecondition):
    """The provider does not serve the region it sees the hub in; another provider may."""

    reason = "PROVIDER_REGION_REFUSED"
    helps = Help.PROVIDER


class ResourceExhausted(HubError):
    """A limit was reached; ``quota`` says which."""

    code = _RESOURCE_EXHAUSTED
    reason = "RESOURCE_EXHAUSTED"


class ConcurrencyExceeded(ResourceExhausted):
    """The key has as many calls in progress as it may."""

    reason = "CONCURRENCY_LIMIT_EXCEEDED"


class ProviderRateLimited(ResourceExhausted):
    """The provider's rate limit (its 429)."""

    reason = "PROVIDER_RATE_LIMITED"
    helps = Help.RETRY | Help.CREDENTIAL | Help.PROVIDER


class ProviderQuotaExceeded(ResourceExhausted):
    """The operator's account at the provider has no credit left (its 402, or a 429 that says so)."""

    reason = "PROVIDER_QUOTA_EXCEEDED"
    helps = Help.CREDENTIAL | Help.PROVIDER


class Unimplemented(HubError):
    """A part of the contract that this release does not serve yet; the message names it."""

    code = _UNIMPLEMENTED
    reason = "NOT_BUILT"

    @classmethod
    def field(cls, path: str) -> "Unimplemented":
        """A field whose feature is not there yet."""
        return cls(
            f"{path} is not served by this release; leave it unset",
            metadata={"field": path},
            fields=(FieldViolation(path, "not served by this release; leave it unset"),),
        )


class MethodUnknown(Unimplemented):
    """No service here has this method."""

    reason = "METHOD_UNKNOWN"


class UnsupportedByProvider(Unimplemented):
    """The model's provider has no way to do what a field asks; ``fields`` names it."""

    reason = "UNSUPPORTED_BY_PROVIDER"
    helps = Help.PROVIDER

    @classmethod
    def of(cls, path: str, why: str) -> "UnsupportedByProvider":
        """One field the provider cannot serve, and why."""
        return cls(f"{path}: {why}", metadata={"field": path}, fields=(FieldViolation(path, why),))


class Unavailable(HubError):
    """Cannot be served just now."""

    code = _UNAVAILABLE
    reason = "UNAVAILABLE"
    helps = Help.RETRY | Help.PROVIDER


class Overloaded(Unavailable):
    """The hub has as many calls in progress as it takes."""

    reason = "SERVER_OVERLOADED"


class Draining(Unavailable):
    """The hub is shutting down; another replica can serve the call."""

    reason = "SERVER_DRAINING"
    helps = Help.NOTHING


class NoProvider(Unavailable):
    """No provider is configured for the model."""

    reason = "NO_PROVIDER"
    helps = Help.NOTHING


class NoCredential(Unavailable):
    """The model's provider is configured without a key."""

    reason = "NO_CREDENTIAL"
    helps = Help.PROVIDER


class JwksUnavailable(Unavailable):
    """The keys that would judge a token cannot be had just now."""

    reason = "JWKS_UNAVAILABLE"
    helps = Help.NOTHING


class ProviderUnavailable(Unavailable):
    """The provider cannot be reached, failed (5xx), or broke off its answer."""

    reason = "PROVIDER_UNAVAILABLE"
    helps = Help.PROVIDER


class ProviderTokenRefused(Unavailable):
    """The provider refused an access token that the hub had kept; with a fresh one the same may be sent again."""

    reason = "PROVIDER_TOKEN_REFUSED"


class ProviderCredentialInvalid(Unavailable):
    """The provider refused the operator's key: never the caller's fault, so never UNAUTHENTICATED."""

    reason = "PROVIDER_CREDENTIAL_INVALID"
    helps = Help.CREDENTIAL | Help.PROVIDER


class DeadlineExceeded(HubError):
    """The caller's deadline, or the hub's own cap on a call, passed."""

    code = _DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"


class ProviderTimeout(DeadlineExceeded):
    """The provider was too slow: to connect, to begin, between two reads, or in all."""

    reason = "PROVIDER_TIMEOUT"
    helps = Help.PROVIDER


class AttemptTimedOut(ProviderTimeout):
    """The caller's own bound on one attempt passed: no fault of the provider that others should suffer for."""

    reason = "ATTEMPT_TIMED_OUT"


class Internal(HubError):
    """A fault of the hub. The message is fixed: nothing of the cause is told."""


class ProviderBadResponse(Internal):
    """The provider answered something that cannot be read as an answer."""

    reason = "PROVIDER_BAD_RESPONSE"
    helps = Help.PROVIDER
    answered = True
