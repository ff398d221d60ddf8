"""Options of speech and transcription made at random, within the contract's own rules."""

from random import Random

from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest, StreamTranscriptionConfig

from server.wire import wav
from server.wire.recording import Dictation, Recording

_TEXTS = ("x", "Grüße, 你好 & more=1", 'line\n"two"', "word " * 20)
_LANGUAGES = ("en", "de-CH", "ja", "pt-BR", "eng")
_VOICES = ("thalia", "aura-2-thalia-en", "JBFqnCBsd6RMkjVDRZzb", "George", "our-own-voice")
_RATES = (0, 8000, 16000, 22050, 24000, 44100, 48000)
SOUND = wav.write_header(16000, 1, 3200) + bytes(3200)


def transcription_options(chance: Random) -> audio_pb2.TranscriptionOptions:
    """Every field now and then."""
    made = audio_pb2.TranscriptionOptions(
        languages=chance.sample(_LANGUAGES, chance.choice((0, 0, 1, 1, 2))),
        prompt=_seldom(chance, chance.choice(_TEXTS), ""),
        keywords=chance.sample(_TEXTS, chance.choice((0, 0, 1, 3))),
        word_timestamps=chance.random() < 0.3,
        segment_timestamps=chance.random() < 0.3,
        logprobs=chance.random() < 0.1,
        format=chance.choice(audio_pb2.TranscriptFormat.values()),
    )
    if chance.random() < 0.3:
        made.temperature = chance.random()
    if chance.random() < 0.3:
        made.diarization.min_speakers = chance.choice((0, 2))
        made.diarization.max_speakers = chance.choice((0, 2, 50))
        if chance.random() < 0.2:
            made.diarization.known_speakers.add(name="A", reference=SOUND)
    return made


def dictation(chance: Random) -> Dictation:
    """A recording, by its bytes or by its URL, and what is asked of it."""
    by_url = chance.random() < 0.3
    recording = Recording(
        pieces=() if by_url else (SOUND[:44], SOUND[44:]),
        url="https://example.com/a.wav?x=1&y=%20" if by_url else "",
        mime_type="audio/wav",
        filename=chance.choice(("", 'a"b.wav', "talk.mp3")),
    )
    return Dictation(recording, options=transcription_options(chance), translate=chance.random() < 0.05)


def live_config(chance: Random) -> StreamTranscriptionConfig:
    """A live transcription."""
    made = StreamTranscriptionConfig(options=transcription_options(chance), interim_results=chance.random() < 0.5)
    made.input.format = audio_pb2.AUDIO_FORMAT_PCM_S16LE
    made.input.sample_rate_hertz = chance.choice(_RATES[1:])
    activity = made.voice_activity
    activity.disabled = chance.random() < 0.3
    if chance.random() < 0.3:
        activity.threshold = chance.random()
    if chance.random() < 0.3:
        activity.silence_duration.FromMilliseconds(chance.choice((0, 100, 700, 5000)))
    if chance.random() < 0.2:
        activity.prefix_padding.FromMilliseconds(300)
    return made


def speech(chance: Random) -> CreateSpeechRequest:
    """A text and how it is to be said."""
    made = CreateSpeechRequest(
        input=chance.choice(_TEXTS),
        options=audio_pb2.SpeechOptions(
            voice=chance.choice(_VOICES),
            format=chance.choice(audio_pb2.AudioFormat.values()),
            sample_rate_hertz=chance.choice(_RATES),
            instructions=_seldom(chance, "softly", ""),
            language=_seldom(chance, chance.choice(_LANGUAGES), ""),
            ssml=chance.random() < 0.05,
        ),
    )
    if chance.random() < 0.3:
        made.options.speed = chance.uniform(0.25, 4)
    return made


def _seldom(chance: Random, value: str, otherwise: str) -> str:
    return value if chance.random() < 0.3 else otherwise
