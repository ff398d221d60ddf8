"""Spoken answers: samples without a header, which the hub puts into WAV where that is asked for.

https://ai.google.dev/gemini-api/docs/speech-generation: 16 bits, one channel, lowest byte first, and a rate that the
media type tells, as in audio/L16;codec=pcm;rate=24000.
"""

import re

from server.wire import wav

USUAL_RATE = 24_000
_RATE = re.compile(r"rate=(\d{4,6})")
_RAW = re.compile(r"audio/(l16|pcm|raw)", re.IGNORECASE)


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
