"""Several WAV files, one after another, as a single one of unknown length."""

from server.errors import ProviderBadResponse
from server.wire import wav


class WavJoin:
    """Fed with the bytes of one file after another; the header of the first stays, with sizes left open."""

    def __init__(self) -> None:
        self._told = False
        self._head: bytes | None = b""
        self._left: int | None = None

    def feed(self, data: bytes) -> bytes:
        """What goes out of these bytes. Raises ProviderBadResponse where they are no WAV file."""
        if self._head is None:
            return self._samples(data)
        self._head += data
        try:
            header = wav.read_header(self._head)
        except ValueError:
            raise ProviderBadResponse("the provider's WAV file cannot be read") from None
        if header is None:
            return b""
        samples, self._head, self._left = self._head[header.data_at :], None, header.data_size
        begin = b"" if self._told else wav.write_header(header.rate, header.channels, None, tag=header.tag)
        self._told = True
        return begin + self._samples(samples)

    def next(self) -> None:
        """The next bytes are those of another file."""
        self._head, self._left = b"", None

    def _samples(self, data: bytes) -> bytes:
        """What belongs to the samples: chunks may follow them that are none."""
        if self._left is None:
            return data
        taken = data[: self._left]
        self._left -= len(taken)
        return taken
