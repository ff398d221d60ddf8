"""Pieces of an answer that look the same in a whole one and in a stream."""

from collections.abc import Iterator

import orjson
from aignehub.v1.chat_pb2 import ContentPart, ImagePart, OutputAudio, ProviderPart, ReasoningPart
from aignehub.v1.media_pb2 import Media

from server.wire import json_value as json
from server.wire.json_value import Json, Object
from server.wire.openai_chat.messages import EXECUTED_TOOL
from server.wire.timestamps import timestamp


def reasoning_text(message: Object) -> str:
    """``reasoning_content`` (DeepSeek, xAI, Z.ai, …) or ``reasoning`` (Groq, Ollama, Cerebras, OpenRouter, vLLM)."""
    return json.text(message.get("reasoning_content")) or json.text(message.get("reasoning"))


def reasoning_detail(detail: Object, provider: str) -> ReasoningPart | None:
    """One of OpenRouter's ``reasoning_details``; None where it says nothing.

    https://openrouter.ai/docs/use-cases/reasoning-tokens#reasoning_details-array-structure
    """
    text = json.text(detail.get("text")) or json.text(detail.get("summary"))
    data = json.text(detail.get("data"))
    signature = data or json.text(detail.get("signature"))
    if not text and not signature:
        return None
    return ReasoningPart(
        text=text,
        signature=signature.encode(),
        redacted=bool(data),
        provider=provider,
        id=json.text(detail.get("id")),
        format=json.text(detail.get("format")),
    )


def thinking_text(part: Object) -> str:
    """A part ``{type: thinking, thinking: "…"}``, or with a list of text parts as Mistral's models have it."""
    thought = part.get("thinking")
    if type(thought) is str:
        return thought
    return "".join(json.text(piece.get("text")) for piece in json.objects(thought))


def image(told: Object) -> ContentPart | None:
    """``{image_url: {url}}`` as OpenRouter sends generated images; a data URL becomes bytes."""
    inner = told.get("image_url")
    url = inner if type(inner) is str else json.text(json.obj(inner).get("url"))
    if not url:
        return None
    if not url.startswith("data:"):
        return ContentPart(image=ImagePart(media=Media(url=url)))
    head, _, data = url[len("data:") :].partition(",")
    mime_type = head.partition(";")[0]
    return ContentPart(image=ImagePart(media=Media(data=json.base64_bytes(data), mime_type=mime_type)))


def executed_tools(told: Json, provider: str) -> Iterator[ContentPart]:
    """Tools that Groq's compound systems ran themselves: https://console.groq.com/docs/compound."""
    for tool in json.objects(told):
        block = ProviderPart(provider=provider, type=EXECUTED_TOOL, json=json.to_text(tool))
        yield ContentPart(provider=block)


def provider_block(part: Object, provider: str) -> ContentPart:
    """A part of a kind that is not known here, kept whole."""
    kind = json.text(part.get("type")) or "unknown"
    block = ProviderPart(provider=provider, type=kind, json=json.to_text(part), id=json.text(part.get("id")))
    return ContentPart(provider=block)


def _thinking(told: Object, provider: str) -> Iterator[ContentPart]:
    """A thought, and after it what it refers to."""
    text = thinking_text(told) or json.text(told.get("text"))
    signature = json.text(told.get("signature")).encode()
    if text or signature:
        yield ContentPart(reasoning=ReasoningPart(text=text, signature=signature, provider=provider))
    for piece in json.objects(told.get("thinking")):
        if "text" not in piece and piece:
            yield provider_block(piece, provider)


def content_part(provider: str, part: Json) -> Iterator[ContentPart]:
    """One element of a content array."""
    if type(part) is str:
        if part:
            yield ContentPart(text=part)
        return
    told = json.obj(part)
    match told.get("type"):
        case "text" | "output_text":
            if text := json.text(told.get("text")):
                yield ContentPart(text=text)
        case "thinking" | "reasoning":
            yield from _thinking(told, provider)
        case "image_url":
            if (picture := image(told)) is not None:
                yield picture
        case _:
            if told:
                yield provider_block(told, provider)


def output_audio(told: Object) -> OutputAudio | None:
    """Spoken answer, whole or in part."""
    if not any(json.says_something(value) for value in told.values()):
        return None
    audio = OutputAudio(
        id=json.text(told.get("id")),
        data=json.base64_bytes(json.text(told.get("data"))),
        transcript=json.text(told.get("transcript")),
    )
    if (expires := timestamp(told.get("expires_at"))) is not None:
        audio.expire_time.CopyFrom(expires)
    return audio


def arguments(told: Json) -> str:
    """Arguments as the model wrote them; as JSON text where the host sends them parsed (Ollama's older forms)."""
    if type(told) is str:
        return told
    if told is None:
        return ""
    try:
        return orjson.dumps(told).decode()
    except TypeError:
        return ""


def signature_of(call: Object) -> bytes:
    """Gemini's thought signature behind this format: https://ai.google.dev/gemini-api/docs/thought-signatures."""
    google = json.obj(json.obj(call.get("extra_content")).get("google"))
    return json.text(google.get("thought_signature")).encode()
