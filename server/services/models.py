"""aignehub.v1.ModelService: the models the caller's key may use."""

import base64
import binascii
from collections.abc import Iterable, Iterator

from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1.model_service_pb2_grpc import ModelServiceServicer
from typing_extensions import override

from server.errors import HubError, InvalidArgument, ModelNotAllowed
from server.identity.rights import Rights
from server.models.directory import Directory
from server.routing.catalogue import ANY_MODEL, Provider
from server.services.frame import Context, Frame, caller_rights
from server.services.validation import validate

_PAGE_SIZE = 100
_WAIT_SECONDS = 2.0
"""Longest wait for the providers' lists, which come within that of the start; later calls find them."""
_TOKEN_FORM = b"\x01"
"""First byte, so that a later form of token can tell."""


class ModelService(ModelServiceServicer):
    """Lists what is configured, and what providers list themselves.

    A provider that lets any name through and whose own list is not known, or not whole, is listed as ``provider/*``
    as well. Nothing here is asked of a provider during the call.
    """

    def __init__(self, frame: Frame, directory: Directory) -> None:
        self._frame = frame
        self._directory = directory

    @override
    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        validate(request)
        self._check(request)
        after = _place_in(request.page_token) if request.page_token else ""
        await self._directory.ready(_WAIT_SECONDS)
        wanted = set(request.capabilities)
        rest = sorted(
            (
                model
                for model in self._models(caller_rights(), request.provider)
                if model.id > after and wanted <= set(model.capabilities)
            ),
            key=lambda model: model.id,
        )
        size = request.page_size or _PAGE_SIZE
        return pb.ListModelsResponse(
            models=rest[:size], next_page_token=_token(rest[size - 1].id) if len(rest) > size else ""
        )

    @override
    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:
        validate(request)
        rights = caller_rights()
        if (group := self._frame.catalogue.group_name(request.model)) is not None:
            await self._directory.ready(_WAIT_SECONDS)
            if (found := self._group(group, rights, "")) is not None:
                return pb.GetModelResponse(model=found)
        candidates = self._frame.catalogue.candidates(request.model, rights)
        allowed = next((one for one in candidates if rights.allows_model(one.id)), None)
        if allowed is None:
            raise ModelNotAllowed(
                f"this key may not use {request.model}; ask the operator to add it to the key's allowed_models"
            )
        await self._directory.ready(_WAIT_SECONDS)
        aliases = allowed.listed.aliases if allowed.listed else ()
        return pb.GetModelResponse(model=self._model(allowed.provider, allowed.model, aliases))

    def _check(self, request: pb.ListModelsRequest) -> None:
        """Raises InvalidArgument for what no model could have: an empty list would be taken for an answer."""
        for place, capability in enumerate(request.capabilities):
            if not capability or capability not in pb.ModelCapability.values():
                raise InvalidArgument.field(f"capabilities[{place}]", f"{capability} is no capability of the contract")
        reached = [provider.name for provider in self._frame.catalogue.reached(caller_rights())]
        if request.provider and request.provider not in reached:
            there = ", ".join(reached) or "none"
            raise InvalidArgument.field(
                "provider", f"no provider of this name is reached with this key; there are {there}"
            )

    def _models(self, rights: Rights, only: str) -> Iterator[pb.Model]:
        catalogue = self._frame.catalogue
        for provider in catalogue.providers:
            if provider.enabled and only in ("", provider.name):
                yield from self._of(provider, rights)
        for name in catalogue.groups:
            if (group := self._group(name, rights, only)) is not None:
                yield group

    def _group(self, name: str, rights: Rights, only: str) -> pb.Model | None:
        """A name for several models, or for one; None where none of them could be asked with ``rights``.

        It can do what any of them can: a call goes to those that serve it. With ``only``, all are that provider's.
        """
        try:
            candidates = self._frame.catalogue.candidates(name, rights)
        except HubError:
            return None
        candidates = [one for one in candidates if one.provider.enabled and rights.allows_model(one.id)]
        providers = {one.provider.name for one in candidates}
        if not candidates or (only and providers != {only}):
            return None
        models = [self._directory.model(one.provider.name, one.model) for one in candidates]
        if len(models) == 1:
            found = pb.Model()
            found.CopyFrom(models[0])
            found.id, found.aliases[:] = name, [models[0].id]
            return found
        found = pb.Model(id=name, display_name=name, provider=providers.pop() if len(providers) == 1 else "")
        found.capabilities.extend(sorted({one for model in models for one in model.capabilities}))
        found.input_modalities.extend(sorted({one for model in models for one in model.input_modalities}))
        found.output_modalities.extend(sorted({one for model in models for one in model.output_modalities}))
        return found

    def _of(self, provider: Provider, rights: Rights) -> Iterator[pb.Model]:
        configured = {model.name: model for model in provider.models}
        for model in provider.models:
            if rights.allows_model(f"{provider.name}/{model.name}"):
                yield self._model(provider, model.name, model.aliases)
        if provider.closed:
            return
        for name in self._directory.listed(provider.name):
            if name not in configured and rights.allows_model(f"{provider.name}/{name}"):
                yield self._directory.model(provider.name, name)
        if not self._directory.knows_all(provider.name) and rights.reach_model(f"{provider.name}/{ANY_MODEL}"):
            yield _any_model(provider)

    def _model(self, provider: Provider, name: str, aliases: Iterable[str]) -> pb.Model:
        model = self._directory.model(provider.name, name)
        if not aliases:
            return model
        named = pb.Model(aliases=aliases)
        named.MergeFrom(model)
        return named


def _any_model(provider: Provider) -> pb.Model:
    """Stands for the models of a provider that nobody listed; of those, only that they are there is known."""
    model = pb.Model(id=f"{provider.name}/{ANY_MODEL}", provider=provider.name, display_name=ANY_MODEL)
    if provider.chat is not None:
        model.capabilities.append(pb.MODEL_CAPABILITY_CHAT)
    return model


def _token(last: str) -> str:
    """Asks for what comes after the id of ``last``, so that a list which changes meanwhile shifts nothing."""
    return base64.urlsafe_b64encode(_TOKEN_FORM + last.encode()).decode().rstrip("=")


def _place_in(token: str) -> str:
    try:
        packed = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        if packed[:1] != _TOKEN_FORM:
            raise ValueError
        return packed[1:].decode()
    except (ValueError, binascii.Error):
        raise InvalidArgument.field(
            "page_token", "is not one of this method's; take next_page_token as it is"
        ) from None
