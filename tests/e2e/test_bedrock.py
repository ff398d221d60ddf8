"""Bedrock through the front door: how the hub proves itself, what its failures are to a caller, and who leaves when."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.auth
import grpc
import pytest
from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1 import media_pb2
from aiohttp import web
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from server.errors import ConfigError
from server.providers.kind import Site
from server.providers.registry import PROVIDERS
from tests.event_frames import event, exception
from tests.fake_embeddings import ask as embeddings_of
from tests.fake_embeddings import floats
from tests.fake_provider import Answer, FakeProvider, Seen, answers
from tests.pictures import solid_png
from tests.running import ask, failure, provider, running_hub, until

MODEL = "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0"
CAT = solid_png(4, 2, (1, 2, 3, 255))
USAGE = {"inputTokens": 12, "outputTokens": 7, "totalTokens": 19}
WHOLE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
    "stopReason": "end_turn",
    "usage": USAGE,
    "metrics": {"latencyMs": 5},
}
HEADERS = {"x-amzn-RequestId": "aws-1"}
KEY_ID, SECRET, TOKEN = "ASIAEXAMPLE123456", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjE/+="
PIECES = (
    event("messageStart", {"role": "assistant"}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hel"}}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "lo"}}),
)
END = (event("messageStop", {"stopReason": "end_turn"}), event("metadata", {"usage": USAGE, "metrics": {}}))


def bedrock(fake: FakeProvider, *keys: str, **options: str) -> dict[str, Any]:
    instance = provider(fake.base_url.removesuffix("/v1"), "bedrock", "bedrock", api_keys=list(keys))
    return {**instance, "options": {"region": "eu-west-1", **options}}


def streams(*pieces: bytes, then: Any = None) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/vnd.amazon.eventstream", **HEADERS})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if then:
            await then()
        return response

    return answer


def by_botocore(seen: Seen, monkeypatch: pytest.MonkeyPatch, service: str = "bedrock") -> str:
    """The signature that AWS's own client would put on the request as it arrived."""
    headers = {name.lower(): value for name, value in seen.headers.items()}
    moment = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: moment)
    covered = {name: headers[name] for name in ("host", "content-type")}
    request = AWSRequest(seen.method, f"http://{headers['host']}{seen.raw_path}", covered, seen.body)
    token = headers.get("x-amz-security-token")
    botocore.auth.SigV4Auth(Credentials(KEY_ID, SECRET, token), service, "eu-west-1").add_auth(request)
    return str(request.headers["Authorization"])


@pytest.mark.parametrize("key", [f"{KEY_ID}:{SECRET}", f"{KEY_ID}:{SECRET}:{TOKEN}"], ids=["own", "lent"])
async def test_what_is_signed_is_what_is_sent(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    arn = "bedrock/arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-pro-v1:0"
    fake = FakeProvider(answers(WHOLE, headers=HEADERS))
    async with fake, running_hub(tmp_path, providers=[bedrock(fake, key)]) as hub:
        for model in (MODEL, arn):
            response = await hub.chat.CreateChatCompletion(ask("Grüße", model), metadata=hub.auth, timeout=5)
            assert response.model == model.partition("/")[2]
            assert response.gateway.provider_request_id == "aws-1"
            assert response.gateway.attempts[0].credential == "key-1"
    assert fake.seen[0].raw_path == "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
    assert fake.seen[1].raw_path.endswith("%3Ainference-profile%2Feu.amazon.nova-pro-v1%3A0/converse")
    for seen in fake.seen:
        assert seen.headers["Authorization"] == by_botocore(seen, monkeypatch)
        assert seen.headers.get("X-Amz-Security-Token", "") == key.partition(SECRET)[2].removeprefix(":")
    written = "".join(capfd.readouterr())
    assert SECRET not in written
    assert TOKEN not in written


async def test_a_bedrock_key_is_a_bearer_token_and_a_stream_flows(tmp_path: Path) -> None:
    fake = FakeProvider(streams(*PIECES, *END))
    async with fake, running_hub(tmp_path, providers=[bedrock(fake, "ABSKc2VjcmV0")]) as hub:
        call = hub.chat.StreamChatCompletion(ask("Hi", MODEL), metadata=hub.auth, timeout=5)
        chunks = [chunk async for chunk in call]
    [seen] = fake.seen
    assert seen.headers["Authorization"] == "Bearer ABSKc2VjcmV0"
    assert seen.headers["Accept"] == "application/vnd.amazon.eventstream"
    assert "".join(delta.content for chunk in chunks for delta in chunk.choices) == "Hello"
    assert chunks[0].model == MODEL.partition("/")[2]
    assert (chunks[-1].usage.input_tokens, chunks[-1].usage.output_tokens) == (12, 7)


@pytest.mark.parametrize(
    ("status", "kind", "message", "code", "reason"),
    [
        (400, "ValidationException", "bad field", "INVALID_ARGUMENT", "PROVIDER_REJECTED_REQUEST"),
        (400, "ValidationException", "Input is too long", "INVALID_ARGUMENT", "CONTEXT_LENGTH_EXCEEDED"),
        (403, "UnrecognizedClientException", f"{KEY_ID} is not known", "UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID"),
        (404, "ResourceNotFoundException", "no such profile", "NOT_FOUND", "MODEL_NOT_FOUND"),
        (429, "ThrottlingException", "Too many tokens", "RESOURCE_EXHAUSTED", "PROVIDER_RATE_LIMITED"),
    ],
)  # fmt: skip
async def test_refusals(tmp_path: Path, status: int, kind: str, message: str, code: str, reason: str) -> None:
    headers = {**HEADERS, "x-amzn-ErrorType": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    fake = FakeProvider(answers({"message": message}, status, headers))
    async with fake, running_hub(tmp_path, providers=[bedrock(fake, "ABSKc2VjcmV0")]) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await hub.chat.CreateChatCompletion(ask("Hi", MODEL), metadata=hub.auth, timeout=5)
    told = failure(caught.value)
    assert (told.code.name, told.reason) == (code, reason)
    assert told.metadata["providerCode"] == kind
    assert KEY_ID not in told.message


async def test_a_stream_that_fails_tells_what_came_and_why(tmp_path: Path) -> None:
    fake = FakeProvider(streams(*PIECES, exception("throttlingException", "slow down")))
    async with fake, running_hub(tmp_path, providers=[bedrock(fake, "ABSKc2VjcmV0")]) as hub:
        chunks = []
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for chunk in hub.chat.StreamChatCompletion(ask("Hi", MODEL), metadata=hub.auth, timeout=5):
                chunks.append(chunk)
    assert "".join(delta.content for chunk in chunks for delta in chunk.choices) == "Hello"
    assert chunks[-1].usage.estimated
    assert failure(caught.value).reason == "PROVIDER_RATE_LIMITED"


async def test_a_caller_who_leaves_takes_the_request_along(tmp_path: Path) -> None:
    fake = FakeProvider(streams(*PIECES, then=lambda: asyncio.sleep(3600)))
    async with fake, running_hub(tmp_path, providers=[bedrock(fake, "ABSKc2VjcmV0")]) as hub:
        call = hub.chat.StreamChatCompletion(ask("Hi", MODEL), metadata=hub.auth, timeout=5)
        async for chunk in call:
            assert chunk.choices[0].content
            break
        call.cancel()
        await until(lambda: bool(fake.disconnects))


@pytest.mark.parametrize(
    ("model", "counted"), [("us.anthropic.claude-sonnet-5", True), ("amazon.nova-pro-v1:0", False)]
)
async def test_tokens_are_counted_where_bedrock_counts_them(tmp_path: Path, model: str, counted: bool) -> None:
    fake = FakeProvider(answers({"inputTokens": 4711}))
    async with fake, running_hub(tmp_path, providers=[bedrock(fake, "ABSKc2VjcmV0")]) as hub:
        got = await hub.chat.CountTokens(ask("Hi", f"bedrock/{model}"), metadata=hub.auth, timeout=5)
    assert (got.estimated, got.input_tokens == 4711) == (not counted, counted)
    assert [seen.raw_path for seen in fake.seen] == ["/model/anthropic.claude-sonnet-5/count-tokens"] * counted


@pytest.mark.parametrize(
    ("environ", "proof"),
    [
        ({"AWS_BEARER_TOKEN_BEDROCK": "ABSKc2VjcmV0"}, "Bearer ABSKc2VjcmV0"),
        ({"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}, f"AWS4-HMAC-SHA256 Credential={KEY_ID}/"),
        (
            {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN},
            f"AWS4-HMAC-SHA256 Credential={KEY_ID}/",
        ),
    ],
)
@pytest.mark.parametrize("configured", [True, False])
async def test_the_environment_switches_it_on(
    tmp_path: Path, environ: Mapping[str, str], proof: str, configured: bool
) -> None:
    async with FakeProvider(answers(WHOLE)) as fake:
        url = fake.base_url.removesuffix("/v1")
        told = {**environ, "AWS_REGION": "us-east-1", "BEDROCK_BASE_URL": url}
        providers = [{"name": "bedrock"}] if configured else []
        async with running_hub(tmp_path, told, providers=providers) as hub:
            await hub.chat.CreateChatCompletion(ask("Hi", MODEL), metadata=hub.auth, timeout=5)
    [seen] = fake.seen
    assert seen.headers["Authorization"].startswith(proof)
    assert seen.headers.get("X-Amz-Security-Token", "") == environ.get("AWS_SESSION_TOKEN", "")


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET},
        {"AWS_REGION": "us-east-1"},
        {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": KEY_ID},
        {"AWS_REGION": "nowhere", "AWS_BEARER_TOKEN_BEDROCK": "x"},
    ],
)
async def test_half_an_environment_switches_nothing_on(tmp_path: Path, environ: Mapping[str, str]) -> None:
    async with running_hub(tmp_path, environ) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await hub.chat.CreateChatCompletion(ask("Hi", MODEL), metadata=hub.auth, timeout=5)
    assert failure(caught.value).reason in ("NO_PROVIDER", "NO_CREDENTIAL")


async def test_the_chain_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "credentials"
    profile.write_text(f"[default]\naws_access_key_id={KEY_ID}\naws_secret_access_key={SECRET}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    fake = FakeProvider(answers(WHOLE))
    async with fake, running_hub(tmp_path, providers=[bedrock(fake, credentials="chain")]) as hub:
        response = await hub.chat.CreateChatCompletion(ask("Hi", MODEL), metadata=hub.auth, timeout=5)
    assert response.gateway.attempts[0].credential == "aws-chain"
    [seen] = fake.seen
    assert seen.headers["Authorization"] == by_botocore(seen, monkeypatch)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({}, "providers[0].options.region: is needed"),
        ({"options": {"region": "moon"}}, "providers[0].options.region: moon is no region"),
        ({"options": {"region": "us-east-1", "credentials": "magic"}}, "options.credentials: magic is no way"),
        ({"options": {"region": "us-east-1", "zone": "a"}}, "providers[0].options.zone: bedrock has no such option"),
    ],
)  # fmt: skip
async def test_options_are_checked_at_start(tmp_path: Path, entry: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        async with running_hub(tmp_path, providers=[{"name": "bedrock", "api_keys": ["ABSKx"], **entry}]):
            pass
    assert words in str(caught.value)


MANTLE_USAGE = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
BY_OPENAI = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "Hi"}}], "usage": MANTLE_USAGE}
BY_RESPONSES = {
    "status": "completed",
    "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}],
    "usage": {"input_tokens": 3, "output_tokens": 1},
}
BY_ANTHROPIC = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 1},
}


@pytest.mark.parametrize(
    ("model", "whole", "path"),
    [
        ("openai.gpt-oss-120b", BY_OPENAI, "/v1/chat/completions"),
        ("anthropic.claude-sonnet-5", BY_ANTHROPIC, "/anthropic/v1/messages"),
        ("openai.gpt-5.5", BY_RESPONSES, "/openai/v1/responses"),
    ],
)
@pytest.mark.parametrize("key", ["ABSKc2VjcmV0", f"{KEY_ID}:{SECRET}"])
async def test_the_endpoint_of_other_formats(
    tmp_path: Path, model: str, whole: Mapping[str, Any], path: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeProvider(answers(whole))
    async with fake, running_hub(tmp_path, providers=[{**bedrock(fake, key), "kind": "bedrock-mantle"}]) as hub:
        response = await hub.chat.CreateChatCompletion(ask("Hi", f"bedrock/{model}"), metadata=hub.auth, timeout=5)
    [choice] = response.choices
    assert (choice.message.content[0].text, response.usage.input_tokens) == ("Hi", 3)
    [seen] = fake.seen
    assert (seen.raw_path, seen.json["model"]) == (path, model)
    signed = by_botocore(seen, monkeypatch, "bedrock-mantle") if ":" in key else f"Bearer {key}"
    assert seen.headers["Authorization"] == signed


@pytest.mark.parametrize("known", [True, False])
async def test_only_its_own_address_switches_the_other_endpoint_on(tmp_path: Path, known: bool) -> None:
    async with FakeProvider(answers(BY_OPENAI)) as fake:
        url = fake.base_url.removesuffix("/v1")
        environ = {"AWS_BEARER_TOKEN_BEDROCK": "ABSKc2VjcmV0", "AWS_REGION": "us-east-1", "BEDROCK_BASE_URL": url}
        environ |= {"BEDROCK_MANTLE_BASE_URL": url} if known else {}
        async with running_hub(tmp_path, environ) as hub:
            call = hub.chat.CreateChatCompletion(ask("Hi", "bedrock-mantle/qwen.x"), metadata=hub.auth, timeout=5)
            if known:
                assert (await call).usage.input_tokens == 3
            else:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await call
                assert failure(caught.value).reason == "NO_PROVIDER"
    assert len(fake.seen) == int(known)


def _in(region: str) -> Site:
    return Site("", {"region": region})


@pytest.mark.parametrize(
    ("kind", "site", "environ", "host", "region"),
    [
        ("bedrock", _in("us-east-1"), {}, "bedrock-runtime.us-east-1.amazonaws.com", "us-east-1"),
        ("bedrock", _in("cn-north-1"), {}, "bedrock-runtime.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("bedrock", _in("eusc-de-east-1"), {}, "bedrock-runtime.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
        ("bedrock", Site(""), {"AWS_REGION": "eu-west-1"}, "bedrock-runtime.eu-west-1.amazonaws.com", "eu-west-1"),
        ("bedrock", Site("https://x.eu-west-1.test"), {"AWS_REGION": "us-east-1"}, "x.eu-west-1.test", "eu-west-1"),
        ("bedrock-mantle", _in("us-west-2"), {}, "bedrock-mantle.us-west-2.api.aws", "us-west-2"),
    ],
)  # fmt: skip
def test_where_a_region_lives(kind: str, site: Site, environ: Mapping[str, str], host: str, region: str) -> None:
    settle = PROVIDERS[kind].settle
    assert settle
    settled = settle(site, environ)
    assert (settled.base_url, settled.options["region"]) == (f"https://{host}", region)


async def test_texts_that_go_one_by_one_come_back_in_order(tmp_path: Path) -> None:
    async def embeds(request: web.Request) -> web.Response:
        text = json.loads(await request.read())["inputText"]
        return web.json_response({"embedding": [float(len(text)), 0.5], "inputTextTokenCount": len(text)})

    texts = ["a" * (number % 7 + 1) for number in range(20)]
    fake = FakeProvider(embeds)
    async with fake, running_hub(tmp_path, providers=[bedrock(fake, f"{KEY_ID}:{SECRET}")]) as hub:
        asked = embeddings_of(*texts, model="bedrock/amazon.titan-embed-text-v2:0")
        response = await hub.embeddings.CreateEmbeddings(asked, metadata=hub.auth, timeout=5)
    assert [floats(vector) for vector in response.embeddings] == [[float(len(text)), 0.5] for text in texts]
    assert response.usage.input_tokens == sum(map(len, texts))
    assert response.model == "amazon.titan-embed-text-v2:0"
    assert {seen.raw_path for seen in fake.seen} == {"/model/amazon.titan-embed-text-v2%3A0/invoke"}


def images_of(model: str, n: int) -> pb.GenerateImagesRequest:
    return pb.GenerateImagesRequest(model=f"bedrock/{model}", prompt="a cat", options=pb.ImageOptions(n=n, seed=7))


async def test_images_by_one_request_or_several(tmp_path: Path) -> None:
    async def draws(request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        times = asked.get("imageGenerationConfig", {}).get("numberOfImages", 1)
        return web.json_response({"images": [b64encode(CAT).decode()] * times, "finish_reasons": [None] * times})

    fake = FakeProvider(draws)
    canvas, ultra = "amazon.nova-canvas-v1:0", "stability.stable-image-ultra-v1:1"
    async with fake, running_hub(tmp_path, providers=[bedrock(fake, f"{KEY_ID}:{SECRET}")]) as hub:
        for model in (canvas, ultra):
            response = await hub.images.GenerateImages(images_of(model, 3), metadata=hub.auth, timeout=5)
            assert [(image.index, image.media.data) for image in response.images] == [(n, CAT) for n in range(3)]
            assert response.usage.billed_images == 3
        events = [event async for event in hub.images.StreamGenerateImages(images_of(canvas, 2), metadata=hub.auth)]
    first, *others = fake.seen[:4]
    assert first.raw_path == "/model/amazon.nova-canvas-v1%3A0/invoke"
    assert first.json["imageGenerationConfig"] == {"numberOfImages": 3, "seed": 7}
    assert sorted(seen.json["seed"] for seen in others) == [7, 8, 9]
    assert [event.WhichOneof("event") for event in events] == ["completed", "completed", "summary"]
    assert [event.completed.index for event in events[:2]] == [0, 1]


async def test_an_edit_within_a_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeProvider(answers({"images": [], "error": "blocked by the content filters"}))
    cat = media_pb2.Media(data=CAT, mime_type="image/png")
    mask = media_pb2.Media(data=solid_png(4, 2, (0, 0, 0, 0)), mime_type="image/png")
    asked = pb.EditImagesRequest(model="bedrock/amazon.nova-canvas-v1:0", prompt="green", images=[cat], mask=mask)
    async with fake, running_hub(tmp_path, providers=[bedrock(fake, f"{KEY_ID}:{SECRET}")]) as hub:
        response = await hub.images.EditImages(asked, metadata=hub.auth, timeout=5)
    [seen] = fake.seen
    assert seen.json["taskType"] == "INPAINTING"
    assert seen.headers["Authorization"] == by_botocore(seen, monkeypatch)
    [image] = response.images
    assert (image.filtered, image.filter_reason) == (True, "blocked by the content filters")
