"""The running hub: what is built, in which order it starts, and in which it ends."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import grpc
import structlog

from server.app.identity import build_authenticator, build_tokens
from server.app.models import ModelKnowledge, build_directory
from server.app.outgoing import egress_settings, transport_settings
from server.app.providers import Connections, build_catalogue
from server.app.reload import Built, Load, Reloader, defaults_of, files_of
from server.app.routing import routing_rules
from server.backends.media import CallerMedia
from server.config import Settings
from server.config.table import load_model_table
from server.errors import ConfigError, Draining, HubError, Internal
from server.identity.authenticator import Authenticator
from server.identity.bootstrap import bootstrap, open_registry
from server.identity.registry import KeyRegistry
from server.identity.rights import EVERY_MODEL, Rights
from server.interceptors.admission import Slots
from server.interceptors.auth import authorize
from server.interceptors.call_log import CallLog
from server.interceptors.entry import EntryInterceptor
from server.listener import (
    add_ports,
    add_reflection,
    add_services,
    build_probe_server,
    build_server,
    service_names,
    unserved_names,
    wants_reflection,
)
from server.models.directory import Directory
from server.routing.checks import KeyChecks
from server.routing.dispatch import Dispatch
from server.routing.health.book import HealthBook
from server.routing.live import Configuration, Live
from server.routing.openness import all_broken, require_open
from server.routing.rules import Shared
from server.services.audio import AudioService
from server.services.chat import ChatService
from server.services.embeddings import EmbeddingService
from server.services.frame import Frame
from server.services.health import HealthServicer
from server.services.images import ImageService
from server.services.keys import KeyService
from server.services.models import ModelService
from server.services.providers import ProviderService, Reloaded
from server.services.status import Lifecycle, StatusService
from server.transport.client import Transport
from server.transport.guard import EgressGuard

_LAST_WORD_SECONDS = 0.5
"""For the statuses of calls that the drain ended to leave."""

_log = structlog.get_logger("hub")


class Hub:
    """One server process. ``start`` returns once it answers; ``stop`` returns once nothing is left."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        *,
        load: Load | None = None,
        config: Path | None = None,
    ) -> None:
        """``load`` reads the settings again for a reload, from the file ``config`` where there is one."""
        self.settings = settings
        self._load = load or (lambda: settings)
        self._config = config
        self.reloader: Reloader | None = None
        self._environ = environ
        self._lifecycle = Lifecycle()
        limits = settings.limits
        self._slots = Slots(limits.max_concurrent_calls, limits.max_concurrent_calls_per_key, settings.workers)
        self._resources = AsyncExitStack()
        self._server: grpc.aio.Server | None = None
        self._transport: Transport | None = None
        self._health: HealthServicer | None = None
        self.health_address = ""
        """Where probes alone are answered; empty where no port was set aside for them."""

    @property
    def active_calls(self) -> int:
        """Calls in progress."""
        return self._slots.active

    async def start(self) -> str:
        """Starts everything and returns the address, ``host:port``. Raises ConfigError or HubError with the remedy."""
        try:
            return await self._start()
        except BaseException:
            await self._resources.aclose()
            raise

    async def stop(self) -> None:
        """Drains and ends: readiness falls, watches end, calls in progress get their grace, files are closed."""
        drain = self.settings.drain
        already = self._lifecycle.draining
        self._lifecycle.drain()
        if self._health and self._server and not already:
            await self._health.drain()
            if drain.delay:
                await asyncio.sleep(drain.delay)
            await self._health.end_watches()
            await self._stop_serving(self._server, drain.grace)
        await self._resources.aclose()

    async def _stop_serving(self, server: grpc.aio.Server, grace: float) -> None:
        stopping = asyncio.create_task(server.stop(grace + _LAST_WORD_SECONDS))
        await asyncio.wait({stopping}, timeout=grace)
        if not stopping.done() and self._transport:
            # Said by us, a stream still tells its usage so far and why it ended; gRPC would just cut it.
            self._transport.interrupt(Draining("the hub is shutting down and could not wait longer; call again"))
        await stopping

    async def _start(self) -> str:
        settings = self.settings
        registry = await self._open_keys()
        connections = await self._connect()
        sandbox_url = await self._start_sandbox()

        def build(settings: Settings) -> Built:
            catalogue = build_catalogue(settings, self._environ, connections, sandbox_url)
            configuration = Configuration(catalogue, defaults_of(settings), routing_rules(settings))
            table = load_model_table(settings.models.table) if settings.models.table else {}
            return Built(configuration, build_directory(settings, catalogue, table), table)

        built = build(settings)
        directory = built.directory
        known = ModelKnowledge(directory)
        dispatch = Dispatch(Shared.of(built.configuration.rules), known.price, known.cost)
        live = Live(built.configuration, dispatch)
        self.reloader = Reloader(settings, built, self._load, build, live, partial(self._swapped, live, directory))
        tokens = build_tokens(settings, connections.transport)
        if tokens:
            self._resources.push_async_callback(tokens.close)
        calls = CallLog(settings.log_level)
        self._resources.callback(calls.close)
        authenticator = build_authenticator(registry, tokens)
        entry = EntryInterceptor(authenticator, self._slots, calls.tell)
        server = build_server(settings, [entry])
        self._health = HealthServicer(partial(_is_served, live, dispatch.shared.book, known))
        self._add_services(server, registry, authenticator, live, dispatch, directory, self._health, known)
        await self._start_probes(self._health)
        address = add_ports(server, settings)
        await server.start()
        self._server = server
        await self._health.start(service_names(), _models(live), unserved_names())
        self._resources.push_async_callback(self._health.close)
        await self._resources.enter_async_context(directory)
        checks = KeyChecks(lambda: live.now.catalogue.providers, dispatch.shared.book)
        checks.start()
        self._resources.push_async_callback(checks.close)
        self.reloader.watch(partial(files_of, self._config))
        self._resources.push_async_callback(self.reloader.close)
        _log.info("ready", address=address, providers=[provider.name for provider in live.now.catalogue.providers])
        return address

    async def _start_probes(self, health: HealthServicer) -> None:
        """Last to end, so that liveness is told while calls drain."""
        settings = self.settings
        if settings.health_listen:
            several = settings.workers > 1
            server, self.health_address = build_probe_server(settings.health_listen, health, shares_port=several)
            await server.start()
            self._resources.push_async_callback(server.stop, None)

    def reload_soon(self) -> None:
        """Reads the configuration again, as SIGHUP asks; how it went is in the log."""
        if self.reloader is not None:
            self.reloader.reload_soon()

    async def _reload(self) -> Reloaded:
        if self.reloader is None:
            raise Internal("the hub has not started")
        return await self.reloader.reload()

    async def _swapped(self, live: Live, directory: Directory, built: Built) -> None:
        """Another configuration is in use: other models are told of, and probes ask for others."""
        directory.adopt(built.directory)
        if self._health:
            await self._health.serve(_models(live))

    async def _open_keys(self) -> KeyRegistry:
        folder = self.settings.data_dir
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"data_dir: cannot make {folder}: {error.strerror}; name a folder of your own") from None
        registry = await open_registry(folder)
        self._resources.push_async_callback(registry.close)
        await registry.start()
        key_file = self.settings.auth.bootstrap_key_file
        if key_file:
            done = await bootstrap(registry, key_file)
            _log.info("bootstrap key", key_id=done.key_id, outcome=done.outcome.value, file=str(key_file))
        return registry

    async def _connect(self) -> Connections:
        transport = Transport(transport_settings(self.settings, self._environ))
        guard = EgressGuard(egress_settings(self.settings))
        self._transport = await self._resources.enter_async_context(transport)
        await self._resources.enter_async_context(guard)
        return Connections(transport, CallerMedia(guard, max_each_bytes=self.settings.egress.max_fetch_bytes))

    async def _start_sandbox(self) -> str | None:
        if not self.settings.sandbox:
            return None
        # Imported here: a hub without the sandbox does not carry an HTTP server.
        from server.sandbox.listener import Sandbox  # noqa: PLC0415

        sandbox = Sandbox()
        url: str = await sandbox.start()
        self._resources.push_async_callback(sandbox.stop)
        return url

    def _add_services(
        self,
        server: grpc.aio.Server,
        registry: KeyRegistry,
        authenticator: Authenticator,
        live: Live,
        dispatch: Dispatch,
        directory: Directory,
        health: HealthServicer,
        known: ModelKnowledge,
    ) -> None:
        settings = self.settings
        max_message = settings.grpc.max_receive_message_bytes
        frame = Frame(live, dispatch, settings.limits.max_call_seconds, known, shares_port=settings.workers > 1)
        book = dispatch.shared.book
        add_services(
            server,
            chat=ChatService(frame),
            embeddings=EmbeddingService(frame),
            images=ImageService(frame),
            audio=AudioService(frame),
            keys=KeyService(registry),
            models=ModelService(frame, directory),
            providers=ProviderService(live, book, self._reload, shares_port=settings.workers > 1),
            status=StatusService(
                live,
                book,
                self._lifecycle,
                lambda: self._slots.active,
                max_message,
                known.missing,
                partial(authorize, authenticator),
            ),
            health=health,
        )
        if wants_reflection(settings):
            add_reflection(server)


_ALL_MODELS = Rights((), (EVERY_MODEL,))


def _models(live: Live) -> list[str]:
    """Ids of the models that are configured."""
    return [f"{provider.name}/{model.name}" for provider in live.now.catalogue.providers for model in provider.models]


def _is_served(live: Live, book: HealthBook, known: ModelKnowledge, model: str) -> bool:
    try:
        require_open(live.now.catalogue, model, _ALL_MODELS, book, known.missing)
    except HubError:
        return False
    return not all_broken(live.now.catalogue, model, book)
