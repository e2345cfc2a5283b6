"""The numbered tags of a repository, as a file among the others."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from rung.records import TAGS
from rung.report.views import source_url
from rung.scan import scan_path
from rung.targets.git import Git
from rung.targets.revision import Revisions, open_revision
from rung.targets.tags import numbered_tags
from rung.targets.target import Target
from rung.targets.worktree import open_worktree
from tests.hostile import git
from tests.repositories import ask, commit, write


def tagged(target: Target) -> str | None:
    """What the file of tags says; None where there is none."""
    found = next((entry for entry in target.list() if entry.path == TAGS), None)
    content = target.read(TAGS)
    assert isinstance(content, bytes) is (found is not None)
    return content.decode() if isinstance(content, bytes) else None


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three commits a day apart, each with a tag, and with another that is no number."""
    folder = commit(write(tmp_path / "r", shop__a_dot_py="1"))
    for day in (1, 2, 3):
        write(folder, shop__a_dot_py=str(day))
        git(folder, "add", "-A")
        made = ask(folder, "write-tree")
        said = f"tree {made}\nparent {ask(folder, 'rev-parse', 'HEAD')}\n"
        said += "".join(f"{who} n <e@example.org> {4_000_000_000 + 86_400 * day} +0000\n" for who in ("author", "committer"))
        git(folder, "reset", "-q", ask(folder, "hash-object", "-w", "-t", "commit", "--stdin", given=f"{said}\nx\n".encode()))
        git(folder, "tag", f"v1.{day}")
        git(folder, "tag", f"live-{'x' * day}")
        git(folder, "tag", str(day))
    return folder


def test_a_work_tree_and_its_revision_tell_the_same_numbered_tags(repository: Path) -> None:
    assert tagged(open_worktree(str(repository))) == "v1.3\nv1.2\nv1.1\n"
    assert tagged(open_revision(str(repository))) == "v1.3\nv1.2\nv1.1\n"


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("v1.2.0", True), ("1.2", True), ("shop-2.1", True), ("services/shop/v3.0.1-rc1", True), ("shop@1.0.0", True), ("v97", True),
        ("v2026-01-31", True), ("2026-01-31", True), ("2026-assessment", True), ("release-104", True), ("Release_2026.1", True),
        ("churn@v1.2.0", False), ("churn#prod#3", False), ("10-add-tests", False), ("98932", False), ("live", False), ("very-old", False),
        ("release", False), ("before-v", False),
    ],
)  # fmt: skip
def test_a_tag_counts_that_numbers_a_release(tmp_path: Path, name: str, *, counts: bool) -> None:
    git(commit(write(tmp_path, a="1")), "tag", name)
    assert bool(numbered_tags(Git(str(tmp_path)))) is counts


def test_the_file_of_tags_is_one_among_the_others(tmp_path: Path) -> None:
    repository = commit(write(tmp_path / "r", _dot_a="1", _dot_github__b="1", shop__a_dot_py="3"))
    for tag in ("v1.1", "v1.2", "v1.3"):
        git(repository, "tag", tag)
    for target in (open_worktree(str(repository)), open_revision(str(repository))):
        paths = [entry.path for entry in target.list()]
        assert paths == sorted(paths) == [".a", TAGS, ".github/b", "shop/a.py"]
        elsewhere: Target = pickle.loads(pickle.dumps(target))
        elsewhere.expect(paths)
        assert [elsewhere.read(path) for path in paths] == [b"1", b"v1.3\nv1.2\nv1.1\n", b"1", b"3"]


def test_the_file_of_tags_is_none_of_those_that_were_scanned(repository: Path) -> None:
    assert scan_path(str(repository)).targets[0].files == 1


def test_tags_of_later_commits_are_none_of_a_revisions(repository: Path) -> None:
    revisions = Revisions(str(repository))
    tip = revisions.open("HEAD")
    assert tagged(revisions.at(tip, ask(repository, "rev-parse", "HEAD~1"))) is None  # Two are no series.
    git(repository, "tag", "v1.0", "HEAD~3")
    assert tagged(open_revision(str(repository), "HEAD~1")) == "v1.2\nv1.1\nv1.0\n"


def test_a_part_of_a_repository_has_no_tags_of_its_own(repository: Path) -> None:
    assert tagged(open_worktree(str(repository), subfolder="shop")) is None
    assert tagged(open_revision(str(repository), subfolder="shop")) is None


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("https://github.com/a/b", "https://github.com/a/b/tags"),
        ("https://gitlab.example.org/a/b", "https://gitlab.example.org/a/b/-/tags"),
        ("https://bitbucket.org/a/b", ""),
    ],
)
def test_the_code_hosts_page_of_the_tags_is_where_they_are_listed(remote: str, page: str) -> None:
    target = {"id": "repo", "remote": remote, "revision": "0" * 40, "folder": ""}
    assert source_url({"targets": [target]}, "repo", TAGS, 1) == page


def test_tags_that_name_what_is_missing_lose_nothing_but_themselves(repository: Path) -> None:
    (repository / ".git" / "refs" / "tags" / "v9.0").write_text("1" * 40 + "\n")
    for target in (open_worktree(str(repository)), open_revision(str(repository))):
        assert [entry.path for entry in target.list()] == ["shop/a.py"]
        assert target.info.revision
        (gap,) = target.coverage()
        assert (gap.what, gap.needs) == ("tags", "a clone with all its objects")
        assert gap.reason.startswith("git can't list them: ")


def test_a_repository_without_a_commit_has_no_tags(tmp_path: Path) -> None:
    git(write(tmp_path, a="1"), "init", "-q")
    assert tagged(open_worktree(str(tmp_path))) is None
