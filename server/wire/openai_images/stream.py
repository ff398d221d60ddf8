"""Streamed images: OpenAI's events image_generation.* and image_edit.*, which OpenRouter sends as well."""

from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, ProviderBadResponse, ProviderUnavailable
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.images.usage import add, read_usage, unfinished
from server.wire.json_value import Object
from server.wire.openai_images.answer import picture_of
from server.wire.openai_images.names import NAMES
from server.wire.pictures import ImageRequest, Picture
from server.wire.sse import Event, SseParser

_DONE = b"[DONE]"


class ImageStreamReader:
    """See ImageStreamDecoder. An error that comes in one read with images is raised at the next call."""

    def __init__(self, request: ImageRequest) -> None:
        self._prompt = request.prompt
        self._wanted = request.options.n or 1
        self._events = SseParser()
        self._whole = 0
        self._usage = Usage()
        self._failure: HubError | None = None
        self.done = False
        self.model = ""

    def feed(self, data: bytes) -> list[Picture]:
        """Previews and images that this read completed, in order."""
        return self._read(self._events.feed(data))

    def finish(self) -> list[Picture]:
        """Called when the body ended before ``done``. Raises ProviderUnavailable where no image was whole by then."""
        rest = self._events.rest()
        pictures = self._read([rest] if rest else [])
        # Providers may draw fewer images than asked for; none at all is a stream that was cut.
        if not self.done and not self._whole:
            raise ProviderUnavailable("the provider ended its stream before an image was whole")
        self.done = True
        return pictures

    def usage(self) -> Usage:
        """Usage so far, never zero."""
        return self._usage if self._whole else unfinished(self._prompt)

    def _read(self, events: list[Event]) -> list[Picture]:
        if self._failure is not None:
            raise self._failure
        pictures: list[Picture] = []
        for name, payload in events:
            if self.done:
                break
            if payload == _DONE:
                self.done = self._whole > 0
                continue
            try:
                picture = self._picture(name, payload)
            except HubError as error:
                if not pictures:
                    raise
                self._failure = error  # what came before it is whole and paid for
                break
            if picture is not None:
                pictures.append(picture)
        return pictures

    def _picture(self, name: str, payload: bytes) -> Picture | None:
        event = json.parse(payload)
        if type(event) is not dict:
            raise ProviderBadResponse("the provider sent an event that is no JSON object")
        self._raise_told(name, event)
        self.model = self.model or json.text(event.get("model"))
        kind = json.text(event.get("type")) or name
        if kind.endswith(".partial_image"):
            picture = picture_of(event, event, self._index(event))
            picture.partial = json.count(event.get("partial_image_index"))
            return picture if picture.data or picture.url else None
        if not kind.endswith(".completed"):
            return None
        picture = picture_of(event, event, self._index(event))
        if not (picture.data or picture.url or picture.filtered):
            raise ProviderBadResponse("the provider said that an image is whole, and sent none")
        self._whole += 1
        add(self._usage, read_usage(json.obj(event.get("usage")), 1))
        self.done = self._whole >= self._wanted
        return picture

    def _index(self, event: Object) -> int:
        """Which image: as told, else the next that is not whole; OpenAI's events do not say."""
        told = json.index(event.get("image_index"))
        return self._whole if told is None else told

    def _raise_told(self, name: str, event: Object) -> None:
        if (name == "error" or event.get("type") == "error") and not json.says_something(event.get("error")):
            event = {"error": {key: value for key, value in event.items() if key != "type"}}
        if (error := provider_errors.error_in(event, names=NAMES)) is not None:
            raise error
