"""The paths of the audio endpoints, and the models that misbehave on them."""

import asyncio

import orjson
from aiohttp import web

from server.sandbox import tokens
from server.sandbox.audio.hear import Heard, answer, hear
from server.sandbox.audio.live import live
from server.sandbox.audio.models import GARBAGE, HEAR, SPEAK, slowness
from server.sandbox.audio.recording import HearingRequest
from server.sandbox.audio.recording import read_request as read_recording
from server.sandbox.audio.speak import VOICES, SpeechRequest, speak
from server.sandbox.audio.speak import read_request as read_speech
from server.sandbox.chat.faults import fail, hang
from server.sandbox.exchange import open_stream
from server.sandbox.refusal import Refusal, unknown_model
from server.sandbox.request import ChatRequest

_NO_CHAT = ChatRequest("", (), "")


def add_audio(app: web.Application) -> None:
    """Adds the paths below /v1."""
    app.router.add_post("/v1/audio/speech", _speech)
    app.router.add_post("/v1/audio/transcriptions", _transcription)
    app.router.add_post("/v1/audio/translations", _transcription)
    app.router.add_get("/v1/audio/voices", _voices)
    app.router.add_get("/v1/realtime", live)


async def _speech(http: web.Request) -> web.StreamResponse:
    request = read_speech(await http.read())
    if request.model == "cut":
        return await speak(http, request, cut=True)
    await _misbehave(http, request.model)
    if request.model == "garbage":
        return web.Response(text=GARBAGE, content_type="application/json")
    if request.model != SPEAK and slowness(request.model) is None:
        raise unknown_model(request.model)
    _check_voice(request)
    return await speak(http, request)


async def _transcription(http: web.Request) -> web.StreamResponse:
    request = await read_recording(http)
    await _misbehave(http, request.model)
    if request.model == "garbage":
        return web.Response(text=GARBAGE, content_type="application/json")
    if request.model not in (HEAR, "cut") and slowness(request.model) is None:
        raise unknown_model(request.model)
    heard = await asyncio.to_thread(hear, request.data)
    if heard is None:
        raise Refusal("Invalid file format: its header could not be read.", param="file")
    if request.stream:
        return await _events(http, heard)
    return await _whole(http, request, heard)


async def _whole(http: web.Request, request: HearingRequest, heard: Heard) -> web.StreamResponse:
    kind, told = answer(heard, request)
    body = told.encode() if isinstance(told, str) else orjson.dumps(told)
    if request.model != "cut":
        return web.Response(body=body, content_type=kind)
    response = web.StreamResponse(headers={"Content-Type": kind, "Content-Length": str(len(body))})
    await response.prepare(http)
    await response.write(body[: len(body) // 2])
    if http.transport is not None:
        http.transport.close()
    return response


async def _events(http: web.Request, heard: Heard) -> web.StreamResponse:
    response = await open_stream(http)
    told: list[dict[str, object]] = [
        {"type": "transcript.text.delta", "delta": token} for token in tokens.split(heard.text)
    ]
    told.append({"type": "transcript.text.done", "text": heard.text})
    for event in told:
        await response.write(b"data: " + orjson.dumps(event) + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def _voices(_: web.Request) -> web.Response:
    body = {"voices": [{"id": voice} for voice in VOICES]}
    return web.Response(body=orjson.dumps(body), content_type="application/json")


async def _misbehave(http: web.Request, model: str) -> None:
    """Fails, hangs or waits as the name says; returns where it says none of these."""
    family, _, parameter = model.partition("-")
    if model == "hang":
        await hang(http, _NO_CHAT)
    if family == "fail" and (serve := fail(parameter)) is not None:
        await serve(http, _NO_CHAT)
    await asyncio.sleep(slowness(model) or 0)


def _check_voice(request: SpeechRequest) -> None:
    if request.voice not in VOICES:
        raise Refusal(f"Invalid value for 'voice'. Supported values are: {', '.join(VOICES)}.", param="voice")
