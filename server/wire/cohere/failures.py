"""How Cohere fails: https://docs.cohere.com/reference/errors."""

from server.errors import ContentFiltered, HubError, ProviderTimeout, ProviderUnavailable
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.http import HttpResponse
from server.wire.json_value import Object

_DENIED = 498
"""Its status for a prompt or an answer with words that its own list forbids; elsewhere it means other things."""


def read_error(response: HttpResponse) -> HubError:
    """What an answer outside 2xx means. Never raises."""
    error = provider_errors.read_error(response)
    if response.status == _DENIED:
        return ContentFiltered(error.message, metadata=error.metadata)
    return error


def failure_in(told: Object) -> HubError | None:
    """The failure that a body of status 200 or an event is: ``{message}`` with words where an answer has an object."""
    message = told.get("message")
    if type(message) is str and message:
        return provider_errors.error_in({"error": {"message": message, "type": told.get("error_type")}})
    return provider_errors.error_in(told)


def failed_finish(reason: str, told: Object) -> HubError | None:
    """The failure that a finish reason tells of; None where it tells of an answer."""
    match reason.lower():
        case "error":
            said = {"error": {"message": json.text(told.get("error")), "type": "server_error"}}
            return provider_errors.error_in(said) or ProviderUnavailable("the provider failed")
        case "timeout":
            return ProviderTimeout("the provider ran out of time before its answer was whole")
        case _:
            return None
