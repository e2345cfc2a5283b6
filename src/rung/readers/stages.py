"""Stages of data pipelines as files declare them: dvc.yaml and MLproject."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import islice

from msgspec.structs import replace

from rung.readers.documents import Map, Value
from rung.readers.makefiles import MAX_TASKS
from rung.readers.reading import Reading, called
from rung.readers.requirements import guarded
from rung.readers.runners import MAX_COMMANDS
from rung.readers.workflows import Source, is_true, items, mapping, scalar
from rung.records import Command, Fact, Task

STAGES = ("dvc", "mlproject")
"""The kinds of task that are stages of such a pipeline."""
_PARAMETERS = "params.yaml"
"""Where parameters of a stage are when it names no file."""


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


READINGS: tuple[Reading, ...] = (
    Reading(name="dvc-stages", claims=called("dvc.yaml", "dvc.yml"), read=guarded(read_dvc)),
    Reading(name="mlproject", claims=called("MLproject"), read=guarded(read_mlproject)),
)
