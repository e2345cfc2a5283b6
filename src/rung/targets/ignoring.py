"""`.gitignore` for folders that git does not list: matched part by part, so that no pattern takes long.

A library that turns a whole pattern into one regular expression backtracks for minutes on `*a*a*a*a*b`.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from rung.expressions import regex

MAX_BYTES = 64 * 1024
MAX_PATTERNS = 500
"""Patterns that count in one file; more is no list written by people."""

_Part: TypeAlias = "re.Pattern[str] | None"
_ESCAPED = regex(r"\\(.)")
_ANY = regex("")


class _Rule(Struct, frozen=True):
    parts: tuple[_Part, ...]
    """One pattern a folder or name; None stands for `**`, any number of folders."""
    anchored: bool
    """Counts from the `.gitignore`'s own folder; otherwise a name at any depth."""
    negated: bool
    folders_only: bool

    def fits(self, parts: Sequence[str]) -> bool:
        states = self._skip({0})
        for part in parts:
            after = set()
            for state in states:
                if state < len(self.parts):
                    pattern = self.parts[state]
                    if pattern is None:
                        after.add(state)
                    elif pattern.match(part):
                        after.add(state + 1)
            states = self._skip(after)
        return len(self.parts) in states

    def _skip(self, states: set[int]) -> set[int]:
        return states | {state + 1 for state in states if state < len(self.parts) and self.parts[state] is None}


class Ignore(Struct, frozen=True):
    """The rules of one `.gitignore`, for paths below its folder."""

    rules: tuple[_Rule, ...]

    def verdict(self, parts: Sequence[str], folder: bool) -> bool | None:
        """True to ignore, False to keep, None when nothing here speaks of it."""
        for rule in reversed(self.rules):
            if (folder or not rule.folders_only) and rule.fits(parts if rule.anchored else parts[-1:]):
                return not rule.negated
        return None


def parse(text: str) -> Ignore:
    """The rules of a `.gitignore`."""
    rules = (_rule(line) for line in text.splitlines()[: 4 * MAX_PATTERNS])
    return Ignore(tuple(rule for rule in rules if rule)[:MAX_PATTERNS])


def _rule(line: str) -> _Rule | None:
    line = line.rstrip()
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    line = line.removeprefix("!")
    folders_only = line.endswith("/")
    line = line.rstrip("/")
    texts = line.removeprefix("/").split("/")
    if "" in texts:
        return None
    parts = tuple(None if text.startswith("**") and not text.strip("*") else _compiled(text) for text in texts)
    if parts[-1] is None:
        parts = (*parts, _ANY)
    return _Rule(parts, "/" in line or len(parts) > 1, negated, folders_only)


def _compiled(text: str) -> re.Pattern[str]:
    literal = _ESCAPED.sub(lambda found: f"[{found[1]}]" if found[1] in "*?[" else found[1], text)
    return re.compile(fnmatch.translate(literal.replace("[^", "[!")))
