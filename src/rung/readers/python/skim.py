"""The facts of Python source that are wanted of every file: its imports and what it names of them, its tests, and whether it is meant to be started.

One expression passes over the text and stops only where a statement imports, opens a block or asserts; strings and comments
are skipped by it. What can't be told without a tree (code that never runs, an assertion by another name) is left to the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from rung.expressions import regex
from rung.readers import scanning
from rung.readers.python.names import DOTTED
from rung.readers.python.testing import HOLLOW, is_test_class
from rung.records import AROUND, Definition, Entry, Fact, Import, Test

_PASSED = (
    r"\"\"\"(?:[^\"\\]++|\\(?:.|\Z)|\"(?!\"\"))*+(?:\"\"\"|\Z)|'''(?:[^'\\]++|\\(?:.|\Z)|'(?!''))*+(?:'''|\Z)"
    r"|\"(?:[^\"\\\n]++|\\(?:.|\Z))*+(?:\"|(?=\n)|\Z)|'(?:[^'\\\n]++|\\(?:.|\Z))*+(?:'|(?=\n)|\Z)|#[^\n]*+"
)
_IMPORT = (
    r"import\b(?P<modules>(?:[^\\\n;#]++|\\\r?\n)*+)"
    r"|from\b(?P<base>[ \t\\\n\r.\w]{0,600}?)\bimport\b[ \t]*+(?:\\\r?\n[ \t]*+)*+(?:\((?P<many>[^()]*+)\)?|(?P<one>(?:[^\\\n;#]++|\\\r?\n)*+))"
)


def _passing(*words: str) -> re.Pattern[str]:
    """An expression that passes over source and stops at imports, and where a line begins with one of the words."""
    word = "|".join(words)
    return regex(
        rf"(?:[^\"'#\n;:]++|{_PASSED}|\n(?![ \t\f]*+(?:import|from|{word})\b)|[;:](?![ \t\f]*+(?:import|from|assert)\b))*+"
        rf"(?:\Z|(?P<stop>[\n;:])[ \t\f]*+(?:{_IMPORT}|(?P<word>{word})\b|)|.)",
        re.DOTALL,
    )


_PLAIN = _passing("if")
_TESTED = _passing(
    "assert", "async", "def", "class", "if", "elif", "else", "for", "while", "with", "try", "except", "finally", "match", "case"
)
_NAME = regex(r"(?P<name>[^\W\d][\w.]*+|\*)(?:[ \t]*+\.[ \t]*+\w++)*+(?:\s++as\s++(?P<alias>\w++))?")
_COMMENT = regex(r"#[^\n]*+")
_MAIN = regex(r"if[ \t]*+\(?[ \t]*+(?:__name__[ \t]*+==[ \t]*+[\"']__main__[\"']|[\"']__main__[\"'][ \t]*+==[ \t]*+__name__)")
_DEAD = regex(r"if[ \t]++(?:0|False|None)[ \t]*+:")
_LOADS = regex(r"\b(?:import_module|__import__|import_string|resolve_name|locate|get_class|get_method)\((?![ \t\n]*+[\"'])")
"""A module is imported by a text: which of those in the file it may be, only its tree tells."""
_TEST = regex(r"def[ \t]++test")
_PRINTS = regex(r"print[ \t]++[\"'\w]")
_LONE_RETURN = regex(r"\r(?!\n)")
_FUNCTION = regex(r"(?:async[ \t]++)?def[ \t]++(\w++)(?!\[)")
_NO_FUNCTION = regex(r"async[ \t]++(?:for|with)\b")
_CLASS = regex(r"class[ \t]++(?P<name>\w++)(?!\[)[ \t]*+(?P<end>:|\((?P<bases>[^()\"'#]*+)\)[ \t]*+:)?")
_EXCEPT_COMMA = regex(r"except[ \t]++[\w.]++[ \t]*+,")
_ASSIGNED = regex(r"\n[ \t]*+(\w++)[ \t]*+=")
_SUBSCRIPT = regex(r"\[[^\[\]]*+\]")
_PASSED_OVER = regex(_PASSED, re.DOTALL)
_WORDS = r"(?:_*+(?:[aA]ssert|[cC]heck|[vV]erify|[eE]xpect)\w*+|raises\b|warns\b|fail\b|deprecated_call\b)"
_ASSERTING = regex(r"(?:\bself\.assert\w++|\.assert_\w++|\bpytest\.raises)[ \t]*+\(")
"""Calls that assert, if their names mean what they say."""
_MEANS_ELSE = regex(r"\b(?:assert\w++|pytest)[ \t]*+(?:=[^=]|:[^:])|\bas[ \t]++pytest\b")
_MAYBE_ASSERTING = regex(rf"(?<!\w){_WORDS}[ \t]*+\(")
_RENAMED = regex(rf"(?<!\w){_WORDS}[ \t]++as[ \t]|=[ \t]*+(?:\w++\.)*+{_WORDS}[ \t]*+[\r\n]")
"""Something that asserts is given another name."""
_WORD = regex(r"\w++")
_IN_NAME = regex(r"[\w.]")
_ATTRIBUTE = regex(r"(?:\.(\w++))?+(?!\w)")
_OTHERS = frozenset((
    "__future__", "abc", "argparse", "asyncio", "collections", "contextlib", "copy", "csv", "dataclasses", "datetime", "enum", "functools", "hashlib",
    "itertools", "json", "logging", "math", "os", "pathlib", "pickle", "random", "re", "shutil", "subprocess", "sys", "tempfile", "threading", "time",
    "typing", "unittest", "urllib", "uuid", "warnings", "numpy", "pandas", "torch", "tensorflow", "keras", "sklearn", "scipy", "matplotlib", "yaml",
    "requests", "pydantic", "fastapi",
))  # fmt: skip
"""What no repository calls its own modules; of what else is not its own it does not matter what is named."""
_MAX_DEPTH = 100
_MAX_LINE = 400
"""How far before an assertion the line that it stands on may begin."""


def skimmed(source: str, *, hands_on: bool = False) -> list[Fact] | None:
    """Imports in the order in which they stand and what is named of them, the `__main__` guard, and tests; None when only a tree can tell.

    Args:
        source: as text.
        hands_on: what the source imports is there for others.
    """
    has_tests = _TEST.search(source) is not None
    if _DEAD.search(source) or _LOADS.search(source) or (has_tests and _may_not_parse(source)):
        return None
    facts: list[Fact] = []
    aliases: dict[str, str] = {}
    text = "\n" + source[: scanning.MAX_BYTES]  # So that the first statement follows a line end, too.
    tests = _Tests(text, aliases)
    line = done = main = behind = 0
    code: list[str] = []
    for match in (_TESTED if has_tests else _PLAIN).finditer(text):
        if word := match["word"]:
            at = match.start("word")
            if word == "if" and main == 0 and _MAIN.match(text, at):
                main = text.count("\n", 0, at)
                facts.append(Entry(line=main))
            if has_tests and not tests.takes(word, match.start("stop"), at):
                return None
            continue
        for at, module, alias in _imported(match):
            line += text.count("\n", done, at)
            done = at
            facts.append(Import(line=line, module=module[: scanning.MAX_NAME]))
            aliases[alias] = module
        if match["modules"] is not None or match["base"] is not None:
            code.append(text[behind : match.start("stop")])
            behind = match.end()
    found = tests.found()
    if found is not None and not has_tests and not hands_on and (part := _used("\n".join((*code, text[behind:])), aliases)):
        facts.append(part)
    return None if found is None else facts + found


def _used(code: str, aliases: Mapping[str, str]) -> Definition | None:
    """What code names of its imports, all of it as one part; None when that can't be told, or nothing could be the repository's own."""
    own = {alias: module for alias, module in aliases.items() if module.partition(".")[0] not in _OTHERS}
    if not own or "*" in own:
        return None
    code = f"\n{_PASSED_OVER.sub(_without_text, code)}\n"
    uses: set[str] = set()
    for alias, module in own.items():
        for before, after in pairwise(code.split(alias)):
            if before and after and not _IN_NAME.match(before[-1]) and (attribute := _ATTRIBUTE.match(after)):
                uses.add((module if module.endswith(".") else f"{module}.") + attribute[1] if attribute[1] else module)
    return Definition(line=0, name=AROUND, uses=tuple(sorted(uses)))


def _without_text(match: re.Match[str]) -> str:
    """A text or comment left out, but for what may be computed in it."""
    return match[0].replace("{", " ") if match.string[match.start() - 1] in "fF" else " "


def _may_not_parse(source: str) -> bool:
    """Whether there are signs of a template or of Python 2: the parser mends what it can of such files, and says what it can't."""
    return (
        "{{" in source
        or "{%" in source
        or _PRINTS.search(source) is not None
        or ("\r" in source and _LONE_RETURN.search(source) is not None)
    )


def _imported(match: re.Match[str]) -> Iterator[tuple[int, str, str]]:
    """Where each name of an import stands, what it is in full, and as what it is known."""
    if match["modules"] is not None:
        group, base = "modules", ""
    elif match["base"] is not None:
        group, base = "many" if match["many"] is not None else "one", "".join(match["base"].replace("\\", "").split())
        if not base:
            return
    else:
        return
    names = match[group]
    if "#" in names:
        names = _COMMENT.sub(lambda comment: " " * len(comment[0]), names)
    names = names.replace("\\", " ")
    for found in _NAME.finditer(names):
        name = found["name"]
        full = name
        if base:
            full = base if name == "*" else base + name if base.endswith(".") else f"{base}.{name}"
        yield match.start(group) + found.start(), full, found["alias"] or (name if base else full)


class _Test(Struct):
    """A test function, and what is known of it when it ends."""

    name: str
    start: int
    body: int
    end: int = 0
    assertions: int = 0
    """Statements; those of a class in it are none of its own."""
    holds_class: bool = False


class _Block(Struct, frozen=True):
    """A block that is open, as what is in it sees it."""

    indent: int
    word: str
    """module, class or def: what it is, or what the innermost one around it is."""
    qualified: str
    tests: bool | None
    """Whether functions named `test…` in it are tests; None when it can't be told."""
    test: _Test | None
    """The test that assertions in it belong to."""


class _Tests:
    """The tests of one source, told by how its blocks are indented."""

    def __init__(self, text: str, aliases: Mapping[str, str]) -> None:
        self._text = text
        self._aliases = aliases
        self._open: list[_Block] = [_Block(-1, "module", "", True, None)]
        self._all: list[_Test] = []
        self._asserting: set[str] = set()
        """Functions and methods that assert something, and are no tests."""

    def takes(self, word: str, start: int, at: int) -> bool:
        """Takes the next word that begins a block or an assertion, behind a line's end or sign at `start`; whether it can be told."""
        text = self._text
        is_first = text[start] == "\n"
        if not is_first:
            start = text.rfind("\n", max(0, at - _MAX_LINE), at)
        before = text[start + 1 : at]
        indent = len(before) - len(before.lstrip(" "))
        if start < 0 or before[indent : indent + 1] in ("\t", "\f") or len(self._open) > _MAX_DEPTH:
            return False
        self._close(indent if is_first else indent + 1, start)
        around = self._open[-1]
        if word == "assert":
            if HOLLOW.match(text, at):
                return False
            if around.test:
                around.test.assertions += 1
            else:
                self._asserting.add(around.qualified.rpartition(".")[2])
            return around.word == "def" or indent == 0
        if word in ("def", "async") and not _NO_FUNCTION.match(text, at):
            return self._takes_function(at, around, indent)
        if word == "class":
            return self._takes_class(at, around, indent)
        if word == "except" and _EXCEPT_COMMA.match(text, at):
            return False
        self._open.append(replace(around, indent=indent))
        return True

    def _takes_function(self, at: int, around: _Block, indent: int) -> bool:
        found = _FUNCTION.match(self._text, at)
        if found is None:
            return False
        name = _below(around, found[1])
        test = around.test
        if found[1].startswith("test") and around.word != "def":
            if around.tests:
                test = _Test(name, found.start(), found.end())
                self._all.append(test)
            elif around.tests is None:
                return False
        self._open.append(_Block(indent, "def", name, False, test))
        return indent == 0 or len(self._open) > 2

    def _takes_class(self, at: int, around: _Block, indent: int) -> bool:
        found = _CLASS.match(self._text, at)
        if found is None:
            return False
        if around.test:
            around.test.holds_class = True
        tests = True if found["name"].startswith("Test") else self._inherits_tests(found["bases"] or "") if found["end"] else None
        self._open.append(_Block(indent, "class", _below(around, found["name"]), tests, None))
        return indent == 0 or len(self._open) > 2

    def _inherits_tests(self, bases: str) -> bool | None:
        """Whether one of the bases of a class is one of tests; None when a base is no plain name."""
        for base in _SUBSCRIPT.sub("", bases).split(","):
            name = base.strip()
            if not name or "=" in name:
                continue
            root, dot, rest = name.partition(".")
            if not DOTTED.match(name) or root in self._assigned:
                return None
            if is_test_class(self._aliases.get(root, root) + dot + rest):
                return True
        return False

    def _close(self, indent: int, end: int) -> None:
        while self._open[-1].indent >= indent:
            if test := self._open.pop().test:
                test.end = end

    def found(self) -> list[Fact] | None:
        """All tests, when it can be told of each whether it asserts."""
        self._close(0, len(self._text))
        facts: list[Fact] = []
        line = 0
        done = 0
        for test in self._all:
            assertions = test.assertions or self._calls_in(test)
            if assertions is None:
                return None
            line += self._text.count("\n", done, test.start)
            done = test.start
            facts.append(Test(line=line, name=test.name, assertions=assertions))
        return facts

    def _calls_in(self, test: _Test) -> int | None:
        """How many calls in a test assert; None when it depends on what their names stand for."""
        if test.holds_class:
            return None
        body = _PASSED_OVER.sub(" ", self._text[test.body : test.end])
        if HOLLOW.search(body):
            return None
        if calls := len(_ASSERTING.findall(body)):
            return None if self._means_else else calls
        return None if _MAYBE_ASSERTING.search(body) or self._renames or not self._asserting.isdisjoint(_WORD.findall(body)) else 0

    @cached_property
    def _assigned(self) -> frozenset[str]:
        return frozenset(_ASSIGNED.findall(self._text))

    @cached_property
    def _means_else(self) -> bool:
        return _MEANS_ELSE.search(self._text) is not None

    @cached_property
    def _renames(self) -> bool:
        return _RENAMED.search(self._text) is not None


def _below(block: _Block, name: str) -> str:
    return f"{block.qualified}.{name}" if block.qualified else name
