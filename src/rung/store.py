"""Small files that Rung keeps for itself under the user's cache folder: read only when they are safely the user's own.

What is kept only saves time: whatever is missing, damaged, somebody else's or not writable is worked out anew.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from typing import TypeVar

from rung import __version__

T = TypeVar("T")
MAX_BYTES = 64 * 1024 * 1024


def enabled() -> bool:
    """Whether anything may be kept: `RUNG_NO_CACHE` set to anything but nothing or 0 forbids it."""
    return os.environ.get("RUNG_NO_CACHE", "") in ("", "0")


def folder() -> str:
    """Rung's part of the user's cache folder, which need not exist."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return os.path.join(home if os.path.isabs(home) else os.path.expanduser("~/.cache"), "rung")


def kept(name: str) -> bytes | None:
    """The content of a kept file, None when there is none that can be trusted."""
    if not enabled():
        return None
    try:
        if not is_own(os.stat(folder())):
            return None
        number = os.open(os.path.join(folder(), name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(number, "rb") as file:
            state = os.fstat(number)
            return file.read() if stat.S_ISREG(state.st_mode) and is_own(state) and state.st_size <= MAX_BYTES else None
    except OSError:
        return None


def keep(name: str, content: bytes) -> None:
    """Keeps a file for later, whole or not at all; where that can't be done, nothing is kept."""
    if not enabled():
        return
    try:
        os.makedirs(folder(), mode=0o700, exist_ok=True)
        if not is_own(os.stat(folder())):
            return
        import tempfile

        number, path = tempfile.mkstemp(prefix=f".{name}.", dir=folder())
        try:
            with open(number, "wb") as file:
                file.write(content)
            os.replace(path, os.path.join(folder(), name))
        except OSError:
            os.unlink(path)
    except OSError:
        return


def is_own(state: os.stat_result) -> bool:
    """Whether nobody but the user (or the administrator) can have written it."""
    return state.st_uid == os.geteuid() and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def remembered(name: str, key: str, kind: type[T], build: Callable[[], T], *, by: tuple[str, ...] = ()) -> T:
    """What `build` gives, taken from the kept file of that name when it was kept under the same key, else kept there.

    Args:
        name: the kept file.
        key: tells everything that the result hangs on.
        kind: the type that the result is read back as.
        build: works it out anew.
        by: the source files of what builds it, which Rung's developers change.
    """
    if not enabled():
        return build()
    try:
        key = repr((key, __version__, [os.stat(file).st_mtime_ns for file in by]))
    except OSError:  # Rung lies in an archive.
        return build()
    from msgspec import DecodeError, msgpack

    content = kept(name)
    if content is not None and content[:_SUM] == _sum(key, content[_SUM:]):
        try:
            return msgpack.decode(memoryview(content)[_SUM:], type=kind)
        except DecodeError:
            pass  # Of another form than today's: it is worked out and kept again.
    built = build()
    packed = msgpack.encode(built)
    keep(name, _sum(key, packed) + packed)
    return built


def _sum(key: str, content: bytes) -> bytes:
    """Stands before kept content: tells damage and another key alike."""
    return hashlib.sha256(key.encode() + b"\0" + content).digest()


_SUM = hashlib.sha256().digest_size
