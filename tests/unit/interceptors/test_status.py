"""Every failure of a method of every kind ends as a status with details, and none with an exception's text."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

from server import errors
from server.errors import FieldViolation, HubError, InvalidArgument, ProviderRateLimited, QuotaViolation
from server.identity.caller import Caller
from server.identity.rights import Rights
from server.interceptors.admission import Slots
from server.interceptors.call_log import CallLog
from server.interceptors.entry import EntryInterceptor
from server.statuses import rich_status
from tests.running import failure

SECRET = "sk-canary-4242"
MOST = 4096


class _EveryoneIsRoot:
    async def authenticate(self, metadata: Any) -> Caller:
        return Caller("key:test", Rights(methods=("*",)))


@asynccontextmanager
async def serving(behave: Callable[[], Any]) -> AsyncIterator[tuple[grpc.aio.Channel, Slots]]:
    """The four kinds of method, each of which does ``behave`` after its first message."""

    async def uu(_request: bytes, _context: Any) -> bytes:
        behave()
        return b"x"

    async def us(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
        yield b"first"
        behave()

    async def su(requests: AsyncIterator[bytes], _context: Any) -> bytes:
        async for _ in requests:
            behave()
        return b"x"

    async def ss(requests: AsyncIterator[bytes], _context: Any) -> AsyncIterator[bytes]:
        async for _ in requests:
            yield b"first"
            behave()

    slots = Slots(10, 10)
    log = CallLog("info")
    server = grpc.aio.server(interceptors=[EntryInterceptor(_EveryoneIsRoot(), slots, log.tell)])
    handlers: Any = {
        "uu": grpc.unary_unary_rpc_method_handler(uu),
        "us": grpc.unary_stream_rpc_method_handler(us),
        "su": grpc.stream_unary_rpc_method_handler(su),
        "ss": grpc.stream_stream_rpc_method_handler(ss),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel, slots
    finally:
        await server.stop(None)
        log.close()


async def _call(channel: Any, kind: str) -> None:
    requests = iter([b"a"])
    call: Any
    match kind:
        case "uu":
            await channel.unary_unary("/t.T/uu")(b"a", timeout=5)
        case "su":
            await channel.stream_unary("/t.T/su")(requests, timeout=5)
        case "us":
            call = channel.unary_stream("/t.T/us")(b"a", timeout=5)
            async for _ in call:
                pass
        case _:
            call = channel.stream_stream("/t.T/ss")(requests, timeout=5)
            async for _ in call:
                pass


KINDS = pytest.mark.parametrize("kind", ["uu", "us", "su", "ss"])


def _raise(error: BaseException) -> Callable[[], None]:
    def behave() -> None:
        raise error

    return behave


@KINDS
async def test_a_fault_of_the_hub_tells_nothing_of_itself(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with serving(_raise(RuntimeError(f"GET https://x?key={SECRET} failed"))) as (channel, slots):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await _call(channel, kind)
        assert slots.active == 0
    told = failure(raised.value)
    assert (told.code, told.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert told.request.request_id
    assert "server-timing" in told.trailers
    logged = capsys.readouterr()
    for text in (repr(raised.value), logged.out, logged.err):
        assert SECRET not in text
        assert "https://x" not in text


@KINDS
async def test_an_error_keeps_its_code_and_details(kind: str) -> None:
    error = ProviderRateLimited("slow down", retry_after=1.5, quota=[QuotaViolation("key:a", "60 a minute")])
    async with serving(_raise(error)) as (channel, slots):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await _call(channel, kind)
        assert slots.active == 0
    told = failure(raised.value)
    assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "PROVIDER_RATE_LIMITED")
    assert told.retry.retry_delay.ToMilliseconds() == 1500
    assert told.quota.violations[0].subject == "key:a"


@KINDS
async def test_a_good_call_ends_with_its_id_and_timings(kind: str) -> None:
    async with serving(lambda: None) as (channel, slots):
        await _call(channel, kind)
        await asyncio.sleep(0)
        assert slots.active == 0


def _every_error() -> list[type[HubError]]:
    found = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, HubError)]
    assert len(found) > 20
    return found


@pytest.mark.parametrize("kind", _every_error(), ids=lambda kind: kind.__name__)
def test_details_fit_whatever_they_hold(kind: type[HubError]) -> None:
    fields = [FieldViolation(f"messages[{i}].content[0].text" * 4, "ü" * 400) for i in range(200)]
    error = kind(
        "\N{SNOWMAN}\x00\ud800" * 5000, fields=fields, retry_after=3, metadata={f"k{i}": "v" * 900 for i in range(9)},
        quota=[QuotaViolation("s" * 500, "d" * 500)] * 20, links=[("text" * 100, "https://x/" + "y" * 900)] * 9,
    )  # fmt: skip
    status = rich_status(error, "request-1")
    assert status.ByteSize() <= MOST
    assert len(status.message.encode()) <= 600
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.reason == error.reason
    assert info.domain == "aignehub"
    assert info.metadata["requestId"] == "request-1"


def test_as_many_violations_are_told_as_fit() -> None:
    fields = [FieldViolation(f"messages[{i}]", "is wrong") for i in range(15)]
    status = rich_status(InvalidArgument("bad", fields=fields), "r")
    told = BadRequest()
    assert any(detail.Unpack(told) for detail in status.details)
    assert [violation.field for violation in told.field_violations] == [f"messages[{i}]" for i in range(15)]


def test_every_reason_is_a_word_of_its_own() -> None:
    reasons = [kind.reason for kind in _every_error() if kind is not HubError and kind.__name__ != "Internal"]
    assert len(set(reasons)) == len(reasons)
    assert all(reason == reason.upper() and len(reason) <= 63 for reason in reasons)
