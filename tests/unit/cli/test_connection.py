from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cli.connection import Address, find_target, parse_address
from server.cli.failure import CommandFailed


@pytest.fixture(autouse=True)
def no_key_about(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HUB_API_KEY", raising=False)
    monkeypatch.delenv("HUB_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "target", "local"),
    [
        ("127.0.0.1:50051", "127.0.0.1:50051", True),
        ("localhost", "localhost:50051", True),
        ("a.localhost:1", "a.localhost:1", True),
        ("127.9.9.9:1", "127.9.9.9:1", True),
        ("[::1]:7", "[::1]:7", True),
        ("::1", "[::1]:50051", True),
        ("hub.example.com:443", "hub.example.com:443", False),
        ("localhost.example.com:443", "localhost.example.com:443", False),
        ("127.0.0.1.example.com:443", "127.0.0.1.example.com:443", False),
        ("10.0.0.1", "10.0.0.1:50051", False),
        ("0.0.0.0:50051", "0.0.0.0:50051", False),
        ("[2001:db8::1]:443", "[2001:db8::1]:443", False),
        ("unix:/run/hub.sock", "unix:/run/hub.sock", True),
        ("unix:///run/hub.sock", "unix:///run/hub.sock", True),
    ],
)
def test_reads_addresses_and_knows_which_stay_on_this_machine(text: str, target: str, local: bool) -> None:
    assert parse_address(text) == Address(target, local)


@pytest.mark.parametrize(
    "text",
    ["", ":50051", "host:", "host:0", "host:65536", "host:x", "https://hub", "a b:1", "u@h:1", "h/x:1", "unix:", "[::1",
     "[host]:1", "1:2:3", "[::1]x", "dns:///h:1", "hüb:1", "h:²"],
)  # fmt: skip
def test_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(CommandFailed, match="not an address") as refused:
        parse_address(text)
    assert refused.value.status == 2


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    with suppress(CommandFailed):
        assert parse_address(text).target


def target(address: str, key_file: Path | None = None, **switches: bool) -> object:
    chosen = {"tls": False, "insecure": False} | switches
    return find_target(address, key_file, ca_file=None, **chosen)


def test_a_key_never_goes_unencrypted_to_another_machine_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_API_KEY", "hub_x_secret")
    with pytest.raises(CommandFailed, match="--tls") as refused:
        target("hub.example.com:50051")
    assert refused.value.status == 2
    assert "hub_x_secret" not in str(refused.value)
    target("hub.example.com:50051", tls=True)
    target("hub.example.com:50051", insecure=True)
    target("127.0.0.1:50051")
    target("unix:/run/hub.sock")


def test_the_key_of_make_run_is_shown_to_this_machine_only(tmp_path: Path) -> None:
    left = tmp_path / ".hub" / "key"
    left.parent.mkdir()
    left.write_text("hub_left_by_run\n")
    left.chmod(0o600)
    here = find_target("127.0.0.1:1", None, tls=False, ca_file=None, insecure=False)
    assert here.key is not None
    assert here.key.secret == "hub_left_by_run"
    assert find_target("hub.example.com:1", None, tls=True, ca_file=None, insecure=False).key is None


def test_a_key_file_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_API_KEY", "of_environment")
    file = tmp_path / "key"
    file.write_text("of_file")
    file.chmod(0o600)
    found = find_target("localhost", file, tls=False, ca_file=None, insecure=False).key
    assert found is not None
    assert (found.secret, found.source) == ("of_file", str(file))
    assert "of_file" not in repr(found)


def test_warns_of_a_key_file_that_others_can_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "key"
    file.write_text("k")
    file.chmod(0o644)
    target("localhost", file)
    assert "chmod 600" in capsys.readouterr().err
    file.chmod(0o600)
    target("localhost", file)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"a\nb", b"caf\xe9", b"a\x00b", b"x" * 20_000])
def test_refuses_a_key_that_cannot_be_one_without_showing_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(CommandFailed, match="is not a key") as refused:
        target("localhost", file)
    assert "two words" not in str(refused.value)


def test_names_a_key_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="No such file"):
        target("localhost", tmp_path / "none")
