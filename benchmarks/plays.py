"""What the provider of the benchmarks answers: each play is the pieces of one HTTP answer and the pace between them.

A request is answered by the play whose mark, a model's name, stands in it. Every piece of text carries one ``#`` and
its number, so that no two are alike and a client counts what it got.
"""

import os
import struct
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

PACED_CHUNKS, BURST_CHUNKS, TOOL_CHUNKS, SPEECH_CHUNKS, OPEN_CHUNKS = 100, 400, 100, 64, 60
PACE = 5_000
INPUTS, DIMENSIONS = 64, 1536
IMAGE_BYTES = 5 * 2**20
SPEECH_BYTES = 4096
_CREATED = 1_760_000_000
_USAGE = {"prompt_tokens": 18, "completion_tokens": 40, "total_tokens": 58}


@dataclass(frozen=True, slots=True)
class Play:
    """One answer; ``interval`` in microseconds, 0 where pieces follow as fast as they are taken."""

    mark: str
    pieces: list[bytes]
    interval: int = 0


def write_plays(path: Path) -> None:
    """Writes every play for a provider to read; the layout is told in provider.c."""
    with path.open("wb") as file:
        for play in _plays():
            mark = play.mark.encode()
            file.write(struct.pack("!I", len(mark)) + mark + struct.pack("!II", play.interval, len(play.pieces)))
            for piece in play.pieces:
                file.write(struct.pack("!I", len(piece)) + piece)


def read_plays(path: Path) -> list[Play]:
    """What ``write_plays`` wrote."""
    data, at, plays = path.read_bytes(), 0, []

    def number() -> int:
        nonlocal at
        at += 4
        return int(struct.unpack_from("!I", data, at - 4)[0])

    def text() -> bytes:
        nonlocal at
        length = number()
        at += length
        return data[at - length : at]

    while at < len(data):
        mark, interval, count = text().decode(), number(), number()
        plays.append(Play(mark, [text() for _ in range(count)], interval))
    return plays


def _plays() -> list[Play]:
    return [
        Play("bench-unary", [_whole(_completion(40))]),
        Play("bench-vision", [_whole(_completion(40))]),
        Play("bench-paced", _chat_stream(PACED_CHUNKS), PACE),
        Play("bench-burst", _chat_stream(BURST_CHUNKS)),
        Play("bench-first", _chat_stream(3), PACE),
        Play("bench-open", _chat_stream(OPEN_CHUNKS), 1_000_000),
        Play("bench-tools", _tool_stream(TOOL_CHUNKS), PACE),
        Play("bench-one", [_whole(_embeddings(1, as_text=True))]),
        Play("bench-batch", [_whole(_embeddings(INPUTS, as_text=True))]),
        Play("bench-floats", [_whole(_embeddings(INPUTS, as_text=False))]),
        Play("bench-image", [_whole(_image())]),
        Play("bench-speech", _speech(), PACE),
        Play("GET /v1/models", [_whole({"object": "list", "data": []})]),
    ]


def _whole(body: Any) -> bytes:
    data = orjson.dumps(body)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data)


def _chunked(kind: str, pieces: list[bytes]) -> list[bytes]:
    """The pieces in chunks of their own; the head goes out with the first, as servers do."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    framed = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    return [head + framed[0], *framed[1:-1], framed[-1] + b"0\r\n\r\n"]


def _words(count: int) -> list[str]:
    return [f"#{place} word{place * 7919 % 1000} " for place in range(count)]


def _completion(words: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(_words(words)), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-bench", "object": "chat.completion", "created": _CREATED, "model": "bench",
        "choices": [choice], "usage": _USAGE, "service_tier": "default", "system_fingerprint": "fp_bench",
    }  # fmt: skip


def _event(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    chunk = {
        "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": _CREATED, "model": "bench",
        "system_fingerprint": "fp_bench",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], **more,
    }  # fmt: skip
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def _ended(events: list[bytes], finish: str) -> list[bytes]:
    usage = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": _CREATED, "model": "bench"}
    last = b"data: " + orjson.dumps({**usage, "choices": [], "usage": _USAGE}) + b"\n\ndata: [DONE]\n\n"
    return _chunked("text/event-stream", [*events, _event({}, finish) + last])


def _chat_stream(count: int) -> list[bytes]:
    first, *rest = _words(count)
    events = [_event({"role": "assistant", "content": first}), *(_event({"content": word}) for word in rest)]
    return _ended(events, "stop")


def _tool_stream(count: int) -> list[bytes]:
    function = {"name": "write", "arguments": ""}
    begun = {"index": 0, "id": "call_bench", "type": "function", "function": function}
    texts = ['{"text":"', *_words(count - 2), '"}']
    pieces = [{"index": 0, "function": {"arguments": text}} for text in texts]
    events = [_event({"role": "assistant", "content": None, "tool_calls": [begun]})]
    return _ended([*events, *(_event({"tool_calls": [piece]}) for piece in pieces)], "tool_calls")


def _embeddings(count: int, *, as_text: bool) -> dict[str, Any]:
    def vector() -> Any:
        data = struct.pack(f"<{DIMENSIONS}f", *(byte / 256 - 0.5 for byte in os.urandom(DIMENSIONS)))
        return b64encode(data).decode() if as_text else list(struct.unpack(f"<{DIMENSIONS}f", data))

    data = [{"object": "embedding", "index": place, "embedding": vector()} for place in range(count)]
    usage = {"prompt_tokens": 10 * count, "total_tokens": 10 * count}
    return {"object": "list", "data": data, "model": "bench", "usage": usage}


def _image() -> dict[str, Any]:
    picture = b"\x89PNG\r\n\x1a\n" + os.urandom(IMAGE_BYTES - 8)
    return {"created": _CREATED, "data": [{"b64_json": b64encode(picture).decode()}]}


def _speech() -> list[bytes]:
    return _chunked("audio/pcm", [os.urandom(SPEECH_BYTES) for _ in range(SPEECH_CHUNKS)])
