"""Speech at a provider that answers an HTTP request with audio."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest, CreateSpeechResponse, StreamSpeechResponse
from aignehub.v1.usage_pb2 import GatewayInfo

from server.backends.base import Call
from server.backends.failures import attributed
from server.backends.http_exchange import HttpExchanges
from server.errors import HubError, ProviderBadResponse
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.transport.session import READ_BUFFER
from server.wire import wav
from server.wire.codec import SpeechCodec, SpeechDecoder

_MAX_SPEECH_BYTES = 32 * 1024 * 1024
"""Longest answer of the unary method: half an hour of MP3, and what one message of gRPC can hold twice over."""

_STREAM_BUFFER = 2 * 1024
"""Audio is made faster than it is heard, so that callers read slowly: one that has stopped costs the hub about 90 KiB,
a message of 8 KiB several times over (read, serialised, under way in gRPC), where uvloop alone would read 256 KiB."""
_LONGEST_CHUNK = 64 * 1024
"""Of audio in one message: some providers send all of a speech at once, and clients take 4 MiB by default."""


class HttpSpeechBackend:
    """A SpeechBackend over HTTP. Nothing is gathered: one read of the provider is one message to the caller."""

    def __init__(self, endpoint: Endpoint, codec: SpeechCodec, transport: Transport) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._http = HttpExchanges(endpoint, transport, codec.decode_error)

    async def speech(self, request: CreateSpeechRequest, call: Call) -> CreateSpeechResponse:
        """The whole audio, with usage and gateway. Raises HubError with ``provider`` and ``model`` in its metadata."""
        answer = CreateSpeechResponse()
        pieces: list[bytes] = []
        size = 0
        async with aclosing(self._streamed(request, call, READ_BUFFER)) as chunks:
            async for chunk in chunks:
                size += len(chunk.audio)
                if size > _MAX_SPEECH_BYTES:
                    raise attributed(_too_long(), self._endpoint.name, call)
                pieces.append(chunk.audio)
                if chunk.format:
                    answer.format, answer.sample_rate_hertz = chunk.format, chunk.sample_rate_hertz
                if chunk.HasField("gateway"):
                    answer.usage.CopyFrom(chunk.usage)
                    answer.gateway.CopyFrom(chunk.gateway)
        audio = b"".join(pieces)
        answer.audio = wav.sized(audio) if answer.format == audio_pb2.AUDIO_FORMAT_WAV else audio
        return answer

    async def speech_stream(self, request: CreateSpeechRequest, call: Call) -> AsyncGenerator[StreamSpeechResponse]:
        """Audio as it comes. A stream that breaks after its first message yields usage and gateway, then raises."""
        async with aclosing(self._streamed(request, call, _STREAM_BUFFER)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _streamed(
        self, request: CreateSpeechRequest, call: Call, read_buffer: int
    ) -> AsyncGenerator[StreamSpeechResponse]:
        told = _Told()
        try:
            async with aclosing(self._stream(request, call, told, read_buffer)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        except HubError as error:
            broken = attributed(error, self._endpoint.name, call)
        if told.decoder is not None:
            yield StreamSpeechResponse(usage=told.decoder.usage(), gateway=told.gateway)
        raise broken

    async def _stream(
        self, request: CreateSpeechRequest, call: Call, told: "_Told", read_buffer: int
    ) -> AsyncGenerator[StreamSpeechResponse]:
        asked = self._codec.encode(request, call.model)
        async with self._http.open(asked, call, read_buffer=read_buffer) as exchange:
            gateway = self._http.gateway(asked, exchange.headers, call)
            decoder = self._codec.decoder(request, exchange.headers)
            while True:
                data = await exchange.read()
                audio = decoder.feed(data) if data else decoder.finish()
                for begin in range(0, len(audio), _LONGEST_CHUNK):
                    chunk = StreamSpeechResponse(audio=audio[begin : begin + _LONGEST_CHUNK])
                    if told.decoder is None:
                        told.decoder, told.gateway = decoder, gateway
                        chunk.format, chunk.sample_rate_hertz = decoder.format, decoder.rate
                    yield chunk
                if not data:
                    break
        yield StreamSpeechResponse(usage=decoder.usage(), gateway=gateway)


def _too_long() -> HubError:
    return ProviderBadResponse(f"the speech is longer than {_MAX_SPEECH_BYTES} bytes; ask for it with StreamSpeech")


class _Told:
    """What a caller has been told of a stream: nothing while ``decoder`` is None."""

    __slots__ = ("decoder", "gateway")

    def __init__(self) -> None:
        self.decoder: SpeechDecoder | None = None
        self.gateway = GatewayInfo()
