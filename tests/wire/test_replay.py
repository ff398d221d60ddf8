"""The whole run against the real hub: over the recordings, where they are, and over hand-made exchanges gone wrong."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tests.wire import normalise
from tests.wire.bench import Outcome
from tests.wire.hub import ROOT
from tests.wire.made import CALL, REQUEST, chunk, exchange, stream, whole
from tests.wire.neutral import Answer
from tests.wire.reading import read
from tests.wire.recording import Json, Recording
from tests.wire.report import DECODE_SHARE, ENCODE_SHARE, lines, score
from tests.wire.run import DEFAULT_FOLDER, Plan, run

RUN_SECONDS = 60.0

HONEST: Mapping[str, Json] = {
    "whole": exchange("whole", whole({"content": "Rain.", "reasoning_content": "Hm."})),
    "calls": exchange("calls", whole({"content": None, "tool_calls": [CALL]}, "tool_calls")),
    "streamed": exchange(
        "streamed",
        stream(chunk({"role": "assistant", "content": "Räin"}), chunk({"content": " ☂."}), chunk({}, "stop")),
    ),
    "streamed-calls": exchange(
        "streamed-calls",
        stream(
            chunk({"role": "assistant", "tool_calls": [{**CALL, "index": 0}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": " "}}]}),
            chunk({}, "tool_calls"),
        ),
    ),
    "no-request": exchange("no-request", stream(chunk({"content": "x"}, "stop"), usage=None), request=None),
    "cut": exchange("cut", stream(chunk({"content": "half"}), usage=None, end="")),
    "refused": exchange("refused", {"error": {"message": "The model is gone", "code": "model_not_found"}}, status=404),
}

# What the recording is made to say instead of what was served, and the field that must be named for it.
LIES: Mapping[str, tuple[str, tuple[bytes, bytes], str]] = {
    "lie-text": ("streamed", (" ☂.".encode(), b" sun."), "choices[0].text"),
    "lie-reasoning": ("whole", (b"Hm.", b"Ho."), "choices[0].reasoning"),
    "lie-call-name": ("calls", (b"weather", b"whether"), "choices[0].tool_calls[0].name"),
    "lie-call-arguments": ("streamed-calls", (b"Oslo", b"Rome"), "choices[0].tool_calls[0].arguments"),
    "lie-call-id": ("calls", (b"call_1", b"call_2"), "choices[0].tool_calls[0].id"),
    "lie-finish": ("streamed", (b'"stop"', b'"length"'), "choices[0].finish"),
    "lie-usage": ("whole", (b'"cached_tokens":20', b'"cached_tokens":21'), "usage.cached"),
    "lie-failure": ("refused", (b"model_not_found", b"content_filter"), "status"),
    "lie-end": ("cut", (b"data: ", b"data: [DONE]\n\ndata: "), "status"),
}

FIELD_UNKNOWN = "unknown-field"


def _lying(recording: Recording) -> Answer:
    """The reading of a copy whose bytes were changed after they were served."""
    lie = LIES.get(recording.id)
    if lie is None:
        return read(recording)
    _, (old, new), _ = lie
    assert old in recording.response_body
    return read(replace(recording, response_body=recording.response_body.replace(old, new)))


def _write(folder: Path) -> None:
    files = dict(HONEST)
    for id_, (of, _, _) in LIES.items():
        files[id_] = {**HONEST[of], "id": id_}
    files[FIELD_UNKNOWN] = exchange(FIELD_UNKNOWN, whole({"content": "x"}), request={**REQUEST, "flavour": "mint"})
    for id_, value in files.items():
        (folder / f"{id_}.json").write_bytes(orjson.dumps(value))
    (folder / "broken.json").write_text("{")
    (folder / "elsewhere.json").write_bytes(orjson.dumps({**HONEST["whole"], "id": "elsewhere", "api": "tarot"}))


@pytest.mark.slow
async def test_the_comparison_bites(tmp_path: Path) -> None:
    _write(tmp_path)
    async with asyncio.timeout(RUN_SECONDS):
        result = await run(Plan(tmp_path, seed=3, read=_lying))
    found: dict[str, Outcome] = {outcome.recording.id: outcome for outcome in result.outcomes}
    for id_ in HONEST:
        assert found[id_].decode == [], id_
        assert found[id_].encode in ([], None), id_
    for id_, (_, _, field) in LIES.items():
        assert [problem for problem in found[id_].decode if problem.startswith(f"{field}:")], (id_, found[id_].decode)
    assert found[FIELD_UNKNOWN].decode == []
    assert [problem.split(":")[0] for problem in found[FIELD_UNKNOWN].encode or ()] == ["flavour"]
    total = len(HONEST) + len(LIES) + 1
    requests = total - 1
    told = list(lines(result))
    assert told[-1] == f"wire: decode {len(HONEST) + 1}/{total} encode {requests - 1}/{requests}"
    assert not score(result.outcomes).good
    assert any(line.startswith("unreadable broken.json: not JSON") for line in told)
    assert "  tarot: openai 1" in told


@pytest.mark.slow
async def test_a_request_the_hub_changes_is_named(tmp_path: Path) -> None:
    """The same answer, but the recording claims that another request had been sent."""
    schema = {"type": "object", "properties": {"at": {}, "city": {}}}
    tool = {"type": "function", "function": {"name": "weather", "parameters": schema}}
    claims = {"temperature": 0.7, "tools": [tool], "messages": [{"role": "user", "content": "Another question"}]}
    (tmp_path / "one.json").write_bytes(orjson.dumps(exchange("one", whole({"content": "x"}))))

    def claimed(recorded: Json, *rest: Json) -> Json:
        return original({**recorded, **claims}, *rest)

    original = normalise.explain
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalise, "explain", claimed)
        async with asyncio.timeout(RUN_SECONDS):
            result = await run(Plan(tmp_path, seed=3))
    problems = [problem.split(":")[0] for problem in result.outcomes[0].encode or ()]
    assert sorted(problems) == [
        "messages[0].content",
        "temperature",
        "tools[0].function.parameters.properties.(key order)",
    ]


@pytest.mark.slow
def test_the_recordings() -> None:
    if not DEFAULT_FOLDER.is_dir():
        pytest.skip("../shared/wire is not there")
    done = subprocess.run(
        [sys.executable, "-m", "tests.wire", "--seed", "1"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'generated'}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    last = done.stdout.splitlines()[-1]
    assert last.startswith("wire: decode "), done.stderr
    decoded, encoded = (part.split("/") for part in last.split()[2::2])
    assert int(decoded[0]) >= DECODE_SHARE * int(decoded[1]), done.stdout
    assert not [line for line in done.stdout.splitlines() if line.startswith("encode ")], done.stdout
    assert int(encoded[0]) >= ENCODE_SHARE * int(encoded[1]), done.stdout
    assert done.returncode == 0, done.stdout
