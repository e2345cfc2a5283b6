"""File globs of packs: which paths they mean, compiled for asking about very many paths.

`*` and `?` stay within a path part, `**/` stands for any number of parts, `{a,b}` for alternatives. A glob
without `/` matches the file's name at any depth; one with `/` matches from the root, or at any depth when
it starts with `**/`. Case does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

MAX_ALTERNATIVES = 256
"""Plain globs that the braces of one glob may stand for."""

_WILD = re.compile(r"[*?\[]")
_WILD_PIECE = re.compile(r"\*\*/|[*?]|\[[^\]]*\]?")
_PIECE = re.compile(r"\*\*/|\*+|\?|\[!?[^\]/]+\]|[^*?\[]+|\[")


def matches(path: str, glob: str) -> bool:
    """Whether one path is meant by one glob."""
    return _compiled(glob)(path)


def compile_globs(globs: Iterable[str]) -> Callable[[str], bool]:
    """A question `is this path meant by any of the globs?`, answered mostly by one look-up of the file's name."""
    anywhere: set[str] = set()
    placed: dict[str, list[_Glob]] = {}
    wild_names: list[_Glob] = []
    wild: list[_Glob] = []
    for glob in dict.fromkeys(plain for given in globs for plain in expand_braces(given)):
        relative = glob.removeprefix("./")
        relative += "**" if relative.endswith("/") else ""
        name = relative.rpartition("/")[2]
        if "/" not in relative:
            if _WILD.search(name):
                wild_names.append(_Glob(name))
            else:
                anywhere.add(name.lower())
        elif _WILD.search(name):
            wild.append(_Glob(relative.removeprefix("/")))
        else:
            placed.setdefault(name.lower(), []).append(_Glob(relative.removeprefix("/")))

    def meant(path: str) -> bool:
        lowered = path.lower()
        name = lowered.rpartition("/")[2]
        return (
            name in anywhere
            or (name in placed and any(glob.means(lowered) for glob in placed[name]))
            or any(glob.means(name) for glob in wild_names)
            or any(glob.means(lowered) for glob in wild)
        )

    return meant


class _Glob:
    """One plain glob over lower-case text: its longest literal piece is looked for before the expression is even compiled."""

    __slots__ = ("_glob", "_literal", "_match")

    def __init__(self, glob: str) -> None:
        self._glob = glob.lower()
        self._literal = max(_WILD_PIECE.split(self._glob), key=len)
        self._match: Callable[[str], re.Match[str] | None] | None = None

    def means(self, text: str) -> bool:
        if self._literal not in text:
            return False
        if self._match is None:
            self._match = re.compile(_regex(self._glob)).fullmatch
        return self._match(text) is not None


def expand_braces(glob: str) -> tuple[str, ...]:
    """The plain globs that `{a,b}` alternatives stand for, nested ones too; unbalanced braces stay as they are.

    Raises:
        ValueError: they stand for more than MAX_ALTERNATIVES.
    """
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
