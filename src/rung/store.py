"""Where Rung keeps what saves time: facts of repositories under the user's cache folder, and its own packs' compiled form beside the packs' code.

Whatever is missing, damaged, of another form or not writable is worked out anew.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from typing import TypeVar

from rung import __version__

T = TypeVar("T")


def enabled() -> bool:
    """Whether anything may be kept: `RUNG_NO_CACHE` set to anything but nothing or 0 forbids it."""
    return os.environ.get("RUNG_NO_CACHE", "") in ("", "0")


def folder() -> str:
    """Rung's part of the user's cache folder, which need not exist."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return os.path.join(home if os.path.isabs(home) else os.path.expanduser("~/.cache"), "rung")


def is_own(state: os.stat_result) -> bool:
    """Whether nobody but the user (or the administrator) can have written it."""
    return state.st_uid == os.geteuid() and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


# ── Compiled forms ───────────────────────────────────────────────────────────────────────────────────


def compiled(name: str, key: str, kind: type[T], build: Callable[[], T], *, by: tuple[str, ...]) -> T:
    """What `build` makes of Rung's own files, taken from the form that was compiled under the same key, else compiled now.

    That form is a part of the program, like Python's bytecode: a wheel brings it, a checkout gets it when it first runs, and it counts
    only for the very content that it was made of.

    Args:
        name: of the compiled form.
        key: tells all content that the result hangs on.
        kind: the type that the result is read back as.
        build: works it out.
        by: the source files of what builds it, which Rung's developers change.
    """
    from msgspec import DecodeError, msgpack

    place = os.path.join(_folder(), f"{name}.compiled")
    content = _content(place)
    key = repr((key, __version__, [_sum(_content(file)) for file in by]))
    if content[:_SIZE] == _sum(key.encode(), content[_SIZE:]):
        try:
            return msgpack.decode(memoryview(content)[_SIZE:], type=kind)
        except DecodeError:
            pass  # Of another form than today's.
    built = build()
    packed = msgpack.encode(built)
    _write(place, _sum(key.encode(), packed) + packed)
    return built


def _folder() -> str:
    return os.path.dirname(__file__)


def _content(file: str) -> bytes:
    """The bytes of one of Rung's own files, nothing where it has none."""
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError:
        return b""


def _write(place: str, content: bytes) -> None:
    """Writes a file whole or not at all; where it can't be written, as in most containers, there is none."""
    import tempfile

    try:
        number, written = tempfile.mkstemp(dir=os.path.dirname(place))
    except OSError:
        return
    try:
        with open(number, "wb") as file:
            file.write(content)
        os.chmod(written, 0o644)
        os.replace(written, place)
    except OSError:
        os.unlink(written)


def _sum(*parts: bytes) -> bytes:
    """Stands before what is compiled: tells damage and another key alike."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.digest()


_SIZE = hashlib.sha256().digest_size
