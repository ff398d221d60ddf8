"""Recorded exchanges on disk: every file is accounted for, and a bad one is a name in the report, never a crash."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

Json = Any
"""A parsed JSON value; the harness reads foreign data, so nothing is assumed of its shape."""

_PATH = re.compile(r"/?(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*(?:\?[^#\s]*)?", re.ASCII)

NOT_EXCHANGES = frozenset({"index.json", "README.md"})
"""Files of the format itself, at the top of the folder."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One HTTP exchange as it was recorded."""

    id: str
    provider: str
    api: str
    modality: str
    streaming: bool
    model: str
    path: str
    request: Json | None
    """The parsed JSON body of the request; None where the recorder kept no request, or it was no JSON."""
    status: int
    response_headers: Mapping[str, str]
    response_body: bytes
    media_elided: int = 0
    request_bytes: bytes = b""
    """The body of a request that is no JSON, such as a form."""
    request_type: str = ""
    """The request's Content-Type, where the recorder kept it."""

    @property
    def cell(self) -> str:
        """The row of the report it counts in: its modality, ``/s`` where streamed."""
        return self.modality + ("/s" if self.streaming else "")


@dataclass(slots=True)
class Folder:
    """Every file below one folder, sorted into what it is."""

    root: Path
    recordings: list[Recording] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """(path below the folder, why)."""
    others: list[str] = field(default_factory=list)
    """Files that are no exchange by their name: the index, the README, anything that is not .json."""

    @property
    def files(self) -> int:
        return len(self.recordings) + len(self.unreadable) + len(self.others)


class Unreadable(Exception):
    """A file that is not an exchange of the format; the text says why."""


def read_folder(root: Path) -> Folder:
    """Reads every file below ``root``; one of two recordings with the same id is unreadable."""
    folder = Folder(root)
    seen: set[str] = set()
    for path in _files(root):
        name = path.relative_to(root).as_posix()
        if name in NOT_EXCHANGES or path.suffix != ".json":
            folder.others.append(name)
            continue
        try:
            recording = parse(path.read_bytes())
            if recording.id in seen:
                raise Unreadable(f"the id {recording.id} was already read from another file")
        except (Unreadable, OSError) as error:
            folder.unreadable.append((name, str(error)))
            continue
        seen.add(recording.id)
        folder.recordings.append(recording)
    return folder


def _files(root: Path) -> Iterator[Path]:
    yield from sorted(path for path in root.rglob("*") if path.is_file())


def parse(data: bytes) -> Recording:
    """One exchange of the format; raises Unreadable."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Unreadable("not a JSON object")
    return Recording(
        id=_text(value, "id"),
        provider=_text(value, "provider"),
        api=_text(value, "api"),
        modality=_text(value, "modality"),
        streaming=value.get("streaming") is True,
        model=value["model"] if isinstance(value.get("model"), str) else "",
        path=_path(value),
        request=value.get("request_body") if value.get("request_body_encoding") == "json" else None,
        status=_status(value),
        response_headers=_headers(value),
        response_body=_body(value),
        media_elided=value["media_elided"] if isinstance(value.get("media_elided"), int) else 0,
        request_bytes=_request_bytes(value),
        request_type=_request_type(value),
    )


def _text(value: Mapping[str, Json], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text:
        raise Unreadable(f"{name} is missing or no text")
    return text


def _path(value: Mapping[str, Json]) -> str:
    path = _text(value, "path")
    if not _PATH.fullmatch(path):
        raise Unreadable("path is no path of a URL")
    return path if path.startswith("/") else "/" + path


def _status(value: Mapping[str, Json]) -> int:
    status = value.get("status")
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise Unreadable("status is no HTTP status of a final answer")
    return status


def _headers(value: Mapping[str, Json]) -> dict[str, str]:
    headers = value.get("response_headers") or {}
    if not isinstance(headers, dict):
        raise Unreadable("response_headers is no object")
    return {str(name).lower(): str(text) for name, text in headers.items() if text is not None}


def _request_bytes(value: Mapping[str, Json]) -> bytes:
    body = value.get("request_body")
    if value.get("request_body_encoding") != "base64" or not isinstance(body, str):
        return b""
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise Unreadable("request_body is no base64") from None


def _request_type(value: Mapping[str, Json]) -> str:
    headers = value.get("request_headers")
    told = headers.get("content-type") if isinstance(headers, dict) else None
    return told if isinstance(told, str) else ""


def _body(value: Mapping[str, Json]) -> bytes:
    body = value.get("response_body")
    encoding = value.get("response_body_encoding")
    if body is None:
        return b""
    if not isinstance(body, str) or encoding not in ("text", "base64"):
        raise Unreadable(f"response_body is no text, or its encoding {encoding!r} is unknown")
    if encoding == "text":
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise Unreadable("response_body is no base64") from None
