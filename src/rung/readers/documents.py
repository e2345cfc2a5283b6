"""YAML, JSON, TOML and INI as plain values that know their lines, bounded before a parser sees them.

PyYAML's C loader dies on about 10⁵ nested brackets and follows alias bombs, so nesting is measured on the
bytes first and aliases share one value. Scalars stay text: YAML 1.1 would make `on:` a boolean and `1.10`
a number. CloudFormation's short tags become their long form (`!Ref x` → `{"Ref": "x"}`).
"""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Iterator
from typing import TypeAlias

import yaml

MAX_BYTES = 2 * 1024 * 1024
"""Configuration beyond this size is data; it is not parsed."""
MAX_DEPTH = 100
MAX_SCALARS = 50_000
"""Scalars that `flatten` yields at most; an alias bomb ends here."""

_BRACKETS = re.compile(rb"[\[\]{}]")
_COMPACT_BLOCKS = re.compile(rb"^[ ]*(?:[-?:] ){%d}" % MAX_DEPTH, re.MULTILINE)
_DEEP_INDENT = re.compile(rb"^ {1000}", re.MULTILINE)
_WIDE_GAP = re.compile(rb"[ \t]{100}|[^\n]{10000}")
"""What the standard library's INI parser takes a time for that grows with its square."""
_DEEP_KEY = re.compile(rb"(?<!\w)(?:\w++\.){%d}" % MAX_DEPTH)
_PLACEHOLDER_LINE = re.compile(
    r"^[ \t]*+(?:\{\{-?[ \t]*+(?:if|else|end|range|with|define|block|template|include|/\*)[^\n]*\}\}|\{%[^\n]*%\})[ \t]*$", re.MULTILINE
)
_RAW_STRING = re.compile(r"\{\{-?\s*`([^`\n]*)`\s*-?\}\}")
_PLACEHOLDER = re.compile(r"\{\{((?:[^{}\n]|\{[^{}\n]*\})*+)\}\}|\{%[^{}\n]*+\}|\{#[^{}\n]*+\}")
"""No part of it can match again what another part gave back: a file of braces takes a time that grows with its size only."""
_CLOUDFORMATION_TAGS = {"!Ref": "Ref", "!Condition": "Condition"}


class Unreadable(Exception):  # noqa: N818 - it says what the document is
    """A document that can't be read; `line` is 0 when no line is to blame."""

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.what = what
        self.line = line


class Map(dict[str, "Value"]):
    """A mapping in document order; `line` is where it starts and `lines[key]` where a key stands."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def put(self, key: str, value: Value, line: int) -> None:
        """Sets a key and remembers its line."""
        self[key] = value
        self.lines[key] = line

    def at(self, key: str) -> int:
        """The line of `key`, or the mapping's own."""
        return self.lines.get(key, self.line)


class Sequence(list["Value"]):
    """A list; `lines[i]` is the line of item i."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []

    def put(self, value: Value, line: int) -> None:
        """Adds an item and remembers its line."""
        self.append(value)
        self.lines.append(line)


Value: TypeAlias = Map | Sequence | str
"""Every scalar is text as written; null is ``."""


def text_of(data: bytes) -> str:
    """The bytes as text: UTF-8 (with or without mark), UTF-16 with mark, anything else with replacements."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def check_bounds(data: bytes) -> None:
    """Refuses what a recursive parser might not survive.

    Raises:
        Unreadable: too large, or nested deeper than MAX_DEPTH.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES // 1024 // 1024} MiB, not parsed")
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        depth = 0
        for match in _BRACKETS.finditer(data):
            depth += 1 if match[0] in b"[{" else -1
            if depth > MAX_DEPTH:
                raise Unreadable(f"nested deeper than {MAX_DEPTH} levels", data.count(b"\n", 0, match.start()) + 1)
            depth = max(depth, 0)
    for pattern in (_COMPACT_BLOCKS, _DEEP_INDENT, _DEEP_KEY):
        if match_ := pattern.search(data):
            raise Unreadable(f"nested deeper than {MAX_DEPTH} levels", data.count(b"\n", 0, match_.start()) + 1)


def without_placeholders(text: str) -> str:
    """Template text with its placeholders made into plain words, every line kept in its place.

    `{{ .Values.image.tag }}` becomes `${.Values.image.tag}`; lines that only steer the template become empty.
    """
    text = _RAW_STRING.sub(r"\1", _PLACEHOLDER_LINE.sub("", text))
    return _PLACEHOLDER.sub(lambda match: "${" + re.sub(r"[\"'{}:#,\[\]]", " ", match[1]).strip("- \t") + "}" if match[1] else "", text)


def parse_yaml(data: bytes) -> tuple[list[Value], Unreadable | None]:
    """All documents of a YAML stream up to the first that is broken, and that one's error.

    Text with template placeholders (`{{ … }}`) that is no YAML as it stands is read again without them.
    """
    check = _bounds_error(data)
    if check:
        return [], check
    documents, error = _compose(data)
    if error and (b"{{" in data or b"{%" in data):
        again, still = _compose(without_placeholders(text_of(data)).encode())
        if len(again) > len(documents) or not still:
            return again, still
    return documents, error


def parse_json(data: bytes) -> Value:
    """A JSON document, with comments and trailing commas forgiven.

    Raises:
        Unreadable: no JSON, too large, or nested too deep.
    """
    check_bounds(data)
    text = text_of(data)
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        text = re.sub(
            r'("(?:[^"\\\n]|\\.)*+"?)|//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?',
            lambda m: m[1] or re.sub(r"[^\n]", " ", m[0]),
            text,
            flags=re.DOTALL,
        )
        text = re.sub(r",(\s*[}\]])", r" \1", text)
        try:
            plain = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Unreadable("no valid JSON", getattr(error, "lineno", 0)) from error
    return _located(plain, text)


def parse_toml(data: bytes) -> Map:
    """A TOML document.

    Raises:
        Unreadable: no TOML, too large, or nested too deep.
    """
    check_bounds(data)
    text = text_of(data)
    try:
        plain = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        raise Unreadable("no valid TOML", int(found[1]) if found else 0) from error
    value = _with_lines(plain, (), _toml_lines(text), 1)
    assert isinstance(value, Map)
    return value


def parse_ini(data: bytes) -> Map:
    """An INI document as section → key → text.

    Raises:
        Unreadable: no INI, or too large.
    """
    check_bounds(data)
    text = text_of(data)
    if _WIDE_GAP.search(data):
        raise Unreadable("a gap or line too wide for an INI file")
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise Unreadable("no valid INI", getattr(error, "lineno", 0) or 0) from error
    lines: dict[tuple[str, ...], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\[(.+?)\]", line):
            section = header[1]
            lines.setdefault((section,), number)
        elif key := re.match(r"([^\s=:#;\[][^=:]*+)(?:[=:]|$)", line):
            lines.setdefault((section, key[1].rstrip()), number)
    root = Map(1)
    for name in parser.sections():
        body = Map(lines.get((name,), 1))
        for key_, value in parser.items(name):
            body.put(key_, value or "", lines.get((name, key_), body.line))
        root.put(name, body, body.line)
    return root


def flatten(value: Value, line: int = 1) -> Iterator[tuple[str, str, int]]:
    """Every scalar as (dotted key path without list positions, text, line), MAX_SCALARS at most.

    An empty mapping or list is yielded as an empty scalar, so that its key can still be seen.
    """
    left = MAX_SCALARS
    stack = [iter([("", value, line)])]
    while stack and left:
        path, item, at = next(stack[-1], (None, "", 0))
        if path is None:
            stack.pop()
        elif item and not isinstance(item, str):
            if len(path) > 2000:
                return
            stack.append(_children(path, item))
        else:
            left -= 1
            yield path, item if isinstance(item, str) else "", at


def _children(path: str, value: Map | Sequence) -> Iterator[tuple[str, Value, int]]:
    if isinstance(value, Map):
        for key, child in value.items():
            yield f"{path}.{key}" if path else key, child, value.at(key)
    else:
        for child, line in zip(value, value.lines, strict=True):
            yield path, child, line


def _bounds_error(data: bytes) -> Unreadable | None:
    try:
        check_bounds(data)
    except Unreadable as error:
        return error
    return None


def _compose(data: bytes) -> tuple[list[Value], Unreadable | None]:
    documents: list[Value] = []
    loader = yaml.CSafeLoader(data)
    try:
        while loader.check_node():
            documents.append(_plain(loader.get_node(), {}))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return documents, Unreadable(f"no valid YAML: {error.problem or error.context}", mark.line + 1 if mark else 0)
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError) as error:
        return documents, Unreadable(f"no valid YAML: {str(error).splitlines()[0][:120]}")
    finally:
        loader.dispose()
    return documents, None


def _plain(node: yaml.Node | None, seen: dict[int, Value]) -> Value:
    """A composed node as values; nodes that aliases share stay shared, and a cycle is cut."""
    if node is None:
        return ""
    if (known := seen.get(id(node))) is not None:
        return known
    line = node.start_mark.line + 1
    value: Value
    seen[id(node)] = ""  # what an alias to a node around itself gives
    if isinstance(node, yaml.MappingNode):
        value = Map(line)
        merged: list[Value] = []
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            child = _plain(value_node, seen)
            if key == "<<" and not isinstance(child, str):
                merged.extend(child if isinstance(child, Sequence) else [child])
            else:
                value.put(str(key), child, key_node.start_mark.line + 1)
        for source in merged:
            if isinstance(source, Map):
                for key, child in source.items():
                    if key not in value:
                        value.put(key, child, source.at(key))
    elif isinstance(node, yaml.SequenceNode):
        value = Sequence(line)
        for child_node in node.value:
            value.put(_plain(child_node, seen), child_node.start_mark.line + 1)
    else:
        text = str(node.value)
        value = "" if node.tag == "tag:yaml.org,2002:null" else text
    if node.tag.startswith("!") and len(node.tag) > 1:
        tagged = Map(line)
        tagged.put(_CLOUDFORMATION_TAGS.get(node.tag, "Fn::" + node.tag[1:]), value, line)
        value = tagged
    seen[id(node)] = value
    return value


def _located(plain: object, text: str) -> Value:
    """JSON values with lines, found by searching keys forward: json keeps document order."""
    position = 0
    line = 1

    misses = 0

    def find(words: str, end: str = '"') -> int:
        nonlocal position, line, misses
        needle = json.dumps(words, ensure_ascii=False)[:-1] + end
        at = text.find(needle, position) if misses < 100 else -1
        if at >= 0:
            line += text.count("\n", position, at)
            position = at + len(needle)
        else:
            misses += 1  # each costs a look at all of the text
        return line

    def walk(value: object) -> Value:
        if isinstance(value, dict):
            mapping = Map(line)
            for key, child in value.items():
                at = find(key)
                mapping.put(key, walk(child), at)
            return mapping
        if isinstance(value, list):
            sequence = Sequence(line)
            for child in value:
                if isinstance(child, str):
                    at = find(child)
                    sequence.put(child, at)
                else:
                    item = walk(child)
                    sequence.put(item, item.line if not isinstance(item, str) else line)
            return sequence
        if isinstance(value, str):
            find(value[:80], "")
            return value
        return "" if value is None else json.dumps(value)

    return walk(plain)


def _toml_lines(text: str) -> dict[tuple[str, ...], int]:
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*+\[\[?([^\]]+)\]\]?", line):
            table = _toml_key(header[1])
            for length in range(1, len(table) + 1):
                lines.setdefault(table[:length], number)
        elif key := re.match(r"\s*+((?:\"[^\"]*\"|'[^']*'|[\w-]++)(?:\s*+\.\s*+(?:\"[^\"]*\"|'[^']*'|[\w-]++))*+)\s*+=", line):
            path = table + _toml_key(key[1])
            for length in range(len(table) + 1, len(path) + 1):
                lines.setdefault(path[:length], number)
    return lines


def _toml_key(text: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[\w-]+", text))


def _with_lines(plain: object, path: tuple[str, ...], lines: dict[tuple[str, ...], int], line: int) -> Value:
    if isinstance(plain, dict):
        mapping = Map(line)
        for key, child in plain.items():
            at = lines.get((*path, key), line)
            mapping.put(key, _with_lines(child, (*path, key), lines, at), at)
        return mapping
    if isinstance(plain, list):
        sequence = Sequence(line)
        for child in plain:
            sequence.put(_with_lines(child, path, lines, line), line)
        return sequence
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return str(plain)
