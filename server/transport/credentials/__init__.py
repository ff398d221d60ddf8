"""How a credential travels: the one place that turns a secret into headers."""

from collections.abc import Callable, Mapping

from server.transport.endpoint import Authorize, Credential, Settled

Options = Mapping[str, str]
"""An instance's own ``options`` of the configuration."""


def scheme(word: str) -> Authorize:
    """``Authorization: <word> <secret>``; nothing where the provider was configured without a key."""

    def headers(credential: Credential, _: Mapping[str, str]) -> Mapping[str, str]:
        return {"Authorization": f"{word} {credential.secret}"} if credential.secret else {}

    return Settled(headers)


bearer = scheme("Bearer")
"""``Authorization: Bearer <secret>``, as nearly everywhere."""


def header(name: str) -> Authorize:
    """The bare secret in a header of the provider's own, such as Azure's ``api-key``."""

    def headers(credential: Credential, _: Mapping[str, str]) -> Mapping[str, str]:
        return {name: credential.secret} if credential.secret else {}

    return Settled(headers)


def always(authorize: Authorize) -> Callable[[Options], Authorize]:
    """For a kind whose instances all prove themselves in the same way, whatever their options."""
    return lambda _: authorize
