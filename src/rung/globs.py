"""File globs of packs: which paths they mean, compiled for asking about very many paths.

`*` and `?` stay within a path part, `**/` stands for any number of parts, `{a,b}` for alternatives. A glob
without `/` matches the file's name at any depth; one with `/` matches from the root, or at any depth when
it starts with `**/`. Case does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar

from rung.expressions import regex

MAX_ALTERNATIVES = 256
"""Plain globs that the braces of one glob may stand for."""

T = TypeVar("T")
_WILD = regex(r"[*?\[\]]")
_WILD_PIECE = regex(r"\*\*/|[*?]|\[[^\]]*\]?")
_PIECE = regex(r"\*\*/|\*+|\?|\[!?[^\]/]+\]|[^*?\[]+|\[")


def matches(path: str, glob: str) -> bool:
    """Whether one path is meant by one glob."""
    return _compiled(glob)(path)


def compile_globs(globs: Iterable[str]) -> Callable[[str], bool]:
    """A question `is this path meant by any of the globs?`."""
    _, named, lists = _indexed(((globs, True),))

    def means(path: str) -> bool:
        lowered = path.lower()
        name = lowered.rpartition("/")[2]
        return name in named or any(
            glob.means(lowered if glob.whole else name)
            for end in (name, "." + name.rpartition(".")[2], "")
            for _, glob, _ in lists.get(end, ())
        )

    return means


def index_globs(owned: Iterable[tuple[Iterable[str], T]]) -> Callable[[str], tuple[T, ...]]:
    """A question `whose globs mean this path?`, answered in the order given, mostly by look-ups of the file's name and suffix."""
    owners, named, lists = _indexed(owned)

    def find(path: str) -> tuple[T, ...]:
        lowered = path.lower()
        name = lowered.rpartition("/")[2]
        found = set(named.get(name, ()))
        for end in {name, "." + name.rpartition(".")[2], ""}:
            for literal, glob, indexes in lists.get(end, ()):
                if literal in lowered and glob.means(lowered if glob.whole else name):
                    found.update(indexes)
        return tuple(owners[index] for index in sorted(found))

    return find


_ByName = dict[str, list[int]]
_ByEnd = dict[str, tuple[tuple[str, "_Glob", list[int]], ...]]
"""Globs with their longest literal piece and whose they are, by what a path's name or suffix has to be."""


def _indexed(owned: Iterable[tuple[Iterable[str], T]]) -> tuple[list[T], _ByName, _ByEnd]:
    """The owners; whose globs are plain names; and the other globs by what a path's name or suffix has to be."""
    owners: list[T] = []
    named: dict[str, list[int]] = {}
    tried: dict[str, dict[str, tuple[_Glob, list[int]]]] = {}
    """By what a path's name or suffix has to be (`` for globs that don't say): glob → itself and whose it is."""
    for index, (globs, owner) in enumerate(owned):
        owners.append(owner)
        for glob in dict.fromkeys(plain for given in globs for plain in expand_braces(given)):
            relative = glob.removeprefix("./").lower()
            relative += "**" if relative.endswith("/") else ""
            name = relative.rpartition("/")[2]
            if "/" not in relative and not _WILD.search(name):
                named.setdefault(name, []).append(index)
                continue
            _, dot, suffix = name.rpartition(".")
            end = name if not _WILD.search(name) else dot + suffix if dot and not _WILD.search(suffix) else ""
            same = tried.setdefault(end, {})
            same.setdefault(relative, (_Glob(relative.removeprefix("/"), "/" in relative), []))[1].append(index)
    return owners, named, {end: tuple((glob.literal, glob, indexes) for glob, indexes in globs.values()) for end, globs in tried.items()}


class _Glob:
    """One plain glob over lower-case text: its longest literal piece is looked for before the expression is even compiled."""

    __slots__ = ("_glob", "_match", "literal", "whole")

    def __init__(self, glob: str, whole: bool) -> None:
        self._glob = glob
        self.whole = whole
        """Whether it is about the whole path, and not about the name alone."""
        self.literal = max(_WILD_PIECE.split(self._glob), key=len)
        """Stands in every text that the glob means."""
        self._match: Callable[[str], re.Match[str] | None] | None = None

    def means(self, text: str) -> bool:
        if self.literal not in text:
            return False
        if self._match is None:
            self._match = re.compile(_regex(self._glob)).fullmatch
        return self._match(text) is not None


def expand_braces(glob: str) -> tuple[str, ...]:
    """The plain globs that `{a,b}` alternatives stand for, nested ones too; unbalanced braces stay as they are.

    Raises:
        ValueError: they stand for more than MAX_ALTERNATIVES.
    """
    if "{" not in glob:
        return (glob,)
    done: list[str] = []
    left = [glob]
    while left:
        current = left.pop(0)
        parts = _innermost(current)
        if parts is None:
            done.append(current)
        else:
            before, inside, after = parts
            left.extend(before + choice + after for choice in inside.split(","))
        if len(left) + len(done) > MAX_ALTERNATIVES:
            raise ValueError(f"the glob {glob!r} stands for more than {MAX_ALTERNATIVES} globs")
    return tuple(dict.fromkeys(done))


def _innermost(glob: str) -> tuple[str, str, str] | None:
    """What stands before, in and after the first pair of braces that holds no further braces but a comma."""
    for match in re.finditer(r"\{([^{}]*,[^{}]*)\}", glob):
        return glob[: match.start()], match[1], glob[match.end() :]
    return None


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> Callable[[str], bool]:
    return compile_globs((glob,))


def _regex(glob: str) -> str:
    """One plain glob as a regular expression for the whole path."""
    out: list[str] = []
    position = 0
    for piece in _PIECE.findall(glob):
        starts_part = position == 0 or glob[position - 1] == "/"
        position += len(piece)
        if piece == "**/":
            out.append("(?:[^/]+/)*" if starts_part else "[^/]*/")
        elif piece.startswith("*"):
            out.append(".*" if len(piece) > 1 and starts_part and position == len(glob) else "[^/]*")
        elif piece == "?":
            out.append("[^/]")
        elif piece.startswith("[") and len(piece) > 1:
            out.append("[" + ("^/" if piece[1] == "!" else "") + piece[1:-1].lstrip("!").replace("\\", r"\\").replace("^", r"\^") + "]")
        else:
            out.append(re.escape(piece))
    return "".join(out)
