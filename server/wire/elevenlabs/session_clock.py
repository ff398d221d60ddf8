"""The time of a session that was sent silence nobody said, beside the caller's audio."""


class SessionClock:
    """Counts samples; what it tells is in seconds."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._heard = 0
        self._padded = 0
        self._pads: list[list[int]] = []
        """Where in the session each stretch of silence begins, and how long it is, in samples."""

    @property
    def heard(self) -> float:
        """Of the caller's audio."""
        return self._heard / self._rate

    def hear(self, samples: int) -> None:
        """Audio of the caller's was sent."""
        self._heard += samples

    def pad(self, samples: int) -> None:
        """Silence of our own was sent."""
        begin = self._heard + self._padded
        if self._pads and sum(self._pads[-1]) == begin:
            self._pads[-1][1] += samples
        else:
            self._pads.append([begin, samples])
        self._padded += samples

    def real(self, seconds: float) -> float:
        """The place in the caller's audio that the session counts as ``seconds``."""
        place = seconds * self._rate
        ours = sum(min(length, max(0.0, place - begin)) for begin, length in self._pads)
        return (place - ours) / self._rate
