"""KeyService: keys over gRPC. Which caller may call which method is decided before; GetKey decides here."""

import time
from collections.abc import Callable
from typing import Any

from aignehub.admin.v1 import key_service_pb2 as pb
from aignehub.admin.v1.key_service_pb2_grpc import KeyServiceServicer
from grpc import aio
from typing_extensions import override

from server.calls import current_call
from server.errors import Internal, InvalidArgument, KeyNotFound, PermissionDenied
from server.identity.caller import Caller
from server.identity.registry import KeyRegistry
from server.services.key_messages import edit_of, key_message, settings_of
from server.services.validation import validate

_GET_KEY = "aignehub.admin.v1.KeyService/GetKey"
_SELF = "self"
_MOST_SHOWN = 64
"""Characters of an id in the log: it comes from a caller."""

_Context = aio.ServicerContext[Any, Any]


class KeyService(KeyServiceServicer):
    """Keys, within the rights of whoever calls. Raises ``HubError``; the status interceptor maps it."""

    def __init__(self, registry: KeyRegistry, clock: Callable[[], float] = time.time) -> None:
        """``clock`` tells Unix seconds, as the registry's does."""
        self._registry = registry
        self._clock = clock

    @override
    async def CreateKey(self, request: pb.CreateKeyRequest, context: _Context) -> pb.CreateKeyResponse:
        validate(request)
        issued = await self._registry.create(_caller(), settings_of(request.key))
        current_call.get().subject = issued.record.id
        return pb.CreateKeyResponse(key=key_message(issued.record, self._clock()), secret=issued.secret)

    @override
    async def ListKeys(self, request: pb.ListKeysRequest, context: _Context) -> pb.ListKeysResponse:
        validate(request)
        page = self._registry.list(request.page_size, request.page_token)
        now = self._clock()
        return pb.ListKeysResponse(keys=[key_message(r, now) for r in page.records], next_page_token=page.next_token)

    @override
    async def GetKey(self, request: pb.GetKeyRequest, context: _Context) -> pb.GetKeyResponse:
        validate(request)
        caller = _caller()
        key_id = _resolve(request.key_id, caller)
        # Every caller reaches this method, for the sake of "self"; for any other key the right must be there,
        # and whether that key exists is not told without it.
        if key_id != caller.key_id and not caller.rights.allows_method(_GET_KEY):
            raise PermissionDenied(
                f'the caller may not call {_GET_KEY} for keys other than its own; ask for "self"',
            )
        return pb.GetKeyResponse(key=key_message(self._registry.get(key_id), self._clock()))

    @override
    async def UpdateKey(self, request: pb.UpdateKeyRequest, context: _Context) -> pb.UpdateKeyResponse:
        validate(request)
        caller = _caller()
        if not request.key.id:
            raise InvalidArgument.field("key.id", "is required; it says which key to change")
        edit = edit_of(request.key, list(request.update_mask.paths))
        record = await self._registry.update(caller, _resolve(request.key.id, caller), edit)
        return pb.UpdateKeyResponse(key=key_message(record, self._clock()))

    @override
    async def RotateKey(self, request: pb.RotateKeyRequest, context: _Context) -> pb.RotateKeyResponse:
        validate(request)
        caller = _caller()
        grace = request.grace_period.seconds + request.grace_period.nanos / 1e9
        issued = await self._registry.rotate(caller, _resolve(request.key_id, caller), grace)
        return pb.RotateKeyResponse(key=key_message(issued.record, self._clock()), secret=issued.secret)

    @override
    async def RevokeKey(self, request: pb.RevokeKeyRequest, context: _Context) -> pb.RevokeKeyResponse:
        validate(request)
        caller = _caller()
        record = await self._registry.revoke(caller, _resolve(request.key_id, caller))
        return pb.RevokeKeyResponse(key=key_message(record, self._clock()))


def _caller() -> Caller:
    call = current_call.get(None)
    if call is None or call.caller is None:
        raise Internal("the call reached its service without a caller")
    return call.caller


def _resolve(key_id: str, caller: Caller) -> str:
    """The id that ``key_id`` means, which the call's log line then tells."""
    current_call.get().subject = (caller.key_id or "") if key_id == _SELF else key_id[:_MOST_SHOWN]
    if key_id != _SELF:
        return key_id
    if not caller.key_id:
        raise KeyNotFound('"self" is the caller\'s key, and this caller came with a token of another issuer')
    return caller.key_id
