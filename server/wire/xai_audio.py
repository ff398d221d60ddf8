"""xAI's own speech endpoints: /v1/tts and /v1/stt.

https://docs.x.ai/developers/rest-api-reference/inference/text-to-speech and …/speech-to-text. Neither names a model.
"""

from collections.abc import Iterator
from typing import Any

from aignehub.v1.audio_service_pb2 import CreateSpeechRequest

from server.errors import UnsupportedByProvider
from server.wire.drops import Drops
from server.wire.openai_audio.speech import SpeechDialect, takes
from server.wire.recording import Dictation

_MAX_KEY_TERMS = 100


def speech_body(dialect: SpeechDialect, request: CreateSpeechRequest, _model: str, drops: Drops) -> dict[str, Any]:
    """``language`` must be there; ``auto`` leaves it to the text."""
    options = request.options
    body: dict[str, Any] = {"text": request.input, "voice_id": options.voice, "language": options.language or "auto"}
    output: dict[str, Any] = {}
    if options.format:
        output["codec"] = dialect.formats[options.format]
    if options.sample_rate_hertz:
        output["sample_rate"] = options.sample_rate_hertz
    if output:
        body["output_format"] = output
    if takes(dialect, "speed", options.HasField("speed"), drops):
        body["speed"] = options.speed
    takes(dialect, "instructions", bool(options.instructions), drops)
    return body


def transcription_fields(dictation: Dictation, drops: Drops) -> Iterator[tuple[str, str]]:
    """Fields of the form; words with their times come unasked, and segments are made of them."""
    options, path = dictation.options, dictation.options_field
    _refuse(dictation)
    if options.languages:
        yield "language", options.languages[0]
    if options.HasField("diarization"):
        yield "diarize", "true"
        for bound in ("min_speakers", "max_speakers"):
            if getattr(options.diarization, bound):
                drops.drop(f"{path}.diarization.{bound}", "xai counts the speakers itself")
    for term in options.keywords[:_MAX_KEY_TERMS]:
        yield "keyterm", term
    if len(options.keywords) > _MAX_KEY_TERMS:
        drops.drop(f"{path}.keywords", f"xai takes {_MAX_KEY_TERMS} of them")
    for name, is_set in (("prompt", bool(options.prompt)), ("temperature", options.HasField("temperature"))):
        if is_set:
            drops.drop(f"{path}.{name}", "xai has no such parameter")


def _refuse(dictation: Dictation) -> None:
    """What cannot be asked for at all."""
    options, path = dictation.options, dictation.options_field
    if len(options.languages) > 1:
        raise UnsupportedByProvider.of(f"{path}.languages", "xai takes one language; name the likeliest")
    if options.logprobs:
        raise UnsupportedByProvider.of(f"{path}.logprobs", "xai tells no log probabilities; leave it unset")
    if options.diarization.known_speakers:
        raise UnsupportedByProvider.of(f"{path}.diarization.known_speakers", "xai knows no voices; leave it empty")
