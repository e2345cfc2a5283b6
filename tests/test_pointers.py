"""Pointers to data that is kept elsewhere."""

from __future__ import annotations

import pytest

from rung.readers.pointers import READINGS, lfs_pointer, read_dvc_file
from rung.records import Problem, Task

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 1234567\n"


def test_a_git_lfs_pointer_states_its_size() -> None:
    assert lfs_pointer(LFS) == 1234567
    assert lfs_pointer(LFS.replace(b"\n", b"\r\n")) == 1234567


@pytest.mark.parametrize(
    "data", [b"", b"size 12\n", LFS + b"more", LFS.replace(b"sha256", b"md5"), b" " + LFS, LFS + b" " * 2000, LFS.replace(b"1234567", b"x")]
)
def test_other_bytes_are_no_pointer(data: bytes) -> None:
    assert lfs_pointer(data) is None


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("data/raw.csv.dvc", "outs:\n- md5: x\n  path: raw.csv\n", ("data/raw.csv",)),
        ("a/b.dvc", "wdir: ../data\nouts:\n- path: x\n", ("data/x",)),
        ("a/b.dvc", "outs:\n- path: ../../etc/passwd\n- path: /abs\n- path: s3://b/x\n- path: ${p}\n- path: ..\n", ()),
        ("a.dvc", "outs:\n- path: x\n- path: x\n- x\n- {}\n", ("x",)),
        ("a.dvc", "outs: x\n", ()),
    ],
)
def test_what_dvc_keeps_is_named_from_the_root_and_never_outside_it(path: str, text: str, expected: tuple[str, ...]) -> None:
    assert [task.outputs for task in read_dvc_file(path, text.encode()) if isinstance(task, Task)] == [expected]


def test_a_dvc_file_is_a_task_with_its_data_as_outputs() -> None:
    assert list(read_dvc_file("data/x.dvc", b"md5: a\nouts:\n- path: x\n")) == [
        Task(line=2, kind="dvc", name="data/x.dvc", outputs=("data/x",))
    ]


@pytest.mark.parametrize("text", [b"outs: [", b"- a\n", b"{" * 500])
def test_a_broken_dvc_file_is_a_problem(text: bytes) -> None:
    assert [type(fact) for fact in read_dvc_file("x.dvc", text)] == [Problem]


def test_dvc_files_are_claimed_but_not_the_folder_s_name() -> None:
    assert [path for path in ("a/x.dvc", "a/.dvc", ".dvc/config", "dvc.yaml") if READINGS[0].claims(path)] == ["a/x.dvc"]
