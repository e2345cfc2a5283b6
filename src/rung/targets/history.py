"""The commits and tags of a repository, for a scan over time: one call of git each, as a stream."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from contextlib import closing

from msgspec import Struct

from rung.expressions import regex
from rung.targets.git import Git, GitError
from rung.targets.target import printable

MOST_CHANGES = 200_000
"""Changes that are kept of one commit."""
MOST_SUBJECT = 120
"""Characters of a commit's subject."""
_HEADER = regex(r"(?P<id>[0-9a-f]{40,64}) (?P<date>-?\d+) (?P<parents>[0-9a-f ]*)", re.ASCII)
_CHANGE = regex(r":(?P<old_mode>[0-7]{6}) (?P<new_mode>[0-7]{6}) (?P<old>[0-9a-f]{40,64}) (?P<new>[0-9a-f]{40,64}) [A-Z]\d*", re.ASCII)
_GONE = 0


class Change(Struct, frozen=True):
    """A path that a commit added, changed or removed; a renamed file is removed and added."""

    path: str
    """As git has it, decoded by `os.fsdecode`; `printable` makes it that of an `Entry`."""
    old_mode: int
    """Of the file before, as in `stat` (0o100644, 0o120000 link, 0o160000 submodule); 0 when there was none."""
    new_mode: int
    old_blob: str
    """Id of the content before, empty when there was none."""
    new_blob: str


class Commit(Struct, frozen=True):
    """A commit, and what it changed against its first parent."""

    id: str
    parents: tuple[str, ...]
    """Empty for a root, and where a shallow clone ends; the commit then adds all files."""
    date: int
    """When it was committed, in seconds since 1970."""
    changes: tuple[Change, ...]
    """In order of path; not more than `MOST_CHANGES`."""


class Tag(Struct, frozen=True):
    """A tag of a commit."""

    name: str
    commit: str
    date: int
    """When the commit was committed, in seconds since 1970."""


def commits_of(git: Git, revision: str, *, folder: str = "", changes: bool = True) -> Generator[Commit, None, None]:
    """The commits from a revision (an id, as `revision.resolve` gives) back along first parents, the newest first.

    Nothing is kept, so any number of commits takes the same memory; closing the generator ends git.

    Args:
        git: the repository.
        revision: a commit's id, or a range of them (`OLD..NEW`).
        folder: only commits that change something in this folder, and only those changes.
        changes: whether to ask what each commit changed; without, they come much faster, and none has changes.

    Raises:
        GitError: git failed; commits that it did give have been given.
    """
    # Whatever configuration could change or run is said here: signatures start a program, an order is read from a file.
    arguments = (
        "log", "--first-parent", *(("-m", "--raw") if changes else ("--no-patch",)), "-z", "--no-abbrev", "--no-renames", "--no-show-signature", "--no-ext-diff",
        "--no-textconv", "--no-color", "--no-decorate", "--no-relative", "--no-mailmap", "-O/dev/null", "--format=%H %ct %P", "--end-of-options", revision, "--", *([folder] if folder else []),
    )  # fmt: skip
    header: re.Match[str] | None = None
    found: list[Change] = []
    with closing(git.stream(*arguments)) as records:
        for raw in records:
            record = os.fsdecode(raw).lstrip("\n")
            changed = _CHANGE.fullmatch(record)
            if changed:
                path = os.fsdecode(next(records, b""))
                if len(found) < MOST_CHANGES:
                    found.append(_change(path, changed))
            elif record:
                if header:
                    yield _commit(header, found)
                header = _HEADER.fullmatch(record)
                found = []
                if header is None:
                    raise GitError("its log has an unknown form")
    if header:
        yield _commit(header, found)


def is_cut_off(git: Git, commit: str) -> bool:
    """Whether a commit has parents that this clone ends before; raises `GitError`."""
    header, _, _ = git.run("cat-file", "commit", commit).partition(b"\n\n")
    return b"\nparent " in header


def subject_of(git: Git, commit: str) -> str:
    """The first line of what a commit says of itself, shortened, as its author wrote it; raises `GitError`."""
    _, _, message = git.run("cat-file", "commit", commit).partition(b"\n\n")
    return message.strip().partition(b"\n")[0].decode("utf-8", "replace")[:MOST_SUBJECT]


def _change(path: str, found: re.Match[str]) -> Change:
    old, new = int(found["old_mode"], 8), int(found["new_mode"], 8)
    return Change(path, old, new, found["old"] if old != _GONE else "", found["new"] if new != _GONE else "")


def _commit(header: re.Match[str], changes: list[Change]) -> Commit:
    return Commit(header["id"], tuple(header["parents"].split()), int(header["date"]), tuple(changes))


def tags_of(git: Git, *, merged: str = "") -> tuple[Tag, ...]:
    """The tags of commits, the oldest commit first; raises `GitError`.

    Args:
        git: the repository.
        merged: the id of a commit: only tags that are in its history, by whatever parent.
    """
    form = "%(refname)%00%(objecttype) %(objectname) %(committerdate:unix)%00%(*objecttype) %(*objectname) %(*committerdate:unix)"
    tags = []
    output = git.run("for-each-ref", f"--format={form}", *([f"--merged={merged}"] if merged else []), "refs/tags")
    for line in os.fsdecode(output).splitlines():
        ref, own, peeled = line.split("\0")
        kind, commit, date = (peeled if own.startswith("tag ") else own).split(" ")
        if kind == "commit":
            tags.append(Tag(printable(ref.removeprefix("refs/tags/")), commit, int(date)))
    return tuple(sorted(tags, key=lambda tag: (tag.date, tag.name)))
