"""Gemini on Vertex AI, asked with a service account's key: https://cloud.google.com/vertex-ai/generative-ai/docs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from joserfc import errors, jwt
from joserfc.jwk import RSAKey
from typing_extensions import override

from tests.conversations.dialects.base import Dialect, NotTaken, Otherwise, Request
from tests.conversations.dialects.gemini import OTHERWISE, Gemini

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


DIALECTS: tuple[Dialect, ...] = (Vertex(kind="vertex"),)
