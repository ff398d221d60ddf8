"""What a failed exchange is called: one table from the client library's exceptions to the hub's errors.

A message names who failed and how. The exception's own text is never used: it holds URLs and addresses.
"""

from aiohttp import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientHttpProxyError,
    ClientPayloadError,
    ClientProxyConnectionError,
    ClientResponseError,
    InvalidURL,
    ServerDisconnectedError,
)
from aiohttp.http_exceptions import HttpProcessingError

from server.errors import Help, HubError, ProviderBadResponse, ProviderTimeout, ProviderUnavailable

EXPECTED = (ClientError, HttpProcessingError, OSError, RuntimeError)
"""All that the client library raises for a fault of the network or the peer."""

_NO_HTTP = "it answered what is not HTTP, or with headers that are too long"

# The first that matches; a class stands before its bases.
_FAULTS: tuple[tuple[type[Exception], type[HubError], str], ...] = (
    (ClientConnectorCertificateError, ProviderUnavailable, "its TLS certificate is not trusted here"),
    (ClientConnectorSSLError, ProviderUnavailable, "the TLS handshake with it failed"),
    (ClientConnectorDNSError, ProviderUnavailable, "its host name could not be resolved"),
    (ClientProxyConnectionError, ProviderUnavailable, "the proxy on the way to it could not be reached"),
    (ClientHttpProxyError, ProviderUnavailable, "the proxy on the way to it refused to connect"),
    (ClientConnectorError, ProviderUnavailable, "it could not be reached"),
    (ServerDisconnectedError, ProviderUnavailable, "it closed the connection without an answer"),
    (ClientPayloadError, ProviderUnavailable, "it broke off its answer"),
    (ClientConnectionError, ProviderUnavailable, "the connection to it broke off"),
    (InvalidURL, ProviderBadResponse, "its URL cannot be used"),
    (ClientResponseError, ProviderBadResponse, _NO_HTTP),
    (HttpProcessingError, ProviderBadResponse, _NO_HTTP),
)


_NOT_REACHED = (ClientConnectorError, ClientProxyConnectionError, ClientHttpProxyError)
"""Nothing of the request was sent, so that sending it again is safe."""
_NEVER_SENT = Help.RETRY | Help.PROVIDER


def told(who: str, error: Exception) -> HubError:
    """The HubError for one of EXPECTED. ``who`` is the provider's name."""
    helps = _NEVER_SENT if isinstance(error, _NOT_REACHED) else None
    for kind, becomes, text in _FAULTS:
        if isinstance(error, kind):
            return _unanswered(becomes(f"{who}: {text}", helps=helps))
    return ProviderUnavailable(f"{who}: the connection to it broke off")


def _unanswered(error: HubError) -> HubError:
    """``error`` as one from before the head of an answer; whoever has seen the head says so itself."""
    error.answered = False
    return error


def slow_to_connect(who: str, seconds: float) -> ProviderTimeout:
    """The connect wait passed."""
    return ProviderTimeout(f"{who}: no connection within {seconds:g} s", helps=_NEVER_SENT)


def slow_to_answer(who: str, seconds: float) -> ProviderTimeout:
    """The first-byte wait passed."""
    return ProviderTimeout(f"{who}: no answer within {seconds:g} s of the request")


def fell_silent(who: str, seconds: float) -> ProviderTimeout:
    """The idle wait passed."""
    return ProviderTimeout(f"{who}: it fell silent for {seconds:g} s in the middle of its answer")


def out_of_time(who: str, seconds: float) -> ProviderTimeout:
    """The call's deadline passed; ``seconds`` is what the exchange was given."""
    if seconds <= 0:
        return ProviderTimeout(f"{who}: not asked, the call's deadline had passed", helps=Help.NOTHING)
    return ProviderTimeout(
        f"{who}: not done within the {seconds:.3g} s that were left of the call's deadline", helps=Help.NOTHING
    )


def broke_off(who: str) -> ProviderUnavailable:
    """The answer ended before its end."""
    return ProviderUnavailable(f"{who}: it broke off its answer")


def too_long(who: str, limit: int) -> ProviderBadResponse:
    """The body is longer than ``limit`` bytes."""
    return ProviderBadResponse(f"{who}: its answer is longer than {limit} bytes")


def bad_coding(who: str) -> ProviderBadResponse:
    """The body cannot be decompressed."""
    return ProviderBadResponse(f"{who}: its answer is compressed in a way that was not asked for and cannot be undone")


def redirected(who: str, status: int) -> HubError:
    """A 3xx, which is never followed: the credential would go along."""
    return _unanswered(ProviderBadResponse(f"{who}: it answered with a redirect ({status}), which is never followed"))


def no_http(who: str) -> HubError:
    """What came is no answer to an HTTP request."""
    return _unanswered(ProviderBadResponse(f"{who}: {_NO_HTTP}"))
