"""What every row is made of: the words for reasoning levels that hosts share, and a kind of one dialect."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from aignehub.v1 import chat_pb2

from server.providers.kind import ProviderKind
from server.transport.credentials import always, bearer
from server.wire.codec import ModelListCodec
from server.wire.openai_chat import Dialect, OpenAIChatCodec

LOW = chat_pb2.REASONING_EFFORT_LOW
MEDIUM = chat_pb2.REASONING_EFFORT_MEDIUM
HIGH = chat_pb2.REASONING_EFFORT_HIGH
NONE = chat_pb2.REASONING_EFFORT_NONE
MINIMAL = chat_pb2.REASONING_EFFORT_MINIMAL

THREE_LEVELS: Mapping[int, str] = MappingProxyType({LOW: "low", MEDIUM: "medium", HIGH: "high"})
NONE_AND_THREE: Mapping[int, str] = MappingProxyType({NONE: "none", **THREE_LEVELS})


def host(
    dialect: Dialect, base_url: str, *key_env: str, needs_key: bool = True, listing: ModelListCodec | None = None
) -> ProviderKind:
    """A row: the dialect is the same for every instance, ``NAME_BASE_URL`` overrides the address.

    ``listing`` reads the host's list of its models, for a row that lists.py does not name.
    """
    codec = OpenAIChatCodec(dialect)
    return ProviderKind(
        name=dialect.name,
        base_url=base_url,
        authorize=always(bearer),
        chat=lambda _: codec,
        key_env=key_env,
        base_url_env=f"{dialect.name.upper()}_BASE_URL",
        needs_key=needs_key,
        model_list=(lambda _: listing) if listing else None,
        lacks=dialect.lacks,
    )


def with_headers(kind: ProviderKind, **header_options: str) -> ProviderKind:
    """The row with options that are sent as headers: option name to header name."""
    return replace(kind, options=frozenset(header_options), header_options=header_options)
