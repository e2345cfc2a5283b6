from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from rung.records import Coverage, TargetError
from rung.report import document_of
from rung.scan import scan_path
from rung.targets.git import Git, blob_id
from rung.targets.history import Tag, commits_of, tags_of
from rung.targets.objects import Blobs, objects_of
from rung.targets.revision import Revision, Revisions, open_revision
from rung.targets.target import Limits, Unread
from rung.targets.worktree import open_worktree
from tests import hostile
from tests.hostile import git
from tests.repositories import ask, commit, write

FIXTURES = Path(__file__).parent.parent / "fixtures"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits: the first has old.py, the second train.py and services/a."""
    folder = commit(write(tmp_path / "repo", old_dot_py="import old\n"))
    git(folder, "tag", "v1")
    (folder / "old.py").unlink()
    return commit(write(folder, train_dot_py="import a\n", services__a__app_dot_py="x = 1\n", services__a__Makefile="all:\n"))


def paths(target: Revision) -> list[str]:
    return [entry.path for entry in target.list()]


def gap(target: Revision, reason: str) -> Coverage:
    (found,) = [coverage for coverage in target.coverage() if reason in coverage.reason]
    assert not found.searched
    assert found.needs
    return found


def command_in(text: str) -> str:
    """The command that a message tells to run."""
    found = re.search(r"`(git [^`]*)`", text)
    assert found, text
    return found[1]


def run_as_told(folder: Path, text: str) -> None:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["bash", "-c", f"set -o pipefail; {command_in(text)}"], cwd=folder, env=environment, check=True, capture_output=True)


# ── What a revision is ───────────────────────────────────────────────────────────────────────────────


def test_a_revision_gives_its_files_whatever_the_work_tree_holds(repository: Path) -> None:
    write(repository, train_dot_py="changed", untracked="")
    (repository / "services" / "a" / "app.py").unlink()
    target = open_revision(str(repository))
    assert paths(target) == ["services/a/Makefile", "services/a/app.py", "train.py"]
    assert [entry.size for entry in target.list()] == [5, 6, 9]
    assert [entry.blob for entry in target.list()] == [blob_id(data) for data in (b"all:\n", b"x = 1\n", b"import a\n")]
    assert [target.read(path) for path in paths(target)] == [b"all:\n", b"x = 1\n", b"import a\n"]
    info = target.info
    assert (info.kind, info.name, info.branch, info.dirty, info.files) == ("revision", "repo", "main", False, 3)
    assert info.revision == ask(repository, "rev-parse", "HEAD")
    assert target.coverage() == ()


def test_only_what_is_listed_is_read(repository: Path) -> None:
    target = open_revision(str(repository))
    for path in ("old.py", "services", "../repo/train.py", ".git/config", "./train.py", ""):
        assert target.read(path) == Unread("not in the tree")


@pytest.mark.parametrize("processes", [1, 2])
def test_a_scan_of_head_finds_what_a_scan_of_the_clean_work_tree_finds(
    tmp_path: Path, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whole fixtures of several kinds: pipelines, notebooks, pointers, broken files.
    for name in sorted(os.listdir(FIXTURES))[::25]:
        shutil.copytree(FIXTURES / name, tmp_path / "repo" / name)
    write(tmp_path / "repo", broken_dot_toml="[", data__big_dot_json='["' + "x" * 5_000_000 + '"]')
    commit(tmp_path / "repo")
    monkeypatch.setattr("rung.readers.PARALLEL_FROM", 1 if processes > 1 else 10_000)
    found = [document_of(scan_path(str(tmp_path / "repo"), revision=revision)) for revision in ("", "HEAD")]
    for document in found:
        del document["generated_at"]
    assert [document["targets"][0].pop("kind") for document in found] == ["worktree", "revision"]
    assert found[0] == found[1]
    assert len(found[0]["evidence"]) > 10


@pytest.mark.parametrize(
    ("revision", "branch", "names"),
    [
        ("HEAD", "main", "services/a/Makefile services/a/app.py train.py"),
        ("main", "main", "services/a/Makefile services/a/app.py train.py"),
        ("refs/heads/main", "", "services/a/Makefile services/a/app.py train.py"),
        ("v1", "", "old.py"),
        ("annotated", "", "old.py"),
        ("HEAD~1", "", "old.py"),
        ("COMMIT", "", "old.py"),
        ("SHORT", "", "old.py"),
        ("feature/a@b", "feature/a@b", "old.py"),
    ],
)
def test_a_revision_is_named_in_any_of_gits_ways(repository: Path, revision: str, branch: str, names: str) -> None:
    git(repository, "branch", "feature/a@b", "v1")
    git(repository, "tag", "-a", "-m", "x", "annotated", "v1")
    old = ask(repository, "rev-parse", "v1")
    target = open_revision(str(repository), revision.replace("COMMIT", old).replace("SHORT", old[:10]))
    assert (target.info.branch, " ".join(paths(target))) == (branch, names)


def test_a_branch_that_only_the_remote_has_is_found(repository: Path) -> None:
    git(repository, "branch", "dev", "v1")
    git(repository.parent, "clone", "-q", "repo", "copy")
    target = open_revision(str(repository.parent / "copy"), "dev")
    assert (target.info.branch, paths(target)) == ("dev", ["old.py"])


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("nowhere", "no branch, tag or commit `nowhere`"),
        ("-x", "`-x` can't be a revision"),
        ("--upload-pack=touch ran", "can't be a revision"),
        ("a\nb", r"`a\\nb` can't be a revision"),
        ("main:train.py", "`main:train.py`"),
        ("main..v1", "main..v1"),
        ("both", "ambiguous: give `refs/heads/both` or `refs/tags/both`"),
        ("0" * 40, "no branch, tag or commit `0000"),
        ("*", r"`\*`"),
    ],
)
def test_a_revision_that_is_none_is_an_error_with_its_name(repository: Path, revision: str, message: str) -> None:
    git(repository, "branch", "both", "v1")
    git(repository, "tag", "both")
    with pytest.raises(TargetError, match=message):
        open_revision(str(repository), revision)


def test_an_ambiguous_short_id_says_so(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    lines = (f"commit refs/heads/main\ncommitter n <e> {number} +0000\ndata 0\n" for number in range(1500))
    ask(tmp_path, "fast-import", "--quiet", given="".join(lines).encode())
    starts = [line[:4] for line in ask(tmp_path, "log", "--format=%H", "main").splitlines()]
    twice = next(start for start in starts if starts.count(start) > 1)
    with pytest.raises(TargetError, match=f"`{twice}` is ambiguous"):
        open_revision(str(tmp_path), twice)


@pytest.mark.parametrize(
    ("place", "message"),
    [("nowhere", "does not exist"), ("file", "is no folder"), ("plain", "no git repository"), ("empty", "no commit yet")],
)
def test_a_place_without_revisions_is_an_error(tmp_path: Path, place: str, message: str) -> None:
    write(tmp_path, file="", plain__a="", empty__a="")
    git(tmp_path / "empty", "init", "-q")
    with pytest.raises(TargetError, match=message):
        open_revision(str(tmp_path / place))


@pytest.mark.parametrize("as_subfolder", [True, False])
def test_a_folder_of_a_revision_is_that_part_of_it(repository: Path, as_subfolder: bool) -> None:
    shown = str(repository)
    target = open_revision(shown, subfolder="services/a") if as_subfolder else open_revision(f"{shown}/services/a")
    assert paths(target) == ["Makefile", "app.py"]
    assert target.read("app.py") == b"x = 1\n"
    assert (target.info.name, target.info.folder) == ("repo/services/a", "services/a")


@pytest.mark.parametrize(
    ("subfolder", "message"),
    [("..", "outside"), ("/etc", "outside"), ("a/../../b", "outside"), ("services/b", "no folder"), ("train.py", "no folder")],
)
def test_a_folder_must_be_in_the_revision(repository: Path, subfolder: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        open_revision(str(repository), subfolder=subfolder)


# ── Kinds of repositories ────────────────────────────────────────────────────────────────────────────


def test_a_bare_repository_is_read(repository: Path) -> None:
    git(repository.parent, "clone", "-q", "--bare", "repo", "other.git")
    target = open_revision(str(repository.parent / "other.git"), "v1")
    assert (target.info.name, target.read("old.py")) == ("repo" if target.info.remote else "other", b"import old\n")


def test_a_linked_work_tree_and_a_sparse_one_see_the_whole_revision(repository: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "second", "../second", "v1")
    linked = open_revision(str(repository.parent / "second"))
    assert (linked.info.branch, paths(linked), linked.read("old.py")) == ("second", ["old.py"], b"import old\n")
    git(repository, "sparse-checkout", "set", "--no-cone", "/train.py")
    assert len(open_worktree(str(repository)).list()) == 1
    sparse = open_revision(str(repository))
    assert [sparse.read(path) for path in paths(sparse)] == [b"all:\n", b"x = 1\n", b"import a\n"]
    assert sparse.coverage() == ()


def test_a_sha256_repository_is_read(tmp_path: Path) -> None:
    commit(write(tmp_path, a_dot_py="x\n"), "--object-format=sha256")
    target = open_revision(str(tmp_path))
    assert (target.list()[0].blob, target.read("a.py")) == (blob_id(b"x\n", like="0" * 64), b"x\n")
    assert len(target.info.revision) == 64


def test_what_a_shallow_clone_lacks_comes_with_the_command_that_is_told(repository: Path) -> None:
    old = ask(repository, "rev-parse", "v1")
    git(repository, "branch", "dev", "v1")
    git(repository.parent, "clone", "-q", "--depth=1", f"file://{repository}", "copy")
    copy = repository.parent / "copy"
    assert len(open_revision(str(copy)).list()) == 3
    for revision in (old, "dev"):
        with pytest.raises(TargetError, match="git fetch --depth=1 origin") as told:
            open_revision(str(copy), revision)
        run_as_told(copy, str(told.value))
        assert paths(open_revision(str(copy), revision)) == ["old.py"]


def test_the_parent_of_where_a_shallow_clone_ends_comes_with_all_history(repository: Path) -> None:
    git(repository.parent, "clone", "-q", "--depth=1", f"file://{repository}", "copy")
    with pytest.raises(TargetError, match="shallow") as told:
        open_revision(str(repository.parent / "copy"), "HEAD~1")
    run_as_told(repository.parent / "copy", str(told.value))
    assert paths(open_revision(str(repository.parent / "copy"), "HEAD~1")) == ["old.py"]


def test_what_a_partial_clone_lacks_is_named_never_fetched_and_comes_with_the_command_that_is_told(repository: Path) -> None:
    (repository / "link").symlink_to("train.py")
    commit(repository)
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(repository.parent, "clone", "-q", "--bare", "--filter=blob:none", f"file://{repository}", "copy")
    copy = repository.parent / "copy"
    before = ask(copy, "count-objects", "-v")
    target = open_revision(str(copy))
    assert target.read("train.py") == Unread("not in this clone")
    missing = gap(target, "not in this clone")
    assert missing.what == "3 files: services/a/Makefile, services/a/app.py, train.py"
    assert [entry.unread for entry in target.list()] == ["symbolic link", *["not in this clone"] * 3]
    assert ask(copy, "count-objects", "-v") == before
    run_as_told(copy, missing.needs)
    whole = open_revision(str(copy))
    assert (whole.coverage(), whole.read("train.py")) == ((), b"import a\n")


def test_a_clone_without_trees_says_what_would_bring_them(repository: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(repository.parent, "clone", "-q", "--bare", "--filter=tree:0", f"file://{repository}", "copy")
    with pytest.raises(TargetError, match=r"files of the commit are not in this clone; `git fetch origin"):
        open_revision(str(repository.parent / "copy"))


def test_submodules_are_named_and_not_followed(repository: Path) -> None:
    inner = commit(write(repository.parent / "inner", secret_dot_py=""))
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "libs/sub")
    target = open_revision(str(commit(repository)))
    assert "libs/sub" not in paths(target)
    assert gap(target, "submodules").what == "submodule libs/sub"


# ── Bounds, links, names ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("limits", "left", "unread", "reason"),
    [
        (Limits(file_bytes=5), "a.py c/a.py d/e.py", "b.py", "larger than 5 bytes"),
        (Limits(total_bytes=8), "a.py c/a.py", "b.py d/e.py", "beyond 8 bytes in all"),
        (Limits(files=2), "a.py b.py", "", "more than 2 files"),
        (Limits(depth=1), "a.py b.py", "", "deeper than 1 folders"),
    ],
)
def test_each_bound_bites_as_in_a_work_tree(tmp_path: Path, limits: Limits, left: str, unread: str, reason: str) -> None:
    commit(write(tmp_path, a_dot_py="123", b_dot_py="123456789", c__a_dot_py="1", d__e_dot_py="12345"))
    target = open_revision(str(tmp_path), limits=limits)
    assert " ".join(entry.path for entry in target.list() if not entry.unread) == left
    assert " ".join(entry.path for entry in target.list() if entry.unread) == unread
    assert gap(target, reason)
    in_tree = open_worktree(str(tmp_path), limits=limits).coverage()
    assert [(item.reason, item.needs) for item in target.coverage()] == [(item.reason, item.needs) for item in in_tree]


def test_links_are_told_apart_as_in_a_work_tree(tmp_path: Path) -> None:
    folder = write(tmp_path / "f", a__b_dot_py="x", a__c__d_dot_py="")
    for name, leads_to in {
        "in.py": "a/b.py", "out": "/etc/passwd", "up": "..", "dir": "a", "loop": "loop", "beside": "../f_beside", "ping": "pong", "pong": "ping", "a/back": "../a/b.py",
        "through": "dir/../in.py", "leaves": "a/c/../../../x", "a/c/chain": "../../out", "dangling": "nowhere/at/all", "same": "a/../../f/a", "a/in": "c/e", "a/c/e": "../../up",
    }.items():  # fmt: skip
        (folder / name).symlink_to(leads_to)
    tree = open_worktree(str(commit(folder)))
    target = open_revision(str(folder))
    # A link that leaves and comes back by the folder's own name depends on where the repository lies.
    different = {(entry.path, entry.unread) for entry in tree.list()} ^ {(entry.path, entry.unread) for entry in target.list()}
    assert {path for path, _ in different} == {"same"}
    assert target.read("out") == Unread("symbolic link out of the tree")
    assert {entry.unread for entry in target.list()} == {"", "symbolic link", "symbolic link out of the tree"}


def make_tree(folder: Path, *entries: tuple[str, bytes, str]) -> str:
    """A tree object that git itself would not write."""
    data = b"".join(f"{mode} ".encode() + name + b"\0" + bytes.fromhex(blob) for mode, name, blob in entries)
    return ask(folder, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=data)


def commit_tree(folder: Path, tree: str) -> str:
    return ask(folder, "-c", "user.name=n", "-c", "user.email=e", "commit-tree", "-m", "x", tree)


def test_a_forged_tree_leads_nowhere(repository: Path) -> None:
    blob = ask(repository, "hash-object", "-w", "train.py")
    inner = make_tree(repository, ("100644", b"config", blob))
    forged = make_tree(
        repository,
        ("40000", b"..", inner), ("40000", b".GIT", inner), ("100644", b"a/../b", blob), ("100644", b"bad-\xff\n.py", blob), ("100644", b"twice", blob), ("120000", b"twice", blob),
    )  # fmt: skip
    target = open_revision(str(repository), commit_tree(repository, forged))
    assert paths(target) == ["bad-\\xff\\n.py", "twice"]
    assert [target.read(path) for path in paths(target)] == [b"import a\n"] * 2
    assert gap(target, "out of the tree").what == "3 files: ../config, .GIT/config, a/../b"


def test_a_tree_of_endless_files_is_cut(repository: Path) -> None:
    inner = make_tree(repository, *(("100644", b"%d" % number, blob_id(b"import a\n")) for number in range(10)))
    for _ in range(12):
        inner = make_tree(repository, *(("40000", b"%d" % number, inner) for number in range(10)))
    target = open_revision(str(repository), commit_tree(repository, inner), limits=Limits(files=1000))
    assert len(target.list()) == 1000
    assert gap(target, "more than 1,000 files")


def test_a_damaged_tree_is_an_error_and_the_next_revision_is_listed(repository: Path) -> None:
    short = ask(repository, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=b"100644 a\0short")
    lost = make_tree(repository, ("40000", b"gone", blob_id(b"nowhere")))
    odd = make_tree(repository, ("40000", b"file", ask(repository, "hash-object", "-w", "train.py")))
    revisions = Revisions(str(repository))
    tip = revisions.open("HEAD")
    for tree in (short, lost, odd):
        with pytest.raises(TargetError, match=r"the files of revision .* can't be listed"):
            revisions.at(tip, commit_tree(repository, tree))
        assert paths(revisions.at(tip, tip.info.revision)) == paths(tip)


def test_folders_in_folders_without_a_file_come_to_an_end(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rung.targets.trees._DEEPEST", 20)
    inner = make_tree(repository)
    for _ in range(22):
        inner = make_tree(repository, ("40000", b"a", inner))
    with pytest.raises(TargetError, match="folders have no end"):
        open_revision(str(repository), commit_tree(repository, inner))


def listed(folder: Path, revision: str, below: str = "") -> list[tuple[str, str, int]]:
    """What git itself says is in a revision."""
    lines = ask(folder, "ls-tree", "-r", "-l", f"{revision}:{below}").splitlines()
    found = [(line.partition("\t")[2], *line.partition("\t")[0].split()[2:]) for line in lines]
    return sorted((path, blob, int(size)) for path, blob, size in found)


@pytest.mark.parametrize("below", ["", "a", "a/b"])
def test_revisions_in_any_order_are_listed_as_each_by_itself(tmp_path: Path, below: str) -> None:
    states: list[dict[str, str]] = [
        {"a/b/c.py": "1", "a/d.py": "2", "a.c": "9", "e/f.py": "3", "g": "4"},
        {"a/b/c.py": "other", "a/d.py": "2", "a.c": "9", "e/f.py": "3", "g": "4"},
        {"a/b/c.py/now.py": "a folder", "a/d.py": "2", "a.c": "9", "e/f.py": "3", "g": "4"},
        {"a/b": "a file", "a/d.py": "2", "e/f.py": "2"},
        {"a/b/c.py": "1", "a/b/f.py": "3", "h/i/j/k.py": "3"},
        {"h": "3"},
    ]
    folder = tmp_path / "repo"
    for state in states:
        if folder.exists():
            git(folder, "rm", "-rqf", ".")
        for name, text in state.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        commit(folder)
    commits = ask(folder, "rev-list", "HEAD").split()
    revisions = Revisions(str(folder), subfolder=below)
    tip = revisions.open("HEAD~1")
    for revision in (*commits, *commits[::-1], *commits[::3]):
        entries = revisions.at(tip, revision).list()
        has_folder = not below or ask(folder, "ls-tree", revision, below).startswith("040000")
        assert [(entry.path, entry.blob, entry.size) for entry in entries] == (listed(folder, revision, below) if has_folder else [])


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    base = tmp_path_factory.mktemp("hostile")
    return hostile.make(base / "tree", base / "ran"), base / "ran"


def test_a_hostile_repository_starts_nothing_and_is_read_to_the_end(trap: tuple[Path, Path]) -> None:
    folder, marker = trap
    target = open_revision(str(folder))
    target.expect(paths(target))
    for entry in target.list():
        data = target.read(entry.path)
        assert isinstance(data, Unread) == bool(entry.unread), entry
        assert isinstance(data, Unread) or len(data) == entry.size
    assert target.read("names/bad-\\xff\\xfe.py") == b"import os\n"
    assert (target.info.remote, target.info.uri) == ("", "tree")
    git_of_it = Git(str(folder))
    assert next(commits_of(git_of_it, target.info.revision)).id == target.info.revision
    assert tags_of(git_of_it) == ()
    assert not marker.exists()


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """700 files, every seventh of them the same, some large."""
    for number in range(700):
        (tmp_path / f"{number:03}").write_bytes(b"same" if number % 7 == 0 else b"%d" % number * (60_000 if number % 90 == 5 else 1))
    return commit(tmp_path)


@pytest.mark.parametrize("order", ["as expected", "backwards", "every third", "unexpected"])
def test_files_are_read_right_in_whatever_order_they_were_expected(many: Path, order: str) -> None:
    target = open_revision(str(many))
    names = paths(target)
    target.expect([] if order == "unexpected" else names)
    for name in {"backwards": names[::-1], "every third": names[::3]}.get(order, names):
        assert target.read(name) == (many / name).read_bytes(), name
    assert target.read(names[3]) == b"3"


def _read_in_worker(target: Revision, names: list[str], results: multiprocessing.SimpleQueue[list[object]]) -> None:
    target.expect(names)
    results.put([target.read(name) for name in names])


def readers_of(folder: Path) -> list[str]:
    """The processes of git that read this repository's objects."""
    wanted = f"GIT_OBJECT_DIRECTORY={folder}/.git/objects\0".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in place.read_bytes():
                found.append(place.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked up in /proc")
def test_a_forked_worker_reads_through_its_own_git_and_none_survives(many: Path) -> None:
    target = open_revision(str(many))
    names = paths(target)
    target.expect(names)
    assert target.read(names[1]) == b"1"
    assert len(readers_of(many)) == 1
    context = multiprocessing.get_context("fork")
    results: multiprocessing.SimpleQueue[list[object]] = context.SimpleQueue()
    workers = [context.Process(target=_read_in_worker, args=(target, names[start::2], results)) for start in (0, 1)]
    for worker in workers:
        worker.start()
    read = [results.get(), results.get()]
    for worker in workers:
        worker.join()
    expected = [[(many / name).read_bytes() for name in names[start::2]] for start in (0, 1)]
    assert sorted(read, key=str) == sorted(expected, key=str)
    assert [target.read(name) for name in names[2:9]] == [(many / name).read_bytes() for name in names[2:9]]
    del target
    # A worker's git ends when it finds that nobody asks any longer, shortly after the worker.
    deadline = time.monotonic() + 30
    while readers_of(many) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert readers_of(many) == []


def test_a_pickled_revision_still_reads(repository: Path) -> None:
    target = open_revision(str(repository))
    assert target.read("train.py") == b"import a\n"
    again = pickle.loads(pickle.dumps(target))
    assert (again.read("train.py"), again.list(), again.info, again.coverage()) == (b"import a\n", target.list(), target.info, ())


def test_an_object_that_git_cannot_read_costs_only_itself(many: Path) -> None:
    target = open_revision(str(many))
    names = paths(target)
    for name in (names[2], names[40]):
        blob = ask(many, "rev-parse", f"HEAD:{name}")
        loose = many / ".git" / "objects" / blob[:2] / blob[2:]
        loose.chmod(0o600)
        loose.write_bytes(b"rubbish")
    target.expect(names)
    read = {name: target.read(name) for name in names}
    assert sorted(name for name, data in read.items() if isinstance(data, Unread)) == [names[2], names[40]]


def test_a_git_that_died_is_started_again(many: Path) -> None:
    blobs = Blobs(objects_of(Git(str(many))), 10_000_000)
    ids = [entry.blob for entry in open_revision(str(many)).list()]
    blobs.expect(ids)
    assert blobs.read(ids[1]) == b"1"
    assert blobs._talk is not None
    os.kill(blobs._talk.process.pid, signal.SIGKILL)
    assert [blobs.read(blob) for blob in ids[2:20]] == [(many / f"{number:03}").read_bytes() for number in range(2, 20)]


def test_a_git_that_hangs_is_asked_nothing_more(many: Path) -> None:
    blobs = Blobs(objects_of(Git(str(many), seconds=0.3)), 10_000_000)
    ids = [entry.blob for entry in open_revision(str(many)).list()]
    assert blobs.read(ids[1]) == b"1"
    assert blobs._talk is not None
    os.kill(blobs._talk.process.pid, signal.SIGSTOP)
    assert [blobs.read(blob) for blob in ids[2:20]] == [Unread("git can't read it")] * 18
    assert blobs._talk is None


def test_a_repository_that_went_away_is_unread_and_does_not_hang(many: Path) -> None:
    target = open_revision(str(many))
    shutil.rmtree(many / ".git")
    assert {target.read(name) for name in paths(target)[:20]} == {Unread("git can't read it")}


# ── History ──────────────────────────────────────────────────────────────────────────────────────────


def test_history_goes_back_along_first_parents(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "side", "v1")
    write(repository, side_dot_py="1", other__x_dot_py="")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "side")
    git(repository, "checkout", "-q", "main")
    git(repository, "commit", "-q", "--allow-empty", "-m", "empty")
    git(repository, "merge", "-q", "--no-ff", "-m", "merge", "side")
    git(repository, "tag", "-a", "-m", "x", "v2")
    git(repository, "tag", "of-a-file", "HEAD:side.py")
    found = list(commits_of(Git(str(repository)), "HEAD"))
    assert [len(made.parents) for made in found] == [2, 1, 1, 0]
    assert found[0].date == int(ask(repository, "log", "-1", "--format=%ct"))
    assert [made.id for made in commits_of(Git(str(repository)), "HEAD", folder="services")] == [found[2].id]
    assert [made.id for made in commits_of(Git(str(repository)), f"{found[2].id}..HEAD")] == [found[0].id, found[1].id]
    dates = [found[-1].date, found[0].date]
    assert tags_of(Git(str(repository))) == (Tag("v1", found[-1].id, dates[0]), Tag("v2", found[0].id, dates[1]))


def test_history_without_an_end_is_read_as_it_comes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    commit(tmp_path)
    for _ in range(20):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
    found = list(commits_of(Git(str(tmp_path)), "HEAD"))
    some = commits_of(Git(str(tmp_path)), "HEAD")
    assert [next(some).id, next(some).id] == [made.id for made in found[:2]]
    some.close()


def test_a_shallow_history_ends_with_a_commit_without_parents(repository: Path) -> None:
    git(repository.parent, "clone", "-q", "--depth=1", f"file://{repository}", "copy")
    (only,) = commits_of(Git(str(repository.parent / "copy")), "HEAD")
    assert only.parents == ()
