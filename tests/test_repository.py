from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rung.records import TargetInfo
from rung.targets.git import Git
from rung.targets.repository import branches_of, remote_of
from rung.targets.worktree import open_worktree
from tests.hostile import git


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with three branches, of which `trunk` is the default; read only."""
    folder = tmp_path_factory.mktemp("origin") / "origin"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "trunk")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")
    git(folder, "commit", "-q", "--allow-empty", "-m", "y")
    git(folder, "branch", "dev")
    git(folder, "branch", "feature/ü")
    return folder


def known(info: TargetInfo) -> tuple[str, str, bool]:
    return info.default_branch, " ".join(info.branches), info.branches_complete


@pytest.mark.parametrize(
    ("clone", "known_branches"),
    [
        ("clone -q URL copy", ("trunk", "dev feature/ü trunk", True)),
        ("clone -q -o upstream URL copy", ("trunk", "dev feature/ü trunk", True)),
        ("clone -q --single-branch URL copy", ("trunk", "trunk", False)),
        ("clone -q --single-branch -b dev URL copy", ("", "dev", False)),
        ("clone -q --depth=1 URL copy", ("trunk", "trunk", False)),
        ("clone -q --depth=1 --no-single-branch URL copy", ("trunk", "dev feature/ü trunk", False)),
    ],
)
def test_the_branches_of_a_clone_are_those_that_it_fetched(
    tmp_path: Path, origin: Path, clone: str, known_branches: tuple[str, str, bool]
) -> None:
    git(tmp_path, *clone.replace("URL", f"file://{origin}").split())
    assert known(open_worktree(str(tmp_path / "copy")).info) == known_branches


def test_a_checkout_by_continuous_integration_does_not_know_all_branches(tmp_path: Path, origin: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "x")
    git(tmp_path, "remote", "add", "origin", f"file://{origin}")
    git(tmp_path, "fetch", "-q", "--depth=1", "origin", "+refs/heads/dev:refs/remotes/origin/dev")
    assert known(open_worktree(str(tmp_path)).info) == ("", "dev", False)


def test_a_refspec_that_leaves_branches_out_is_not_complete(tmp_path: Path, origin: Path) -> None:
    git(tmp_path, "clone", "-q", f"file://{origin}", "copy")
    git(tmp_path / "copy", "config", "--add", "remote.origin.fetch", "^refs/heads/dependabot/*")
    assert not open_worktree(str(tmp_path / "copy")).info.branches_complete


def test_a_repository_that_nobody_cloned_has_no_known_default(origin: Path) -> None:
    assert known(open_worktree(str(origin)).info) == ("", "dev feature/ü trunk", False)


@pytest.mark.parametrize("option", ["--bare", "--mirror"])
def test_a_bare_repository_is_where_the_branches_are(tmp_path: Path, origin: Path, option: str) -> None:
    git(tmp_path, "clone", "-q", option, f"file://{origin}", "copy.git")
    if option == "--bare":
        git(tmp_path / "copy.git", "remote", "remove", "origin")
    bare = Git(str(tmp_path / "copy.git"), bare=True)
    found = branches_of(bare, remote_of(bare))
    assert (found.default, found.names, found.complete) == ("trunk", ("dev", "feature/ü", "trunk"), True)


def test_commands_that_run_ahead_give_the_same_answers_and_end_with_the_block(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, unasked = ("rev-parse", "HEAD"), ("cat-file", "--batch")
    started: list[subprocess.Popen[bytes]] = []
    start = Git.start

    def noted(self: Git, *arguments: str, folder: str = "", asking: bool = False) -> subprocess.Popen[bytes]:
        started.append(start(self, *arguments, folder=folder, asking=asking))
        return started[-1]

    alone = Git(str(origin)).run(*asked)
    monkeypatch.setattr(Git, "start", noted)
    repository = Git(str(origin))
    with repository.ahead(asked, unasked):
        assert repository.run(*asked) == alone
    assert repository.run(*asked) == alone

    assert [process.args[-1] for process in started] == ["HEAD", "--batch", "HEAD"]  # type: ignore[index]
    assert all(process.returncode is not None for process in started)
