"""Speech of OpenAI's and its compatible hosts: bare audio, or events that hold it and tell what it cost."""

from aignehub.v1.usage_pb2 import Usage
from typing_extensions import override

from server.errors import ProviderUnavailable
from server.wire import estimate, provider_errors
from server.wire import json_value as json
from server.wire.audio.spoken import Expected, SpokenDecoder
from server.wire.openai_audio.names import SPOKEN
from server.wire.sse import SseParser


class SpeechStreamDecoder(SpokenDecoder):
    """See SpeechDecoder."""

    def __init__(self, content_type: str, expected: Expected, text: str) -> None:
        super().__init__(content_type, expected, Usage())
        self._parser = SseParser() if self._kind == "text/event-stream" else None
        self._text = text
        self._ended = False
        self._tokens: json.Object = {}

    @override
    def usage(self) -> Usage:
        """See SpeechDecoder.usage."""
        usage = Usage(billed_characters=len(self._text))
        usage.input_tokens = json.count(self._tokens.get("input_tokens"))
        usage.output_tokens = json.count(self._tokens.get("output_tokens"))
        if not usage.input_tokens and not usage.output_tokens:
            usage.input_tokens = estimate.tokens(estimate.text_size(self._text))
            usage.estimated = True
        usage.total_tokens = usage.input_tokens + usage.output_tokens
        return usage

    @override
    def _audio(self, data: bytes) -> bytes:
        return data if self._parser is None else self._events(self._parser, data)

    @override
    def _check_end(self) -> None:
        if self._parser is not None and not self._ended:
            raise ProviderUnavailable("the provider broke off its answer")

    def _events(self, parser: SseParser, data: bytes) -> bytes:
        pieces = []
        for _, payload in parser.feed(data):
            if payload.strip() == b"[DONE]":
                self._ended = True
                continue
            event = json.obj(json.parse(payload))
            if (error := provider_errors.error_in(event, names=SPOKEN)) is not None:
                raise error
            # OpenAI's speech.audio.delta has audio, Together's audio.tts.chunk has b64.
            encoded = json.text(event.get("audio")) or json.text(event.get("b64"))
            if encoded:
                pieces.append(json.base64_bytes(encoded))
            if event.get("type") == "speech.audio.done":
                self._ended = True
                self._tokens = json.obj(event.get("usage"))
        return b"".join(pieces)
