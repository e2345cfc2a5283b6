"""Wildcards over whole texts: `*` matches anything, `?` one character, `[ab]` one of several; case does not matter.

Almost all that packs ask for holds no wildcard but `*`, and is compared piece by piece: compiling thousands of regular expressions
would take longer than most scans.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
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
    """Whether a text matches any of the patterns."""
    return _any_glob(tuple(patterns))


@lru_cache(maxsize=1 << 14)
def _any_glob(patterns: tuple[str, ...]) -> Condition:
    return (lambda _: True) if "*" in patterns else _AnyOf(patterns)


_WILD = regex(r"[*?\[]")


class _AnyOf:
    """Patterns, taken apart when they are first asked."""

    __slots__ = ("_begins", "_exact", "_others", "_pieces", "_regex", "_written")

    def __init__(self, written: tuple[str, ...]) -> None:
        self._written = written
        self._exact: frozenset[str] | None = None
        self._pieces: tuple[tuple[str, tuple[str, ...], str], ...] = ()
        """What a text begins with, what follows in it, and what it ends with."""
        self._others: tuple[str, ...] = ()
        """Patterns with other wildcards than `*`."""
        self._begins: tuple[str, ...] = ()
        """What these begin with."""
        self._regex: re.Pattern[str] | None = None

    def __call__(self, text: str) -> bool:
        if self._exact is None:
            self._exact = self._take_apart()
        lowered = text.lower()
        if lowered in self._exact:
            return True
        for first, between, last in self._pieces:
            if lowered.startswith(first) and lowered.endswith(last) and (len(lowered) >= len(first) + len(last)):
                end = len(lowered) - len(last)
                position = len(first)
                for piece in between:
                    position = lowered.find(piece, position, end)
                    if position < 0:
                        break
                    position += len(piece)
                else:
                    return True
        return bool(self._others) and lowered.startswith(self._begins) and self._compiled().match(text) is not None

    def _compiled(self) -> re.Pattern[str]:
        if self._regex is None:
            from fnmatch import translate

            self._regex = re.compile("|".join(f"(?:{translate(pattern)})" for pattern in self._others), re.IGNORECASE | re.DOTALL)
        return self._regex

    def _take_apart(self) -> frozenset[str]:
        exact, pieces, others = [], [], []
        for pattern in self._written:
            if "?" in pattern or "[" in pattern:
                others.append(pattern)
            elif "*" in pattern:
                first, *between, last = pattern.lower().split("*")
                pieces.append((first, tuple(filter(None, between)), last))
            else:
                exact.append(pattern.lower())
        self._pieces = tuple(pieces)
        self._others = tuple(others)
        self._begins = tuple(_WILD.split(pattern.lower(), maxsplit=1)[0] for pattern in others)
        return frozenset(exact)


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
            self._others[""].append((glob(pattern), index))
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
