"""A git revision, read from the object database without a checkout: also of bare, partial and shallow clones.

Its files are what `git checkout` would write, sparse or not; a link, a submodule or a file that is too large counts as in a
work tree.
"""

from __future__ import annotations

import os
import posixpath
import re
import shlex
import stat
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from rung.expressions import regex
from rung.records import TAGS, Coverage, TargetError, TargetInfo
from rung.targets.files import LINK, LINK_OUT, too_large
from rung.targets.git import Git, GitError, is_bare, repository_above
from rung.targets.history import ALL_TAGS, Tag
from rung.targets.listing import LEADS_OUT, NEEDS, NEVER_TRACKED, Found, Gaps, Listing, entries_of
from rung.targets.objects import MISSING, OBJECTS, Blobs, Objects, objects_of
from rung.targets.repository import REMOTES, Remote, is_shallow, remote_of, repository_info
from rung.targets.tags import note_unread, numbered_tags, told, with_tags
from rung.targets.target import Entry, Limits, Unread, printable
from rung.targets.trees import SUBMODULE, UNKNOWN, Trees

_NAME = regex(r"[^\0-\x20\x7f~^:?*\[\\]+")
"""What can be the name of a branch or tag."""
_LONGEST_LINK = 4096
_MOST_LINKS = 10_000
"""Targets of links that are remembered from one revision to the next."""
_MOST_HOPS = 40
"""Links that lead to links; a file system gives up there too."""


class Omitted(Struct, frozen=True):
    """Files that a partial clone of ours leaves out on purpose, because nothing is going to read them."""

    needed: Callable[[str], bool]
    """Whether a file of this (printable) path is read."""
    size: int
    """What those that are left out have at least."""


def open_revision(
    path: str,
    revision: str = "HEAD",
    *,
    subfolder: str = "",
    limits: Limits | None = None,
    identity: str = "repo",
    omitted: Omitted | None = None,
    shown: str = "",
) -> Revision:
    """List a revision of a repository; raises `TargetError` when there is no such repository, revision or folder in it.

    Args:
        path: the repository: a work tree, a folder of it (which stands for that part), or a bare repository.
        revision: a branch (also one of the main remote), a tag, a commit, or what git makes one of (`HEAD~3`).
        subfolder: a folder of the revision; relative to `path`.
        limits: how much is listed and read.
        identity: the target's id.
        omitted: see there.
        shown: what messages call the repository instead of `path`.
    """
    return Revisions(path, subfolder=subfolder, limits=limits, identity=identity, omitted=omitted, shown=shown).open(revision)


class Revisions:
    """The revisions of one repository, to be listed one after another; the arguments are those of `open_revision`.

    They share the git processes that read them, the folders that are alike in one and the next, and what symbolic links say.
    """

    def __init__(
        self,
        path: str,
        *,
        subfolder: str = "",
        limits: Limits | None = None,
        identity: str = "repo",
        omitted: Omitted | None = None,
        shown: str = "",
    ) -> None:
        self._limits = limits or Limits()
        self._identity = identity
        self._omitted = omitted
        self._shown = shown or path
        self.git, folder = repository_at(path, self._limits.git_seconds)
        self.folder = _inside(self._shown, folder, subfolder)
        """The part of the repository, as git takes it; empty for all."""
        self._tags: tuple[Tag, ...] = ()
        self._untagged = ""
        """Why the tags can't be listed."""
        try:
            with self.git.ahead(REMOTES, OBJECTS, ALL_TAGS):
                self.remote = remote_of(self.git)
                self._objects = objects_of(self.git)
                try:
                    self._tags = numbered_tags(self.git)
                except GitError as error:
                    self._untagged = str(error)
        except GitError as error:
            raise TargetError(f"{self._shown}: can't be read, because of git: {error}") from error
        self._blobs = Blobs(self._objects, self._limits.file_bytes)
        self._trees = Trees(self._objects)
        self._links: dict[str, str] = {}

    def open(self, revision: str) -> Revision:
        """A revision by any name; raises `TargetError`."""
        try:
            commit, branch = resolve(self.git, self.remote, self._shown, revision)
            info = repository_info(
                self.git,
                self.remote,
                identity=self._identity,
                kind="revision",
                revision=commit,
                branch=branch,
                folder=printable(self.folder),
            )
            _check(self._objects, commit, self.folder, f"{self._shown}@{revision}", _fetch(self.git, self.remote, commit))
        except GitError as error:
            raise TargetError(f"{self._shown}: revision {revision} can't be read, because of git: {error}") from error
        try:
            return self._listed(info, revision)
        finally:
            self._trees.close()

    def at(self, like: Revision, commit: str) -> Revision:
        """Another commit of the repository by its id, called as `like` is; the folder may be missing there: it is then empty.

        Raises `TargetError`.
        """
        info = replace(like.info, revision=commit, branch="")
        try:
            return self._listed(info, commit)
        except TargetError:
            whole = self._objects.type_of(f"{commit}^{{tree}}") == "tree"
            if self.folder and whole and self._objects.type_of(f"{commit}:{self.folder}") != "tree":
                return Revision(replace(info, files=0), (), (), self._blobs)
            raise

    def _listed(self, info: TargetInfo, revision: str) -> Revision:
        gaps = Gaps()
        commit = info.revision
        try:
            listing = _list(self._trees.files(commit, self.folder), self._limits, gaps, self._omitted)
            tags = b"" if self.folder or not self._tags else told(self._tags, self._trees.date_of(commit))
        except GitError as error:
            hint = f"; where parts of it are missing, {_fetch(self.git, self.remote, commit)}"
            raise TargetError(f"{self._shown}: the files of revision {revision} can't be listed, because of git: {error}{hint}") from error
        links = self._targets_of(listing)
        needs = {**NEEDS, MISSING: _fetch_blobs(self.remote, commit)}
        entries, real = entries_of(listing, self._limits, gaps, partial(_why_not, links, self._limits.file_bytes), needs)
        del real  # contents go by id
        if self._untagged and not self.folder:
            note_unread(gaps, self._untagged)
        return Revision(
            replace(info, files=len(entries)), tuple(with_tags(entries, tags)), gaps.coverage(self._identity), self._blobs, tags
        )

    def _targets_of(self, listing: Listing) -> Mapping[str, str]:
        """Where each symbolic link leads, as it is written."""
        found = [found for found in listing.files if stat.S_ISLNK(found.mode) and found.size <= _LONGEST_LINK]
        if unknown := [link.blob for link in found if link.blob not in self._links]:
            if len(self._links) > _MOST_LINKS:
                self._links.clear()
                unknown = [link.blob for link in found]
            self._blobs.expect(unknown)
            contents = {blob: self._blobs.read(blob) for blob in unknown}
            self._links.update((blob, os.fsdecode(target)) for blob, target in contents.items() if isinstance(target, bytes))
            self._blobs.close()  # before workers are forked
        return {link.path: self._links[link.blob] for link in found if link.blob in self._links}


class Revision:
    """The files of a revision; see `Target`. A worker that it is pickled or forked to reads through a git process of its own."""

    __slots__ = ("_blobs", "_coverage", "_entries", "_index", "_tags", "info")

    def __init__(
        self, info: TargetInfo, entries: tuple[Entry, ...], coverage: tuple[Coverage, ...], blobs: Blobs, tags: bytes = b""
    ) -> None:
        self.info = info
        self._entries = entries
        self._coverage = coverage
        self._blobs = blobs
        self._tags = tags
        """The content of the file of tags."""
        self._index: dict[str, Entry] | None = None

    def list(self) -> tuple[Entry, ...]:
        """All files, sorted by path."""
        return self._entries

    def coverage(self) -> tuple[Coverage, ...]:
        """What could not be listed or will not be read, grouped by reason."""
        return self._coverage

    def expect(self, paths: Iterable[str]) -> None:
        """Hear which listed files are going to be read next, in order: they are asked for ahead."""
        entries = filter(None, map(self._entry, paths))
        self._blobs.expect(entry.blob for entry in entries if not entry.unread and entry.path != TAGS)

    def read(self, path: str) -> bytes | Unread:
        """The content of a listed file, or why there is none."""
        entry = self._entry(path)
        if entry is None:
            return Unread("not in the tree")
        if path == TAGS:
            return self._tags
        return Unread(entry.unread) if entry.unread else self._blobs.read(entry.blob)

    def _entry(self, path: str) -> Entry | None:
        if self._index is None:
            self._index = {entry.path: entry for entry in self._entries}
        return self._index.get(path)

    def __reduce__(self) -> tuple[object, ...]:
        return (Revision, (self.info, self._entries, self._coverage, self._blobs, self._tags))


# ── The place ────────────────────────────────────────────────────────────────────────────────────────


def repository_at(path: str, seconds: float) -> tuple[Git, str]:
    """The repository that a path belongs to, and the folder of it that the path is; raises `TargetError`."""
    root = os.path.realpath(path)
    if not os.path.isdir(root):
        raise TargetError(f"{path}: {'is no folder' if os.path.exists(root) else 'does not exist'}: give the folder of a repository")
    if is_bare(root):
        return Git(root, seconds, bare=True), ""
    top = repository_above(root)
    if not top:
        raise TargetError(f"{path}: is in no git repository, so it has no revisions: give the folder of a repository")
    return Git(top, seconds), "" if top == root else os.path.relpath(root, top)


def _inside(path: str, folder: str, subfolder: str) -> str:
    joined = posixpath.normpath(posixpath.join("/", folder, subfolder)).strip("/")
    if subfolder.startswith("/") or (folder and joined != folder and not joined.startswith(folder + "/")) or ".." in subfolder.split("/"):
        raise TargetError(f"{path}: the subfolder {subfolder} lies outside it: give a path inside it")
    return joined


def _check(objects: Objects, commit: str, folder: str, shown: str, fetch: str) -> None:
    """Raises `TargetError` where the files of a commit are not to be had, or it has no such folder."""
    if objects.type_of(f"{commit}^{{tree}}") != "tree":
        raise TargetError(f"{shown}: the files of the commit are not in this clone; {fetch}")
    if folder and objects.type_of(f"{commit}:{folder}") != "tree":
        raise TargetError(f"{shown}: has no folder {printable(folder)}: give one that is in that revision")


# ── The revision ─────────────────────────────────────────────────────────────────────────────────────


def resolve(git: Git, remote: Remote, path: str, revision: str) -> tuple[str, str]:
    """The commit that a revision names, and its branch if it names one; raises `GitError`, and `TargetError` if it names none."""
    if not revision or revision.startswith("-") or not revision.isprintable():
        raise TargetError(f"{path}: `{printable(revision)}` can't be a revision: give a branch, a tag or a commit")
    named = _named(git, remote, revision) if _NAME.fullmatch(revision) else {}
    local = {ref: commit for ref, commit in named.items() if not ref.startswith("refs/remotes/")}
    if len(set(local.values())) > 1:
        raise TargetError(f"{path}: `{revision}` is ambiguous: give {' or '.join(f'`{ref}`' for ref in sorted(local))}")
    commit = _commit(git, revision)
    branch = revision if f"refs/heads/{revision}" in named else ""
    if revision == "HEAD":
        branch = os.fsdecode(git.run("symbolic-ref", "-q", "--short", "HEAD", tolerated=1)).rstrip("\n")
    elif not commit and named:
        branch = revision
        commit = _commit(git, min(named))
    if not commit:
        raise TargetError(f"{path}: {_why_none(git, remote, revision)}")
    return commit, printable(branch)


def _commit(git: Git, revision: str) -> str:
    return git.run("rev-parse", "-q", "--verify", f"{revision}^{{commit}}", tolerated=128).decode("ascii", "replace").strip()


def _named(git: Git, remote: Remote, name: str) -> Mapping[str, str]:
    """The branches and tags of exactly this name, with what they lead to."""
    refs = [f"refs/heads/{name}", f"refs/tags/{name}", *([f"refs/remotes/{remote.name}/{name}"] if remote.name else [])]
    output = git.run("for-each-ref", "--format=%(refname)%00%(objectname)%00%(*objectname)", *refs)
    found = {}
    for line in os.fsdecode(output).splitlines():
        ref, own, peeled = line.split("\0")
        if ref in refs:
            found[ref] = peeled or own
    return found


def _why_none(git: Git, remote: Remote, revision: str) -> str:
    if revision == "HEAD":
        return "the repository has no commit yet, or HEAD leads nowhere: give another revision"
    if re.fullmatch(r"[0-9a-f]{4,63}", revision):
        candidates = git.run("rev-parse", f"--disambiguate={revision}", tolerated=128).split()
        if len(candidates) > 1:
            return f"`{revision}` is ambiguous, {len(candidates)} objects begin so: give more of the commit's id"
    if not remote.name:
        return f"there is no branch, tag or commit `{revision}`, and no remote to fetch it from: `git branch -a` and `git tag` list what is there"
    if re.search(r"[~^@:]", revision):
        if is_shallow(git):
            return f"the commit `{revision}` is not in this shallow clone: `git fetch --unshallow {remote.name}` brings all"
        return f"there is no commit `{revision}`: give a branch, a tag or a commit"
    return f"there is no branch, tag or commit `{revision}` here; {_fetch(git, remote, revision)}"


# ── What would bring what is missing ─────────────────────────────────────────────────────────────────


def _fetch(git: Git, remote: Remote, revision: str) -> str:
    """The command that fetches a revision, without its history where the clone has none."""
    if not remote.name:
        return "there is no remote to fetch it from"
    depth = "--depth=1 " if is_shallow(git) else ""
    # Written to a name of its own, since a clone of a single branch would keep none.
    source = revision if re.fullmatch(r"[0-9a-f]{40,64}", revision) else f"{revision}:refs/remotes/{remote.name}/{revision}"
    return f"`git fetch {depth}{shlex.quote(remote.name)} {shlex.quote(source)}` brings it when the remote has it"


def _fetch_blobs(remote: Remote, commit: str) -> str:
    if not remote.name:
        return "a clone with all its objects"
    listed = f"git rev-list --objects --no-object-names --missing=print --no-walk {commit}"
    return f"`{listed} | sed -n 's/^?//p' | git fetch --no-tags --filter=blob:none --stdin {shlex.quote(remote.name)}`"


# ── The files ────────────────────────────────────────────────────────────────────────────────────────


def _list(found_below: Generator[Found, None, None], limits: Limits, gaps: Gaps, omitted: Omitted | None) -> Listing:
    files: list[Found] = []
    seen = set[str]()
    with closing(found_below):
        for found in found_below:
            path = found.path
            if path in seen:
                continue  # a tree that git did not write
            if len(seen) > 2 * limits.files:
                gaps.add_beyond(limits.files, path)
                break
            seen.add(path)
            parts = path.lower().split("/")
            if not NEVER_TRACKED.isdisjoint(parts):
                gaps.add(LEADS_OUT, "a tree that git wrote", path)
            elif found.mode == SUBMODULE:
                gaps.add("submodules are not followed", "the submodule as a target of its own", path, kind="submodule")
            elif len(parts) > limits.depth:
                gaps.add(f"deeper than {limits.depth} folders", "the deep folder as a target of its own", path)
            else:
                files.append(found if found.size != UNKNOWN else _without_content(found, omitted))
    return Listing(files)


def _without_content(found: Found, omitted: Omitted | None) -> Found:
    if omitted and not omitted.needed(printable(found.path)):
        return replace(found, size=omitted.size)
    return replace(found, size=0, mode=found.mode if stat.S_ISLNK(found.mode) else 0)


def _why_not(links: Mapping[str, str], most: int, found: Found) -> str:
    if stat.S_ISLNK(found.mode):
        return LINK_OUT if _leads_out(found.path, links) else LINK
    if found.mode == 0:
        return MISSING
    return too_large(most) if found.size > most else ""


def _leads_out(path: str, links: Mapping[str, str]) -> bool:
    """Whether a path, followed as a file system would, leaves the tree."""
    ahead = deque(path.split("/"))
    place: list[str] = []
    hops = 0
    while ahead:
        part = ahead.popleft()
        if part == "..":
            if not place:
                return True
            place.pop()
        elif part not in ("", "."):
            place.append(part)
            target = links.get("/".join(place))
            if target is not None:
                hops += 1
                if target.startswith("/"):
                    return True
                if hops > _MOST_HOPS:
                    return False
                place.pop()
                ahead.extendleft(reversed(target.split("/")))
    return False
