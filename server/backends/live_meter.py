"""Usage of one live transcription, over all its utterances and sessions."""

from aignehub.v1.usage_pb2 import Usage

from server.wire.audio.complete import estimated
from server.wire.sums import add_usage


class Meter:
    """Some providers tell the usage of each utterance, some that of a session at its end, some none at all."""

    def __init__(self) -> None:
        self._told = Usage()
        self._guessed = Usage()
        """Of the running session, until it tells by itself."""

    def utterance(self, told: Usage | None, seconds: float, text: str) -> None:
        """One more utterance, with what the provider told of it."""
        if told is not None:
            add_usage(self._told, told)
        else:
            add_usage(self._guessed, estimated(seconds, text))

    def session(self, told: Usage) -> None:
        """What the provider told of the running session as a whole."""
        add_usage(self._told, told)
        self._guessed.Clear()

    def next_session(self) -> None:
        """Another session begins; what was guessed of the last one stays a guess."""
        if self._guessed.ByteSize():
            add_usage(self._told, self._guessed)
            self._guessed.Clear()

    def total(self, seconds: float, text: str) -> Usage:
        """All of it; ``seconds`` of audio and ``text`` stand in where nothing at all was told or guessed."""
        self.next_session()
        return self._told if self._told.ByteSize() else estimated(seconds, text)
