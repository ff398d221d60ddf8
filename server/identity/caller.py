"""Who a call comes from, once that is known."""

from dataclasses import dataclass, field

from server.identity.rights import Rights


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity behind one call.

    ``id`` is stable and may be logged: ``key:<key id>`` or ``jwt:<issuer>#<subject>``.
    """

    id: str
    rights: Rights
    key_id: str = ""
    """Id of the hub's own key; empty for a token of an issuer."""
    concurrent_calls: int = 0
    """Most calls at once; 0 leaves it to the hub's default."""
    expires_at: float | None = None
    """Unix seconds after which the identity ends; None where it does not."""
    labels: tuple[tuple[str, str], ...] = field(default=())
    """The key's labels, copied to usage records."""
