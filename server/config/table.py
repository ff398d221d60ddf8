"""The operator's file of facts about many models: ``models.table``."""

from pathlib import Path

import yaml

from server.config.models import ModelFacts
from server.config.reading import Fault, read
from server.errors import ConfigError

_SHAPE = "it must be a mapping of provider/model to facts, such as openai/gpt-5: {max_input_tokens: 272000}"


def load_model_table(path: Path) -> dict[str, ModelFacts]:
    """Facts by ``provider/model``. Raises ConfigError that names the setting, the file and the entry at fault."""
    place = f"models.table: {path}"
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"models.table: cannot read {path}: {error.strerror}; check the path") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise ConfigError(f"{place} is neither YAML nor JSON; {_SHAPE}") from None
    if not isinstance(told, dict):
        raise ConfigError(f"{place}: {_SHAPE}")
    return {_model_id(name, place): _facts(name, facts, place) for name, facts in told.items()}


def _model_id(name: object, place: str) -> str:
    if not isinstance(name, str) or not all(name.partition("/")):
        raise ConfigError(f"{place}: {name!r} is no provider/model")
    return name


def _facts(name: object, facts: object, place: str) -> ModelFacts:
    try:
        return read(ModelFacts, facts)
    except Fault as fault:
        raise ConfigError(f"{place}: {name}{'.' if fault.path else ''}{fault.path}: {fault.words}") from None
