"""Transcripts, lists of voices, speech and live events as nobody ever sent them: a right answer or one clear error."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from zlib import crc32

import pytest
from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest

from server.errors import HubError
from server.providers.deepgram import DEEPGRAM
from server.providers.elevenlabs import ELEVENLABS
from server.providers.gemini import GEMINI
from server.providers.kind import ProviderKind
from server.providers.registry import PROVIDERS
from server.wire.audio.live import LiveDialogue
from server.wire.deepgram.live import DeepgramDialogue
from server.wire.elevenlabs.dialogue import ElevenLabsDialogue
from server.wire.http import HttpResponse
from server.wire.openai_audio.realtime import RealtimeDialogue
from server.wire.recording import Dictation, Recording
from tests.contract.damage import cut, mangled, scrambled
from tests.contract.generated_audio import SOUND
from tests.contract.shared import WIRE
from tests.e2e.test_deepgram import HEARD as DEEPGRAM_HEARD
from tests.e2e.test_elevenlabs import HEARD as ELEVENLABS_HEARD
from tests.e2e.test_transcription import VERBOSE

_EXAMPLES = 60
ASKED = Dictation(
    Recording((SOUND,), mime_type="audio/wav"),
    options=audio_pb2.TranscriptionOptions(
        word_timestamps=True, segment_timestamps=True, logprobs=True, diarization=audio_pb2.DiarizationOptions()
    ),
)
DEEPGRAM_VOICES = {
    "tts": [{"canonical_name": "aura-2-zeus-en", "languages": ["en"], "metadata": {"display_name": "Z"}}]
}
ELEVENLABS_VOICES = {
    "voices": [{"voice_id": "v", "name": "n", "labels": {"language": "en"}, "verified_languages": [{"locale": "de"}]}],
    "has_more": True, "next_page_token": "t",
}  # fmt: skip


GEMINI_VOICES = {"voices": [{"id": "v", "display_name": "n", "language_code": "de-DE"}], "next_page_token": "t"}
GEMINI_PART = {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA" * 9}}
GEMINI_SPEECH = [
    {"candidates": [{"content": {"parts": [GEMINI_PART]}}]},
    {
        "candidates": [{"content": {"parts": [GEMINI_PART]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 3, "candidatesTokenCount": 5,
            "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
        },
    },
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Body:
    """One answer, who reads it, and who reads it as an error."""

    name: str
    read: Callable[[HttpResponse], Any]
    refuse: Callable[[HttpResponse], HubError]
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def _heard(kind: ProviderKind, told: Any, name: str = "") -> Body:
    assert kind.transcription
    codec = kind.transcription({})
    data = told if isinstance(told, bytes) else json.dumps(told).encode()
    return Body(f"{kind.name}-{name or 'heard'}", lambda one: codec.decode(one, ASKED, "m"), codec.decode_error, data)


def _listed(kind: ProviderKind, told: Any) -> Body:
    codec = kind.voice_list
    assert codec
    return Body(f"{kind.name}-voices", codec.decode, codec.decode_error, json.dumps(told).encode())


def _recorded(kind: ProviderKind) -> list[Body]:
    paths = sorted((WIRE / kind.name).glob(f"{kind.name}-audio-transcription-*.json"))
    return [_heard(kind, json.loads(one.read_text())["response_body"].encode(), one.stem[-8:]) for one in paths]


BODIES = [
    _heard(DEEPGRAM, DEEPGRAM_HEARD), _heard(ELEVENLABS, ELEVENLABS_HEARD), _heard(PROVIDERS["openai"], VERBOSE),
    _listed(DEEPGRAM, DEEPGRAM_VOICES), _listed(ELEVENLABS, ELEVENLABS_VOICES),
    _listed(GEMINI, GEMINI_VOICES),
    *_recorded(DEEPGRAM), *_recorded(ELEVENLABS),
]  # fmt: skip


def _examples(body: Body) -> int:
    return _EXAMPLES if len(body.data) < 5000 else 8


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_damage_is_read_or_is_one_error(body: Body) -> None:
    body.read(HttpResponse(200, body.headers, body.data))
    chance = Random(crc32(body.name.encode()))
    for damage in (cut, scrambled, mangled):
        for _ in range(_examples(body)):
            response = HttpResponse(200, body.headers, damage(body.data, chance))
            with suppress(HubError):
                body.read(response)
            assert isinstance(body.refuse(HttpResponse(400, {}, response.body)), HubError)


@pytest.mark.parametrize("body", BODIES[:3], ids=lambda body: body.name)
def test_a_cut_transcript_is_none(body: Body) -> None:
    chance = Random(1)
    for _ in range(30):
        with pytest.raises(HubError):
            body.read(HttpResponse(200, {"Content-Type": "application/json"}, cut(body.data, chance)))


DIALOGUES: list[tuple[str, Callable[[], LiveDialogue], list[Any]]] = [
    ("deepgram", lambda: DeepgramDialogue(8000), [
        {"type": "SpeechStarted", "timestamp": 0.5},
        {"type": "Results", "start": 0.0, "duration": 1.0, "is_final": True, "speech_final": True,
         "channel": DEEPGRAM_HEARD["results"]["channels"][0]},
        {"type": "UtteranceEnd"}, {"type": "Error", "description": "x"}, {"type": "Metadata", "duration": 3.5},
    ]),
    ("elevenlabs", lambda: ElevenLabsDialogue(8000, silence=1.5, context=""), [
        {"message_type": "session_started", "session_id": "s"}, {"message_type": "partial_transcript", "text": "a"},
        {"message_type": "committed_transcript", "text": "a"},
        {"message_type": "committed_transcript_with_timestamps", "text": "a", "words": ELEVENLABS_HEARD["words"]},
        {"message_type": "commit_throttled", "error": "x"}, {"message_type": "auth_error", "error": "x"},
    ]),
    ("openai", RealtimeDialogue, [
        {"type": "session.created", "session": {"id": "s"}}, {"type": "error", "error": {"code": "session_expired"}},
        {"type": "input_audio_buffer.speech_started", "item_id": "i", "audio_start_ms": 5},
        {"type": "conversation.item.input_audio_transcription.completed", "item_id": "i", "transcript": "a",
         "usage": {"input_tokens": 3, "output_tokens": 1}},
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("make", "messages"), [one[1:] for one in DIALOGUES], ids=[one[0] for one in DIALOGUES])
def test_live_events_are_read_or_are_one_error(make: Callable[[], LiveDialogue], messages: list[Any]) -> None:
    for seed in range(_EXAMPLES):
        chance, session = Random(seed), make()
        session.append(bytes(16000))
        session.commit()
        session.finish()
        for _ in range(12):
            damage = chance.choice((mangled, mangled, mangled, scrambled, cut, lambda body, _: body))
            data = damage(json.dumps(chance.choice(messages)).encode(), chance)
            try:
                for event in session.read(data if chance.random() < 0.5 else data.decode("utf-8", "replace")):
                    assert event.span is None or event.span[0] <= event.span[1]
            except HubError:
                pass
            if session.patience() is not None and chance.random() < 0.3:
                session.overdue()
        for _ in range(30):  # what is overdue comes to an end
            if session.patience() is None:
                break
            session.overdue()
        assert session.patience() is None


@pytest.mark.parametrize("kind", [DEEPGRAM, ELEVENLABS, PROVIDERS["openai"]], ids=lambda kind: kind.name)
@pytest.mark.parametrize("body", [b'{"detail": {"message": "no"}}', b'{"error": {"message": "no"}}', b"{", b"", b"3"])
def test_json_is_never_taken_for_speech(kind: ProviderKind, body: bytes) -> None:
    assert kind.speech
    request = CreateSpeechRequest(input="Hi", options=audio_pb2.SpeechOptions(voice="aura-2-thalia-en"))
    decoder = kind.speech({}).decoder(request, {"Content-Type": "application/json; charset=utf-8"})
    assert decoder.feed(body) == b""
    with pytest.raises(HubError):
        decoder.finish()


SPOKEN = {
    "events": b"".join(b"data: " + json.dumps(one).encode() + b"\r\n\r\n" for one in GEMINI_SPEECH),
    "array": json.dumps(GEMINI_SPEECH, indent=1).encode(),
}


@pytest.mark.parametrize("framing", SPOKEN)
@pytest.mark.parametrize("form", [audio_pb2.AUDIO_FORMAT_WAV, audio_pb2.AUDIO_FORMAT_PCM_S16LE])
def test_damaged_speech_is_read_or_is_one_error(framing: str, form: audio_pb2.AudioFormat.ValueType) -> None:
    assert GEMINI.speech
    codec = GEMINI.speech({})
    request = CreateSpeechRequest(input="Hi", options=audio_pb2.SpeechOptions(voice="Kore", format=form))
    chance = Random(crc32(framing.encode()))
    for damage in (lambda body, _: body, cut, scrambled, mangled):
        for _ in range(_EXAMPLES):
            data, decoder, audio = damage(SPOKEN[framing], chance), codec.decoder(request, {}), b""
            size = chance.choice((1, 20, 300, 5000))
            try:
                audio = b"".join(decoder.feed(data[at : at + size]) for at in range(0, len(data), size))
                audio += decoder.finish()
            except HubError:
                pass
            else:
                assert audio
                assert (decoder.format, decoder.rate > 0) == (form, True)
            usage = decoder.usage()
            assert (usage.billed_characters, usage.SerializeToString() is not None) == (2, True)
