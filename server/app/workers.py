"""Several processes behind one port: forked before anything of gRPC exists, replaced when they die, ended together."""

import ctypes
import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Set
from functools import partial

import structlog

from server.config import Settings
from server.errors import ConfigError

Ready = Callable[[], None]
"""Called by a worker once it answers."""

_ENDING = {signal.SIGTERM, signal.SIGINT}
_AWAITED = {*_ENDING, signal.SIGHUP, signal.SIGCHLD}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a worker that died is replaced, doubled each time that none comes to answer, so that one that cannot
live does not take the machine with it."""
_LOOK_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1
_log = structlog.get_logger("hub")


class Ports:
    """Keeps the ports of the settings for the workers, from before the first to after the last of them."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError where another process uses one: workers share them, so they would not notice."""
        if sys.platform != "linux":
            raise ConfigError("workers: more than 1 needs Linux, whose kernel deals out connections; set it to 1")
        self._kept: list[socket.socket] = []
        self.addresses: dict[str, str] = {}
        """By setting, each with the port that it has: 0 was chosen once for all."""
        for setting, listen in (("listen", settings.listen), ("health_listen", settings.health_listen)):
            if listen:
                self._keep(setting, listen)

    def close(self) -> None:
        """In a worker, which has its own."""
        for kept in self._kept:
            kept.close()

    def _keep(self, setting: str, listen: str) -> None:
        named, _, port = listen.rpartition(":")
        host = named.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, int(port)))
            kept = socket.socket(family)
            self._kept.append(kept)
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            kept.bind((host, int(port)))
        except OSError as error:
            raise ConfigError(f"{setting}: cannot bind {listen}: {error.strerror}") from None
        self.addresses[setting] = f"{named}:{kept.getsockname()[1]}"


class Workers:
    """The parent's view. ``run`` returns in each worker as well, where it returns what to call when ready."""

    def __init__(self, count: int, announce: Callable[[], None]) -> None:
        """``announce`` is called in the parent once all ``count`` answer."""
        self._count = count
        self._announce = announce
        self._pids: set[int] = set()
        self._pause = _FIRST_PAUSE
        self._next_start = 0.0
        self._stopping = False

    def run(self) -> Ready | int:
        """In a worker a callback; in the parent, once all have ended, the exit status.

        A worker that does not come to answer ends the start. Later one is replaced; while a replacement does not come
        to answer the others serve on, and where none is left the hub ends.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        gc.freeze()  # a collection would write to the pages that the workers share with this process
        for _ in range(self._count):  # in turn: the first makes the database and the keys that the others find
            began = self._start()
            if callable(began):
                return began
            if not began:
                self._end_all()
                return 1  # its error is on standard error
        self._announce()
        return self._watch()

    def _start(self) -> Ready | bool:
        """Forks: in the worker what it calls when ready, in the parent whether it came to answer."""
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        parent, pid = os.getpid(), os.fork()
        if pid == 0:
            os.close(reading)
            _die_with(parent)
            # The configuration is read in any case, so that a SIGHUP from before that can wait.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED - {signal.SIGHUP})
            return partial(_answers, writing)
        os.close(writing)
        self._pids.add(pid)
        try:
            return _is_told(reading)
        finally:
            os.close(reading)

    def _watch(self) -> Ready | int:
        while self._pids:
            missing = not self._stopping and len(self._pids) < self._count
            wait = max(self._next_start - time.monotonic(), 0) if missing else _LONGEST_PAUSE
            received = signal.sigtimedwait(_AWAITED, wait)
            if received is None:
                began = self._replace() if missing else False
                if callable(began):
                    return began
            elif received.si_signo == signal.SIGCHLD:
                self._reap()
            else:
                self._stopping = self._stopping or received.si_signo in _ENDING
                self._tell(received.si_signo)
        if not self._stopping:
            _log.error("no worker is left")
        return int(not self._stopping)

    def _replace(self) -> Ready | bool:
        began = self._start()
        if not callable(began):
            self._pause = _FIRST_PAUSE if began else min(self._pause * 2, _LONGEST_PAUSE)
            self._next_start = time.monotonic() + self._pause
        return began

    def _reap(self) -> None:
        while self._pids:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._pids.discard(pid)
            if not self._stopping:
                self._next_start = time.monotonic() + self._pause
                _log.error("a worker ended", pid=pid, status=os.waitstatus_to_exitcode(status), retry_in=self._pause)

    def _tell(self, signum: int) -> None:
        for pid in self._pids:
            os.kill(pid, signum)

    def _end_all(self) -> None:
        self._tell(signal.SIGTERM)
        for pid in self._pids:
            os.waitpid(pid, 0)
        self._pids.clear()


def _is_told(pipe: int) -> bool:
    """Whether a worker said that it answers. It is waited for until it ends or this process is told to."""
    while not select.select([pipe], [], [], _LOOK_SECONDS)[0]:
        if _pending(_ENDING):
            return False
    return os.read(pipe, 1) == b"1"


def _pending(signals: Set[signal.Signals]) -> bool:
    return not signals.isdisjoint(signal.sigpending())


def _answers(pipe: int) -> None:
    os.write(pipe, b"1")
    os.close(pipe)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def _die_with(parent: int) -> None:
    """A parent that is killed leaves no workers behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
