"""Keys made without a server, by whoever holds its files: how the first administrator gets in."""

import asyncio
from pathlib import Path

from server.cli.failure import CommandFailed
from server.errors import HubError
from server.identity.bootstrap import open_registry
from server.identity.grants import OPERATOR
from server.identity.registry import IssuedKey
from server.store.base import KeySettings


def create_offline(data_dir: Path, settings: KeySettings) -> IssuedKey:
    """A new key in the store under ``data_dir``, which is made where it is missing.

    A hub that runs on the same folder takes the key at once. Raises CommandFailed naming what cannot be used.
    """
    try:
        return asyncio.run(_create(data_dir, settings))
    except HubError as error:
        raise CommandFailed(f"{error.message} ({error.reason})") from None


async def _create(data_dir: Path, settings: KeySettings) -> IssuedKey:
    registry = await open_registry(data_dir)
    try:
        await registry.start()
        return await registry.create(OPERATOR, settings)
    finally:
        await registry.close()
