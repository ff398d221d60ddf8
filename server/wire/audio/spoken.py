"""Audio as it comes: told by its own bytes where they tell, and never mistaken for a complaint."""

from dataclasses import dataclass

from aignehub.v1 import audio_pb2
from aignehub.v1.usage_pb2 import Usage

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire import provider_errors, sound

_HEAD = 64
"""Bytes held back until the first of them tell what they are; the longest header of one frame of any format."""
_LONGEST_COMPLAINT = 64 * 1024
_HEADERLESS = (audio_pb2.AUDIO_FORMAT_PCM_S16LE, audio_pb2.AUDIO_FORMAT_MULAW, audio_pb2.AUDIO_FORMAT_ALAW)


@dataclass(frozen=True, slots=True)
class Expected:
    """What was asked for: it holds where the audio itself says nothing."""

    format: int
    rate: int


class SpokenDecoder:
    """A SpeechDecoder of bare audio, whose usage is known from the beginning of the answer."""

    def __init__(self, content_type: str, expected: Expected, usage: Usage) -> None:
        self._kind = content_type.partition(";")[0].strip().lower()
        json_kind = self._kind == "application/json" or self._kind.endswith("+json")
        self._complaint: bytes | None = b"" if json_kind else None
        self._expected = expected
        self._usage = usage
        self._held = b""
        self._told = False
        self.format: audio_pb2.AudioFormat.ValueType = audio_pb2.AUDIO_FORMAT_UNSPECIFIED
        self.rate = 0

    def feed(self, data: bytes) -> bytes:
        """See SpeechDecoder.feed."""
        if self._complaint is not None:
            self._complaint = (self._complaint + data)[:_LONGEST_COMPLAINT]
            return b""
        audio = self._audio(data)
        if self._told or not audio:
            return audio
        self._held += audio
        return self._release() if len(self._held) >= _HEAD else b""

    def finish(self) -> bytes:
        """See SpeechDecoder.finish."""
        if self._complaint is not None:
            raise _complained(self._complaint)
        self._check_end()
        rest = b"" if self._told else self._release()
        if not self._told:
            raise ProviderBadResponse("the provider answered without audio")
        return rest

    def usage(self) -> Usage:
        """See SpeechDecoder.usage."""
        return self._usage

    def _audio(self, data: bytes) -> bytes:
        """The audio in what one read delivered."""
        return data

    def _check_end(self) -> None:
        """Raises where the body ended and the audio did not; HTTP itself tells it of bare audio."""

    def _release(self) -> bytes:
        head, self._held = self._held, b""
        if not head:
            return b""
        self._told = True
        # Samples may look like any header by chance, so where they were asked for they are what they are.
        found = sound.NOTHING if self._expected.format in _HEADERLESS else sound.describe((head,))
        self.format = found.format or audio_pb2.AudioFormat.ValueType(self._expected.format)
        self.rate = found.rate or self._expected.rate
        return head


def _complained(body: bytes) -> Exception:
    answer = json.obj(json.parse(body))
    return provider_errors.error_in(answer) or ProviderBadResponse("the provider answered with JSON and not with audio")
