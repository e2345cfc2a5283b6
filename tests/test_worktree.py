from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.records import Coverage, TargetError
from rung.targets.git import blob_id, remote_address, remote_page
from rung.targets.target import Limits, Unread, printable
from rung.targets.worktree import WorkTree, open_worktree
from tests import hostile
from tests.hostile import git
from tests.repositories import commit, write

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
NOBODY = 65534


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return commit(write(tmp_path / "repo", train_dot_py="import a\n", services__a__app_dot_py="x = 1\n", services__a__Makefile="all:\n"))


def paths(tree: WorkTree) -> list[str]:
    return [entry.path for entry in tree.list()]


def gap(tree: WorkTree, reason: str) -> Coverage:
    (found,) = [coverage for coverage in tree.coverage() if reason in coverage.reason]
    assert not found.searched
    assert found.needs
    return found


# ── What a repository is ─────────────────────────────────────────────────────────────────────────────


def test_a_repository_gives_its_files_sorted_with_size_blob_and_revision(repository: Path) -> None:
    tree = open_worktree(str(repository))
    assert paths(tree) == ["services/a/Makefile", "services/a/app.py", "train.py"]
    assert [entry.size for entry in tree.list()] == [5, 6, 9]
    assert [entry.blob for entry in tree.list()] == [blob_id(data) for data in (b"all:\n", b"x = 1\n", b"import a\n")]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True).stdout.strip()
    info = tree.info
    assert (info.id, info.kind, info.uri, info.name, info.branch, info.revision, info.files) == (
        "repo",
        "worktree",
        "repo",
        "repo",
        "main",
        head,
        3,
    )
    assert not info.dirty
    assert tree.coverage() == ()


def test_a_file_is_read_as_it_is_and_only_when_listed(repository: Path) -> None:
    write(repository, ignored="x", _dot_gitignore="ignored\n")
    tree = open_worktree(str(repository))
    assert tree.read("train.py") == b"import a\n"
    for path in ("ignored", "nowhere", "../repo/train.py", str(repository / "train.py"), "services", ".git/config", "./train.py", ""):
        assert tree.read(path) == Unread("not in the tree")


def test_a_pickled_tree_still_reads(repository: Path) -> None:
    tree = open_worktree(str(repository))
    assert tree.read("services/a/app.py") == b"x = 1\n"
    again = pickle.loads(pickle.dumps(tree))
    assert again.read("services/a/app.py") == b"x = 1\n"
    assert again.list() == tree.list()
    assert again.info == tree.info


def test_an_untracked_file_is_listed_without_blob_and_makes_the_tree_dirty(repository: Path) -> None:
    write(
        repository,
        new_dot_py="",
        ignored_dot_log="",
        _dot_gitignore="*.log\n",
        node_modules__a__index_dot_js="",
        envs__x__pyvenv_dot_cfg="",
        envs__x__lib__a_dot_py="",
    )
    tree = open_worktree(str(repository))
    assert paths(tree) == [".gitignore", "new.py", "services/a/Makefile", "services/a/app.py", "train.py"]
    assert tree.list()[1].blob == ""
    assert tree.info.dirty


@pytest.mark.parametrize("content", ["import b\n", "import something longer\n"])
def test_a_changed_file_has_no_blob_and_makes_the_tree_dirty(repository: Path, content: str) -> None:
    write(repository, train_dot_py=content)
    tree = open_worktree(str(repository))
    assert tree.list()[-1].blob == ""
    assert tree.info.dirty


def test_a_file_that_was_only_touched_keeps_its_blob(repository: Path) -> None:
    os.utime(repository / "train.py", (1, 1))
    tree = open_worktree(str(repository))
    assert tree.list()[-1].blob == blob_id(b"import a\n")
    assert not tree.info.dirty


def test_a_deleted_file_is_not_listed_and_makes_the_tree_dirty(repository: Path) -> None:
    (repository / "train.py").unlink()
    tree = open_worktree(str(repository))
    assert paths(tree) == ["services/a/Makefile", "services/a/app.py"]
    assert tree.info.dirty


@pytest.mark.parametrize("as_subfolder", [True, False])
def test_a_subfolder_is_that_part_of_the_repository(repository: Path, as_subfolder: bool) -> None:
    git(repository, "remote", "add", "origin", "git@github.com:o/r.git")
    tree = open_worktree(str(repository), subfolder="services/a") if as_subfolder else open_worktree(str(repository / "services" / "a"))
    assert paths(tree) == ["Makefile", "app.py"]
    assert tree.read("app.py") == b"x = 1\n"
    info = tree.info
    assert (info.name, info.folder, info.uri, info.remote) == (
        "r/services/a",
        "services/a",
        "https://github.com/o/r#services/a",
        "https://github.com/o/r",
    )
    assert len(info.revision) == 40


def test_a_folder_that_a_repository_around_it_does_not_track_is_a_folder_of_its_own(repository: Path) -> None:
    write(repository, _dot_gitignore="build\n", build__a_dot_py="")
    tree = open_worktree(str(repository / "build"))
    assert (tree.info.kind, tree.info.revision, paths(tree)) == ("folder", "", ["a.py"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "nowhere", "does not exist"),
        (lambda folder: write(folder, a="") / "a", "is no folder"),
        (lambda folder: commit(folder) / ".git", "bare repository"),
        (lambda folder: (commit(folder) / ".git").rename(folder / "b.git"), "bare repository"),
    ],
)
def test_what_is_no_work_tree_is_refused_with_a_reason(tmp_path: Path, make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(TargetError, match=message):
        open_worktree(str(make(tmp_path)))


@pytest.mark.parametrize(
    ("subfolder", "message"),
    [("../other", "outside"), ("/etc", "outside"), ("link", "outside"), ("nowhere", "no subfolder"), ("train.py", "is no folder")],
)
def test_a_subfolder_must_lie_inside(repository: Path, subfolder: str, message: str) -> None:
    (repository / "link").symlink_to("/etc")
    write(repository.parent, other__a="")
    with pytest.raises(TargetError, match=message):
        open_worktree(str(repository), subfolder=subfolder)


# ── States of a repository ───────────────────────────────────────────────────────────────────────────


def test_a_repository_without_commits_lists_what_is_there(tmp_path: Path) -> None:
    git(write(tmp_path, a_dot_py=""), "init", "-q", "-b", "main")
    tree = open_worktree(str(tmp_path))
    assert (tree.info.kind, tree.info.revision, tree.info.branch, paths(tree)) == ("worktree", "", "main", ["a.py"])
    assert tree.coverage() == ()


def test_an_empty_repository_lists_nothing(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert open_worktree(str(tmp_path)).list() == ()


def test_a_detached_head_has_a_revision_and_no_branch(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    info = open_worktree(str(repository)).info
    assert (len(info.revision), info.branch) == (40, "")


def test_a_second_worktree_is_a_repository(repository: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "other", "../second")
    tree = open_worktree(str(repository.parent / "second"))
    assert (tree.info.branch, len(tree.list())) == ("other", 3)
    assert all(entry.blob for entry in tree.list())


def test_a_sha256_repository_has_its_own_blobs(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    commit(write(tmp_path, a_dot_py="x\n"))
    os.utime(tmp_path / "a.py", (1, 1))
    tree = open_worktree(str(tmp_path))
    assert tree.list()[0].blob == blob_id(b"x\n", like="0" * 64)
    assert len(tree.info.revision) == 64


def test_files_left_out_by_a_sparse_checkout_are_named(repository: Path) -> None:
    git(repository, "sparse-checkout", "set", "--no-cone", "/train.py")
    tree = open_worktree(str(repository))
    assert paths(tree) == ["train.py"]
    assert gap(tree, "sparse").what == "2 files: services/a/Makefile, services/a/app.py"
    assert not tree.info.dirty


def test_a_clone_without_checkout_says_so(repository: Path) -> None:
    git(repository.parent, "clone", "-q", "--no-checkout", "repo", "bare-handed")
    git(repository.parent / "bare-handed", "read-tree", "HEAD")
    assert gap(open_worktree(str(repository.parent / "bare-handed")), "checked out").what == "the tracked files"


def test_submodules_and_inner_repositories_are_named_and_not_followed(repository: Path) -> None:
    inner = commit(write(repository.parent / "inner", secret_dot_py=""))
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "libs/sub")
    commit(write(repository / "nested", a_dot_py=""))
    tree = open_worktree(str(repository))
    assert not [path for path in paths(tree) if "secret" in path or "nested" in path]
    assert gap(tree, "submodules").what == "submodule libs/sub"
    assert gap(tree, "inside the repository").what == "folder nested/"


@pytest.mark.parametrize("damage", ["corrupt", "config", "timeout", "no git", "unknown extension"])
def test_where_git_cannot_list_the_folder_is_walked_and_that_is_said(
    repository: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = repository / ".git"
    limits = Limits()
    if damage == "corrupt":
        (inside / "index").write_bytes(b"DIRC" + b"\xff" * 100)
    elif damage == "config":
        (inside / "config").write_text("[core\n")
    elif damage == "unknown extension":
        (inside / "config").write_text("[core]\nrepositoryformatversion = 1\n[extensions]\nunheard = of\n")
    elif damage == "timeout":
        os.mkfifo(inside / "pipe")
        (inside / "config").write_text("[include]\npath = pipe\n")
        limits = Limits(git_seconds=0.3)
    else:
        monkeypatch.setenv("PATH", str(repository))
    tree = open_worktree(str(repository), limits=limits)
    assert paths(tree) == ["services/a/Makefile", "services/a/app.py", "train.py"]
    assert (tree.info.kind, tree.info.revision) == ("folder", "")
    assert "git" in gap(tree, "walked instead").reason


def test_a_git_of_the_scanned_repository_is_never_started(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = repository.parent / "ran"
    (repository / "git").write_text(f"#!/bin/sh\ntouch {marker}\n")
    (repository / "git").chmod(0o755)
    monkeypatch.chdir(repository)
    monkeypatch.setenv("PATH", ".")
    assert "git" in paths(open_worktree("."))
    assert not marker.exists()


def test_a_missing_index_is_said_and_survived(repository: Path) -> None:
    (repository / ".git" / "index").unlink()
    tree = open_worktree(str(repository))
    assert len(tree.list()) == 3
    assert gap(tree, "index is missing")


@needs_root
def test_a_repository_of_another_owner_is_listed(repository: Path) -> None:
    for folder, _, files in os.walk(repository):
        for path in (folder, *(os.path.join(folder, file) for file in files)):
            os.chown(path, 12345, 12345)
    tree = open_worktree(str(repository))
    assert (tree.info.kind, len(tree.list()), tree.coverage()) == ("worktree", 3, ())


def test_the_callers_git_variables_do_not_lead_elsewhere(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_CONFIG"):
        monkeypatch.setenv(name, "/nowhere")
    assert len(open_worktree(str(repository)).list()) == 3


# ── Without a repository ─────────────────────────────────────────────────────────────────────────────


def test_a_folder_is_walked_without_packages_and_caches(tmp_path: Path) -> None:
    write(tmp_path / "f", a_dot_py="x", sub__b_dot_py="", node_modules__c_dot_js="", env__pyvenv_dot_cfg="", env__lib_dot_py="")
    for name in ("__pycache__", ".venv", "venv", ".tox", ".mypy_cache"):
        write(tmp_path / "f" / "sub" / name, c_dot_py="")
    tree = open_worktree(str(tmp_path / "f"))
    assert paths(tree) == ["a.py", "sub/b.py"]
    assert (tree.info.kind, tree.info.uri, tree.info.name, tree.info.dirty) == ("folder", "f", "f", False)
    assert tree.read("a.py") == b"x"


_IGNORABLE = "a.py b.py x.log keep.log #x !x a/c.py a/b/c.py a/b/keep.log b/c.py d/b/c.py d/a/b/c.py *.py ].py aXc.py"


@pytest.mark.parametrize(
    "patterns",
    [
        "*.log\n!keep.log", "/a", "a/", "a/b", "a/**", "**/b", "a/**/c.py", "b*\n!b.py", "*\n!*/\n!*.py", "/*\n!/a\n", "[ab].py", "[!a].py", "[^a].py", "?.py", "\\#x", "\\!x", "# a\n\n",
        "a/*", "*/b", "c.py ", "  c.py", "b/", "**", "*/", "/", "!", "a//b", "[", "\\", "*.py\n!a/", "a\n!a/c.py", "***/c.py", "a/b/", "/b.py", "**/*.log", "a**c.py", "\\*.py", "[]a].py",
    ],
)  # fmt: skip
def test_a_walk_ignores_what_git_ignores(tmp_path: Path, patterns: str) -> None:
    folder = tmp_path / "f"
    for name in ("  c.py", *_IGNORABLE.split()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / ".gitignore").write_text(patterns + "\n")
    (folder / "d" / ".gitignore").write_text("!keep.log\n/b/\n")
    git(folder, "init", "-q")
    by_git = paths(open_worktree(str(folder)))
    shutil.rmtree(folder / ".git")
    assert paths(open_worktree(str(folder))) == by_git


# ── Bounds ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tracked", [True, False])
@pytest.mark.parametrize(
    ("limits", "left", "unread", "reason"),
    [
        (Limits(file_bytes=5), "a.py c/a.py d/e.py", "b.py", "larger than 5 bytes"),
        (Limits(total_bytes=8), "a.py c/a.py", "b.py d/e.py", "beyond 8 bytes in all"),
        (Limits(files=2), "a.py b.py", "", "more than 2 files"),
        (Limits(depth=1), "a.py b.py", "", "deeper than 1 folders"),
    ],
)
def test_each_bound_that_bites_is_said(tmp_path: Path, tracked: bool, limits: Limits, left: str, unread: str, reason: str) -> None:  # noqa: PLR0917
    write(tmp_path, a_dot_py="123", b_dot_py="123456789", c__a_dot_py="1", d__e_dot_py="12345")
    if tracked:
        commit(tmp_path)
    tree = open_worktree(str(tmp_path), limits=limits)
    assert " ".join(entry.path for entry in tree.list() if not entry.unread) == left
    assert " ".join(entry.path for entry in tree.list() if entry.unread) == unread
    assert gap(tree, reason)
    for path in unread.split():
        answer = tree.read(path)
        assert isinstance(answer, Unread)
        assert reason in answer.reason


def test_a_file_that_grew_after_listing_is_not_read_beyond_the_bound(repository: Path) -> None:
    tree = open_worktree(str(repository), limits=Limits(file_bytes=10))
    write(repository, train_dot_py="x" * 11)
    assert tree.read("train.py") == Unread("larger than 10 bytes")
    write(repository, train_dot_py="x" * 10)
    assert tree.read("train.py") == b"x" * 10


def test_many_gaps_of_one_reason_are_one_record(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}.bin").write_bytes(b"12")
    assert gap(open_worktree(str(tmp_path), limits=Limits(file_bytes=1)), "larger").what == "20 files: 00.bin, 01.bin, 02.bin and 17 more"


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of an ordinary user, and the test run as that user: root may read everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
            yield folder
            os.seteuid(0)
        else:
            yield folder


def test_what_may_not_be_read_is_said(unprivileged: Path) -> None:
    write(unprivileged, a_dot_py="", closed__b_dot_py="")
    (unprivileged / "a.py").chmod(0)
    (unprivileged / "closed").chmod(0)
    try:
        tree = open_worktree(str(unprivileged))
        assert tree.read("a.py") == Unread("no permission to read")
        assert gap(tree, "no permission").what == "folder closed"
        with pytest.raises(TargetError, match="permission"):
            open_worktree(str(unprivileged / "closed"))
    finally:
        (unprivileged / "closed").chmod(0o700)


# ── Links and special files ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tracked", [True, False])
def test_symbolic_links_are_listed_and_never_followed(tmp_path: Path, tracked: bool) -> None:
    folder = write(tmp_path / "f", a__b_dot_py="x")
    write(tmp_path, f_beside__secret="x")
    for name, target in (
        ("in.py", "a/b.py"),
        ("out", "/etc/passwd"),
        ("up", ".."),
        ("dir", "a"),
        ("loop", "loop"),
        ("beside", "../f_beside/secret"),
    ):
        (folder / name).symlink_to(target)
    if tracked:
        commit(folder)
    tree = open_worktree(str(folder))
    inside, outside = "symbolic link", "symbolic link out of the tree"
    assert {entry.path: entry.unread for entry in tree.list()} == {
        "a/b.py": "", "in.py": inside, "dir": inside, "loop": inside, "out": outside, "up": outside, "beside": outside,
    }  # fmt: skip
    assert tree.read("out") == Unread(outside)
    assert gap(tree, outside).what.startswith("3 files:")


def test_a_folder_that_became_a_link_is_not_entered(repository: Path) -> None:
    elsewhere = write(repository.parent, elsewhere__app_dot_py="secret")
    before = open_worktree(str(repository))
    shutil.rmtree(repository / "services" / "a")
    (repository / "services" / "a").symlink_to(elsewhere / "elsewhere")
    assert isinstance(before.read("services/a/app.py"), Unread)
    tree = open_worktree(str(repository))
    assert "services/a/app.py" not in paths(tree)
    assert gap(tree, "behind a symbolic link").what.startswith("2 files: services/a/Makefile")


@pytest.mark.parametrize("planted", ["../../secret.py", "/etc/passwd.py", ".git/config.py", "a/..//secret.p"])
def test_a_forged_index_does_not_lead_out_of_the_tree(tmp_path: Path, planted: str) -> None:
    folder = write(tmp_path / "a" / "repo", placeholder="x" * 30)
    write(tmp_path, secret_dot_py="secret")
    name = "x" * len(planted)
    (folder / name).write_text("secret")
    index = commit(folder) / ".git" / "index"
    forged = index.read_bytes()[:-20].replace(name.encode(), planted.encode())
    index.write_bytes(forged + hashlib.sha1(forged).digest())
    (folder / name).unlink()
    tree = open_worktree(str(folder))
    assert paths(tree) == ["placeholder"]
    assert isinstance(tree.read(planted), Unread)
    assert not [entry for entry in tree.list() if tree.read(entry.path) == b"secret"]


def test_a_file_that_became_a_link_or_pipe_after_listing_is_not_opened(repository: Path) -> None:
    tree = open_worktree(str(repository))
    (repository / "train.py").unlink()
    (repository / "train.py").symlink_to("/etc/passwd")
    assert tree.read("train.py") == Unread("symbolic link")
    (repository / "services/a/app.py").unlink()
    os.mkfifo(repository / "services/a/app.py")
    assert tree.read("services/a/app.py") == Unread("a named pipe")
    (repository / "services/a/Makefile").unlink()
    assert tree.read("services/a/Makefile") == Unread("gone since it was listed")


def test_different_names_stay_different_when_made_printable() -> None:
    names = ["a", "a\nb", "a\\nb", "a\\\\nb", "\udcff", "\\xff", "\u00ff", "\x80", "\udc80", "\u00a0", "\udca0", "\u202e", "\x1b", "\U000e0001", "ü", "é"]  # fmt: skip
    shown = [printable(name) for name in names]
    assert len(set(shown)) == len(names)
    assert all(text.isprintable() for text in shown)
    assert shown[:3] == ["a", "a\\nb", "a\\\\nb"]
    assert printable("bad-\udcff.py") == "bad-\\xff.py"


# ── Remotes ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "address", "known"),
    [
        ("git@github.com:o/r.git", "https://github.com/o/r", True),
        ("https://user:token@github.com/o/r.git", "https://github.com/o/r", True),
        ("https://x-access-token:s3cr3t@GitHub.com/o/r/", "https://github.com/o/r", True),
        ("ssh://git@gitlab.example.org:2222/g/s/r.git", "https://gitlab.example.org/g/s/r", True),
        ("git://bitbucket.org/o/r", "https://bitbucket.org/o/r", True),
        ("git@ssh.dev.azure.com:v3/org/my project/r", "", False),
        ("git@ssh.dev.azure.com:v3/org/my%20project/r", "https://dev.azure.com/org/my%20project/_git/r", True),
        ("https://org@dev.azure.com/org/p/_git/r", "https://dev.azure.com/org/p/_git/r", True),
        ("https://org.visualstudio.com/p/_git/r", "https://org.visualstudio.com/p/_git/r", True),
        ("org@vs-ssh.visualstudio.com:v3/org/p/r", "https://dev.azure.com/org/p/_git/r", True),
        ("https://git.example.org/o/r.git?token=x", "", False),
        ("https://code.example.org/o/r.git", "https://code.example.org/o/r", False),
        ("/home/me/secret/repo", "", False),
        ("../repo", "", False),
        ("file:///home/me/repo", "", False),
        ("C:\\Users\\me\\repo", "", False),
        ("ext::sh -c touch% x", "", False),
        ('https://github.com/o/r"><script>', "", False),
        ("https://github.com/../../x", "", False),
        ("https://github.com/" + "a/" * 50_000, "", False),
        ("a@" * 50_000, "", False),
        ("", "", False),
    ],
)
def test_a_remote_is_shown_as_a_page_without_credentials(url: str, address: str, known: bool) -> None:
    assert remote_address(url) == address
    assert remote_page(address) == (address if known else "")


@pytest.mark.parametrize(
    ("remotes", "uri", "name", "page"),
    [
        ({"origin": "https://t:x@github.com/o/r.git"}, "https://github.com/o/r", "r", "https://github.com/o/r"),
        ({"upstream": "git@github.com:o/r.git"}, "https://github.com/o/r", "r", "https://github.com/o/r"),
        ({"origin": "/srv/secret/r.git"}, "repo", "repo", ""),
        ({"origin": "https://code.example.org/o/r"}, "https://code.example.org/o/r", "r", ""),
        ({"a": "git@github.com:o/r.git", "b": "git@github.com:p/r.git"}, "repo", "repo", ""),
        ({}, "repo", "repo", ""),
    ],
)
def test_a_repository_goes_by_its_remote_or_its_folder(repository: Path, remotes: dict[str, str], uri: str, name: str, page: str) -> None:
    for remote, url in remotes.items():
        git(repository, "remote", "add", remote, url)
    info = open_worktree(str(repository)).info
    assert (info.uri, info.name, info.remote) == (uri, name, page)


# ── A hostile repository ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    base = tmp_path_factory.mktemp("hostile")
    return hostile.make(base / "tree", base / "ran"), base / "ran"


def check_hostile(tree: WorkTree, marker: Path) -> None:
    listed = {entry.path: entry for entry in tree.list()}
    assert not marker.exists()
    assert not [path for path in listed if path.startswith(("etc/", ".git/")) or not path.isprintable()]
    for path in (
        "names/two\\nlines.py",
        "names/bad-\\xff\\xfe.py",
        "names/-rf.py",
        "names/names {{ x }}.py",
        "names/back\\\\nslash.py",
        "names/back\\nslash.py",
    ):
        assert tree.read(path) == b"import os\n", path
    assert listed["big.json"].size > 100_000_000
    assert tree.read("big.json") == Unread("larger than 4 MiB")
    assert tree.read("empty/Makefile") == Unread("a named pipe")
    assert tree.read("swapped") == Unread("symbolic link out of the tree")
    assert "swapped/Dockerfile" not in listed
    for entry in tree.list():
        data = tree.read(entry.path)
        assert isinstance(data, Unread) == bool(entry.unread), entry
        assert isinstance(data, Unread) or len(data) == entry.size
    assert {"a named pipe", "larger than 4 MiB", "deeper than 64 folders", "symbolic link out of the tree"} <= {
        gap.reason for gap in tree.coverage()
    }


def test_a_hostile_repository_is_listed_and_read_and_starts_nothing(trap: tuple[Path, Path]) -> None:
    folder, marker = trap
    tree = open_worktree(str(folder))
    assert (tree.info.kind, tree.info.remote, tree.info.uri) == ("worktree", "", "tree")
    check_hostile(tree, marker)
    assert "behind a symbolic link" in {gap.reason for gap in tree.coverage()}


def test_a_hostile_folder_without_git_is_walked_and_read(trap: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, marker = trap
    monkeypatch.setenv("PATH", "/nowhere")
    tree = open_worktree(str(folder))
    assert tree.info.kind == "folder"
    check_hostile(tree, marker)
    assert tree.read("special/socket.yaml") == Unread("a socket")


def test_the_hostile_repository_would_have_run_something(trap: tuple[Path, Path], tmp_path: Path) -> None:
    folder, marker = trap
    options = "-c core.excludesFile=/dev/null -c core.attributesFile=/dev/null"
    command = ["git", *options.split(), "--work-tree", str(folder), "ls-files", "-o", "-m"]
    subprocess.run(command, check=False, cwd=folder, capture_output=True, timeout=60)
    assert marker.exists()
    marker.unlink()
