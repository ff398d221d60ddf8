"""Vertex AI: Gemini, asked with a service account's key, and Claude, asked with an API key.

https://cloud.google.com/vertex-ai/generative-ai/docs and
https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from joserfc import errors, jwt
from joserfc.jwk import RSAKey
from typing_extensions import override

from tests.conversations.dialects.anthropic import COMMON as CLAUDE
from tests.conversations.dialects.anthropic import Anthropic
from tests.conversations.dialects.base import KEY, Dialect, NotTaken, Otherwise, Reader, Refused, Request
from tests.conversations.dialects.gemini import OTHERWISE, Gemini
from tests.conversations.neutral import Heard

_EMAIL = "hub@fake-project.iam.gserviceaccount.com"
_OTHERWISE: Mapping[str, Otherwise] = MappingProxyType(
    {name: otherwise for name, otherwise in OTHERWISE.items() if name != "document"}
)


@cache
def _key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Vertex(Gemini):
    """The same format below a project and a location."""

    options: Mapping[str, str] = field(
        default_factory=lambda: {"project": "fake-project", "location": "europe-west4", "api_version": "v1beta1"}
    )
    path: str = "/v1beta1/projects/fake-project/locations/europe-west4/publishers/google/models/{model}:"
    names_documents: bool = True
    types_files: bool = True
    otherwise: Mapping[str, Otherwise] = field(default_factory=lambda: _OTHERWISE)

    @override
    def configuration(self, base_url: str) -> dict[str, Any]:
        pem = _key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {
            "type": "service_account",
            "private_key_id": "k1",
            "private_key": pem.decode(),
            "client_email": _EMAIL,
            "token_uri": "https://oauth2.googleapis.com/token",
        }
        return {**super().configuration(base_url), "api_keys": [json.dumps(account, indent=2)]}

    @override
    def check_key(self, request: Request) -> None:
        """https://google.aip.dev/auth/4111: a token that the account signed itself, for everything of the cloud."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            claims = jwt.decode(token, RSAKey.import_key(_key().public_key())).claims
        except (errors.JoseError, ValueError) as error:
            raise NotTaken(f"no token of the account: {error}") from None
        if (
            scheme != "Bearer"
            or claims.get("iss") != _EMAIL
            or not str(claims.get("scope")).endswith("/cloud-platform")
        ):
            raise NotTaken(f"a token with the claims {claims}")


_ROOT = "/v1/projects/fake-project/locations/global/publishers/anthropic/models/"


@dataclass(frozen=True)
class VertexClaude(Anthropic):
    """Anthropic's format with the model in the path, the version in the body, and Google's credential."""

    options: Mapping[str, str] = field(default_factory=lambda: {"project": "fake-project"})

    @override
    def hear(self, request: Request) -> Heard:
        found = re.fullmatch(re.escape(_ROOT) + "([^/:]+):(r|streamR)awPredict", request.path)
        if not found:
            raise NotTaken(f"there is no {request.method} {request.path}")
        if request.headers.get("x-goog-api-key") != KEY:
            raise NotTaken("no credential in x-goog-api-key")
        body = Reader(request.json)
        body.want("anthropic_version", "vertex-2023-10-16")
        body.take("stream", bool)
        rest = {name: value for name, value in request.json.items() if name not in ("anthropic_version", "stream")}
        if "model" in rest:
            raise NotTaken("model: Extra inputs are not permitted")
        # The rest is Anthropic's own, as its own API would hear it.
        whole = {**rest, "model": unquote(found[1]), "stream": found[2] == "streamR"}
        headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
        asked = replace(request, path="/v1/messages", headers=headers, body=json.dumps(whole).encode())
        return super().hear(asked)


DIALECTS: tuple[Dialect, ...] = (
    Vertex(kind="vertex"),
    VertexClaude(
        kind="vertex",
        instance="vertex-claude",
        model="claude-opus-4-6",
        otherwise={
            **CLAUDE,
            # Not read by its address there: the hub fetches it, which it may not here.
            "vision by URL": Otherwise(
                refused=Refused("messages[0].content[1].image.media.url", "INVALID_ARGUMENT", "URL_NOT_ALLOWED")
            ),
        },
    ),
)
