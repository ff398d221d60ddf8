"""Watches files on a thread of its own, so that nothing wakes the event loop while they stay as they are."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

_LOOK_SECONDS = 1.0


class FileWatch:
    """Looks every second, until it is closed. Made inside the loop that is to hear of changes."""

    def __init__(self, files: Callable[[], Iterable[Path]], changed: Callable[[], object]) -> None:
        """``files`` is called on the thread, ``changed`` on the loop, once the same was found two times running."""
        self._files = files
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="configuration watch", daemon=True)

    def start(self) -> None:
        """Begins with the files as they now are."""
        self._thread.start()

    async def close(self) -> None:
        """Calls nobody any more."""
        self._closed.set()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        seen = taken = self._look()
        while not self._closed.wait(_LOOK_SECONDS):
            before, seen = seen, self._look()
            # Only what two looks found the same: who writes a file in place may be in the middle of it.
            if seen == before and seen != taken:
                taken = seen
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        if not self._closed.is_set():
            self._changed()

    def _look(self) -> list[tuple[str, int, int, int]]:
        """What tells a changed file; Kubernetes changes a link on the way to it, which these follow."""
        found = []
        for file in map(str, self._files()):
            try:
                stat = os.stat(file)  # noqa: PTH116 - half of what a Path takes for it
            except OSError:
                found.append((file, 0, 0, 0))
            else:
                found.append((file, stat.st_ino, stat.st_mtime_ns, stat.st_size))
        return found
