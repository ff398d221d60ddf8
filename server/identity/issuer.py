"""An issuer of tokens, as the operator configures it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from server.errors import FailedPrecondition
from server.identity.grants import METHOD_REMEDY, MODEL_REMEDY, is_method_pattern, is_model_pattern
from server.identity.rights import Rights

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""What may be allowed: signatures whose public key cannot make one. HS… never, since whoever checks such a
signature can forge it, and a public key taken for its secret is the oldest of JWT attacks (RFC 8725, 2.1)."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are taken, and what they are worth.

    Raises ``FailedPrecondition`` (ISSUER_UNUSABLE) for settings under which every token, or any token, would pass.
    """

    issuer: str
    """The exact ``iss`` of its tokens."""
    audiences: tuple[str, ...]
    """A token must name one of them in ``aud``."""
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    leeway: float = 30.0
    """Seconds by which its clock may differ from ours."""
    jwks_url: str = ""
    """Where its public keys are; this or ``jwks_file``."""
    jwks_file: Path | None = None
    scopes: Mapping[str, Rights] = field(default_factory=dict)
    """What each scope allows. Several scopes allow all their methods on all their models."""
    scope_claim: str = "scope"
    """A string of names with spaces between them, or a list."""

    def __post_init__(self) -> None:
        """Refuses what could never be meant."""
        wrong = _fault_of(self)
        if wrong:
            raise FailedPrecondition(f"issuer {self.issuer!r}: {wrong}", reason="ISSUER_UNUSABLE")


def _fault_of(issuer: Issuer) -> str:
    if not issuer.issuer or "#" in issuer.issuer:
        return "issuer must be the iss of its tokens, without #"
    if not issuer.audiences or not all(issuer.audiences):
        return "audiences must name at least one audience, else tokens made for others would pass"
    unknown = [name for name in issuer.algorithms if name not in ALGORITHMS]
    if unknown or not issuer.algorithms:
        return f"algorithms must be some of {', '.join(sorted(ALGORITHMS))}"
    if not 0 <= issuer.leeway <= 300:
        return "leeway must be 0 to 300 seconds"
    if bool(issuer.jwks_url) == bool(issuer.jwks_file):
        return "give one of jwks_url and jwks_file"
    return next((fault for name, rights in issuer.scopes.items() if (fault := _fault_of_scope(name, rights))), "")


def _fault_of_scope(name: str, rights: Rights) -> str:
    if not all(is_method_pattern(pattern) for pattern in rights.methods):
        return f"scope {name!r}: methods: {METHOD_REMEDY}"
    if not all(is_model_pattern(pattern) for pattern in rights.models):
        return f"scope {name!r}: models: {MODEL_REMEDY}"
    return ""
