"""The running hub: what is built, in which order it starts, and in which it ends."""

import asyncio
import os
from collections.abc import Mapping

import structlog

from server.app.identity import Identity, open_identity
from server.app.providers import Connections, build_catalogue
from server.backends.media import MediaInliner
from server.config import Settings
from server.errors import HubError
from server.identity.rights import Rights
from server.interceptors.admission import AdmissionInterceptor, Slots
from server.interceptors.auth import AuthInterceptor
from server.interceptors.status import StatusInterceptor
from server.interceptors.telemetry import TelemetryInterceptor
from server.listener import (
    add_ports,
    add_reflection,
    add_services,
    build_server,
    service_names,
    wants_reflection,
)
from server.routing.catalogue import Catalogue
from server.routing.resolve import plan_chat
from server.sandbox import Sandbox
from server.services.chat import ChatService
from server.services.health import HealthServicer
from server.services.keys import KeyService
from server.services.models import ModelService
from server.services.status import Lifecycle, StatusService
from server.transport.client import Transport

_log = structlog.get_logger("hub")


class Hub:
    """One server process. ``start`` returns once it answers; ``stop`` returns once nothing is left."""

    def __init__(self, settings: Settings, environ: Mapping[str, str] | None = None) -> None:
        self.settings = settings
        self._environ = os.environ if environ is None else environ
        self._lifecycle = Lifecycle()
        self._slots = Slots(settings.limits.max_concurrent_calls, settings.limits.max_concurrent_calls_per_key)
        self._transport = Transport(transport_settings(settings))
        self._sandbox = Sandbox() if settings.sandbox else None
