"""Bicep: resources and modules, read by a scanner of its own.

The tree-sitter grammar takes time that grows with the square of a broken file's size; this scanner reads every byte
once. It knows declarations, objects, arrays, strings, loops and conditions, and leaves every other expression as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.expressions import regex
from rung.readers.attributes import MAX_TEXT, bounded, images_of, shortened
from rung.readers.documents import Unreadable, check_source, text_of
from rung.readers.reading import RESOURCES, Reading, suffixed
from rung.records import Fact, Problem, Resource

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 8
"""Levels of resources inside of resources."""

_SIMPLE_STRING = regex(r"'(?:[^'\\\n$]|\\[^\n]|\$(?!\{))*'")
_WORD = regex(r"\w+")
_SPACE = regex(r"[ \t\r]+|//[^\n]*")
_INTERPOLATED = regex(r"\$\{(\w+)\}")
_INTERPOLATION = regex(r"\$\{([^}]*)\}")
_ESCAPE = regex(r"\\(u\{[0-9A-Fa-f]{1,6}\}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_CONTINUED = frozenset("?:.&|+-*/%<>=!")
"""What a line may start with that goes on with the expression of the line before."""


def read_bicep(_path: str, data: bytes) -> Iterator[Fact]:
    """Facts of a Bicep file: resources (not those that `exist` already) and modules."""
    if b"resource" not in data and b"module" not in data:
        return
    try:
        check_source(data, MAX_BYTES)
    except Unreadable as error:
        yield Problem(line=error.line, what=error.what)
        return
    tokens = _Tokens(text_of(data))
    if tokens.unbalanced:
        yield Problem(line=tokens.unbalanced, what="a bracket is not closed; what could be read is used")
    yield from _File(tokens).facts()


class _Tokens:
    """Words, strings, marks and line ends, with the partner of each bracket."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.kinds: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.lines: list[int] = []
        self.partner: dict[int, int] = {}
        self.unbalanced = 0
        self._scan()
        self._pair()

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, index: int) -> str:
        """The token's text; nothing beyond the end."""
        return self.text[self.starts[index] : self.ends[index]] if index < len(self.kinds) else ""

    def kind(self, index: int) -> str:
        """word, string, line, the mark itself, or nothing beyond the end."""
        return self.kinds[index] if index < len(self.kinds) else ""

    def source(self, start: int, stop: int) -> str:
        """The text of tokens `start` up to `stop`, as written."""
        return self.text[self.starts[start] : self.ends[stop - 1]] if start < stop else ""

    def _scan(self) -> None:
        text, at, line = self.text, 0, 1
        while at < len(text):
            if space := _SPACE.match(text, at):
                at = space.end()
                continue
            if text.startswith("/*", at):
                end = text.find("*/", at + 2)
                end = len(text) if end < 0 else end + 2
                line += text.count("\n", at, end)
                at = end
                continue
            if text[at] == "'":
                kind, end = "string", _string_end(text, at)
            elif word := _WORD.match(text, at):
                kind, end = "word", word.end()
            else:
                kind, end = ("line" if text[at] == "\n" else text[at]), at + 1
            self.kinds.append(kind)
            self.starts.append(at)
            self.ends.append(end)
            self.lines.append(line)
            line += text.count("\n", at, end)
            at = end

    def _pair(self) -> None:
        opened: list[int] = []
        for index, kind in enumerate(self.kinds):
            if kind in ("{", "[", "("):
                opened.append(index)
            elif kind in ("}", "]", ")"):
                while opened:
                    start = opened.pop()
                    self.partner[start] = index
                    if self.kinds[start] + kind in ("{}", "[]", "()"):
                        break
                    self.unbalanced = self.unbalanced or self.lines[start]
        for start in opened:
            self.partner[start] = len(self.kinds)
            self.unbalanced = self.unbalanced or self.lines[start]


def _string_end(text: str, at: int) -> int:
    """Where the string that starts at `at` ends; at the line's end when it is not closed."""
    if text.startswith("'''", at):
        end = text.find("'''", at + 3)
        return len(text) if end < 0 else end + 3
    if simple := _SIMPLE_STRING.match(text, at):
        return simple.end()
    open_parts = ["'"]
    index = at + 1
    while index < len(text) and text[index] != "\n":
        char = text[index]
        if open_parts[-1] == "'":
            if char == "\\":
                index += 1
            elif char == "'":
                open_parts.pop()
            elif text.startswith("${", index):
                open_parts.append("{")
                index += 1
        elif char == "}":
            open_parts.pop()
        elif char in "'{":
            open_parts.append(char)
        index += 1
        if not open_parts:
            return index
    return min(index, len(text))


class _File:
    """A Bicep file, with the scalars that its own parameters and variables give."""

    def __init__(self, tokens: _Tokens) -> None:
        self.tokens = tokens
        self.known: dict[str, str] = {}
        self.declarations: list[int] = []
        index = 0
        while index < len(tokens):
            word = tokens[index]
            if tokens.kind(index) == "word" and tokens.kind(index + 1) == "word":
                if word in ("resource", "module"):
                    self.declarations.append(index)
                elif word in ("param", "var"):
                    self._learn(index)
            index = self._statement_end(index)
        self.symbols = {tokens[index + 1] for index in range(len(tokens)) if tokens[index] in ("resource", "module")}

    def facts(self) -> Iterator[Fact]:
        for index in self.declarations:
            yield from self._declaration(index, "", 0)

    def _learn(self, index: int) -> None:
        """`param x type = 'scalar'` and `var x = 'scalar'`."""
        stop = self._statement_end(index)
        tokens = self.tokens
        at = next((at for at in range(index + 2, stop) if tokens.kind(at) == "="), stop)
        value = [position for position in range(at + 1, stop) if tokens.kind(position) != "line"]
        if len(value) == 1 and (literal := _literal(tokens[value[0]], tokens.kind(value[0]))) and len(literal) <= 200:
            self.known[tokens[index + 1]] = literal

    def _statement_end(self, index: int) -> int:
        """The index after the statement or value that starts here: after its line, with whole brackets."""
        tokens = self.tokens
        while index < len(tokens):
            kind = tokens.kind(index)
            if kind in ("{", "[", "("):
                index = tokens.partner[index]
            elif kind == "line" and tokens.kind(index + 1) not in _CONTINUED:
                return index + 1
            index += 1
        return len(tokens)

    def _value_end(self, index: int, stop: int) -> int:
        """The index of the line end, comma or closing bracket at which the value that starts here ends."""
        tokens = self.tokens
        while index < stop:
            kind = tokens.kind(index)
            if kind in ("{", "[", "("):
                index = tokens.partner[index]
            elif kind == "," or (kind == "line" and tokens.kind(index + 1) not in _CONTINUED):
                return index
            index += 1
        return stop

    def _declaration(self, index: int, parent: str, depth: int) -> Iterator[Fact]:
        """The resource or module declared at `index`, and the resources inside of it."""
        tokens = self.tokens
        if depth > MAX_DEPTH or tokens.kind(index + 2) != "string":
            return
        kind, _, version = tokens[index + 2].strip("'").partition("@")
        module = tokens[index] == "module"
        if parent and "." not in kind.partition("/")[0]:
            kind = f"{parent}/{kind}"
        at = index + 3
        existing = tokens[at] == "existing"
        while tokens.kind(at) in ("word", "line"):
            at += 1
        body, condition = self._body(at + 1) if tokens.kind(at) == "=" else (None, "")
        if not existing:
            first = [("source", tokens[index + 2].strip("'"))] if module else [("apiVersion", version)] if version else []
            attributes = bounded([*first, *bounded(self._pairs(body, tokens.partner[body] + 1, "") if body else ())])
            yield Resource(
                line=tokens.lines[index],
                dialect="bicep",
                type="module" if module else kind,
                name=tokens[index + 1],
                attributes=attributes,
                references=self._references(body, tokens[index + 1]),
                conditional=condition,
            )
            yield from images_of(((key, value, tokens.lines[index]) for key, value in attributes), expressions=True)
        for inner in self._inner(body):
            yield from self._declaration(inner, kind, depth + 1)

    def _body(self, at: int) -> tuple[int | None, str]:
        """The index of a declaration's `{` under its loop and condition, and the condition."""
        tokens = self.tokens
        condition = ""
        for _ in range(20):
            kind = tokens.kind(at)
            if kind == "{":
                return at, condition
            if tokens[at] == "if" and tokens.kind(at + 1) == "(":
                close = tokens.partner[at + 1]
                condition = shortened(tokens.source(at + 2, close))
                at = close + 1
            elif kind == "[" and tokens[at + 1] == "for":
                at = self._loop_body(at)
            elif kind == "line":
                at += 1
            else:
                break
        return None, condition

    def _loop_body(self, at: int) -> int:
        """The index after the colon of `[for x in xs: …]`."""
        tokens = self.tokens
        stop = min(tokens.partner[at], len(tokens))
        at += 1
        while at < stop and tokens.kind(at) != ":":
            at = tokens.partner[at] + 1 if tokens.kind(at) in ("{", "[", "(") else at + 1
        return at + 1

    def _entries(self, body: int | None) -> Iterator[tuple[int, int, int]]:
        """Key, first and last token (exclusive) of the value for each entry of the object that opens at `body`."""
        if body is None:
            return
        tokens = self.tokens
        stop = min(tokens.partner[body], len(tokens))
        at = body + 1
        while at < stop:
            end = self._value_end(at, stop)
            if tokens.kind(at) in ("word", "string") and end > at:
                yield at, at + 1, end
            at = max(end, at) + 1

    def _inner(self, body: int | None) -> Iterator[int]:
        for key, value, _ in self._entries(body):
            if self.tokens[key] == "resource" and self.tokens.kind(value) == "word":
                yield key

    def _pairs(self, start: int, stop: int, path: str) -> Iterator[tuple[str, str]]:
        """The value of tokens `start` up to `stop` as flattened pairs; its depth is bounded by the brackets'."""
        tokens = self.tokens
        kind = tokens.kind(start)
        if kind == "{" and tokens.partner[start] >= stop - 1:
            for key, value, end in self._entries(start):
                if tokens.kind(value) == ":" and value + 1 < end:
                    name = tokens[key].strip("'")
                    yield from self._pairs(value + 1, end, f"{path}.{name}" if path else name)
        elif kind == "[" and tokens.partner[start] >= stop - 1:
            close = min(tokens.partner[start], len(tokens))
            at = self._loop_body(start) if tokens[start + 1] == "for" else start + 1
            while at < close:
                end = self._value_end(at, close)
                if end > at:
                    yield from self._pairs(at, end, path)
                at = max(end, at) + 1
        elif path:
            text = tokens.source(start, stop)
            literal = _literal(text, kind) if stop - start == 1 else None
            if literal is None:
                yield path, self.known.get(text, shortened(text))
            elif literal != "null":
                yield path, _INTERPOLATED.sub(lambda match: self.known.get(match[1], match[0]), literal[:MAX_TEXT])

    def _references(self, body: int | None, own: str) -> tuple[str, ...]:
        """Symbols of the file's declarations that the body names, within strings too."""
        tokens = self.tokens
        found: dict[str, None] = {}
        for index in range(body, min(tokens.partner[body], len(tokens))) if body else ():
            kind = tokens.kind(index)
            if kind == "word" and tokens.kind(index + 1) != ":":
                found[tokens[index]] = None
            elif kind == "string" and "${" in tokens[index]:
                for expression in _INTERPOLATION.findall(tokens[index]):
                    found.update(dict.fromkeys(_WORD.findall(expression)))
        return tuple(name for name in found if name in self.symbols and name != own)


def _literal(text: str, kind: str) -> str | None:
    """Text of a string, number, boolean or null; None for any other expression."""
    if kind == "string":
        if text.startswith("'''"):
            return text.removeprefix("'''").removesuffix("'''").removeprefix("\n")
        return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text[1:].removesuffix("'"))
    return text if text.isdigit() or text in ("true", "false", "null") else None


READINGS: tuple[Reading, ...] = (Reading(name="bicep", shows=RESOURCES, claims=suffixed(".bicep"), read=read_bicep),)
