"""What the continuous-integration readers share: tolerant access to YAML, and commands on the lines where they stand."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from msgspec.structs import replace

from rung.expressions import regex
from rung.readers.attributes import attributes_of, parse_template, shortened
from rung.readers.documents import Map, Sequence, Value, parse_yaml, text_of
from rung.readers.shell import environment_after, program, split
from rung.readers.variables import Environment
from rung.records import Command, Fact, Image, Include, Problem
from rung.targets.roles import template_path

MAX_ITEMS = 1000
"""Items of one list that are looked at, and jobs of one workflow."""
MAX_SPENT = 10_000
"""Items of all lists of a file: anchors can make millions of steps out of a few lines."""
MAX_SCRIPTS = 1024 * 1024
"""Characters of all scripts of a file, for the same reason."""
MAX_NESTING = 12
"""Lists within lists, templates within templates."""

_BLOCK = regex(r"(?:[:?-]|^)\s+(?:[&!]\S+\s+)?([|>])[-+1-9]{0,2}\s*(?:\s#.*)?$")
_OPEN_KEY = regex(r":\s*(?:[&!]\S+)?\s*(?:#.*)?$")
_TEMPLATE = regex(rb"(?<!\$)\{\{|\{%")
_SCRIPT_KEY = regex(r"(?:^|[_-])(?:script|cmd|commands?|run)(?:$|[_-])|^inlinescript$", re.IGNORECASE)
_SEARCHED = 4000
"""How far ahead of one command the next is looked for."""
_ENDING = 1000
"""Characters at the end of a line that tell whether a scalar goes on below it."""
_EXTENT = 64 * 1024
"""Characters of a folded scalar within which its commands are looked for."""


class Source:
    """A file that is being read: its lines, and what is found in it beside the workflow."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = template_path(path)
        """The path without a template's suffix."""
        self.data = data
        self.facts: list[Fact] = []
        self._lines = text_of(data[: 4 * 1024 * 1024]).split("\n")
        self._images: set[tuple[str, int]] = set()
        self._left = MAX_SPENT
        self._characters = MAX_SCRIPTS

    def documents(self, quiet: bool = False) -> list[Map]:
        """The mappings of the file's YAML; what is broken becomes a Problem unless `quiet`."""
        documents, error = parse_yaml(self.data)
        if error and _TEMPLATE.search(self.data):
            documents, error = parse_template(self.data)
        if error and not quiet:
            self.facts.append(Problem(line=error.line, what=error.what))
        return [document for document in documents if isinstance(document, Map)]

    def spend(self) -> bool:
        """Whether there is budget for one item more; running out of it is a Problem."""
        self._left -= 1
        if self._left == 0:
            self.facts.append(
                Problem(line=0, what=f"more than {MAX_SPENT} steps and other items once its anchors are followed; the rest is left out")
            )
        return self._left > 0

    def items(self, value: Value | None, line: int) -> Iterator[tuple[Value, int]]:
        """The items of a list like `items`, as far as the file's budget goes: for lists that many jobs can share."""
        for item in items(value, line):
            if not self.spend():
                return
            yield item

    def image(self, name: str, line: int) -> str:
        """Notes a container image that runs a job or step, and gives its name back."""
        if name and (name, line) not in self._images and not re.match(r"\$\{\{|<<", name):
            self._images.add((name, line))
            self.facts.append(Image(line=line, name=shortened(name), use="job"))
        return name

    def include(self, path: str, line: int, reader: str) -> None:
        """Notes another file of the repository that belongs to this one."""
        if path and path != self.path:
            self.facts.append(Include(line=line, path=path, reader=reader))

    def commands(self, text: str, line: int, environment: Environment = (), *, in_python: bool = False) -> tuple[Command, ...]:
        """The commands of a script, or the one that runs it if it is in Python; its key or list item stands on `line`."""
        self._characters -= len(text)
        if not text.strip() or self._characters < 0:
            return ()
        read = program if in_python else partial(split, environment=environment)
        header = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        ending = header[-_ENDING:].rstrip("\r")
        if block := _BLOCK.search(ending):
            found = read(text, line + 1)
            return found if block[1] == "|" else self._relocated(found, line + 1, _indent(header))
        if _OPEN_KEY.search(ending):
            line += 1
        return self._relocated(read(text, line), line, _indent(header))

    def scripts(
        self, value: Value | None, line: int, environment: Environment = (), refer: Callable[[Map], Value] | None = None
    ) -> tuple[Command, ...]:
        """The commands of a script given as one text or as a list of them, which one shell runs; `refer` is that of `scalars`."""
        found: list[Command] = []
        for text, at in scalars(value, line, refer):
            found += self.commands(text, at, environment)
            environment = environment_after(text, environment)
        return tuple(found)

    def argument_commands(self, arguments: Map) -> tuple[Command, ...]:
        """Commands handed over as an argument (`script`, `inlineScript`, `run_command`): they are more than one word."""
        return tuple(
            command
            for key, value in arguments.items()
            if isinstance(value, str) and _SCRIPT_KEY.search(key) and re.search(r"\S\s+\S", value)
            for command in self.commands(value, arguments.at(key))
        )

    def _relocated(self, commands: tuple[Command, ...], line: int, indent: int) -> tuple[Command, ...]:
        """Commands of a scalar whose line breaks YAML has folded away, each on the line that its first word is found on."""
        end, size = line, len(self._lines[line - 1]) if line <= len(self._lines) else 0
        while end < len(self._lines) and size < _EXTENT and (not self._lines[end].strip() or _indent(self._lines[end]) > indent):
            size += len(self._lines[end])
            end += 1
        text = "\n".join(self._lines[line - 1 : end]) if end > line else ""
        position, at = 0, line
        placed: list[Command] = []
        for command in commands:
            word = r"\[\[?|test" if command.words[0] == "test" else re.escape(command.words[0])
            found = re.compile(rf"(?<![\w-])(?:{word})(?![\w-])").search(text, position, position + _SEARCHED) if text else None
            if found:
                at += text.count("\n", position, found.start())
                position = found.end()
            code = tuple(replace(fact, line=at + fact.line - command.line) for fact in command.code)
            placed.append(replace(command, line=at, code=code))
        return tuple(placed)


def _indent(text: str) -> int:
    """How far a line's content is indented; the dash of a list item does not count as content."""
    return len(text) - len(text.lstrip(" "))


def mapping(value: Value | None) -> Map:
    """The value when it is a mapping, else an empty one."""
    return value if isinstance(value, Map) else Map()


def scalar(value: Value | None) -> str:
    """The value when it is text, else ``."""
    return value if isinstance(value, str) else ""


def named(value: Value | None, key: str = "name") -> str:
    """A name given as text or under a key of a mapping."""
    return scalar(value.get(key)) if isinstance(value, Map) else scalar(value)


def items(value: Value | None, line: int) -> Iterator[tuple[Value, int]]:
    """The items of a list with their lines; anything else is a list of one, and nothing a list of none."""
    if isinstance(value, Sequence):
        for index, item in enumerate(value[:MAX_ITEMS]):
            yield item, value.lines[index]
    elif value:
        yield value, line


def scalars(value: Value | None, line: int, refer: Callable[[Map], Value] | None = None) -> Iterator[tuple[str, int]]:
    """The texts of a list with their lines, lists within lists unfolded; `refer` turns mappings into what they stand for."""
    stack: list[tuple[Value, int, int]] = [(value or "", line, 0)]
    left = MAX_ITEMS
    while stack and left:
        left -= 1
        item, at, depth = stack.pop()
        if isinstance(item, str):
            if item:
                yield item, at
        elif depth < MAX_NESTING:
            if isinstance(item, Sequence):
                stack.extend(reversed([(child, child_line, depth + 1) for child, child_line in items(item, at)]))
            elif refer:
                stack.append((refer(item), at, depth + 1))


def strings(value: Value | None) -> tuple[str, ...]:
    """The texts of a list, or one text."""
    return tuple(text for text, _ in scalars(value, 0))


def filters(included: Value | None, excluded: Value | None = None) -> tuple[str, ...]:
    """Branch or path patterns, the excluded ones with `!` before them."""
    return strings(included) + tuple("!" + pattern for pattern in strings(excluded))


def arguments_of(value: Value | None) -> tuple[tuple[str, str], ...]:
    """A mapping as bounded arguments, nested keys joined by dots."""
    return attributes_of(value) if isinstance(value, Map) and value else ()


def at_directory(directory: str) -> tuple[tuple[str, str], ...]:
    """The argument that says where commands run, if anywhere but in the root."""
    return (("working-directory", directory),) if directory else ()


def environment_of(*holders: Map, key: str = "env") -> Environment:
    """The variables that the environments of a workflow, a job and a step set; the nearest counts."""
    found = dict[str, str]()
    for holder in holders:
        found.update((name, scalar(value)) for name, value in islice(mapping(holder.get(key)).items(), MAX_ITEMS))
    return tuple(found.items())


def is_true(value: Value | None) -> bool:
    """Whether a value is literally true."""
    return scalar(value).strip().lower() in ("true", "yes", "on")


def is_false(value: Value | None) -> bool:
    """Whether a condition is literally false, as text or as an expression of nothing else."""
    text = re.sub(r"^\$\{\{\s*|\s*\}\}$", "", scalar(value).strip()).strip("'\" ").lower()
    return text in ("false", "0", "no", "never()") or text.startswith("false &&")


def local_path(target: str, directory: str = "") -> str:
    """A path of the repository that a file in `directory` names, normalised; `` when it is outside or not literal."""
    if not target or re.search(r"[$<{]|://", target):
        return ""
    path = posixpath.normpath(target.lstrip("/") if target.startswith("/") else posixpath.join(directory, target))
    return "" if path.startswith(("../", "/")) or path in ("..", ".") else path


def is_yaml(path: str) -> bool:
    """Whether a path has YAML's suffix."""
    return path.lower().endswith((".yml", ".yaml"))


def both(outer: str, inner: str) -> str:
    """Two conditions that both have to hold, as bounded text."""
    return shortened(f"{outer} && {inner}" if outer and inner else outer or inner)
