"""Puts a scope around a gRPC method of any kind: unary or streaming on either side."""

import inspect
from asyncio import CancelledError
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc

from server.errors import HubError

Context = grpc.aio.ServicerContext[Any, Any]
if TYPE_CHECKING:  # the class takes no parameters at run time
    MethodHandler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
else:
    MethodHandler = grpc.RpcMethodHandler
Scope = Callable[[Context], AbstractAsyncContextManager[None]]
"""Makes what surrounds one call; it sees how the call ended in ``__aexit__``."""

HEALTH = "/grpc.health.v1.Health/"
"""Probes: without a key, without a limit, and never wrapped."""


def reading_one(method: MethodHandler) -> MethodHandler:
    """A method of one request as a method of a request stream that reads one.

    Where a message is larger than the server takes, gRPC ends a unary method without running it and without a
    status, which costs 120 bytes of native memory each time; a stream method runs, sees no message, and ends
    properly.
    """
    if method.request_streaming:
        return method
    behaviour, _ = _parts(method)
    if not method.response_streaming:

        async def unary(requests: AsyncIterator[Any], context: Context) -> Any:
            return await behaviour(await _only(requests), context)

        return grpc.stream_unary_rpc_method_handler(unary, method.request_deserializer, method.response_serializer)

    async def stream(requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
        async with aclosing(behaviour(await _only(requests), context)) as messages:
            async for message in messages:
                yield message

    return grpc.stream_stream_rpc_method_handler(stream, method.request_deserializer, method.response_serializer)


async def _only(requests: AsyncIterator[Any]) -> Any:
    async for request in requests:
        return request
    raise CancelledError


def wrap(method: MethodHandler, scope: Scope) -> MethodHandler:
    """The same method with ``scope`` around every call, entered before the handler and left after its last message."""
    behaviour, rebuild = _parts(method)
    around = _around_stream(behaviour, scope) if method.response_streaming else _around_unary(behaviour, scope)
    return rebuild(around, method.request_deserializer, method.response_serializer)


def refuse(error: HubError) -> MethodHandler:
    """A method that fails before a byte of the request is read.

    It is stream-in, stream-out whatever the real method is: a unary one would buffer the whole message first,
    and 6 unauthenticated bodies of 32 MiB then cost 400 MB. Clients of every kind see just the status.
    """

    async def refused(_requests: AsyncIterator[bytes], _context: Context) -> AsyncIterator[bytes]:
        raise error
        yield b""

    return grpc.stream_stream_rpc_method_handler(refused)


def _parts(method: MethodHandler) -> tuple[Any, Callable[..., MethodHandler]]:
    if method.request_streaming:
        if method.response_streaming:
            return method.stream_stream, grpc.stream_stream_rpc_method_handler
        return method.stream_unary, grpc.stream_unary_rpc_method_handler
    if method.response_streaming:
        return method.unary_stream, grpc.unary_stream_rpc_method_handler
    return method.unary_unary, grpc.unary_unary_rpc_method_handler


def _around_unary(behaviour: Callable[..., Awaitable[Any]], scope: Scope) -> Callable[..., Any]:
    async def unary(request: Any, context: Context) -> Any:
        async with scope(context):
            return await behaviour(request, context)

    return unary


def _around_stream(behaviour: Callable[..., Any], scope: Scope) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(behaviour):  # it writes through the context itself
        return _around_unary(behaviour, scope)

    async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
        # gRPC drops generators without closing them: aclosing ends the inner one with the call, not with the
        # garbage collector.
        async with scope(context), aclosing(behaviour(request, context)) as messages:
            async for message in messages:
                yield message

    return stream
