"""Mistral's speech, both ways."""

import json
import struct
from base64 import b64encode
from typing import Any

import pytest
from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest
from aignehub.v1.media_pb2 import Media
from google.protobuf.json_format import ParseDict

from server.errors import HubError, InvalidArgument, ProviderUnavailable, UnsupportedByProvider
from server.wire.http import HttpResponse
from server.wire.mistral_audio import MistralSpeechCodec, MistralTranscriptionCodec
from server.wire.recording import Dictation, Recording
from tests.contract.shared import SPECS
from tests.wire.audio_form import Form, read_form
from tests.wire.spec import request_validator

SPEC = SPECS / "mistral-openapi.yaml"
SPEECH = MistralSpeechCodec()
HEARING = MistralTranscriptionCodec()
EVENTS = {"Content-Type": "text/event-stream"}
MP3 = b"ID3" + bytes(100)
WAV = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\0\0\0\0"


def speak(**options: Any) -> CreateSpeechRequest:
    return ParseDict({"input": "Hello", "options": {"voice": "v", **options}}, CreateSpeechRequest())


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def delta(audio: bytes) -> bytes:
    return event("speech.audio.delta", audio_data=b64encode(audio).decode())


DONE = event("speech.audio.done", usage={"prompt_tokens": 5, "completion_tokens": 40, "total_tokens": 45})


def hear(**options: Any) -> Dictation:
    recording = Recording(pieces=(WAV,), mime_type="audio/wav", filename="a.wav")
    return Dictation(recording, options=ParseDict(options, audio_pb2.TranscriptionOptions()))


def form(dictation: Dictation) -> Form:
    sent = HEARING.encode(dictation, "voxtral-mini-latest")
    return read_form(sent.headers["Content-Type"], b"".join(sent.pieces))


def test_what_is_asked_of_speech() -> None:
    sent = SPEECH.encode(speak(format="AUDIO_FORMAT_FLAC", speed=1.5, language="en", instructions="x"), "voxtral")
    expected = {"model": "voxtral", "input": "Hello", "voice_id": "v", "stream": True, "response_format": "flac"}
    assert json.loads(sent.body) == expected
    assert sent.path == "/audio/speech"
    assert sent.adjusted_fields == ("options.speed", "options.instructions", "options.language")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"ssml": True}, "options.ssml"),
        ({"format": "AUDIO_FORMAT_AAC"}, "options.format"),
        ({"sampleRateHertz": 8000}, "options.sample_rate_hertz"),
    ],
)
def test_what_it_cannot_speak(options: dict[str, Any], field: str) -> None:
    with pytest.raises(UnsupportedByProvider) as refused:
        SPEECH.encode(speak(**options), "voxtral")
    assert refused.value.fields[0].field == field


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_events_become_audio_and_usage(size: int) -> None:
    body = delta(MP3[:50]) + delta(MP3[50:]) + DONE
    decoder = SPEECH.decoder(speak(), EVENTS)
    audio = b"".join(decoder.feed(body[at : at + size]) for at in range(0, len(body), size)) + decoder.finish()
    assert (audio, decoder.format, decoder.rate) == (MP3, audio_pb2.AUDIO_FORMAT_MP3, 24000)
    usage = decoder.usage()
    assert (usage.input_tokens, usage.output_tokens, usage.billed_characters, usage.estimated) == (5, 40, 5, False)


def test_one_object_is_audio_too() -> None:
    decoder = SPEECH.decoder(speak(), {"Content-Type": "application/json"})
    assert decoder.feed(json.dumps({"audio_data": b64encode(MP3).decode()}).encode()) == b""
    assert decoder.finish() == MP3
    assert decoder.usage().estimated


def test_floats_become_whole_samples() -> None:
    numbers = [0.0, 1.0, -1.0, 0.5, 7.0, float("nan")]
    raw = struct.pack("<6f", *numbers)
    decoder = SPEECH.decoder(speak(format="AUDIO_FORMAT_PCM_S16LE"), EVENTS)
    audio = decoder.feed(delta(raw[:7]) + delta(raw[7:]) + DONE) + decoder.finish()
    assert list(struct.unpack("<6h", audio)) == [0, 32767, -32767, 16383, 32767, 32767]
    assert (decoder.format, decoder.rate) == (audio_pb2.AUDIO_FORMAT_PCM_S16LE, 24000)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (EVENTS, delta(MP3)),
        (EVENTS, delta(MP3) + DONE[:-20]),
        (EVENTS, b""),
        (EVENTS, b"data: {\n\n"),
        (EVENTS, event("speech.audio.delta", audio_data="?")),
        (EVENTS, b'data: {"object":"error","message":"no"}\n\n'),
        ({"Content-Type": "application/json"}, b"{}"),
        ({"Content-Type": "application/json"}, b'{"audio'),
    ],
)
def test_a_cut_or_strange_answer_is_an_error(headers: dict[str, str], body: bytes) -> None:
    decoder = SPEECH.decoder(speak(), headers)
    with pytest.raises(HubError):
        decoder.feed(body)
        decoder.finish()


def test_what_is_asked_of_a_transcript() -> None:
    told = form(hear(languages=["en-US"], temperature=0.2, keywords=["Ada Lovelace, b.", "Oslo"]))
    assert told.fields == {
        "model": ["voxtral-mini-latest"], "language": ["en"], "temperature": ["0.2"],
        "context_bias": ["Ada_Lovelace_b.", "Oslo"],
    }  # fmt: skip
    assert (told.file, told.filename) == (WAV, "a.wav")


def test_a_recording_by_its_address() -> None:
    dictation = Dictation(Recording(url="https://x.test/a.mp3"))
    sent = HEARING.encode(dictation, "m")
    told = read_form(sent.headers["Content-Type"], b"".join(sent.pieces))
    assert (told.fields, told.file) == ({"model": ["m"], "file_url": ["https://x.test/a.mp3"]}, b"")
    assert HEARING.reads_url("audio", Media(url="https://x.test/a.mp3"), "m")
    assert not HEARING.reads_url("audio", Media(url="http://x.test/a.mp3"), "m")


def test_times_exclude_a_language() -> None:
    dictation = hear(languages=["en"], prompt="x", diarization={"maxSpeakers": 2}, segmentTimestamps=True)
    told = form(dictation)
    assert told.fields == {
        "model": ["voxtral-mini-latest"], "timestamp_granularities": ["segment"], "diarize": ["true"]
    }  # fmt: skip
    assert HEARING.encode(dictation, "m").adjusted_fields == (
        "options.languages", "options.diarization.max_speakers", "options.prompt"
    )  # fmt: skip
    assert form(hear(wordTimestamps=True)).fields["timestamp_granularities"] == ["word"]
    assert form(hear(format="TRANSCRIPT_FORMAT_SRT")).fields["timestamp_granularities"] == ["segment"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"languages": ["en", "de"]}, "options.languages"),
        ({"logprobs": True}, "options.logprobs"),
        ({"diarization": {"knownSpeakers": [{"name": "a"}]}}, "options.diarization.known_speakers"),
    ],
)
def test_what_it_cannot_hear(options: dict[str, Any], field: str) -> None:
    with pytest.raises(UnsupportedByProvider) as refused:
        HEARING.encode(hear(**options), "m")
    assert refused.value.fields[0].field == field


def test_a_translation_or_a_strange_container_is_refused() -> None:
    with pytest.raises(UnsupportedByProvider):
        HEARING.encode(Dictation(hear().recording, translate=True), "m")
    with pytest.raises(InvalidArgument):
        HEARING.encode(Dictation(Recording(pieces=(b"x",), mime_type="audio/aac")), "m")


USAGE = {
    "prompt_audio_seconds": 3, "prompt_tokens": 5, "completion_tokens": 20, "total_tokens": 400,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 375},
}  # fmt: skip
SAID = [
    {"text": "Hello", "start": 0.1, "end": 0.5, "speaker_id": "speaker_1", "score": 0.9},
    {"text": " you.", "start": 0.6, "end": 0.9, "speaker_id": "speaker_1"},
]


def transcript(body: Any, **options: Any) -> Any:
    return HEARING.decode(HttpResponse(200, {}, json.dumps(body).encode()), hear(**options), "m")


def test_a_transcript() -> None:
    told = {"model": "voxtral", "text": "Hello you.", "language": None, "segments": SAID, "usage": USAGE}
    got = transcript(told, diarization={})
    assert (got.model, got.transcript.text, got.transcript.language) == ("voxtral", "Hello you.", "")
    assert [(one.id, one.text, one.speaker) for one in got.transcript.segments] == [
        (0, "Hello", "speaker_1"), (1, "you.", "speaker_1")
    ]  # fmt: skip
    usage = got.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (380, 20, 400)
    assert usage.billed_audio_duration.seconds == 3


def test_words_come_in_the_place_of_segments() -> None:
    told = {"text": "Hello you.", "segments": SAID}
    got = transcript(told, wordTimestamps=True, segmentTimestamps=True)
    assert [(one.word, one.confidence) for one in got.transcript.words] == [("Hello", 0.9), ("you.", 0)]
    assert [one.text for one in got.transcript.segments] == ["Hello you."]
    assert got.usage.estimated


@pytest.mark.parametrize("body", [{}, [], {"text": 3}, {"object": "error", "message": "no"}])
def test_no_transcript_is_an_error(body: Any) -> None:
    with pytest.raises(HubError):
        transcript(body)


def test_a_failure_of_its_own_is_told() -> None:
    decoder = SPEECH.decoder(speak(), EVENTS)
    decoder.feed(delta(MP3))
    with pytest.raises(ProviderUnavailable):
        decoder.finish()
    assert SPEECH.decode_error(HttpResponse(403, {}, b'{"detail":"moderation"}')).metadata["providerStatus"] == "403"


@pytest.mark.skipif(not SPEC.is_file(), reason="no published schema beside this project (../shared/specs)")
def test_requests_are_valid_by_the_published_schema() -> None:
    speech, hearing = request_validator(SPEC, "SpeechRequest"), request_validator(SPEC, "AudioTranscriptionRequest")
    assert speech
    assert hearing
    assert speech({"input": 3})
    assert hearing({"model": "m", "language": "english"})
    for options in ({}, {"format": "AUDIO_FORMAT_OPUS"}, {"format": "AUDIO_FORMAT_PCM_S16LE"}):
        assert speech(json.loads(SPEECH.encode(speak(**options), "m").body)) == []
    asked = hear(languages=["pt-BR"], keywords=["a b"]), hear(wordTimestamps=True, diarization={})
    for fields in (form(one).fields for one in asked):
        told: dict[str, Any] = {"model": fields["model"][0], "diarize": "diarize" in fields}
        told |= {name: fields[name] for name in ("context_bias", "timestamp_granularities") if name in fields}
        told |= {"language": fields["language"][0]} if "language" in fields else {}
        assert hearing(told) == []
