"""Several processes behind one port: forked before anything of gRPC exists, replaced when they die, ended together."""

import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial

from server.errors import ConfigError

Ready = Callable[[], None]
"""Called by a worker once it answers."""

_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_AWAITED = {*_FORWARDED, signal.SIGCHLD}
_PAUSE_SECONDS = 0.5
"""Before a worker that died is replaced, so that one that cannot live does not take the machine with it."""
_PR_SET_PDEATHSIG = 1


def reserve(listen: str) -> tuple[socket.socket, str]:
    """A socket that keeps the port for the workers, to be left open, and the address with its real port.

    Raises ConfigError where another process uses it: workers share a port, so they would not notice.
    """
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, int(port)))
        kept = socket.socket(family)
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        kept.bind((host, int(port)))
    except OSError as error:
        raise ConfigError(f"listen: cannot bind {listen}: {error.strerror}") from None
    return kept, f"{listen.rpartition(':')[0]}:{kept.getsockname()[1]}"


class Workers:
    """The parent's view. ``run`` returns in each worker as well, where it returns what to call when ready."""

    def __init__(self, count: int, announce: Callable[[], None]) -> None:
        """``announce`` is called in the parent once all ``count`` answer."""
        self._count = count
        self._announce = announce
        self._pids: set[int] = set()

    def run(self) -> Ready | int:
        """In a worker a callback; in the parent, once all have ended, the exit status."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        for _ in range(self._count):  # in turn: the first makes the database and the keys that the others find
            started = self._start()
            if started is not None:
                return started
            if not self._pids:
                return 1  # its error is on standard error
        self._announce()
        return self._watch()

    def _start(self) -> Ready | None:
        """Forks; None in the parent, where a worker that did not come to answer leaves none of them."""
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _die_with_parent()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
            return partial(_answers, writing)
        os.close(writing)
        self._pids.add(pid)
        with os.fdopen(reading, "rb") as pipe:
            answers = pipe.read(1) == b"1"
        if not answers:
            self._end_all()
        return None

    def _watch(self) -> Ready | int:
        stopping = False
        while True:
            received = signal.sigwait(_AWAITED)
            if received == signal.SIGCHLD:
                died = self._reap()
                if stopping and not self._pids:
                    return 0
                for _ in range(0 if stopping else died):
                    time.sleep(_PAUSE_SECONDS)
                    started = self._start()
                    if started is not None:
                        return started
                    if not self._pids:
                        return 1
            else:
                stopping = stopping or received != signal.SIGHUP
                self._tell(received)

    def _reap(self) -> int:
        """How many have died since it was last asked."""
        died = 0
        while self._pids:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            self._pids.discard(pid)
            died += 1
        return died

    def _tell(self, signum: int) -> None:
        for pid in self._pids:
            os.kill(pid, signum)

    def _end_all(self) -> None:
        self._tell(signal.SIGTERM)
        for pid in self._pids:
            os.waitpid(pid, 0)
        self._pids.clear()


def _answers(pipe: int) -> None:
    os.write(pipe, b"1")
    os.close(pipe)


def _die_with_parent() -> None:
    """A parent that is killed leaves no workers behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
