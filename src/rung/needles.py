"""Texts that a regular expression can't match without: looking for them first spares most files the expression itself."""

from __future__ import annotations

import re

from msgspec import Struct

from rung.expressions import regex

Needles = tuple[tuple[str, ...], ...]
"""Sets of texts in lower case, of each of which one must be there."""
SHORTEST = 3
"""Shorter texts are in every file."""
_LONG = 5
"""Texts of this length are rare enough; among them the smaller choice is better."""
_TOKEN = regex(
    r"(?P<escape>\\.)|(?P<set>\[\^?\]?(?:[^\]\\]|\\.)*\])|(?P<flags>\(\?[a-zA-Z-]+\))|(?P<look>\(\?<?[=!])|(?P<open>\((?:\?:|\?P<\w+>)?(?!\?))"
    r"|(?P<close>\))|(?P<or>\|)|(?P<count>(?:[*+?]|\{\d+,?\d*\}|\{,\d+\})[?+]?)|(?P<plain>.)",
    re.DOTALL,
)


def needles_of(pattern: re.Pattern[str]) -> Needles:
    """Sets of texts in lower case; of each set at least one is in the lower case of every text that the pattern matches."""
    if pattern.flags & re.VERBOSE or re.search(r"\(\?(?:[#>(]|P[=>]|[a-z-]+:)", pattern.pattern):
        return ()
    reader = _Reader([(match.lastgroup or "", match[0]) for match in _TOKEN.finditer(pattern.pattern)])
    return tuple(sorted((tuple(sorted(needles)) for needles in reader.choice()), key=lambda needles: (len(needles), needles)))


_Needles = frozenset[str]
_All = frozenset[_Needles]
"""Sets of which each has a member in the text."""
_NONE: _All = frozenset()


class _Reader(Struct):
    """Walks over the tokens of an expression."""

    tokens: list[tuple[str, str]]
    position: int = 0

    def choice(self) -> _All:
        """The needles of alternatives: of each its best, when each has some."""
        found = [self.sequence()]
        while self.position < len(self.tokens) and self.tokens[self.position][0] == "or":
            self.position += 1
            found.append(self.sequence())
        if len(found) == 1:
            return found[0]
        return frozenset((frozenset[str]().union(*(max(needles, key=_worth) for needles in found)),)) if all(found) else _NONE

    def sequence(self) -> _All:
        """The needles of pieces that follow each other."""
        every, run = set[_Needles](), ""
        while self.position < len(self.tokens) and self.tokens[self.position][0] not in ("or", "close"):
            kind, text = self.tokens[self.position]
            self.position += 1
            inner = _NONE
            if kind in ("open", "look"):
                inner = self.choice()
                if text.endswith("!"):
                    inner = _NONE
                self.position += 1
            literal = text not in ".^$" if kind == "plain" else kind == "escape" and not text[1].isalnum()
            character = text[-1].lower() if literal else ""
            least = self._least()
            if character and least != 0:
                run += character
                if least is None:
                    continue
            elif least != 0:
                every |= inner
            every |= _needle(run)
            run = ""
        return frozenset(every | _needle(run))

    def _least(self) -> int | None:
        """How often the piece just read occurs at least; None when no count follows it."""
        if self.position == len(self.tokens) or self.tokens[self.position][0] != "count":
            return None
        text = self.tokens[self.position][1]
        self.position += 1
        if text[0] != "{":
            return 1 if text[0] == "+" else 0
        return int(re.split(r"[,}]", text[1:])[0] or 0)


def _needle(run: str) -> _All:
    return frozenset((frozenset((run,)),)) if len(run) >= SHORTEST else _NONE


def _worth(needles: _Needles) -> tuple[int, int]:
    return min((min(map(len, needles)), _LONG)), -len(needles)
