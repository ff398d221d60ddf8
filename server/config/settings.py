"""Every setting of the hub with its default and its reason. hub.example.yaml shows them all."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field
from typing_extensions import override

from server.config.models import ModelListSettings, ModelSettings
from server.config.routing import GroupSettings, RoutingSettings, Weight
from server.config.section import Seconds, Secret, Section
from server.transport.addresses import network as parse_network

_MIB = 1024 * 1024

_INT32 = 2**31 - 1
Size = Annotated[int, Meta(ge=1, le=_INT32)]
"""gRPC counts bytes and streams in 32 bits too."""
Port = Annotated[int, Meta(ge=1, le=65535)]
GroupName = Annotated[str, Meta(pattern=r"^[^/\s][^/\s]{0,63}\Z")]
"""No slash: what has one names a provider."""
InstanceName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}\Z")]


class GrpcSettings(Section, frozen=True):
    """The HTTP/2 side of the server; times in seconds."""

    keepalive_time: Seconds = 60
    """Ping a silent connection this often. A model may think for minutes, and load balancers drop silent flows."""
    keepalive_timeout: Seconds = 20
    """Close a connection whose ping is not answered by then."""
    min_ping_interval: Seconds = 10
    """Clients may ping this often; gRPC's own floor of 5 minutes would disconnect clients that keep alive properly."""
    max_ping_strikes: Annotated[int, Meta(ge=0, le=1000)] = 2
    """Pings too many before a client is sent away."""
    max_connection_age: Seconds = 1800
    """Ask clients to reconnect after this long (within 10 %), so that load balancers can move them."""
    max_connection_age_grace: Seconds = 3600
    """How long calls go on after that; at least the longest stream, since they are cut at its end."""
    max_connection_idle: Seconds = 900
    """Close a connection without calls after this long."""
    max_concurrent_streams: Size = 1000
    """Calls at once on one connection. Callers share one channel, and the calls past this wait unseen; admission
    bounds the work, and a bound at all keeps a flood of resets cheap."""
    handshake_timeout: Seconds = 10
    """Close a connection that has not finished its handshake by then; without it silent peers hold sockets."""
    max_receive_message_bytes: Annotated[int, Meta(ge=1024, le=_INT32)] = 64 * _MIB
    """Largest request. gRPC's 4 MiB is too small for a few photographs or a minute of sound."""
    max_send_message_bytes: Annotated[int, Meta(ge=1024, le=_INT32)] = 64 * _MIB
    """Largest response."""
    stream_window_bytes: Annotated[int, Meta(ge=65536, le=_INT32)] = 256 * 1024
    """How much of a request a client may send ahead of being read. Fixed, because gRPC's own probing widens it to
    megabytes a call, which strangers' refused uploads then fill; raise it for large uploads over long distances."""
    max_metadata_bytes: Annotated[int, Meta(ge=4096, le=_INT32)] = 16384
    """Largest request metadata; a JWT takes up to 8 KiB."""


class TlsSettings(Section, frozen=True):
    """Server certificate; both files are read again when they change, so a renewal needs no restart."""

    cert_file: Path
    """PEM chain, the server's own certificate first."""
    key_file: Path
    """PEM private key."""


class LimitSettings(Section, frozen=True):
    """Bounds on work, times in seconds."""

    max_concurrent_calls: Annotated[int, Meta(ge=1)] = 2000
    """Calls in progress at once; further ones are refused with RetryInfo rather than queued."""
    max_concurrent_calls_per_key: Annotated[int, Meta(ge=1)] = 1000
    """The same for one caller whose key says nothing of its own."""
    max_call_seconds: Seconds = 1800
    """Longest call, also where the caller set no deadline."""


class DrainSettings(Section, frozen=True):
    """What happens on SIGTERM; times in seconds."""

    delay: Annotated[float, Meta(ge=0)] = 0
    """Keep serving this long after readiness fell, so that load balancers notice. 5 to 10 on Kubernetes."""
    grace: Annotated[float, Meta(ge=0)] = 30
    """Calls in progress may go on this long, then they are cancelled."""


class TransportSettings(Section, frozen=True):
    """Connections to providers; times in seconds. The caller's deadline ends every wait sooner."""

    connect_timeout: Seconds = 5
    """To connect, TLS included."""
    first_byte_timeout: Seconds = 120
    """From the request sent to the first byte of the answer; reasoning models think before they speak."""
    idle_timeout: Seconds = 60
    """Between two reads of an answer; without it a stalled stream would hang until the deadline."""
    max_connections: Annotated[int, Meta(ge=1)] = 4096
    """Sockets to all providers together."""
    max_response_bytes: Annotated[int, Meta(ge=1024)] = 64 * _MIB
    """Largest whole answer of a provider."""
    proxy: str = ""
    """http:// proxy for all providers; HTTPS_PROXY of the environment fills it where it is empty."""
    ca_file: Path | None = None
    """PEM bundle of further authorities to trust, for a proxy or a provider of your own."""


class EgressSettings(Section, frozen=True):
    """What the hub fetches because a caller named it (image and file URLs)."""

    allow_http: bool = False
    """Also fetch http:// addresses; they can be read and changed on the way."""
    allowed_ports: tuple[Port, ...] = (80, 443)
    """Ports that may be fetched from; others are services of another kind."""
    allowed_networks: tuple[str, ...] = ()
    """Private networks callers may name all the same, such as 10.1.0.0/16 for your own media store."""
    max_fetch_bytes: Annotated[int, Meta(ge=1024)] = 20 * _MIB
    """Largest file fetched."""
    timeout: Seconds = 20
    """Longest fetch."""

    def __post_init__(self) -> None:
        for network in self.allowed_networks:
            try:
                parse_network(network)
            except ValueError as error:
                raise ValueError(f"allowed_networks: {error}") from None


class ScopeRights(Section, frozen=True):
    """What a token's scope allows; the same patterns as a key's."""

    methods: tuple[str, ...] = ("aignehub.v1.*",)
    models: tuple[str, ...] = ("*",)


class IssuerSettings(Section, frozen=True):
    """An OAuth issuer whose JWTs are accepted as bearers."""

    issuer: Annotated[str, Meta(min_length=1)]
    """Exactly the token's iss."""
    audiences: Annotated[tuple[str, ...], Meta(min_length=1)]
    """A token must be meant for one of these (aud)."""
    jwks_url: str = ""
    """Where its keys are; or jwks_file."""
    jwks_file: Path | None = None
    """A JWKS on disk; or jwks_url."""
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    """Signatures accepted; none and the HMAC family never are."""
    leeway: Annotated[float, Meta(ge=0, le=300)] = 30
    """Seconds that clocks may differ."""
    scope_claim: str = "scope"
    """The claim that lists scopes."""
    scopes: dict[str, ScopeRights] = field(default_factory=lambda: {"hub": ScopeRights()})
    """Scope name to rights. A token with none of these may call nothing."""


class AuthSettings(Section, frozen=True):
    """Who may call."""

    bootstrap_key_file: Path | None = None
    """Admin key at start: taken from this file where it exists, else made and written there (mode 0600)."""
    issuers: tuple[IssuerSettings, ...] = ()
    """OAuth issuers accepted beside keys."""


class DefaultSettings(Section, frozen=True):
    """Models for calls that name none."""

    chat: str = ""
    """Model of a chat request whose model is empty."""
    embeddings: str = ""
    """Model of an embeddings request whose model is empty."""
    image: str = ""
    """Model of an image request whose model is empty."""
    transcription: str = ""
    """Model of a transcription or translation whose model is empty."""
    speech: str = ""
    """Model of a speech request whose model is empty."""


class ApiKeySettings(Section, frozen=True):
    """One key of a provider; a bare string is a key of weight 100."""

    key: Secret
    """A literal, env:NAME or file:/path. Literals end up in backups: prefer the others."""
    name: Annotated[str, Meta(max_length=64)] = ""
    """Name to show in place of the value; empty takes the variable, the file or the place in the list."""
    weight: Weight = 100
    """Its share of the calls beside the provider's other keys."""

    @classmethod
    @override
    def written(cls, told: object) -> object:
        return {"key": told} if isinstance(told, str | Secret) else told


class ProviderSettings(Section, frozen=True):
    """One instance of a provider. A kind may be configured several times under different names."""

    name: InstanceName
    """Prefix of its models: lower case, unique."""
    kind: str = ""
    """Row of the provider table (see README); empty means the same as name."""
    base_url: str = ""
    """Where it lives; empty takes the kind's own."""
    api_keys: tuple[ApiKeySettings, ...] = ()
    """Used in turn by their weights; env:NAME may hold several with commas between them."""
    weight: Weight = 100
    """Its share of the calls for a model that several providers serve, under the policy weight."""
    models: tuple[ModelSettings, ...] = ()
    """Models to list; a bare string is a model of that name."""
    models_closed: bool = False
    """Refuse models that are not listed; otherwise any name under this provider passes through."""
    headers: dict[str, Secret] = field(default_factory=dict)
    """Sent with every request to it."""
    options: dict[str, str] = field(default_factory=dict)
    """The kind's own options, such as organization or api_version."""
    proxy: str = ""
    """http:// proxy for this provider alone."""
    first_byte_timeout: Seconds | None = None
    """Overrides transport.first_byte_timeout."""
    idle_timeout: Seconds | None = None
    """Overrides transport.idle_timeout."""


class _Untold(tuple[ProviderSettings, ...]):
    """An empty list that nobody wrote."""

    __slots__ = ()


UNTOLD: tuple[ProviderSettings, ...] = _Untold()
"""``Settings.providers`` where neither file nor environment says anything of it."""


class Settings(Section, frozen=True):
    """The whole configuration. ``HUB_LISTEN`` sets ``listen``, ``HUB_LIMITS__MAX_CALL_SECONDS`` a nested one."""

    listen: str = "127.0.0.1:50051"
    """host:port; port 0 takes a free one, which the ready line tells."""

    health_listen: str | None = None
    """host:port that serves grpc.health.v1 alone, without tls: the gRPC probes of Kubernetes speak none. No key and no
    call passes there."""

    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    """Processes that share the port, for machines with several cores. A connection stays with one of them, so callers
    need several, and each worker admits its share of every limit on calls (rounded up). Breakers, retry budgets and
    what GetStatus and ListProviders tell are each worker's own; what must hold for all is refused: idempotency keys,
    UpdateProvider and ReloadConfiguration (SIGHUP and the file's own change reach all). No unix_socket."""

    unix_socket: Path | None = None
    """Also listen here; access is by the folder's permissions, and a key is needed all the same."""
    allow_plaintext: bool = False
    """Listen beyond loopback without tls. Said here a second time because keys and prompts travel in the clear."""
    tls: TlsSettings | None = None
    """Certificate of the listener."""
    reflection: Literal["auto", "on", "off"] = "auto"
    """gRPC reflection, behind a key like every method; auto is on for loopback and off elsewhere."""
    data_dir: Path = Path(".hub")
    """Where the key store and the pepper of its hashes live."""
    sandbox: bool = False
    """Serve the offline provider sandbox/…; `make run` switches it on."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe line to log; one line a call is info."""
    grpc: GrpcSettings = GrpcSettings()
    limits: LimitSettings = LimitSettings()
    drain: DrainSettings = DrainSettings()
    transport: TransportSettings = TransportSettings()
    egress: EgressSettings = EgressSettings()
    auth: AuthSettings = AuthSettings()
    defaults: DefaultSettings = DefaultSettings()
    models: ModelListSettings = ModelListSettings()
    providers: tuple[ProviderSettings, ...] = UNTOLD
    """Instances beside those that a key in the environment switches on."""
    providers_from_environment: bool = True
    """Switch on each kind whose key variable (OPENAI_API_KEY and the like) is set."""
    groups: dict[GroupName, GroupSettings] = field(default_factory=dict)
    """Names of your own for several models, such as fast: [groq/…, cerebras/…]."""
    aliases: dict[GroupName, str] = field(default_factory=dict)
    """Names of your own for one model."""
    routing: RoutingSettings = RoutingSettings()

    def __post_init__(self) -> None:
        for name, listen in (("listen", self.listen), ("health_listen", self.health_listen)):
            host, colon, port = (listen or "").rpartition(":")
            if listen is not None and not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65535):
                raise ValueError(
                    f"{name}: {listen!r} is no address; write host:port, such as 127.0.0.1:50051 or [::]:50051"
                )
