"""The status of a call that the hub ended while its request was still being sent."""

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import grpc

_LOST = "Internal error from Core"


class _Ends(Protocol):
    def add_done_callback(self, callback: Any) -> None: ...


@contextmanager
def true_status(call: _Ends) -> Iterator[None]:
    """Where the call fails within, raises the status that the hub sent.

    grpc.aio puts INTERNAL in its place where a message of the request cannot be sent because the call has ended:
    https://github.com/grpc/grpc/issues/36066. Whoever asks the moment it ends is told the true one.
    """
    ended: list[grpc.aio.AioRpcError] = []
    call.add_done_callback(lambda one: ended.append(_status(one)))
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if error.details() == _LOST and ended and ended[0].details() != _LOST:
            raise ended[0] from None
        raise


def _status(call: Any) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        _known(call.code()), _known(call.initial_metadata()), _known(call.trailing_metadata()), _known(call.details())
    )


def _known(told: Coroutine[Any, Any, Any]) -> Any:
    """What a call that has ended tells; it need not wait for that."""
    try:
        told.send(None)
    except StopIteration as answer:
        return answer.value
    told.close()
    return grpc.aio.Metadata()
