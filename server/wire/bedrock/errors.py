"""Failures: the kind of one stands in a header, or beside an event, and in the body only its words."""

from collections.abc import Mapping

import orjson

from server.errors import HubError
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.event_stream import Event
from server.wire.http import HttpResponse

_KIND = "x-amzn-errortype"
_NO_HEADERS: Mapping[str, str] = {}


def read_error(response: HttpResponse) -> HubError:
    """What an answer outside 2xx means. Never raises."""
    try:
        body = json.obj(orjson.loads(response.body))
    except ValueError:
        body = {}
    # ValidationException:http://internal.amazon.com/… or com.amazon.coral.service#UnknownOperationException
    kind = response.headers.get(_KIND, "").partition(":")[0] or json.text(body.get("__type")).rpartition("#")[2]
    message = next((told for name in ("message", "Message") if (told := json.text(body.get(name)))), "")
    if not kind and not message:
        return provider_errors.read_error(response)  # something else on the way answered
    return _error(response.status, kind, message, response.headers)


def error_in(event: Event) -> HubError | None:
    """The failure that an event of a stream tells; None where it tells none.

    https://smithy.io/2.0/aws/amazon-eventstream.html: an exception is one of those that the service lists, an error
    any other.
    """
    headers = event.headers
    match headers.get(":message-type", "event"):
        case "event":
            return None
        case "error":
            return _error(0, headers.get(":error-code", ""), headers.get(":error-message", ""), _NO_HEADERS)
        case _:
            try:
                body = json.obj(orjson.loads(event.payload))
            except ValueError:
                body = {}
            message = json.text(body.get("message")) or json.text(body.get("originalMessage"))
            return _error(0, headers.get(":exception-type", ""), message, _NO_HEADERS)


def _error(status: int, kind: str, message: str, headers: Mapping[str, str]) -> HubError:
    said = orjson.dumps({"message": message, "code": kind})
    return provider_errors.read_error(HttpResponse(status, headers, said))
