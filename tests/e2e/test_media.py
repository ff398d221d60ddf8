"""Images that callers name by URL: who fetches them, and what nobody fetches."""

import base64
from pathlib import Path

import grpc
import pytest
from aignehub.v1 import chat_pb2, chat_service_pb2, media_pb2
from aiohttp import web

from tests.fake_provider import FakeProvider, answers, completion
from tests.running import ask, failure, provider, running_hub

PNG = base64.b64decode(
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
FIELD = "messages[0].content[1].image.media.url"


def _with_image(url: str) -> chat_service_pb2.CreateChatCompletionRequest:
    request = ask("What is this?")
    image = chat_pb2.ImagePart(media=media_pb2.Media(url=url))
    request.messages[0].content.add(image=image)
    return request


async def _picture(_request: web.Request) -> web.Response:
    return web.Response(body=PNG, content_type="image/png")


async def test_a_provider_inside_gets_bytes_where_the_operator_allows_the_network(tmp_path: Path) -> None:
    async with FakeProvider(answers(completion())) as fake, FakeProvider(_picture) as store:
        port = int(store.base_url.split(":")[2].split("/")[0])
        egress = {"allow_http": True, "allowed_networks": ["127.0.0.0/8"], "allowed_ports": [port]}
        async with running_hub(tmp_path, providers=[provider(fake.base_url)], egress=egress) as hub:
            await hub.chat.CreateChatCompletion(_with_image(f"{store.base_url}/cat.png"), metadata=hub.auth, timeout=5)
    sent = fake.seen[0].json["messages"][0]["content"][1]["image_url"]["url"]
    assert sent == "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert not any("authorization" in name.lower() for name in store.seen[0].headers)


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/x", "https://169.254.169.254/latest/meta-data", "https://[::1]/", "https://localhost/x",
     "https://2130706433/", "https://0x7f.1/", "http://10.0.0.1/", "file:///etc/passwd"],
)  # fmt: skip
async def test_private_addresses_are_refused_by_name(tmp_path: Path, url: str) -> None:
    async with (
        FakeProvider(answers(completion())) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(_with_image(url), metadata=hub.auth, timeout=5)
    told = failure(raised.value)
    assert told.code == grpc.StatusCode.INVALID_ARGUMENT
    assert told.bad_request.field_violations[0].field == FIELD
    assert not fake.seen
