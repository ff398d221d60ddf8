"""`hub image` against `hub serve --dev`: the pictures of the sandbox, in files and in pipes."""

import asyncio
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pictures import decode, solid_png
from tests.unit.cli.program import PATIENCE, Ended, begin, environment, run


@dataclass
class Served:
    address: str
    folder: Path

    async def hub(self, *arguments: str, text: bytes | None = None) -> Ended:
        return await run(self.folder, *arguments, text=text, HUB_ADDRESS=self.address)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    process = await begin(tmp_path, "serve", "--dev", "--listen", "127.0.0.1:0")
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode()
        yield Served(line.removeprefix("listening on ").strip(), tmp_path)
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), PATIENCE)


async def test_a_picture_in_a_file_with_progress_and_usage(served: Served) -> None:
    ended = await served.hub("image", "A", "lighthouse", "-o", "a.png", "--size", "96x64", "--usage")
    assert (ended.status, ended.out) == (0, "")
    assert [line.split(" after ")[0] for line in ended.err.splitlines()[:3]] == [
        "image 1: preview 1", "image 1: preview 2", "image 1: 96x64 image/png, 1 KiB, to a.png",
    ]  # fmt: skip
    assert "sandbox/draw" in ended.err
    picture = decode((served.folder / "a.png").read_bytes())
    assert (picture.kind, picture.width, picture.height) == ("png", 96, 64)


async def test_formats_by_the_files_ending_and_numbered_files(served: Served) -> None:
    for name, kind in (("b.jpg", "jpeg"), ("b.webp", "webp")):
        ended = await served.hub("image", "A boat", "-o", name, "--size", "40x24", "--previews", "0")
        assert (ended.status, len(ended.err.splitlines())) == (0, 1)
        assert decode((served.folder / name).read_bytes()).kind == kind
    ended = await served.hub("image", "A boat", "-o", "c.png", "--n", "3", "--size", "32x32")
    assert ended.status == 0
    made = [(served.folder / f"c-{number}.png").read_bytes() for number in (1, 2, 3)]
    assert len(set(made)) == 3
    assert not (served.folder / "c.png").exists()


async def test_edits_with_a_mask_through_a_pipe(served: Served) -> None:
    (served.folder / "source.png").write_bytes(solid_png(48, 48, (1, 2, 3, 255)))
    (served.folder / "mask.png").write_bytes(solid_png(48, 48, (0, 0, 0, 255)))
    process = await begin(
        served.folder, "image", "-", "--edit", "source.png", "--mask", "mask.png", "-o", "-",
        stdin=asyncio.subprocess.PIPE, HUB_ADDRESS=served.address,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(b"Paint nothing"), PATIENCE)
    assert process.returncode == 0, err
    picture = decode(out)
    assert (picture.width, picture.height) == (48, 48)
    assert {picture.pixels[n : n + 4] for n in range(0, len(picture.pixels), 4)} == {bytes((1, 2, 3, 255))}


async def test_a_large_picture_comes_in_chunks_and_whole(served: Served) -> None:
    ended = await served.hub("image", "Large", "-o", "large.webp", "--previews", "1")
    assert ended.status == 0
    data = (served.folder / "large.webp").read_bytes()
    assert len(data) > 3 * 1024 * 1024
    assert int.from_bytes(data[4:8], "little") == len(data) - 8


async def test_what_is_given_wrongly(served: Served) -> None:
    for arguments, told in (
        (("image", "x", "-o", "a.png", "--size", "3000x3000"), "'size'"),
        (("image", "x", "-o", "a.png", "--size", "wide"), "options.size"),
        (("image", "x", "-o", "a.gif", "--format", "gif"), "--format: 'gif' is none; give one of png, jpeg, webp"),
        (("image", "x", "-o", "a.gif"), "no picture is written as .gif; end FILE in one of .png, .jpg, .jpeg, .webp"),
        (("image", "x", "-o", "a.png", "--mask", "a.png"), "--mask wants a picture to change"),
        (("image", "x", "-o", "none/a.png"), "there is no folder none"),
        (("image", "x", "--n", "2"), "several pictures do not fit one pipe"),
        (("image", "", "-o", "a.png"), "there is nothing to draw"),
        (("image", "x", "-o", "a.png", "--edit", "absent.png"), "--edit: absent.png"),
        (("image", "x", "-o", "a.png", "-m", "sandbox/fail-429"), "PROVIDER_RATE_LIMITED"),
        (("image", "x", "-o", "a.png", "-m", "sandbox/echo"), "MODEL_NOT_FOUND"),
        (("image", "x", "-o", "a.png", "-m", "sandbox/garbage"), "PROVIDER_BAD_RESPONSE"),
        (("image", "x", "-o", "a.png", "-m", "sandbox/cut"), "PROVIDER_UNAVAILABLE"),
    ):
        ended = await served.hub(*arguments)
        assert ended.status in (1, 2), arguments
        assert told in ended.err, ended.err
    assert not (served.folder / "a.png").exists()


async def test_binary_does_not_go_to_a_terminal(served: Served) -> None:
    ours, theirs = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", "image", "x", cwd=served.folder,
            env=environment(HUB_ADDRESS=served.address), stdin=asyncio.subprocess.DEVNULL, stdout=theirs,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 2
    assert b"a picture is not shown on a terminal; name a file with -o FILE" in err


async def test_ctrl_c_ends_the_call(served: Served) -> None:
    process = await begin(served.folder, "image", "x", "-o", "a.png", "-m", "sandbox/hang", HUB_ADDRESS=served.address)
    await asyncio.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 130
    assert b"Traceback" not in err


async def test_the_models_that_draw_say_so(served: Served) -> None:
    listed = await served.hub("models", "--json")
    assert "MODEL_CAPABILITY_IMAGE_EDIT" in listed.out
