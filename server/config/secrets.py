"""Keys of providers from where the configuration says they are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from server.config.settings import ProviderSettings
from server.errors import ConfigError
from server.transport.endpoint import Credential


def provider_credentials(provider: ProviderSettings, path: str, environ: Mapping[str, str]) -> tuple[Credential, ...]:
    """The keys of one instance in order; ``path`` is its place in the configuration, for errors.

    An ``env:`` variable may hold several keys with commas between them. Raises ConfigError where a variable
    or a file is missing, empty, or holds what cannot be a header value.
    """
    found: list[Credential] = []
    for index, entry in enumerate(provider.api_keys):
        place = f"{path}.api_keys[{index}]"
        text = entry.key.get_secret_value()
        if text.startswith("env:"):
            keys = environment_credentials(text[4:], environ.get(text[4:], ""), place)
        elif text.startswith("file:"):
            keys = [_credential(Path(text[5:]).name, _read(Path(text[5:]), place), place)]
        else:
            keys = [_credential(f"key-{index + 1}", text, place)]
        for at, key in enumerate(keys):
            name = f"{entry.name}-{at + 1}" if entry.name and at else entry.name
            found.append(replace(key, name=_unique(name or key.name, found), weight=entry.weight))
    return tuple(found)


def _unique(name: str, taken: Sequence[Credential]) -> str:
    """Two files of different folders may be called the same."""
    names = {credential.name for credential in taken}
    if name not in names:
        return name
    return next(other for at in range(2, len(names) + 3) if (other := f"{name}-{at}") not in names)


def environment_credentials(variable: str, value: str, place: str) -> list[Credential]:
    """Keys of one environment variable, named ``VARIABLE`` or ``VARIABLE-2`` and so on; a JSON object is one key."""
    several = [value] if value.lstrip().startswith("{") else value.split(",")
    keys = [key.strip() for key in several if key.strip()]
    if not keys:
        raise ConfigError(f"{place}: environment variable {variable} is not set; set it to the provider's key")
    names = [variable if index == 0 else f"{variable}-{index + 1}" for index in range(len(keys))]
    return [_credential(name, key, place) for name, key in zip(names, keys, strict=True)]


def _read(path: Path, place: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{place}: cannot read {path} as text; check the path and its permissions") from None


def _credential(name: str, secret: str, place: str) -> Credential:
    if not secret.strip():
        raise ConfigError(f"{place}: the key is empty; remove the entry or fill it")
    try:
        return Credential(name, secret)
    except ValueError as error:
        raise ConfigError(f"{place}: {error}") from None
