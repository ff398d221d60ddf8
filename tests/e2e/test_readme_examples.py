"""The README's programs run as they are printed, against a hub as `make run` starts it."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from tests.running import running_hub

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = [
    program
    for program in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    if "import grpc" in program
]
PRINTED = {
    "ChatServiceStub": r"\d+ tokens, request \w+\n",
    "EmbeddingServiceStub": r"256 dimensions, cosine 0\.\d+\n(batch \d 2 vectors\n){3}",
    "ImageServiceStub": r"preview 0\npreview 1\n\d+ bytes, \d+ tokens\n",
    "AudioServiceStub": r"^Good morning\n",
}


def test_every_service_of_models_has_a_program() -> None:
    assert [sum(f"import {stub}" in program for program in PROGRAMS) for stub in PRINTED] == [1] * len(PRINTED)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: re.findall(r"import (\w+)Stub", program)[0])
async def test_a_program_does_what_it_says(tmp_path: Path, program: str) -> None:
    async with running_hub(tmp_path, sandbox=True, auth={}) as hub:
        (tmp_path / ".hub").mkdir()
        (tmp_path / ".hub" / "key").write_text(hub.admin_key)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program.replace("127.0.0.1:50051", hub.address), cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT / "generated"), "PATH": "/usr/bin:/bin"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, err.decode()) == (0, "")
    [wanted] = [pattern for stub, pattern in PRINTED.items() if stub in program]
    assert re.search(wanted, out.decode()), out.decode()
