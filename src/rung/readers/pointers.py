"""Pointers to data that is kept elsewhere: Git LFS pointers, and what DVC tracks."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from rung.expressions import regex
from rung.readers.documents import Map, Sequence, Value, parse_yaml
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


def dvc_outputs(path: str, data: bytes) -> tuple[str, ...]:
    """Paths from the repository's root that a `*.dvc`, `dvc.lock` or `dvc.yaml` file says DVC keeps.

    Paths outside the repository, URLs and those that hold parameters (`${…}`) are left out, and so is a
    file that can't be read.
    """
    documents, _ = parse_yaml(data)
    if not documents or not isinstance(documents[0], Map):
        return ()
    return _outputs(path, documents[0])


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
    folder = posixpath.dirname(path)
    found: dict[str, None] = {}
    for holder in _holders(root):
        wdir = holder.get("wdir")
        base = posixpath.join(folder, wdir) if isinstance(wdir, str) else folder
        for key in ("outs", "metrics", "plots"):
            for name in _names(holder.get(key, "")):
                if (place := _inside(base, name)) and len(found) < MAX_OUTPUTS:
                    found[place] = None
    return tuple(found)


def _holders(root: Map) -> Iterator[Map]:
    """The mappings that have outputs: the file itself, its stages, and what a `foreach` repeats."""
    if "stages" not in root:
        yield root
        return
    stages = root["stages"]
    for stage in stages.values() if isinstance(stages, Map) else ():
        if isinstance(stage, Map):
            repeated = stage.get("do")
            yield repeated if isinstance(repeated, Map) else stage


def _names(outputs: Value) -> Iterator[str]:
    """Output paths of a list whose items are paths, `{path: …}` or `{<path>: {options}}`, or of such a mapping."""
    if isinstance(outputs, Map):
        yield from outputs
    for item in outputs if isinstance(outputs, Sequence) else ():
        if isinstance(item, str):
            yield item
        elif isinstance(item, Map):
            given = item.get("path")
            if isinstance(given, str):
                yield given
            else:
                yield from item


def _inside(base: str, name: str) -> str:
    """`name` relative to the repository's root, or empty when it is no place in the repository."""
    if not name or "${" in name or "://" in name or name.startswith("/"):
        return ""
    place = posixpath.normpath(posixpath.join(base, name))
    return "" if place == "." or place.startswith(("..", "/")) else place


def _read(path: str, data: bytes) -> Iterable[Fact]:
    return read_dvc_file(path, data)


READINGS: tuple[Reading, ...] = (Reading(name="dvc-file", claims=named(r"[^/]+\.dvc", ".dvc"), read=_read),)
