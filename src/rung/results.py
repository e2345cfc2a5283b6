"""Results of scans kept over time, in one SQLite file: each whole and compressed, with the few columns that they are found by.

A result is one transaction with a rollback journal and no second file beside it when nobody writes, so that the file can be copied, and
lies well on network drives, which the other journal (WAL) does not. A file that is damaged, or another program's, is told and left as it is.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from urllib.parse import quote

import msgspec
from msgspec import Struct

from rung.excerpt import visible
from rung.records import RungError
from rung.report import read_document
from rung.report.document import Document

_APPLICATION = 0x52756E67
"""Stands in the file's head: `Rung`."""
_STEPS = (
    """
    CREATE TABLE result (
        id INTEGER PRIMARY KEY,
        repository TEXT NOT NULL,
        system TEXT NOT NULL,
        framework TEXT NOT NULL,
        scanned_at TEXT NOT NULL,
        level INTEGER,
        score REAL,
        levels TEXT NOT NULL,
        document BLOB NOT NULL,
        digest TEXT NOT NULL
    )
    """,
    "CREATE INDEX result_by_system ON result (system, repository, framework, scanned_at)",
)
"""What makes the tables, in order; the number of steps that a file has behind it is its version."""
_SECONDS = 60
"""How long another scan's writing, which takes milliseconds, is waited for."""
_COLUMNS = "id, repository, system, framework, scanned_at, level, score, levels"


class Kept(Struct, frozen=True):
    """A stored result without its document."""

    id: int
    repository: str
    """Of one of several systems in a repository, else empty."""
    system: str
    framework: str
    scanned_at: str
    level: int | None
    score: float | None
    levels: dict[str, int | None]
    """By dimension."""


class Results:
    """The results in a file. Each verb opens and closes it: nothing is held while a scan runs, forks or is killed."""

    def __init__(self, path: str) -> None:
        self.path = path

    def make(self) -> None:
        """Makes the file where there is none, and what holds results in it; finds out early that it can be written.

        Raises:
            RungError: it can't, it is damaged, or it holds something else.
        """
        try:
            os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
        except OSError as error:
            raise self._error(f"can't be made: {error.strerror}") from error
        with self._writing():
            pass

    def add(self, document: Document) -> int:
        """Keeps a document, without what it was compared with and judged by, and gives its id."""
        found = {name: value for name, value in document.items() if name not in ("comparison", "gates")}
        packed = zlib.compress(msgspec.json.encode(found))
        overall = found["overall"]
        row = (
            *_key(found),
            found["generated_at"],
            overall["level"],
            overall["score"],
            msgspec.json.encode({name: body["level"] for name, body in found["dimensions"].items()}).decode(),
            packed,
            sha256(packed).hexdigest(),
        )
        with self._writing() as connection:
            names = f"{_COLUMNS.removeprefix('id, ')}, document, digest"
            marks = ", ".join("?" * len(row))
            return int(connection.execute(f"INSERT INTO result ({names}) VALUES ({marks})", row).lastrowid or 0)  # noqa: S608 - our own names

    def newest(self, document: Document, until: str = "") -> Document | None:
        """The last result of the same system by the same maturity model, None when there is none.

        Args:
            document: of the system.
            until: the last day that counts, as 2026-11-22; empty for any.
        """
        query = "SELECT id FROM result WHERE repository = ? AND system = ? AND framework = ? AND (? = '' OR substr(scanned_at, 1, 10) <= ?)"
        with self._reading() as connection:
            row = connection.execute(f"{query} ORDER BY scanned_at DESC, id DESC LIMIT 1", (*_key(document), until, until)).fetchone()
        return self.read(row[0]) if row else None

    def kept(self, system: str = "") -> list[Kept]:
        """What is there, oldest first; of one system when it is named, of which something must be."""
        query = f"SELECT {_COLUMNS} FROM result WHERE ? IN ('', system) ORDER BY scanned_at, id"  # noqa: S608 - our own names
        with self._reading() as connection:
            rows = connection.execute(query, (system,)).fetchall()
            known = [name for (name,) in connection.execute("SELECT DISTINCT system FROM result ORDER BY system")]
        if system and not rows:
            raise self._error(f"there are no results of `{system}`; there are of {visible(', '.join(known)) or 'none'}")
        return [Kept(**{**dict(zip(_COLUMNS.split(", "), row)), "levels": msgspec.json.decode(row[-1])}) for row in rows]

    def read(self, number: int) -> Document:
        """The document of an id."""
        with self._reading() as connection:
            row = connection.execute("SELECT document, digest FROM result WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise self._error(f"there is no result {number}; `rung results FILE` lists all")
        packed, digest = row
        if sha256(packed).hexdigest() != digest:
            raise self._damaged(f"result {number} is not what was stored")
        return read_document(zlib.decompress(packed).decode(), f"{self.path}: result {number}")

    # ── The file ─────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if not os.path.isfile(self.path):
            raise self._error("there is no such file of results: `rung scan --store FILE` makes one")
        with self._opened("rw") as connection:
            connection.execute("BEGIN")
            if self._version(connection) < len(_STEPS):
                raise self._error("holds no results yet: `rung scan --store FILE` adds them")
            self._check(connection)
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._opened("rwc") as connection:
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute("BEGIN IMMEDIATE")
            version = self._version(connection)
            self._check(connection)
            for step in _STEPS[version:]:
                connection.execute(step)
            if version < len(_STEPS):
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {len(_STEPS)}")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def _opened(self, mode: str) -> Iterator[sqlite3.Connection]:
        """A connection; what SQLite says is wrong is told in our words. What is not committed when it closes never was."""
        try:
            address = f"file:{quote(os.path.abspath(self.path))}?mode={mode}"
            with closing(sqlite3.connect(address, uri=True, timeout=_SECONDS, isolation_level=None)) as connection:
                yield connection
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_NOTADB:
                raise self._error("is no file of results, or its beginning is damaged; it is left as it is: name another") from error
            if code == sqlite3.SQLITE_CORRUPT:
                raise self._damaged(str(error)) from error
            raise self._error(f"can't be used: {error}") from error

    def _version(self, connection: sqlite3.Connection) -> int:
        """How many steps the file has behind it; 0 for a new one."""
        (application,), (version,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version"))
        empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        if application != _APPLICATION and not (empty and not application and not version):
            raise self._error("is another program's SQLite file; it is left as it is: name another")
        if version > len(_STEPS):
            raise self._error("was written by a newer version of Rung: use that one, or name another file")
        return int(version)

    def _check(self, connection: sqlite3.Connection) -> None:
        """Nothing is read from, and nothing added to, a file whose structure is damaged."""
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise self._damaged(said.splitlines()[-1])

    def _damaged(self, what: str) -> RungError:
        return self._error(f"is damaged ({visible(what)}); it is left as it is: restore a copy of it, or name another file")

    def _error(self, what: str) -> RungError:
        return RungError(f"{self.path}: {what}")


def _key(document: Document) -> tuple[str, str, str]:
    """Whose result it is, and by which maturity model."""
    scope = document["scope"]
    return scope.get("repository", ""), scope.get("system", ""), document["overall"]["framework"]


def finder(results: Results, word: str, say: Callable[[str], None]) -> Callable[[Document], Document | None]:
    """Finds the stored result that a system's new one is compared with.

    Args:
        results: to look in.
        word: `stored` for the last one, `stored@2026-09-30` for the last of that day or earlier.
        say: hears when there is none.

    Raises:
        RungError: the word holds no date.
    """
    from datetime import date

    until = word.partition("@")[2]
    try:
        until = until and date.fromisoformat(until).isoformat()
    except ValueError as error:
        raise RungError(f"--against {word}: `{until}` is no date; write it as stored@2026-09-30") from error

    def find(document: Document) -> Document | None:
        found = results.newest(document, until)
        if found is None:
            say(
                f"nothing is stored of {document['scope'].get('system', '')} yet{f' until {until}' if until else ''}: there is no comparison"
            )
        return found

    return find


def rows_of(kept: Sequence[Kept]) -> list[dict[str, str]]:
    """The list as rows of text."""
    return [
        {
            "id": str(item.id),
            "date": item.scanned_at[:16].replace("T", " "),
            "system": f"{item.system} ({item.repository})" if item.repository else item.system,
            "levels": " ".join(f"{name}={_number(level)}" for name, level in item.levels.items()),
            "overall": _number(item.level),
            "score": "n/a" if item.score is None else f"{item.score:.2f}",
            "framework": item.framework,
        }
        for item in kept
    ]


def _number(level: int | None) -> str:
    return "n/a" if level is None else str(level)
