"""The providers that are configured, and what a model name means among them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from aignehub.v1.model_service_pb2 import Model

from server.backends.base import (
    ChatBackend,
    EmbeddingBackend,
    ImageBackend,
    ModelLister,
    SpeechBackend,
    TokenCounter,
    TranscriptionBackend,
    VoiceLister,
)
from server.errors import HubError, ModelNotAllowed, ModelNotFound, NoCredential, NoProvider
from server.identity.rights import EVERY_MODEL, Rights
from server.models.served import Served
from server.routing.inference import infer
from server.routing.policies import Policy
from server.transport.endpoint import Credential
from server.wire.audio.voice import SpokenVoice

_OWN_PREFIX = "aignehub/"
"""AIGNE's own clients put this before every name."""
_NOTHING = "no provider is configured; set a provider's key variable or add one to providers"
_ALL = Rights((), (EVERY_MODEL,))
ANY_MODEL = "*"
"""Stands for the models of a provider that lets any name through."""


class Modality(Enum):
    """What a call asks for; each is an attribute of Provider that holds its backend."""

    CHAT = "chat"
    EMBEDDINGS = "embeddings"
    IMAGES = "images"
    TRANSCRIPTION = "transcription"
    SPEECH = "speech"


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model the operator wrote down, or one the sandbox has."""

    name: str
    aliases: tuple[str, ...] = ()
    told: Model = field(default_factory=Model)
    """What is said of it there."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One configured instance."""

    name: str
    kind: str
    credentials: tuple[Credential, ...]
    address: str = ""
    """Where it lives: what was learned of it somewhere else says nothing of it here."""
    needs_key: bool = True
    enabled: bool = True
    """False where an operator switched it off at run time."""
    weight: int = 100
    models: tuple[ListedModel, ...] = ()
    closed: bool = False
    """True where only listed models are served."""
    takes: Callable[[str], bool] | None = None
    """Which names it lets through that are not listed; None for any, where it is not ``closed``."""
    chat: ChatBackend | None = None
    counter: TokenCounter | None = None
    """None where tokens are estimated."""
    embeddings: EmbeddingBackend | None = None
    images: ImageBackend | None = None
    transcription: TranscriptionBackend | None = None
    speech: SpeechBackend | None = None
    voice_lister: VoiceLister | None = None
    """None where ``voices`` are all there are."""
    voices: tuple[SpokenVoice, ...] = ()
    """Voices that are known; the provider may have more."""
    lister: ModelLister | None = None
    """None where the provider has no list of its models that is free to ask for."""
    served: Served = field(default_factory=Served)
    """What its codecs serve, for models of which nothing else is known."""

    def serves(self, modality: Modality) -> bool:
        """True where the instance has a backend for the modality."""
        return getattr(self, modality.value) is not None

    @property
    def usable(self) -> bool:
        """True where it could be called: it is switched on, and has a key or needs none."""
        return self.enabled and (bool(self.credentials) or not self.needs_key)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to serve a model name."""

    provider: Provider
    model: str
    """The provider's own name of the model."""
    listed: ListedModel | None = None
    """What is configured of the model; None where the provider lets any name through."""
    weight: int = 100
    """Its share of the calls where candidates are drawn by weight, beside its provider's own."""

    @property
    def id(self) -> str:
        """``provider/model``, the name that rights are judged by."""
        return f"{self.provider.name}/{self.model}"


@dataclass(frozen=True, slots=True)
class Group:
    """A name of the operator's own for several models; an alias is a group of one."""

    models: tuple[tuple[str, int], ...]
    """Names of models or of other groups, each with its weight, best first."""
    policy: Policy | None = None
    """How they are ordered; None for the operator's general policy."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All providers, and the look-up tables made of them once."""

    providers: tuple[Provider, ...]
    kinds: frozenset[str]
    """Every kind there is, configured or not: a name that begins with one means that provider."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    """By name; no group is among its own models, at any depth."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of kinds, and the kind each means."""
    _by_name: Mapping[str, Provider] = field(init=False)
    _by_bare_name: Mapping[str, tuple[Candidate, ...]] = field(init=False)

    def __post_init__(self) -> None:
        """Builds the tables."""
        object.__setattr__(self, "_by_name", {provider.name: provider for provider in self.providers})
        object.__setattr__(self, "_by_bare_name", _bare_names(self.providers))

    def candidates(self, name: str, rights: Rights = _ALL) -> Sequence[Candidate]:
        """Every provider that may serve ``name``, best first; never empty. Errors name what ``rights`` reach alone.

        ``provider/model`` is split at the first slash where the prefix is a provider's name or kind, and then
        means that provider alone. Other names are looked for among the listed models and their aliases, then
        told by their beginning. Raises ModelNotFound or NoProvider.
        """
        if name.startswith(_OWN_PREFIX):
            name = name[len(_OWN_PREFIX) :]
        if name in self.groups:
            return self._of_group(name, rights)
        prefix, slash, model = name.partition("/")
        prefix = prefix.lower()
        if prefix not in self._by_name:
            prefix = self.aliases.get(prefix, prefix)
        if slash and model and (prefix in self._by_name or prefix in self.kinds):
            return (self._explicit(prefix, model, rights),)
        return self._bare(name, rights)

    def group_name(self, name: str) -> str | None:
        """The group or alias that ``name`` means; None where it means none."""
        name = name.removeprefix(_OWN_PREFIX)
        return name if name in self.groups else None

    def policy_of(self, name: str) -> Policy | None:
        """The policy of a group; None where ``name`` is none or it has none of its own."""
        group = self.groups.get(name.removeprefix(_OWN_PREFIX))
        return group.policy if group else None

    def _of_group(self, name: str, rights: Rights) -> Sequence[Candidate]:
        """Candidates of every model of the group, each once. Raises what the first raises where none has any."""
        found: dict[str, Candidate] = {}
        failure: HubError | None = None
        for model, weight in self.groups[name].models:
            try:
                for candidate in self.candidates(model, rights):
                    found.setdefault(candidate.id, replace(candidate, weight=weight * candidate.weight // 100))
            except (ModelNotFound, NoProvider) as error:
                failure = failure or error  # a provider that is not configured here leaves the others
        if not found:
            raise failure or ModelNotFound(f"the group {name} holds no model")
        return tuple(found.values())

    def listed(self, rights: Rights) -> list[Candidate]:
        """Every configured model that ``rights`` reach, and ``provider/*`` for a provider that lets others through."""
        found = [Candidate(provider, model.name, model) for provider in self.providers for model in provider.models]
        found += [Candidate(provider, ANY_MODEL) for provider in self.providers if not provider.closed]
        return sorted((one for one in found if rights.reach_model(one.id)), key=lambda candidate: candidate.id)

    def reached(self, rights: Rights) -> list[Provider]:
        """Providers of which ``rights`` allow some model."""
        return [one for one in self.providers if rights.reach_model(f"{one.name}/{ANY_MODEL}")]

    def require_any(self, rights: Rights) -> None:
        """Raises NoProvider, ModelNotAllowed or NoCredential where no call at all could be made."""
        if not self.providers:
            raise NoProvider(_NOTHING)
        reached = self.reached(rights)
        if not reached:
            raise ModelNotAllowed("this key reaches no configured provider; ask the operator for other allowed_models")
        if not any(provider.usable for provider in reached):
            raise NoCredential("no configured provider has a key; the operator can add one to api_keys")

    def _explicit(self, prefix: str, model: str, rights: Rights) -> Candidate:
        provider = self._by_name.get(prefix) or self._first_of_kind(prefix)
        if provider is None:
            raise NoProvider(
                f"no provider {prefix} is configured; the operator can add it to providers or set its key variable",
                metadata={"provider": prefix},
            )
        for listed in provider.models:
            if model == listed.name or model in listed.aliases:
                return Candidate(provider, listed.name, listed)
        if provider.closed or (provider.takes is not None and not provider.takes(model)):
            seen = [one.name for one in provider.models if rights.allows_model(f"{provider.name}/{one.name}")]
            names = ", ".join(seen[:8])
            raise ModelNotFound(
                f"{provider.name} serves no model {_shown(model)} here; it serves {names or 'none for this key'}",
                metadata={"provider": provider.name},
            )
        return Candidate(provider, model)

    def _first_of_kind(self, kind: str) -> Provider | None:
        return next((provider for provider in self.providers if provider.kind == kind), None)

    def _bare(self, name: str, rights: Rights) -> Sequence[Candidate]:
        listed = self._by_bare_name.get(name)
        if listed:
            return listed
        if not self.providers:
            raise NoProvider(_NOTHING)
        families = infer(name)
        found = [
            Candidate(provider, model)
            for kind, model in families
            for provider in self.providers
            if provider.kind == kind and not provider.closed
        ]
        if found:
            return found
        if families:
            kinds = ", ".join(kind for kind, _ in families if kind in self.kinds)
            remedy = f"one of these would: {kinds}" if kinds else "this release has none; name another model"
            raise NoProvider(f"no provider that serves {_shown(name)} is configured; {remedy}")
        raise ModelNotFound(
            f"no model {_shown(name)} is known here; name it as provider/model, with one of these providers: "
            + (", ".join(provider.name for provider in self.reached(rights)) or "none is reached with this key")
        )


def _bare_names(providers: Iterable[Provider]) -> dict[str, tuple[Candidate, ...]]:
    found: dict[str, tuple[Candidate, ...]] = {}
    for provider in providers:
        for listed in provider.models:
            for name in (listed.name, *listed.aliases):
                found[name] = (*found.get(name, ()), Candidate(provider, listed.name, listed))
    return found


def _shown(name: str) -> str:
    """A caller's text inside a message: short and printable."""
    text = name if len(name) <= 64 else name[:61] + "..."
    return repr(text)
