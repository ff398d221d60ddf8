"""speak: a melody made of the text, in every encoding that can be written by hand."""

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from aiohttp import web

from server.sandbox import tokens
from server.sandbox.audio import flac, melody
from server.sandbox.fields import Fields
from server.sandbox.refusal import Refusal
from server.wire import g711, wav
from server.wire.pcm import bytes_of

_RATE = 24000
_RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
_LONGEST = 4096  # characters: OpenAI's bound of input
_PIECE = 16 * 1024
VOICES = ("flute", "horn")
_TYPES = {
    "wav": "audio/wav", "pcm": "audio/pcm", "flac": "audio/flac", "mulaw": "audio/basic", "alaw": "audio/x-alaw-basic",
}  # fmt: skip
_UNMADE = ("mp3", "opus", "aac")


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """What speak reads."""

    model: str
    text: str
    voice: str
    format: str
    rate: int
    speed: float
    events: bool


def read_request(raw: bytes) -> SpeechRequest:
    """The request in ``raw``; raises Refusal (400) naming the field that is wrong."""
    try:
        body = Fields(orjson.loads(raw))
    except orjson.JSONDecodeError:
        raise Refusal("We could not parse the JSON body of your request: it must be a JSON object.") from None
    text = body.needed_text("input")
    if len(text) > _LONGEST:
        raise Refusal(f"Invalid 'input': string too long, at most {_LONGEST} characters.", param="input")
    form = body.text("response_format") or "wav"
    if form in _UNMADE:
        raise Refusal(
            f"The sandbox does not make {form}; supported values are: {', '.join(_TYPES)}.", param="response_format"
        )
    if form not in _TYPES:
        raise body.wrong("response_format", f"one of {', '.join(_TYPES)}")
    rate = body.integer("sample_rate") or (8000 if form in ("mulaw", "alaw") else _RATE)
    if rate not in _RATES:
        raise body.wrong("sample_rate", f"one of {', '.join(map(str, _RATES))}")
    body.text("instructions")
    return SpeechRequest(
        model=body.needed_text("model"),
        text=text,
        voice=body.needed_text("voice"),
        format=form,
        rate=rate,
        speed=body.number("speed", 0.25, 4) or 1.0,
        events=body.choice("stream_format", ("audio", "sse")) == "sse",
    )


async def speak(http: web.Request, request: SpeechRequest, *, cut: bool = False) -> web.StreamResponse:
    """The audio as it is made; with ``cut`` the connection ends in the middle of it."""
    kind = "text/event-stream" if request.events else _TYPES[request.format]
    response = web.StreamResponse(headers={"Content-Type": kind})
    await response.prepare(http)
    made = _gathered(encoded(request))
    left = _length(request) // 2 if cut else -1
    while piece := await asyncio.to_thread(next, made, b""):
        if cut and left <= 0:
            break
        left -= len(piece)
        await response.write(_event(piece) if request.events else piece)
    if cut:
        if http.transport is not None:
            http.transport.close()
        return response
    if request.events:
        await response.write(_done(request))
    await response.write_eof()
    return response


def encoded(request: SpeechRequest) -> Iterator[bytes]:
    """The audio in pieces."""
    sung = melody.sing(request.text, request.rate, request.speed, overtone=request.voice == "horn")
    match request.format:
        case "flac":
            pieces = list(sung)
            yield flac.begin(request.rate, sum(map(len, pieces)), max(map(len, pieces)))
            yield from flac.frames(pieces, request.rate)
        case "mulaw" | "alaw":
            yield from (g711.encode(piece, alaw=request.format == "alaw") for piece in sung)
        case form:
            if form == "wav":
                yield wav.write_header(request.rate, 1, 2 * melody.count(request.text, request.rate, request.speed))
            yield from map(bytes_of, sung)


def _length(request: SpeechRequest) -> int:
    samples = melody.count(request.text, request.rate, request.speed)
    return samples if request.format in ("mulaw", "alaw") else 2 * samples


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for piece in pieces:
        held += piece
        if len(held) >= _PIECE:
            yield held
            held = b""
    if held:
        yield held


def _event(piece: bytes) -> bytes:
    told = {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}
    return b"data: " + orjson.dumps(told) + b"\n\n"


def _done(request: SpeechRequest) -> bytes:
    read = tokens.count(request.text)
    made = melody.count(request.text, request.rate, request.speed) * 20 // request.rate  # 20 tokens a second
    usage = {"input_tokens": read, "output_tokens": made, "total_tokens": read + made}
    return b"data: " + orjson.dumps({"type": "speech.audio.done", "usage": usage}) + b"\n\n"
