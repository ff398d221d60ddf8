"""The hub command against a hub: the way a newcomer takes, from `hub serve --dev` to keys of their own."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.cli.program import PATIENCE, Ended, begin, environment, run


@dataclass
class Served:
    """A hub that was started by its command, and the folder where it left its key."""

    process: asyncio.subprocess.Process
    address: str
    folder: Path

    async def hub(self, *arguments: str, text: bytes | None = None, **more: str) -> Ended:
        """Runs a client command where `hub serve --dev` left its key."""
        return await run(self.folder, *arguments, text=text, HUB_ADDRESS=self.address, **more)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    process = await begin(tmp_path, "serve", "--dev", "--listen", "127.0.0.1:0")
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode()
        assert line.startswith("listening on ")
        yield Served(process, line.removeprefix("listening on ").strip(), tmp_path)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), PATIENCE)


async def test_a_newcomer_is_answered_without_naming_key_or_model(served: Served) -> None:
    ended = await served.hub("chat", "Hello, who is there?")
    assert (ended.out, ended.err, ended.status) == ("Hello, who is there?\n", "", 0)
    piped = await served.hub("chat", "--usage", text="grüße\n".encode())
    assert piped.out == "grüße\n"
    assert "sandbox/echo" in piped.err


async def test_every_form_of_chat(served: Served) -> None:
    whole = await served.hub("chat", "--json", "--no-stream", "hi")
    assert json.loads(whole.out)["choices"][0]["message"]["content"] == [{"text": "hi"}]
    streamed = await served.hub("chat", "--json", "-m", "sandbox/reason", "why")
    chunks = [json.loads(line) for line in streamed.out.splitlines()]
    assert "usage" in chunks[-1]
    deltas = [delta for chunk in chunks for delta in chunk["choices"]]
    assert any("reasoning" in delta for delta in deltas)
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    }
    (served.folder / "s.json").write_text(json.dumps(schema))
    fitting = await served.hub("chat", "-m", "sandbox/json", "--schema", "s.json", "hi")
    assert isinstance(json.loads(fitting.out)["name"], str)
    short = await served.hub("chat", "-m", "sandbox/story", "--max-tokens", "5", "tell me")
    assert len(short.out.split()) == 5
    assert "--max-tokens" in short.err


async def test_failures_are_one_line_with_reason_and_remedy(served: Served) -> None:
    broken = await served.hub("chat", "-m", "sandbox/cut", "hi")
    assert broken.status == 1
    assert broken.out != ""
    assert "(PROVIDER_UNAVAILABLE)" in broken.err
    for arguments, reason in (
        (["chat", "-m", "sandbox/fail-429", "hi"], "(PROVIDER_RATE_LIMITED)"),
        (["chat", "-m", "nobody/x", "hi"], "(MODEL_NOT_FOUND)"),
        (["chat", "-m", "sandbox/hang", "--deadline", "0.5", "hi"], "DEADLINE_EXCEEDED"),
        (["keys", "show", "none"], "(KEY_NOT_FOUND)"),
    ):
        ended = await served.hub(*arguments)
        assert (ended.out, ended.status) == ("", 1), arguments
        assert ended.err.startswith("error: ")
        assert ended.err.count("\n") == 1
        assert reason in ended.err or "(PROVIDER_TIMEOUT)" in ended.err
    assert "(API_KEY_INVALID)" in (await served.hub("models", HUB_API_KEY="hub_wrong")).err
    none = await served.hub("models", HUB_DATA_DIR=str(served.folder / "nowhere"))
    assert "set HUB_API_KEY" in none.err


async def test_models_and_status(served: Served) -> None:
    models = await served.hub("models")
    assert any(line.startswith("sandbox/echo ") for line in models.out.splitlines())
    fine = await served.hub("status", "sandbox/echo")
    assert (fine.out.splitlines()[0], fine.status) == ("sandbox/echo: available", 0)
    missing = await served.hub("status", "openai/gpt-5")
    assert missing.status == 1
    assert "(NO_PROVIDER)" in missing.out.splitlines()[0]


async def test_a_watch_lasts_until_the_hub_ends(served: Served) -> None:
    watch = await begin(served.folder, "status", "--watch", "--json", HUB_ADDRESS=served.address)
    assert watch.stdout is not None
    first = json.loads(await asyncio.wait_for(watch.stdout.readline(), PATIENCE))
    assert first["available"] is True
    served.process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(watch.communicate(), PATIENCE)
    assert watch.returncode == 1


async def test_the_life_of_a_key(served: Served) -> None:
    made = await served.hub("keys", "create", "--name", "ci", "--model", "sandbox/echo", "--expires", "1h")
    secret = made.out.strip()
    key_id = secret.split("_")[1]
    assert (await served.hub("chat", "hi", HUB_API_KEY=secret)).out == "hi\n"
    refused = await served.hub("chat", "-m", "sandbox/story", "hi", HUB_API_KEY=secret)
    assert "(MODEL_NOT_ALLOWED)" in refused.err
    assert "(METHOD_NOT_ALLOWED)" in (await served.hub("keys", "list", HUB_API_KEY=secret)).err
    own = json.loads((await served.hub("keys", "show", "--json", HUB_API_KEY=secret)).out)
    assert (own["id"], own["displayName"], own["allowedModels"]) == (key_id, "ci", ["sandbox/echo"])
    rotated = (await served.hub("keys", "rotate", key_id, "--grace", "1h")).out.strip()
    for works in (secret, rotated):
        assert (await served.hub("models", HUB_API_KEY=works)).status == 0
    last = (await served.hub("keys", "rotate", key_id)).out.strip()
    assert (await served.hub("models", HUB_API_KEY=rotated)).status == 1
    assert (await served.hub("keys", "revoke", key_id)).status == 0
    assert "revoked" in (await served.hub("models", HUB_API_KEY=last)).err
    listed = await served.hub("keys", "list")
    assert f"{key_id}  ci" in listed.out


async def test_a_key_made_offline_works_at_once_beside_the_running_hub(served: Served) -> None:
    """Also holds the file names of the two together."""
    made = await served.hub("keys", "create", "--admin", "--offline")
    assert made.status == 0
    async with asyncio.timeout(PATIENCE):  # the hub looks for changes of others twice a second
        while (await served.hub("keys", "list", HUB_API_KEY=made.out.strip())).status != 0:
            await asyncio.sleep(0.1)


async def test_a_hub_that_cannot_start_says_why_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "hub.yaml").write_text("lisen: 127.0.0.1:0\n")
    ended = await run(tmp_path, "serve", "--config", "hub.yaml")
    assert (ended.out, ended.status) == ("", 2)
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert "listen" in ended.err
    ended = await run(tmp_path, "serve", HUB_CONFIG="nowhere.yaml")
    assert ended.status == 2
    assert "nowhere.yaml" in ended.err


async def test_the_server_does_without_the_libraries_of_the_command_line(tmp_path: Path) -> None:
    """What `hub serve` has imported by the time it hands over to the server."""
    probe = (
        "import sys; sys.argv = ['hub', 'serve', '--config', 'none.yaml']\n"
        "from server.__main__ import main\n"
        "assert main() == 2\n"
        "print('server.app' in sys.modules, 'typer' in sys.modules, bool(sys.modules['rich']))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        probe,
        cwd=tmp_path,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert (out.decode().strip(), process.returncode) == ("True False False", 0)


async def test_what_is_spoken_into_a_pipe_is_heard(served: Served) -> None:
    speaking = await begin(served.folder, "speak", "Good morning. All well?", HUB_ADDRESS=served.address)
    sound, complaint = await asyncio.wait_for(speaking.communicate(), PATIENCE)
    assert (speaking.returncode, complaint, sound[:4]) == (0, b"", b"RIFF")
    heard = await served.hub("transcribe", "-", "--usage", text=sound)
    assert heard.out == "Good morning. All well?\n"
    assert " s of audio" in heard.err
    live = await served.hub("transcribe", "--live", "-", text=sound)
    assert live.out == "Good morning. All well?\n"


async def test_sound_in_files(served: Served) -> None:
    spoken = await served.hub("speak", "One file. Two cues.", "-o", "x.flac", "--speed", "2", "--usage")
    assert (spoken.status, spoken.out) == (0, "")
    assert "19 characters" in spoken.err
    assert (served.folder / "x.flac").read_bytes()[:4] == b"fLaC"
    srt = await served.hub("transcribe", "x.flac", "--format", "srt")
    assert srt.out.count(" --> ") == 2
    told = await served.hub("transcribe", "x.flac", "--format", "json", "--words")
    assert [word["word"] for word in json.loads(told.out)["transcript"]["words"]] == ["One", "file.", "Two", "cues."]
    await served.hub("speak", "Raw.", "--format", "pcm", "--rate", "16000", "-o", "x.pcm")
    raw = await served.hub("transcribe", "--live", "--rate", "16000", "x.pcm")
    assert raw.out == "Raw.\n"
    assert "flute" in (await served.hub("voices")).out


async def test_a_failed_call_leaves_files_as_they_were(served: Served) -> None:
    kept = served.folder / "kept.wav"
    kept.write_bytes(b"precious")
    for name in ("kept.wav", "new.wav"):
        assert (await served.hub("speak", "Hello", "-m", "sandbox/fail-500", "-o", name)).status == 1
    assert (kept.read_bytes(), (served.folder / "new.wav").exists()) == (b"precious", False)
    assert (await served.hub("speak", "Hello", "-o", "kept.wav")).status == 0
    assert kept.read_bytes()[:4] == b"RIFF"


async def test_long_texts_are_spoken_by_sentence(served: Served) -> None:
    text = "This is one sentence of many. " * 150
    speaking = await begin(
        served.folder, "speak", "-", "--speed", "4", stdin=asyncio.subprocess.PIPE, HUB_ADDRESS=served.address
    )
    sound, _ = await asyncio.wait_for(speaking.communicate(text.encode()), PATIENCE)
    heard = await served.hub("transcribe", "-", text=sound)
    assert heard.out.strip() == text.strip()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("transcribe", "nowhere.wav"), "No such file"),
        (("transcribe", "x", "--format", "docx"), "--format"),
        (("transcribe", "x", "--words"), "--words: only JSON shows them"),
        (("transcribe", "x", "--live", "--translate", "en"), "--translate: live speech is not translated"),
        (("speak", "x", "--format", "midi"), "--format"),
        (("speak", "x", "-o", "no/such/folder.wav"), "-o"),
        (("speak", "x", "-o", "x.mp3"), "options.format: sandbox does not make it"),
    ],
)
async def test_what_cannot_be_said_of_sound(served: Served, arguments: tuple[str, ...], told: str) -> None:
    ended = await served.hub(*arguments)
    assert ended.status in (1, 2)
    assert told in ended.err
    assert ended.err.startswith("error: ")


async def test_an_operator_looks_at_providers_and_switches_them(served: Served) -> None:
    listed = await served.hub("providers", "list")
    assert listed.out.split("\n")[1].split()[:4] == ["sandbox", "-", "yes", "100"]
    assert (await served.hub("providers", "off", "sandbox")).status == 0
    refused = await served.hub("chat", "hi")
    assert (refused.status, "switched off" in refused.err) == (1, True)
    weighed = await served.hub("providers", "weigh", "sandbox", "300")
    assert weighed.out.split("\n")[1].split()[:4] == ["sandbox", "-", "no", "300"]
    await served.hub("providers", "on", "sandbox")
    assert (await served.hub("chat", "hi")).out == "hi\n"
    assert (await served.hub("providers", "reload")).err == "configuration 1, unchanged\n"
    missing = await served.hub("providers", "off", "nobody")
    assert (missing.status, "there are sandbox" in missing.err) == (1, True)
