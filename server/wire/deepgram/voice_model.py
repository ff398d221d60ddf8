"""Which model speaks with a voice: at Deepgram a voice is a model, ``[family]-[voice]-[language]``.

https://developers.deepgram.com/docs/tts-models
"""

import re

from server.errors import InvalidArgument, UnsupportedByProvider

_NAME = re.compile(
    r"(?P<family>aura(?:-\d+)?|flux)(?:-(?P<voice>[a-z]+)(?:-(?P<language>[a-z]{2,3}(?:-[a-z0-9]+)*))?)?", re.I
)


def voice_model(model: str, voice: str, language: str) -> str:
    """Deepgram's name for ``voice``, whole or as it stands alone (``thalia``) in the family that ``model`` names.

    ``language`` is the caller's; empty takes the model's, or English. Raises HubError naming the field that is wrong.
    """
    told = _NAME.fullmatch(model)
    spoken = _NAME.fullmatch(voice)
    if spoken is not None and spoken["voice"]:
        name = voice
        of = spoken["language"] or ""
    elif told is not None and voice.isalpha():
        of = language.partition("-")[0].lower() or told["language"] or "en"
        name = f"{told['family']}-{voice.lower()}-{of}"
    elif told is None and "-" in voice:
        return voice  # a voice made for this account, whose name is its own affair
    else:
        raise InvalidArgument.field(
            "options.voice", "is no voice of Deepgram's, such as aura-2-thalia-en; ListVoices tells them"
        )
    if language and of and language.partition("-")[0].lower() != of.partition("-")[0].lower():
        raise UnsupportedByProvider.of(
            "options.language", f"the voice {name[:64]} speaks {of[:16]} alone; choose another"
        )
    return name
