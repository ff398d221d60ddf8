"""A transcription request: a form with a file in it, checked and made typed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from server.sandbox.refusal import Refusal

_LARGEST = 25 * 1024 * 1024 + 128  # OpenAI's bound, and the header the hub may put before it
_LONGEST_FIELD = 1024 * 1024
_FORMATS = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
_GRANULARITIES = ("word", "segment")


@dataclass(slots=True)
class HearingRequest:
    """What hear reads."""

    model: str = ""
    data: bytes = b""
    filename: str = ""
    form: str = "json"
    language: str = ""
    granularities: list[str] = field(default_factory=list)
    speakers: bool = False
    logprobs: bool = False
    stream: bool = False


async def read_request(http: web.Request) -> HearingRequest:
    """The request; raises Refusal (400) naming the field that is wrong."""
    if not http.content_type.startswith("multipart/"):
        raise Refusal("Expected a body of multipart/form-data.", param=None)
    request = HearingRequest()
    seen = False
    reader = await http.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise Refusal("A form within the form is not read.")
        if part.name == "file":
            seen = True
            request.filename = part.filename or ""
            request.data = await _read(part, _LARGEST, "file")
        else:
            _take(
                request,
                part.name or "",
                (await _read(part, _LONGEST_FIELD, part.name or "")).decode("utf-8", "replace"),
            )
    if not seen or not request.data:
        raise Refusal("Missing required parameter: 'file' must hold audio.", param="file")
    if not request.model:
        raise Refusal("Missing required parameter: 'model' must be a string that is not empty.", param="model")
    return request


async def _read(part: BodyPartReader, most: int, name: str) -> bytes:
    data = bytearray()
    while piece := await part.read_chunk(64 * 1024):
        data += piece
        if len(data) > most:
            raise Refusal(f"'{name[:40]}' is over {most} bytes.", param=name[:40], status=413)
    return bytes(data)


def _take(request: HearingRequest, name: str, value: str) -> None:
    match name.removesuffix("[]"):
        case "model":
            request.model = value
        case "response_format":
            request.form = _one_of(_FORMATS, name, value)
        case "language":
            request.language = value
        case "timestamp_granularities":
            request.granularities.append(_one_of(_GRANULARITIES, name, value))
        case "diarize":
            request.speakers = value == "true"
        case "include":
            request.logprobs = request.logprobs or value == "logprobs"
        case "stream":
            request.stream = value == "true"
        case "temperature":
            _check_temperature(value)
        case _:
            return


def _one_of(allowed: Sequence[str], name: str, value: str) -> str:
    if value not in allowed:
        raise Refusal(f"Invalid value for '{name}'. Supported values are: {', '.join(allowed)}.", param=name)
    return value


def _check_temperature(value: str) -> None:
    try:
        fits = 0 <= float(value) <= 1
    except ValueError:
        fits = False
    if not fits:
        raise Refusal("Invalid 'temperature': expected a number from 0 to 1.", param="temperature")
