"""What a batch of 64 x 1536 costs the hub beyond reading its provider's answer.

``python -m benchmarks.embeddings``, with the root and generated/ on the path. Two servers, each a process of its own,
are called in turns, and the CPU time of the server process is what counts: the hub with all it does, and a bare gRPC
server that reads the same body through the same transport and answers with an empty message. The provider sends base64
from a raw socket. Ends with the ratio of the medians, and status 1 where it is above 2.2.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import grpc
import orjson
import uvloop
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.embedding_service_pb2_grpc import (
    EmbeddingServiceServicer,
    EmbeddingServiceStub,
    add_EmbeddingServiceServicer_to_server,
)
from typing_extensions import override

from server.app.hub import Hub
from server.config import load_settings
from server.logs import configure_logs
from server.transport.client import Transport
from server.transport.credentials import bearer
from server.transport.endpoint import Credential, Endpoint
from server.transport.settings import TransportSettings
from server.wire.http import HttpRequest

INPUTS, DIMENSIONS = 64, 1536
CALLS, ROUNDS = 100, 7
MOST = 2.2
OPTIONS = [("grpc.max_receive_message_length", 2**26)]


class Provider(asyncio.Protocol):
    """Answers every request with the same bytes; a request is over where its announced body is."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._read = b""

    @override
    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r")[0] or 0) if end else 0
        if end and len(body) >= length:
            self._read = b""
            self._transport.write(self._answer)


def _answer() -> bytes:
    data = [
        {"object": "embedding", "index": index, "embedding": b64encode(os.urandom(4 * DIMENSIONS)).decode()}
        for index in range(INPUTS)
    ]
    body = orjson.dumps({"data": data, "model": "m", "usage": {"prompt_tokens": 640, "total_tokens": 640}})
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class ReadAlone(EmbeddingServiceServicer):
    """Asks the provider as the hub does, reads the answer, and forgets it."""

    def __init__(self, transport: Transport, endpoint: Endpoint) -> None:
        self._transport = transport
        self._endpoint = endpoint

    @override
    async def CreateEmbeddings(self, request: pb.CreateEmbeddingsRequest, context: Any) -> Any:
        body = orjson.dumps({"model": "m", "input": [one.text for one in request.inputs]})
        asked = HttpRequest("/embeddings", body, {"Content-Type": "application/json"})
        deadline = asyncio.get_running_loop().time() + 30
        await self._transport.send(self._endpoint, asked, credential=Credential("k", "x"), deadline=deadline)
        return pb.CreateEmbeddingsResponse()


async def _start_bare(url: str) -> tuple[str, Any]:
    transport = Transport(TransportSettings())
    await transport.start()
    server = grpc.aio.server()
    servicer = ReadAlone(transport, Endpoint(name="p", base_url=url, authorize=bearer))
    add_EmbeddingServiceServicer_to_server(servicer, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    return address, (server, transport)


async def _start_hub(url: str, folder: Path) -> tuple[str, Any]:
    one = {"name": "p", "kind": "openai", "base_url": url, "api_keys": ["sk-bench-key"]}
    values: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "data_dir": folder,
        "drain": {"grace": 0.1},
        "auth": {"bootstrap_key_file": folder / "key"},
        "providers": [one],
    }
    hub = Hub(load_settings(None, {}, **values), {})
    return await hub.start(), hub


async def _serve(kind: str, url: str, folder: str) -> None:
    """A server that prints its address, and for every line it reads the CPU time it has taken."""
    configure_logs("error")
    address, _kept = await (_start_bare(url) if kind == "bare" else _start_hub(url, Path(folder)))
    print(address, flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(time.process_time(), flush=True)


class Server:
    """One of the two, and a channel to it."""

    def __init__(self, process: asyncio.subprocess.Process, address: str, key: str) -> None:
        self._process = process
        self._metadata = (("authorization", f"Bearer {key}"),)
        self._channel = grpc.aio.insecure_channel(address, options=OPTIONS)
        self._call = EmbeddingServiceStub(self._channel).CreateEmbeddings
        inputs = [pb.EmbeddingInput(text=f"text number {place}") for place in range(INPUTS)]
        self._request = pb.CreateEmbeddingsRequest(model="p/m", inputs=inputs)

    async def microseconds(self) -> float:
        """CPU of the server process for one call."""
        before = await self._spent()
        for _ in range(CALLS):
            response = await self._call(self._request, metadata=self._metadata, timeout=30)
            assert len(response.embeddings) in (0, INPUTS)
        return (await self._spent() - before) / CALLS * 1e6

    async def end(self) -> None:
        await self._channel.close()
        self._process.terminate()
        await asyncio.wait_for(self._process.wait(), 20)

    async def _spent(self) -> float:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(b"\n")
        return float(await self._process.stdout.readline())


async def _begin(kind: str, url: str, folder: Path) -> Server:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.embeddings", kind, url, str(folder),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    address = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
    key = (folder / "key").read_text().strip() if kind == "hub" else ""
    return Server(process, address, key)


async def _measure() -> float:
    answer = _answer()
    provider = await asyncio.get_running_loop().create_server(lambda: Provider(answer), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{provider.sockets[0].getsockname()[1]}/v1"
    with tempfile.TemporaryDirectory() as folder:
        servers = {kind: await _begin(kind, url, Path(folder)) for kind in ("bare", "hub")}
        found: dict[str, list[float]] = {kind: [] for kind in servers}
        for number in range(ROUNDS + 1):
            for kind, server in servers.items():
                spent = await server.microseconds()
                if number:  # the first warms up
                    found[kind].append(spent)
        for server in servers.values():
            await server.end()
    provider.close()
    middle = {kind: statistics.median(times) for kind, times in found.items()}
    for kind, times in found.items():
        print(f"{kind}: {middle[kind]:.0f} us of CPU a call (rounds {min(times):.0f} to {max(times):.0f})")
    ratio = middle["hub"] / middle["bare"]
    print(f"embeddings {INPUTS} x {DIMENSIONS}, base64 upstream, against reading the body alone: {ratio:.2f}")
    return ratio


if __name__ == "__main__":
    if len(sys.argv) == 4:
        uvloop.run(_serve(*sys.argv[1:]))
    else:
        sys.exit(uvloop.run(_measure()) > MOST)
