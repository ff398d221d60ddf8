"""Files that only their owner reads."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def create_private(path: Path, content: bytes) -> bool:
    """Makes a file of mode 0600 that holds all of ``content`` from the moment it is there, through a power cut too.

    False, with nothing changed, where ``path`` exists. Missing folders are made with mode 0700. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link, unlike a rename, fails where the name is taken: of two first starts one wins, and the
            # other reads a file that is complete.
            path.hardlink_to(draft)
        except FileExistsError:
            return False
        _sync_folder(path.parent)
        return True
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
