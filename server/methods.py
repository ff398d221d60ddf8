"""Puts a scope around a gRPC method of any kind: unary or streaming on either side."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from server.errors import HubError, InvalidArgument

Context = grpc.aio.ServicerContext[Any, Any]
if TYPE_CHECKING:  # the class takes no parameters at run time
    MethodHandler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
else:
    MethodHandler = grpc.RpcMethodHandler
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[MethodHandler | None]]
"""What an interceptor asks for the method further in; None where there is none."""
Scope = Callable[[Context], AbstractAsyncContextManager[None]]
"""Makes what surrounds one call; it sees how the call ended in ``__aexit__``."""

HEALTH = "/grpc.health.v1.Health/"
"""Probes: without a key, without a limit, and never wrapped."""


_CANCEL_SECONDS = 0.05


def reading(method: MethodHandler) -> MethodHandler:
    """The same method, reading and decoding its requests itself, so that what is wrong with them is a proper error.

    Left to gRPC, bytes that are no such message end the call with an exception's text, a unary call without a
    message never ends, and one over the size limit ends without its method, and so its log line, being run.
    """
    behaviour, _ = _parts(method)
    decode = method.request_deserializer or bytes

    async def decoded(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for raw in requests:
            yield _decoded(decode, raw)

    async def only(requests: AsyncIterator[bytes]) -> Any:
        messages: Any = aiter(requests)
        async for raw in messages:
            # Parked at its yield, gRPC's generator would hold the bytes until the collector comes round.
            await messages.aclose()
            return _decoded(decode, raw)
        # A message over the limit looks like none at first; a moment later gRPC cancels the call, whose status it
        # has sent itself, and another one would be lost and cost memory that grpc.aio never frees.
        await asyncio.sleep(_CANCEL_SECONDS)
        raise InvalidArgument("the call ended without a request; send one message")

    take: Callable[[AsyncIterator[bytes]], Any] = decoded if method.request_streaming else only
    if not method.response_streaming or inspect.iscoroutinefunction(behaviour):

        async def unary(requests: AsyncIterator[bytes], context: Context) -> Any:
            taken = take(requests)
            return await behaviour(taken if method.request_streaming else await taken, context)

        rebuild = grpc.stream_stream_rpc_method_handler if method.response_streaming else None
        return (rebuild or grpc.stream_unary_rpc_method_handler)(unary, None, method.response_serializer)

    async def stream(requests: AsyncIterator[bytes], context: Context) -> None:
        taken = take(requests)
        await _write_all(behaviour(taken if method.request_streaming else await taken, context), context)

    return grpc.stream_stream_rpc_method_handler(stream, None, method.response_serializer)


async def _write_all(messages: AsyncGenerator[Any], context: Context) -> None:
    """Writes every message itself: were they yielded, each scope further out would hand each of them on.

    Whatever ends the call then ends ``messages`` as well, which gRPC would leave to the garbage collector.
    """
    async with aclosing(messages):
        try:
            async for message in messages:
                await context.write(message)
        except grpc.aio.InternalError:  # the caller went away while it was being written to
            raise asyncio.CancelledError from None


def _decoded(decode: Callable[[bytes], Any], raw: bytes) -> Any:
    try:
        return decode(raw)
    except DecodeError:
        raise InvalidArgument(
            "the request is no message of this method; generate the client from the hub's own contract"
        ) from None


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
