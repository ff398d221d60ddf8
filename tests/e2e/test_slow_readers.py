"""What the hub holds for callers that have stopped reading: measured in a process of its own."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from aignehub.v1.audio_service_pb2_grpc import AudioServiceStub
from aiohttp import web

from tests.e2e.test_memory import MIB, OPTIONS, Measured, measured_hub
from tests.e2e.test_speech import say
from tests.fake_provider import FakeProvider
from tests.running import bearer, provider
from tests.timing import best_of_three

READERS = 50
MOST_PER_READER = 128 * 1024
LONGEST_MESSAGE = 32 * 1024


async def speech(request: web.Request) -> web.StreamResponse:
    """A megabyte for those who say so; for others it never ends."""
    ends = b"a megabyte" in await request.read()
    response = web.StreamResponse(headers={"Content-Type": "audio/mpeg"})
    await response.prepare(request)
    sent = 0
    while not ends or sent < MIB:
        await response.write(b"\xff" * 65536)
        sent += 65536
        await asyncio.sleep(0)  # writing to a TLS connection that was reset never waits, so nobody would hear of it
    return response


def certificate(folder: Path) -> tuple[ssl.SSLContext, dict[str, str]]:
    """What a provider shows, and the hub's settings to trust it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return context, {"ca_file": str(folder / "ca.pem")}


async def read_whole(hub: Measured, channel: grpc.aio.Channel) -> None:
    call = AudioServiceStub(channel).StreamSpeech(say("a megabyte"), metadata=bearer(hub.key), timeout=20)
    messages = [len(message.audio) async for message in call]
    assert sum(messages) == MIB
    assert max(messages) <= LONGEST_MESSAGE


async def stalled(hub: Measured, channel: grpc.aio.Channel) -> Any:
    call = AudioServiceStub(channel).StreamSpeech(say(), metadata=bearer(hub.key), timeout=60)
    await call.read()
    return call


async def at_rest(hub: Measured) -> dict[str, int]:
    """What is held once it grows no more: the windows towards the callers are full."""
    found = await hub.now()
    for _ in range(20):
        before = found
        await asyncio.sleep(0.25)
        found = await hub.now()
        if found["native_bytes"] <= before["native_bytes"]:
            break
    return found


@pytest.mark.parametrize("encrypted", [False, True])
@best_of_three
async def test_a_caller_that_stops_reading_speech_is_held_128_kib(tmp_path: Path, encrypted: bool) -> None:
    """Fifty of them at a provider that sends without end; resident memory, and what malloc has handed out.

    A connection with TLS takes 65 KiB whatever is read over it, so there they stand before it is measured.
    """
    tls, trusted = certificate(tmp_path) if encrypted else (None, {})
    async with (
        FakeProvider(speech, tls=tls) as fake,
        measured_hub(tmp_path, providers=[provider(fake.base_url)], transport=trusted) as hub,
        grpc.aio.insecure_channel(hub.address, options=OPTIONS) as channel,
    ):
        for _ in range(10):
            await read_whole(hub, channel)
        if encrypted:
            await asyncio.gather(*(read_whole(hub, channel) for _ in range(READERS)))
        before = await hub.settled()
        calls = await asyncio.gather(*(stalled(hub, channel) for _ in range(READERS)))
        after = await at_rest(hub)
        for call in calls:
            call.cancel()
    assert after["slots"] == READERS
    for kind in ("rss_bytes", "native_bytes"):
        grown = (after[kind] - before[kind]) / READERS
        assert grown <= MOST_PER_READER, (kind, grown)
