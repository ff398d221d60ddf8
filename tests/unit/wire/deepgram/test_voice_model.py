"""A voice of Deepgram's is a model: how the two become one name."""

import pytest

from server.errors import HubError
from server.wire.deepgram.voice_model import voice_model


@pytest.mark.parametrize(
    ("model", "voice", "language", "name"),
    [
        ("aura-2", "thalia", "", "aura-2-thalia-en"),
        ("aura-2", "Celeste", "es-MX", "aura-2-celeste-es"),
        ("aura-2-thalia-en", "zeus", "", "aura-2-zeus-en"),
        ("aura-2-celeste-es", "nestor", "", "aura-2-nestor-es"),
        ("aura", "luna", "", "aura-luna-en"),
        ("aura", "aura-2-thalia-en", "en-GB", "aura-2-thalia-en"),
        ("anything", "aura-2-thalia-en", "", "aura-2-thalia-en"),
        ("custom", "our-own-voice", "de", "our-own-voice"),
        ("flux", "alexis", "", "flux-alexis-en"),
    ],
)
def test_names(model: str, voice: str, language: str, name: str) -> None:
    assert voice_model(model, voice, language) == name


@pytest.mark.parametrize(
    ("model", "voice", "language", "field"),
    [
        ("aura-2", "aura-2", "", "options.voice"), ("aura-2", "x y", "", "options.voice"),
        ("custom", "thalia", "", "options.voice"), ("aura-2", "a-b", "", "options.voice"),
        ("aura-2", "aura-2-thalia-en", "fr", "options.language"),
    ],
)  # fmt: skip
def test_what_is_none(model: str, voice: str, language: str, field: str) -> None:
    with pytest.raises(HubError) as raised:
        voice_model(model, voice, language)
    assert raised.value.fields[0].field == field
