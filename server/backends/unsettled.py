"""Audio that was sent and whose transcript has not come: what a new session must hear again."""

from collections import deque
from collections.abc import Iterator

from server.wire import pcm

_LONGEST = 120.0
"""Seconds that are kept at most, which is 5.8 MB at 24 kHz."""
_KEPT = 2.0
"""Seconds of silence kept before speech: what a detector may not have noticed yet."""
_LOUD = 0.004


class Unsettled:
    """16-bit samples of one channel, by their place in seconds from the start of all audio."""

    def __init__(self, rate: int) -> None:
        self._second = rate * pcm.WIDTH
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._end = 0
        self._settled = 0
        self._loud_at = -1
        self.heard = 0.0
        """Up to where the provider has made utterances of it, in seconds."""

    @property
    def total(self) -> float:
        """Seconds of all audio so far."""
        return self._end / self._second

    @property
    def settled(self) -> float:
        """Where what is kept begins."""
        return (self._end - self._size) / self._second

    def add(self, samples: bytes) -> None:
        """Keeps samples; the oldest beyond two minutes are let go."""
        self._pieces.append(samples)
        self._size += len(samples)
        self._end += len(samples)
        if pcm.level(pcm.samples_of(samples)) > _LOUD:
            self._loud_at = self._end
        while self._size - len(self._pieces[0]) > _LONGEST * self._second:
            self._drop_first()

    def settle(self, seconds: float) -> None:
        """Everything up to ``seconds`` has its transcript."""
        self._settled = max(self._settled, min(self._end, int(seconds * self._second) // pcm.WIDTH * pcm.WIDTH))
        while self._pieces and self._end - self._size + len(self._pieces[0]) <= self._settled:
            self._drop_first()

    def rewind(self) -> None:
        """Cuts what is kept to where the settled part ends, and long silence to its last two seconds."""
        begin = self._settled
        self.heard = begin / self._second
        if self._loud_at <= begin:
            begin = max(begin, self._end - int(_KEPT * self._second))
        while self._pieces and (surplus := begin - (self._end - self._size)) > 0:
            first = self._pieces.popleft()
            cut = min(len(first), surplus // pcm.WIDTH * pcm.WIDTH)
            self._size -= len(first)
            if cut < len(first):
                self._pieces.appendleft(first[cut:])
                self._size += len(first) - cut
                return

    def any(self, *, spoken: bool) -> bool:
        """Whether audio is kept of which no utterance was made; with ``spoken``, whether any of it is loud."""
        begin = max(self._settled, int(self.heard * self._second))
        return (self._loud_at if spoken else self._end) > begin

    def pieces(self) -> Iterator[bytes]:
        """What is kept, in order."""
        yield from tuple(self._pieces)

    def _drop_first(self) -> None:
        self._size -= len(self._pieces.popleft())
