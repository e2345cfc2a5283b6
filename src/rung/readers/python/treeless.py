"""Python source that no parser takes, as facts: what can be told line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from rung.expressions import regex
from rung.readers import scanning, syntax
from rung.readers.python.names import DOTTED
from rung.readers.reading import Asked
from rung.records import Entry, Fact, Import, Test

_IMPORT_LINE = regex(
    r"^[ \t]*+(?:import[ \t]++(?P<modules>[^\n;]++)|from[ \t]++(?P<base>[.\w]++)[ \t]++import[ \t]*+(?:\((?P<many>[^()]{0,4000}+)|(?P<one>[^\n;]++)))",
    re.MULTILINE,
)
_TEST_LINE = regex(r"^(?P<indent>[ \t]*+)def[ \t]++(?P<name>\w++)", re.MULTILINE)
_ASSERT_LINE = regex(r"^[ \t]*+assert\b(?![ \t(]*+True[ \t)]*+(?:[,;#\n]|\Z))|\b(?:self\.|\w++\.)?assert\w*+\(|\.raises\(", re.MULTILINE)
_PYTHON = scanning.Dialect(
    prefix="",
    called=regex(r"\([ \t]*+(\w++(?<=[A-Za-z_])(?:\.\w++(?<=[A-Za-z_])){0,64}+)"),
    joint=regex(r"\."),
    written=True,
)


def scanned(source: str, first_line: int, asked: Asked) -> Iterator[Fact]:
    """Imports, calls that are asked for, literals and tests of text that has no tree."""
    scan = syntax.blanked(source, first_line)
    code = scan.code.replace("\\\n", "  ")
    names: dict[str, str] = {}
    for match in _IMPORT_LINE.finditer(code):
        base = match["base"]
        group = "modules" if base is None else "many" if match["many"] is not None else "one"
        offset = match.start(group)
        for part in match[group].split(",")[:200]:
            words = part.split()
            line = scan.line(offset + len(part) - len(part.lstrip()))
            offset += len(part) + 1
            if not words or (not DOTTED.match(words[0]) and words[0] != "*"):
                continue
            full = (
                words[0] if base is None else base if words[0] == "*" else base + words[0] if base.endswith(".") else f"{base}.{words[0]}"
            )
            yield Import(line=line, module=full[: scanning.MAX_NAME])
            if len(words) == 3 and words[1] == "as":
                names[words[2]] = full
            elif base is None:
                names[words[0].partition(".")[0]] = words[0].partition(".")[0]
            elif words[0] != "*":
                names[words[0]] = full
    yield from scanning.calls(scan, names, _PYTHON, asked)
    if main := re.search(r"^if[ \t]++__name__[ \t]*+==[ \t]*+[\"']", scan.code, re.MULTILINE):
        yield Entry(line=scan.line(main.start()))
    yield from scanning.literals(scan)
    yield from _scanned_tests(scan)


def _scanned_tests(scan: scanning.Scan) -> Iterator[Test]:
    functions = list(_TEST_LINE.finditer(scan.code))
    asserts = [match.start() for match in _ASSERT_LINE.finditer(scan.code)]
    for function, following in zip_longest(functions, functions[1:]):
        if function["name"].startswith("test"):
            end = following.start() if following else len(scan.code)
            inside = scanning.between(asserts, function.start(), end)
            yield Test(line=scan.line(function.start("name")), name=function["name"], assertions=inside)
