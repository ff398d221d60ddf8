"""What the registry says of a kind before it is loaded, held to the kind's own file."""

import subprocess
import sys

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


def test_a_hub_loads_the_codecs_of_the_kinds_that_it_is_told_of_alone() -> None:
    asked = (
        "import sys; from server.app import serve; from server.providers.registry import PROVIDERS; "
        "PROVIDERS['cohere']; print(*(name for name in sys.modules if name.startswith('server.wire.')))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=30, check=True)
    formats = {name.split(".")[2] for name in done.stdout.split()}
    assert {"cohere", "openai_chat"} <= formats
    assert not formats & {"anthropic", "bedrock", "gemini", "ollama", "deepgram", "elevenlabs", "stability"}
