"""Failures as Ollama tells them: ``{"error": "..."}``, with a status or in the middle of a stream."""

from server.errors import HubError, ModelNotFound
from server.wire import provider_errors
from server.wire.http import HttpResponse

_REMEDY = "fetch it on the provider's machine with `ollama pull`, or call one that ListModels lists"


def read_error(response: HttpResponse) -> HubError:
    """What an answer outside 2xx means. Never raises."""
    return with_remedy(provider_errors.read_error(response))


def with_remedy(error: HubError) -> HubError:
    """The same; a model that was not pulled yet with what to do about it."""
    if not isinstance(error, ModelNotFound) or ("model '" not in error.message and 'model "' not in error.message):
        return error
    return ModelNotFound(f"{error.message}; {_REMEDY}", metadata=error.metadata, helps=error.helps)
