"""Recorded answers are read without surprise: an answer, or an error where the recording is one.

What they say is compared elsewhere, by a reader that shares no code with this one.
"""

import json
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import pytest
from aignehub.v1.chat_service_pb2 import StreamChatCompletionResponse

from server.errors import HubError
from server.providers.registry import PROVIDERS
from server.wire.by_model import codec_of
from server.wire.codec import ChatCodec
from server.wire.http import HttpResponse
from server.wire.openai_chat import OpenAIChatCodec
from server.wire.openai_chat.usual_chunk import UsualChunk, UsualChunks
from tests.contract.shared import WIRE
from tests.unit.wire.support import ask

_FILES = sorted(WIRE.glob("*/*-chat-completions-*.json"))


def _codec(provider: str) -> ChatCodec:
    """The codec of that kind; Gemini's recordings here are of its compatible API, for which there is no kind."""
    for name in (provider, "openai-compatible"):
        if name in PROVIDERS and (chat := PROVIDERS[name].chat) is not None:
            codec = codec_of(chat({}), "m")
            if isinstance(codec, OpenAIChatCodec):
                return codec
    raise AssertionError(provider)


def _fails(recording: dict[str, Any]) -> bool:
    return recording["status"] >= 400 or "error_in_stream" in recording["features"]


def _stream(codec: ChatCodec, body: bytes, seed: int) -> list[StreamChatCompletionResponse]:
    decoder = codec.decoder(ask())
    random = Random(seed)
    messages = []
    at = 0
    while at < len(body) and not decoder.done:
        size = random.choice([1, 2, 7, 60, 500, 4000])
        if (message := decoder.feed(body[at : at + size])) is not None:
            messages.append(message)
        at += size
    if not decoder.done:
        messages.append(decoder.finish())
    return messages


@pytest.mark.skipif(not _FILES, reason="no recorded traffic beside this project (../shared/wire)")
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in _FILES] or [Path()])
def test_a_recording_is_read(path: Path) -> None:
    recording = json.loads(path.read_text())
    codec = _codec(recording["provider"])
    body = recording["response_body"].encode()
    response = HttpResponse(recording["status"], recording["response_headers"], body)
    if response.status >= 400:
        assert codec.decode_error(response).metadata["providerStatus"] == str(response.status)
        return
    try:
        if recording["stream_format"] == "sse":
            last = _stream(codec, body, seed=len(body))[-1]
            assert last.usage.total_tokens > 0
            # The end stands on the last delta of each choice.
            ends = {delta.index: delta.finish_reason for delta in last.choices}
            assert all(ends.values())
        else:
            answer = codec.decode(response, ask())
            assert answer.usage.total_tokens > 0
            assert all(choice.finish_reason for choice in answer.choices)
    except HubError:
        assert _fails(recording)
    else:
        assert not _fails(recording)


_SHARE_READ_BY_TYPE = 0.5
"""Of all recorded chunks; those of long answers are cut from the recordings, so that beginnings and ends weigh more."""


@pytest.mark.skipif(not _FILES, reason="no recorded traffic beside this project (../shared/wire)")
def test_what_is_read_by_type_is_the_same() -> None:
    read, asked, usual = UsualChunks.read, 0, 0

    def counted(self: UsualChunks, payload: bytes) -> UsualChunk | None:
        nonlocal asked, usual
        found = read(self, payload)
        asked, usual = asked + 1, usual + (found is not None)
        return found

    for path in _FILES:
        recording = json.loads(path.read_text())
        if recording["stream_format"] != "sse" or _fails(recording):
            continue
        codec, body = _codec(recording["provider"]), recording["response_body"].encode()
        with mock.patch.object(UsualChunks, "read", counted):
            by_type = _stream(codec, body, seed=1)
        with mock.patch.object(UsualChunks, "read", return_value=None):
            assert by_type == _stream(codec, body, seed=1)
    assert usual > asked * _SHARE_READ_BY_TYPE
