"""File globs of packs: which paths they mean, compiled for asking about very many paths.

`*` and `?` stay within a path part, `**/` stands for any number of parts, `{a,b}` for alternatives. A glob
without `/` matches the file's name at any depth; one with `/` matches from the root, or at any depth when
it starts with `**/`. Case does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from ahocorasick_rs import AhoCorasick, Implementation
from msgspec import Struct

from rung import wildcards
from rung.expressions import regex
from rung.wildcards import Condition

MAX_ALTERNATIVES = 256
"""Plain globs that the braces of one glob may stand for."""

_WILD_PIECE = regex(r"\*\*/|[*?]|\[[^\]]*\]?")
_PIECE = regex(r"\*\*/|\*+|\?|\[!?[^\]/]+\]|[^*?\[]+|\[")


def matches(path: str, glob: str) -> bool:
    """Whether one path is meant by one glob."""
    return _compiled(glob)(path)


def compile_globs(globs: Iterable[str]) -> Callable[[str], bool]:
    """A question `is this path meant by any of the globs?`, for a few globs."""
    names: set[str] = set()
    others: list[_Glob] = []
    for glob in _plain(globs):
        if _is_name(glob):
            names.add(glob)
        else:
            others.append(_Glob(glob))

    def means(path: str) -> bool:
        lowered = path.lower()
        name = lowered.rpartition("/")[2]
        return name in names or any(glob.literal in lowered and glob.means(lowered, name) for glob in others)

    return means


class GlobIndex(Struct, frozen=True):
    """Globs and the numbers of those who ask for them, sorted by what a path must hold; plain, so that it can be kept."""

    names: dict[str, list[int]]
    """By a file's whole name."""
    pieces: dict[str, dict[str, list[tuple[str, list[int]]]]]
    """By a literal piece, and by what the name has to be or end with: the globs to try."""

    def finder(self) -> Callable[[str], tuple[int, ...]]:
        """A question `whose globs mean this path?`, answered by sorted numbers.

        The file's name is looked up; one pass over the path finds the literal pieces in it, and so the few globs to try.
        """
        anywhere = self.pieces.get("", {})
        literals = [piece for piece in self.pieces if piece]
        likely = [self.pieces[piece] for piece in literals]
        automaton = AhoCorasick(literals, implementation=Implementation.ContiguousNFA)

        def find(path: str) -> tuple[int, ...]:
            lowered = path.lower()
            name = lowered.rpartition("/")[2]
            ends = name, "." + name.rpartition(".")[2], ""
            found = set(self.names.get(name, ()))
            held = {number for number, _, _ in automaton.find_matches_as_indexes(lowered, overlapping=True)}
            for by_end in (anywhere, *[likely[number] for number in held]):
                for end in ends:
                    for glob, numbers in by_end.get(end, ()):
                        if _glob(glob).means(lowered, name):
                            found.update(numbers)
            return tuple(sorted(found))

        return find


def index_globs(owned: Iterable[tuple[Iterable[str], int]]) -> GlobIndex:
    """The index of globs, each with the number of who asks for it."""
    names: dict[str, list[int]] = {}
    tried: dict[str, list[int]] = {}
    for globs, number in owned:
        for glob in _plain(globs):
            (names if _is_name(glob) else tried).setdefault(glob, []).append(number)
    pieces: dict[str, dict[str, list[tuple[str, list[int]]]]] = {}
    for glob, numbers in tried.items():
        pieces.setdefault(_glob(glob).literal, {}).setdefault(_glob(glob).end, []).append((glob, numbers))
    return GlobIndex(names, pieces)


def _plain(globs: Iterable[str]) -> Iterable[str]:
    """Each glob without braces, `./` and a bare `/` at its end, in lower case."""
    return dict.fromkeys(plain for given in globs for plain in _written_out(given))


def _written_out(given: str) -> list[str]:
    relative = [glob.removeprefix("./").lower() for glob in expand_braces(given)]
    return [glob + "**" if glob.endswith("/") else glob for glob in relative]


def _is_name(glob: str) -> bool:
    return "/" not in glob and not _is_wild(glob)


def _is_wild(text: str) -> bool:
    return "*" in text or "?" in text or "[" in text or "]" in text


class _Glob:
    """One plain glob over lower-case text, compiled when it is first asked."""

    __slots__ = ("_glob", "_match", "_whole", "end", "literal")

    def __init__(self, glob: str) -> None:
        self._whole = "/" in glob
        """Whether it is about the whole path, and not about the name alone."""
        self._glob = glob.removeprefix("/")
        name = glob.rpartition("/")[2]
        _, dot, suffix = name.rpartition(".")
        self.end = dot + suffix if dot and not _is_wild(suffix) else ""
        if not _is_wild(name):
            self.end = name
        """What the name of a path that it means has to be, or its last suffix with the dot; empty when neither is told."""
        *pieces, last = _WILD_PIECE.split(self._glob)
        self.literal = max(pieces, key=len, default="") or last
        """A literal piece, which stands in every path that it means: the longest before the end, where there is one."""
        if self._glob == "**/" + name:
            self._glob, self._whole = name, False
        self._match: Condition | None = None

    def means(self, path: str, name: str) -> bool:
        if self._match is None:
            self._match = self._taken_apart()
        return self._match(path if self._whole else name)

    def _taken_apart(self) -> Condition:
        if not self._whole and "?" not in self._glob and "[" not in self._glob:
            return wildcards.glob(self._glob)
        fullmatch = re.compile(_regex(self._glob)).fullmatch
        return lambda text: fullmatch(text) is not None


def expand_braces(glob: str) -> tuple[str, ...]:
    """The plain globs that `{a,b}` alternatives stand for, nested ones too; unbalanced braces stay as they are.

    Raises:
        ValueError: they stand for more than MAX_ALTERNATIVES.
    """
    if "{" not in glob:
        return (glob,)
    if glob.count("{") == glob.count("}") == 1:
        before, _, rest = glob.partition("{")
        inside, closed, after = rest.partition("}")
        choices = inside.split(",")
        if closed and 1 < len(choices) <= MAX_ALTERNATIVES:
            return tuple([before + choice + after for choice in dict.fromkeys(choices)])
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
def _glob(glob: str) -> _Glob:
    return _Glob(glob)


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
