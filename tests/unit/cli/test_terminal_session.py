"""What only shows on a terminal, or when somebody leaves: conversations, colours, Ctrl-C, closed pipes."""

import asyncio
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from aignehub.v1 import chat_pb2, chat_service_pb2

from tests.unit.cli.conftest import RunningHub
from tests.unit.cli.program import PATIENCE, begin, environment

CTRL_C, CTRL_D = "\x03", "\x04"
# A typed Ctrl-C becomes a signal only to those whose controlling terminal it is.
OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.executable, [sys.executable, '-m', 'server', *sys.argv[1:]])"
)


class Session:
    """A command on a terminal of its own, Ctrl-C and all."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int) -> None:
        self.process = process
        self.seen = ""
        self._terminal = terminal
        self._more = asyncio.Event()
        asyncio.get_running_loop().add_reader(terminal, self._read)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    async def until(self, text: str) -> str:
        """Waits for a text; everything up to its end, which is then forgotten."""
        async with asyncio.timeout(PATIENCE):
            while text not in self.seen:
                self._more.clear()
                await self._more.wait()
        at = self.seen.index(text) + len(text)
        before, self.seen = self.seen[:at], self.seen[at:]
        return before

    async def interrupt_prompt(self) -> None:
        """Types Ctrl-C at a prompt until it is noticed.

        CPython's readline looks for signals once its select() was interrupted: one that comes between the prompt
        and the select() waits for the next key. No hand is that fast, but a test is.
        """
        async with asyncio.timeout(PATIENCE):
            while "Ctrl-D or /exit" not in self.seen:
                self.type(CTRL_C)
                await asyncio.sleep(0.2)
        await self.until("Ctrl-D or /exit")
        await self.until("> ")

    async def end(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    def _read(self) -> None:
        # Linux answers EIO once the last process on the terminal has gone.
        data = b""
        with suppress(OSError):
            data = os.read(self._terminal, 65536)
        if not data:
            asyncio.get_running_loop().remove_reader(self._terminal)
        self.seen += data.decode(errors="replace")
        self._more.set()

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._terminal)
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        os.close(self._terminal)


Start = Callable[..., Awaitable[Session]]


@pytest.fixture
async def start(hub: RunningHub, tmp_path: Path) -> AsyncIterator[Start]:
    sessions: list[Session] = []

    async def begin_on_terminal(*arguments: str, **more: str) -> Session:
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", OWN_TERMINAL, *arguments,
            cwd=tmp_path, env=environment(HUB_ADDRESS=hub.address, **{"TERM": "xterm"} | more),
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        sessions.append(Session(process, ours))
        return sessions[-1]

    yield begin_on_terminal
    for session in sessions:
        await session.close()


async def test_a_conversation_remembers(hub: RunningHub, start: Start) -> None:
    session = await start("chat", "-m", "echo", "--system", "be kind")
    await session.until("> ")
    session.type("first\n")
    await session.until("first \r\n")
    await session.until("> ")
    session.type("second\n")
    await session.until("second \r\n")
    await session.until("> ")
    session.type("/exit\n")
    assert await session.end() == 0
    last = hub.stand_in.requests[-1]
    assert isinstance(last, chat_service_pb2.CreateChatCompletionRequest)
    assert [(m.role, m.content[0].text) for m in last.messages] == [
        (chat_pb2.ROLE_SYSTEM, "be kind"),
        (chat_pb2.ROLE_USER, "first"),
        (chat_pb2.ROLE_ASSISTANT, "first "),
        (chat_pb2.ROLE_USER, "second"),
    ]


async def test_ctrl_c_stops_the_answer_and_keeps_the_conversation(hub: RunningHub, start: Start) -> None:
    session = await start("chat", "-m", "slow")
    await session.until("> ")
    session.type("word more\n")
    await session.until("word more\r\n")
    await session.until("word ")
    session.type(CTRL_C)
    async with asyncio.timeout(PATIENCE):
        await hub.stand_in.cancelled.wait()
    await session.until("stopped")
    await session.until("> ")
    await session.interrupt_prompt()
    session.type("again more\n")
    await session.until("again more\r\n")
    await session.until("again ")
    session.type(CTRL_C)
    await session.until("stopped")
    await session.until("> ")
    session.type(CTRL_D)
    assert await session.end() == 0
    last = hub.stand_in.requests[-1]
    assert isinstance(last, chat_service_pb2.CreateChatCompletionRequest)
    assert [m.content[0].text for m in last.messages] == ["word more", "word ", "again more"]


async def test_a_failed_question_is_forgotten_and_the_conversation_goes_on(hub: RunningHub, start: Start) -> None:
    session = await start("chat", "-m", "refuse")
    await session.until("> ")
    for _ in range(2):
        session.type("hi\n")
        await session.until("(PROVIDER_RATE_LIMITED)")
        await session.until("> ")
    session.type("/exit\n")
    assert await session.end() == 0
    for request in hub.stand_in.requests:
        assert isinstance(request, chat_service_pb2.CreateChatCompletionRequest)
        assert len(request.messages) == 1


async def test_clear_forgets_and_keeps_the_instructions(hub: RunningHub, start: Start) -> None:
    session = await start("chat", "--system", "be kind")
    await session.until("> ")
    session.type("one\n")
    await session.until("one \r\n")
    await session.until("> ")
    session.type("/clear\n")
    await session.until("> ")
    session.type("two\n")
    await session.until("two \r\n")
    await session.until("> ")
    session.type(CTRL_D)
    assert await session.end() == 0
    last = hub.stand_in.requests[-1]
    assert isinstance(last, chat_service_pb2.CreateChatCompletionRequest)
    assert [m.content[0].text for m in last.messages] == ["be kind", "two"]


async def test_reasoning_is_dimmed_and_apart_from_the_answer(start: Start) -> None:
    session = await start("chat", "-m", "think", "hi")
    await session.end()
    assert "\x1b[2mlet me see\x1b[0m\r\n\r\nhi " in await session.until("hi ")


async def test_no_color_means_no_escape_at_all(start: Start) -> None:
    session = await start("chat", "-m", "think", "hi", NO_COLOR="1")
    await session.end()
    assert "let me see\r\n\r\nhi \r\n" in await session.until("seed\r\n")
    session = await start("models", NO_COLOR="1")
    await session.end()
    assert "\x1b" not in await session.until("b/three")


async def test_an_answer_cannot_command_the_terminal(start: Start) -> None:
    session = await start("chat", "-m", "sly", "hi", NO_COLOR="1")
    await session.end()
    assert "\x1b" not in await session.until("seed\r\n")


async def test_ctrl_c_ends_a_single_question_with_130(hub: RunningHub, start: Start) -> None:
    session = await start("chat", "-m", "slow", "word more")
    await session.until("word ")
    session.type(CTRL_C)
    assert await session.end() == 130
    async with asyncio.timeout(PATIENCE):
        await hub.stand_in.cancelled.wait()
    assert "Traceback" not in session.seen


async def test_an_interrupt_in_a_pipe_ends_with_130_and_what_came_so_far(hub: RunningHub, tmp_path: Path) -> None:
    process = await begin(tmp_path, "chat", "-m", "slow", "word more", HUB_ADDRESS=hub.address)
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert await process.stdout.readexactly(5) == b"word "
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (out, err, process.returncode) == (b"\n", b"", 130)


async def test_a_reader_that_leaves_is_no_error(hub: RunningHub, tmp_path: Path) -> None:
    process = await begin(tmp_path, "chat", stdin=asyncio.subprocess.PIPE, HUB_ADDRESS=hub.address)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(b"word " * 50_000)
    process.stdin.close()
    async with asyncio.timeout(PATIENCE):
        assert await process.stdout.readexactly(5) == b"word "
        process.stdout._transport.close()  # type: ignore[attr-defined] # as `| head -c5` would
        err = await process.stderr.read()
        assert (err, await process.wait()) == (b"", 141)
