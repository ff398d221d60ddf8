"""The voices Deepgram lists: https://developers.deepgram.com/reference/manage/models/list."""

from dataclasses import dataclass

from server.errors import HubError, ProviderBadResponse
from server.wire import json_value as json
from server.wire.audio.voice import SpokenVoice, VoicePage
from server.wire.deepgram.errors import decode_error
from server.wire.http import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class DeepgramVoicesCodec:
    """See VoicesCodec. Everything is on one page."""

    def first(self) -> HttpRequest:
        """See VoicesCodec.first."""
        return HttpRequest("/v1/models", method="GET")

    def decode(self, response: HttpResponse) -> VoicePage:
        """See VoicesCodec.decode."""
        told = json.obj(json.parse(response.body)).get("tts")
        if type(told) is not list:
            raise ProviderBadResponse("the provider's list of models has no voices")
        voices = (
            SpokenVoice(
                json.text(one.get("canonical_name")),
                tuple(filter(None, map(json.text, json.items(one.get("languages"))))),
                json.text(json.obj(one.get("metadata")).get("display_name")) or json.text(one.get("name")),
                json.text(one.get("architecture")),
            )
            for one in json.objects(told)
        )
        return VoicePage(tuple(voice for voice in voices if voice.id))

    def decode_error(self, response: HttpResponse) -> HubError:
        """See VoicesCodec.decode_error."""
        return decode_error(response)
