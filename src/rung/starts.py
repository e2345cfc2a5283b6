"""What the arguments of a start name: the texts that a pack points to, out of the fact that it matched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from msgspec.structs import replace

from rung.expressions import regex
from rung.records import Call, Command, Fact, Resource, Setting, Start, Step

_SHELL = regex(r"^(?:/(?:usr/)?bin/)?(?:ba|z)?sh\s+-[a-z]*c\s+")

_MODULE_FOLDER = regex(r"^\$\{path\.(?:module|root|cwd)\}/")
"""Terraform's word for the folder that the file stands in."""


def values(fact: Fact | None, names: Sequence[str]) -> list[str]:
    """The texts of the named arguments in the order of the names; empty for one that is there and no literal.

    See `Start` for how arguments of each kind of fact are named.
    """
    return [text for name in names for text in _values(fact, name)] if fact is not None else []


def parts(fact: Fact | None, start: Start) -> list[Fact | None]:
    """The fact once for each thing that it starts: a resource of several containers, tasks or jobs with the attributes of one of them."""
    if not isinstance(fact, Resource):
        return [fact]
    is_named = _naming(*start.shell, *start.file, *start.module, *start.image, *start.build, *start.resource)
    holders = {key.rpartition(".")[0] for key, _ in fact.attributes if is_named(key)}
    if len(holders) < 2 and holders <= {""}:
        return [fact]
    found: dict[str, list[list[tuple[str, str]]]] = {holder: [[]] for holder in sorted(holders, key=len, reverse=True)}
    seen: dict[str, list[str]] = {holder: [] for holder in holders}
    for key, value in fact.attributes:
        holder = next((holder for holder in found if not holder or key.startswith(holder + ".")), None)
        if holder is None:
            continue
        child = key[len(holder) :].lstrip(".").partition(".")[0]
        if child in seen[holder][:-1]:  # Of one mapping each key comes once: the next of a list begins.
            found[holder].append([])
            seen[holder] = []
        if child not in seen[holder]:
            seen[holder].append(child)
        found[holder][-1].append((key, value))
    return [replace(fact, attributes=tuple(attributes)) for lists in found.values() for attributes in lists]


def command_lines(fact: Fact | None, start: Start | None) -> Iterator[str]:
    """The command line of each thing that a fact starts, where all of it is literal."""
    if start:
        yield from filter(None, (command_line(part, start.shell) for part in parts(fact, start)))


def command_line(fact: Fact | None, names: Sequence[str]) -> str:
    """The arguments that together are a command line, as one text; empty when a part of it is no literal."""
    found = values(fact, names)
    return _SHELL.sub("", " ".join(found)) if all(found) else ""


def _values(fact: Fact, name: str) -> Iterator[str]:
    if isinstance(fact, Call):
        if name.isdigit():
            yield from fact.arguments[int(name) : int(name) + 1]
        yield from (value for keyword, value in fact.keywords if keyword == name)
    elif isinstance(fact, Setting):
        yield fact.value
    elif isinstance(fact, Resource):
        is_named = _naming(name)
        yield from (_MODULE_FOLDER.sub("", value) for key, value in fact.attributes if is_named(key))
    elif isinstance(fact, Step):
        yield from (line.strip() for key, value in fact.arguments if key == name for line in value.split("\n") if line.strip())
    elif isinstance(fact, Command):
        yield from _words(fact.words, name)


def _words(words: Sequence[str], name: str) -> Iterator[str]:
    if name == "*":
        yield from (word for word in words[1:] if not word.startswith("-"))
        return
    for index, word in enumerate(words):
        if word == name and index + 1 < len(words):
            yield words[index + 1]
        elif word.startswith(name + "="):
            yield word[len(name) + 1 :]


@lru_cache(maxsize=256)
def _naming(*names: str) -> Callable[[str], bool]:
    """A question `does an attribute of this key go by one of the names?`, which is asked of the same keys again and again."""
    whole = frozenset(map(_folded, names))
    ends = tuple(f".{name}" for name in whole)
    return lru_cache(maxsize=1024)(lambda key: (folded := _folded(key)) in whole or folded.endswith(ends))


def _folded(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()
