"""What the scanned languages share: the shapes of their comments and texts, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from rung.readers import scanning
from rung.readers.documents import text_of
from rung.readers.reading import CODE, EVERY_CALL, Asked, Claims, Reading
from rung.records import Fact, Problem

DOUBLE = r"\"(?P<s{0}>(?:[^\"\\\n]++|\\(?:.|\Z))*+)(?:\"|(?=\n)|\Z)"
SINGLE = r"'(?P<s{0}>(?:[^'\\\n]++|\\(?:.|\Z))*+)(?:'|(?=\n)|\Z)"
MANY_LINES = r"\"(?P<s{0}>(?:[^\"\\]++|\\(?:.|\Z))*+)(?:\"|\Z)"
TRIPLE = r"\"\"\"(?P<s{0}>(?:[^\"\\]++|\\(?:.|\Z)|\"(?!\"\"))*+)(?:\"\"\"|\Z)"
SLASH_COMMENT = r"/(?P<c>/[^\n]*+|\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z))"


def local(path: str) -> str:
    """A path as an import: it starts with a dot unless it is absolute."""
    path = path[: scanning.MAX_NAME]
    return path if path.startswith((".", "/", "~")) or "://" in path else "./" + path


def reading(
    name: str,
    prefix: str,
    suffixes: tuple[str, ...],
    *,
    facts: Callable[[str, Asked], Iterable[Fact]],
    opener: tuple[re.Pattern[str], ...],
    tests: Callable[[str], Iterable[Fact]],
    asked: Asked = EVERY_CALL,
    holds: tuple[bytes, ...] = (),
) -> Reading:
    """A language's reading; one of `opener`, and of the bytes `holds` if given, is in every text of which `tests` gives what a skim keeps."""

    def read(_path: str, data: bytes) -> Iterator[Fact]:
        text = text_of(data)
        if len(text) > scanning.MAX_BYTES:
            yield Problem(line=0, what=f"source code larger than {scanning.MAX_BYTES // 1024 // 1024} MiB; only its first part was read")
            text = text[: scanning.MAX_BYTES]
        yield from facts(text, asked)

    def skim(_path: str, data: bytes) -> Iterator[Fact]:
        if holds and data[:1] not in (b"\xff", b"\xfe") and not any(word in data for word in holds):
            return
        text = text_of(data)[: scanning.MAX_BYTES]
        if any(pattern.search(text) for pattern in opener):
            yield from tests(text)

    def is_written(path: str) -> bool:
        return path.endswith(suffixes) and not path.endswith((".min.js", ".bundle.js"))

    def sparing(asked: Asked) -> Reading:
        return reading(name, prefix, suffixes, facts=facts, opener=opener, tests=tests, asked=asked, holds=holds)

    return Reading(name=name, shows=CODE, claims=Claims(is_written, *suffixes), read=read, languages=(prefix,), skim=skim, sparing=sparing)
