"""The calls of the benchmarks, for each way of being asked: by the hub's contract, the floor, or OpenAI's HTTP."""

import os
from typing import Any

import grpc
import orjson
from aignehub.v1 import (
    audio_pb2,
    audio_service_pb2,
    chat_pb2,
    chat_service_pb2,
    embedding_service_pb2,
    image_service_pb2,
    media_pb2,
)

from benchmarks import plays
from benchmarks.load import Ask

_SYSTEM = "You are a terse assistant. Answer in one sentence."
_PROMPT = "What is the capital of the country that lies north of Spain? " * 3
_CHAT, _STREAM = "/aignehub.v1.ChatService/CreateChatCompletion", "/aignehub.v1.ChatService/StreamChatCompletion"
_SCHEMA = '{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}'
MARKS = {
    "unary": 40, "vision": 40, "paced": plays.PACED_CHUNKS, "burst": plays.BURST_CHUNKS, "first": 3,
    "open": plays.OPEN_CHUNKS, "tools": plays.TOOL_CHUNKS - 2,
}  # fmt: skip


def by_grpc(what: str, dialect: str) -> Ask:
    """The call by gRPC; ``dialect`` hub or floor."""
    model = f"p/bench-{what}" if dialect == "hub" else f"bench-{what}"
    if what in ("one", "batch", "floats"):
        return _embed(what, model, reads=dialect == "hub")
    if what == "image":
        asked = image_service_pb2.GenerateImagesRequest(model=model, prompt=_PROMPT)
        path = "/aignehub.v1.ImageService/GenerateImages"
        return Ask(path, asked.SerializeToString(), least_bytes=plays.IMAGE_BYTES)
    if what == "speech":
        options = audio_pb2.SpeechOptions(voice="alloy", format=audio_pb2.AUDIO_FORMAT_PCM_S16LE)
        spoken = audio_service_pb2.CreateSpeechRequest(model=model, input=_PROMPT, options=options)
        least = plays.SPEECH_CHUNKS * plays.SPEECH_BYTES
        path = "/aignehub.v1.AudioService/StreamSpeech"
        return Ask(path, spoken.SerializeToString(), stream=True, least_bytes=least, content=b"")
    stream = what not in ("unary", "vision")
    return Ask(_STREAM if stream else _CHAT, _chat(what, model), stream, marks=MARKS[what])


def refused(code: grpc.StatusCode) -> Ask:
    """A unary chat call that must end with ``code``."""
    return Ask(_CHAT, _chat("unary", "p/bench-unary"), code=code)


def by_http(what: str, model: str) -> Ask:
    """The same by OpenAI's HTTP API."""
    if what in ("one", "batch"):
        texts = _texts(1 if what == "one" else plays.INPUTS)
        body = {"model": model, "input": texts, "encoding_format": "base64"}
        return Ask("/v1/embeddings", orjson.dumps(body), least_bytes=len(texts) * plays.DIMENSIONS * 4)
    messages = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": _PROMPT}]
    asked: dict[str, Any] = {"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 400}
    if what == "tools":
        function = {"name": "write", "description": "Writes.", "parameters": orjson.loads(_SCHEMA)}
        asked["tools"] = [{"type": "function", "function": function}]
    if what != "unary":
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return Ask("/v1/chat/completions", orjson.dumps(asked), what != "unary", marks=MARKS[what])


def _chat(what: str, model: str) -> bytes:
    system = chat_pb2.Message(role=chat_pb2.ROLE_SYSTEM, content=[chat_pb2.ContentPart(text=_SYSTEM)])
    user = chat_pb2.Message(role=chat_pb2.ROLE_USER, content=[chat_pb2.ContentPart(text=_PROMPT)])
    if what == "vision":
        picture = b"\x89PNG\r\n\x1a\n" + os.urandom(plays.IMAGE_BYTES - 8)
        media = media_pb2.Media(data=picture, mime_type="image/png")
        user.content.append(chat_pb2.ContentPart(image=chat_pb2.ImagePart(media=media)))
    asked = chat_service_pb2.CreateChatCompletionRequest(
        model=model, messages=[system, user], temperature=0.2, max_completion_tokens=400
    )
    if what == "tools":
        asked.tools.add().function.CopyFrom(
            chat_pb2.FunctionTool(name="write", description="Writes.", parameters_json_schema=_SCHEMA)
        )
    return asked.SerializeToString()


def _embed(what: str, model: str, *, reads: bool) -> Ask:
    texts = _texts(1 if what == "one" else plays.INPUTS)
    inputs = [embedding_service_pb2.EmbeddingInput(text=text) for text in texts]
    asked = embedding_service_pb2.CreateEmbeddingsRequest(model=model, inputs=inputs)
    least = len(texts) * plays.DIMENSIONS * 4 if reads else 0
    return Ask("/aignehub.v1.EmbeddingService/CreateEmbeddings", asked.SerializeToString(), least_bytes=least)


def _texts(count: int) -> list[str]:
    return [f"text number {place}, long enough to be a sentence" for place in range(count)]
