"""What a caller asks of a transcript as fields of a query, for recordings and live speech alike."""

import re
from collections.abc import Iterator

from aignehub.v1.audio_pb2 import TranscriptionOptions

from server.errors import UnsupportedByProvider
from server.wire.drops import Drops
from server.wire.extra_body import extra_fields

NAME = "deepgram"
_KEY_TERMS = re.compile(r"nova-3|flux")
"""Models that take keyterm; the older ones take keywords: https://developers.deepgram.com/docs/keyterm."""
_OWNED = frozenset({
    "model", "language", "detect_language", "diarize", "diarize_model", "utterances", "keyterm", "keywords", "callback",
    "callback_method", "encoding", "sample_rate", "channels", "interim_results", "endpointing", "utterance_end_ms",
    "vad_events",
})  # fmt: skip
"""Set by fields of the contract, or, as callback, such that no transcript would come back."""


def common_fields(options: TranscriptionOptions, path: str, model: str, drops: Drops) -> Iterator[tuple[str, str]]:
    """Fields of both ways to transcribe but the language. ``path`` is that of ``options``. Raises HubError."""
    if options.logprobs:
        raise UnsupportedByProvider.of(f"{path}.logprobs", f"{NAME} tells no log probabilities; leave it unset")
    yield "model", model
    keyword = "keyterm" if _KEY_TERMS.match(model) else "keywords"
    yield from ((keyword, word) for word in options.keywords)
    if options.HasField("diarization"):
        yield from _speakers(options, f"{path}.diarization", drops)
    for name, is_set in (("prompt", bool(options.prompt)), ("temperature", options.HasField("temperature"))):
        if is_set:
            drops.drop(f"{path}.{name}", f"{NAME} has no such parameter")


def extra_query(text: str) -> list[tuple[str, str]]:
    """The caller's own fields, and smart_format where they do not say: text as people write it, as elsewhere."""
    fields = extra_fields(text, _OWNED) if text else []
    known = {name for name, _ in fields}
    return fields if "smart_format" in known else [("smart_format", "true"), *fields]


def _speakers(options: TranscriptionOptions, path: str, drops: Drops) -> Iterator[tuple[str, str]]:
    told = options.diarization
    if told.known_speakers:
        raise UnsupportedByProvider.of(f"{path}.known_speakers", f"{NAME} knows no voices; leave it empty")
    for bound in ("min_speakers", "max_speakers"):
        if getattr(told, bound):
            drops.drop(f"{path}.{bound}", f"{NAME} counts the speakers itself")
    # diarize=true is deprecated: https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded
    yield "diarize_model", "latest"
