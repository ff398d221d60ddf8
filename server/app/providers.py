"""From settings and environment to the providers of the catalogue."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace

from server.app.routing import model_groups
from server.backends.base import ImageBackend
from server.backends.http_chat import HttpChatBackend
from server.backends.http_counter import HttpTokenCounter
from server.backends.http_embeddings import HttpEmbeddingBackend
from server.backends.http_images import HttpImageBackend
from server.backends.http_model_list import HttpModelList
from server.backends.http_speech import HttpSpeechBackend
from server.backends.http_transcription import HttpTranscriptionBackend
from server.backends.http_voices import HttpVoices
from server.backends.media import CallerMedia
from server.config.secrets import environment_credentials, provider_credentials
from server.config.settings import ProviderSettings, Settings
from server.errors import ConfigError
from server.models.served import Served
from server.models.told import operators_model, told_model
from server.providers.audio import SANDBOX_HEARING, SANDBOX_REALTIME, SANDBOX_SPEECH, SANDBOX_VOICES
from server.providers.image_hosts import SANDBOX as SANDBOX_IMAGES
from server.providers.kind import ProviderKind, Site
from server.providers.registry import ALIASES, PROVIDERS, may_be_meant
from server.routing.catalogue import Catalogue, ListedModel, Provider
from server.sandbox.catalog import MODELS as SANDBOX_MODELS
from server.sandbox.catalog import is_served as sandbox_serves
from server.transport.client import Transport
from server.transport.endpoint import Credential, Endpoint, Timeouts

SANDBOX = "sandbox"
_SANDBOX_KIND = "openai-compatible"
_OLLAMA = ("127.0.0.1", 11434)


@dataclass(frozen=True, slots=True)
class Connections:
    """What every backend shares."""

    transport: Transport
    media: CallerMedia


def build_catalogue(
    settings: Settings, environ: Mapping[str, str], connections: Connections, sandbox_url: str | None
) -> Catalogue:
    """The providers of the configuration, those the environment switches on, and the sandbox where it runs.

    Raises ConfigError naming the setting at fault.
    """
    built: list[Provider] = []
    for index, instance in enumerate(settings.providers):
        place = f"providers[{index}]"
        if any(other.name == instance.name for other in built):
            raise ConfigError(f"{place}.name: {instance.name} is taken; every instance needs a name of its own")
        kind = _kind(instance, place)
        _check_options(instance, kind, place)
        site = _site(instance, kind, place, environ)
        if instance.api_keys and kind.takes_no_keys(site.options):
            raise ConfigError(f"{place}.api_keys: {site.options['credentials']} takes none; leave one of the two out")
        credentials = provider_credentials(instance, place, environ) or _found(kind, site, place, environ)
        built.append(_build(instance, kind, place, site, credentials, settings, connections))
    if settings.providers_from_environment:
        taken = {provider.name for provider in built} | {provider.kind for provider in built}
        for name in may_be_meant(environ):
            kind = PROVIDERS[name]
            found = None if name in taken else _from_environment(kind, environ)
            if found is not None:
                instance = ProviderSettings(name=kind.name)
                built.append(_build(instance, kind, kind.name, *found, settings, connections))
    if sandbox_url:
        built.append(_sandbox(settings, sandbox_url, connections, [provider.name for provider in built]))
    return Catalogue(tuple(built), frozenset(PROVIDERS), model_groups(settings), ALIASES)


def _from_environment(kind: ProviderKind, environ: Mapping[str, str]) -> tuple[Site, tuple[Credential, ...]] | None:
    """Address and keys of a kind that the environment switches on; None where it does not."""
    try:
        site = _settled(Site(_told_address(kind, environ) or kind.base_url), kind, environ)
    except ValueError:
        return None  # what the environment says is not enough
    if not site.base_url:
        return None  # a key alone does not say where to go
    for variable in kind.key_env:
        if environ.get(variable, "").strip():
            return site, tuple(environment_credentials(variable, environ[variable], variable))
    if found := _found(kind, site, kind.name, environ):
        return site, found
    if _told_address(kind, environ) and not kind.needs_key:
        return site, ()
    return None


def _told_address(kind: ProviderKind, environ: Mapping[str, str]) -> str:
    return environ.get(kind.base_url_env, "") if kind.base_url_env else ""


def _settled(site: Site, kind: ProviderKind, environ: Mapping[str, str]) -> Site:
    return kind.settle(site, environ) if kind.settle else site


def _site(instance: ProviderSettings, kind: ProviderKind, place: str, environ: Mapping[str, str]) -> Site:
    told = instance.base_url or _told_address(kind, environ) or kind.base_url
    try:
        site = _settled(Site(told.rstrip("/"), instance.options), kind, environ)
    except ValueError as error:
        raise ConfigError(f"{place}.{error}") from None
    if not site.base_url:
        raise ConfigError(f"{place}.base_url: kind {kind.name} has no address of its own; say where it lives")
    return site


def _found(kind: ProviderKind, site: Site, place: str, environ: Mapping[str, str]) -> tuple[Credential, ...]:
    if kind.credentials_from is None:
        return ()
    try:
        return tuple(kind.credentials_from(site.options, environ))
    except ValueError as error:
        raise ConfigError(f"{place}.{error}") from None


def _build(
    instance: ProviderSettings,
    kind: ProviderKind,
    place: str,
    site: Site,
    credentials: tuple[Credential, ...],
    settings: Settings,
    connections: Connections,
) -> Provider:
    endpoint = _endpoint(instance, kind, place, site, settings)
    options = site.options
    codec = kind.chat(options) if kind.chat else None
    images = _images(kind, options, endpoint, connections)
    served = _served(kind, images)
    models = tuple(
        ListedModel(model.name, model.aliases, operators_model(model, served, f"{place}.models[{number}]"))
        for number, model in enumerate(instance.models)
    )
    return Provider(
        name=instance.name,
        kind=kind.name,
        credentials=credentials,
        address=f"{kind.name} {endpoint.base_url} {endpoint.proxy or ''}",
        needs_key=kind.needs_key,
        weight=instance.weight,
        models=models,
        closed=instance.models_closed,
        chat=HttpChatBackend(endpoint, codec, connections.transport, connections.media) if codec else None,
        counter=_counter(kind, options, endpoint, connections),
        embeddings=_embeddings(kind, options, endpoint, connections),
        images=images,
        transcription=_hearing(endpoint, kind, options, connections),
        speech=_speech(endpoint, kind, options, connections),
        voices=kind.voices,
        voice_lister=_voices(endpoint, kind, connections),
        lister=_lister(kind, options, endpoint, connections),
        served=served,
    )


def _images(
    kind: ProviderKind, options: Mapping[str, str], endpoint: Endpoint, connections: Connections
) -> ImageBackend | None:
    if kind.image_backend is not None:
        return kind.image_backend(options, endpoint, connections.transport, connections.media)
    if kind.images is None:
        return None
    return HttpImageBackend(endpoint, kind.images(options), connections.transport, connections.media)


def _served(kind: ProviderKind, images: ImageBackend | None) -> Served:
    return Served(
        chat=kind.chat is not None,
        embeddings=kind.embeddings is not None,
        images=images is not None,
        transcription=kind.transcription is not None,
        speech=kind.speech is not None,
        draws=images.capabilities if images else None,
        responses=kind.responses,
        lacks=kind.lacks,
    )


def _lister(
    kind: ProviderKind, options: Mapping[str, str], endpoint: Endpoint, connections: Connections
) -> HttpModelList | None:
    if kind.model_list is None or not (address := kind.list_address(endpoint.base_url)):
        return None
    if address != endpoint.base_url:
        endpoint = replace(endpoint, base_url=address)
    return HttpModelList(endpoint, kind.model_list(options), connections.transport)


def _voices(endpoint: Endpoint, kind: ProviderKind, connections: Connections) -> HttpVoices | None:
    if kind.voice_list is None:
        return None
    return HttpVoices(endpoint, kind.voice_list, connections.transport, kind.voices)


def _counter(
    kind: ProviderKind, options: Mapping[str, str], endpoint: Endpoint, connections: Connections
) -> HttpTokenCounter | None:
    if kind.count is None:
        return None
    return HttpTokenCounter(endpoint, kind.count(options), connections.transport, connections.media)


def _embeddings(
    kind: ProviderKind, options: Mapping[str, str], endpoint: Endpoint, connections: Connections
) -> HttpEmbeddingBackend | None:
    if kind.embeddings is None:
        return None
    return HttpEmbeddingBackend(endpoint, kind.embeddings(options), connections.transport, connections.media)


def _hearing(
    endpoint: Endpoint, kind: ProviderKind, options: Mapping[str, str], connections: Connections
) -> HttpTranscriptionBackend | None:
    if kind.transcription is None:
        return None
    codec = kind.transcription(options)
    return HttpTranscriptionBackend(endpoint, codec, connections.transport, connections.media, kind.live)


def _speech(
    endpoint: Endpoint, kind: ProviderKind, options: Mapping[str, str], connections: Connections
) -> HttpSpeechBackend | None:
    return HttpSpeechBackend(endpoint, kind.speech(options), connections.transport) if kind.speech else None


def _kind(instance: ProviderSettings, place: str) -> ProviderKind:
    name = instance.kind or instance.name
    kind = PROVIDERS.get(ALIASES.get(name, name))
    if kind is None:
        known = ", ".join(sorted(PROVIDERS))
        raise ConfigError(f"{place}.kind: {name} is no kind of provider; there are {known}")
    return kind


def _check_options(instance: ProviderSettings, kind: ProviderKind, place: str) -> None:
    allowed = kind.options | set(kind.header_options)
    for option in instance.options:
        if option not in allowed:
            options = ", ".join(sorted(allowed)) or "none"
            raise ConfigError(f"{place}.options.{option}: {kind.name} has no such option; it has {options}")


def _endpoint(instance: ProviderSettings, kind: ProviderKind, place: str, site: Site, settings: Settings) -> Endpoint:
    headers = {name: site.options[option] for option, name in kind.header_options.items() if option in site.options}
    headers |= {name: value.get_secret_value() for name, value in instance.headers.items()}
    common = settings.transport
    try:
        return Endpoint(
            name=instance.name,
            base_url=site.base_url,
            authorize=kind.authorize(site.options),
            headers=headers,
            timeouts=Timeouts(
                connect=common.connect_timeout,
                first_byte=instance.first_byte_timeout or common.first_byte_timeout,
                idle=instance.idle_timeout or common.idle_timeout,
            ),
            proxy=instance.proxy or None,
        )
    except ValueError as error:
        raise ConfigError(f"{place}: {error}") from None


def _sandbox(settings: Settings, url: str, connections: Connections, taken: list[str]) -> Provider:
    if SANDBOX in taken:
        raise ConfigError("providers: sandbox is the name of the built-in provider; choose another, or sandbox: false")
    kind = PROVIDERS[_SANDBOX_KIND]
    if kind.chat is None:
        raise ConfigError("sandbox: its kind has no chat")
    endpoint = Endpoint(name=SANDBOX, base_url=url, authorize=kind.authorize({}))
    models = tuple(
        ListedModel(model.example, told=told_model(model.capabilities, model.description)) for model in SANDBOX_MODELS
    )
    return Provider(
        name=SANDBOX,
        kind=SANDBOX,
        credentials=(),
        needs_key=False,
        models=models,
        takes=sandbox_serves,
        chat=HttpChatBackend(endpoint, kind.chat({}), connections.transport, connections.media),
        embeddings=_embeddings(kind, {}, endpoint, connections),
        images=HttpImageBackend(endpoint, SANDBOX_IMAGES, connections.transport, connections.media),
        transcription=HttpTranscriptionBackend(
            endpoint, SANDBOX_HEARING, connections.transport, connections.media, SANDBOX_REALTIME
        ),
        speech=HttpSpeechBackend(endpoint, SANDBOX_SPEECH, connections.transport),
        voices=SANDBOX_VOICES,
        served=Served(chat=True, embeddings=True, images=True, transcription=True, speech=True),
    )


def ollama_is_here() -> bool:
    """True where something listens on Ollama's port of this machine. It is not called, only connected to."""
    try:
        with socket.create_connection(_OLLAMA, timeout=0.1):
            return True
    except OSError:
        return False
