"""A work tree on disk: listed by git where there is a repository, by walking where there is none.

Everything in it is hostile until proven otherwise: symbolic links are never followed, special files never
opened, git never runs anything, and every size, depth and count is bounded.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from rung.records import TAGS, Coverage, TargetError, TargetInfo
from rung.targets.files import DENIED, LINK, LINK_OUT, SPECIAL, descend, read_regular, reason_of, too_large
from rung.targets.git import Git, GitError, is_bare, repository_above
from rung.targets.history import ALL_TAGS
from rung.targets.listing import COMMIT, GIT_FOLDER, NEEDS, TRACKED, UNTRACKED, Found, Gaps, Listing, entries_of, list_with_git, walk
from rung.targets.repository import IS_SHALLOW, REMOTES, remote_of, repository_info
from rung.targets.tags import note_unread, numbered_tags, told, with_tags
from rung.targets.target import Entry, Limits, Unread, printable

_DATE = ("rev-list", "--max-count=1", "--timestamp", "HEAD")
_BRANCH = ("symbolic-ref", "-q", "--short", "HEAD")


def open_worktree(path: str, *, subfolder: str = "", limits: Limits | None = None, identity: str = "repo") -> WorkTree:
    """List a folder, or a subfolder of it; raises `TargetError` when there is nothing to list.

    A folder inside a repository is that part of the repository, with the repository's revision.
    """
    limits = limits or Limits()
    root = _root(path, subfolder)
    top = repository_above(root)
    if (not top and is_bare(root)) or os.path.basename(root) == ".git":
        raise TargetError(f"{path}: is a bare repository, without files to read: give a revision of it (`{path}@HEAD`)")
    gaps = Gaps()
    if top:
        git = Git(top, limits.git_seconds)
        try:
            with git.ahead(TRACKED, UNTRACKED, folder=root), git.ahead(GIT_FOLDER, REMOTES, COMMIT, _BRANCH, IS_SHALLOW, _DATE, ALL_TAGS):
                listing = list_with_git(git, root, limits, gaps)
                if listing is not None:
                    info = _repository_info(git, root, identity)
                    return _assemble(root, listing, gaps, limits, info, tags=b"" if info.folder else _tags(git, gaps))
        except GitError as error:
            gaps = Gaps()
            gaps.add(
                f"the folder was walked instead, because of git: {error}; revision and tracked files are not known",
                "a repository that `git ls-files` can list",
                "git index",
                kind="",
            )
    name = printable(os.path.basename(root)) or "root"
    return _assemble(root, walk(root, limits, gaps), gaps, limits, TargetInfo(id=identity, kind="folder", uri=name, name=name))


def _root(path: str, subfolder: str) -> str:
    if not os.path.exists(path):
        raise TargetError(f"{path}: does not exist: give the folder of a repository")
    root = os.path.realpath(path)
    if subfolder:
        base = root
        root = os.path.realpath(os.path.join(base, subfolder))
        if root != base and not root.startswith(base.rstrip("/") + "/"):
            raise TargetError(f"{path}: the subfolder {subfolder} lies outside it: give a path inside it")
        if not os.path.exists(root):
            raise TargetError(f"{path}: has no subfolder {subfolder}")
    if not os.path.isdir(root):
        raise TargetError(f"{os.path.join(path, subfolder) if subfolder else path}: is no folder: give the folder of a repository")
    if not os.access(root, os.R_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise TargetError(f"{path}: can't be read: this user lacks the permission")
    return root


class _Place(Struct, frozen=True):
    """Where a tree's bytes are."""

    root: str
    real: dict[str, str]
    """The file system's own form of the paths that are not printable."""
    most: int
    """Bytes of a file that is read."""
    tags: bytes = b""
    """The content of the file of tags."""


class WorkTree:
    """The files of a folder; see `Target`. Pickling it drops nothing but an open folder; a worker reads for itself."""

    __slots__ = ("_coverage", "_entries", "_folder", "_folder_fd", "_index", "_place", "info")

    def __init__(self, info: TargetInfo, entries: tuple[Entry, ...], coverage: tuple[Coverage, ...], place: _Place) -> None:
        self.info = info
        self._entries = entries
        self._coverage = coverage
        self._place = place
        self._index: dict[str, Entry] | None = None
        self._folder = ""
        self._folder_fd = -1

    def list(self) -> tuple[Entry, ...]:
        """All files, sorted by path."""
        return self._entries

    def coverage(self) -> tuple[Coverage, ...]:
        """What could not be listed or will not be read, grouped by reason."""
        return self._coverage

    def expect(self, paths: Iterable[str]) -> None:
        """Nothing: the file system needs no telling."""

    def read(self, path: str) -> bytes | Unread:
        """The content of a listed file, or why there is none."""
        if self._index is None:
            self._index = {entry.path: entry for entry in self._entries}
        entry = self._index.get(path)
        if entry is None:
            return Unread("not in the tree")
        if entry.unread:
            return Unread(entry.unread)
        if path == TAGS:
            return self._place.tags
        folder, _, name = self._place.real.get(path, path).rpartition("/")
        try:
            return read_regular(name, self._place.most, self._open_folder(folder))
        except OSError as error:
            return Unread(reason_of(error))

    def _open_folder(self, folder: str) -> int:
        # Files come folder by folder, so one open folder saves most of the way down.
        if self._folder_fd < 0 or folder != self._folder:
            self._close()
            self._folder_fd = descend(self._place.root, folder)
            self._folder = folder
        return self._folder_fd

    def _close(self) -> None:
        if self._folder_fd >= 0:
            os.close(self._folder_fd)
            self._folder_fd = -1

    def __del__(self) -> None:
        self._close()

    def __reduce__(self) -> tuple[object, ...]:
        return (WorkTree, (self.info, self._entries, self._coverage, self._place))


def _assemble(root: str, listing: Listing, gaps: Gaps, limits: Limits, info: TargetInfo, *, tags: bytes = b"") -> WorkTree:
    entries, real = entries_of(listing, limits, gaps, partial(_why_not, root, limits.file_bytes), NEEDS)
    info = replace(info, dirty=listing.dirty, files=len(entries))
    return WorkTree(info, tuple(with_tags(entries, tags)), gaps.coverage(info.id), _Place(root, real, limits.file_bytes, tags))


def _why_not(root: str, most: int, found: Found) -> str:
    if stat.S_ISLNK(found.mode):
        target = os.path.realpath(os.path.join(root, found.path))
        return LINK if target == root or target.startswith(root.rstrip("/") + "/") else LINK_OUT
    if found.mode == 0:
        return DENIED
    if not stat.S_ISREG(found.mode):
        return SPECIAL.get(stat.S_IFMT(found.mode), "a special file")
    return too_large(most) if found.size > most else ""


def _tags(git: Git, gaps: Gaps) -> bytes:
    """The file of the tags up to what is checked out; empty where that is no commit."""
    try:
        date = git.run(*_DATE, tolerated=128).partition(b" ")[0]
        return told(numbered_tags(git), int(date)) if date else b""
    except GitError as error:
        note_unread(gaps, str(error))
        return b""


def _repository_info(git: Git, root: str, identity: str) -> TargetInfo:
    return repository_info(
        git,
        remote_of(git),
        identity=identity,
        kind="worktree",
        folder=printable(os.path.relpath(root, git.top)) if root != git.top else "",
        revision=git.run(*COMMIT, tolerated=1).decode("ascii", "replace").strip(),
        branch=printable(os.fsdecode(git.run(*_BRANCH, tolerated=1)).rstrip("\n")),
    )
