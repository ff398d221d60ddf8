"""The pepper file: made once, kept private, refused where it cannot be trusted."""

import os
import stat
import threading
from pathlib import Path

import pytest

from server.errors import FailedPrecondition
from server.identity.pepper import Pepper


def test_it_is_made_at_the_first_start_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "pepper"
    old = os.umask(0)
    try:
        Pepper.load(path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(path.read_bytes()) == 32
    assert list(path.parent.iterdir()) == [path]


def test_it_stays_the_same(tmp_path: Path) -> None:
    first, second = Pepper.load(tmp_path / "p"), Pepper.load(tmp_path / "p")
    assert first.digest("x") == second.digest("x")
    assert first.digest("x") != Pepper.load(tmp_path / "q").digest("x")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "empty"), (b"x" * 31, "shorter"), (b"x" * 33, "longer")], ids=["empty", "short", "long"]
)
def test_a_wrong_size_stops_the_start(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "pepper"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(FailedPrecondition, match=said) as caught:
        Pepper.load(path)
    assert caught.value.reason == "PEPPER_UNUSABLE"
    assert str(path) in caught.value.message
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o666])
def test_a_file_open_to_others_stops_the_start(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "pepper"
    Pepper.load(path)
    path.chmod(mode)
    with pytest.raises(FailedPrecondition, match="chmod 600"):
        Pepper.load(path)


def test_the_group_that_kubernetes_gives_a_volume_passes(tmp_path: Path) -> None:
    path = tmp_path / "pepper"
    made = Pepper.load(path)
    path.chmod(0o660)
    assert Pepper.load(path).digest("key") == made.digest("key")


def test_an_unusable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FailedPrecondition, match="pepper"):
        Pepper.load(tmp_path / "file" / "pepper")


def test_of_many_first_starts_one_wins(tmp_path: Path) -> None:
    digests: list[bytes] = []
    gate = threading.Barrier(8)

    def start() -> None:
        gate.wait()
        digests.append(Pepper.load(tmp_path / "pepper").digest("x"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(digests) == 8
    assert len(set(digests)) == 1


def test_it_is_never_shown() -> None:
    assert repr(Pepper(b"s" * 32)) == "Pepper()"
    with pytest.raises(ValueError, match="32"):
        Pepper(b"short")
