"""ElevenLabs' voices: those every account has, and the list of an account's own.

https://elevenlabs.io/docs/api-reference/voices/search
"""

from collections.abc import Iterator
from dataclasses import dataclass

from server.errors import HubError, ProviderBadResponse
from server.wire import json_value as json
from server.wire.audio.voice import SpokenVoice, VoicePage
from server.wire.elevenlabs.errors import decode_error
from server.wire.http import HttpRequest, HttpResponse
from server.wire.json_value import Object
from server.wire.query import with_query

_PAGE = 100
"""The most that one page holds."""

DEFAULT_VOICES = tuple(
    SpokenVoice(voice_id, (), name)
    for name, voice_id in (
        ("Aria", "9BWtsMINqrJLrRacOk9x"), ("Roger", "CwhRBWXzGAHq8TQ4Fs17"), ("Sarah", "EXAVITQu4vr4xnSDxMaL"),
        ("Laura", "FGY2WhTYpPnrIDTdsKH5"), ("Charlie", "IKne3meq5aSn9XLyUdCD"), ("George", "JBFqnCBsd6RMkjVDRZzb"),
        ("Callum", "N2lVS1w4EtoT3dr4eOWO"), ("River", "SAz9YHcvj6GT2YYXdXww"), ("Liam", "TX3LPaxmHKxFdv7VOQHJ"),
        ("Alice", "Xb7hH8MSUJpSbSDYk0k2"), ("Matilda", "XrExE9yKIg1WjnnlVkGX"), ("Will", "bIHbv24MWmeRgasZH58o"),
        ("Jessica", "cgSgspJ2msm6clMCkdW9"), ("Eric", "cjVigY5qzO86Huf0OWal"), ("Chris", "iP95p4xoKVk53GoZ742B"),
        ("Brian", "nPczCjzI2devNBz1zQrb"), ("Daniel", "onwK4e9ZLuTAKqWW03F9"), ("Lily", "pFZP5JQG7iQjIQuC4Bku"),
    )
)  # fmt: skip
"""Voices of every account, which may be named by their names: https://elevenlabs.io/docs/eleven-creative/voices/default-voices."""


def voice_id(voice: str) -> str:
    """The id of a voice that is named by its id or, of the default voices, by its name."""
    known = {one.display_name.lower(): one.id for one in DEFAULT_VOICES}
    return known.get(voice.lower(), voice)


@dataclass(frozen=True, slots=True)
class ElevenLabsVoicesCodec:
    """See VoicesCodec."""

    def first(self) -> HttpRequest:
        """See VoicesCodec.first."""
        return _page("")

    def decode(self, response: HttpResponse) -> VoicePage:
        """See VoicesCodec.decode."""
        told = json.obj(json.parse(response.body))
        if type(told.get("voices")) is not list:
            raise ProviderBadResponse("the provider's list of voices has none")
        token = json.text(told.get("next_page_token"))
        following = _page(token) if token and told.get("has_more") is True else None
        voices = map(_voice, json.objects(told["voices"]))
        return VoicePage(tuple(voice for voice in voices if voice.id), following)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See VoicesCodec.decode_error."""
        return decode_error(response)


def _page(token: str) -> HttpRequest:
    fields = [("page_size", str(_PAGE))]
    return HttpRequest(
        with_query("/v2/voices", [*fields, ("next_page_token", token)] if token else fields), method="GET"
    )


def _voice(told: Object) -> SpokenVoice:
    return SpokenVoice(
        json.text(told.get("voice_id")), tuple(dict.fromkeys(_languages(told))), json.text(told.get("name"))
    )


def _languages(told: Object) -> Iterator[str]:
    """Those it was verified to speak, else the one of its label."""
    for one in json.objects(told.get("verified_languages")):
        if language := json.text(one.get("locale")) or json.text(one.get("language")):
            yield language
    if language := json.text(json.obj(told.get("labels")).get("language")):
        yield language
