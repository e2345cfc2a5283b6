"""Files that a user names: what goes wrong is told by the file and in the system's words, and a trial leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rung.files import check_writable, read_bytes, read_text, reason_of, write_text
from rung.records import RungError


def test_a_file_that_can_not_be_read_is_named_once_and_without_the_number_of_the_error(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    (tmp_path / "latin").write_bytes(b"\xe9")

    for read in (read_bytes, read_text):
        with pytest.raises(RungError) as told:
            read(str(missing))
        assert str(told.value) == f"{missing}: can't be read: No such file or directory"
    with pytest.raises(RungError, match=r"latin: can't be read: it is no text in UTF-8$"):
        read_text(str(tmp_path / "latin"))


def test_an_error_without_words_of_the_system_tells_its_own() -> None:
    assert reason_of(ValueError("no such thing")) == "no such thing"


def test_whether_a_file_can_be_written_is_known_before_and_nothing_is_left(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("x")

    check_writable(tmp_path / "new" / "folder" / "file")
    check_writable(kept)
    assert os.listdir(tmp_path) == ["kept"]
    assert kept.read_text() == "x"
    for path in (kept / "below", tmp_path, Path("/proc/x.json")):
        with pytest.raises(RungError, match="can't be written"):
            check_writable(path)


def test_a_pipe_is_not_opened_for_a_trial_that_its_reader_would_take_for_the_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    check_writable(tmp_path / "pipe")


def test_a_file_is_written_with_its_folder(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b", "ü")

    assert read_text(str(tmp_path / "a" / "b")) == "ü"
    with pytest.raises(RungError, match=r"b/c: can't be written: "):
        write_text(tmp_path / "a" / "b" / "c", "")
