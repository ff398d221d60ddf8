"""What a bad configuration is told, and that the example is the truth."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import structs

from server.config import Settings, load_settings
from server.config.reading import below, read
from server.config.secrets import provider_credentials
from server.config.section import Section
from server.config.settings import ProviderSettings
from server.errors import ConfigError

EXAMPLE = Path(__file__).resolve().parents[3] / "hub.example.yaml"


def _load(text: str, folder: Path, environ: dict[str, str] | None = None) -> Settings:
    path = folder / "hub.yaml"
    path.write_text(text)
    return load_settings(path, environ or {})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lisen: x", "lisen is no setting of the hub; did you mean listen?"),
        ("providers:\n- {name: a, kidn: x}", "providers[0].kidn is no setting of the hub; did you mean kind?"),
        ("providers:\n- {name: Upper}", "providers[0].name: "),
        ("grpc: {keepalive_time: -1}", "grpc.keepalive_time: must be more than 0;"),
        ("egress: {allowed_networks: [x]}", "egress.allowed_networks: 'x' is no network; write it as 10.1.0.0/16"),
        ("a: [", "is not valid YAML at line 1"),
        ("- a", "must be a mapping"),
        ("providers: 5", "providers: must be a list;"),
        ("providers: [5]", "providers[0]: must be a mapping of settings;"),
        ("groups: {x: {models: []}}", "groups.x.models: must have 1 entry at least;"),
        ("auth: {issuers: [{}]}", "auth.issuers[0].issuer: is missing: write it;"),
        ("limits: {max_concurrent_calls: many}", "limits.max_concurrent_calls: must be a whole number;"),
        ("log_level: loud", "log_level: must be one of 'debug', 'info', 'warning' or 'error';"),
    ],
)
def test_a_bad_file_names_the_setting(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r".") as raised:
        _load(text, tmp_path)
    assert told in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*absent\.yaml"):
        load_settings(tmp_path / "absent.yaml", {})


def test_a_secret_in_a_bad_place_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        _load("providers: [{name: a, api_keys: {x: sk-secret}}]", tmp_path)
    assert "sk-secret" not in str(raised.value)


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    settings = _load("listen: a:1\nlimits: {max_call_seconds: 9}", tmp_path, {"HUB_LIMITS__MAX_CALL_SECONDS": "7"})
    assert (settings.listen, settings.limits.max_call_seconds) == ("a:1", 7)


def test_an_unknown_variable_is_refused_but_not_kubernetes_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"HUB_LISTN is no setting of the hub; did you mean HUB_LISTEN\?"):
        load_settings(None, {"HUB_LISTN": "1"})
    assert load_settings(None, {"HUB_SERVICE_HOST": "10.0.0.1", "HUB_PORT_50051_TCP": "x", "HUB_API_KEY": "k"})


def test_the_variable_at_fault_is_named() -> None:
    with pytest.raises(ConfigError, match="environment variable HUB_LIMITS__MAX_CALL_SECONDS: "):
        load_settings(None, {"HUB_LIMITS__MAX_CALL_SECONDS": "soon"})
    with pytest.raises(ConfigError, match="environment variable HUB_PROVIDERS must hold JSON"):
        load_settings(None, {"HUB_PROVIDERS": "nope"})


def test_the_clients_variables_are_not_the_servers() -> None:
    assert load_settings(None, {"HUB_TLS": "1", "HUB_ADDRESS": "x"}).tls is None


def test_the_example_shows_every_setting_at_its_default() -> None:
    values = yaml.safe_load(EXAMPLE.read_text())
    _covers(Settings, values, "")
    loaded = load_settings(EXAMPLE, {})
    plain = load_settings(None, {})
    shown = {"providers": plain.providers, "auth": plain.auth}  # these hold examples
    assert structs.replace(loaded, **shown) == plain


def _covers(section: type[Section], values: dict[str, Any], path: str) -> None:
    assert set(values) == set(section.__struct_fields__), path
    for name, value in values.items():
        nested = below(section, name)
        if name == "groups":  # likewise
            assert value == {}
        elif nested and name == "scopes":  # the operator's own names
            _covers(nested, value["hub"], f"{path}.{name}.hub")
        elif nested and isinstance(value, dict):
            _covers(nested, value, f"{path}.{name}")
        elif nested and isinstance(value, list) and name != "models":
            _covers(nested, value[0], f"{path}.{name}[0]")


class TestKeysOfProviders:
    def test_a_literal_a_variable_and_a_file(self, tmp_path: Path) -> None:
        secret = tmp_path / "openai-key"
        secret.write_text("sk-file\n")
        provider = read(ProviderSettings, {"name": "a", "api_keys": ["sk-1", "env:K", f"file:{secret}"]})
        found = provider_credentials(provider, "providers[0]", {"K": "sk-2, sk-3"})
        assert [(one.name, one.secret) for one in found] == [
            ("key-1", "sk-1"), ("K", "sk-2"), ("K-2", "sk-3"), ("openai-key", "sk-file"),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("key", "told"),
        [
            ("env:NONE", "environment variable NONE is not set"),
            ("file:/no/such", "cannot read /no/such"),
            ("sk-ü", "providers[0].api_keys[0]"),
            ("sk-a\nb", "line break"),
            (" ", "the key is empty"),
        ],
    )
    def test_a_bad_one_is_named_and_not_shown(self, key: str, told: str) -> None:
        provider = read(ProviderSettings, {"name": "a", "api_keys": [key]})
        with pytest.raises(ConfigError) as raised:
            provider_credentials(provider, "providers[0]", {})
        assert told in str(raised.value)
        assert "sk-" not in str(raised.value)
