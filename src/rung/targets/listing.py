"""Finding the files below a folder: by git where there is a repository, by walking where there is none."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct, field

from rung.expressions import regex
from rung.phrases import listed
from rung.records import Coverage
from rung.targets import ignoring
from rung.targets.files import BEHIND_LINK, DENIED, LINK, LINK_OUT, SPECIAL, amount, read_regular, reason_of
from rung.targets.git import Git, GitError, blob_id
from rung.targets.target import Entry, Limits, printable

_PRUNED = (
    ".git .hg .svn node_modules bower_components site-packages .venv venv virtualenv __pycache__ .tox .nox .eggs"
    " .mypy_cache .pytest_cache .ruff_cache .hypothesis .ipynb_checkpoints .terraform .gradle .cache"
)
PRUNED = frozenset(_PRUNED.split())
"""Folders of installed packages and caches, left out unless git tracks them."""

_SUBMODULE = "160000"
_NAME_LENGTH = 100
"""Characters of a path in a coverage record."""

_INDEXED = regex(
    r"(?P<tag>[A-Za-z?]) (?P<mode>[0-7]{6}) (?P<blob>[0-9a-f]{40,64}) (?P<stage>[0-3])\t(?P<path>[^\0]+)\0"
    r"(?:  ctime: \d+:\d+\n  mtime: (?P<seconds>\d+):(?P<nanoseconds>\d+)\n  dev: \d+\tino: \d+\n"
    r"  uid: \d+\tgid: \d+\n  size: (?P<size>\d+)\tflags: [0-9a-f]+\n)?",
    re.ASCII,
)
TRACKED = ("ls-files", "-t", "-s", "-z", "--debug")
UNTRACKED = ("ls-files", "-o", "--exclude-standard", "-z")
GIT_FOLDER = ("rev-parse", "--absolute-git-dir")
COMMIT = ("rev-parse", "-q", "--verify", "HEAD")
LEADS_OUT = "a path out of the tree"
NEVER_TRACKED = frozenset(("", ".", "..", ".git"))
"""Parts of a path that git never puts into an index, but somebody else might."""

NEEDS = {
    LINK_OUT: "the linked place as a target of its own",
    BEHIND_LINK: "the linked place as a target of its own",
    DENIED: "permission to read it",
    LEADS_OUT: "an index that git wrote",
}


class Gaps(Struct):
    """What was not searched, grouped by reason; the first names are kept, the rest counted."""

    groups: dict[tuple[str, str, str], tuple[int, tuple[str, ...]]] = field(default_factory=dict)

    def add(self, reason: str, needs: str, name: str, *, kind: str = "file", count: int = 1) -> None:
        """Note `name`, the first of `count`, as not searched for `reason`; `needs` would make it visible."""
        total, names = self.groups.get((reason, needs, kind), (0, ()))
        if len(names) < 3:
            names = (*names, _short(printable(name)))
        self.groups[reason, needs, kind] = (total + count, names)

    def add_beyond(self, most: int, name: str, count: int = 1) -> None:
        """Note `name`, the first of `count`, as beyond the number of files that are listed."""
        self.add(f"more than {most:,} files", "a scan of the subfolders one by one", name, count=count)

    def coverage(self, target: str) -> tuple[Coverage, ...]:
        """One record a reason, sorted."""
        records = []
        for (reason, needs, kind), (count, names) in self.groups.items():
            subject = f"{count} {kind}s: " if count > 1 else f"{kind} "
            what = (subject if kind else "") + listed(names, len(names), count=count)
            parts = names if count > 1 else ()
            records.append(
                Coverage(target=target, what=what, searched=False, parts=parts, more=count - len(names), reason=reason, needs=needs)
            )
        return tuple(sorted(records, key=lambda record: (record.reason, record.what)))


def _short(path: str) -> str:
    return path if len(path) <= _NAME_LENGTH else f"{path[: _NAME_LENGTH // 2]}…{path[-_NAME_LENGTH // 2 :]}"


class Found(Struct):
    """A path with what `lstat` said; `path` is as the file system has it."""

    path: str
    size: int
    mode: int
    time: int
    blob: str = ""


class Listing(Struct):
    """What a folder holds, in any order."""

    files: list[Found]
    dirty: bool = False


def entries_of(
    listing: Listing, limits: Limits, gaps: Gaps, why_not: Callable[[Found], str], needs: Mapping[str, str]
) -> tuple[tuple[Entry, ...], dict[str, str]]:
    """Sorted entries out of what was found: links and special files told apart, bounds applied, paths made printable.

    Args:
        listing: what was found.
        limits: how much is read.
        gaps: takes what will not be read.
        why_not: the reason for not reading one that is no regular file within the limits; empty for the limit on all.
        needs: by reason, what would make it visible.

    Returns:
        The entries, and the paths as found for those that are not printable.
    """
    files = sorted(listing.files, key=lambda found: found.path)
    if len(files) > limits.files:
        gaps.add_beyond(limits.files, files[limits.files].path, len(files) - limits.files)
        del files[limits.files :]
    entries = []
    real: dict[str, str] = {}
    left = limits.total_bytes
    for found in files:
        readable = stat.S_ISREG(found.mode) and found.size <= limits.file_bytes and found.size <= left
        unread = "" if readable else why_not(found) or f"beyond {amount(limits.total_bytes)} in all"
        if not unread:
            left -= found.size
        elif unread != LINK:
            gaps.add(unread, needs.get(unread, "a regular file" if unread in SPECIAL.values() else "a file within the limit"), found.path)
        path = printable(found.path)
        if path != found.path:
            real[path] = found.path
        entries.append(Entry(path=path, size=found.size, blob=found.blob, unread=unread))
    if real:
        entries.sort(key=lambda entry: entry.path)
    return tuple(entries), real


class _Folders:
    """Which folders of a tree are real folders all the way down; each is looked at once."""

    __slots__ = ("_root", "_seen")

    def __init__(self, root: str) -> None:
        self._root = root
        self._seen = {"": ""}

    def problem(self, folder: str) -> str:
        """Empty for a real folder, `gone`, or why nothing below is read."""
        known = self._seen.get(folder)
        if known is None:
            parent, _, name = folder.rpartition("/")
            known = LEADS_OUT if name.lower() in NEVER_TRACKED or folder.startswith("/") else self.problem(parent)
            if not known:
                try:
                    mode = os.lstat(f"{self._root}/{folder}").st_mode
                    known = "" if stat.S_ISDIR(mode) else BEHIND_LINK if stat.S_ISLNK(mode) else "gone"
                except OSError as error:
                    known = DENIED if isinstance(error, PermissionError) else "gone"
            self._seen[folder] = known
        return known


# ── With git ─────────────────────────────────────────────────────────────────────────────────────────


class _GitListing(Struct):
    """A listing by git in the making; `add` methods take git's output and raise `GitError`."""

    root: str
    limits: Limits
    gaps: Gaps
    folders: _Folders
    written: int
    """When the index was written; what changed since may have changed unnoticed."""
    files: list[Found] = field(default_factory=list)
    dirty: bool = False
    tracked: int = 0
    hashable: int = 0

    def add_tracked(self, output: bytes) -> None:
        """The index's files that exist."""
        end = 0
        last = ""
        self.hashable = self.limits.hashed_bytes
        text = os.fsdecode(output)
        for match in _INDEXED.finditer(text):
            if match.start() != end:
                break
            end = match.end()
            tag, mode, blob, stage, path, seconds, nanoseconds, size = match.groups()
            if path == last:
                continue  # the other sides of a conflict
            last = path
            if mode == _SUBMODULE:
                self.gaps.add("submodules are not followed", "the submodule as a target of its own", path, kind="submodule")
                continue
            self.tracked += 1
            if self.full(path):
                continue
            found = self.look(path)
            if found is None:
                if tag == "S":
                    self.gaps.add("not checked out (sparse)", "`git sparse-checkout disable`", path)
                else:
                    self.dirty = True
                continue
            self.files.append(found)
            if stage == "0" and size is not None and stat.S_ISREG(found.mode):
                time = int(seconds) * 1_000_000_000 + int(nanoseconds)
                self.compare(found, blob, int(size), time)
        if end != len(text):
            raise GitError("its list of files has an unknown form")

    def compare(self, found: Found, blob: str, size: int, time: int) -> None:
        """Give an unmodified file its blob; `size` and `time` are the index's."""
        if found.size == size and found.time == time < self.written:
            found.blob = blob
        elif found.size != size and size:
            self.dirty = True
        elif found.size <= min(self.hashable, self.limits.file_bytes):
            # Same size, other time: a copied tree, or an edit within the index's own tick.
            self.hashable -= found.size
            if self.hash(found.path, blob) == blob:
                found.blob = blob
            else:
                self.dirty = True

    def hash(self, path: str, like: str) -> str:
        """The blob id of a file's bytes, empty when they can't be had."""
        try:
            data = read_regular(f"{self.root}/{path}", self.limits.file_bytes)
        except OSError:
            return ""
        return blob_id(data, like) if isinstance(data, bytes) else ""

    def add_untracked(self, output: bytes) -> None:
        """Files that git neither tracks nor ignores, without installed packages and caches."""
        paths = [os.fsdecode(raw) for raw in output.split(b"\0") if raw]
        environments = tuple(path.removesuffix("pyvenv.cfg") for path in paths if path.endswith("/pyvenv.cfg"))
        for path in paths:
            if not PRUNED.isdisjoint(path.split("/")) or (environments and path.startswith(environments)):
                continue
            if path.endswith("/"):
                self.gaps.add(
                    "a repository inside the repository is not followed", "the folder as a target of its own", path, kind="folder"
                )
                continue
            found = None if self.full(path) else self.look(path)
            if found:
                self.files.append(found)
                self.dirty = True

    def full(self, path: str) -> bool:
        """Whether the bound on files leaves out this path, which is then noted."""
        if len(self.files) < self.limits.files:
            return False
        self.gaps.add_beyond(self.limits.files, path)
        return True

    def look(self, path: str) -> Found | None:
        """What is at a path; None when nothing is there, or (noted) nothing that can be listed."""
        if path.count("/") >= self.limits.depth:
            self.gaps.add(f"deeper than {self.limits.depth} folders", "the deep folder as a target of its own", path)
            return None
        folder, _, name = path.rpartition("/")
        problem = LEADS_OUT if name.lower() in NEVER_TRACKED else self.folders.problem(folder)
        if problem:
            if problem != "gone":
                self.gaps.add(problem, NEEDS[problem], path)
            return None
        try:
            status = os.lstat(f"{self.root}/{path}")
        except PermissionError:
            self.gaps.add(DENIED, NEEDS[DENIED], path)
            return None
        except OSError:
            return None
        return Found(path, status.st_size, status.st_mode, status.st_mtime_ns)


def list_with_git(git: Git, root: str, limits: Limits, gaps: Gaps) -> Listing | None:
    """Tracked and untracked files; None when the folder is no part of the repository around it. Raises `GitError`."""
    output = git.run(*TRACKED, folder=root)
    if git.top != root and not output:
        return None
    index = os.path.join(os.fsdecode(git.run(*GIT_FOLDER)).rstrip("\n"), "index")
    try:
        written = os.lstat(index).st_mtime_ns
    except OSError:
        written = 0
        if git.run(*COMMIT, tolerated=1):
            gaps.add("the index is missing, so which files are tracked is not known", "`git reset` in the repository", "git index", kind="")
    listing = _GitListing(root, limits, gaps, _Folders(root), written)
    listing.add_tracked(output)
    if listing.tracked and not listing.files:
        gaps.add("nothing of the revision is checked out", "`git checkout`", "the tracked files", kind="")
    listing.add_untracked(git.run(*UNTRACKED, folder=root))
    return Listing(listing.files, listing.dirty)


# ── Without git ──────────────────────────────────────────────────────────────────────────────────────


def walk(root: str, limits: Limits, gaps: Gaps) -> Listing:
    """All files below a folder that no `.gitignore` leaves out, without installed packages and caches."""
    files: list[Found] = []
    waiting: list[tuple[str, tuple[tuple[int, ignoring.Ignore], ...]]] = [("", ())]
    seen = 0
    # More than the bound is listed, since it counts in the order of paths, not of this walk.
    while waiting:
        folder, ignores = waiting.pop()
        depth = folder.count("/") + 1 if folder else 0
        if depth >= limits.depth:
            gaps.add(f"deeper than {limits.depth} folders", "the deep folder as a target of its own", folder, kind="folder")
            continue
        seen += 1
        if seen > limits.files or len(files) > 2 * limits.files:
            reason = f"beyond {limits.files:,} folders or {2 * limits.files:,} files"
            gaps.add(reason, "a scan of the subfolders one by one", folder, kind="folder")
            continue
        try:
            with os.scandir(f"{root}/{folder}") as scan:
                found = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            gaps.add(reason_of(error), NEEDS.get(reason_of(error), "a folder that can be listed"), folder, kind="folder")
            continue
        names = {entry.name for entry in found}
        if "pyvenv.cfg" in names and folder:
            continue
        if ".gitignore" in names:
            ignores = (*ignores, *_ignore(f"{root}/{folder}/.gitignore", depth))
        below = []
        for entry in found:
            path = f"{folder}/{entry.name}" if folder else entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if (is_folder and entry.name in PRUNED) or (ignores and _ignored(ignores, path, is_folder)):
                continue
            if is_folder:
                below.append((path, ignores))
            else:
                files.append(_status(entry, path))
        waiting += reversed(below)
    return Listing(files)


def _status(entry: os.DirEntry[str], path: str) -> Found:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return Found(path, 0, 0, 0)
    return Found(path, status.st_size, status.st_mode, status.st_mtime_ns)


def _ignore(path: str, depth: int) -> Iterator[tuple[int, ignoring.Ignore]]:
    try:
        data = read_regular(path, ignoring.MAX_BYTES)
    except OSError:
        return
    if isinstance(data, bytes):
        yield depth, ignoring.parse(os.fsdecode(data))


def _ignored(ignores: Iterable[tuple[int, ignoring.Ignore]], path: str, folder: bool) -> bool:
    parts = path.split("/")
    for depth, ignore in reversed(tuple(ignores)):
        verdict = ignore.verdict(parts[depth:], folder)
        if verdict is not None:
            return verdict
    return False
