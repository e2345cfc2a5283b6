"""Which files are worth a close look: told by the words in their bytes, before anything is parsed.

A signal that asks for `mlflow.*.log_model(registered_model_name=)` can only match where the words `mlflow`, `log_model` and
`registered_model_name` stand somewhere in the file. Splitting a file into words costs a hundredth of parsing it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from rung.globs import index_globs
from rung.records import Detector

Words = frozenset[bytes]

_SEPARATORS = bytes(byte if chr(byte) in "_0123456789abcdefghijklmnopqrstuvwxyz" else 32 for byte in bytes(range(256)).lower())
_WORD = re.compile(r"[a-z0-9_]+", re.ASCII)
_WILD = "*?]["
_WILDCARD = re.compile(r"[*?\[\]]")
_BRACKETS = re.compile(r"[\[\]]")
_GAP = re.compile(r"[*?\s{}\"'`\\]+|\[[^\]]*\]")
_SPELLED_DIFFERENTLY = frozenset(("true", "false", "none", "null"))
_SPELLED_DIFFERENTLY_BYTES = frozenset(word.encode() for word in _SPELLED_DIFFERENTLY)
_SQL_TEST_BLOCK = b"data_test"


def words_of(data: bytes) -> Words:
    """The distinct words of UTF-8 text in lower case: runs of ASCII letters, digits and underscores."""
    return frozenset(data.translate(_SEPARATORS).split())


class Traces(Struct, frozen=True):
    """What a file must hold for a pattern to match in it."""

    words: Words
    pieces: tuple[bytes, ...] = ()
    """Texts in lower case that need not be whole words."""
    called: bytes = b""
    """A word that a bracket has to follow."""

    def are_in(self, words: Words, lowered: bytes) -> bool:
        """Whether all of them are in a file."""
        return (
            self.words <= words
            and all(piece in lowered for piece in self.pieces)
            and (not self.called or re.search(rb"\b" + self.called + rb"[(\[{]", lowered) is not None)
        )


def call_traces(pattern: str) -> Traces:
    """What every file holds in which the call pattern matches."""
    name, _, rest = pattern.partition("(")
    head, colon, bare = name.partition(":")
    bare = _BRACKETS.sub(".", bare if colon and head.isalpha() else name)
    words = _whole_words(bare)
    pieces = [piece for part in bare.split(".") if "*" in part for piece in _pieces(part)]
    for part in rest.rstrip(")").split(",") if rest else ():
        keyword, sign, value = part.strip().partition("=")
        if sign:
            words |= _whole_words(keyword)
        text = keyword if not sign else "" if value.startswith("!") else value
        words |= _whole_words(text)
        pieces += _pieces(text)
    return Traces(words, tuple(pieces))


def literal_traces(glob: str) -> Traces:
    """What every file holds with a text that the glob matches."""
    return Traces(_whole_words(glob), tuple(_pieces(glob)))


def _whole_words(glob: str) -> Words:
    """Words that stand whole in every text that a glob matches; numbers are left out, as they can be written in many ways."""
    if not _WILDCARD.search(glob):
        return frozenset([word for word in words_of(glob.encode()) if not word[:1].isdigit() and word not in _SPELLED_DIFFERENTLY_BYTES])
    lowered = glob.lower()
    found = []
    for match in _WORD.finditer(lowered):
        start, end = match.span()
        open_ = (start and lowered[start - 1] in _WILD) or (end < len(lowered) and lowered[end] in _WILD)
        if not open_ and not match[0][0].isdigit() and match[0] not in _SPELLED_DIFFERENTLY:
            found.append(match[0].encode())
    return frozenset(found)


def _pieces(glob: str) -> list[bytes]:
    """Texts between the wildcards of a glob; blanks and braces part them, as a source may write them otherwise."""
    return [
        piece.encode()
        for piece in _GAP.split(glob.lower())
        if len(piece) > 1 and not piece[0].isdigit() and piece not in _SPELLED_DIFFERENTLY
    ]


class _Index:
    """Traces of which one must be in a file, found by their longest words."""

    def __init__(self, choices: Iterable[Traces]) -> None:
        self._by_word: dict[bytes, set[Traces]] = defaultdict(set)
        self._wordless: set[Traces] = set()
        for traces in choices:
            if traces.words:
                self._by_word[max(traces.words, key=lambda word: (len(word), word))].add(traces)
            else:
                self._wordless.add(traces)
        self._keys = frozenset(self._by_word)

    def any_in(self, words: Words, data: bytes) -> bool:
        """Whether the traces of one choice are all there."""
        found = [traces for key in self._keys & words for traces in self._by_word[key] if traces.words <= words]
        if not found and not self._wordless:
            return False
        lowered = data.lower()
        return any(traces.are_in(words, lowered) for traces in (*found, *self._wordless))


class Prefilter:
    """What signals ask of source code, as words."""

    def __init__(self, detectors: Iterable[Detector]) -> None:
        self._calls: list[str] = []
        self._literals: list[str] = []
        self._gates: list[str] = []
        asked_by = {"call": self._calls, "import": self._calls, "literal": self._literals, "gate": self._gates}
        settings = []
        for detector in detectors:
            asked = [(asking.matcher, asking.arguments) for asking in detector.signals]
            for matcher, arguments in (*asked, *((start.matcher, start.arguments) for start in detector.starts)):
                if matcher == "config":
                    settings.append((_texts(arguments["file"]), tuple(_setting_traces(arguments))))
                elif matcher in asked_by:
                    asked_by[matcher].extend(_texts(arguments["any"]))
        self._settings = [traces for _, traces in settings]
        self._settings_of = index_globs((globs, number) for number, (globs, _) in enumerate(settings))
        self._settings_index = lru_cache(maxsize=None)(self._settings_index_for)
        self._index = lru_cache(maxsize=None)(self._index_for)
        self._is_gate_word = lru_cache(maxsize=1 << 16)(self._gate_word)
        self._gate_regex: re.Pattern[bytes] | None = None

    def worth_reading(self, languages: tuple[str, ...], path: str, data: bytes) -> bool:
        """Whether any call, literal or gate that a signal asks for can be in source code of the languages (prefixes of names), or any setting."""
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return True
        words = words_of(data)
        if languages == ("settings",):
            return self._settings_index(self._settings_of(path)).any_in(words, data)
        if self._index(languages).any_in(words, data):
            return True
        return "" in languages and (b"<" in data or b">" in data) and any(map(self._is_gate_word, words))

    def _settings_index_for(self, numbers: tuple[int, ...]) -> _Index:
        return _Index(traces for number in numbers for traces in self._settings[number])

    def _index_for(self, languages: tuple[str, ...]) -> _Index:
        return _Index(self._choices(languages))

    def _choices(self, languages: tuple[str, ...]) -> Iterator[Traces]:
        yield from _CONSTRUCTS
        for pattern in self._calls:
            if _prefix(pattern) in languages or pattern.startswith("*."):
                traces = call_traces(pattern)
                last = pattern.partition("(")[0].rpartition(".")[2]
                yield replace(traces, called=last.lower().encode()) if languages == ("go:",) and last.isidentifier() else traces
            if "dbt." in languages and pattern.startswith("dbt."):
                traces = call_traces(pattern.removeprefix("dbt."))  # Jinja calls `ref`, and its reader adds whose it is.
                yield traces
                if b"test" in traces.words:
                    yield replace(traces, words=traces.words - {b"test"} | {_SQL_TEST_BLOCK})
        for glob in self._literals:
            yield literal_traces(glob)

    def _gate_word(self, word: bytes) -> bool:
        if self._gate_regex is None:
            self._gate_regex = re.compile("|".join(map(_gate_word, self._gates)).encode())
        return self._gate_regex.fullmatch(word) is not None


_CONSTRUCTS = (
    *(Traces(frozenset(words)) for words in ((b"aws_cdk",), (b"aws", b"cdk", b"lib"), (b"aws", b"cdk"), (b"cdktf",), (b"pulumi",))),
    *(Traces(frozenset(), (piece,)) for piece in (b"cdktf_", b"pulumi_")),
)
"""Libraries whose calls declare infrastructure, as words; the packages of one provider carry its name behind an underscore."""


def _setting_traces(arguments: Mapping[str, object]) -> Iterator[Traces]:
    """For each key and value that a configuration signal asks for: what every file holds in which it is set."""
    for key in _texts(arguments.get("key", "*")):
        for value in _texts(arguments.get("value", "*")):
            pieces = [piece for part in key.split(".") for piece in _pieces(part)] + _pieces(value)
            words = _whole_words(key) | _whole_words(value)
            if "fn::" in key.lower() or "${" in value:  # A reader's own spelling of tags and placeholders.
                yield Traces(frozenset())
            else:
                yield Traces(words, tuple(dict.fromkeys(pieces)))


def _prefix(pattern: str) -> str:
    head, colon, _ = pattern.partition("(")[0].partition(":")
    return head + ":" if colon and head.isalpha() else ""


def _gate_word(glob: str) -> str:
    """A regular expression for a word that stands in every name that a glob matches."""
    if "[" in glob or "?" in glob:
        return ".+"
    best = ""
    for match in re.finditer(r"(\*?)(\w+)(\*?)", glob.lower(), re.ASCII):
        candidate = (".*" if match[1] else "") + re.escape(match[2]) + (".*" if match[3] else "")
        best = max(best, candidate, key=len)
    return best or ".+"


def _texts(raw: object) -> list[str]:
    return [str(item) for item in raw] if isinstance(raw, list) else ["true" if raw is True else "false" if raw is False else str(raw)]
