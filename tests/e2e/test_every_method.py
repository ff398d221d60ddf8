"""What holds for every method of the three services besides chat, whoever serves it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import audio_pb2, media_pb2
from aignehub.v1 import audio_service_pb2 as audio
from aignehub.v1 import embedding_service_pb2 as embedding
from aignehub.v1 import image_service_pb2 as image
from google.protobuf import message_factory

from server.wire import wav
from tests.fake_provider import FakeProvider, hangs
from tests.pictures import solid_png
from tests.running import RunningHub, provider, running_hub, until

PNG = solid_png(8, 8, (1, 2, 3, 255))
SOUND = wav.write_header(16000, 1, 32000) + bytes(32000)
SERVICES = [module.DESCRIPTOR.services_by_name[name] for module, name in (
    (embedding, "EmbeddingService"), (image, "ImageService"), (audio, "AudioService"),
)]  # fmt: skip
METHODS = {method.name: method for service in SERVICES for method in service.methods}


def spoken(model: str, text: str = "Hello") -> audio.CreateSpeechRequest:
    return audio.CreateSpeechRequest(model=model, input=text, options=audio_pb2.SpeechOptions(voice="alloy"))


def vectors(text: str = "x") -> embedding.CreateEmbeddingsRequest:
    inputs = [embedding.EmbeddingInput(text=text)]
    return embedding.CreateEmbeddingsRequest(model="openai/text-embedding-3-small", inputs=inputs)


def drawn(prompt: str = "x") -> image.GenerateImagesRequest:
    return image.GenerateImagesRequest(model="openai/gpt-image-1", prompt=prompt)


def changed(data: bytes = PNG) -> image.EditImagesRequest:
    return image.EditImagesRequest(model="openai/gpt-image-1", prompt="x", images=[media_pb2.Media(data=data)])


def session() -> list[Any]:
    config = audio.SpeechSessionConfig(model="openai/tts-1", options=audio_pb2.SpeechOptions(voice="alloy"))
    return [
        audio.StreamSpeechSessionRequest(config=config), audio.StreamSpeechSessionRequest(text="One sentence. Another")
    ]  # fmt: skip


def uploaded() -> list[Any]:
    config = audio.UploadTranscriptionConfig(model="openai/whisper-1")
    return [audio.UploadTranscriptionRequest(config=config), audio.UploadTranscriptionRequest(audio=SOUND)]


def live(model: str = "openai/gpt-4o-transcribe") -> list[Any]:
    heard = audio_pb2.AudioInputConfig(format=audio_pb2.AUDIO_FORMAT_PCM_S16LE, sample_rate_hertz=16000)
    return [
        audio.StreamTranscriptionRequest(config=audio.StreamTranscriptionConfig(model=model, input=heard)),
        audio.StreamTranscriptionRequest(audio=bytes(range(256)) * 500), audio.StreamTranscriptionRequest(
            commit=audio.CommitUtterance()),
    ]  # fmt: skip


REQUESTS: dict[str, Callable[[], Any]] = {
    "CreateEmbeddings": vectors,
    "StreamEmbeddings": lambda: [embedding.StreamEmbeddingsRequest(batch_id=1, request=vectors())],
    "GenerateImages": drawn,
    "StreamGenerateImages": drawn,
    "EditImages": changed,
    "StreamEditImages": changed,
    "CreateTranscription": lambda: audio.CreateTranscriptionRequest(
        model="openai/whisper-1", audio=media_pb2.Media(data=SOUND)
    ),
    "CreateTranslation": lambda: audio.CreateTranslationRequest(
        model="openai/whisper-1", audio=media_pb2.Media(data=SOUND)
    ),
    "UploadTranscription": uploaded,
    "StreamTranscription": live,
    "CreateSpeech": lambda: spoken("openai/tts-1"),
    "StreamSpeech": lambda: spoken("openai/tts-1"),
    "StreamSpeechSession": session,
    "ListVoices": lambda: audio.ListVoicesRequest(model="deepgram/aura-2"),
}


def begin(hub: RunningHub, name: str, request: Any, *, closes: bool = False) -> Any:
    """The call in progress; a list is sent message by message, and the stream then left open unless it ``closes``."""
    method = METHODS[name]
    answer = message_factory.GetMessageClass(method.output_type)
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    make = getattr(hub.channel, kind)(
        f"/{method.containing_service.full_name}/{name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer.FromString,
    )

    async def kept_open() -> AsyncIterator[Any]:
        for one in request:
            yield one
        await asyncio.sleep(0 if closes else 60)

    return make(kept_open() if method.client_streaming else request, metadata=hub.auth, timeout=30)


async def ended(call: Any) -> None:
    if hasattr(call, "__aiter__"):
        async for _ in call:
            pass
    else:
        await call


def test_every_method_is_in_the_table() -> None:
    assert set(REQUESTS) == set(METHODS)


async def test_a_cancelled_call_of_every_kind_closes_its_connection_to_the_provider(tmp_path: Path) -> None:
    async with FakeProvider(hangs, reads=False) as fake:  # of an upload that is still coming it sees the beginning
        behind = [provider(fake.base_url), provider(fake.base_url, "deepgram", "deepgram")]
        async with running_hub(tmp_path, providers=behind) as hub:
            for name, request in (*((name, make()) for name, make in REQUESTS.items()), (
                "StreamTranscription", live("openai/whisper-1")  # by utterance
            )):  # fmt: skip
                before = len(fake.seen)
                call = begin(hub, name, request)
                task = asyncio.ensure_future(ended(call))
                await until(lambda before=before: len(fake.seen) > before)  # type: ignore[misc]
                call.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await until(lambda: len(fake.disconnects) == len(fake.seen))
                await until(lambda: hub.hub.active_calls == 0)
    assert len(fake.seen) >= len(REQUESTS) + 1


LARGE: dict[str, Any] = {
    "audio": bytes(4096), "images": [media_pb2.Media(data=bytes(4096))], "prompt": "x" * 4096, "input": "x" * 4096,
    "inputs": [embedding.EmbeddingInput(text="x" * 4096)], "text": "x" * 4096, "page_token": "x" * 4096,
    "request": vectors("x" * 4096),
}  # fmt: skip


def too_large(name: str) -> Any:
    """A message of the method's that is over 4 KiB."""
    kind = METHODS[name].input_type
    field = next(field for field in LARGE if field in kind.fields_by_name)
    value = LARGE[field]
    if kind.fields_by_name[field].message_type is media_pb2.Media.DESCRIPTOR and field == "audio":
        value = media_pb2.Media(data=value)
    return message_factory.GetMessageClass(kind)(**{field: value})


async def test_a_message_past_the_bound_ends_in_resource_exhausted(tmp_path: Path) -> None:
    """Whatever the method, unary and streaming alike; nothing of it reaches a provider."""
    async with (
        FakeProvider(hangs) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)], grpc={"max_receive_message_bytes": 1024}) as hub,
    ):
        requests = {name: too_large(name) for name in METHODS}
        calls = [begin(hub, name, [one] if METHODS[name].client_streaming else one) for name, one in requests.items()]
        failures = await asyncio.gather(*map(ended, calls), return_exceptions=True)
        await until(lambda: hub.hub.active_calls == 0)
    told = {
        name: isinstance(one, grpc.aio.AioRpcError) and one.code() for name, one in zip(METHODS, failures, strict=True)
    }
    assert told == dict.fromkeys(METHODS, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert not fake.seen


async def test_a_caller_who_is_still_sending_learns_why_it_was_refused(tmp_path: Path) -> None:
    """grpc.aio raises INTERNAL where a call ends while it sends: https://github.com/grpc/grpc/issues/36066."""
    heard = audio_pb2.AudioInputConfig(format=audio_pb2.AUDIO_FORMAT_MP3)
    config = audio.StreamTranscriptionConfig(model="sandbox/hear", input=heard)
    streams: dict[str, list[Any]] = {
        "StreamTranscription": [
            audio.StreamTranscriptionRequest(config=config),
            *(audio.StreamTranscriptionRequest(audio=bytes(4800)) for _ in range(100)),
        ],
        "UploadTranscription": [audio.UploadTranscriptionRequest(audio=bytes(65536)) for _ in range(50)],
        "StreamSpeechSession": [
            *session(), *(audio.StreamSpeechSessionRequest(text="word " * 20) for _ in range(50)), session()[0],
        ],
    }  # fmt: skip
    codes = []
    async with running_hub(tmp_path, sandbox=True) as hub:
        for name, requests in streams.items():
            for _ in range(10):
                with pytest.raises(grpc.aio.AioRpcError) as raised:
                    await ended(begin(hub, name, requests, closes=True))
                codes.append((name, raised.value.code()))
                await until(lambda: hub.hub.active_calls == 0)
    wanted = {"StreamSpeechSession": grpc.StatusCode.UNAVAILABLE}  # no provider of its model is there
    assert codes == [(name, wanted.get(name, grpc.StatusCode.INVALID_ARGUMENT)) for name in streams for _ in range(10)]
