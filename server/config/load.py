"""Reads hub.yaml and HUB_… variables into Settings, or stops with the setting at fault and the remedy."""

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from server.config.reading import Fault, from_environment, read, variables
from server.config.refusal import explain
from server.config.settings import Settings
from server.errors import ConfigError

# Variables of the command line client and of the launcher, which share the prefix.
_NOT_SETTINGS = {
    "HUB_ADDRESS", "HUB_API_KEY", "HUB_BOOTSTRAP_KEY_FILE", "HUB_CA_FILE", "HUB_CONFIG", "HUB_INSECURE",
    "HUB_KEY_FILE", "HUB_TLS",
}  # fmt: skip
# Kubernetes sets these in every pod beside a Service that is called hub.
_SERVICE_LINK = re.compile(r"HUB_(SERVICE_(HOST|PORT)|PORT)(_.*)?")


def load_settings(path: Path | None, environ: Mapping[str, str], **overrides: Any) -> Settings:
    """Settings from a YAML file (or none), the environment over it, and ``overrides`` over both.

    Raises ConfigError: its message names the setting by its path (``providers[0].base_url``) and the remedy.
    """
    _refuse_unknown_variables(environ)
    values = _read(path) if path else {}
    values = _merged(values, _from_environment(environ))
    bootstrap = environ.get("HUB_BOOTSTRAP_KEY_FILE")
    if bootstrap:
        values = _merged(values, {"auth": {"bootstrap_key_file": bootstrap}})
    values = _merged(values, {name: value for name, value in overrides.items() if value is not None})
    try:
        return read(Settings, values)
    except Fault as fault:
        raise ConfigError(explain(fault, path, environ)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check --config") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        place = f" at line {where.line + 1}, column {where.column + 1}" if where else ""
        raise ConfigError(f"{path} is not valid YAML{place}; see hub.example.yaml") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ConfigError(f"{path} must be a mapping of settings; see hub.example.yaml")
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    told = {name: value for name, value in environ.items() if name not in _NOT_SETTINGS}
    try:
        return from_environment(Settings, told, "HUB_", _merged)
    except Fault as fault:
        raise ConfigError(f"environment variable {fault.path} {fault.words}") from None


def _merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        known = merged.get(name)
        merged[name] = _merged(known, value) if isinstance(known, dict) and isinstance(value, Mapping) else value
    return merged


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    known = set(variables(Settings, "HUB_"))
    for name in environ:
        if not name.startswith("HUB_") or name in _NOT_SETTINGS or _SERVICE_LINK.fullmatch(name):
            continue
        if name not in known:
            close = get_close_matches(name, known | _NOT_SETTINGS, n=1)
            hint = f"did you mean {close[0]}?" if close else "hub.example.yaml lists every setting"
            raise ConfigError(f"environment variable {name} is no setting of the hub; {hint}")


def process_environment() -> Mapping[str, str]:
    """The environment of this process, read once at start."""
    return dict(os.environ)
