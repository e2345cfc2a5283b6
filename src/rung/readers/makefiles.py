"""Makefiles and justfiles: targets, what they need, and their recipes with the file's plain variables put in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct, field
from msgspec.structs import replace

from rung.expressions import regex
from rung.readers.documents import Unreadable, text_of
from rung.readers.reading import COMMANDS, Reading, named
from rung.readers.requirements import guarded
from rung.readers.shell import split
from rung.records import Command, Fact, Task

MAX_SIZE = 512 * 1024
MAX_TASKS = 2000
MAX_VALUE = 2000
"""Characters that a variable's value may have to be put into recipes."""
MAX_EXPANDED = 512 * 1024
"""Characters that all recipes of a file may grow to."""
MAX_BODY = 100
"""Lines of a `define` that are kept."""
_MAX_DEPTH = 6

_ASSIGNMENT = regex(r"(?:(?:export|override|private)\s+)*([\w.-]+)\s*(?::{1,3}|[?+!])?=(?!=)\s*(.*)", re.DOTALL)
_RULE = regex(r"([^\s#:=&][^:=#&]*+)&?::?(?![:=])(.*)", re.DOTALL)
_DIRECTIVE = regex(r"\s*(?:ifn?eq|ifn?def|else|endif|-?include|sinclude|export|unexport|vpath|undefine|load)\b")
_RECIPE_DIRECTIVE = regex(r"\s*(?:ifn?eq\s*[(\"']|ifn?def\s|else(?:\s+ifn?(?:eq|def)\b.*)?\s*$|endif\b|override\s)")
_DEFINE = regex(r"(?:override\s+)?define\s+([\w.-]+)")
_FOUND_PROGRAM = regex(r"\$\(shell\s+(?:which|command -v)\s+([\w.-]+)[^()]*\)")
_SPECIAL = regex(r"\.[A-Z_]+")
_TARGET_VARIABLE = regex(r"\s*(?:export\s+|override\s+)?[\w.-]+\s*[:?+!]{0,3}=")
_WORD_REFERENCE = regex(r"[\w.@<^?*+%/-]+")

_JUST_ASSIGNMENT = regex(r"(?:export\s+)?([A-Za-z_][\w-]*)\s*:=\s*(.*)")
_JUST_ALIAS = regex(r"alias\s+([A-Za-z_][\w-]*)\s*:=\s*([\w:-]+)")
_JUST_RECIPE = regex(r"@?([A-Za-z_][\w-]*)([^:]*):(?!=)(.*)")
_JUST_QUOTED = regex(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_JUST_VALUE = regex(r"\{\{\s*([\w-]+)\s*\}\}")


class _Rule(Struct):
    """What is gathered of one target; the targets of one rule share its parts."""

    line: int
    needs: list[tuple[str, ...]] = field(default_factory=list)
    recipes: list[list[tuple[int, str]]] = field(default_factory=list)


class _Variables:
    """Simple assignments of a Makefile, and texts with their references resolved as far as they are plain."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {"MAKE": "make", "SHELL": "/bin/sh", "CURDIR": "."}
        self.bodies: dict[str, list[str]] = {}
        """Lines of `define` blocks."""
        self._left = MAX_EXPANDED

    def names(self, text: str) -> list[str]:
        """The names of targets in a text; special ones and those that only make can know are left out."""
        return [name for name in self.resolve(text, {}).split() if "${" not in name and not _SPECIAL.fullmatch(name)]

    def resolve(self, text: str, automatic: dict[str, str], depth: int = 0) -> str:
        """The text with `$(NAME)` replaced; what is unknown becomes `${NAME}`, which a shell text can hold."""
        if "$" not in text or depth > _MAX_DEPTH or self._left < 0:
            return text
        parts: list[str] = []
        position = 0
        while (at := text.find("$", position)) >= 0:
            parts.append(text[position:at])
            following = text[at + 1 : at + 2]
            if following == "$":
                parts.append("$")
                position = at + 2
            elif following and following in "({":
                end = _closing(text, at + 1)
                if end == at + 1:
                    self._left -= MAX_VALUE
                    if self._left < 0:
                        return text
                parts.append(self._value(text[at + 2 : end], automatic, depth))
                position = end + 1
            else:
                parts.append(automatic.get(following, "$" + following))
                position = at + 1 + len(following)
        parts.append(text[position:])
        resolved = "".join(parts)
        self._left -= len(resolved)
        return resolved if self._left > 0 else text

    def _value(self, reference: str, automatic: dict[str, str], depth: int) -> str:
        if reference.startswith("shell "):
            return f"$({self.resolve(reference[6:], automatic, depth + 1)})"
        if reference.startswith("call "):
            return self._called(reference[5:], automatic, depth)
        if "$" in reference and depth < _MAX_DEPTH:
            reference = self.resolve(reference, automatic, depth + 1)
        name, _, substitution = reference.partition(":")
        if not _WORD_REFERENCE.fullmatch(name) or substitution:
            return "${_}"
        value = automatic.get(name, self.values.get(name))
        if value is None or len(value) > MAX_VALUE or "$(shell" in value or self._left < 0 or depth >= _MAX_DEPTH:
            return "${" + name + "}"
        return self.resolve(value, automatic, depth + 1)[:MAX_VALUE]

    def _called(self, reference: str, automatic: dict[str, str], depth: int) -> str:
        """The body of a `define` as one line, with the call's arguments put in."""
        name, *arguments = (part.strip() for part in reference.split(","))
        body = " ; ".join(line.strip("@-+ \t\\").rstrip(";") for line in self.bodies.get(name, ()) if line.strip())
        if not body or len(body) > MAX_VALUE or depth >= _MAX_DEPTH:
            return "${_}"
        positional = {str(number): argument for number, argument in enumerate(arguments, 1)}
        return self.resolve(re.sub(r"\b(do|then|else) ;", r"\1", body), {**automatic, **positional}, depth + 1)[:MAX_VALUE]


def _closing(text: str, opening: int) -> int:
    """The index of the bracket that closes the one at `opening`, looked for a bounded way."""
    pair = ("(", ")") if text[opening] == "(" else ("{", "}")
    depth = 0
    for index in range(opening, min(len(text), opening + MAX_VALUE)):
        if text[index] == pair[0]:
            depth += 1
        elif text[index] == pair[1]:
            depth -= 1
            if not depth:
                return index
    return opening


def read_makefile(_path: str, data: bytes) -> Iterator[Fact]:
    """A make task for each target that is no special one; what conditionals choose between is all kept."""
    variables = _Variables()
    rules: dict[str, _Rule] = {}
    for target, rule in _rules(_text(data), variables):
        if target not in rules and len(rules) >= MAX_TASKS:
            raise Unreadable(f"more than {MAX_TASKS} targets, none was read", rule.line)
        known = rules.setdefault(target, rule)
        if known is not rule:
            known.needs.extend(rule.needs)
            known.recipes.extend(rule.recipes)
    left = MAX_EXPANDED
    for target, rule in rules.items():
        needs = tuple(dict.fromkeys(variables.names(" ".join(need for part in rule.needs for need in part))))
        automatic = {"@": target, "<": needs[0] if needs else "", "^": " ".join(needs), "@D": target.rpartition("/")[0] or "."}
        recipe = [(line, variables.resolve(text, automatic)) for part in rule.recipes for line, text in part] if left > 0 else []
        left -= sum(len(text) for _, text in recipe)
        commands = tuple(command for line, text in recipe for command in _recipe_line(text, line))
        yield Task(line=rule.line, kind="make", name=target, commands=commands, needs=needs)


def _rules(text: str, variables: _Variables) -> Iterator[tuple[str, _Rule]]:
    """Every rule for every of its targets; assignments go into `variables` on the way."""
    recipe: list[tuple[int, str]] | None = None
    defining: list[str] | None = None
    for number, line in _joined(text):
        stripped = line.strip()
        if defining is not None:
            if stripped == "endef":
                defining = None
            elif not stripped.startswith("#"):
                defining.extend(stripped[:MAX_VALUE].split("\n")[: MAX_BODY - len(defining)])
        elif definition := _DEFINE.match(stripped):
            defining = variables.bodies.setdefault(definition[1], [])
        elif line.startswith("\t") and recipe is not None:
            if not _RECIPE_DIRECTIVE.match(line):
                recipe.append((number, line))
        elif not stripped or stripped.startswith("#") or (_DIRECTIVE.match(line) and not _RULE.match(stripped)):
            continue
        elif assignment := _ASSIGNMENT.match(stripped):
            _assign(variables, assignment[1], assignment[2], stripped)
        elif rule_match := _RULE.match(stripped):
            needs, recipe = _started(number, rule_match[2])
            targets = [] if _TARGET_VARIABLE.match(rule_match[2]) else variables.names(rule_match[1])[:MAX_TASKS]
            yield from ((target, _Rule(number, [needs], [recipe])) for target in targets)


def _started(number: int, rest: str) -> tuple[tuple[str, ...], list[tuple[int, str]]]:
    """What follows a rule's colon: the prerequisites, and the recipe begun on the same line."""
    prerequisites, _, inline = rest.partition("#")[0].partition(";")
    if ":" in prerequisites and "%" in prerequisites:
        prerequisites = prerequisites.rpartition(":")[2]
    needs = tuple(need for need in prerequisites.split() if need != "|")[:MAX_TASKS]
    return needs, [(number, inline)] if inline.strip() else []


def _assign(variables: _Variables, name: str, value: str, whole: str) -> None:
    value = _FOUND_PROGRAM.sub(r"\1", value)
    value = re.sub(r"\s*(?:(?<!\\)#.*)?$", "", " ".join(value.replace("\\\n", " ").split()))
    if whole[len(name) :].lstrip().startswith("+=") and name in variables.values:
        value = f"{variables.values[name]} {value}"
    variables.values[name] = value[: MAX_VALUE + 1]


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first; continuations stay in them as backslash and line break."""
    begun: list[str] = []
    start = 1
    for number, line in enumerate(text.split("\n"), 1):
        if not begun:
            start = number
        begun.append(line)
        if not line.endswith("\\") or line.endswith("\\\\"):
            yield start, "\n".join(begun)
            begun = []
    if begun:
        yield start, "\n".join(begun)


def _recipe_line(text: str, line: int) -> tuple[Command, ...]:
    body = text.lstrip("@-+ \t")
    ignored = "-" in text[: len(text) - len(body)]
    commands = split(body, line, errexit=False)
    return tuple(replace(command, toothless=True) for command in commands) if ignored else commands


def read_justfile(_path: str, data: bytes) -> Iterator[Fact]:
    """A just task for each recipe and alias."""
    values: dict[str, str] = {}
    task: Task | None = None
    body: list[tuple[int, str]] = []
    for number, line in _joined(_text(data)):
        if line[:1].isspace() or not line.strip():
            if task and line.strip():
                body.append((number, line))
            continue
        if line.startswith(("#", "[", "set ", "import ", "mod ", "import? ", "mod? ")):
            continue
        if task:
            yield replace(task, commands=_just_commands(body, values))
        task, body = None, []
        if alias := _JUST_ALIAS.match(line):
            yield Task(line=number, kind="just", name=alias[1], needs=(alias[2],))
        elif assignment := _JUST_ASSIGNMENT.match(line):
            if literal := re.fullmatch(r"[\"']([^\"']*)[\"']", assignment[2].strip()):
                values[assignment[1]] = literal[1]
        elif recipe := _JUST_RECIPE.match(_JUST_QUOTED.sub("", line[:MAX_VALUE].replace("\\\n", " "))):
            wanted = re.sub(r"\(\s*([\w:-]+)[^)]*\)", r"\1", recipe[3].partition("#")[0])
            needs = tuple(word for word in wanted.split() if re.fullmatch(r"[\w:-]+", word))
            task = Task(line=number, kind="just", name=recipe[1], needs=needs)
    if task:
        yield replace(task, commands=_just_commands(body, values))


def _just_commands(body: list[tuple[int, str]], values: dict[str, str]) -> tuple[Command, ...]:
    if body and body[0][1].lstrip().startswith("#!"):
        if not re.search(r"\b(?:ba|z|da|k)?sh\b", body[0][1]):
            return ()
        first = body[0][0]
        lines = [""] * (body[-1][0] - first + 1)
        for number, text in body[1:]:
            lines[number - first] = text
        return split(_with_values("\n".join(lines), values), first)
    return tuple(command for number, text in body for command in _recipe_line(_with_values(text, values), number))


def _with_values(text: str, values: dict[str, str]) -> str:
    return _JUST_VALUE.sub(lambda found: values.get(found[1], found[0])[:MAX_VALUE], text)


def _text(data: bytes) -> str:
    if len(data) > MAX_SIZE:
        raise Unreadable(f"larger than {MAX_SIZE // 1024} KiB, not read")
    return text_of(data).replace("\r\n", "\n")


READINGS: tuple[Reading, ...] = (
    Reading(
        name="makefile",
        shows=COMMANDS,
        claims=named(r"(?:GNU)?[Mm]akefile(?:\.[\w-]+)?|[^/]+\.(?:mk|mak|make)", "makefile.", "gnumakefile.", ".mk", ".mak", ".make"),
        read=guarded(read_makefile),
    ),
    Reading(
        name="justfile",
        shows=COMMANDS,
        claims=named(r"\.?[Jj]ustfile|JUSTFILE|[^/]+\.just", "justfile", ".justfile", ".just"),
        read=guarded(read_justfile),
    ),
)
