"""Spoken answers: samples without a header, which the hub puts into WAV where that is asked for.

https://ai.google.dev/gemini-api/docs/speech-generation: 16 bits, one channel, lowest byte first, and a rate that the
media type tells, as in audio/L16;codec=pcm;rate=24000.
"""

import re
from typing import Any

from server.wire import wav

USUAL_RATE = 24_000
_RATE = re.compile(r"rate=(\d{4,6})")
_RAW = re.compile(r"audio/(l16|pcm|raw)", re.IGNORECASE)
_TAKES_DIRECTION = re.compile(r"gemini-([12]\.|3-|3\.[0-7]-)")
"""Models of speech that are told in the text itself how to say it."""


def is_raw(mime_type: str) -> bool:
    """Whether these are samples without a header."""
    return _RAW.match(mime_type) is not None


def rate_of(mime_type: str) -> int:
    """Samples a second."""
    found = _RATE.search(mime_type)
    return int(found[1]) if found else USUAL_RATE


def wav_header(mime_type: str, size: int | None) -> bytes:
    """What goes before ``size`` bytes of samples, None where it is not known yet; nothing where they have a header."""
    return wav.write_header(rate_of(mime_type), 1, size) if is_raw(mime_type) else b""


def samples(data: bytes, mime_type: str) -> bytes:
    """Those of a whole answer, without the header that newer models put before them."""
    if is_raw(mime_type):
        return data
    try:
        header = wav.read_header(data)
    except ValueError:
        return data
    return data[header.data_at :] if header is not None else data


def reads_verbatim(model: str) -> bool:
    """Whether it is a model of speech that says every word of its text, and is told beside it how to say it.

    https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/text-to-speech/migration-guide
    """
    return "tts" in model and not _TAKES_DIRECTION.match(model)


def speech_config(voice: str, model: str) -> dict[str, Any]:
    """The voice as ``speechConfig``: newer models of speech take more voices than those that are built in."""
    chosen = {"voice": voice} if reads_verbatim(model) else {"prebuiltVoiceConfig": {"voiceName": voice}}
    return {"voiceConfig": chosen}
