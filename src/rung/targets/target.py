"""The interface between whatever is scanned and the readers: a list of files, and their bytes on demand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from rung.records import Coverage, TargetInfo


class Limits(Struct, frozen=True, kw_only=True):
    """How much of a target is listed and read; what lies beyond is named in the coverage."""

    file_bytes: int = 4 * 1024 * 1024
    """Files beyond this size are listed, not read."""
    total_bytes: int = 4 * 1024 * 1024 * 1024
    files: int = 200_000
    depth: int = 64
    """Parts of a path, the file's name included."""
    git_seconds: float = 30.0
    """How long one call of git may take."""
    fetch_seconds: float = 600.0
    """How long fetching from a remote repository may take."""
    hashed_bytes: int = 64 * 1024 * 1024
    """Bytes that listing may hash, for files whose time differs from git's index but whose size does not."""


class Entry(Struct, frozen=True, kw_only=True):
    """A file of a target."""

    path: str
    """Relative to the target's root, `/` between parts, printable (see `printable`); unique."""
    size: int
    blob: str = ""
    """Git's id of the content when the file is unmodified by git's own rule (size and time agree with its index), else empty.
    Good for looking facts up. To keep facts take `git.blob_id` of the bytes read: an index can lie."""
    unread: str = ""
    """Why the content can't be read, empty when it can."""


class Unread(Struct, frozen=True):
    """The answer instead of bytes."""

    reason: str


class Target(Protocol):
    """Something that can be listed and read. Instances can be pickled, and used in forked workers."""

    @property
    def info(self) -> TargetInfo:
        """Where it is and in which state."""

    def list(self) -> tuple[Entry, ...]:
        """All files, sorted by path."""

    def expect(self, paths: Iterable[str]) -> None:
        """Hear which listed files are going to be read next, in order; a target may fetch them ahead."""

    def read(self, path: str) -> bytes | Unread:
        """The content of a listed file, or why there is none."""

    def coverage(self) -> tuple[Coverage, ...]:
        """What could not be listed or will not be read, grouped by reason."""


def printable(path: str) -> str:
    """A path for people and records: `\\xNN` for bytes that are no UTF-8, escapes for control characters, `\\\\` for a backslash.

    Takes a path decoded by `os.fsdecode`. Different paths stay different.
    """
    if "\\" not in path and path.isprintable():
        return path
    return "".join(map(_printable, path))


def _printable(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    if character < "\x80":
        return character.encode("unicode_escape").decode("ascii")
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
