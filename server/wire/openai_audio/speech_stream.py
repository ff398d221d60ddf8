"""Speech as it comes: raw audio, or events that hold it."""

from dataclasses import dataclass

from aignehub.v1 import audio_pb2
from aignehub.v1.usage_pb2 import Usage

from server.errors import ProviderBadResponse, ProviderUnavailable
from server.wire import estimate, provider_errors, sound
from server.wire import json_value as json
from server.wire.sse import SseParser

_HEAD = 64
"""Bytes held back until the first of them tell what they are; the longest header of one frame of any format."""
_LONGEST_COMPLAINT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Expected:
    """What was asked for: it holds where the audio itself says nothing."""

    format: int
    rate: int


class SpeechStreamDecoder:
    """See SpeechDecoder."""

    def __init__(self, content_type: str, expected: Expected, text: str) -> None:
        kind = content_type.partition(";")[0].strip().lower()
        self._parser = SseParser() if kind == "text/event-stream" else None
        self._complaint: bytes | None = b"" if kind == "application/json" or kind.endswith("+json") else None
        self._expected = expected
        self._text = text
        self._held = b""
        self._told = False
        self._ended = False
        self._usage: json.Object = {}
        self.format: audio_pb2.AudioFormat.ValueType = audio_pb2.AUDIO_FORMAT_UNSPECIFIED
        self.rate = 0

    def feed(self, data: bytes) -> bytes:
        """See SpeechDecoder.feed."""
        if self._complaint is not None:
            self._complaint = (self._complaint + data)[:_LONGEST_COMPLAINT]
            return b""
        audio = data if self._parser is None else self._events(self._parser, data)
        if self._told or not audio:
            return audio
        self._held += audio
        return self._release() if len(self._held) >= _HEAD else b""

    def finish(self) -> bytes:
        """See SpeechDecoder.finish."""
        if self._complaint is not None:
            raise _complained(self._complaint)
        if self._parser is not None and not self._ended:
            raise ProviderUnavailable("the provider broke off its answer")
        rest = b"" if self._told else self._release()
        if not self._told:
            raise ProviderBadResponse("the provider answered without audio")
        return rest

    def usage(self) -> Usage:
        """See SpeechDecoder.usage."""
        usage = Usage(billed_characters=len(self._text))
        usage.input_tokens = json.count(self._usage.get("input_tokens"))
        usage.output_tokens = json.count(self._usage.get("output_tokens"))
        if not usage.input_tokens and not usage.output_tokens:
            usage.input_tokens = estimate.tokens(estimate.text_size(self._text))
            usage.estimated = True
        usage.total_tokens = usage.input_tokens + usage.output_tokens
        return usage

    def _release(self) -> bytes:
        head, self._held = self._held, b""
        if not head:
            return b""
        self._told = True
        headerless = (audio_pb2.AUDIO_FORMAT_PCM_S16LE, audio_pb2.AUDIO_FORMAT_MULAW, audio_pb2.AUDIO_FORMAT_ALAW)
        # Samples may look like any header by chance, so where they were asked for they are what they are.
        found = sound.NOTHING if self._expected.format in headerless else sound.describe((head,))
        self.format = found.format or audio_pb2.AudioFormat.ValueType(self._expected.format)
        self.rate = found.rate or self._expected.rate
        return head

    def _events(self, parser: SseParser, data: bytes) -> bytes:
        pieces = []
        for _, payload in parser.feed(data):
            if payload.strip() == b"[DONE]":
                self._ended = True
                continue
            event = json.obj(json.parse(payload))
            if (error := provider_errors.error_in(event)) is not None:
                raise error
            # OpenAI's speech.audio.delta has audio, Together's audio.tts.chunk has b64.
            encoded = json.text(event.get("audio")) or json.text(event.get("b64"))
            if encoded:
                pieces.append(json.base64_bytes(encoded))
            if event.get("type") == "speech.audio.done":
                self._ended = True
                self._usage = json.obj(event.get("usage"))
        return b"".join(pieces)


def _complained(body: bytes) -> Exception:
    answer = json.obj(json.parse(body))
    return provider_errors.error_in(answer) or ProviderBadResponse("the provider answered with JSON and not with audio")
