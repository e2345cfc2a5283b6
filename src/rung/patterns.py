"""What signals ask of one fact: patterns of calls, commands, keys and texts, taken apart so that most facts are told at a glance."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from rung.expressions import regex
from rung.hits import Owned
from rung.needles import Finder, Needles, needles_of
from rung.records import Call
from rung.wildcards import Condition, glob

_WILD = regex(r"[*?\[]")


_WILD_PIECE = regex(r"[*?]|\[[^\]]*\]?")


_BRACKETED = regex(r"\[[^\]]*\]")


_MOST_KEYS = 1 << 14
"""Keys of configuration that are remembered, beside those of one file: files of one kind hold the same."""


def _unlike(pattern: str) -> Condition:
    is_like = glob(pattern)
    return lambda text: not is_like(text)


class CallPattern:
    """`mlflow.*.log_model(registered_model_name=, mode=x*, s3://*)`.

    `*` stands for one part of the dotted name, as its first part for any receiver of any length; a name without
    brackets ignores the literal argument that a resolved receiver carries. In the parentheses: a keyword that must
    be there, a keyword with a glob for its literal value (`!` before it: any other value; `mode!=x*`: no such value, or no such
    keyword at all), a glob for any literal positional argument (`!` before it: for none).
    """

    __slots__ = ("_brackets", "_conditions", "_name", "last", "root", "text")

    def __init__(self, text: str) -> None:
        name, _, rest = text.partition("(")
        if not name or (rest and rest[-1] != ")"):
            raise ValueError(f"`{text}` is no call pattern")
        self._brackets = "[" in name
        bare = bare_name(name)
        self.last = bare.rpartition(".")[2]
        self.root = bare.partition(".")[0]
        self.text = text
        self._name: Condition | None = None
        self._conditions: _CallArguments | None = None
        if not rest:
            self._conditions = _NO_ARGUMENTS

    def is_named(self, name: str, bare: str) -> bool:
        """Whether calls of this name are meant; `bare` is the name without brackets."""
        if self._brackets and "[" not in name:
            return False
        if self._name is None:
            self._name = _name_condition(self.text.partition("(")[0])
        return self._name(name if self._brackets else bare)

    def fits(self, call: Call) -> bool:
        """Whether a call of a name that is meant has the arguments that are asked for."""
        if self._conditions is None:
            self._conditions = _argument_conditions(self.text.partition("(")[2][:-1])
        keywords, barred, positional, unwanted = self._conditions
        for keyword, condition in keywords:
            if not any(name == keyword and (condition is None or condition(value)) for name, value in call.keywords):
                return False
        for keyword, condition in barred:
            if any(name == keyword and condition(value) for name, value in call.keywords):
                return False
        if any(condition(argument) for condition in unwanted for argument in call.arguments):
            return False
        return all(any(condition(argument) for argument in call.arguments) for condition in positional)


class _CallArguments(NamedTuple):
    """What a pattern asks of a call's arguments."""

    keywords: tuple[tuple[str, Condition | None], ...]
    """Keywords that must be there, with what their value must be."""
    barred: tuple[tuple[str, Condition], ...]
    """Keywords with what their value must not be."""
    positional: tuple[Condition, ...]
    """What any positional argument must be."""
    unwanted: tuple[Condition, ...]
    """What no positional argument may be."""


_NO_ARGUMENTS = _CallArguments((), (), (), ())


def _argument_conditions(text: str) -> _CallArguments:
    keywords: list[tuple[str, Condition | None]] = []
    barred: list[tuple[str, Condition]] = []
    positional: list[Condition] = []
    unwanted: list[Condition] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        keyword, sign, value = part.partition("=")
        if not sign and part.startswith("!"):
            unwanted.append(glob(part[1:]))
        elif not sign:
            positional.append(glob(part))
        elif keyword.endswith("!"):
            barred.append((keyword[:-1], glob(value)))
        else:
            keywords.append((keyword, _unlike(value[1:]) if value.startswith("!") else glob(value) if value else None))
    return _CallArguments(tuple(keywords), tuple(barred), tuple(positional), tuple(unwanted))


def _name_condition(name: str) -> Condition:
    """Whether a call's name is meant; most patterns have no wildcard but that of any receiver, and need no regular expression."""
    end = name.removeprefix("*")
    if end == name and not _WILD.search(name):
        return lambda text: text == name
    if end.startswith(".") and not _WILD.search(end):
        return lambda text: text.endswith(end) and len(text) > len(end)
    parts = name.removeprefix("*.").split(".")
    if "[" not in name:
        any_receiver = name.startswith("*.")
        return lambda text: _is_called(text, parts, any_receiver)
    pattern = _name_regex(name)
    return lambda text: pattern.fullmatch(text) is not None


def _is_called(text: str, parts: list[str], any_receiver: bool) -> bool:
    given = text.split(".")
    if any_receiver:
        receiver, given = given[: -len(parts)], given[-len(parts) :]
        if not any(receiver) and len(receiver) < 2:
            return False
    return len(given) == len(parts) and all(part in ("*", word) or _is_like(word, part) for part, word in zip(parts, given))


def _is_like(word: str, part: str) -> bool:
    """Whether a part of a name is what a part of a pattern with `*` in it means."""
    first, *between = part.split("*")
    if not between or len(word) < len(part) - len(between) or not (word.startswith(first) and word.endswith(between[-1])):
        return False
    position, end = len(first), len(word) - len(between[-1])
    for piece in between[:-1]:
        position = word.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True


def _name_regex(name: str) -> re.Pattern[str]:
    out = []
    if name.startswith("*."):
        out.append(r".+\.")
        name = name[2:]
    for piece in re.split(r"(\*|\[[^\]]*\])", name):
        if piece == "*":
            out.append(r"[^.\[\]]*")
        elif piece.startswith("["):
            out.append(r"\[" + re.escape(piece[1:-1]).replace(r"\*", r"[^\]]*") + r"\]")
        else:
            out.append(re.escape(piece))
    return re.compile("".join(out))


class CommandPattern:
    """`dvc repro`, `terraform apply`, `python *train*.py`: the program, then words that must follow in this order."""

    __slots__ = ("_needed", "_rest", "is_open", "program", "text")

    def __init__(self, text: str) -> None:
        words = text.split()
        if not words:
            raise ValueError("a command pattern has at least the program")
        self.text = text
        self.program = words[0]
        self.is_open = _WILD.search(self.program) is not None
        """Whether the program is not one by name."""
        self._rest = tuple(glob(word) for word in words[1:])
        self._needed = frozenset(word.lower() for word in words[1:] if not _WILD.search(word))

    def matches(self, words: tuple[str, ...], lowered: AbstractSet[str]) -> bool:
        """Whether the words after the program hold the pattern's words in their order; `lowered` are they in lower case."""
        if not self._needed <= lowered:
            return False
        position = 1
        for condition in self._rest:
            while position < len(words) and not condition(words[position]):
                position += 1
            if position == len(words):
                return False
            position += 1
        return True


class Attributes:
    """Dotted keys with values, found by the last parts of the keys."""

    def __init__(self, attributes: Iterable[tuple[str, str]]) -> None:
        self._all = tuple(attributes)
        self._by_last: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for key, value in self._all:
            self._by_last[key.rpartition(".")[2]].append((key, value))

    def values(self, wanted: str) -> Iterator[str]:
        """The values of a key that is the wanted one or ends with it behind a dot, or that it matches as a glob."""
        last = wanted.rpartition(".")[2]
        likely = self._all if "*" in last else self._by_last.get(last, ())
        if "*" in wanted:
            is_key = glob(wanted)
            return (value for key, value in likely if is_key(key))
        behind = "." + wanted
        return (value for key, value in likely if key == wanted or key.endswith(behind))

    def fit(self, wanted: Iterable[tuple[str, Condition]], without: Iterable[str], *, whole: bool = False) -> bool:
        """Whether each wanted key has a value that its condition holds for, and none of the others is there; `whole`: keys are no ends of others."""
        values = self.at if whole else self.values
        if any(True for key in without for _ in values(key)):
            return False
        return all(any(map(is_value, values(key))) for key, is_value in wanted)

    def at(self, wanted: str) -> Iterator[str]:
        """The values of a key that is the wanted one, or that it matches as a glob."""
        if "*" in wanted:
            return self.values(wanted)
        return (value for key, value in self._by_last.get(wanted.rpartition(".")[2], ()) if key == wanted)


class Keys:
    """Configuration signals by the keys that they ask about."""

    def __init__(self, settings: Iterable[tuple[tuple[str, ...], Condition, Owned]]) -> None:
        self._owners: list[tuple[Condition, Owned]] = []
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._by_last: dict[str, list[tuple[Condition, int]]] = defaultdict(list)
        """Globs by the last part of the keys that they can match."""
        self._by_literal: dict[str, list[tuple[Condition, int]]] = defaultdict(list)
        """Globs that don't say a last part, by their longest literal piece."""
        always = []
        for index, (keys, is_value, owned) in enumerate(settings):
            self._owners.append((is_value, owned))
            if "*" in keys:
                always.append(index)
                continue
            for key in keys:
                last = key.rpartition(".")[2].lower()
                if not _WILD.search(key):
                    self._exact[key.lower()].append(index)
                elif _WILD.search(last):
                    self._by_literal[max(_WILD_PIECE.split(key.lower()), key=len)].append((glob(key), index))
                else:
                    self._by_last[last].append((glob(key), index))
        self._finder = Finder(self._by_literal)
        self._always = frozenset(always)
        self._of_any = tuple(self._owners[index] for index in always)
        """Who asks about every key."""
        self._known: dict[str, tuple[tuple[Condition, Owned], ...]] = {}
        """Who asks about the keys that were met."""

    def asking(self, keys: Iterable[str]) -> Mapping[str, tuple[tuple[Condition, Owned], ...]]:
        """Who asks about each of the keys of a file; one pass over those not met before finds the few globs that are tried on each."""
        if len(self._known) > _MOST_KEYS:
            self._known = {}
        known = self._known
        lowered = {key: key.lower() for key in keys if key not in known}
        if lowered:
            found = self._finder.found_in("\n".join(lowered.values()).encode("utf-8", "surrogatepass"))
            likely = [(literal, globs) for literal, globs in self._by_literal.items() if literal in found]
            known.update((key, self._asking(key, text, likely)) for key, text in lowered.items())
        return known

    def _asking(
        self, key: str, lowered: str, likely: Iterable[tuple[str, list[tuple[Condition, int]]]]
    ) -> tuple[tuple[Condition, Owned], ...]:
        found = list(self._exact.get(lowered, ()))
        found += [index for is_key, index in self._by_last.get(lowered.rpartition(".")[2], ()) if is_key(key)]
        for literal, globs in likely:
            if literal in lowered:
                found += [index for is_key, index in globs if is_key(key)]
        return tuple([self._owners[index] for index in sorted(self._always.union(found))]) if found else self._of_any


class TextPattern:
    """The pattern of a text signal, compiled when its needles are in a file, and what a text must not hold anywhere (empty: nothing)."""

    __slots__ = ("_regex", "_without", "example", "pattern")

    def __init__(self, pattern: str, example: str, without: str = "") -> None:
        self.pattern = pattern
        self.example = example
        self._regex: re.Pattern[str] | None = None
        self._without = without

    @property
    def regex(self) -> re.Pattern[str]:
        """The pattern, compiled."""
        if self._regex is None:
            self._regex = re.compile(self.pattern, re.MULTILINE)
        return self._regex

    def lacks(self, text: str) -> bool:
        """Whether a text holds nothing of what it must not."""
        return not self._without or re.search(self._without, text, re.MULTILINE) is None

    def checked_needles(self) -> Needles:
        """What a text must hold for the pattern to match; the pattern is refused when it doesn't match its own example."""
        if not self.regex.search(self.example) or not self.lacks(self.example):
            raise ValueError(f"the example `{self.example}` is not matched by its own pattern")
        return needles_of(self.regex)


def bare_name(name: str) -> str:
    """The name of a call without the literal arguments that its receiver carries."""
    return _BRACKETED.sub("", name) if "[" in name else name
