"""Who fetches a caller's URL: a public provider itself, the hub for one inside."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

import pytest
from aignehub.v1.chat_pb2 import ROLE_USER, ContentPart
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from aignehub.v1.media_pb2 import Media

from server.backends.media import CallerMedia, passes_of
from server.errors import InvalidArgument, UrlRefused
from server.providers.registry import PROVIDERS
from server.transport.guard import EgressGuard
from server.transport.settings import EgressSettings
from server.wire.by_model import codec_of
from tests.unit.transport.servers import Peer, RawServer, serving, soon

INSIDE = "http://10.1.2.3:8000/v1"
OUTSIDE = "https://api.example/v1"
BODIES = {
    "/a.png": b"\x89PNG\r\n\x1a\n" + b"a" * 50,
    "/b.wav": b"RIFF\x24\0\0\0WAVEfmt " + b"b" * 50,
    "/c.mp4": b"\0\0\0\x18ftypmp42" + b"c" * 50,
    "/d.pdf": b"%PDF-1.7" + b"d" * 50,
}


async def library(peer: Peer) -> None:
    while True:
        line, headers, _ = await peer.request()
        assert "authorization" not in headers
        path = line.split()[1]
        if path in BODIES:
            await peer.answer(BODIES[path])
        else:
            await peer.answer(status="404 Not Found")


async def public(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"] if host == "cat.example" else ["93.184.216.34"]


def guard(server: RawServer | None = None) -> EgressGuard:
    ports = frozenset({443, server.port}) if server else frozenset({443})
    networks = (ip_network("127.0.0.1/32"),) if server else ()
    settings = EgressSettings(allow_http=True, allowed_ports=ports, allowed_networks=networks)
    return EgressGuard(settings, resolve=public)


def conversation(*parts: ContentPart) -> CreateChatCompletionRequest:
    request = CreateChatCompletionRequest(model="m")
    message = request.messages.add(role=ROLE_USER)
    message.content.add(text="look")
    message.content.extend(parts)
    return request


def part(kind: str, **media: Any) -> ContentPart:
    made = ContentPart()
    for name, value in media.items():
        setattr(getattr(made, kind).media, name, value)
    return made


async def test_every_kind_of_part_is_fetched_for_a_provider_inside() -> None:
    async with serving(library) as server, guard(server) as fetching:
        at = f"http://cat.example:{server.port}"
        request = conversation(
            part("image", url=at + "/a.png"),
            part("audio", url=at + "/b.wav"),
            part("video", url=at + "/c.mp4"),
            part("file", url=at + "/d.pdf", filename="d.pdf", mime_type="application/x-mine"),
            part("image", data=b"given", mime_type="image/png"),
            part("file", file_id="file-1"),
        )
        before = request.SerializeToString(deterministic=True)
        sent = await CallerMedia(fetching).inline(request, base_url=INSIDE, deadline=soon(5))
    assert request.SerializeToString(deterministic=True) == before
    content = sent.messages[0].content
    assert content[0].text == "look"
    assert (content[1].image.media.data, content[1].image.media.mime_type) == (BODIES["/a.png"], "image/png")
    assert (content[2].audio.media.data, content[2].audio.media.mime_type) == (BODIES["/b.wav"], "audio/wav")
    assert (content[3].video.media.data, content[3].video.media.mime_type) == (BODIES["/c.mp4"], "video/mp4")
    assert (content[4].file.media.data, content[4].file.media.mime_type) == (BODIES["/d.pdf"], "application/x-mine")
    assert content[4].file.media.filename == "d.pdf"
    assert content[5].image.media.data == b"given"
    assert content[6].file.media.file_id == "file-1"


async def test_a_request_without_urls_is_left_alone_and_nothing_is_looked_up() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        raise AssertionError(host)

    request = conversation(part("image", data=b"given", mime_type="image/png"))
    media = CallerMedia(EgressGuard(EgressSettings(), resolve=never))
    assert await media.inline(request, base_url="http://inside", deadline=soon(5)) is request


async def test_a_public_provider_gets_the_url_itself() -> None:
    request = conversation(part("image", url="https://cat.example/a.png"), part("file", url="gs://bucket/o"))
    async with guard() as fetching:
        assert await CallerMedia(fetching).inline(request, base_url=OUTSIDE, deadline=soon(5)) is request


async def test_what_a_provider_does_not_read_by_url_is_fetched_and_the_rest_left_to_it() -> None:
    def passes(kind: str, media: Media) -> bool:
        return kind == "video" or media.url.startswith("gs:")

    async with serving(library) as server, guard(server) as fetching:
        at = f"http://cat.example:{server.port}"
        stored, seen = part("file", url="gs://bucket/o"), part("video", url="http://video.example/c.mp4")
        request = conversation(part("image", url=at + "/a.png"), stored, seen)
        media = CallerMedia(fetching)
        sent = await media.inline(request, base_url=OUTSIDE, deadline=soon(5), passes=passes)
        content = sent.messages[0].content
        assert content[1].image.media.data == BODIES["/a.png"]
        assert list(content[2:]) == [stored, seen]
        # One inside is to ask no neighbour, but nobody else could read its store.
        near = conversation(part("video", url=at.replace("http", "HTTP") + "/c.mp4"), stored)
        inside = await media.inline(near, base_url=INSIDE, deadline=soon(5), passes=passes)
        assert inside.messages[0].content[1].video.media.data == BODIES["/c.mp4"]
        assert inside.messages[0].content[2] == stored
        untouched = conversation(stored, seen)
        assert await media.inline(untouched, base_url=OUTSIDE, deadline=soon(5), passes=passes) is untouched


async def test_openai_gets_a_picture_by_its_address_and_a_document_or_sound_as_bytes() -> None:
    chat = PROVIDERS["openai"].chat
    assert chat
    passes = passes_of(codec_of(chat({}), "gpt-4.1"), "gpt-4.1")
    async with serving(library) as server, guard(server) as fetching:
        at = f"http://cat.example:{server.port}"
        seen = part("image", url="https://93.184.216.34/a.png")
        request = conversation(seen, part("file", url=at + "/d.pdf"), part("audio", url=at + "/b.wav"))
        sent = await CallerMedia(fetching).inline(request, base_url=OUTSIDE, deadline=soon(5), passes=passes)
    content = sent.messages[0].content
    assert content[1] == seen
    assert content[2].file.media.data == BODIES["/d.pdf"]
    assert content[3].audio.media.data == BODIES["/b.wav"]


@pytest.mark.parametrize("url", ["https://localhost/a.png", "http://169.254.169.254/", "https://[::1]/", "file:///etc"])
@pytest.mark.parametrize("base_url", [INSIDE, OUTSIDE])
async def test_a_place_inside_is_refused_for_every_provider(url: str, base_url: str) -> None:
    request = conversation(part("image", data=b"x"), part("image", url=url))
    async with guard() as fetching:
        with pytest.raises(UrlRefused) as caught:
            await CallerMedia(fetching).inline(request, base_url=base_url, deadline=soon(5))
    assert caught.value.fields[0].field == "messages[0].content[2].image.media.url"


async def test_what_a_url_does_not_hold_names_its_field() -> None:
    async with serving(library) as server, guard(server) as fetching:
        at = f"http://cat.example:{server.port}"
        for kind, path, why in [
            ("image", "/none", "status 404"),
            ("image", "/d.pdf", "is application/pdf, not image/"),
        ]:
            request = conversation(part("audio", url=at + "/b.wav"), part(kind, url=at + path))
            with pytest.raises(InvalidArgument, match=why) as caught:
                await CallerMedia(fetching).inline(request, base_url=INSIDE, deadline=soon(5))
            assert caught.value.fields[0].field == "messages[0].content[2].image.media.url"


async def test_all_urls_of_a_request_share_one_bound() -> None:
    async with serving(library) as server, guard(server) as fetching:
        urls = [part("image", url=f"http://cat.example:{server.port}/a.png") for _ in range(5)]
        size = len(BODIES["/a.png"])
        enough = CallerMedia(fetching, max_total_bytes=5 * size)
        await enough.inline(conversation(*urls), base_url=INSIDE, deadline=soon(5))
        short = CallerMedia(fetching, max_total_bytes=5 * size - 1)
        with pytest.raises(InvalidArgument, match=r"image\.media\.url: .*(more|longer) than"):
            await short.inline(conversation(*urls), base_url=INSIDE, deadline=soon(5))
        small = CallerMedia(fetching, max_each_bytes=size - 1)
        with pytest.raises(InvalidArgument, match=f"longer than {size - 1} bytes"):
            await small.inline(conversation(urls[0]), base_url=INSIDE, deadline=soon(5))


async def test_urls_are_fetched_side_by_side_and_cancelled_together() -> None:
    arrived = 0

    async def hang(peer: Peer) -> None:
        nonlocal arrived
        await peer.request()
        arrived += 1
        await peer.gone()

    async with serving(hang) as server, guard(server) as fetching:
        urls = [part("image", url=f"http://cat.example:{server.port}/{number}") for number in range(4)]
        task = asyncio.ensure_future(
            CallerMedia(fetching).inline(conversation(*urls), base_url=INSIDE, deadline=soon(5))
        )
        await server.accepted(4)
        await asyncio.sleep(0.05)
        assert arrived == 4
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for peer in server.peers:
            await asyncio.wait_for(peer.closed.wait(), 0.2)
        assert not [one for one in asyncio.all_tasks() if "CallerMedia._fetch" in repr(one)]
