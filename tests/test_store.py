"""What Rung keeps between scans saves time and changes nothing: a damaged or foreign file is never believed."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rung import __version__, packs, store
from rung.cli import main

Change = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("RUNG_NO_CACHE", raising=False)
    return tmp_path / "rung"


def remember(words: list[str], key: str = "key") -> list[str]:
    return store.remembered("words", key, list[str], lambda: words)


def test_packs_are_the_same_with_and_without_what_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = packs.load_packs.__wrapped__
    fresh, again = load(), load()
    monkeypatch.setenv("RUNG_NO_CACHE", "1")

    assert fresh == again == load()
    assert [file.name[:6] for file in folder.iterdir()] == ["packs-"]


def test_kept_packs_are_read_without_parsing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = packs.load_packs.__wrapped__
    load()
    monkeypatch.setattr(packs, "_read_packs", lambda: pytest.fail("parsed again"))

    assert load().detectors


def test_a_changed_pack_is_read_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "resources").mkdir()
    pack = tmp_path / "a.yaml"
    pack.write_text("a: 1")
    monkeypatch.setattr(packs, "import_module", lambda _: type("Folder", (), {"__path__": [str(tmp_path)]}))
    before = packs._state_of_files()
    pack.write_text("a: 12")

    assert before != packs._state_of_files() != ""


def test_what_is_kept_counts_only_under_its_key(folder: Path) -> None:
    assert remember(["a"]) == remember(["b"]) == ["a"]
    assert remember(["b"], "other") == ["b"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.write_bytes(file.read_bytes().replace(b"old", b"bad")),
        lambda file: file.write_bytes(store._sum(repr(("key", __version__, [])), b"\x01") + b"\x01"),
        lambda file: file.chmod(0o666),
        lambda file: file.parent.chmod(0o777),
        lambda file: (file.rename(file.with_name("elsewhere")), file.symlink_to("elsewhere")),
        lambda file: (file.unlink(), file.mkdir()),
        lambda file: os.mkfifo(file.rename(file.with_name("aside")).with_name("words")),
    ],
    ids=["empty", "cut", "altered", "of another form", "writable", "in a writable folder", "link", "folder", "pipe"],
)
def test_a_damaged_or_foreign_file_is_not_believed(folder: Path, damage: Change) -> None:
    remember(["old"])
    damage(folder / "words")

    assert remember(["new"]) == ["new"]


def test_a_file_of_another_owner_is_not_believed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(["old"])
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    assert remember(["new"]) == ["new"]


def test_a_damaged_file_is_written_again(folder: Path) -> None:
    remember(["old"])
    (folder / "words").write_bytes(b"nonsense")
    remember(["new"])

    assert remember(["newest"]) == ["new"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "words").stat().st_mode & 0o777 == 0o600


def test_nothing_is_kept_where_that_is_impossible_or_forbidden(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUNG_NO_CACHE", "1")
    assert remember(["a"]) == ["a"]
    assert not folder.exists()

    monkeypatch.setenv("RUNG_NO_CACHE", "0")
    folder.write_text("no folder")
    assert remember(["b"]) == ["b"]


def test_writers_at_the_same_time_leave_one_whole_file(folder: Path) -> None:
    words = ["word" * 50] * 1000
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: remember(words, f"key{number % 4}"), range(64)))

    assert found == [words] * 64
    assert [file.name for file in folder.iterdir()] == ["words"]


def test_the_command_line_can_forbid_it(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUNG_NO_CACHE", "0")
    packs.load_packs.cache_clear()
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("")

    assert main(["scan", "-q", "--no-cache", str(tmp_path / "code")]) == 0
    assert not folder.exists()
