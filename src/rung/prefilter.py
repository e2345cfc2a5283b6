"""Which files are worth a close look: told by what stands in their bytes, before anything is parsed.

One pass over the bytes finds the rarest words of all patterns; only of patterns whose word is there are the other traces looked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache, cached_property, partial

from msgspec import Raw, Struct, msgpack

from rung import hits, needles, records, store, traces
from rung.expressions import regex
from rung.hits import Owned
from rung.matchers import Matchers
from rung.needles import Finder
from rung.records import Role
from rung.targets.roles import role_of
from rung.traces import (
    BRACKETED,
    QUOTING,
    WORD,
    GateTraces,
    Source,
    Traces,
    call_traces,
    gate_word,
    import_traces,
    literal_traces,
    pieces_of,
    setting_traces,
)

_WILDCARD = regex(r"[*?\[\]]")
_COMMON = frozenset((
    ".csv", ".parquet", ":/", "add_argument", "apache", "api", "arch", "artifact", "attr", "attribute", "aws", "build", "call", "case",
    "check", "client", "code", "column", "com", "component", "config", "connect", "connection", "container", "copy", "core", "create",
    "data", "dataset", "description", "endpoint", "entity", "env", "environment", "eval", "evaluation", "expect", "experiment", "feature",
    "flow", "func", "generate", "get", "get_", "google", "group", "head", "http", "https://", "init", "input", "inputs", "io", "label",
    "list", "load", "logger", "main", "meta", "metadata", "metrics", "microsoft", "mode", "model", "model_", "models", "name", "numpy",
    "object", "open", "option", "options", "org", "output", "outputs", "parse", "patch", "pipe", "pipeline", "prediction", "project",
    "providers", "python", "query", "random", "read", "ref", "repo", "resource", "run", "sample", "save", "schema", "script", "sdk", "self",
    "serve", "server", "service", "session", "source", "start", "table", "task", "test", "track", "train", "training", "type", "update",
    "utils", "value", "values", "version", "view", "workflow", "write",
))  # fmt: skip
"""Words that so many files hold that others are better looked for."""
_CHANCE = 3
"""Texts of no more letters are in many files by chance: not worth looking for beside others."""
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""What text of two bytes a character begins with."""

_ROLE_BITS = {role: 1 << position for position, role in enumerate(Role)}
_ANYWHERE = sum(_ROLE_BITS.values())
_Entry = tuple[str, int, str, str, str]
"""What is behind a rare text: another one that must be there, too, the roles of files in which it counts, and a pattern: its kind, itself, its value."""


class _Group(Struct, frozen=True):
    """Patterns of which one must be in a file, by the rarest texts of each; plain, so that it can be kept."""

    always: int = 0
    """The roles of files that may all hold a pattern."""
    needles: tuple[str, ...] = ()
    by_needle: dict[str, list[_Entry]] = {}


class _Kept(Struct, frozen=True):
    """What is looked for, as groups of patterns, each unpacked when it is first asked."""

    sources: dict[str, Raw]
    """In source code, by what the names of calls begin with in a language; `*` in all languages."""
    settings: dict[int, Raw]
    """In configuration, by the number of the signal that asks."""


class _Index:
    """Groups of patterns of which one must be in a file; what a pattern needs beside the rarest texts is worked out when those are found."""

    def __init__(self, packed: Iterable[Raw], language: str = "") -> None:
        self._traces = cache(partial(_traces_of, language))
        self._always = 0
        self._by_needle: dict[str, list[_Entry]] = {}
        groups = [msgpack.decode(group, type=_Group) for group in packed]
        for group in groups:
            self._always |= group.always
            for needle, entries in group.by_needle.items():
                self._by_needle.setdefault(needle, []).extend(entries)
        self._finder = Finder(needle for group in groups for needle in group.needles)

    def any_in(self, source: Source, role: Role) -> bool:
        """Whether the traces of one pattern that counts in files of the role are all there."""
        bit = _ROLE_BITS[role]
        if bit & self._always:
            return True
        found = self._finder.found_in(source.lowered)
        return any(
            self._traces(kind, pattern, value).are_in(source)
            for needle in found
            for other, roles, kind, pattern, value in self._by_needle.get(needle, ())
            if other in found and bit & roles
        )


def _traces_of(language: str, kind: str, pattern: str, value: str) -> Traces | GateTraces:
    """What every file of a language holds in which a pattern matches."""
    if kind == "call":
        return call_traces(pattern, language)
    if kind == "jinja":
        return call_traces(pattern, "dbt.")
    if kind == "import":
        return import_traces(pattern)
    if kind == "literal":
        return literal_traces(pattern, quoted=language in QUOTING)
    if kind == "config":
        return setting_traces(pattern, value)
    if kind == "gate":
        return GateTraces(pattern)
    return Traces(words=frozenset(pattern.encode().split())) if kind == "words" else Traces(pieces=(pattern.encode(),))


class Prefilter:
    """What signals ask of source code and configuration, as words."""

    def __init__(self, matchers: Matchers) -> None:
        self._matchers = matchers
        self._settings_index = cache(self._settings_index_for)
        self._index = cache(self._index_for)

    def worth_reading(self, languages: tuple[str, ...], path: str, data: bytes) -> bool:
        """Whether any call, literal or gate that a signal asks for can be in source code of the languages (prefixes of names), or any setting."""
        if data[:2] in _WIDE:
            return True
        if languages == ("settings",):
            index = self._settings_index(tuple(owned.number for owned in self._matchers.asking_for_settings(path)))
        else:
            index = self._index(languages)
        return index.any_in(Source(data), role_of(path))

    def asked_in(self, path: str, data: bytes) -> list[Owned]:
        """The configuration signals and starts of a path whose keys and values can be in the bytes."""
        source, role = Source(data), role_of(path)
        asking = self._matchers.asking_for_settings(path)
        return [owned for owned in asking if data[:2] in _WIDE or self._settings_index((owned.number,)).any_in(source, role)]

    def _index_for(self, languages: tuple[str, ...]) -> _Index:
        return _Index((self._kept.sources[key] for key in ("*", *languages) if key in self._kept.sources), languages[0])

    def _settings_index_for(self, numbers: tuple[int, ...]) -> _Index:
        return _Index(self._kept.settings[number] for number in numbers)

    @cached_property
    def _kept(self) -> _Kept:
        digest = self._matchers.digest
        by = (__file__, hits.__file__, needles.__file__, records.__file__, traces.__file__)
        return store.compiled("traces", digest, _Kept, self._work_out, by=by) if digest else self._work_out()

    def _work_out(self) -> _Kept:
        sources: dict[str, list[_Pattern]] = defaultdict(list)
        for key, found in self._patterns():
            sources[key].append(found)
        settings = {owned.number: _packed(_settings_patterns(owned)) for owned in self._matchers.by_matcher["config"]}
        return _Kept({key: _packed(found) for key, found in sources.items()}, settings)

    def _patterns(self) -> Iterator[tuple[str, _Pattern]]:
        """What is asked for in source code, by what the names of calls begin with in a language; `*` for what is in any."""
        for kind, text in _CONSTRUCTS:
            yield "*", _pattern(_rarest(text.split()), _ANYWHERE, kind, text)
        for language, name in _TAKES_IN.items():
            yield language, _pattern((name,), _ANYWHERE, "words", name)
        for pattern, roles in self._patterns_of("call").items():
            yield "*" if pattern.startswith("*.") else _prefix(pattern), _pattern(_call_needles(pattern), roles, "call", pattern)
            if pattern.startswith("dbt."):  # Jinja calls `ref`, and its reader adds whose it is.
                yield "dbt.", _pattern(_call_needles(pattern[4:]), roles, "jinja", pattern[4:])
        for module, roles in self._patterns_of("import").items():
            if language := _prefix(module):  # Imports of Python are read of every file.
                yield language, _pattern(_call_needles(module), roles, "import", module)
        for glob, roles in self._patterns_of("literal").items():
            yield "*", _pattern(_rarest(pieces_of(glob.lower())), roles, "literal", glob)
        for glob, roles in self._patterns_of("gate").items():
            yield "", _pattern((gate_word(glob)[1],), roles, "gate", glob)

    def _patterns_of(self, matcher: str) -> dict[str, int]:
        """The patterns of a matcher, and the roles of files in which one counts."""
        found: dict[str, int] = defaultdict(int)
        for owned in self._matchers.by_matcher[matcher]:
            for text in _texts(owned.signal.arguments["any"]):
                found[text] |= _bits(owned)
        return found


_CONSTRUCTS = (
    ("words", "aws_cdk"),
    ("words", "aws cdk"),
    ("words", "cdktf"),
    ("words", "pulumi"),
    ("piece", "cdktf_"),
    ("piece", "pulumi_"),
)
"""Libraries whose calls declare infrastructure, as words; the packages of one provider carry its name behind an underscore."""
_TAKES_IN = {"r:": "source", "julia:": "include"}
"""By language, the function with which a script takes in another one."""

_Pattern = tuple[str, _Entry]
"""A pattern behind its rarest text."""


def _pattern(rarest: tuple[str, ...], roles: int, kind: str, pattern: str, value: str = "") -> _Pattern:
    return rarest[0], (rarest[-1], roles, kind, pattern, value)


def _packed(patterns: Iterable[_Pattern]) -> Raw:
    """Patterns as a group."""
    by_needle: dict[str, list[_Entry]] = defaultdict(list)
    for needle, entry in patterns:
        by_needle[needle].append(entry)
    always = 0
    for _, roles, *_ in by_needle.pop("", ()):
        always |= roles
    needles = {*by_needle, *(entry[0] for entries in by_needle.values() for entry in entries)}
    return Raw(msgpack.encode(_Group(always, tuple(sorted(needles)), by_needle)))


def _settings_patterns(owned: Owned) -> Iterator[_Pattern]:
    """Each key and value that a configuration signal asks for."""
    arguments = owned.signal.arguments
    for key in _texts(arguments.get("key", "*")):
        for value in _texts(arguments.get("value", "*")):
            traces = setting_traces(key, value)
            yield _pattern(_rarest(text.decode() for text in (*sorted(traces.words), *traces.pieces)), _bits(owned), "config", key, value)


def _bits(owned: Owned) -> int:
    return sum(_ROLE_BITS[role] for role in owned.roles)


def _prefix(pattern: str) -> str:
    head, colon, _ = pattern.partition("(")[0].partition(":")
    return head + ":" if colon and head.isalpha() else ""


def _call_needles(pattern: str) -> tuple[str, ...]:
    """The rarest texts of a call pattern's name, keywords and arguments, in lower case."""
    name, _, rest = pattern.lower().partition("(")
    texts = WORD.findall(name.rpartition(":")[2])
    if "[" in name:
        texts += [mark for mark in BRACKETED.findall(name) if not _WILDCARD.search(mark)]
    for part in rest.rstrip(")").split(",") if rest else ():
        keyword, sign, _ = part.strip().partition("=")
        if keyword.startswith("!") or keyword.endswith("!"):
            continue
        texts += [keyword] if sign else pieces_of(keyword)
    return _rarest(texts)


def _rarest(texts: Iterable[str]) -> tuple[str, ...]:
    """The text that is likely in the fewest files, and the next one if it tells something, too."""
    every = list(texts)
    rare = sorted((text for text in every if len(text) > 1 and text not in _COMMON), key=len, reverse=True)
    if not rare:
        return (max(every, key=len, default=""),)
    return tuple(rare[:2]) if len(rare) > 1 and len(rare[1]) > _CHANCE else (rare[0],)


def _texts(raw: object) -> list[str]:
    return [str(item) for item in raw] if isinstance(raw, list) else ["true" if raw is True else "false" if raw is False else str(raw)]
