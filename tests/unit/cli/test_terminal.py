import io

import pytest
from aignehub.v1 import health_service_pb2
from typing_extensions import override

from server.cli.terminal import dim, enum_word, one_line, print_table, without_controls


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def test_strangers_text_cannot_command_the_terminal() -> None:
    assert without_controls("a\x1b[2J\x9b1m\x07\rb\tc\n") == "a[2J1mb\tc\n"
    assert one_line(" a\n\x1bb \r c") == "a b c"


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert dim("x", Terminal()) == "\x1b[2mx\x1b[0m"
    assert dim("x", io.StringIO()) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert dim("x", Terminal()) == "x"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert dim("x", Terminal()) == "x"


def test_columns_line_up_and_none_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "LONG"), [("value", ""), ("v\n2", "x")])
    assert capsys.readouterr().out == "A      LONG\nvalue  -\nv 2    x\n"


def test_an_enum_value_of_a_newer_hub_is_its_number() -> None:
    enum = health_service_pb2.Availability.DESCRIPTOR
    assert enum_word(enum, health_service_pb2.AVAILABILITY_RATE_LIMITED, "AVAILABILITY_") == "rate limited"
    assert enum_word(enum, 0, "AVAILABILITY_") == "not known"
    assert enum_word(enum, 77, "AVAILABILITY_") == "77"
