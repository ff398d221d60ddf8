"""The README's provider table, made of the code that serves the providers: ``python -m tools.readme`` rewrites it.

What a kind serves is found out by asking its codecs, so that the table cannot say what they refuse.
"""

from collections.abc import Iterator
from pathlib import Path

from aignehub.v1.audio_pb2 import AudioFormat, SpeechOptions
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest
from aignehub.v1.image_service_pb2 import EditImagesRequest
from aignehub.v1.media_pb2 import Media

from server.errors import HubError, UnsupportedByProvider
from server.providers.kind import ProviderKind
from server.providers.registry import PROVIDERS
from server.wire.codec import ImageCodec, SpeechCodec, TranscriptionCodec
from server.wire.recording import Dictation, Recording

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- providers: make readme -->\n", "<!-- /providers -->\n"
_HEAD = "| kind | switched on by | address | serves | notes |\n|---|---|---|---|---|\n"
_MODEL = "any-model"
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000"
    "01f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
_WAV = bytes.fromhex("524946462600000057415645666d74201000000001000100401f0000803e000002001000646174610200000000 00")
_SOUNDS = {
    AudioFormat.AUDIO_FORMAT_MP3: "mp3",
    AudioFormat.AUDIO_FORMAT_OPUS: "opus",
    AudioFormat.AUDIO_FORMAT_AAC: "aac",
    AudioFormat.AUDIO_FORMAT_FLAC: "flac",
    AudioFormat.AUDIO_FORMAT_WAV: "wav",
    AudioFormat.AUDIO_FORMAT_PCM_S16LE: "pcm",
    AudioFormat.AUDIO_FORMAT_MULAW: "mulaw",
    AudioFormat.AUDIO_FORMAT_ALAW: "alaw",
}


def provider_table() -> str:
    """The table as the code has it, a row a kind."""
    return _HEAD + "".join(_row(kind) for kind in PROVIDERS.values())


def in_readme(text: str) -> str:
    """``text`` with the table between its marks. Raises ValueError where the marks are not there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README has no {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + provider_table() + END + after


def _row(kind: ProviderKind) -> str:
    address = f"`{kind.base_url}`" if kind.base_url else "yours"
    cells = (f"`{kind.name}`", _switch(kind), address, ", ".join(_served(kind)), "; ".join(_notes(kind)))
    return f"| {' | '.join(cells)} |\n"


def _switch(kind: ProviderKind) -> str:
    if kind.switched_on:
        return kind.switched_on
    keys = ", ".join(f"`{name}`" for name in kind.key_env)
    if not keys:
        return "an entry under `providers`"
    if not kind.base_url:
        return f"{keys} with `{kind.base_url_env}`"
    return keys if kind.needs_key else f"{keys} or `{kind.base_url_env}`"


def _served(kind: ProviderKind) -> Iterator[str]:
    if kind.chat:
        yield "chat"
    if kind.count:
        yield "token counts"
    if kind.embeddings:
        yield "embeddings"
    if kind.image_backend:
        yield "images"
    if kind.images:
        yield "images" if _edits(kind.images({})) else "images without edits"
    if kind.speech:
        yield f"speech ({' '.join(_formats(kind.speech({})))})"
    if kind.transcription:
        yield "transcription, translation" if _translates(kind.transcription({})) else "transcription"
        yield "live" if kind.live else "live by utterance"
    if kind.model_list:
        yield "model list"


def _notes(kind: ProviderKind) -> Iterator[str]:
    if kind.notes:
        yield kind.notes
    if kind.aliases:
        yield f"also known as {', '.join(f'`{name}`' for name in kind.aliases)}"
    if kind.options:
        yield f"option{'s' * (len(kind.options) > 1)} {', '.join(f'`{name}`' for name in sorted(kind.options))}"
    if not kind.needs_key:
        yield "no key needed"


def _formats(codec: SpeechCodec) -> Iterator[str]:
    for number, word in _SOUNDS.items():
        request = CreateSpeechRequest(input="a", options=SpeechOptions(voice="any", format=number))
        try:
            codec.encode(request, _MODEL)
        except UnsupportedByProvider:
            continue
        except HubError:
            pass  # something else than the format is at fault
        yield word


def _edits(codec: ImageCodec) -> bool:
    request = EditImagesRequest(prompt="a", images=[Media(data=_PIXEL, mime_type="image/png")])
    try:
        codec.encode(request, _MODEL, stream=False)
    except UnsupportedByProvider:
        return False
    return True


def _translates(codec: TranscriptionCodec) -> bool:
    recording = Recording((_WAV,), mime_type="audio/wav", filename="a.wav")
    try:
        codec.encode(Dictation(recording, translate=True), _MODEL)
    except UnsupportedByProvider:
        return False
    return True


if __name__ == "__main__":
    README.write_text(in_readme(README.read_text(encoding="utf-8")), encoding="utf-8")
