"""Images out of an answer: those of ``candidates``, or the ``predictions`` of Imagen."""

from aignehub.v1 import chat_pb2
from aignehub.v1.usage_pb2 import Usage

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire.gemini import errors
from server.wire.gemini.decode import blocked, model_name, moment
from server.wire.gemini.host import Host
from server.wire.gemini.usage import read_usage
from server.wire.gemini.words import FINISH_REASONS, finish_word
from server.wire.http import HttpResponse
from server.wire.images.answer import address
from server.wire.json_value import Object
from server.wire.pictures import Drawn, Picture
from server.wire.provider_errors import tell

_NONE = "the provider's answer holds no image"


def decode(host: Host, response: HttpResponse) -> Drawn:
    """See ImageCodec.decode."""
    answer = json.parse(response.body)
    if type(answer) is list and answer:
        # Google's servers wrap an error in an array.
        answer = answer[0]
    if type(answer) is not dict:
        raise ProviderBadResponse("the provider's answer is no JSON object")
    if (error := errors.error_in(answer, response.headers)) is not None:
        raise error
    return _predicted(answer) if "predictions" in answer else _generated(host, answer)


def _predicted(answer: Object) -> Drawn:
    pictures = [_prediction(one, index) for index, one in enumerate(json.objects(answer.get("predictions")))]
    if not any(picture.data or picture.url or picture.filtered for picture in pictures):
        raise ProviderBadResponse(_NONE)
    # What was filtered is not charged: https://cloud.google.com/vertex-ai/generative-ai/docs/image/responsible-ai-imagen
    drawn = sum(not picture.filtered for picture in pictures)
    return Drawn(pictures, Usage(billed_images=drawn))


def _prediction(told: Object, index: int) -> Picture:
    picture = Picture(
        index,
        data=json.base64_bytes(json.text(told.get("bytesBase64Encoded"))),
        url=address(told.get("gcsUri")),
        mime_type=json.text(told.get("mimeType")),
        revised_prompt=json.text(told.get("prompt")),
    )
    picture.identify()
    if not picture.data and (reason := json.text(told.get("raiFilteredReason"))):
        picture.filtered, picture.filter_reason = True, tell(reason)
    return picture


def _generated(host: Host, answer: Object) -> Drawn:
    candidates = json.objects(answer.get("candidates"))
    if not candidates and (error := blocked(answer)) is not None:
        raise error
    pictures: list[Picture] = []
    words: list[str] = []
    for told in candidates:
        _read_candidate(host, told, pictures, words)
    if not pictures:
        said = tell(" ".join(words))
        raise ProviderBadResponse(f"the model answered with words instead of an image: {said}" if said else _NONE)
    drawn = sum(not picture.filtered for picture in pictures)
    usage = read_usage(json.obj(answer.get("usageMetadata")), lambda: 0) or Usage(billed_images=drawn)
    created = moment(answer.get("createTime"))
    return Drawn(pictures, usage, model_name(answer), created.seconds if created else 0)


def _read_candidate(host: Host, told: Object, pictures: list[Picture], words: list[str]) -> None:
    found = len(pictures)
    for part in json.objects(json.obj(told.get("content")).get("parts")):
        if part.get("thought") is True:
            continue  # a sketch on the way to the image
        inline = json.obj(part.get("inlineData"))
        if data := json.base64_bytes(json.text(inline.get("data"))):
            picture = Picture(len(pictures), data=data, mime_type=json.text(inline.get("mimeType")))
            picture.identify()
            pictures.append(picture)
        elif text := json.text(part.get("text")):
            words.append(text)
    word = finish_word(told.get("finishReason"), host.finish_numbers)
    filtered = FINISH_REASONS.get(word.lower()) == chat_pb2.FINISH_REASON_CONTENT_FILTER
    if filtered and len(pictures) == found:
        said = tell(json.text(told.get("finishMessage")))
        pictures.append(Picture(len(pictures), filtered=True, filter_reason=f"{word}: {said}" if said else word))
