"""What is read as what, and what is said of the place where something is wrong."""

from pathlib import Path
from typing import Any

import pytest

from server.config import load_settings
from server.config.reading import Fault, read
from server.config.section import Secret
from server.config.settings import IssuerSettings, ProviderSettings, Settings, TlsSettings
from server.errors import ConfigError


@pytest.mark.parametrize(
    ("told", "path", "words"),
    [
        ({"listen": 7}, "listen", "must be text"),
        ({"listen": None}, "listen", "must be text"),
        ({"listen": "nowhere"}, "listen", "'nowhere' is no address"),
        ({"grpc": None}, "grpc", "must be a mapping of settings"),
        ({"drain": {"grace": float("nan")}}, "drain.grace", "must be a number"),
        ({"grpc": {"keepalive_time": float("inf")}}, "grpc.keepalive_time", "must be a number"),
        ({"drain": {"grace": float("inf")}}, "drain.grace", "must be a number"),
        ({"grpc": {"max_ping_strikes": 1.5}}, "grpc.max_ping_strikes", "must be a whole number"),
        (
            {"grpc": {"max_receive_message_bytes": 2**31}},
            "grpc.max_receive_message_bytes",
            "must be 2147483647 at most",
        ),
        ({"reflection": "maybe"}, "reflection", "must be one of 'auto', 'on' or 'off'"),
        ({"tls": {"cert_file": "a.pem"}}, "tls.key_file", "is missing: write it"),
        ({"tls": {"cert_file": 3, "key_file": "b"}}, "tls.cert_file", "must be the path of a file"),
        ({"providers": [{"name": "a\n"}]}, "providers[0].name", "must have the form ^[a-z0-9]"),
        ({"providers": {}}, "providers", "must be a list"),
        ({"providers": [{"name": "a"}, {"name": "b", "weight": 0}]}, "providers[1].weight", "must be 1 or more"),
        ({"providers": [{"name": "a", "headers": ["x"]}]}, "providers[0].headers", "must be a mapping"),
        ({"providers": [{"name": "a", "headers": {"x": 1}}]}, "providers[0].headers.x", "must be text"),
        ({"providers": [{"name": "a", "options": {"v": 2}}]}, "providers[0].options.v", "must be text"),
        ({"groups": {"a/b": ["x"]}}, "groups.a/b", "must have the form"),
        ({"groups": {"fast": {"models": []}}}, "groups.fast.models", "must have 1 entry at least"),
        ({"groups": {"fast": [{"model": "x", "wieght": 1}]}}, "groups.fast.models[0].wieght", "is no setting"),
        ({"auth": {"issuers": [{"issuer": "x"}]}}, "auth.issuers[0].audiences", "is missing: write it"),
        ({7: "x"}, "7", "is no setting"),
        ({"routing": {"retry_share": 1.5}}, "routing.retry_share", "must be 1 at most"),
        ({"groups": {"fast": [""]}}, "groups.fast.models[0].model", "must not be empty"),
        ({"groups": {"fast": ["x" * 257]}}, "groups.fast.models[0].model", "must have 256 characters at most"),
        ([], "", "must be a mapping of settings"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(told: Any, path: str, words: str) -> None:
    with pytest.raises(Fault) as raised:
        read(Settings, told)
    assert raised.value.path == path
    assert raised.value.words.startswith(words)


@pytest.mark.parametrize(
    "wrong", [["sk-secret"], {"sk-secret": 1}, {"key": ["sk-secret"]}, {"key": {"a": "sk-secret"}}]
)
def test_what_stands_where_a_secret_belongs_is_not_shown(wrong: object) -> None:
    with pytest.raises(Fault) as raised:
        read(ProviderSettings, {"name": "a", "api_keys": [wrong]})
    assert "sk-secret" not in raised.value.words


def test_short_forms_are_spelt_out() -> None:
    told = {
        "providers": [{"name": "a", "api_keys": ["k", {"key": "l", "weight": 3}], "models": ["m", {"name": "n"}]}],
        "groups": {"fast": ["a/m", {"model": "a/n", "weight": 2}], "slow": {"models": ["a/n"], "policy": None}},
    }
    found = read(Settings, told)
    [provider] = found.providers
    assert [(key.key, key.weight) for key in provider.api_keys] == [(Secret("k"), 100), (Secret("l"), 3)]
    assert [model.name for model in provider.models] == ["m", "n"]
    assert [(one.model, one.weight) for one in found.groups["fast"].models] == [("a/m", 100), ("a/n", 2)]
    assert found.groups["slow"].policy is None


def test_the_environment_says_all_kinds_of_things() -> None:
    found = load_settings(
        None,
        {
            "HUB_SANDBOX": "Yes", "HUB_PROVIDERS_FROM_ENVIRONMENT": "0", "HUB_DATA_DIR": "/data",
            "HUB_DRAIN__GRACE": "7", "HUB_GRPC__MAX_PING_STRIKES": "3", "HUB_EGRESS__ALLOWED_PORTS": "[8080]",
            "HUB_TLS__CERT_FILE": "c.pem", "HUB_TLS__KEY_FILE": "k.pem", "HUB_ALIASES": '{"quick": "a/m"}',
            "HUB_ROUTING": '{"policy": "price", "retry_share": 0.5}', "HUB_ROUTING__RETRY_SHARE": "0.25",
            "HUB_PROVIDERS": '[{"name": "a", "headers": {"x-team": "blue"}}]',
            "HUB_AUTH__ISSUERS": '[{"issuer": "i", "audiences": ["hub"]}]',
        },
    )  # fmt: skip
    assert (found.sandbox, found.providers_from_environment, found.data_dir) == (True, False, Path("/data"))
    assert (found.drain.grace, found.grpc.max_ping_strikes, found.egress.allowed_ports) == (7.0, 3, (8080,))
    assert found.tls == TlsSettings(cert_file=Path("c.pem"), key_file=Path("k.pem"))
    assert found.aliases == {"quick": "a/m"}
    assert (found.routing.policy, found.routing.retry_share) == ("price", 0.25)
    assert found.providers[0].headers == {"x-team": Secret("blue")}
    assert found.auth.issuers == (IssuerSettings(issuer="i", audiences=("hub",)),)


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("HUB_SANDBOX", "perhaps", "environment variable HUB_SANDBOX: sandbox: must be true or false;"),
        ("HUB_EGRESS__ALLOWED_PORTS", "80,443", "environment variable HUB_EGRESS__ALLOWED_PORTS must hold JSON"),
        ("HUB_EGRESS__ALLOWED_PORTS", "[0]", "egress.allowed_ports[0]: must be 1 or more;"),
        ("HUB_GRPC", "[1]", "environment variable HUB_GRPC: grpc: must be a mapping of settings;"),
        ("HUB_PROVIDERS__NAME", "a", "environment variable HUB_PROVIDERS__NAME is no setting of the hub"),
    ],
)
def test_a_variable_at_fault_is_named(variable: str, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_settings(None, {variable: text})
    assert told in str(raised.value)


def test_a_secret_shows_itself_to_those_who_ask_alone() -> None:
    secret = Secret("sk-1")
    assert "sk-1" not in f"{secret} {secret!r} {read(ProviderSettings, {'name': 'a', 'api_keys': ['sk-1']})}"
    assert secret.get_secret_value() == "sk-1"
    assert len({secret, Secret("sk-1"), Secret("sk-2")}) == 2
