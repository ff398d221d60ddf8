"""A kind with a format of its own before it is loaded: where it is, and what tells that it is wanted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

from typing_extensions import override

from server.providers.kind import ProviderKind


@dataclass(frozen=True, slots=True)
class Entry:
    """What the registry knows without importing a codec. A test holds it to the file it names."""

    name: str
    """The kind's."""
    place: str
    """Where it is: a file of this folder and the name in it, such as gemini.GEMINI."""
    variables: tuple[str, ...]
    """The environment can switch the kind on only where one of these is set."""
    aliases: tuple[str, ...] = ()
    """The kind's."""

    def load(self) -> ProviderKind:
        """The kind, imported where nothing asked for it before."""
        module, _, name = self.place.partition(".")
        kind: ProviderKind = getattr(import_module(f"server.providers.{module}"), name)
        return kind

    def may_be_meant(self, environ: Mapping[str, str]) -> bool:
        """False where the environment cannot switch the kind on, so that it need not be loaded to ask it."""
        return any(environ.get(variable, "").strip() for variable in self.variables)


class Kinds(Mapping[str, ProviderKind]):
    """Kinds by name; one that has an entry is loaded when it is looked up.

    The codecs of all of them are 4 MB, and a hub is configured with two or three.
    """

    def __init__(self, loaded: Sequence[ProviderKind], entries: Sequence[Entry]) -> None:
        """Both in the order in which they are listed to an operator."""
        self._loaded = {kind.name: kind for kind in loaded}
        self._entries = {entry.name: entry for entry in entries}

    @override
    def __getitem__(self, name: str) -> ProviderKind:
        kind = self._loaded.get(name)
        return kind or self._entries[name].load()

    @override
    def __iter__(self) -> Iterator[str]:
        yield from self._loaded
        yield from self._entries

    @override
    def __len__(self) -> int:
        return len(self._loaded) + len(self._entries)
