"""16-bit samples as they come over a live stream: header off, one channel, the rate that is wanted."""

import sys
from array import array
from operator import mul

from aignehub.v1 import audio_pb2
from aignehub.v1.audio_pb2 import AudioInputConfig

from server.errors import InvalidArgument
from server.wire import g711, wav

WIDTH = 2
FULL_SCALE = 32768.0
_LOUDEST = 32767
_FLOAT_WIDTH = 4
_G711_RATE = 8000
_LOWEST_RATE = 4000
"""Below it no speech can be understood, and a second of it would become many at a provider's rate."""
_LAWS = {audio_pb2.AUDIO_FORMAT_MULAW: wav.MULAW, audio_pb2.AUDIO_FORMAT_ALAW: wav.ALAW}
_HEARD = frozenset({
    audio_pb2.AUDIO_FORMAT_UNSPECIFIED, audio_pb2.AUDIO_FORMAT_PCM_S16LE, audio_pb2.AUDIO_FORMAT_WAV, *_LAWS,
})  # fmt: skip


def samples_of(data: bytes) -> "array[int]":
    """Little-endian 16-bit samples as numbers."""
    samples = array("h", data)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def bytes_of(samples: "array[int]") -> bytes:
    """Numbers as little-endian 16-bit samples."""
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()


def level(samples: "array[int]") -> float:
    """Loudness from 0 to 1: the root of the mean square."""
    return (sum(map(mul, samples, samples)) / len(samples)) ** 0.5 / FULL_SCALE if samples else 0.0


class FloatSamples:
    """Turns the pieces of 32-bit little-endian floats between -1 and 1 into 16-bit samples."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """The samples of a piece, as far as they are whole."""
        data = self._rest + data
        whole = len(data) // _FLOAT_WIDTH * _FLOAT_WIDTH
        self._rest = data[whole:]
        numbers = array("f", data[:whole])
        if sys.byteorder == "big":
            numbers.byteswap()
        # What is no number compares with nothing and comes out as the loudest there is, in place of an error.
        return bytes_of(array("h", [int(max(-_LOUDEST, min(_LOUDEST, one * _LOUDEST))) for one in numbers]))


class LiveSamples:
    """Turns the pieces of one live stream, PCM or G.711, into 16-bit samples of one channel at ``rate``."""

    def __init__(self, config: AudioInputConfig, rate: int | None, *, field: str = "config.input") -> None:
        """``rate`` None keeps the rate it comes in. Raises InvalidArgument where it is neither PCM nor G.711."""
        if config.format not in _HEARD:
            name = audio_pb2.AudioFormat.Name(config.format)
            raise InvalidArgument.field(
                f"{field}.format",
                f"{name} cannot be heard live; send PCM_S16LE, MULAW, ALAW or WAV, or use UploadTranscription",
            )
        self._tag = _LAWS.get(config.format, wav.PCM)
        self._field = field
        self._header: bytes | None = b""
        self._must_have_header = config.format == audio_pb2.AUDIO_FORMAT_WAV
        self._wanted = rate
        self._rest = b""
        self._previous = 0
        self._position = 0.0
        self._source = config.sample_rate_hertz or (_G711_RATE if self._tag != wav.PCM else 0)
        self._channels = config.channel_count or 1
        if not self._source and config.format == audio_pb2.AUDIO_FORMAT_PCM_S16LE:
            raise InvalidArgument.field(
                f"{field}.sample_rate_hertz", "say the rate of headerless samples, such as 16000"
            )
        if 0 < self._source < _LOWEST_RATE:
            raise InvalidArgument.field(f"{field}.sample_rate_hertz", f"is below {_LOWEST_RATE}, the least for speech")

    @property
    def rate(self) -> int:
        """Of what ``feed`` gives; 0 before a header told it."""
        return self._wanted or self._source

    def feed(self, data: bytes) -> bytes:
        """The samples of a piece, as far as they are whole. Raises InvalidArgument where it is none."""
        if self._header is not None:
            data = self._after_header(self._header + data)
        data = self._rest + data
        frame = (WIDTH if self._tag == wav.PCM else 1) * self._channels
        whole = len(data) // frame * frame
        self._rest = data[whole:]
        if not whole:
            return b""
        return bytes_of(self._resampled(self._mono(self._decoded(data[:whole]))))

    def _decoded(self, data: bytes) -> "array[int]":
        return samples_of(data) if self._tag == wav.PCM else g711.decode(data, alaw=self._tag == wav.ALAW)

    def _after_header(self, head: bytes) -> bytes:
        if not (b"RIFF".startswith(head[:4]) or head.startswith(b"RIFF")):
            if self._must_have_header or not self._source:
                raise InvalidArgument.field(
                    f"{self._field}.sample_rate_hertz", "the audio has no WAV header; say its rate and PCM_S16LE"
                )
            self._header = None
            return head
        try:
            header = wav.read_header(head)
        except ValueError:
            raise InvalidArgument.field("audio", "begins like a WAV file and is none") from None
        if header is None:
            self._header = head
            return b""
        if (header.tag, header.bits) not in ((wav.PCM, 16), (wav.MULAW, 8), (wav.ALAW, 8)):
            raise InvalidArgument.field(
                "audio", "is a WAV file of other than 16-bit PCM or G.711; convert it, or upload it whole"
            )
        if header.rate < _LOWEST_RATE:
            raise InvalidArgument.field(
                "audio", f"is a WAV file of {header.rate} Hz; {_LOWEST_RATE} is the least for speech"
            )
        self._header = None
        self._source, self._channels, self._tag = header.rate, header.channels, header.tag
        return head[header.data_at :]

    def _mono(self, samples: "array[int]") -> "array[int]":
        if self._channels == 1:
            return samples
        tracks = [samples[channel :: self._channels] for channel in range(self._channels)]
        return array("h", [sum(frame) // self._channels for frame in zip(*tracks, strict=True)])

    def _resampled(self, samples: "array[int]") -> "array[int]":
        """Straight lines between samples: enough for speech, and nothing needs to be looked ahead for."""
        if self._wanted is None or self._wanted == self._source:
            return samples
        step = self._source / self._wanted
        found = array("h")
        place, last = self._position, len(samples)
        line = array("h", [self._previous]) + samples  # place 0 is the last sample of the piece before
        while place < last:
            index = int(place)
            begin = line[index]
            found.append(int(begin + (line[index + 1] - begin) * (place - index)))
            place += step
        self._position = place - last
        self._previous = samples[-1]
        return found
