"""What every fake of a provider's API does."""

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.conversations.neutral import Heard, Image, Script

KEY = "sk-conversations"
"""The credential of every instance that wants one key."""


class NotTaken(Exception):
    """The vendor would refuse the request; the text says what of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request below the dialect's prefix."""

    method: str
    path: str
    """Begins with a slash, is percent-encoded as it came, and has neither prefix nor query."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names are lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body parsed. Raises NotTaken where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise NotTaken(f"the body is no JSON: {error}") from None


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    headers: Mapping[str, str]
    body: bytes
    status: int = 200


@dataclass(frozen=True, slots=True)
class StreamReply:
    """A streamed HTTP answer, in the pieces a provider would send. The fake may cut them elsewhere."""

    headers: Mapping[str, str]
    pieces: list[bytes]


@dataclass(frozen=True, slots=True)
class Refused:
    """How the hub turns an exchange down without asking the provider."""

    field: str
    """Path of the field that is named."""
    code: str = "UNIMPLEMENTED"
    reason: str = "UNSUPPORTED_BY_PROVIDER"


def _same_heard(heard: Heard) -> Heard:
    return heard


def _same_script(script: Script) -> Script:
    return script


@dataclass(frozen=True, slots=True)
class Otherwise:
    """How one exchange goes with a dialect, where the table says something else."""

    refused: Refused | None = None
    adjusted: tuple[str, ...] = ()
    """The adjusted_fields a client is told, in order."""
    emulated: str = ""
    """In words, what the hub does where the API has no such thing."""
    heard: Callable[[Heard], Heard] = _same_heard
    """What the provider hears instead. Needs ``adjusted`` or ``emulated``."""
    told: Callable[[Script], Script] = _same_script
    """What the provider answers instead."""


@dataclass(frozen=True)
class Dialect(ABC):
    """One kind of provider as it looks from outside. See the package for how to add one."""

    kind: str
    """Name in the hub's PROVIDERS."""
    instance: str = ""
    """Name of the instance where it is not the kind's: for kinds that are played in several ways."""
    base_path: str = ""
    """What follows the fake's prefix in the hub's base_url, such as /v1."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The instance's ``options`` in the hub's configuration."""
    model: str = "model-1"
    models: Mapping[str, str] = field(default_factory=dict)
    """By exchange, where another model is needed."""
    stream_usage: bool = True
    """A stream tells usage; where it does not, a client must get the hub's estimate, flagged as one."""
    otherwise: Mapping[str, Otherwise] = field(default_factory=lambda: MappingProxyType({}))
    """By exchange, see ``Otherwise``."""

    @property
    def name(self) -> str:
        """The instance's name, which is the prefix of its models."""
        return self.instance or self.kind

    def configuration(self, base_url: str) -> dict[str, Any]:
        """The instance's entry under ``providers``; ``base_url`` is that of the fake with ``base_path``."""
        entry: dict[str, Any] = {"name": self.name, "kind": self.kind, "base_url": base_url, "api_keys": [KEY]}
        return {**entry, "options": dict(self.options)} if self.options else entry

    def tells(self, script: Script) -> Script:
        """The part of a script that an answer of this API can hold."""
        return script

    def conveys(self, heard: Heard) -> Heard:
        """The part of a request that a request of this API can hold without a field of the contract being lost."""
        return heard

    def aside(self, request: Request) -> Reply | None:
        """The answer to a request that is no chat, such as one for a token; None for chat."""
        return None

    @abstractmethod
    def hear(self, request: Request) -> Heard:
        """Understands a request as the vendor would. Raises NotTaken for everything it would refuse."""

    @abstractmethod
    def answer(self, script: Script, heard: Heard) -> Reply:
        """The whole answer."""

    @abstractmethod
    def stream(self, script: Script, heard: Heard) -> StreamReply:
        """The streamed answer."""

    def refuse(self, why: str) -> Reply:
        """The vendor's form of a 400."""
        body = json.dumps({"error": {"message": why, "type": "invalid_request_error"}}).encode()
        return Reply({"Content-Type": "application/json"}, body, 400)


class Reader:
    """Reads a JSON object of a request; ``end`` fails for whatever was not read."""

    def __init__(self, told: Any, path: str = "") -> None:
        if not isinstance(told, dict):
            raise NotTaken(f"{path or 'the body'} is no object")
        self._left = dict(told)
        self._path = path

    def take(self, name: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """The value of a field, which must be of ``kind``; ``default`` where it is missing."""
        if name not in self._left:
            return default
        value = self._left.pop(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and bool not in _kinds(kind)):
            raise NotTaken(f"{self._where(name)} is {value!r}")
        return value

    def need(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """The same for a field that must be there."""
        if name not in self._left:
            raise NotTaken(f"{self._where(name)} is missing")
        return self.take(name, kind)

    def want(self, name: str, *values: Any) -> None:
        """The field must be there and one of ``values``."""
        if (value := self.need(name, object)) not in values:
            raise NotTaken(f"{self._where(name)} is {value!r}")

    def end(self) -> None:
        """Everything must have been read."""
        if self._left:
            raise NotTaken(f"unknown in {self._path or 'the body'}: {', '.join(self._left)}")

    def _where(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def _kinds(kind: type | tuple[type, ...]) -> tuple[type, ...]:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return (*kinds, bool) if object in kinds else kinds


def dump(value: Any) -> bytes:
    """JSON without spaces, as most vendors write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def data_url(url: str) -> tuple[str, bytes]:
    """Media type and bytes. Raises NotTaken where it is no data URL in base64."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise NotTaken(f"{url[:40]!r} is no data URL")
    return head.removeprefix("data:").removesuffix(";base64"), base64.b64decode(data, validate=True)


def image_at(url: str) -> Image:
    """By its address, or by the bytes in it."""
    if not url.startswith("data:"):
        return Image(url=url)
    mime_type, data = data_url(url)
    return Image(data, mime_type)
