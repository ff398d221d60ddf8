"""How the hub proves itself to Anthropic: a key in a header of its own, or an OAuth token as a bearer."""

from collections.abc import Mapping

from server.transport.endpoint import Credential, Settled

_OAUTH_PREFIX = "sk-ant-oat"
_OAUTH_BETA = "oauth-2025-04-20"
_BETA = "anthropic-beta"


def _headers(credential: Credential, others: Mapping[str, str]) -> Mapping[str, str]:
    secret = credential.secret
    if not secret:
        return {}
    if not secret.startswith(_OAUTH_PREFIX):
        return {"x-api-key": secret}
    betas = [beta for beta in others.get(_BETA, "").split(",") if beta]
    return {"Authorization": f"Bearer {secret}", _BETA: ",".join([*betas, _OAUTH_BETA])}


anthropic_key = Settled(_headers)
"""``x-api-key``; for an OAuth access token ``Authorization: Bearer`` with the beta that it needs.

https://platform.claude.com/docs/en/api/overview#authentication; the official client sends such tokens in the same
way: https://github.com/anthropics/anthropic-sdk-python/blob/main/src/anthropic/lib/credentials/_auth.py
"""
