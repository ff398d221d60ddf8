"""Requests to Deepgram and ElevenLabs: each asked field is sent, refused by name or listed, and what is sent is taken.

Deepgram's queries are judged by its published parameters. ElevenLabs publishes none that is here, so that what its
pages list is written down below.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from google.protobuf.message import Message

from server.errors import HubError
from server.providers.deepgram import DEEPGRAM
from server.providers.elevenlabs import ELEVENLABS
from server.providers.kind import ProviderKind
from server.wire.codec import LiveCodec
from server.wire.http import HttpRequest
from tests.contract import generated_audio as made
from tests.wire.audio_form import read_form
from tests.wire.deepgram_query import parameters, refused_values

_EXAMPLES = 150

LIVE_PARAMETERS = {
    # https://developers.deepgram.com/reference/speech-to-text/listen-streaming
    "encoding": "linear16", "sample_rate": r"\d+", "channels": "1", "interim_results": "true",
    "endpointing": r"\d+|false", "utterance_end_ms": r"[1-9]\d{3,}", "vad_events": "true",
}  # fmt: skip
"""What the published document of the HTTP API lacks."""
OUTPUT_FORMATS = re.compile(
    r"mp3_(22050_32|24000_48|44100_(32|64|96|128|192))|pcm_(8000|16000|22050|24000|32000|44100|48000)|[ua]law_8000"
    r"|opus_48000_(32|64|96|128|192)"
)
"""https://elevenlabs.io/docs/api-reference/text-to-speech/stream"""
FORM = {
    # https://elevenlabs.io/docs/api-reference/speech-to-text/convert
    "model_id": r"scribe_v2", "language_code": r"[a-z]{2,3}", "timestamps_granularity": r"none|word|character",
    "diarize": r"true", "num_speakers": r"[1-9]|[12]\d|3[0-2]", "temperature": r"[01](\.\d+)?(e-\d+)?",
    "keyterms": r"(?s).+", "cloud_storage_url": r"https://.+",
}  # fmt: skip
REALTIME = {
    # https://elevenlabs.io/docs/api-reference/speech-to-text/v-1-speech-to-text-realtime
    "model_id": r"scribe_v2_realtime", "audio_format": r"pcm_(8000|16000|22050|24000|44100|48000)",
    "include_timestamps": "true", "include_language_detection": "true", "commit_strategy": "vad|manual",
    "language_code": r"[a-z]{2,3}", "secondary_languages": r"[a-z]{2,3}", "keyterms": r"(?s).+",
    "vad_silence_threshold_secs": r"0\.[3-9]\d*|[12](\.\d+)?|3", "vad_threshold": r"0\.[1-9]\d*",
}  # fmt: skip


def tries(make: Callable[[Random], Any], encode: Callable[[Any], HttpRequest]) -> Iterator[tuple[Any, HttpRequest]]:
    """What was asked and what is sent of it, for those that are not refused by a field of their own."""
    sent = 0
    for seed in range(_EXAMPLES):
        asked = make(Random(seed))
        refused: HubError | None = None
        try:
            request = encode(asked)
        except HubError as error:
            refused = error
        if refused is not None:
            assert refused.fields, refused.message
            assert all(is_a_field(asked, one.field) for one in refused.fields)
            continue
        assert all(is_a_field(asked, one) for one in request.adjusted_fields)
        sent += 1
        yield asked, request
    assert sent > _EXAMPLES / 10


def is_a_field(asked: Any, path: str) -> bool:
    """Whether the contract has the field, seen from the request's root."""
    if path == "model":
        return True
    steps = re.sub(r"\[\d+\]", "", path).split(".")
    message: Any = asked
    for step in steps[1:] if steps[0] == "config" else steps:
        message = getattr(message, step)
    return isinstance(asked, Message) or message is not None


def query(request: HttpRequest) -> list[tuple[str, str]]:
    return parse_qsl(request.path.partition("?")[2], keep_blank_values=True)


def codec(kind: ProviderKind, name: str) -> Any:
    return getattr(kind, name)({})


def live(kind: ProviderKind) -> LiveCodec:
    assert kind.live
    return kind.live


@pytest.mark.skipif(parameters("/v1/listen") is None, reason="no specs beside the project")
def test_deepgrams_queries_are_valid() -> None:
    for asked, request in tries(made.dictation, lambda one: codec(DEEPGRAM, "transcription").encode(one, "nova-3")):
        assert refused_values("/v1/listen", query(request)) == []
        assert (orjson.loads(request.body) if asked.recording.url else request.pieces) == (
            {"url": asked.recording.url} if asked.recording.url else asked.recording.pieces
        )
        assert dict(query(request)).get("utterances") == ("true" if wants_segments(asked.options) else None)
        assert [value for name, value in query(request) if name == "keyterm"] == list(asked.options.keywords)
    for _, request in tries(made.speech, lambda one: codec(DEEPGRAM, "speech").encode(one, "aura-2")):
        assert refused_values("/v1/speak", query(request), loose=("model", "sample_rate")) == []
    for _, request in tries(made.live_config, lambda one: live(DEEPGRAM).plan(one, "nova-3").request):
        told = query(request)
        assert fits(LIVE_PARAMETERS, [one for one in told if one[0] in LIVE_PARAMETERS])
        assert refused_values("/v1/listen", [one for one in told if one[0] not in LIVE_PARAMETERS]) == []


def wants_segments(options: Any) -> bool:
    return bool(options.segment_timestamps or options.format > 1 or options.HasField("diarization"))


def fits(known: dict[str, str], told: Sequence[tuple[str, str]]) -> bool:
    wrong = [(name, value) for name, value in told if not re.fullmatch(known.get(name, "(?!)"), value)]
    assert wrong == []
    return True


def test_elevenlabs_requests_are_what_its_pages_list() -> None:
    for asked, request in tries(
        made.dictation, lambda one: codec(ELEVENLABS, "transcription").encode(one, "scribe_v2")
    ):
        form = read_form(request.headers["Content-Type"], b"".join(request.pieces))
        assert fits(FORM, [(name, value) for name, values in form.fields.items() for value in values])
        assert form.file == b"".join(asked.recording.pieces)
        assert form.fields.get("keyterms", []) == list(asked.options.keywords)
    for asked, request in tries(made.speech, lambda one: codec(ELEVENLABS, "speech").encode(one, "eleven_v3")):
        body = orjson.loads(request.body)
        assert body.keys() <= {"text", "model_id", "language_code", "voice_settings"}
        assert (body["text"], body["model_id"]) == (asked.input, "eleven_v3")
        assert all(OUTPUT_FORMATS.fullmatch(value) for _, value in query(request))
    for _, request in tries(made.live_config, lambda one: live(ELEVENLABS).plan(one, "scribe_v2_realtime").request):
        assert fits(REALTIME, query(request))
