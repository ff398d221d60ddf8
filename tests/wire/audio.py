"""``audio.transcription``, ``audio.translation`` and ``audio.speech`` of hosts with OpenAI's form, and of xAI."""

from functools import cache
from typing import Any

import grpc
from aignehub.v1 import audio_pb2, media_pb2
from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1.audio_service_pb2_grpc import AudioServiceStub

from tests.wire import audio_reading, observed
from tests.wire.audio_form import Form, read_form
from tests.wire.audio_reading import Heard
from tests.wire.bench import CALL_SECONDS, Bench, Outcome
from tests.wire.hub import ROOT, Instance
from tests.wire.neutral import Failure
from tests.wire.recording import Json, Recording
from tests.wire.replay import Captured
from tests.wire.spec import request_validator

KINDS = frozenset({"openai", "groq", "xai", "openrouter", "mistral", "cohere"})
"""Providers in this form; deepgram and elevenlabs have others."""

STREAMED = (
    "stream: a recording is transcribed in one answer, and what comes while one speaks is StreamTranscription's; "
    "the recorded events are read all the same"
)
VOICELESS = "voice: the recording names none, and the contract requires one"
MISTRALS_VOICE = (
    "voice: the client sent the field by OpenAI's name, and no stream; the reference has voice_id, and tells usage in "
    "streams alone"
)
_SUFFIXES = ("/audio/transcriptions", "/audio/translations", "/audio/speech", "/stt", "/tts")
_SPEC = ROOT.parent / "shared" / "specs" / "openai-openapi.yaml"
_A_SECOND = b"RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\0\x7d\0\0" + bytes(32000)


class _Audio:
    """What both directions share."""

    def serves(self, recording: Recording) -> bool:
        """Only hosts that the hub has a kind of."""
        return recording.provider in KINDS

    def kind(self, recording: Recording) -> str:
        """The provider's own."""
        return recording.provider

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """A provider of that kind below ``root``."""
        path = recording.path.partition("?")[0]
        base = next(path.removesuffix(suffix) for suffix in _SUFFIXES if path.endswith(suffix))
        base = base.removesuffix("/v2") if recording.provider == "cohere" else base
        return Instance(name, recording.provider, root + base)


class Hearing(_Audio):
    """Transcriptions, or translations."""

    def __init__(self, *, translates: bool = False) -> None:
        self._translates = translates

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded form where there is one, else a second of silence."""
        outcome = Outcome(recording)
        form = read_form(recording.request_type, recording.request_bytes) if recording.request_bytes else None
        model = f"{name}/{(form.fields.get('model') or ['stt'])[0] if form else recording.model or 'whisper-1'}"
        got = await self._call(bench, model, form)
        sent = bench.server.requests(name)
        if form is not None:
            outcome.encode = _form_differences(recording, form, sent)
            if form.fields.get("stream") == ["true"]:
                outcome.exceptions.append(STREAMED)
            if sent and recording.provider == "openai":
                outcome.spec = _spec_of_form(sent[0], translates=self._translates)
        outcome.decode = audio_reading.differences(audio_reading.read(recording), got)
        if len(sent) != 1:
            outcome.decode.append(f"the provider was asked {len(sent)} times")
        return outcome

    async def _call(self, bench: Bench, model: str, form: Form | None) -> Heard:
        media = media_pb2.Media(
            data=form.file if form else _A_SECOND, filename=form.filename if form else "", mime_type="audio/wav"
        )
        options = _options(form) if form else audio_pb2.TranscriptionOptions()
        stub = AudioServiceStub(bench.channel)
        try:
            if self._translates:
                translation = pb.CreateTranslationRequest(model=model, audio=media, options=options)
                return audio_reading.observed(
                    await stub.CreateTranslation(translation, metadata=bench.metadata, timeout=CALL_SECONDS)
                )
            request = pb.CreateTranscriptionRequest(model=model, audio=media, options=options)
            return audio_reading.observed(
                await stub.CreateTranscription(request, metadata=bench.metadata, timeout=CALL_SECONDS)
            )
        except grpc.aio.AioRpcError as error:
            return Heard(failure=observed.failure(error))


class Speech(_Audio):
    """Text to speech."""

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request, streamed; every byte of the answer counts."""
        outcome = Outcome(recording, encode=[])
        body = recording.request if isinstance(recording.request, dict) else {}
        request = pb.CreateSpeechRequest(
            model=f"{name}/{body.get('model') or 'tts'}",
            input=body.get("input") or body.get("text") or "Hello",
            options=audio_pb2.SpeechOptions(voice=body.get("voice") or body.get("voice_id") or "eve"),
        )
        if body.get("response_format") == "mp3":
            request.options.format = audio_pb2.AUDIO_FORMAT_MP3
        chunks, failed = await self._call(bench, request)
        sent = bench.server.requests(name)
        outcome.encode = _speech_differences(outcome, recording, body, sent)
        if sent and recording.provider == "openai":
            outcome.spec = _validator("CreateSpeechRequest")(sent[0].json())
        outcome.decode = _speech_decoded(recording, request, chunks, failed)
        if len(sent) != 1:
            outcome.decode.append(f"the provider was asked {len(sent)} times")
        return outcome

    async def _call(
        self, bench: Bench, request: pb.CreateSpeechRequest
    ) -> tuple[list[pb.StreamSpeechResponse], Failure | None]:
        chunks = []
        try:
            call = AudioServiceStub(bench.channel).StreamSpeech(request, metadata=bench.metadata, timeout=CALL_SECONDS)
            async for chunk in call:
                chunks.append(chunk)
        except grpc.aio.AioRpcError as error:
            return chunks, observed.failure(error)
        return chunks, None


def _options(form: Form) -> audio_pb2.TranscriptionOptions:
    """What the recorded fields ask for. ``chunking_strategy`` and ``stream`` come with what they belong to, or not."""
    fields = form.fields
    options = audio_pb2.TranscriptionOptions(
        languages=fields.get("language", []),
        prompt="".join(fields.get("prompt", [])),
        keywords=fields.get("keyterm", []),
        segment_timestamps=fields.get("response_format") == ["verbose_json"],
        word_timestamps="word" in fields.get("timestamp_granularities", []),
    )
    if "temperature" in fields:
        options.temperature = float(fields["temperature"][0])
    if fields.get("response_format") == ["diarized_json"] or fields.get("diarize") == ["true"]:
        options.diarization.SetInParent()
    return options


def _form_differences(recording: Recording, form: Form, sent: list[Captured]) -> list[str]:
    if not sent:
        return ["the hub sent nothing"]
    headers = {name.lower(): value for name, value in sent[0].headers.items()}
    made = read_form(headers.get("content-type", ""), sent[0].body)
    found = [] if sent[0].path == recording.path else [f"path: recorded {recording.path}, sent {sent[0].path}"]
    expected = dict(form.fields)
    expected.pop("stream", None)
    if expected.get("response_format") == ["json"]:
        del expected["response_format"]  # the default, which the hub leaves out
    if {name: sorted(values) for name, values in expected.items()} != {
        name: sorted(values) for name, values in made.fields.items()
    }:
        found.append(f"fields: recorded {expected}, sent {made.fields}")
    if made.file != form.file:
        found.append("file: other bytes than were given")
    if made.filename != form.filename:
        found.append(f"filename: recorded {form.filename}, sent {made.filename}")
    if made.last != "file":
        found.append("file: is not the last part")
    if "content-length" not in headers:
        found.append("headers: no Content-Length")
    return found


def _speech_differences(outcome: Outcome, recording: Recording, body: Json, sent: list[Captured]) -> list[str]:
    if not sent:
        return ["the hub sent nothing"]
    made = sent[0].json()
    found = [] if sent[0].path == recording.path else [f"path: recorded {recording.path}, sent {sent[0].path}"]
    if recording.provider == "xai" and "voice_id" not in body and isinstance(made, dict):
        outcome.exceptions.append(VOICELESS)
        made.pop("voice_id", None)
    if recording.provider == "mistral" and "voice_id" not in body and isinstance(made, dict):
        outcome.exceptions.append(MISTRALS_VOICE)
        made["voice"] = made.pop("voice_id", None)
        made.pop("stream", None)
    return found if made == body else [*found, f"body: recorded {body}, sent {made}"]


def _speech_decoded(
    recording: Recording,
    request: pb.CreateSpeechRequest,
    chunks: list[pb.StreamSpeechResponse],
    failed: Failure | None,
) -> list[str]:
    if failed is not None:
        return [f"status: got {failed}"]
    found = []
    audio = audio_reading.speech(recording)
    if b"".join(chunk.audio for chunk in chunks) != audio:
        found.append("audio: other bytes than were recorded")
    first, last = chunks[0], chunks[-1]
    if first.format != audio_reading.speech_format(audio):
        found.append(f"format: got {first.format}")
    if not first.sample_rate_hertz:
        found.append("sample_rate_hertz: none")
    if last.usage.billed_characters != len(request.input):
        found.append(f"usage.billed_characters: got {last.usage.billed_characters}")
    if not last.HasField("gateway") or any(chunk.HasField("gateway") for chunk in chunks[:-1]):
        found.append("gateway: not on the last message alone")
    return found


def _spec_of_form(sent: Captured, *, translates: bool) -> list[str]:
    headers = {name.lower(): value for name, value in sent.headers.items()}
    form = read_form(headers.get("content-type", ""), sent.body)
    body: dict[str, Any] = {"file": "bytes"}
    for name, values in form.fields.items():
        if name in ("timestamp_granularities", "include", "keywords", "languages"):
            body[name] = values
        else:
            body[name] = float(values[0]) if name == "temperature" else values[0]
    told: list[str] = _validator("CreateTranslationRequest" if translates else "CreateTranscriptionRequest")(body)
    return told


@cache
def _validator(name: str) -> Any:
    return request_validator(_SPEC, name) or (lambda _: [])
