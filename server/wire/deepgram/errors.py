"""What Deepgram's refusals mean."""

import orjson

from server.errors import HubError
from server.wire import provider_errors
from server.wire.http import HttpResponse


def decode_error(response: HttpResponse) -> HubError:
    """Never raises. A refused handshake says why in a header alone, since a client reads no body of it.

    https://developers.deepgram.com/docs/stt-troubleshooting-websocket-data-and-net-errors
    """
    told = response.headers.get("dg-error", "")
    if told and not response.body:
        response = HttpResponse(response.status, response.headers, orjson.dumps({"message": told[:4096]}))
    return provider_errors.read_error(response)
