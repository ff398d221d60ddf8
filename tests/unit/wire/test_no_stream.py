"""A body that is no stream, where one was asked for, is judged as the same body of a whole answer is."""

import pytest
from aignehub.v1 import chat_service_pb2 as pb

from server.errors import HubError
from server.providers.registry import PROVIDERS
from server.wire.by_model import codec_of
from server.wire.http import HttpResponse

KINDS = ("openai", "openrouter", "mistral", "anthropic", "gemini", "cohere")
BODIES = (b"null", b"true", b"false", b'"overloaded"', b" \n null", b"{}", b"<html>")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", BODIES)
def test_what_is_no_stream_is_no_answer(kind: str, body: bytes) -> None:
    make = PROVIDERS[kind].chat
    assert make is not None
    codec, request = codec_of(make({}), "m"), pb.CreateChatCompletionRequest()
    with pytest.raises(HubError) as whole:
        codec.decode(HttpResponse(200, {}, body), request)
    decoder = codec.decoder(request)
    with pytest.raises(HubError) as streamed:
        decoder.feed(body)
        decoder.finish()
    assert (streamed.value.reason, whole.value.reason) == ("PROVIDER_BAD_RESPONSE", "PROVIDER_BAD_RESPONSE")
