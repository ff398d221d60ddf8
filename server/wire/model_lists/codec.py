"""The frame that all lists have in common: a GET, an array of objects, maybe a next page."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
from aignehub.v1.model_service_pb2 import Model

from server.errors import HubError, ProviderBadResponse
from server.wire import json_value as json
from server.wire.http import HttpRequest, HttpResponse
from server.wire.json_value import Object
from server.wire.model_lists.page import Details, ModelPage
from server.wire.provider_errors import error_in, read_error

_RAW_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAW_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def _may_be_there(_: str, _listed: Collection[str]) -> str:
    return ""


def _no_more(_: Object) -> str:
    return ""


def _nothing_more(_response: HttpResponse, _model: Model) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ListCodec:
    """A ModelListCodec of functions."""

    path: str
    """From the base URL on."""
    read: Callable[[Object], Model | None]
    """One entry; None for one that is no model of use."""
    items: tuple[str, ...] = ("data",)
    """Fields that hold the entries; an array alone is read as it is."""
    next_page: Callable[[Object], str] = _no_more
    """From the fields beside the entries to what comes after ``?`` for the next page; empty at the end."""
    whole: bool = True
    """False where the host has models that its list leaves out."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What a request needs beside the credential."""
    changes: bool = False
    """See ModelListCodec.changes."""
    remedy: Callable[[str, Collection[str]], str] = _may_be_there
    """See ModelListCodec.missing."""
    details: Callable[[Object, Model], Details] | None = None
    """From an entry, and what was read of it, to how more is asked for; None where an entry tells all."""
    read_details: Callable[[HttpResponse, Model], None] = _nothing_more
    """Puts what was answered to that into the model that the entry told of."""

    def missing(self, model: str, listed: Collection[str]) -> str:
        """See ModelListCodec.missing."""
        return self.remedy(model, listed)

    def encode(self) -> HttpRequest:
        """See ModelListCodec.encode."""
        return self._get(self.path)

    def decode(self, response: HttpResponse) -> ModelPage:
        """See ModelListCodec.decode."""
        beside, entries = self._cut(response.body)
        found: dict[str, Model] = {}
        details: dict[str, Details] = {}
        for entry in entries:
            model = self.read(entry)
            if model is not None and model.id:
                _put(found, model)
                if self.details is not None:
                    details[model.id] = self.details(entry, model)
        following = self.next_page(beside)
        then = self._get(f"{self.path.partition('?')[0]}?{following}") if following else None
        return ModelPage(tuple(found.values()), then, details)

    def detailed(self, response: HttpResponse, model: Model) -> Model:
        """See ModelListCodec.detailed."""
        known = Model()
        known.CopyFrom(model)
        self.read_details(response, known)
        return known

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ModelListCodec.decode_error."""
        return read_error(response)

    def _get(self, path: str) -> HttpRequest:
        return HttpRequest(path=path, method="GET", headers=self.headers)

    def _cut(self, body: bytes) -> tuple[Object, Iterator[Object]]:
        """The fields beside the entries, and the entries one by one: whole lists of thousands would take megabytes."""
        try:
            alone = body.lstrip().startswith(b"[")
            fields = {} if alone else _RAW_FIELDS.decode(body)
            arrays = [body] if alone else [fields.pop(name) for name in self.items if name in fields]
            entries = [entry for array in arrays for entry in _RAW_ITEMS.decode(array)]
        except (msgspec.MsgspecError, RecursionError):
            raise _no_list() from None
        beside = {name: json.parse(bytes(value)) for name, value in fields.items()}
        if not arrays:
            raise error_in(beside) or _no_list()
        return beside, (entry for one in entries if type(entry := json.parse(bytes(one))) is dict)


def _no_list() -> HubError:
    return ProviderBadResponse("the provider's list of models is not JSON of a known form")


def _put(found: dict[str, Model], model: Model) -> None:
    """A model that is listed again, such as once for each language, is one that can do all that is said of it."""
    known = found.setdefault(model.id, model)
    if known is not model:
        known.capabilities.extend(one for one in model.capabilities if one not in known.capabilities)
