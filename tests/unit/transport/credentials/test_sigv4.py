"""SigV4 against botocore, which signs for AWS's own clients."""

from collections.abc import Mapping
from datetime import UTC, datetime

import botocore.auth
import botocore.awsrequest
import pytest
from botocore.credentials import Credentials

from server.transport.credentials.sigv4 import AwsKey, read_key, sign
from server.transport.endpoint import Outgoing
from server.wire.http import HttpResponse

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
KEY = AwsKey("AKIDEXAMPLE123456", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
LENT = AwsKey("ASIAEXAMPLE123456", "c2VjcmV0", "IQoJb3JpZ2luX2VjE/+=")
HOST = "https://bedrock-runtime.us-east-1.amazonaws.com"
JSON = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "aignehub/1"}


async def no_fetch(method: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
    raise AssertionError(f"{method} {url}")


def outgoing(url: str, body: bytes | tuple[bytes, ...] = b"{}", headers: Mapping[str, str] = JSON) -> Outgoing:
    return Outgoing("POST", url, headers, body, no_fetch)


def by_botocore(key: AwsKey, asked: Outgoing, covered: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOW)
    body = asked.body if isinstance(asked.body, bytes) else b"".join(asked.body)
    request = botocore.awsrequest.AWSRequest(asked.method, asked.url, dict(covered), body)
    credentials = Credentials(key.id, key.secret, key.token or None)
    botocore.auth.SigV4Auth(credentials, "bedrock", "us-east-1").add_auth(request)
    return str(request.headers["Authorization"])


@pytest.mark.parametrize("key", [KEY, LENT], ids=["own", "lent"])
@pytest.mark.parametrize(
    ("url", "body"),
    [
        (f"{HOST}/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse", b'{"messages":[]}'),
        (f"{HOST}/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.amazon.nova/converse", b"{}"),
        (f"{HOST}/model/%E6%A8%A1%20x~y/converse-stream", b""),
        ("https://h.test/model/m", b""),
        ("https://h.test", b""),
        ("https://h.test:443/model/a!b'c(d)*e,f;g=h@i$k", b"x"),
        ("http://127.0.0.1:8080/model/m%252F/invoke", b"x" * 100_000),
        ("http://127.0.0.1:80/model/m", b"x"),
        ("https://h.test/x?b=2&a-b=1&a=1&a=0&flag&c=%2F", b""),
        ("https://h.test/x", (b"one", b"", b"two")),
    ],
)
def test_signatures_are_those_of_botocore(
    key: AwsKey, url: str, body: bytes | tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = outgoing(url, body)
    ours = sign(key, asked, service="bedrock", region="us-east-1", now=NOW)
    covered = {"Content-Type": "application/json"}
    assert ours["Authorization"] == by_botocore(key, asked, covered, monkeypatch)
    assert ours["X-Amz-Date"] == "20260304T050607Z"
    assert ours.get("X-Amz-Security-Token", "") == key.token
    assert ("x-amz-security-token" in ours["Authorization"]) is bool(key.token)
    assert not any(key.secret in value for value in ours.values())


def test_a_host_that_an_operator_named_is_the_one_that_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = outgoing("http://10.0.0.1/model/m", headers={"Host": "bedrock-runtime.us-east-1.amazonaws.com"})
    ours = sign(KEY, asked, service="bedrock", region="us-east-1", now=NOW)
    assert ours["Authorization"] == by_botocore(KEY, asked, asked.headers, monkeypatch)


def test_every_part_of_the_request_counts() -> None:
    def proof(asked: Outgoing) -> str:
        return sign(KEY, asked, service="bedrock", region="us-east-1", now=NOW)["Authorization"]

    base = proof(outgoing(f"{HOST}/model/a/converse"))
    assert base != proof(outgoing(f"{HOST}/model/b/converse"))
    assert base != proof(outgoing(f"{HOST}/model/a/converse", b"{ }"))
    assert base != proof(outgoing(f"{HOST}/model/a/converse", headers={"Content-Type": "text/plain"}))
    assert base == proof(outgoing(f"{HOST}/model/a/converse", headers={**JSON, "traceparent": "00-1-2-00"}))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("AKIDEXAMPLE12345:wJalr/K7+=", AwsKey("AKIDEXAMPLE12345", "wJalr/K7+=")),
        ("ASIAEXAMPLE12345:wJalr:IQoJ/+==", AwsKey("ASIAEXAMPLE12345", "wJalr", "IQoJ/+==")),
        ("ABSKQmVkcm9ja0FQSUtleS1hYmM=", None),
        ("bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29tLw==", None),
        ("short:secret", None),
        ("AKIDEXAMPLE12345:", None),
        ("AKIDEXAMPLE12345:a:", None),
        ("AKIDEXAMPLE12345:a:b:c", None),
        ("", None),
    ],
)
def test_the_forms_of_an_access_key(text: str, key: AwsKey | None) -> None:
    assert read_key(text) == key


def test_a_key_does_not_print_its_secrets() -> None:
    assert LENT.secret not in repr(LENT)
    assert LENT.token not in repr(LENT)
    assert "ASIAEXAMPLE123456" in repr(LENT)
