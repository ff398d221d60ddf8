"""Credential files of Google's, each kind to the object of Google's library that makes tokens of it.

The library's own look-up is passed by: it wants another HTTP client, which the hub does not have.
https://cloud.google.com/docs/authentication/application-default-credentials
"""

import binascii
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import orjson

Info = Mapping[str, Any]

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


def file_text(secret: str) -> str | None:
    """The credential file that a secret holds, as JSON or as that in base64; None where it is something else."""
    if secret.startswith("{"):
        return secret
    try:
        text = binascii.a2b_base64(secret, strict_mode=True).decode()
    except ValueError:
        return None
    return text if text.lstrip().startswith("{") else None


def parsed(text: str) -> Info:
    """The object in a credential file. Raises ValueError where there is none."""
    info = orjson.loads(text)
    if not isinstance(info, dict):
        raise ValueError("a credential file is a JSON object")
    return info


def load(info: Info) -> Any:
    """Credentials with ``refresh``, ``token`` and ``expiry``. Raises ValueError and what the library raises.

    Google's library is imported here: it is heavy, and needed where Google Cloud is configured alone.
    """
    make = _KINDS.get(str(info.get("type")))
    if make is None:
        raise ValueError("a credential file of no known type")
    return make(info)


def _credentials(module: str) -> Any:
    return import_module(module).Credentials


def _service_account(info: Info) -> Any:
    # Signed by the hub itself: no token service is asked.
    made = _credentials("google.oauth2.service_account")
    return made.from_service_account_info(info, scopes=_SCOPES, always_use_jwt_access=True)


def _user(info: Info) -> Any:
    # Scopes were settled when the user gave consent.
    return _credentials("google.oauth2.credentials").from_authorized_user_info(info)


def _workload(info: Info) -> Any:
    source = info.get("credential_source") or {}
    if info.get("subject_token_type") == "urn:ietf:params:aws:token-type:aws4_request":
        module = "google.auth.aws"
    else:
        module = "google.auth.pluggable" if "executable" in source else "google.auth.identity_pool"
    return _credentials(module).from_info(info, scopes=_SCOPES)


def _workforce_user(info: Info) -> Any:
    return _credentials("google.auth.external_account_authorized_user").from_info(info)


def _impersonated(info: Info) -> Any:
    made = _credentials("google.auth.impersonated_credentials")
    return made.from_impersonated_service_account_info(info, scopes=_SCOPES)


_KINDS: Mapping[str, Callable[[Info], Any]] = MappingProxyType(
    {
        "service_account": _service_account,
        "authorized_user": _user,
        "external_account": _workload,
        "external_account_authorized_user": _workforce_user,
        "impersonated_service_account": _impersonated,
    }
)
