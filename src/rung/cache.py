"""Facts of files that were read before, kept in the user's cache folder and found again by content and path.

What is kept only saves time: whatever is missing, damaged, of another version, somebody else's or locked is read anew. A scan
looks everything up before it reads and writes what it read at its end, so that no connection lives while workers are forked.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from rung import __version__
from rung.records import Problem, RungError, SourceFile
from rung.store import enabled, folder, is_own

if TYPE_CHECKING:
    from sqlite3 import Connection

    from msgspec.msgpack import Decoder

MOST_BYTES = 512 * 1024 * 1024
"""Beyond this what was not used for longest goes."""
MOST_CONTENT = 16 * 1024 * 1024
"""Facts of one file that take more than this are not kept."""
_NAME = "facts.sqlite"
_BUSY_SECONDS = 5.0
_AT_ONCE = 500
"""Keys in one question; every SQLite takes 999."""
_DAY = 24 * 60 * 60
_SUM = 16
_DAMAGED = (1, 11, 20, 26)
"""What SQLite says of a file that is no database or none of ours: ERROR, CORRUPT, MISMATCH, NOTADB. All else passes by itself."""


class Content(Struct, frozen=True):
    """What a file's facts hang on: where it is, its size as listed, and its bytes."""

    path: str
    size: int
    blob: str
    """Git's id of the bytes, or why the listing says that there are none to be read."""


def clones_folder() -> str:
    """Where fetched repositories are, which need not exist."""
    return os.path.join(folder(), "clones")


def cache_of(digest: str, *, waiting: int = 0) -> Cache | None:
    """The facts kept for packs of this digest, as in `Cache`; None where nothing may be kept."""
    return Cache(digest, waiting=waiting) if digest and enabled() else None


class Cache:
    """The facts that this Rung read for one set of packs.

    Args:
        digest: of the packs.
        waiting: files whose facts may wait to be written together with others', or until `write` is called.
    """

    def __init__(self, digest: str, *, waiting: int = 0) -> None:
        self._of = hashlib.sha256(repr((__version__, sys.version, _state_of_readers(), digest)).encode()).digest()
        self._most_waiting = waiting
        self._rows: list[tuple[bytes, int, bytes]] = []

    def find(self, wanted: Iterable[Content]) -> dict[str, SourceFile]:
        """By path, the files of which facts are kept."""
        keys = list(dict.fromkeys(self._key(content) for content in wanted))
        found: dict[str, SourceFile] = {}
        today = int(time.time()) // _DAY

        def look_up(database: Connection) -> None:
            used = []
            for start in range(0, len(keys), _AT_ONCE):
                part = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(part))
                rows = database.execute(f"SELECT key, used, content FROM facts WHERE key IN ({marks})", part)  # noqa: S608 - question marks
                for key, last, content in rows:
                    file = _unpacked(key, content)
                    if file is not None:
                        found[file.path] = file
                        if last != today:
                            used.append((today, key))
            if used:
                database.execute("BEGIN IMMEDIATE")
                database.executemany("UPDATE facts SET used = ? WHERE key = ?", used)
                database.execute("COMMIT")

        if keys and os.path.lexists(_file()):
            _ask(look_up)
        return found

    def keep(self, read: Iterable[tuple[Content, SourceFile]]) -> None:
        """Keeps facts for later scans; a file that was not read whole may be read better another time."""
        today = int(time.time()) // _DAY
        for content, file in read:
            key = self._key(content)
            unsure = file.unread not in ("", content.blob)
            packed = None if unsure or any(isinstance(fact, Problem) and not fact.line for fact in file.facts) else _packed(key, file)
            if packed is not None:
                self._rows.append((key, today, packed))
        if len(self._rows) > self._most_waiting:
            self.write()

    def write(self) -> None:
        """Writes what waits."""
        rows, self._rows = self._rows, []

        def write(database: Connection) -> None:
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT OR REPLACE INTO facts (key, used, content) VALUES (?, ?, ?)", rows)
            _evict(database)
            database.execute("COMMIT")
            database.execute("PRAGMA incremental_vacuum")

        if rows and not _ask(write):
            _ask(write)  # It was damaged and is gone, or it was locked: there is one more chance.

    def _key(self, content: Content) -> bytes:
        text = f"{content.blob} {content.size} {content.path}".encode("utf-8", "surrogateescape")
        return hashlib.blake2b(text, digest_size=_SUM, key=self._of).digest()


@cache
def _state_of_readers() -> tuple[object, ...]:
    """Sizes and times of Rung's own modules, and of the folder that the parsers are installed in: a change of either can change facts."""
    import msgspec

    state: list[object] = [os.stat(os.path.dirname(os.path.dirname(msgspec.__file__))).st_mtime_ns]
    for place, folders, names in os.walk(os.path.dirname(__file__)):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(name for name in names if name.endswith(".py")):
            status = os.stat(os.path.join(place, name))
            state.append((name, status.st_size, status.st_mtime_ns))
    return tuple(state)


# ── What a row holds ─────────────────────────────────────────────────────────────────────────────────


@cache
def _decoder() -> Decoder[SourceFile]:
    import msgspec

    return msgspec.msgpack.Decoder(SourceFile)


def _packed(key: bytes, file: SourceFile) -> bytes | None:
    import msgspec

    try:
        packed = msgspec.msgpack.encode(file)
    except (UnicodeEncodeError, OverflowError):  # A lone surrogate, or a number beyond 64 bits.
        return None
    # As it is: facts are small, and to press them together would take longer than all else here.
    return _sum(key, packed) + packed if len(packed) <= MOST_CONTENT else None


def _unpacked(key: bytes, packed: object) -> SourceFile | None:
    import msgspec

    if not isinstance(packed, bytes) or packed[:_SUM] != _sum(key, packed[_SUM:]):
        return None
    try:
        return _decoder().decode(packed[_SUM:])
    except msgspec.DecodeError:
        return None


def _sum(key: bytes, packed: bytes) -> bytes:
    """Stands before what is kept: tells damage, and content that stands under another key."""
    return hashlib.blake2b(packed, digest_size=_SUM, key=key).digest()


# ── The file ─────────────────────────────────────────────────────────────────────────────────────────


def _file() -> str:
    return os.path.join(folder(), _NAME)


def _files() -> tuple[str, ...]:
    """The database, and what SQLite keeps beside it."""
    return _file(), f"{_file()}-wal", f"{_file()}-shm"


def _ask(use: Callable[[Connection], None]) -> bool:
    """Whether the database could be used. A damaged one is removed; one that is busy, full or not safely the user's own is let be."""
    import sqlite3

    try:
        if not _is_safe():
            return False
        with closing(sqlite3.connect(_file(), timeout=_BUSY_SECONDS, isolation_level=None)) as database:
            for command in ("auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = NORMAL"):
                database.execute(f"PRAGMA {command}")
            database.execute("CREATE TABLE IF NOT EXISTS facts (key BLOB PRIMARY KEY, used INTEGER NOT NULL, content BLOB NOT NULL)")
            use(database)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            _remove()
        return False
    except OSError:
        return False
    return True


def _is_safe() -> bool:
    """Makes the folder and the file where there are none; whether nobody but the user can write them. Raises OSError."""
    os.makedirs(folder(), mode=0o700, exist_ok=True)
    if not is_own(os.stat(folder())):
        return False
    with suppress(FileExistsError):  # Whose it is, is asked next.
        os.close(os.open(_file(), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    states = [os.lstat(file) for file in _files() if os.path.lexists(file)]
    return all(stat.S_ISREG(state.st_mode) and is_own(state) for state in states)


def _remove() -> None:
    for file in _files():
        if os.path.lexists(file):
            os.unlink(file)


def _evict(database: Connection) -> None:
    """Takes away what was not used for longest until a quarter of the room is free, once there is none left."""
    pages, free, size = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
    spare = (pages - free) * size - MOST_BYTES
    if spare > 0:
        database.execute(
            "DELETE FROM facts WHERE rowid IN (SELECT rowid FROM"
            " (SELECT rowid, sum(length(content) + 64) OVER (ORDER BY used, rowid) AS up_to FROM facts) WHERE up_to <= ?)",
            (spare + MOST_BYTES // 4,),
        )


# ── For people ───────────────────────────────────────────────────────────────────────────────────────


def info() -> str:
    """What is kept where, in lines for people."""
    counts: list[int] = []

    def count(database: Connection) -> None:
        counts.append(database.execute("SELECT count(*) FROM facts").fetchone()[0])

    if os.path.lexists(_file()):
        _ask(count)
    facts = sum(os.path.getsize(file) for file in _files() if os.path.isfile(file))
    clones = [entry.path for entry in os.scandir(clones_folder()) if entry.is_dir()] if os.path.isdir(clones_folder()) else []
    rows: Sequence[tuple[str, str, int]] = (
        (_file(), f"facts of {sum(counts):,} files", facts),
        (clones_folder(), f"{len(clones):,} fetched repositories", sum(map(_bytes_below, clones))),
    )
    return "".join(f"{place}: {what}, {size / 1024 / 1024:.1f} MiB\n" for place, what, size in rows)


def clear() -> str:
    """Removes all that Rung keeps, and gives the folder that it was in.

    Raises:
        RungError: it can't be removed.
    """
    try:
        if os.path.lexists(folder()):
            shutil.rmtree(folder())
    except OSError as error:
        raise RungError(f"{folder()}: can't be removed: {error.strerror or error}; remove it by hand") from error
    return folder()


def _bytes_below(place: str) -> int:
    return sum(os.lstat(os.path.join(root, name)).st_size for root, _, names in os.walk(place) for name in names)
