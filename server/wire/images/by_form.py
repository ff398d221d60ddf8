"""Codecs of vendors that draw by a form, each of whose models has its way in a table."""

from abc import ABC, abstractmethod
from collections.abc import Sequence, Set
from typing import ClassVar

from server.errors import HubError
from server.wire.http import HttpRequest, HttpResponse
from server.wire.images.ways import Way, as_form, capabilities_of, drafted, way_of
from server.wire.images.whole import WholeImages
from server.wire.pictures import Drawn, ImageRequest


class FormImageCodec(WholeImages, ABC):
    """An ImageCodec but for what an answer says."""

    __slots__ = ()

    provider: ClassVar[str]
    ways: ClassVar[Sequence[Way]]
    owned: ClassVar[Set[str]]
    """Fields of the form that gateway.extra_body_json may not have."""
    accept: ClassVar[str]
    """What answers are to be."""

    def encode(self, request: ImageRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ImageCodec.encode."""
        way = way_of(self.ways, request, model)
        draft = drafted(way, request, model, self.provider)
        return as_form(way, request, draft, owned=self.owned, accept=self.accept)

    @abstractmethod
    def decode(self, response: HttpResponse) -> Drawn:
        """See ImageCodec.decode."""

    @abstractmethod
    def decode_error(self, response: HttpResponse) -> HubError:
        """See ImageCodec.decode_error."""

    def capabilities(self, model: str) -> tuple[str, ...]:
        """See ImageCodec.capabilities."""
        return capabilities_of(self.ways, model)
