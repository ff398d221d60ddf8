"""AWS event-stream messages as a service sends them, written from the format's page.

https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import json
import struct
from collections.abc import Mapping
from typing import Any
from zlib import crc32


def message(headers: bytes, payload: bytes) -> bytes:
    """One message with headers that are already bytes."""
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    whole = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return whole + struct.pack(">I", crc32(whole))


def text_headers(headers: Mapping[str, str]) -> bytes:
    """Headers whose values are text."""
    return b"".join(
        struct.pack(">B", len(name)) + name.encode() + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()
        for name, value in headers.items()
    )


def frame(payload: bytes, **headers: str) -> bytes:
    """One message; ``message_type`` stands for ``:message-type`` and so on."""
    named = {f":{name.replace('_', '-')}": value for name, value in headers.items()}
    return message(text_headers(named), payload)


def event(kind: str, body: Any) -> bytes:
    """An event of Bedrock's streams."""
    return frame(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        event_type=kind,
        content_type="application/json",
        message_type="event",
    )


def exception(kind: str, message: str) -> bytes:
    """A failure inside a stream."""
    return frame(
        json.dumps({"message": message}).encode(),
        exception_type=kind,
        content_type="application/json",
        message_type="exception",
    )


def split(body: bytes) -> list[tuple[bytes, bytes]] | None:
    """Headers and payload of each message; None where the body is none of such messages."""
    found: list[tuple[bytes, bytes]] = []
    while body:
        if len(body) < 16:
            return None
        total, head, checksum = struct.unpack(">III", body[:12])
        if checksum != crc32(body[:8]) or len(body) < total:
            return None
        found.append((body[12 : 12 + head], body[12 + head : total - 4]))
        body = body[total:]
    return found or None
