"""Opening files of a hostile tree: no link is followed, nothing but a regular file opened, no more read than allowed."""

from __future__ import annotations

import errno
import os
import stat

from rung.targets.target import Unread

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | getattr(os, "O_NOCTTY", 0)
SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder where git expects a file",
}
LINK = "symbolic link"
LINK_OUT = "symbolic link out of the tree"
BEHIND_LINK = "behind a symbolic link"
DENIED = "no permission to read"


def descend(root: str, folder: str) -> int:
    """A descriptor of a folder below the root, reached without following a link; raises OSError."""
    flags = _OPEN | os.O_DIRECTORY
    descriptor = os.open(root, flags)
    for part in folder.split("/") if folder else ():
        try:
            if part == "..":
                raise FileNotFoundError(errno.ENOENT, folder)
            below = os.open(part, flags, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def read_regular(name: str, most: int, folder: int | None = None) -> bytes | Unread:
    """The bytes of a regular file; raises OSError."""
    descriptor = os.open(name, _OPEN, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Unread(SPECIAL.get(stat.S_IFMT(status.st_mode), "a special file"))
        if status.st_size > most:
            return Unread(too_large(most))
        chunks = []
        left = most + 1
        # One read more than the size says, since the file may grow meanwhile.
        while left > 0 and (chunk := os.read(descriptor, min(left, max(status.st_size + 1, 4096)))):
            chunks.append(chunk)
            left -= len(chunk)
            if len(chunk) <= status.st_size and sum(map(len, chunks)) == status.st_size:
                break
        return b"".join(chunks) if left > 0 else Unread(too_large(most))
    finally:
        os.close(descriptor)


def reason_of(error: OSError) -> str:
    """Why a file could not be opened, in words of the coverage."""
    if isinstance(error, PermissionError):
        return DENIED
    if isinstance(error, FileNotFoundError):
        return "gone since it was listed"
    if error.errno == errno.ELOOP:
        return LINK
    if error.errno == errno.ENOTDIR:
        return BEHIND_LINK
    if error.errno in (errno.ENXIO, errno.ENODEV):
        return "a socket"
    return f"not readable ({os.strerror(error.errno or 0)})"


def too_large(most: int) -> str:
    """The reason for not reading more than `most` bytes."""
    return f"larger than {amount(most)}"


def amount(count: int) -> str:
    """A number of bytes for people."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} bytes"
