"""The formats' names of fields, and their hosts', as they tell them of a request that they refuse."""

from types import MappingProxyType

from server.wire.field_names import Names

SPOKEN: Names = MappingProxyType({
    "text": "input",
    "voice": "options.voice",
    "voice_id": "options.voice",
    "response_format": "options.format",
    "response_encoding": "options.format",
    "output_format.codec": "options.format",
    "output_format.sample_rate": "options.sample_rate_hertz",
    "sample_rate": "options.sample_rate_hertz",
    **{name: f"options.{name}" for name in ("speed", "instructions", "language")},
})  # fmt: skip

HEARD: Names = MappingProxyType({
    # The recording is ``audio`` and what is asked of it ``options`` here; the caller's method may name them otherwise.
    "file": "audio",
    "file_url": "audio",
    "url": "audio",
    "language": "options.languages",
    "languages": "options.languages",
    "prompt": "options.prompt",
    "keywords": "options.keywords",
    "keyterm": "options.keywords",
    "context_bias": "options.keywords",
    "temperature": "options.temperature",
    "response_format": "options.format",
    "timestamp_granularities": "options",
    "include": "options.logprobs",
    **dict.fromkeys(("diarize", "chunking_strategy", "known_speaker_names", "known_speaker_references", "min_speakers",
                     "max_speakers"), "options.diarization"),
})  # fmt: skip

_INPUT = "session.audio.input"

HEARD_LIVE: Names = MappingProxyType({
    f"{_INPUT}.transcription.model": "config.model",
    f"{_INPUT}.transcription.language": "config.options.languages",
    f"{_INPUT}.transcription.prompt": "config.options.prompt",
    f"{_INPUT}.transcription.keywords": "config.options.keywords",
    f"{_INPUT}.transcription": "config.options",
    f"{_INPUT}.turn_detection.threshold": "config.voice_activity.threshold",
    f"{_INPUT}.turn_detection.prefix_padding_ms": "config.voice_activity.prefix_padding",
    f"{_INPUT}.turn_detection.silence_duration_ms": "config.voice_activity.silence_duration",
    f"{_INPUT}.turn_detection": "config.voice_activity",
    f"{_INPUT}.format": "config.input",
    "audio": "audio",
})  # fmt: skip
