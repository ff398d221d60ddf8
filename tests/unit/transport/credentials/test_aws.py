"""Which proof a credential for AWS makes, and the chain that asks the machine, by botocore itself."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from server.errors import ProviderCredentialInvalid
from server.transport.credentials import aws as module
from server.transport.credentials.aws import CHAIN, CredentialChain, aws, machine_chain
from server.transport.endpoint import Credential
from tests.unit.transport.credentials.test_sigv4 import HOST, outgoing

ASKED = outgoing(f"{HOST}/model/m/converse")


def test_the_secret_says_how_it_travels() -> None:
    authorize = aws("bedrock", "us-east-1")
    assert authorize(Credential("k", "ABSKc2VjcmV0"), ASKED) == {"Authorization": "Bearer ABSKc2VjcmV0"}
    assert authorize(Credential("none"), ASKED) == {}
    signed = authorize(Credential("k", "AKIDEXAMPLE123456:c2VjcmV0:dG9rZW4="), ASKED)
    assert isinstance(signed, Mapping)
    assert signed["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE123456/")
    assert "/us-east-1/bedrock/aws4_request" in signed["Authorization"]
    assert signed["X-Amz-Security-Token"] == "dG9rZW4="


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return file


async def test_the_chain_finds_a_profile(profile: Path) -> None:
    profile.write_text("[default]\naws_access_key_id = ASIAPROFILE123456\naws_secret_access_key = c2VjcmV0\n")
    proof = aws("bedrock", "eu-west-1", machine_chain())(CHAIN, ASKED)
    assert not isinstance(proof, Mapping)
    assert "Credential=ASIAPROFILE123456/" in (await proof)["Authorization"]


async def test_a_machine_without_credentials(profile: Path) -> None:
    with pytest.raises(ProviderCredentialInvalid, match="credential chain gave the hub no key"):
        await machine_chain().key()


class _Frozen:
    def __init__(self, number: int) -> None:
        self.access_key, self.secret_key, self.token = f"ASIA{number:012}", "s", None


class _Session:
    """What botocore's credentials do that renew themselves, with each answer counted."""

    def __init__(self, fails: Exception | None = None, waits: float = 0.0) -> None:
        self.asked = 0
        self.fails = fails
        self.waits = waits

    def get_credentials(self) -> Any:
        return self

    def get_frozen_credentials(self) -> _Frozen:
        self.asked += 1
        time.sleep(self.waits)
        if self.fails:
            raise self.fails
        return _Frozen(self.asked)


async def test_a_key_is_kept_for_a_while_and_then_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    session = _Session()
    chain = CredentialChain(session)
    first = await chain.key()
    assert [await chain.key() for _ in range(3)] == [first] * 3
    assert session.asked == 1
    monkeypatch.setattr(module, "_KEPT_SECONDS", 0.0)
    chain = CredentialChain(session)
    assert (await chain.key()).id != (await chain.key()).id


async def test_nothing_that_botocore_says_is_told() -> None:
    chain = CredentialChain(_Session(fails=RuntimeError("token eyJhbGciOi was refused")))
    with pytest.raises(ProviderCredentialInvalid) as caught:
        await chain.key()
    assert "eyJ" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_chain_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHAIN_SECONDS", 0.02)
    began = asyncio.get_running_loop().time()
    with pytest.raises(ProviderCredentialInvalid):
        await CredentialChain(_Session(waits=0.2)).key()
    assert asyncio.get_running_loop().time() - began < 0.15
