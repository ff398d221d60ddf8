"""A field that a provider refuses is told as the contract has it, wherever the caller put it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import audio_pb2, chat_pb2, chat_service_pb2, image_service_pb2, media_pb2, options_pb2
from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1 import embedding_service_pb2 as vectors
from aignehub.v1.audio_service_pb2_grpc import AudioServiceStub

from server.cli.early_end import true_status
from tests.fake_provider import FakeProvider, answers
from tests.pictures import solid_png
from tests.running import RunningHub, failure, provider, running_hub

SPEECH = audio_pb2.SpeechOptions


async def refused(call: Any) -> tuple[list[str], str]:
    with pytest.raises(grpc.aio.AioRpcError) as raised, true_status(call):
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    told = failure(raised.value)
    assert told.reason == "PROVIDER_REJECTED_REQUEST"
    assert told.code == grpc.StatusCode.INVALID_ARGUMENT
    return [one.field for one in told.bad_request.field_violations], told.message


async def session(voice: str) -> AsyncIterator[pb.StreamSpeechSessionRequest]:
    options = SPEECH(voice=voice)
    yield pb.StreamSpeechSessionRequest(config=pb.SpeechSessionConfig(model="sandbox/speak", options=options))
    yield pb.StreamSpeechSessionRequest(text="Hello. ")


async def upload(model: str, data: bytes, **options: Any) -> AsyncIterator[pb.UploadTranscriptionRequest]:
    config = pb.UploadTranscriptionConfig(model=model, options=audio_pb2.TranscriptionOptions(**options))
    yield pb.UploadTranscriptionRequest(config=config)
    yield pb.UploadTranscriptionRequest(audio=data)


def audio(hub: RunningHub) -> "AudioServiceStub":
    return AudioServiceStub(hub.channel)


async def test_what_the_sandbox_refuses(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        kept: Any = {"metadata": hub.auth, "timeout": 5}
        say = pb.CreateSpeechRequest(model="sandbox/speak", input="x", options=SPEECH(voice="alloy"))
        fields, message = await refused(audio(hub).CreateSpeech(say, **kept))
        assert fields == ["options.voice"]
        assert "flute, horn" in message
        assert (await refused(audio(hub).StreamSpeechSession(session("alloy"), **kept)))[0] == ["config.options.voice"]

        draw = image_service_pb2.GenerateImagesRequest(
            model="sandbox/draw", prompt="x", options=image_service_pb2.ImageOptions(size="3000x3000")
        )
        fields, message = await refused(hub.images.GenerateImages(draw, **kept))
        assert fields == ["options.size"]
        assert "auto, 1K, 2K or WIDTHxHEIGHT" in message
        whole = solid_png(8, 8, (1, 2, 3, 255))
        change = image_service_pb2.EditImagesRequest(
            model="sandbox/draw", prompt="x", images=[media_pb2.Media(data=one) for one in (whole, whole[:45])]
        )
        assert (await refused(hub.images.EditImages(change, **kept)))[0] == ["images[1]"]

        user = chat_pb2.Message(role=chat_pb2.ROLE_USER, content=[chat_pb2.ContentPart(text="x")])
        ask = chat_service_pb2.CreateChatCompletionRequest(
            model="sandbox/story", messages=[user], metadata={"tokens_per_second": "fast"}
        )
        assert (await refused(hub.chat.CreateChatCompletion(ask, **kept)))[0] == ["metadata.tokens_per_second"]


async def test_an_input_is_counted_as_the_caller_counts(tmp_path: Path) -> None:
    """Texts and token ids go in requests of their own, in which the provider counts from 0."""
    inputs = [
        vectors.EmbeddingInput(text="one"), vectors.EmbeddingInput(tokens=vectors.TokenIds(ids=[5])),
        vectors.EmbeddingInput(text="three"), vectors.EmbeddingInput(text=""),
    ]  # fmt: skip
    async with running_hub(tmp_path, sandbox=True) as hub:
        asked = vectors.CreateEmbeddingsRequest(model="sandbox/embed", inputs=inputs)
        assert (await refused(hub.embeddings.CreateEmbeddings(asked, metadata=hub.auth, timeout=5)))[0] == ["inputs[3]"]


@pytest.mark.parametrize(
    ("param", "unary", "uploaded"),
    [
        ("file", "audio.data", "audio"),
        ("language", "options.languages", "config.options.languages"),
        ("response_format", "options.format", "config.options.format"),
        ("model", "model", "config.model"),
    ],
)
async def test_a_recording_and_its_options_are_where_the_method_has_them(
    tmp_path: Path, param: str, unary: str, uploaded: str
) -> None:
    answer = answers({"error": {"message": "no", "type": "invalid_request_error", "param": param}}, 400)
    wave = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00" + bytes(64)
    async with FakeProvider(answer) as fake, running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub:
        asked = pb.CreateTranscriptionRequest(model="openai/whisper-1", audio=media_pb2.Media(data=wave))
        kept: Any = {"metadata": hub.auth, "timeout": 5}
        assert (await refused(audio(hub).CreateTranscription(asked, **kept)))[0] == [unary]
        sent = upload("openai/whisper-1", wave, languages=["en"])
        assert (await refused(audio(hub).UploadTranscription(sent, **kept)))[0] == [uploaded]


async def test_what_the_hub_refuses_is_where_the_method_has_it(tmp_path: Path) -> None:
    """Options and routing of a stream are in its config, for the hub's own errors too."""

    async def one(request: Any) -> AsyncIterator[Any]:
        yield request

    gateway = options_pb2.GatewayOptions(idempotency_key="x")
    pinned = options_pb2.GatewayOptions(providers=["nobody"])
    heard = audio_pb2.AudioInputConfig(format=audio_pb2.AUDIO_FORMAT_WAV)
    async with running_hub(tmp_path, sandbox=True) as hub:
        calls: list[tuple[Any, Any, str]] = [
            (audio(hub).StreamSpeechSession, pb.StreamSpeechSessionRequest(config=pb.SpeechSessionConfig(
                model="sandbox/speak", options=SPEECH(voice="x"), gateway=gateway)), "config.gateway.idempotency_key"),
            (audio(hub).UploadTranscription, pb.UploadTranscriptionRequest(config=pb.UploadTranscriptionConfig(
                model="sandbox/hear", gateway=gateway)), "config.gateway.idempotency_key"),
            (audio(hub).UploadTranscription, pb.UploadTranscriptionRequest(config=pb.UploadTranscriptionConfig(
                model="sandbox/hear", gateway=pinned)), "config.gateway.providers"),
            (audio(hub).StreamTranscription, pb.StreamTranscriptionRequest(config=pb.StreamTranscriptionConfig(
                model="sandbox/hear", input=heard, gateway=gateway)), "config.gateway.idempotency_key"),
        ]  # fmt: skip
        for method, request, field in calls:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                call: Any = method(one(request), metadata=hub.auth, timeout=5)
                await (call if not hasattr(call, "__aiter__") else anext(aiter(call)))
            told = failure(raised.value)
            assert [violation.field for violation in told.bad_request.field_violations] == [field]
            assert told.message.startswith(f"{field}: ")
