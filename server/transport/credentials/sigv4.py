"""AWS Signature Version 4: a proof that rests on the request, made with a key that never travels.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from urllib.parse import SplitResult, quote, urlsplit

from server.transport.endpoint import Outgoing

_ALGORITHM = "AWS4-HMAC-SHA256"
# An id is letters and digits (https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html); secrets and
# session tokens are base64, which holds no colon.
_TRIPLE = re.compile(r"(?P<id>\w{16,128}):(?P<secret>[^:]+)(:(?P<token>[^:]+))?", re.ASCII)
_DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class AwsKey:
    """An access key; ``token`` comes with one that is only lent."""

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def read_key(text: str) -> AwsKey | None:
    """The key in ``ACCESS_KEY_ID:SECRET_ACCESS_KEY`` or ``ACCESS_KEY_ID:SECRET_ACCESS_KEY:SESSION_TOKEN``.

    None where the text is something else, such as a bearer token.
    """
    told = _TRIPLE.fullmatch(text)
    return AwsKey(told["id"], told["secret"], told["token"] or "") if told else None


def sign(key: AwsKey, outgoing: Outgoing, *, service: str, region: str, now: datetime) -> Mapping[str, str]:
    """``Authorization`` and what it needs beside it; host, content type and body are covered by the signature.

    ``now`` is in UTC.
    """
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    added = {"X-Amz-Date": moment, **({"X-Amz-Security-Token": key.token} if key.token else {})}
    url = urlsplit(outgoing.url)
    covered = {"host": _host(url)}
    for name, value in (*outgoing.headers.items(), *added.items()):
        if name.lower() in ("host", "content-type") or name in added:
            covered[name.lower()] = " ".join(value.split())
    names = ";".join(sorted(covered))
    head = "".join(f"{name}:{covered[name]}\n" for name in sorted(covered))
    # The path is escaped once more, as every service but S3 has it; on the wire it stays as it is.
    path = quote(url.path or "/", safe="/~")
    canonical = f"{outgoing.method}\n{path}\n{_query(url)}\n{head}\n{names}\n{_digest(outgoing.body)}"
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    proof = f"AWS4{key.secret}".encode()
    for step in scope.split("/"):
        proof = hmac.digest(proof, step.encode(), "sha256")
    text = f"{_ALGORITHM}\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(proof, text.encode(), "sha256").hex()
    told = f"{_ALGORITHM} Credential={key.id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**added, "Authorization": told}


def _host(url: SplitResult) -> str:
    """As the client puts it into the Host header: without the port that goes without saying."""
    return url.netloc if url.port != _DEFAULT_PORTS.get(url.scheme) else url.netloc.rpartition(":")[0]


def _query(url: SplitResult) -> str:
    pairs = sorted(pair.partition("=")[::2] for pair in url.query.split("&") if pair)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _digest(body: bytes | tuple[bytes, ...]) -> str:
    digest = sha256()
    for piece in (body,) if isinstance(body, bytes) else body:
        digest.update(piece)
    return digest.hexdigest()
