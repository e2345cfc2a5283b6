"""Wildcards over whole texts: `*` matches anything, `?` one character, `[ab]` one of several; case does not matter.

Where a value is asked for, `!` before a pattern leaves out what it matches.

Almost all that packs ask for holds no wildcard but `*`, and is compared piece by piece: compiling thousands of regular expressions
would take longer than most scans.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache, partial
from typing import Generic, TypeVar

from rung.expressions import regex

T = TypeVar("T")
Condition = Callable[[str], bool]
"""Whether a text matches a pattern."""


@lru_cache(maxsize=1 << 14)
def glob(pattern: str) -> Condition:
    """Whether a text matches the pattern."""
    return _AnyOf((pattern,))


def any_glob(patterns: Iterable[str]) -> Condition:
    """Whether a text matches any of the patterns, and none of those after a `!`; with only such, any other text will do."""
    return _any_glob(tuple(patterns))


@lru_cache(maxsize=1 << 14)
def _any_glob(patterns: tuple[str, ...]) -> Condition:
    left_out = tuple(pattern[1:] for pattern in patterns if pattern.startswith("!"))
    if left_out:
        wanted, unwanted = _any_glob(tuple(pattern for pattern in patterns if not pattern.startswith("!")) or ("*",)), _AnyOf(left_out)
        return lambda text: wanted(text) and not unwanted(text)
    return (lambda _: True) if "*" in patterns else _AnyOf(patterns)


_WILD_PIECE = regex(r"[*?]|\[!?\]?[^\]]*\]?")


class _AnyOf:
    """Patterns, taken apart when they are first asked."""

    __slots__ = ("_means", "_written")

    def __init__(self, written: tuple[str, ...]) -> None:
        self._written = written
        self._means: Condition | None = None
        """Of a text in lower case."""

    def __call__(self, text: str) -> bool:
        if self._means is None:
            self._means = self._taken_apart()
        return self._means(text.lower())

    def _taken_apart(self) -> Condition:
        exact, begins, ends, within, others = [], [], [], [], []
        between: list[Condition] = []
        for pattern in map(str.lower, self._written):
            first, *middle, last = pattern.split("*") if "*" in pattern else ("", "")
            if "?" in pattern or "[" in pattern:
                others.append(pattern)
            elif "*" not in pattern:
                exact.append(pattern)
            elif not last and not any(middle):
                begins.append(first)
            elif not first and not any(middle):
                ends.append(last)
            elif not first and not last and len(middle) == 1:
                within.append(middle[0])
            else:
                between.append(partial(_is_between, first, tuple(filter(None, middle)), last))
        tests: list[Condition] = [*(partial(_contains, piece) for piece in within), *between]
        if others:
            tests.append(_expression(others))
        return _one_of(frozenset(exact), tuple(begins), tuple(ends), tests)


def _one_of(exact: frozenset[str], begins: tuple[str, ...], ends: tuple[str, ...], tests: list[Condition]) -> Condition:
    """Whether a text is one of some, begins or ends with one, or passes a test; most patterns are of one kind."""
    if not begins and not ends:
        if not tests:
            return exact.__contains__
        if not exact and len(tests) == 1:
            return tests[0]
    if not exact and not tests:
        return (lambda text: text.startswith(begins)) if not ends else (lambda text: text.startswith(begins) or text.endswith(ends))
    return lambda text: text in exact or text.startswith(begins) or text.endswith(ends) or any(test(text) for test in tests)


def _contains(piece: str, text: str) -> bool:
    return piece in text


def _is_between(first: str, middle: tuple[str, ...], last: str, text: str) -> bool:
    """Whether a text begins and ends so, with the pieces between in their order."""
    end = len(text) - len(last)
    position = len(first)
    if position > end or not (text.startswith(first) and text.endswith(last)):
        return False
    for piece in middle:
        position = text.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True


def _expression(patterns: Sequence[str]) -> Condition:
    """Whether a text matches patterns with other wildcards than `*`; compiled when what they say literally is in a text."""
    literals = [tuple(filter(None, _WILD_PIECE.split(pattern))) for pattern in patterns]

    @cache
    def match() -> Callable[[str], re.Match[str] | None]:
        from fnmatch import translate

        return re.compile("|".join(f"(?:{translate(pattern)})" for pattern in patterns), re.DOTALL).match

    return lambda text: any(all(piece in text for piece in pieces) for pieces in literals) and match()(text) is not None


_KEY = 3
"""Characters at the beginning or the end of a pattern by which it is found."""


class Owners(Generic[T]):
    """Whose patterns a text matches, found by how patterns begin or end; only those that do neither are all tried."""

    def __init__(self, owned: Iterable[tuple[Iterable[str], T]]) -> None:
        self._owners: list[T] = []
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._begins: dict[str, list[tuple[Condition, int]]] = defaultdict(list)
        self._ends: dict[str, list[tuple[Condition, int]]] = defaultdict(list)
        self._others: dict[str, list[tuple[Condition, int]]] = defaultdict(list)
        """By the longest text that must be there."""
        for index, (patterns, owner) in enumerate(owned):
            self._owners.append(owner)
            for pattern in patterns:
                self._add(pattern.lower(), index)
        self.of = lru_cache(maxsize=1 << 14)(self._of)
        """The owners of which a pattern matches a text, in the order given."""

    def _add(self, pattern: str, index: int) -> None:
        if "?" in pattern or "[" in pattern:
            self._others[max(_WILD_PIECE.split(pattern), key=len)].append((glob(pattern), index))
            return
        first, *others = pattern.split("*")
        longest = max((first, *others), key=len)
        if not others:
            self._exact[pattern].append(index)
        elif len(longest) >= _KEY and first == longest:
            self._begins[first[:_KEY]].append((glob(pattern), index))
        elif len(longest) >= _KEY and others[-1] == longest:
            self._ends[longest[-_KEY:]].append((glob(pattern), index))
        else:
            self._others[longest].append((glob(pattern), index))

    def _of(self, text: str) -> tuple[T, ...]:
        lowered = text.lower()
        found = set(self._exact.get(lowered, ()))
        likely = [tried for needed, tried in self._others.items() if needed in lowered]
        for tried in (self._begins.get(lowered[:_KEY], ()), self._ends.get(lowered[-_KEY:], ()), *likely):
            for matches, index in tried:
                if index not in found and matches(lowered):
                    found.add(index)
        return tuple(self._owners[index] for index in sorted(found))


def last_part(key: str) -> str:
    """The last part of an attribute's path, in one spelling; attributes are found by it."""
    return folded(key.rpartition(".")[2])


def folded(key: str) -> str:
    """Attribute paths in one spelling for every dialect: `VersioningConfiguration.Status` and `versioning_configuration.status`."""
    return key.replace("_", "").replace("-", "").lower()
