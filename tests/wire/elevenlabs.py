"""ElevenLabs' ``audio.transcription`` and ``audio.speech``. The recorders kept no requests, so answers are compared.

https://elevenlabs.io/docs/api-reference
"""

import orjson
from aignehub.v1 import audio_pb2, media_pb2
from aignehub.v1 import audio_service_pb2 as pb

from tests.wire import audio_reading
from tests.wire.audio_call import SOUND, speech_differences, spoken, transcribed
from tests.wire.audio_reading import Heard
from tests.wire.bench import Bench, Outcome
from tests.wire.failures import failure_of
from tests.wire.hub import Instance
from tests.wire.recording import Recording


class _ElevenLabs:
    def serves(self, _: Recording) -> bool:
        """All of them."""
        return True

    def kind(self, _: Recording) -> str:
        """The one kind."""
        return "elevenlabs"

    def instance(self, _: Recording, name: str, root: str) -> Instance:
        """A provider below ``root``."""
        return Instance(name, "elevenlabs", root)


class ElevenLabsHearing(_ElevenLabs):
    """Recordings."""

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """Silence, and everything asked for that is told of it."""
        options = audio_pb2.TranscriptionOptions(word_timestamps=True, diarization=audio_pb2.DiarizationOptions())
        request = pb.CreateTranscriptionRequest(
            model=f"{name}/scribe_v1", audio=media_pb2.Media(data=SOUND), options=options
        )
        got = await transcribed(bench, request)
        outcome = Outcome(recording)
        outcome.decode = audio_reading.differences(read(recording), got)
        return outcome


class ElevenLabsSpeech(_ElevenLabs):
    """Text to speech."""

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """Every byte of the answer counts."""
        request = pb.CreateSpeechRequest(
            model=f"{name}/eleven_multilingual_v2", input="Hello", options=audio_pb2.SpeechOptions(voice="VOICE")
        )
        chunks, failed = await spoken(bench, request)
        outcome = Outcome(recording)
        outcome.decode = speech_differences(recording, chunks, failed, audio_pb2.AUDIO_FORMAT_MP3, len("Hello"))
        return outcome


def read(recording: Recording) -> Heard:
    """What the recorded answer says; spaces are entries of their own, and no words."""
    if recording.status >= 300:
        return Heard(failure=failure_of(recording.status, recording.response_body))
    told = orjson.loads(recording.response_body)
    words = [
        (one["text"], *(round(one[name] * 1_000_000) // 1000 for name in ("start", "end")), one.get("speaker_id", ""))
        for one in told["words"]
        if one["type"] != "spacing"
    ]
    heard = Heard(told["text"], told["language_code"], words=words)
    if "audio_duration_secs" in told:
        heard.milliseconds = round(told["audio_duration_secs"] * 1000)
        heard.usage = (0, 0, 0, heard.milliseconds, 0)
    return heard
