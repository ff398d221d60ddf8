"""How a credential travels: the one place that turns a secret into headers."""

from collections.abc import Callable, Mapping

from server.transport.endpoint import Credential


def bearer(credential: Credential) -> Mapping[str, str]:
    """``Authorization: Bearer <secret>``; nothing where the provider was configured without a key."""
    return {"Authorization": f"Bearer {credential.secret}"} if credential.secret else {}


def header(name: str) -> Callable[[Credential], Mapping[str, str]]:
    """The bare secret in a header of the provider's own, such as Azure's ``api-key``."""

    def authorize(credential: Credential) -> Mapping[str, str]:
        return {name: credential.secret} if credential.secret else {}

    return authorize
