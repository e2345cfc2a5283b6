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

MOST_SUBJECT = 120
"""Characters of a commit's subject."""
ALL_TAGS = (
    "for-each-ref",
    "--format=%(refname)%00%(objecttype) %(objectname) %(committerdate:unix)%00%(*objecttype) %(*objectname) %(*committerdate:unix)",
    "refs/tags",
)
"""Asks git for all tags; what follows narrows it."""
_HEADER = regex(r"(?P<id>[0-9a-f]{40,64}) (?P<date>-?\d+) (?P<parents>[0-9a-f ]*)", re.ASCII)


class Commit(Struct, frozen=True):
    """A commit of a history."""

    id: str
    parents: tuple[str, ...]
    """Empty for a root, and where a shallow clone ends."""
    date: int
    """When it was committed, in seconds since 1970."""


class Tag(Struct, frozen=True):
    """A tag of a commit."""

    name: str
    commit: str
    date: int
    """When the commit was committed, in seconds since 1970."""


def commits_of(git: Git, revision: str, *, folder: str = "") -> Generator[Commit, None, None]:
    """The commits from a revision (an id, as `revision.resolve` gives) back along first parents, the newest first.

    Nothing is kept, so any number of commits takes the same memory; closing the generator ends git.

    Args:
        git: the repository.
        revision: a commit's id, or a range of them (`OLD..NEW`).
        folder: only commits that change something in this folder.

    Raises:
        GitError: git failed; commits that it did give have been given.
    """
    # Whatever configuration could change or run is said here: signatures start a program, an order is read from a file.
    arguments = (
        "log", "--first-parent", "--no-patch", "-z", "--no-abbrev", "--no-renames", "--no-show-signature", "--no-ext-diff",
        "--no-textconv", "--no-color", "--no-decorate", "--no-relative", "--no-mailmap", "-O/dev/null", "--format=%H %ct %P", "--end-of-options", revision, "--", *([folder] if folder else []),
    )  # fmt: skip
    with closing(git.stream(*arguments)) as records:
        for raw in records:
            header = _HEADER.fullmatch(os.fsdecode(raw).lstrip("\n"))
            if header is None:
                raise GitError("its log has an unknown form")
            yield Commit(header["id"], tuple(header["parents"].split()), int(header["date"]))


def is_cut_off(git: Git, commit: str) -> bool:
    """Whether a commit has parents that this clone ends before; raises `GitError`."""
    header, _, _ = git.run("cat-file", "commit", commit).partition(b"\n\n")
    return b"\nparent " in header


def subject_of(git: Git, commit: str) -> str:
    """The first line of what a commit says of itself, shortened, as its author wrote it; raises `GitError`."""
    _, _, message = git.run("cat-file", "commit", commit).partition(b"\n\n")
    return message.strip().partition(b"\n")[0].decode("utf-8", "replace")[:MOST_SUBJECT]


def tags_of(git: Git, *, merged: str = "") -> tuple[Tag, ...]:
    """The tags of commits, the oldest commit first; raises `GitError`.

    Args:
        git: the repository.
        merged: the id of a commit: only tags that are in its history, by whatever parent.
    """
    tags = []
    output = git.run(*ALL_TAGS, *([f"--merged={merged}"] if merged else []))
    for line in os.fsdecode(output).splitlines():
        ref, own, peeled = line.split("\0")
        kind, commit, date = (peeled if own.startswith("tag ") else own).split(" ")
        if kind == "commit":
            tags.append(Tag(printable(ref.removeprefix("refs/tags/")), commit, int(date)))
    return tuple(sorted(tags, key=lambda tag: (tag.date, tag.name)))
