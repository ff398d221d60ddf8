"""Puts a scope around a gRPC method of any kind: unary or streaming on either side."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from server.begun import Begun
from server.errors import HubError, InvalidArgument
from server.incoming import Incoming

Context = grpc.aio.ServicerContext[Any, Any]
if TYPE_CHECKING:  # the class takes no parameters at run time
    MethodHandler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
else:
    MethodHandler = grpc.RpcMethodHandler
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[MethodHandler | None]]
"""What an interceptor asks for the method further in; None where there is none."""

HEALTH = "/grpc.health.v1.Health/"
"""Probes: without a key, without a limit, and never wrapped."""

_CANCEL_SECONDS = 0.05


class Scope:
    """What surrounds one call: ``begin``, then either ``done`` or ``failed``. This one does nothing."""

    __slots__ = ()

    def begin(self) -> None:
        """The method is about to read its request. What this raises ends the call through ``failed``."""

    def done(self) -> None:
        """The last message was made."""

    async def failed(self, error: BaseException) -> None:
        """The call ended with ``error``, which rises further where this does not raise."""


Surround = Callable[[Context], Scope]
"""Makes the scope of one call."""


def surrounded(method: MethodHandler, surround: Surround) -> MethodHandler:
    """The same method with a scope around every call, reading and decoding its requests itself.

    So what is wrong with them is a proper error. Left to gRPC, bytes that are no such message end the call with an
    exception's text, a unary call without a message never ends, and one over the size limit ends without its method,
    and so its log line, being run.
    """
    behaviour = _behaviour(method)
    if method.response_streaming and not inspect.iscoroutinefunction(behaviour):
        behaviour = partial(_write_all, behaviour)
    if method.request_streaming:
        behaviour = partial(_hear_out, behaviour)
    decode = method.request_deserializer or bytes
    take: Callable[[Any, Context], Any] = _all if method.request_streaming else _only

    async def whole(_requests: AsyncIterator[bytes], context: Context) -> Any:
        scope = surround(context)
        try:
            scope.begin()
            answer = await behaviour(await take(decode, context), context)
        except BaseException as error:
            await scope.failed(error)
            raise
        scope.done()
        return answer

    # To gRPC, a coroutine whose response streams has written it through the context.
    rebuild = grpc.stream_stream_rpc_method_handler if method.response_streaming else None
    return (rebuild or grpc.stream_unary_rpc_method_handler)(whole, None, method.response_serializer)


def refuse(error: HubError) -> MethodHandler:
    """A method that fails before a byte of the request is read.

    It is stream-in, stream-out whatever the real method is: a unary one would buffer the whole message first,
    and 6 unauthenticated bodies of 32 MiB then cost 400 MB. Clients of every kind see just the status.
    """

    async def refused(_requests: AsyncIterator[bytes], _context: Context) -> None:
        raise error

    return grpc.stream_stream_rpc_method_handler(refused)


def unread(end: Callable[[Context], Awaitable[None]]) -> MethodHandler:
    """The same for calls that ``end`` knows how to end."""

    async def refused(_requests: AsyncIterator[bytes], context: Context) -> None:
        await end(context)

    return grpc.stream_stream_rpc_method_handler(refused)


async def _only(decode: Callable[[bytes], Any], context: Context) -> Any:
    """The one message of a request. Asked of the context: gRPC's iterator is a generator that has to be closed."""
    raw = await context.read()
    if raw is not grpc.aio.EOF:
        return _decoded(decode, raw)
    # A message over the limit looks like none at first; a moment later gRPC cancels the call, whose status it
    # has sent itself, and another one would be lost and cost memory that grpc.aio never frees.
    await asyncio.sleep(_CANCEL_SECONDS)
    raise InvalidArgument("the call ended without a request; send one message")


async def _all(decode: Callable[[bytes], Any], context: Context) -> Incoming:
    return Incoming(partial(_decoded, decode), context)


async def _hear_out(behaviour: Callable[..., Any], requests: Incoming, context: Context) -> Any:
    """Lets the caller send the rest where the method fails before it was all read."""
    try:
        return await behaviour(requests, context)
    except HubError:
        await requests.hear_out()
        raise


async def _write_all(behaviour: Callable[..., Any], request: Any, context: Context) -> None:
    """Writes every message of a method that yields them: gRPC would never close it where the call ends early."""
    writing: Begun | None = None
    try:
        async with aclosing(behaviour(request, context)) as messages:
            try:
                async for message in messages:
                    # While it is written the next one may be made, so that its end wakes nobody.
                    if writing is not None and not writing.over():
                        await writing
                    writing = Begun(context.write(message))
            except Exception:
                if writing is not None:
                    await writing
                raise
        if writing is not None:
            await writing
    except grpc.aio.InternalError:  # the caller went away while it was being written to
        raise asyncio.CancelledError from None
    finally:
        if writing is not None:
            writing.drop()


def _decoded(decode: Callable[[bytes], Any], raw: bytes) -> Any:
    try:
        return decode(raw)
    except DecodeError:
        raise InvalidArgument(
            "the request is no message of this method; generate the client from the hub's own contract"
        ) from None


def _behaviour(method: MethodHandler) -> Any:
    if method.request_streaming:
        return method.stream_stream if method.response_streaming else method.stream_unary
    return method.unary_stream if method.response_streaming else method.unary_unary
