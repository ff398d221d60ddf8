"""Voices: those that every model of speech has, and the list of a library's and the account's own.

https://ai.google.dev/gemini-api/docs/speech-generation#voices
"""

from dataclasses import dataclass

from server.errors import HubError, ProviderBadResponse
from server.wire import json_value as json
from server.wire.audio.voice import SpokenVoice, VoicePage
from server.wire.gemini import errors
from server.wire.http import HttpRequest, HttpResponse
from server.wire.json_value import Object
from server.wire.query import with_query

_PAGE = 1000
"""The most that one page holds."""
_PATH = "/v1beta/voices"

PREBUILT = tuple(
    map(
        SpokenVoice,
        (
            *("Zephyr", "Puck", "Charon", "Kore", "Fenrir", "Leda", "Orus", "Aoede", "Callirrhoe", "Autonoe"),
            *("Enceladus", "Iapetus", "Umbriel", "Algieba", "Despina", "Erinome", "Algenib", "Rasalgethi"),
            *("Laomedeia", "Achernar", "Alnilam", "Schedar", "Gacrux", "Pulcherrima", "Achird", "Zubenelgenubi"),
            *("Vindemiatrix", "Sadachbia", "Sadaltager", "Sulafat"),
        ),
    )
)
"""They speak every language that their model does."""
_KNOWN = frozenset(voice.id for voice in PREBUILT)


@dataclass(frozen=True, slots=True)
class GeminiVoicesCodec:
    """See VoicesCodec."""

    def first(self) -> HttpRequest:
        """See VoicesCodec.first."""
        return _page("")

    def decode(self, response: HttpResponse) -> VoicePage:
        """See VoicesCodec.decode. Every page begins with the voices that there always are."""
        told = json.obj(json.parse(response.body))
        if (error := errors.error_in(told, response.headers)) is not None:
            raise error
        if type(told.get("voices", [])) is not list:
            raise ProviderBadResponse("the provider's list of voices has none")
        token = json.text(told.get("next_page_token")) or json.text(told.get("nextPageToken"))
        listed = (_voice(one) for one in json.objects(told.get("voices")))
        more = (voice for voice in listed if voice.id and voice.id not in _KNOWN)
        return VoicePage((*PREBUILT, *more), _page(token) if token else None)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See VoicesCodec.decode_error."""
        return errors.read_error(response)


def _page(token: str) -> HttpRequest:
    fields = [("page_size", str(_PAGE))]
    return HttpRequest(with_query(_PATH, [*fields, ("page_token", token)] if token else fields), method="GET")


def _voice(told: Object) -> SpokenVoice:
    language = json.text(told.get("language_code"))
    return SpokenVoice(json.text(told.get("id")), (language,) if language else (), json.text(told.get("display_name")))
