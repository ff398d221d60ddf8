"""Takes a changed configuration into use without a restart: read, judged and built whole, or refused whole."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from server.app.file_watch import FileWatch
from server.config import Settings
from server.config.models import ModelFacts
from server.config.settings import UNTOLD
from server.errors import ConfigError, FailedPrecondition
from server.models.directory import Directory
from server.routing.catalogue import Modality
from server.routing.live import Configuration, Live
from server.services.providers import Reloaded

EXCHANGEABLE = frozenset(
    {"providers", "providers_from_environment", "groups", "aliases", "defaults", "routing", "models"}
)
"""Settings that hold from a reload on; all others hold from a restart on."""

_log = structlog.get_logger("hub")

Load = Callable[[], Settings]
"""Reads the settings again. Raises ConfigError."""


@dataclass(frozen=True, slots=True)
class Built:
    """All that is made of settings anew."""

    configuration: Configuration
    directory: Directory
    """Not entered yet."""
    table: Mapping[str, ModelFacts] = field(default_factory=dict)
    """What ``models.table`` says."""


Build = Callable[[Settings], Built]
"""Makes it of them. Raises ConfigError."""


class Reloader:
    """Watches the files of the configuration, and reloads when they change or when it is told to."""

    def __init__(
        self,
        settings: Settings,
        built: Built,
        load: Load,
        build: Build,
        live: Live,
        swapped: Callable[[Built], Awaitable[None]],
    ) -> None:
        """``settings`` and what was built of them are in use.

        ``swapped`` is called with what was taken into use, before any other call sees it.
        """
        self._started = settings
        """What holds of the settings that a reload cannot exchange."""
        self._settings = settings
        self._built = built
        self._load = load
        self._build = build
        self._live = live
        self._swapped = swapped
        self._one_at_a_time = asyncio.Lock()
        self._watching: FileWatch | None = None
        self._reloading: set[asyncio.Task[None]] = set()

    def watch(self, files: Callable[[Settings], list[Path]]) -> None:
        """Reloads whenever one of ``files`` changes; a bad change is logged and the one in use stays."""
        self._watching = FileWatch(lambda: files(self._settings), self.reload_soon)
        self._watching.start()

    async def close(self) -> None:
        """Stops watching, and what it began."""
        if self._watching is not None:
            await self._watching.close()
        for task in self._reloading:
            task.cancel()
        await asyncio.gather(*self._reloading, return_exceptions=True)

    async def reload(self) -> Reloaded:
        """Reads everything again. Raises FailedPrecondition with the setting at fault where it is refused."""
        async with self._one_at_a_time:
            try:
                settings = await asyncio.to_thread(self._load)
                built = self._build(settings)
                _refuse_emptied(self._built, settings, built)
            except ConfigError as error:
                raise FailedPrecondition(
                    f"the configuration is refused and the one in use stays: {error}", reason="CONFIGURATION_REFUSED"
                ) from None
            before, self._settings = self._settings, settings
            needs_restart = _changed(self._started, settings, exchangeable=False)
            if not _changed(before, settings, exchangeable=True) and _same_files(self._built, built):
                told = bool(_changed(before, settings, exchangeable=False))
                if told:
                    _log.info("configuration", generation=self._live.generation, needs_restart=list(needs_restart))
                return Reloaded(changed=told, needs_restart=needs_restart)
            self._built = built
            self._live.swap(built.configuration)
            await self._swapped(built)
        _log.info("configuration", generation=self._live.generation, needs_restart=list(needs_restart))
        return Reloaded(changed=True, needs_restart=needs_restart)

    def reload_soon(self) -> None:
        """The same for a signal or a changed file, where nobody waits for an answer: a refusal is logged."""
        task = asyncio.create_task(self._reload_or_log(), name="reload")
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)

    async def _reload_or_log(self) -> None:
        try:
            await self.reload()
        except FailedPrecondition as error:
            _log.error("configuration refused", why=error.message)


def _refuse_emptied(before: Built, settings: Settings, after: Built) -> None:
    """Raises ConfigError where all providers are gone and the file does not say so: it is empty, or cut short."""
    gone = before.configuration.catalogue.providers and not after.configuration.catalogue.providers
    if gone and settings.providers is UNTOLD:
        raise ConfigError("no provider is left; write `providers: []` if that is meant")


def _changed(before: Settings, after: Settings, *, exchangeable: bool) -> tuple[str, ...]:
    names = type(after).__struct_fields__
    wanted = [name for name in names if (name in EXCHANGEABLE) is exchangeable]
    return tuple(name for name in wanted if getattr(before, name) != getattr(after, name))


def _same_files(one: Built, other: Built) -> bool:
    """A file of secrets, or the table of models, may change where no setting does."""

    def keys(built: Built) -> list[tuple[str, object]]:
        return [(provider.name, provider.credentials) for provider in built.configuration.catalogue.providers]

    return keys(one) == keys(other) and one.table == other.table


def files_of(config: Path | None, settings: Settings) -> list[Path]:
    """The files that ``settings`` were made of: the configuration, the table of models, and every secret it names."""
    secrets = [key.key.get_secret_value() for provider in settings.providers for key in provider.api_keys]
    named = [Path(text.removeprefix("file:")) for text in secrets if text.startswith("file:")]
    return [*filter(None, (config, settings.models.table)), *named]


def defaults_of(settings: Settings) -> dict[Modality, str]:
    """Model of a call that names none, for each kind of call."""
    told = settings.defaults
    return {
        Modality.CHAT: told.chat,
        Modality.EMBEDDINGS: told.embeddings,
        Modality.IMAGES: told.image,
        Modality.TRANSCRIPTION: told.transcription,
        Modality.SPEECH: told.speech,
    }
