"""How a command fails: one line that says what, why and what to do, and an exit status."""

USAGE = 2
"""Exit status of a command that was given wrongly, or of a hub that is configured wrongly."""
FAILED = 1
"""Exit status of a call that failed, or of a status that is not available."""
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 + SIGINT, as shells have it."""
PIPE_CLOSED = 141
"""Exit status where the reader of our output left: 128 + SIGPIPE, as shells have it."""


class CommandFailed(Exception):
    """A failure on this side of the wire; ``str()`` is what follows ``error:``."""

    def __init__(self, what: str, remedy: str = "", *, status: int = FAILED) -> None:
        super().__init__(f"{what}; {remedy}" if remedy else what)
        self.status = status
