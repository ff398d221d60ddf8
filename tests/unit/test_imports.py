"""What a server does not carry before it needs it; each of these was megabytes of an idle hub."""

import subprocess
import sys

import pytest

_ASKED = """
import sys
from server.app import serve
from server.providers.registry import PROVIDERS
from server.services.validation import validate
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from aignehub.v1.chat_pb2 import ROLE_USER, ContentPart, Message
PROVIDERS["cohere"]
validate(CreateChatCompletionRequest(messages=[Message(role=ROLE_USER, content=[ContentPart(text="hello")])]))
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Modules of a process that is ready to serve, knows one provider and has judged a sound request."""
    done = subprocess.run([sys.executable, "-c", _ASKED], capture_output=True, text=True, timeout=30, check=True)
    return set(done.stdout.split())


def test_codecs_are_those_of_the_kinds_that_were_looked_up(loaded: set[str]) -> None:
    formats = {name.split(".")[2] for name in loaded if name.startswith("server.wire.")}
    assert {"cohere", "openai_chat"} <= formats
    assert not formats & {"anthropic", "bedrock", "gemini", "ollama", "deepgram", "elevenlabs", "stability"}


@pytest.mark.parametrize(
    "package", ["pydantic", "protovalidate", "joserfc", "google.auth", "botocore", "typer", "server.sandbox.listener"]
)
def test_a_package_is_not_there_before_its_time(loaded: set[str], package: str) -> None:
    assert package not in loaded
