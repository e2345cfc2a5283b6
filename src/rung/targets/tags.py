"""The numbered tags of a repository, as a file that can be listed and read like any other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rung.expressions import regex
from rung.records import TAGS
from rung.targets.git import Git, blob_id
from rung.targets.history import Tag, tags_of
from rung.targets.listing import Gaps
from rung.targets.target import Entry

_NUMBERED = regex(
    r"(?:[^\n]{0,100}[-_/])?[vVrR]?\.?\d{1,8}\.\d[^\n]*|[^\n]{1,100}@\d+\.\d[^\n]*|(?:[^\n]{0,100}[-_/])?[vVrR]\d[^\n]*|(?:19|20)\d\d-[^\n]+"
    r"|(?i:release)[-_/][^\n]*\d"
)
"""Of a version (`v1.2.0`, `shop-2.1`, `shop@1.0.0`, `v97`), or of a date; that of a model in a registry of tags (`churn@v1`) is no release's."""
_LEAST = 3
"""Fewer tags are no series."""
_MOST = 10_000


def numbered_tags(git: Git) -> tuple[Tag, ...]:
    """The tags of commits that number a version, the newest commit first; raises `GitError`."""
    return tuple(tag for tag in reversed(tags_of(git)) if _NUMBERED.fullmatch(tag.name))


def told(tags: Iterable[Tag], date: int) -> bytes:
    """The file of a revision: the names of the tags of commits that are no younger than it, one a line; empty where these are no series.

    Args:
        tags: the newest first.
        date: when the revision was committed, in seconds since 1970.
    """
    names = [tag.name for tag in tags if tag.date <= date]
    return "".join(f"{name}\n" for name in names[:_MOST]).encode() if len(names) >= _LEAST else b""


def note_unread(gaps: Gaps, error: str) -> None:
    """Notes that the tags can't be listed, as where a partial clone lacks what they name; the files can be read without them."""
    gaps.add(f"git can't list them: {error}", "a clone with all its objects", "tags", kind="")


def with_tags(entries: Iterable[Entry], content: bytes) -> Iterator[Entry]:
    """The files of a target, and that of the tags where there are some; sorted, as they are."""
    waiting = content
    for entry in entries:
        if waiting and entry.path > TAGS:
            yield Entry(path=TAGS, size=len(waiting), blob=blob_id(waiting))
            waiting = b""
        yield entry
    if waiting:
        yield Entry(path=TAGS, size=len(waiting), blob=blob_id(waiting))
