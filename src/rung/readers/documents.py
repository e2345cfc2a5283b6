"""YAML, JSON, TOML and INI as plain values that know their lines, bounded before or while they are parsed.

PyYAML's C loader dies on about 10⁵ nested collections and follows alias bombs, so values are built from the parser's
events, with a depth, a number of values, and aliases that share one value. Scalars stay text: YAML 1.1 would make
`on:` a boolean and `1.10` a number. CloudFormation's short tags become their long form (`!Ref x` → `{"Ref": "x"}`).

Several readings ask for the same file, so the last few documents are remembered: values are never changed by a reader.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import repeat
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, TypeAlias

from rung.expressions import regex
from rung.readers.placeholders import without_placeholders

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 2 * 1024 * 1024
"""Configuration beyond this size is data; it is not parsed."""
MAX_DEPTH = 100
_BOUND_OF_PARSER = "nesting depth"
"""Said by newer versions of the YAML parser, whose own bound brackets can meet before ours."""
MAX_SCALARS = 50_000
"""Scalars that `flatten` yields at most; an alias bomb ends here."""

MAX_VALUES = 200_000
"""Keys, scalars and collections of a YAML file that are read."""
MAX_DIRECTIVES = 100
"""`%TAG` lines of a YAML file; the parser compares each with all before it."""
MAX_MISSES = 100
"""Keys and texts of a JSON document that are not found as written; each costs a look at all of the text."""

_BRACKETS = regex(rb"[\[\]{}]")
_WIDE_GAP = regex(rb"[ \t]{100}|[^\n]{10000}")
"""What the standard library's INI parser takes a time for that grows with its square."""
_DEEP_KEY = regex(rb"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){%d}""" % MAX_DEPTH)
"""A dotted key of TOML; its parser takes a time that grows with the square of the parts."""
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_COMMENT = regex(r'("(?:[^"\\\n]|\\.)*+"?)|//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?', re.DOTALL)
_LARGEST = float("inf")
_BROKEN = object()
_LAST_COMMA = regex(r",(\s*+[}\]])")
_NOT_BREAK = regex(r"[^\n]")
_CLOUDFORMATION_TAGS = {"!Ref": "Ref", "!Condition": "Condition"}


class Unreadable(Exception):  # noqa: N818 - it says what the document is
    """A document that can't be read; `line` is 0 when no line is to blame."""

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.what = what
        self.line = line


class Map(dict[str, "Value"]):
    """A mapping in document order; `line` is where it starts and `lines[key]` where a key stands, in the same order."""

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
        raise _too_large()
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        depth = 0
        for match in _BRACKETS.finditer(data):
            depth += 1 if match[0] in b"[{" else -1
            if depth > MAX_DEPTH:
                raise Unreadable(f"nested deeper than {MAX_DEPTH} levels", data.count(b"\n", 0, match.start()) + 1)
            depth = max(depth, 0)
    if data.count(b".") >= MAX_DEPTH and (match_ := _DEEP_KEY.search(data)):
        raise Unreadable(f"nested deeper than {MAX_DEPTH} levels", data.count(b"\n", 0, match_.start()) + 1)


def check_source(data: bytes, most: int) -> None:
    """As `check_bounds`, for source code of at most so many bytes, which nests in round brackets too."""
    if len(data) > most:
        raise _too_large(most)
    check_bounds(data.replace(b"(", b"[").replace(b")", b"]"))


def may_have_keys(data: bytes, *keys: bytes) -> bool:
    """Whether each of the keys can be one of a YAML or JSON file: it costs nothing beside a parse, and most files lack one.

    A key is followed by its colon, or by a placeholder or comment that may hide it.
    """
    return all(key in data for key in keys) and all(_key(key).search(data) for key in keys)


@lru_cache(maxsize=64)
def _key(key: bytes) -> re.Pattern[bytes]:
    return re.compile(re.escape(key) + rb"[\"'`}\s-]*+(?::|\{[{%]|#)")


def parse_yaml(data: bytes) -> tuple[list[Value], Unreadable | None]:
    """All documents of a YAML stream up to the first that is broken, and that one's error.

    Text with template placeholders (`{{ … }}`) that is no YAML as it stands is read again without them.
    """
    documents, error = _yaml(data)
    return list(documents), error


@lru_cache(maxsize=4)
def _yaml(data: bytes) -> tuple[tuple[Value, ...], Unreadable | None]:
    documents, error = _compose(data)
    if error and (b"{{" in data or b"{%" in data or b"%{" in data):
        again, still = _compose(without_placeholders(text_of(data)).encode())
        if len(again) > len(documents) or not still:
            return tuple(again), still
    return tuple(documents), error


def parse_json(data: bytes) -> Value:
    """A JSON document, with comments and trailing commas forgiven.

    Raises:
        Unreadable: no JSON, too large, or nested too deep.
    """
    return _value_or_raise(_json(data))


@lru_cache(maxsize=4)
def _json(data: bytes) -> Value | Unreadable:
    if len(data) > MAX_BYTES:
        return _too_large()
    text = text_of(data)
    try:
        plain = _loaded(text)
        if plain is _BROKEN:
            text = _LAST_COMMA.sub(r" \1", _COMMENT.sub(lambda m: m[1] or _NOT_BREAK.sub(" ", m[0]), text))
            plain = json.loads(text)
        return _located(plain, text)
    except RecursionError:
        return Unreadable(f"nested deeper than {MAX_DEPTH} levels")
    except Unreadable as error:
        return error
    except ValueError as error:
        return Unreadable("no valid JSON", getattr(error, "lineno", 0))


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return _BROKEN


def _too_large(most: int = MAX_BYTES) -> Unreadable:
    size = f"{most // 1024 // 1024} MiB" if most >= 1024 * 1024 else f"{most // 1024} KiB"
    return Unreadable(f"larger than {size}, not parsed")


def _value_or_raise(found: Value | Unreadable) -> Value:
    if isinstance(found, Unreadable):
        raise Unreadable(found.what, found.line)
    return found


def parse_toml(data: bytes) -> Map:
    """A TOML document.

    Raises:
        Unreadable: no TOML, too large, or nested too deep.
    """
    value = _value_or_raise(_toml(data))
    assert isinstance(value, Map)
    return value


@lru_cache(maxsize=4)
def _toml(data: bytes) -> Value | Unreadable:
    try:
        check_bounds(data)
    except Unreadable as error:
        return error
    import tomllib

    text = text_of(data)
    try:
        return _with_lines(tomllib.loads(text), (), _toml_lines(text), 1)
    except RecursionError:
        return Unreadable(f"nested deeper than {MAX_DEPTH} levels")
    except ValueError as error:
        found = re.search(r"at line (\d+)", str(error))
        return Unreadable("no valid TOML", int(found[1]) if found else 0)


def parse_ini(data: bytes) -> Map:
    """An INI document as section → key → text.

    Raises:
        Unreadable: no INI, or too large.
    """
    import configparser

    check_bounds(data)
    text = text_of(data)
    if _WIDE_GAP.search(data):
        raise Unreadable("a gap or line too wide for an INI file")
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except (configparser.Error, AttributeError) as error:  # The parser's own mistake: a line that continues a key without value.
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
    if isinstance(value, str) or not value:
        yield "", value if isinstance(value, str) else "", line
        return
    left = MAX_SCALARS
    stack = [("", _children(value))]
    while stack:
        around, children = stack[-1]
        for key, child, at in children:
            path = around if key is None else f"{around}.{key}" if around else key
            if child and not isinstance(child, str):
                if len(path) > 2000:
                    return
                stack.append((path, _children(child)))
                break
            yield path, child or "", at  # type: ignore[misc]
            left -= 1
            if not left:
                return
        else:
            stack.pop()


def _children(value: Map | Sequence) -> Iterator[tuple[str | None, Value, int]]:
    """Keys (None in a list), values and lines."""
    if isinstance(value, Map):
        return zip(value, value.values(), value.lines.values())
    return zip(repeat(None), value, value.lines)


class _Open:
    """A collection of a YAML document that is being filled."""

    __slots__ = ("anchor", "key", "key_line", "merged", "tag", "value")

    def __init__(self, value: Map | Sequence, tag: str | None, anchor: str | None) -> None:
        self.value = value
        self.tag = tag
        self.anchor = anchor
        self.key: str | None = None
        self.key_line = 0
        self.merged: list[Value] = []
        """What `<<` brings in once the mapping's own keys are known."""

    def take(self, value: Value, line: int) -> None:
        """Puts what is finished where it belongs: as an item, a key, or the value of a key."""
        holder: Any = self.value
        key = self.key
        if holder.__class__ is Sequence:
            holder.append(value)
            holder.lines.append(line)
        elif key is None:
            self.key = value if isinstance(value, str) else "?"
            self.key_line = line
        else:
            if key == "<<" and not isinstance(value, str):
                self.merged.extend(value if isinstance(value, Sequence) else (value,))
            else:
                holder[key] = value
                holder.lines[key] = self.key_line
            self.key = None


class _Composer:
    """The documents of a YAML stream, built from its events without recursion; aliases share one value, a cycle is cut."""

    def __init__(self) -> None:
        self.documents: list[Value] = []
        self._root: Value = ""
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Value, int]] = {}

    def read(self, parser: yaml.CSafeLoader) -> Unreadable | None:
        """Takes every event; gives the bound that ended the reading, and keeps what was read until then."""
        from yaml import AliasEvent, DocumentEndEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

        left = MAX_VALUES
        stack = self._stack
        event: Any
        next_event: Callable[[], Any] = parser.get_event
        while (event := next_event()) is not None:
            kind = event.__class__
            if kind is ScalarEvent:
                text, tag = event.value, event.tag
                if text in _NULLS and (event.implicit[0] if tag in (None, "!") else tag == "tag:yaml.org,2002:null"):
                    text = ""
                if stack and tag is None and event.anchor is None:
                    stack[-1].take(text, event.start_mark.line + 1)
                else:
                    self._put(text, event.start_mark.line + 1, tag, event.anchor)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                line = event.start_mark.line + 1
                if event.anchor:
                    self._anchors[event.anchor] = "", line  # What an alias to a collection around itself gives.
                stack.append(_Open(Map(line) if kind is MappingStartEvent else Sequence(line), event.tag, event.anchor))
                if len(stack) > MAX_DEPTH:
                    return Unreadable(f"nested deeper than {MAX_DEPTH} levels", line)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close()
            elif kind is AliasEvent:
                if event.anchor not in self._anchors:
                    return Unreadable("no valid YAML: an alias of no anchor", event.start_mark.line + 1)
                self._put(*self._anchors[event.anchor], None, None)
            elif kind is DocumentEndEvent:
                self.documents.append(self._root)
                self._anchors = {}
            left -= 1
            if left < 0:
                line = event.start_mark.line + 1
                while stack:
                    self._close()
                self.documents.append(self._root)
                return Unreadable(f"more than {MAX_VALUES} values, the rest was not read", line)
        return None

    def _close(self) -> None:
        done = self._stack.pop()
        value = done.value
        if isinstance(value, Map):
            if done.key is not None:
                value.put(done.key, "", done.key_line)
            for source in done.merged:
                if isinstance(source, Map):
                    for key, child in source.items():
                        if key not in value:
                            value.put(key, child, source.at(key))
        self._put(value, value.line, done.tag, done.anchor)

    def _put(self, value: Value, line: int, tag: str | None, anchor: str | None) -> None:
        """Puts a finished value where it belongs, under its long tag and its anchor: as a document, or in the collection that is open."""
        if tag and tag[0] == "!" and len(tag) > 1:
            tagged = Map(line)
            tagged.put(_CLOUDFORMATION_TAGS.get(tag, "Fn::" + tag[1:]), value, line)
            value = tagged
        if anchor:
            self._anchors[anchor] = value, line
        if self._stack:
            self._stack[-1].take(value, line)
        else:
            self._root = value


def _compose(data: bytes) -> tuple[list[Value], Unreadable | None]:
    import yaml

    composer = _Composer()
    if len(data) > MAX_BYTES:
        return [], _too_large()
    if data.count(b"\n%TAG") > MAX_DIRECTIVES:
        return [], Unreadable(f"more than {MAX_DIRECTIVES} directives, not parsed")
    parser = yaml.CSafeLoader(data)
    try:
        return composer.documents, composer.read(parser)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = error.problem or error.context or ""
        told = f"nested deeper than {MAX_DEPTH} levels" if _BOUND_OF_PARSER in what else f"no valid YAML: {what}"
        return composer.documents, Unreadable(told, mark.line + 1 if mark else 0)
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        return composer.documents, Unreadable(f"no valid YAML: {str(error).splitlines()[0][:120]}")
    finally:
        parser.dispose()


def _located(plain: object, text: str) -> Value:
    """JSON values with lines, found by searching keys forward: json keeps document order."""
    position = 0
    line = 1
    misses = 0

    def find(words: str, end: str = '"') -> int:
        nonlocal position, line, misses
        needle = encode_basestring(words)[:-1] + end
        at = text.find(needle, position) if misses < MAX_MISSES else -1
        if at >= 0:
            line += text.count("\n", position, at)
            position = at + len(needle)
        else:
            misses += 1
        return line

    def walk(value: object, depth: int) -> Value:
        kind = value.__class__
        if kind is str:
            find(value[:80], "")  # type: ignore[index]
            return value  # type: ignore[return-value]
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH} levels", line)
        if isinstance(value, dict):
            mapping = Map(line)
            for key, child in value.items():
                at = find(key)
                mapping.put(key, walk(child, depth + 1), at)
            return mapping
        if isinstance(value, list):
            sequence = Sequence(line)
            for child in value:
                if child.__class__ is str:
                    at = find(child)
                    sequence.put(child, at)
                else:
                    item = walk(child, depth + 1)
                    sequence.put(item, item.line if not isinstance(item, str) else line)
            return sequence
        if value is None:
            return ""
        return str(value) if kind is int or (kind is float and -_LARGEST < value < _LARGEST) else json.dumps(value)  # type: ignore[operator]

    return walk(plain, 0)


def _toml_lines(text: str) -> dict[tuple[str, ...], int]:
    """The lines of keys by their paths, in which a table of an array is told by its position: `repos`, `#1`, `id`."""
    lines: dict[tuple[str, ...], int] = {}
    last: dict[tuple[str, ...], int] = {}  # The position of the last table of each array.
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*+(\[\[?)([^\]]+)\]\]?", line):
            table, names = (), _toml_key(header[2])
            for position, name in enumerate(names, 1):
                table += (name,)
                lines.setdefault(table, number)
                if header[1] == "[[" and position == len(names):
                    last[table] = last.get(table, -1) + 1
                if table in last:
                    table += (f"#{last[table]}",)
                    lines.setdefault(table, number)
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
        for position, child in enumerate(plain):
            place = (*path, f"#{position}")
            at = lines.get(place, line)
            sequence.put(_with_lines(child, place, lines, at), at)
        return sequence
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return str(plain)
