"""Text signals, tried on the content of files: a file's needles tell which of them can match in it, then their expressions are run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import chain

from rung.expressions import regex
from rung.hits import Owned
from rung.narrowing import Narrowing
from rung.needles import Finder, Needles
from rung.patterns import TextPattern

_MAX_LINE = 2000
"""Longer lines are data or minified; patterns are not tried on them."""
_MAX_GAP = 20
"""Blank lines in a row that patterns see."""
_MAX_HITS = 200
_FEW = 2
"""Signals whose needles are looked for one by one."""
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""What text of two bytes a character begins with."""
_LONG_GAP = regex(rf"\n(?:[^\S\n]*+\n){{{_MAX_GAP}}}")

Hit = tuple[str, int, str]
"""The key of a signal, a line from 1, and what stands there."""


class TextsWanted:
    """The text signals that look into the same files, found by the needles that files have."""

    def __init__(self, wanted: Iterable[tuple[TextPattern, Owned]], needles: Mapping[str, Needles]) -> None:
        self.all = tuple(wanted)
        self._others: list[Needles] = []
        """By number, the sets of needles but for the first, of each of which a file must have one."""
        self._by_first: dict[str, list[int]] = defaultdict(list)
        """The numbers of those that each needle of their first set speaks for."""
        self._always: list[int] = []
        for number, (text, _) in enumerate(self.all):
            sets = needles[text.pattern]
            self._others.append(sets[1:])
            if not sets:
                self._always.append(number)
            for needle in sets[0] if sets else ():
                self._by_first[needle].append(number)

    def with_needles(self, found: AbstractSet[str]) -> Sequence[tuple[TextPattern, Owned]]:
        """Those that can match where these needles are, in their order."""
        numbers = {*self._always, *chain.from_iterable(self._by_first.get(needle, ()) for needle in found)}
        return [self.all[number] for number in sorted(numbers) if not any(map(found.isdisjoint, self._others[number]))]


class Texts:
    """All text signals."""

    def __init__(
        self, wanted_in: Callable[[str], TextsWanted], needles: Mapping[str, Needles], narrowing: Callable[[Owned], Narrowing]
    ) -> None:
        """Takes what is known of the signals.

        Args:
            wanted_in: those that look into a file of a path.
            needles: what each pattern can't match without.
            narrowing: the files that a signal leaves out.
        """
        self._wanted_in, self._needles, self._narrowing = wanted_in, needles, narrowing

    def found_in(self, path: str, data: bytes, text_of: Callable[[bytes], str]) -> tuple[Hit, ...]:
        """What signals find in a file's content, which is only made a text when one can match in it."""
        wanted = self._wanted_in(path)
        if not wanted.all:
            return ()
        likely = wanted.all if data[:2] in _WIDE else self._likely(wanted, data)
        if not likely:
            return ()
        content, numbers = _searchable(text_of(data).replace("\r\n", "\n"))
        hits: list[Hit] = []
        for text, owned in likely:
            if self._narrowing(owned).left_out(path) or not text.lacks(content):
                continue
            index = done = 0
            for match in text.regex.finditer(content):
                at = match.end() - len(match[0].lstrip())
                index += content.count("\n", done, at)
                done = at
                hits.append((owned.key, numbers[index] if numbers else index + 1, match[0].strip()[:200]))
                if len(hits) >= _MAX_HITS:
                    return tuple(hits)
        return tuple(hits)

    @cached_property
    def _finder(self) -> Finder:
        return Finder(needle for needed in self._needles.values() for texts in needed for needle in texts)

    def _likely(self, wanted: TextsWanted, data: bytes) -> Sequence[tuple[TextPattern, Owned]]:
        """Those of which all needles are in a file; the needles of a few are soonest found one by one."""
        lowered = data.lower()
        if len(wanted.all) <= _FEW:
            return [(text, owned) for text, owned in wanted.all if _holds(lowered, self._needles[text.pattern])]
        return wanted.with_needles(self._finder.found_in(lowered))


def _holds(lowered: bytes, needles: Needles) -> bool:
    return all(any(needle.encode() in lowered for needle in texts) for texts in needles)


def _searchable(content: str) -> tuple[str, list[int]]:
    """A text without overlong lines and long gaps, on which a pattern of packs would take for ever, and its lines' numbers if they changed."""
    if _LONG_GAP.search(content) is None:
        lines = content.split("\n")
        if max(map(len, lines)) > _MAX_LINE:
            content = "\n".join(line if len(line) <= _MAX_LINE else "" for line in lines)
        return content, []
    kept: list[str] = []
    numbers: list[int] = []
    blank = 0
    for number, line in enumerate(content.split("\n"), 1):
        blank = blank + 1 if len(line) > _MAX_LINE or not line.strip() else 0
        if blank <= _MAX_GAP:
            kept.append(line if not blank else "")
            numbers.append(number)
    return "\n".join(kept), numbers
