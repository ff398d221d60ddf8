"""What the registry says of a kind before it is loaded, held to the kind's own file."""

import pytest

from server.providers.registry import ALIASES, PROVIDERS, may_be_meant

LOADED = set(may_be_meant({}))
OWN = [name for name in PROVIDERS if name not in LOADED]


@pytest.mark.parametrize("name", OWN)
def test_an_entry_says_what_the_file_says(name: str) -> None:
    kind = PROVIDERS[name]
    assert kind.name == name
    assert {alias for alias, meant in ALIASES.items() if meant == name} == set(kind.aliases)
    switches = kind.key_env if kind.needs_key else (*kind.key_env, kind.base_url_env)
    for variable in switches:
        assert name in set(may_be_meant({variable: "x"})), f"{variable} switches {name} on, its entry does not say so"
    assert name not in set(may_be_meant(dict.fromkeys(switches, " ")))
