"""Stages of data pipelines as files declare them: dvc.yaml, MLproject and rules of Snakemake."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import islice

from msgspec.structs import replace

from rung.expressions import regex
from rung.readers.documents import Map, Value, text_of
from rung.readers.makefiles import MAX_TASKS
from rung.readers.reading import COMMANDS, Reading, called, named
from rung.readers.requirements import guarded
from rung.readers.runners import MAX_COMMANDS
from rung.readers.shell import split
from rung.readers.workflows import Source, is_true, items, mapping, scalar
from rung.records import Command, Fact, Task

STAGES = ("dvc", "mlproject")
"""The kinds of task that are stages of such a pipeline."""
_PARAMETERS = "params.yaml"
"""Where parameters of a stage are when it names no file."""

_RULE = regex(r"^(?:rule|checkpoint)[ \t]++(?P<name>\w++)[ \t]*+:|^[ \t]++(?P<does>shell|script|notebook)[ \t]*+:", re.MULTILINE)
_TEXT = regex(
    r'\s*+[rRfFbB]{0,2}(?:"""((?:[^"]++|"(?!""))*+)"""'
    r"|'''((?:[^']++|'(?!''))*+)'''"
    r'|"((?:[^"\\\n]++|\\.)*+)"'
    r"|'((?:[^'\\\n]++|\\.)*+)')"
)
"""A string of Python, with what is before it on its line."""
_PROGRAMS = {".py": "python", ".R": "Rscript", ".r": "Rscript", ".jl": "julia", ".sh": "bash", ".ipynb": "papermill"}
"""What runs a script of a rule, by its suffix."""


def read_dvc(path: str, data: bytes) -> Iterator[Fact]:
    """A dvc task for each stage; a frozen stage is never run and so has no commands."""
    source = Source(path, data)
    tasks = [task for document in source.documents() for task in _stages(source, mapping(document.get("stages")))]
    makers = {output: task.name for task in tasks for output in task.outputs}
    for task in tasks:
        needs = dict.fromkeys(maker for name in task.inputs if (maker := makers.get(name)) and maker != task.name)
        yield replace(task, needs=tuple(needs))
    yield from source.facts


def _stages(source: Source, stages: Map) -> Iterator[Task]:
    left = MAX_COMMANDS
    for name, body in islice(stages.items(), MAX_TASKS):
        stage = mapping(body)
        stage = mapping(stage.get("do")) if "foreach" in stage else stage
        folder = scalar(stage.get("wdir"))
        commands: list[Command] = []
        for item, line in islice(items(stage.get("cmd"), stage.at("cmd")), left):
            commands.extend(source.commands(scalar(item), line))
        left = max(left - len(commands), 0)
        outputs = [at for key in ("outs", "metrics", "plots") for at in _paths(stage.get(key), folder)]
        yield Task(
            line=stages.at(name),
            kind="dvc",
            name=name,
            commands=() if is_true(stage.get("frozen")) else tuple(commands),
            inputs=(*_paths(stage.get("deps"), folder), *_parameter_files(stage.get("params"), folder)),
            outputs=tuple(dict.fromkeys(outputs)),
        )


def _paths(value: Value | None, folder: str) -> tuple[str, ...]:
    """Files that a stage names, as texts or as the keys of mappings, from the folder of the dvc.yaml."""
    names: list[str] = []
    for item, _ in items(value, 0):
        names.extend(_names(item))
    return tuple(_placed(name, folder) for name in names if name)


def _names(item: Value) -> list[str]:
    """A name given as text, or as the keys of a mapping that says more about it."""
    return [item] if isinstance(item, str) else list(item) if isinstance(item, Map) else []


def _parameter_files(value: Value | None, folder: str) -> tuple[str, ...]:
    files = dict.fromkeys(name for item, _ in items(value, 0) for name in ([_PARAMETERS] if isinstance(item, str) else _names(item)))
    return tuple(_placed(name, folder) for name in files if name)


def _placed(name: str, folder: str) -> str:
    return name if not folder or "://" in name or name.startswith("/") else posixpath.normpath(posixpath.join(folder, name))


def read_mlproject(path: str, data: bytes) -> Iterator[Fact]:
    """An mlproject task for each entry point."""
    source = Source(path, data)
    for document in source.documents():
        entries = mapping(document.get("entry_points"))
        for name, body in islice(entries.items(), MAX_TASKS):
            entry = mapping(body)
            commands = source.commands(scalar(entry.get("command")), entry.at("command"))
            yield Task(line=entries.at(name), kind="mlproject", name=name, commands=commands)
    yield from source.facts


def read_snakefile(path: str, data: bytes) -> Iterator[Fact]:
    """A snakemake task for each rule, with the commands of its shell or the one that runs its script."""
    text = text_of(data).replace("\r\n", "\n")
    folder = posixpath.dirname(path)
    rules: list[tuple[int, str, list[Command]]] = []
    line, done = 1, 0
    for match in _RULE.finditer(text):
        line += text.count("\n", done, match.start())
        done = match.start()
        if match["name"]:
            if len(rules) == MAX_TASKS:
                break
            rules.append((line, match["name"], []))
        elif rules and len(rules[-1][2]) < MAX_COMMANDS:
            said, at = _texts_from(text, match.end())
            if match["does"] == "shell":
                rules[-1][2].extend(split(said, line + text.count("\n", done, at)))
            elif program := _PROGRAMS.get(posixpath.splitext(said)[1]):
                rules[-1][2].extend(split(f"{program} {posixpath.join(folder, said)}", line))
    yield from (Task(line=line, kind="snakemake", name=name, commands=tuple(commands)) for line, name, commands in rules)


def _texts_from(text: str, position: int) -> tuple[str, int]:
    """The strings that stand one after another, joined as Python does it, and where the first begins."""
    parts: list[str] = []
    begin = position
    while found := _TEXT.match(text, position):
        begin = begin if parts else found.start(found.lastindex or 0)
        parts.append(found[found.lastindex or 0])
        position = found.end()
    return "".join(parts), begin


READINGS: tuple[Reading, ...] = (
    Reading(name="dvc-stages", shows=COMMANDS, claims=called("dvc.yaml", "dvc.yml"), read=guarded(read_dvc)),
    Reading(name="mlproject", shows=COMMANDS, claims=called("MLproject"), read=guarded(read_mlproject)),
    Reading(name="snakefile", shows=COMMANDS, claims=named(r"Snakefile|[^/]+\.smk", "snakefile", ".smk"), read=guarded(read_snakefile)),
)
