"""The log lines of calls: what they hold, that they come in time, and that none is lost."""

import asyncio
import json
import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from server.calls import CurrentCall
from server.identity.caller import Caller
from server.identity.rights import Rights
from server.interceptors.call_log import CallLog
from tests.running import until


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


async def test_a_line_tells_what_there_is_to_tell(capsys: pytest.CaptureFixture[str]) -> None:
    log = CallLog("info")
    call = CurrentCall("/t.T/m", "id-1", caller=Caller("key:a", Rights()), request_model="p/m", input_tokens=7)
    log.tell(call, "OK")
    log.tell(CurrentCall("/t.T/m", "id-2", reason="API_KEY_INVALID"), "UNAUTHENTICATED")
    log.close()
    good, bad = _lines(capsys)
    assert good.pop("duration_ms") >= 0
    assert good.pop("timestamp").endswith("Z")
    assert good == {
        "method": "/t.T/m", "code": "OK", "request_id": "id-1", "caller": "key:a", "request_model": "p/m",
        "input_tokens": 7, "event": "call", "level": "info",
    }  # fmt: skip
    assert (bad["request_id"], bad["code"], bad["reason"]) == ("id-2", "UNAUTHENTICATED", "API_KEY_INVALID")
    assert "caller" not in bad


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("info", {"UNAVAILABLE": "warning", "INTERNAL": "error", "NOT_FOUND": "info", "OK": "info"}),
        ("warning", {"UNAVAILABLE": "warning", "INTERNAL": "error"}),
        ("error", {"INTERNAL": "error"}),
    ],
)
async def test_failures_of_the_hub_are_told_as_such(
    level: str, told: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    log = CallLog(level)
    for code in ("UNAVAILABLE", "INTERNAL", "NOT_FOUND", "OK"):
        log.tell(CurrentCall("/t.T/m", "id"), code)
    log.close()
    assert {line["code"]: line["level"] for line in _lines(capsys)} == told


async def test_lines_come_by_themselves_and_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    log, seen = CallLog("debug"), list[str]()

    def come(count: int) -> bool:
        seen.extend(line["request_id"] for line in _lines(capsys))
        return len(seen) == count

    for number in range(300):
        log.tell(CurrentCall("/t.T/m", str(number)), "OK")
    assert not come(0), "a full buffer does not wait"
    await until(lambda: come(300))
    log.tell(CurrentCall("/t.T/m", "300"), "OK")
    await until(lambda: come(301))
    assert seen == [str(number) for number in range(301)]


async def test_a_line_that_cannot_be_written_costs_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    log = CallLog("info")
    log.tell(CurrentCall("/t.T/m", "id-1"), "OK")
    log.tell(CurrentCall("/t.T/m", "id-2", request_model="\ud800"), "OK")
    log.tell(CurrentCall("/t.T/m", "id-3"), "OK")
    log.close()
    first, odd, last = _lines(capsys)
    assert (first["request_id"], last["request_id"]) == ("id-1", "id-3")
    assert odd["request_model"] == "'\\ud800'"


async def test_calls_go_on_where_nobody_reads_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb", buffering=0) as nobody:
        monkeypatch.setattr(sys, "stderr", SimpleNamespace(buffer=nobody))
        log = CallLog("info")
        log.tell(CurrentCall("/t.T/m", "id-1"), "OK")
        log.close()
        with pytest.raises(BrokenPipeError):
            nobody.write(b"x")


@pytest.mark.parametrize("level", ["warning", "error"])
async def test_at_other_levels_nothing_is_told(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    log = CallLog(level)
    log.tell(CurrentCall("/t.T/m", "x"), "OK")
    await asyncio.sleep(0)
    log.close()
    assert not _lines(capsys)
