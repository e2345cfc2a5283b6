"""Pointers to data that is kept elsewhere: Git LFS pointers, and what DVC tracks."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from itertools import islice

from rung.expressions import regex
from rung.readers.documents import Map, Sequence, parse_yaml
from rung.readers.reading import Reading, named
from rung.records import Fact, Problem, Task

MAX_OUTPUTS = 5_000

_LFS = regex(rb"version https://(?:git-lfs|hawser)\.[\w./-]+\r?\n(?:ext-[^\n]+\n){0,10}oid sha256:[0-9a-f]{64}\r?\nsize (\d{1,18})\r?\n?")


def lfs_pointer(data: bytes) -> int | None:
    """The size that a Git LFS pointer states, or None when the bytes are no pointer."""
    if len(data) > 1024:
        return None
    found = _LFS.fullmatch(data)
    return int(found[1]) if found else None


def read_dvc_file(path: str, data: bytes) -> Iterator[Fact]:
    """A `*.dvc` file as the task whose outputs are the data it tracks."""
    documents, error = parse_yaml(data)
    root = documents[0] if documents else None
    if error:
        yield Problem(line=error.line, what=error.what)
    if isinstance(root, Map):
        yield Task(line=root.at("outs"), kind="dvc", name=path, outputs=_outputs(path, root))
    elif not error:
        yield Problem(line=1, what="no mapping at the top of a DVC file")


def _outputs(path: str, root: Map) -> tuple[str, ...]:
    """Where the data lies, from the repository's root; paths out of it, URLs and those with parameters (`${…}`) are left out."""
    folder, wdir, outs = posixpath.dirname(path), root.get("wdir"), root.get("outs")
    base = posixpath.join(folder, wdir) if isinstance(wdir, str) else folder
    names = (out.get("path") for out in outs if isinstance(out, Map)) if isinstance(outs, Sequence) else ()
    places = (_inside(base, name) for name in names if isinstance(name, str))
    return tuple(islice(dict.fromkeys(filter(None, places)), MAX_OUTPUTS))


def _inside(base: str, name: str) -> str:
    """`name` relative to the repository's root, or empty when it is no place in the repository."""
    if not name or "${" in name or "://" in name or name.startswith("/"):
        return ""
    place = posixpath.normpath(posixpath.join(base, name))
    return "" if place == "." or place.startswith(("..", "/")) else place


def _read(path: str, data: bytes) -> Iterable[Fact]:
    return read_dvc_file(path, data)


READINGS: tuple[Reading, ...] = (Reading(name="dvc-file", shows=(), claims=named(r"[^/]+\.dvc", ".dvc"), read=_read),)
