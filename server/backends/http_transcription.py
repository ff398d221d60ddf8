"""Transcription at a provider that takes recordings over HTTP, and live speech over a WebSocket or by utterance."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from aignehub.v1.audio_service_pb2 import (
    CreateTranscriptionResponse,
    StreamTranscriptionConfig,
    StreamTranscriptionResponse,
)

from server.backends.base import Call
from server.backends.failures import attributed
from server.backends.http_exchange import HttpExchanges
from server.backends.live import LiveTranscription
from server.backends.media import CallerMedia
from server.backends.recordings import Site, ready
from server.backends.utterances import by_utterance
from server.errors import HubError, ProviderRejected
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.wire.codec import LiveCodec, ReadsUrls, TranscriptionCodec
from server.wire.field_names import moved
from server.wire.recording import Dictation


class HttpTranscriptionBackend:
    """A TranscriptionBackend. Without ``live_codec``, live speech is cut by its silences and sent as recordings."""

    def __init__(
        self,
        endpoint: Endpoint,
        codec: TranscriptionCodec,
        transport: Transport,
        media: CallerMedia,
        live_codec: LiveCodec | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._http = HttpExchanges(endpoint, transport, codec.decode_error)
        self._transport = transport
        self._media = media
        self._live_codec = live_codec

    async def transcribe(self, dictation: Dictation, call: Call) -> CreateTranscriptionResponse:
        """The whole transcript. Raises HubError with ``provider`` and ``model`` in its metadata."""
        try:
            dictation = await ready(dictation, self._media, self._site(call.model), deadline=call.deadline)
            asked = self._codec.encode(dictation, call.model)
            whole = await self._http.whole(asked, call)
            answer = self._codec.decode(whole, dictation, call.model)
        except HubError as error:
            if isinstance(error, ProviderRejected):
                # What the provider calls its file is wherever the caller's method has the recording.
                error.fields = moved(error.fields, {"audio": dictation.recording.field})
            raise attributed(error, self._endpoint.name, call) from None
        self._http.tell(answer.gateway, asked, whole.headers, call)
        return answer

    def _site(self, model: str) -> Site:
        codec = self._codec
        reads = codec if isinstance(codec, ReadsUrls) else None
        return Site(
            self._endpoint.base_url,
            codec.uploads,
            lambda media: reads is not None and reads.reads_url("audio", media, model),
        )

    async def live(
        self, config: StreamTranscriptionConfig, audio: AsyncIterator[bytes | None], call: Call
    ) -> AsyncGenerator[StreamTranscriptionResponse]:
        """See TranscriptionBackend.live. Errors are attributed as those of ``transcribe``."""
        if self._live_codec is None or not self._live_codec.hears(call.model):
            events = by_utterance(self.transcribe, config, audio, call, self._endpoint.name)
        else:
            events = LiveTranscription(self._endpoint, self._live_codec, self._transport).run(config, audio, call)
        try:
            async with aclosing(events):
                async for event in events:
                    yield event
        except HubError as error:
            raise attributed(error, self._endpoint.name, call) from None
