"""What a file must hold for a pattern to match in it, and whether its bytes hold it.

A signal that asks for `mlflow.*.log_model(registered_model_name=)` can only match where the words `mlflow` and `log_model` stand
somewhere in the file, `log_model` as something that is called, and `registered_model_name` before a sign.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from msgspec import Struct

from rung.expressions import regex

_WILD = "*?]["
WORD = regex(r"\w+", re.ASCII)
_GAP = regex(r"[*?\s{}\"'`]+|\[[^\]]*\]|(?<=\\)\\*")
"""Between the texts of a glob that stand in a source as they are: blanks and braces may be written otherwise, a backslash twice."""
_PLAIN = regex(r"[^\s*?\[\]{}\"'`\\]+")
BRACKETED = regex(r"\[([^\]]*)\]")
_ONE_LETTER = regex(r"\?|\[[^\]]*\]")
_SPELLED_DIFFERENTLY = frozenset(("true", "false", "none", "null", "nil", "nothing", "undefined", "python"))
"""Values that a source may write in other ways; `sys.executable` is Python."""
_COLONS = ("js:", "go:")
"""Languages with a colon between a keyword and its value."""
QUOTING = ("", "js:", "go:")
"""Languages whose strings stand between quotes as they are."""
_ANY_CASE = ("sql:", "dbt.")
"""Languages that don't mind the case of names."""

_WORD_BYTES = frozenset(b"_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SEPARATORS = bytes(byte if byte in _WORD_BYTES else 32 for byte in bytes(range(256)).lower())
_QUOTES = (b'"', b"'", b"`")
_EQUALS = regex(rb"\s*+=(?![=>])")
_COLON = regex(rb"\s*+:(?!:)")
_IMPORTS = regex(rb"import(?<!\wimport)\b[ \t\\\r\n]*+(?:\([^()]*+|(?:[^\n;\\#]++|\\\r?\n?)*+)")
_IMPORTED = regex(rb"\w+|\*")
_BRACKET = regex(rb"[\s\\]*+\(")
_NO_VALUE = regex(rb"[ \t]*+(?:[.<>=]|!=|(?!(?:as|if|else|or|and|for|async)\b)\w)")
_DEFAULT = regex(rb"[ \t]*+=(?!=)")
_ANNOTATED = regex(rb":[^:=,(\n]*+\Z")
_JS_BRACKET = regex(rb"!?(?:<[^<>()\n;]{0,120}+>)?[ \t]*+(?:\?\.)?[(/]")
_JS_BOUND = regex(rb"[\"'`]|\s*+(?:as\b|:)")
_JS_EXTENDS = regex(rb"\bextends\s++[\w$.]*+\Z")
_BLOCK = regex(rb"\{%-?\s*+\Z")
_ORDERED = regex(rb"(?<![-=<>])[<>](?![<>])")
_STOPPING = regex(rb"\b(?:if|elif|assert|with|return|exit)\b")
_STATEMENT = regex(
    rb"^[ \t]*+(?:assert|break|class|continue|def|del|elif|except|global|import|nonlocal|pass|raise|return|try|while|with)\b", re.MULTILINE
)
"""Lines that begin a statement wherever they stand: their first word can't go on with the one before."""


class Source:
    """The bytes of a file that is asked about."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.lowered = data.lower()
        self._held: dict[tuple[bytes, bool], bool] = {}
        self._used: dict[tuple[bytes, bool], bool] = {}

    def places(self, word: bytes, *, lowered: bool = False) -> Iterator[int]:
        """Where a word stands whole."""
        data = self.lowered if lowered else self.data
        at = data.find(word)
        while at >= 0:
            end = at + len(word)
            if (at == 0 or data[at - 1] not in _WORD_BYTES) and (end == len(data) or data[end] not in _WORD_BYTES):
                yield at
            at = data.find(word, end)

    def holds(self, word: bytes, *, lowered: bool = False) -> bool:
        """Whether a word stands anywhere whole."""
        known = self._held.get((word, lowered))
        if known is None:
            known = self._held[word, lowered] = next(self.places(word, lowered=lowered), -1) >= 0
        return known

    def uses(self, name: bytes, language: str, *, dotted: bool) -> bool:
        """Whether a name (behind others, if it is `dotted`) may be that of a call of the language."""
        known = self._used.get((name, dotted))
        if known is None:
            known = self._used[name, dotted] = _USES[language](self, name, dotted)
        return known

    def quotes(self, text: bytes, *, lowered: bool = True, whole: bool = True) -> bool:
        """Whether a text stands in quotes, or behind one when it isn't the whole of a string."""
        data = self.lowered if lowered else self.data
        return any(quote + text + (quote if whole else b"") in data for quote in _QUOTES)

    def gives(self, keyword: bytes, language: str) -> bool:
        """Whether a call may give a value to a keyword."""
        follows = (_COLON if language in _COLONS else _EQUALS).match
        return any(follows(self.data, at + len(keyword)) for at in self.places(keyword))

    @cached_property
    def imported(self) -> frozenset[bytes]:
        """The words of Python's import statements, and a `*` if everything is imported of a module."""
        return frozenset(word for statement in _IMPORTS.findall(self.data) for word in _IMPORTED.findall(statement))

    @cached_property
    def compared(self) -> frozenset[str]:
        """The words, in lower case, of Python's statements that may stop a program and ask what is more or less."""
        found = set[bytes]()
        starts = [match.start() for match in _STATEMENT.finditer(self.data)]
        done = -1
        for sign in _ORDERED.finditer(self.data):
            number = bisect_right(starts, sign.start())
            if number != done:
                done = number
                statement = self.data[starts[number - 1] if number else 0 : starts[number] if number < len(starts) else len(self.data)]
                if _STOPPING.search(statement):
                    found |= words_of(statement)
        return frozenset(word.decode() for word in found)


class Traces(Struct, frozen=True, kw_only=True):
    """What a file must hold for a pattern to match in it."""

    words: frozenset[bytes] = frozenset()
    """Whole words, in lower case."""
    pieces: tuple[bytes, ...] = ()
    """Texts in lower case that need not be whole words."""
    names: frozenset[bytes] = frozenset()
    """Whole words, in their very case."""
    parts: tuple[bytes, ...] = ()
    """Parts of names, in their very case."""
    keywords: tuple[bytes, ...] = ()
    """Names that an equals sign follows, or whatever else a language gives them their values by."""
    strings: tuple[bytes, ...] = ()
    """Whole strings, in lower case."""
    marks: tuple[bytes, ...] = ()
    """Whole strings, in their very case."""
    begins: bytes = b""
    """What a string begins with, in lower case."""
    language: str = ""
    last: bytes = b""
    """The name that is called, without those before it."""
    dotted: bool = False
    """Whether there are some."""

    def are_in(self, source: Source) -> bool:
        """Whether all of them are in a file."""
        data, lowered = source.data, source.lowered
        return (
            not (self.parts and any(part not in data for part in self.parts))
            and not (self.pieces and any(piece not in lowered for piece in self.pieces))
            and all(map(source.holds, self.names))
            and all(source.holds(word, lowered=True) for word in self.words)
            and not (self.begins and not source.quotes(self.begins, whole=False))
            and not (self.strings and not all(map(source.quotes, self.strings)))
            and not (self.marks and not all(source.quotes(mark, lowered=False) for mark in self.marks))
            and all(source.gives(keyword, self.language) for keyword in self.keywords)
            and (not self.last or source.uses(self.last, self.language, dotted=self.dotted))
        )


def call_traces(pattern: str, language: str = "") -> Traces:
    """What every file of a language (as calls' names begin in it) holds in which the call pattern matches."""
    name, _, rest = pattern.partition("(")
    head, colon, bare = name.partition(":")
    bare = bare if colon and head.isalpha() else name
    marks = BRACKETED.findall(bare)
    bare = BRACKETED.sub("", bare)
    words, strings, pieces = set[str](), list[str](), list[str]()
    keywords = []
    for part in rest.rstrip(")").split(",") if rest else ():
        keyword, sign, value = part.strip().partition("=")
        if keyword.startswith("!") or keyword.endswith("!"):
            continue  # What mustn't be there leaves no trace.
        if sign:
            keywords.append(keyword.encode())
        text = keyword if not sign else "" if value.startswith("!") else value
        if (
            language in QUOTING
            and _PLAIN.fullmatch(text)
            and not text.lstrip("-")[:1].isdigit()
            and text.lower() not in _SPELLED_DIFFERENTLY
        ):
            strings.append(text.lower())
        else:
            words |= _whole_words(text.lower())
            pieces += pieces_of(text.lower())
    last = bare.rpartition(".")[2]
    names = _whole_words(bare)
    parts = [piece for part in bare.split(".") if "*" in part for piece in pieces_of(part)]
    whole = [mark for mark in marks if language in QUOTING and _PLAIN.fullmatch(mark)]
    for mark in marks:
        if mark not in whole:
            names |= _whole_words(mark)
            parts += pieces_of(mark)
    if language == "dbt.":
        names.discard(last)  # A block's may be spelled in two ways, and using it asks for it.
    if language in _ANY_CASE:
        words, names, pieces, parts = words | {name.lower() for name in names}, set(), [*pieces, *(part.lower() for part in parts)], []
    return Traces(
        words=frozenset(word.encode() for word in words),
        pieces=_encoded(pieces),
        names=frozenset(name.encode() for name in names),
        parts=_encoded(parts),
        keywords=tuple(keywords),
        strings=_encoded(strings),
        marks=_encoded(whole),
        language=language,
        last=last.encode() if language in _USES and last.isidentifier() else b"",
        dotted="." in bare,
    )


def import_traces(module: str) -> Traces:
    """What every file holds that imports a module."""
    return Traces(names=frozenset(word.encode() for word in _whole_words(module.rpartition(":")[2])))


def literal_traces(glob: str, *, quoted: bool = False) -> Traces:
    """What every file holds with a text that the glob matches; behind a quote, where strings are written so."""
    lowered = glob.lower()
    pieces = pieces_of(lowered)
    begins = _GAP.split(lowered)[0] if quoted else ""
    return Traces(words=frozenset(word.encode() for word in _whole_words(lowered)), pieces=_encoded(pieces), begins=begins.encode())


def setting_traces(key: str, value: str) -> Traces:
    """What every file holds in which the key is set to the value."""
    if "fn::" in key.lower() or "${" in value:  # A reader's own spelling of tags and placeholders.
        return Traces()
    key, value = key.lower(), "" if value.startswith("!") else value.lower()
    pieces = [piece for part in key.split(".") for piece in pieces_of(part)] + pieces_of(value)
    return Traces(
        words=frozenset(word.encode() for word in _whole_words(key) | _whole_words(value)), pieces=_encoded(dict.fromkeys(pieces))
    )


def words_of(data: bytes) -> frozenset[bytes]:
    """The distinct words of UTF-8 text in lower case: runs of ASCII letters, digits and underscores."""
    return frozenset(data.translate(_SEPARATORS).split())


def _whole_words(glob: str) -> set[str]:
    """Words that stand whole in every text that a glob matches; numbers are left out, as they can be written in many ways."""
    found = set()
    for match in WORD.finditer(glob):
        start, end = match.span()
        open_ = (start and glob[start - 1] in _WILD) or (end < len(glob) and glob[end] in _WILD)
        if not open_ and not match[0][0].isdigit() and match[0].lower() not in _SPELLED_DIFFERENTLY:
            found.add(match[0])
    return found


def pieces_of(glob: str) -> list[str]:
    """Texts between the wildcards of a glob."""
    return [piece for piece in _GAP.split(glob) if len(piece) > 1 and not piece[0].isdigit() and piece.lower() not in _SPELLED_DIFFERENTLY]


def _encoded(texts: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(text.encode() for text in texts)


def _used_in_python(source: Source, name: bytes, dotted: bool) -> bool:
    """Whether a name may be that of a call, decorator or base class: it is called, or is a value that another name may stand for.

    `def name(` is no use of it, nor is a keyword `name=`, nor prose. Behind others a name stands after a dot, or it is imported.
    """
    data = source.data
    anywhere = not dotted or name in source.imported or b"*" in source.imported
    for at in source.places(name):
        end = at + len(name)
        if _BRACKET.match(data, end):
            if not data.endswith((b"def ", b"class "), max(at - 6, 0), at):
                return True
        elif anywhere or data[max(at - 200, 0) : at].rstrip().endswith(b"."):
            if not _NO_VALUE.match(data, end):
                return True
            if _DEFAULT.match(data, end) and _ANNOTATED.search(data, max(at - 400, 0), at):
                return True
    return False


def _used_in_javascript(source: Source, name: bytes, _dotted: bool) -> bool:
    """Whether a name is called, or imported under another one, or is a class that another extends."""
    data = source.data
    for at in source.places(name):
        end = at + len(name)
        if _JS_BRACKET.match(data, end) or _JS_BOUND.match(data, end) or _JS_EXTENDS.search(data, max(at - 200, 0), at):
            return True
    return False


def _used_in_go(source: Source, name: bytes, _dotted: bool) -> bool:
    """Whether a bracket follows the name."""
    return any(source.data[at + len(name) : at + len(name) + 1] in (b"(", b"[", b"{") for at in source.places(name))


def _used_in_sql(source: Source, name: bytes, dotted: bool) -> bool:
    """Whether a name behind others is a function's; a lone one may be a statement."""
    return not dotted or _used_in_jinja(source, name, dotted)


def _used_in_jinja(source: Source, name: bytes, _dotted: bool) -> bool:
    """Whether a name is called, or opens a block."""
    name = name.lower()
    data = source.lowered
    return any(
        _BRACKET.match(data, at + len(name)) or _BLOCK.search(data, max(at - 200, 0), at) for at in source.places(name, lowered=True)
    ) or any(_BLOCK.search(data, max(at - 200, 0), at) for at in source.places(b"data_" + name, lowered=True))


_USES: dict[str, Callable[[Source, bytes, bool], bool]] = {
    "": _used_in_python,
    "js:": _used_in_javascript,
    "go:": _used_in_go,
    "sql:": _used_in_sql,
    "dbt.": _used_in_jinja,
}
"""For each language that tells: whether a name may be that of a call."""


class GateTraces:
    """What every file holds in which a gate of a name stands: a word of it, compared."""

    def __init__(self, glob: str) -> None:
        self._before, self._word, self._after = gate_word(glob)

    def are_in(self, source: Source) -> bool:
        """Whether such a comparison is in a file."""
        return self._stands_in(source.lowered) and any(map(self._is_word, source.compared))

    def _is_word(self, word: str) -> bool:
        return (
            self._word in word
            if self._before and self._after
            else word.endswith(self._word)
            if self._before
            else word.startswith(self._word)
            if self._after
            else word == self._word
        )

    def _stands_in(self, data: bytes) -> bool:
        word = self._word.encode()
        at = data.find(word)
        while at >= 0:
            end = at + len(word)
            if (self._before or at == 0 or data[at - 1] not in _WORD_BYTES) and (
                self._after or end == len(data) or data[end] not in _WORD_BYTES
            ):
                return True
            at = data.find(word, at + 1)
        return False


def gate_word(glob: str) -> tuple[bool, str, bool]:
    """A word that stands in every name that a glob matches, and whether letters may stand before and behind it; empty for any word."""
    found = re.findall(r"(\*?)(\w+)(\*?)", _ONE_LETTER.sub("*", glob.lower()), re.ASCII)
    before, word, after = max(found, key=lambda parts: len(parts[1]), default=("*", "", "*"))
    return bool(before), word, bool(after)
