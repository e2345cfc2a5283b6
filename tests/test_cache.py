"""What is kept between scans saves time and changes nothing: damaged, foreign or outdated facts are never believed."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from rung import cache
from rung.cache import Cache, Content, cache_of
from rung.cli import DONE, USAGE, main
from rung.history import Asked, history_of
from rung.packs import load_packs
from rung.readers import Readers
from rung.records import Call, Command, Fact, Hit, Import, Literal, Problem, Role, SourceFile, Task
from rung.scan import scan_path
from rung.targets.target import Entry, Target
from rung.targets.worktree import WorkTree
from tests.cases import FIXTURES
from tests.hostile import git
from tests.repositories import commit

SCENARIOS = sorted(folder for folder in (FIXTURES / "scenarios").iterdir() if folder.is_dir())
CONTENT = Content("train.py", 12, "a" * 40)
FACTS: tuple[Fact, ...] = (
    Call(line=1, name="mlflow.log_metric", arguments=("a", "1"), keywords=(("step", ""),), end_line=2),
    Import(line=0, module="mlflow"),
    Call(line=3, name="b"),
    Task(line=4, kind="make", name="all", commands=(Command(line=5, words=("pytest", "-q"), toothless=True),), needs=("x",)),
)
FILE = SourceFile(
    path="train.py",
    size=12,
    role=Role.TEST,
    lfs=True,
    facts=FACTS,
    hits=(Hit("a/b", 3, modules=(("mlflow",),)), Hit("a/starts/b", 5, fact=3, command=0, toothless=True)),
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RUNG_NO_CACHE")
    return tmp_path / "cache" / "rung"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of files that are read anew."""
    paths: list[str] = []
    real = Readers.read_and_name

    def noted(self: Readers, target: Target, entry: Entry) -> tuple[SourceFile, str]:
        paths.append(entry.path)
        return real(self, target, entry)

    monkeypatch.setattr(Readers, "read_and_name", noted)
    return paths


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["scan", "--format", "json", *arguments]) == DONE
    return re.sub(r'"generated_at": "[^"]*"', '"generated_at": ""', capsys.readouterr().out)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda folder: folder.name)
def test_a_warm_scan_gives_the_same_bytes_as_a_cold_one(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    system = str(commit(shutil.copytree(scenario, tmp_path / "system")))

    without = report(capsys, "--no-cache", system)
    assert not folder.exists()
    os.environ.pop("RUNG_NO_CACHE")
    cold, warm, revision = report(capsys, system), report(capsys, system), report(capsys, f"{system}@HEAD")

    assert without == cold == warm
    assert [item["id"] for item in json.loads(revision)["evidence"]] == [item["id"] for item in json.loads(warm)["evidence"]]


@pytest.fixture
def system(tmp_path: Path) -> Path:
    place = tmp_path / "system"
    place.mkdir()
    (place / "train.py").write_text("import mlflow\nmlflow.log_metric('a', 1)\n")
    (place / "Makefile").write_text("test:\n\tpytest\n")
    return place


@pytest.mark.parametrize("in_git", [True, False])
def test_only_what_changed_is_read_again(system: Path, read: list[str], in_git: bool) -> None:
    if in_git:
        commit(system)
    scan_path(str(system))
    assert sorted(read) == ["Makefile", "train.py"]
    read.clear()
    scan_path(str(system))
    assert read == []

    (system / "train.py").write_text("import wandb\nwandb.init()\nwandb.log({'a': 1})\n")
    tools = {item.tool for item in scan_path(str(system)).evidence}
    assert read == ["train.py"]
    assert "MLflow" not in tools


def test_a_revision_gives_what_the_work_tree_kept(system: Path, read: list[str]) -> None:
    scan_path(str(commit(system)))
    read.clear()

    scan_path(str(system), revision="HEAD")

    assert read == []


@pytest.mark.parametrize("processors", [1, 2])
def test_a_history_keeps_what_it_reads_whoever_reads_it(
    system: Path, read: list[str], monkeypatch: pytest.MonkeyPatch, processors: int
) -> None:
    monkeypatch.setattr("rung.history.PARALLEL_FROM", 2)
    monkeypatch.setattr("rung.sharing.os.cpu_count", lambda: processors)
    for index in range(6):
        (system / "train.py").write_text(f"import mlflow\nmlflow.log_metric('a', {index})\n")
        commit(system)
    history_of(Asked(target=str(system), by="commits"))
    read.clear()

    for index in range(6):
        scan_path(str(system), revision=f"HEAD~{index}")

    assert read == []


def test_a_tree_that_is_as_it_was_is_neither_read_nor_asked_about(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (system / "logo.png").write_bytes(b"\x89PNG" * 1000)
    (system / "link.py").symlink_to("train.py")
    cold = scan_path(str(commit(system)))
    looked: list[str] = []
    monkeypatch.setattr(Readers, "opens", lambda _, path: looked.append(path))
    monkeypatch.setattr(WorkTree, "read", lambda _, path: looked.append(path))

    warm = scan_path(str(system))

    assert looked == []
    assert warm.evidence == cold.evidence
    assert {item.excerpt for item in warm.evidence} >= {"mlflow.log_metric('a', 1)"}


def test_an_index_that_lies_puts_no_facts_under_another_content(system: Path, read: list[str]) -> None:
    content = (system / "train.py").read_text()
    commit(system)
    state = (system / "train.py").stat()
    (system / "train.py").write_text(content.replace("mlflow", "wandb_"))
    os.utime(system / "train.py", ns=(state.st_atime_ns, state.st_mtime_ns))
    scan_path(str(system))
    git(system, "checkout", "-q", "-f", "HEAD")
    read.clear()

    assert "MLflow" in {item.tool for item in scan_path(str(system), revision="HEAD").evidence}
    assert "train.py" in read


def test_facts_that_may_wait_are_written_with_others_or_when_that_is_asked() -> None:
    waiting = Cache("x", waiting=1)
    more = replace(CONTENT, path="b.py"), replace(FILE, path="b.py")

    waiting.keep([(CONTENT, FILE)])
    assert Cache("x").find([CONTENT]) == {}
    waiting.keep([more])
    assert sorted(Cache("x").find([CONTENT, more[0]])) == ["b.py", "train.py"]

    waiting.keep([(replace(CONTENT, path="c.py"), replace(FILE, path="c.py"))])
    waiting.write()
    assert list(Cache("x").find([replace(CONTENT, path="c.py")])) == ["c.py"]


def test_facts_come_back_as_they_were() -> None:
    Cache("x").keep([(CONTENT, FILE)])

    assert Cache("x").find([CONTENT]) == {"train.py": FILE}


@pytest.mark.parametrize(
    "other",
    [replace(CONTENT, path="tests/train.py"), replace(CONTENT, size=13), replace(CONTENT, blob="b" * 40)],
    ids=["path", "size", "content"],
)
def test_facts_are_of_one_path_and_content(other: Content) -> None:
    Cache("x").keep([(CONTENT, FILE)])

    assert Cache("x").find([other]) == {}


def test_facts_are_of_one_version_and_one_set_of_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    Cache("x").keep([(CONTENT, FILE)])

    assert Cache("y").find([CONTENT]) == {}
    for name, value in {"__version__": "9", "_state_of_readers": lambda: ("changed",)}.items():
        with monkeypatch.context() as other:
            other.setattr(cache, name, value)
            assert Cache("x").find([CONTENT]) == {}


@pytest.mark.parametrize(
    "file",
    [
        replace(FILE, unread="gone since it was listed"),
        replace(FILE, facts=(Problem(line=0, what="nested too deep"),)),
        replace(FILE, facts=(Literal(line=1, value="\ud800"),)),
    ],
    ids=["unread", "not read whole", "no text"],
)
def test_what_may_be_read_better_another_time_is_not_kept(file: SourceFile) -> None:
    Cache("x").keep([(CONTENT, file)])

    assert Cache("x").find([CONTENT]) == {}


def altered(column: str, value: str) -> Callable[[Path], None]:
    def alter(file: Path) -> None:
        with sqlite3.connect(file) as database:
            database.execute(f"UPDATE facts SET {column} = {value}")
        database.close()

    return alter


def other_table(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE facts (a)")
    database.close()
    file.chmod(0o600)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b"nonsense" * 1000),
        lambda file: file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 8192),
        lambda file: file.write_bytes(b""),
        other_table,
        altered("content", "zeroblob(100)"),
        altered("content", "'text'"),
        altered("key", "zeroblob(16)"),
    ],
    ids=["no database", "overwritten", "empty", "of another form", "altered", "no bytes", "another key"],
)
def test_a_damaged_file_is_a_miss_and_is_built_again(folder: Path, damage: Callable[[Path], object]) -> None:
    Cache("x").keep([(CONTENT, FILE)])
    damage(folder / "facts.sqlite")

    assert Cache("x").find([CONTENT]) == {}
    Cache("x").keep([(CONTENT, FILE)])
    assert Cache("x").find([CONTENT]) == {"train.py": FILE}


def test_damage_that_is_met_when_writing_is_repaired_at_once(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "facts.sqlite").write_bytes(b"nonsense" * 1000)
    (folder / "facts.sqlite").chmod(0o600)
    Cache("x").keep([(CONTENT, FILE)])

    assert Cache("x").find([CONTENT]) == {"train.py": FILE}


def test_content_of_another_form_is_a_miss() -> None:
    key = b"k" * 16
    assert cache._unpacked(key, cache._sum(key, b"\x01") + b"\x01") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.chmod(0o666),
        lambda file: file.chmod(0o620),
        lambda file: file.parent.chmod(0o777),
        lambda file: (file.rename(file.with_name("elsewhere")), file.symlink_to("elsewhere")),
        lambda file: (file.unlink(), file.mkdir()),
        lambda file: os.mkfifo(file.rename(file.with_name("aside")).with_name("facts.sqlite")),
    ],
    ids=["writable", "by the group", "in a writable folder", "link", "folder", "pipe"],
)
def test_a_file_that_others_could_have_written_is_not_used(folder: Path, change: Callable[[Path], object]) -> None:
    Cache("x").keep([(CONTENT, FILE)])
    change(folder / "facts.sqlite")

    assert Cache("x").find([CONTENT]) == {}
    Cache("x").keep([(CONTENT, FILE)])
    assert Cache("x").find([CONTENT]) == {}


def test_a_file_of_another_owner_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    Cache("x").keep([(CONTENT, FILE)])
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    assert Cache("x").find([CONTENT]) == {}


def test_nobody_else_can_read_what_is_kept_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        Cache("x").keep([(CONTENT, FILE)])
    finally:
        os.umask(before)

    assert [place.stat().st_mode & 0o777 for place in (folder, folder / "facts.sqlite")] == [0o700, 0o600]
    assert Cache("x").find([CONTENT])


def test_a_locked_file_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_BUSY_SECONDS", 0.01)
    Cache("x").keep([(CONTENT, FILE)])
    other = sqlite3.connect(folder / "facts.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    Cache("x").keep([(replace(CONTENT, path="b.py"), replace(FILE, path="b.py"))])
    other.execute("COMMIT")
    other.close()

    assert list(Cache("x").find([CONTENT, replace(CONTENT, path="b.py")])) == ["train.py"]


def test_what_was_not_used_for_longest_goes_first(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(cache, "MOST_BYTES", 1024 * 1024)
    contents = [Content(f"{number}.py", 1, "a" * 40) for number in range(40)]
    day = 0
    monkeypatch.setattr(time, "time", lambda: day * 24 * 60 * 60.0)
    for content in contents:
        day += 1
        literals = tuple(Literal(line=line, value=os.urandom(50).hex()) for line in range(1000))
        Cache("x").keep([(content, SourceFile(path=content.path, size=1, facts=literals))])
        Cache("x").find(contents[:1])
    found = Cache("x").find(contents)

    assert 3 < len(found) < 30
    assert set(found) == {content.path for content in (contents[0], *contents[-len(found) + 1 :])}
    assert (folder / "facts.sqlite").stat().st_size < 1.5 * 1024 * 1024


def test_scans_at_the_same_time_leave_one_whole_file(system: Path, read: list[str], folder: Path) -> None:
    code = "import sys; from rung.scan import scan_path; print(sorted(item.id for item in scan_path(sys.argv[1]).evidence))"
    command = [sys.executable, "-c", code, str(system)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    results = [process.communicate() for process in running]

    assert {errors for _, errors in results} == {""}
    assert len({output for output, _ in results}) == 1
    scan_path(str(system))
    assert read == []
    with sqlite3.connect(folder / "facts.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_nothing_is_kept_where_it_is_forbidden_or_impossible(system: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNG_NO_CACHE", "1")
    expected = scan_path(str(system)).evidence
    assert cache_of(load_packs().digest) is None
    assert not folder.exists()

    monkeypatch.setenv("RUNG_NO_CACHE", "0")
    folder.parent.mkdir()
    folder.write_text("no folder")
    assert scan_path(str(system)).evidence == expected


def test_the_cache_is_shown_and_cleared(system: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan_path(str(system))
    (folder / "clones" / "a.git").mkdir(parents=True)
    (folder / "clones" / "a.git" / "pack").write_bytes(b"x" * 1024 * 1024)

    assert main(["cache"]) == DONE
    assert re.findall(r"facts of 2 files|1 fetched repositories, 1\.0 MiB", capsys.readouterr().out) == [
        "facts of 2 files",
        "1 fetched repositories, 1.0 MiB",
    ]
    assert main(["cache", "clear"]) == DONE
    assert not folder.exists()
    assert main(["cache", "clear"]) == main(["cache", "info"]) == DONE
    assert "facts of 0 files" in capsys.readouterr().out


def test_a_cache_that_cannot_be_cleared_is_named(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.parent.mkdir()
    folder.symlink_to(tmp_path)

    assert main(["cache", "clear"]) == USAGE
    assert f"{folder}: can't be removed" in capsys.readouterr().err
    assert tmp_path.is_dir()
