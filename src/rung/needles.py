"""Texts that must be there for something to be found: what a regular expression can't match without, and how files are searched for many.

Looking for them first spares most files the expression itself.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from itertools import product

from msgspec import Struct

from rung.expressions import regex

Needles = tuple[tuple[str, ...], ...]
"""Sets of texts in lower case, of each of which one must be there."""
SHORTEST = 3
"""Shorter texts are in every file."""
_RARE = 5
"""Texts of this length tell something beside others."""
_LONG = 8
"""Texts of this length are rare enough; among them the smaller choice is better."""
_COMMON = frozenset((
    " in ", "add ", "assert", "class ", "copy ", "create", "data", "def ", "deploy", "docker", "endpoint", "float", "for ", "get", "get_",
    "if ", "install", "int", "model", "name", "policy", "post", "raise ", "run", "run ", "setup", "true", "type:", "value",
))  # fmt: skip
"""Texts that so many files hold that finding them all costs more than it saves."""
_MOST = 128
"""Texts that a part of an expression is written out as; what stands for more is taken apart."""
_NOT_READ = regex(r"(?<!\\)(?:\\\\)*\(\?(?:[#>(]|P[=>]|(?!i:)[a-z-]+:)|\\(?:[xuUN0]|[1-9]\d)")
_TOKEN = regex(
    r"(?P<text>[\w \"',:;/@#<>=&%~!-]+(?![*+?{]))|(?P<escape>\\.)|(?P<set>\[\^?\]?(?:[^\]\\]|\\.)*\])|(?P<flags>\(\?[a-zA-Z-]+\))|(?P<look>\(\?<?[=!])|(?P<open>\((?:\?i?:|\?P<\w+>)?(?!\?))"
    r"|(?P<close>\))|(?P<or>\|)|(?P<count>(?:[*+?]|\{\d+,?\d*\}|\{,\d+\})[?+]?)|(?P<plain>.)",
    re.DOTALL,
)
_FEW = regex(r"\[([^\]\\^\n-]{1,4})\]")
"""A set of a few characters that stand for themselves."""
_NO_WIDTH = frozenset((r"\b", r"\B", r"\A", r"\Z", "^", "$"))


_MUCH = 4_000_000
"""Bytes from which on an automaton pays that takes longer to make and is faster to run."""


class Finder:
    """Which of many texts are in some bytes, found in one pass over them; made ready when it is first asked."""

    def __init__(self, needles: Iterable[str]) -> None:
        self._needles = tuple(dict.fromkeys(needles))
        self._left = 0
        """Bytes that the automaton is still good for; at the first question there is none."""
        self._matches: Callable[..., list[tuple[int, int, int]]]

    def found_in(self, data: bytes) -> set[str]:
        """Those of the texts that are in the bytes, in their very case."""
        if self._left <= 0:
            self._make_ready()
        self._left -= len(data)
        return {self._needles[number] for number in {match[0] for match in self._matches(data, overlapping=True)}}

    def _make_ready(self) -> None:
        from ahocorasick_rs import BytesAhoCorasick, Implementation

        is_first = not hasattr(self, "_matches")
        kind = Implementation.ContiguousNFA if is_first else Implementation.DFA
        self._matches = BytesAhoCorasick([needle.encode() for needle in self._needles], implementation=kind).find_matches_as_indexes
        self._left = _MUCH if is_first else sys.maxsize


def needles_of(pattern: re.Pattern[str]) -> Needles:
    """Sets of texts in lower case; of each set at least one is in the lower case of every text that the pattern matches.

    The set that tells most, and what others tell much; whatever else must be there is left to the expression.
    """
    if pattern.flags & re.VERBOSE or _NOT_READ.search(pattern.pattern):
        return ()
    reader = _Reader([(match.lastgroup or "", match[0]) for match in _TOKEN.finditer(pattern.pattern)])
    best, *others = sorted(reader.choice().needles(), key=lambda texts: (_worth(texts), sorted(texts)), reverse=True) or [_Texts()]
    return tuple(tuple(sorted(texts)) for texts in (best, *filter(_tells_much, others)) if texts)


_Texts = frozenset[str]
_Sets = frozenset[_Texts]
"""Sets of which each has a member in the text."""
_EMPTY: _Texts = frozenset(("",))


class _Part(Struct, frozen=True):
    """What a part of an expression matches."""

    begins: _Texts = _EMPTY
    """Of these one is what it matches, or what that begins with."""
    whole: bool = False
    """Whether there is nothing behind them."""
    needed: _Sets = frozenset()

    def needles(self) -> _Sets:
        """All that must be there."""
        return self.needed | _rare(self.begins)


class _Reader(Struct):
    """Walks over the tokens of an expression."""

    tokens: list[tuple[str, str]]
    position: int = 0

    def choice(self) -> _Part:
        """Alternatives: of what they need only the best of each, when each needs something."""
        found = [self._sequence()]
        while self._next() == "or":
            self.position += 1
            found.append(self._sequence())
        if len(found) == 1:
            return found[0]
        begins = _Texts().union(*(part.begins for part in found))
        whole = len(begins) <= _MOST and all(part.whole and not part.needed for part in found)
        needles = [part.needles() for part in found]
        needed = _rare(_Texts().union(*(max(sets, key=_worth) for sets in needles))) if not whole and all(needles) else frozenset()
        return _Part(begins if len(begins) <= _MOST else _EMPTY, whole, needed)

    def _sequence(self) -> _Part:
        """Parts that follow each other, written out as far as it goes, and anew behind each that can't be."""
        begins, run, needed = None, _EMPTY, set[_Texts]()
        while self._next() not in ("or", "close", ""):
            part = self._part()
            least, most = self._count()
            if least:
                needed |= part.needed
            texts = _repeated(part.begins, least, most) if part.whole else None
            following = _joined(run, (part.begins if least else _EMPTY) if texts is None else texts)
            if texts is None or following is None:
                run = following or run
                needed |= _rare(run)
                begins = begins or run
                following = texts or _EMPTY
            run = following
        return _Part(begins or run, begins is None, frozenset(needed | _rare(run) if begins else needed))

    def _part(self) -> _Part:
        """The part that stands here, without its count."""
        kind, text = self.tokens[self.position]
        self.position += 1
        if kind in ("open", "look"):
            inner = self.choice()
            self.position += 1
            if kind == "look":
                return _Part(whole=True, needed=frozenset() if text.endswith("!") else inner.needles())
            return inner
        if text in _NO_WIDTH or kind == "flags":
            return _Part(whole=True)
        if kind == "set":
            few = _FEW.fullmatch(text)
            return _Part(frozenset(few[1].lower()), whole=True) if few else _Part()
        if (kind == "plain" and text in ".\n") or (kind == "escape" and text[1].isalnum()):
            return _Part()
        return _Part(frozenset((text[1:] if kind == "escape" else text.lower(),)), whole=True)

    def _count(self) -> tuple[int, int | None]:
        """How often the part just read occurs at least and at most."""
        if self._next() != "count":
            return 1, 1
        text = self.tokens[self.position][1]
        self.position += 1
        if text[0] != "{":
            return int(text[0] == "+"), 1 if text[0] == "?" else None
        least, comma, most = text[1 : text.index("}")].partition(",")
        return int(least or 0), int(most) if most else None if comma else int(least)

    def _next(self) -> str:
        """The kind of the token that comes, nothing at the end."""
        return self.tokens[self.position][0] if self.position < len(self.tokens) else ""


def _repeated(texts: _Texts, least: int, most: int | None) -> _Texts | None:
    """All that texts in a row can be, unless it is too much."""
    if least == most == 1:
        return texts
    if most is None or most > _MOST or sum(len(texts) ** times for times in range(least, most + 1)) > _MOST:
        return None
    return frozenset("".join(chosen) for times in range(least, most + 1) for chosen in product(texts, repeat=times))


def _joined(first: _Texts, second: _Texts) -> _Texts | None:
    """Each text followed by each other, unless they are too many."""
    return frozenset(start + end for start in first for end in second) if len(first) * len(second) <= _MOST else None


def _rare(texts: _Texts) -> _Sets:
    """The texts as a set of needles, without those that hold another; nothing when one is too short to tell, or may be written otherwise."""
    if min(map(len, texts)) < SHORTEST or not all(map(str.isascii, texts)):
        return frozenset()
    return frozenset((frozenset(text for text in texts if not any(other in text for other in texts if other != text)),))


def _worth(texts: _Texts) -> tuple[bool, int, int]:
    return texts.isdisjoint(_COMMON), min(*map(len, texts), _LONG), -len(texts)


def _tells_much(texts: _Texts) -> bool:
    return texts.isdisjoint(_COMMON) and min(map(len, texts)) >= _RARE
