"""Which patterns of text signals a hostile file makes slow: pieces of each one's own example, over and over.

    python benchmarks/patterns.py [DETECTOR...] [--most 300]

A pattern that begins to match again and again and is never done costs what it may look ahead, at each beginning. Told is its time as
a multiple of what listing the words of the same text takes; bound what it looks through, or end that where it would begin anew.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from time import process_time

from rung.asking import Arguments, text
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.patterns import TextPattern

SIZE = 100_000
"""Characters of each text."""
_WORD = re.compile(r"\w+")
_STEM = re.compile(r"\w+\W")
_MOST_WORDS = 12
_MOST_MATCHES = 2_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures every pattern, and prints those that are slow; the exit code is 1 where there are some."""
    parser = argparse.ArgumentParser(description="The cost of the patterns of text signals on hostile texts.")
    parser.add_argument("detectors", nargs="*", metavar="DETECTOR", help="ids of detectors; all without any")
    parser.add_argument("--most", type=float, default=300, help="times the cost of listing the words, above which a pattern is slow")
    options = parser.parse_args(arguments)
    slow = 0
    for owned in Matchers(load_packs()).signals:
        if owned.signal.matcher != "text" or (options.detectors and owned.detector not in options.detectors):
            continue
        for _, (pattern, _) in text(owned, Arguments(owned.signal.arguments)):
            ratio, unit = max((_ratio(pattern, unit), unit) for unit in _units(pattern.example))
            if ratio > options.most:
                slow += 1
                print(f"{owned.key}: {ratio:.0f} times with {unit[:80]!r} over and over", flush=True)
    return 1 if slow else 0


def _units(example: str) -> Iterator[str]:
    """What of an example may begin a match without ending it."""
    lines = example.split("\n")
    yield from ("\n".join(lines[:count]) + "\n" for count in range(1, len(lines) + 1))
    yield from (line + "\n" for line in lines if line.strip())
    yield from _STEM.findall(example)[:_MOST_WORDS]
    for end in (len(example) // 2, len(example) * 3 // 4, len(example) - 3, len(example) - 1):
        if example[:end].strip():
            yield from (example[:end], example[:end] + "\n")


def _ratio(pattern: TextPattern, unit: str) -> float:
    """The time that a pattern takes for a text of one unit over and over, by that for its words."""
    hostile = (unit * (SIZE // len(unit) + 1))[:SIZE]
    return _seconds(pattern.regex, hostile) / _seconds(_WORD, hostile)


def _seconds(regex: re.Pattern[str], hostile: str) -> float:
    start = process_time()
    for count, _ in enumerate(regex.finditer(hostile)):
        if count >= _MOST_MATCHES and regex is not _WORD:
            break
    return max(process_time() - start, 1e-4)


if __name__ == "__main__":
    sys.exit(main())
