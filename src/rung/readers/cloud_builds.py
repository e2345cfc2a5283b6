"""Build services of clouds, whose triggers stand in a console or in infrastructure code: Cloud Build and CodeBuild."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from rung.expressions import regex
from rung.readers.documents import Map, Sequence, Unreadable, Value, parse_json
from rung.readers.reading import PIPELINE, Claims, Reading
from rung.readers.shell import words_of
from rung.readers.workflows import Source, at_directory, is_true, items, mapping, scalar, scalars, strings
from rung.records import Command, Fact, Job, Problem, Step, Trigger, Workflow

_CLOUD_BUILD = regex(r"(?:^|/)[^/]*cloud[-_]?build[^/]*$|(?:^|/)\.?cloud[-_]?build/", re.IGNORECASE)
_BUILD_FOLDERS = ("build", "ci", "cd", "cicd", "ci-cd", "deploy", "gcb")
_PHASES = ("install", "pre_build", "build", "post_build")
_SHELLS = ("bash", "sh", "/bin/bash", "/bin/sh", "ash", "dash", "zsh")


def _is_cloud_build(path: str) -> bool:
    lowered = path.lower()
    return ("cloud" in lowered and "build" in lowered and _CLOUD_BUILD.search(path) is not None) or (
        lowered.rpartition("/")[0].rpartition("/")[2] in _BUILD_FOLDERS
    )


def _is_codebuild(path: str) -> bool:
    folder, _, name = path.lower().rpartition("/")
    return "buildspec" in name or "buildspec" in posixpath.basename(folder)


def read_cloud_build(path: str, data: bytes) -> Iterable[Fact]:
    """A Cloud Build configuration as a `Workflow` of one job; other files of the same folders give nothing."""
    source = Source(path, data)
    if b"steps" not in data:
        return []
    quiet = not _CLOUD_BUILD.search(source.path)
    for document in _json(source, quiet) if source.path.endswith(".json") else source.documents(quiet=quiet):
        steps = document.get("steps", "")
        if not isinstance(steps, Sequence) or not steps or not all(_is_builder(step) for step in steps):
            continue
        line = document.at("steps")
        build = Job(line=line, id="build", steps=tuple(_builder_step(source, mapping(step), at) for step, at in items(steps, line)))
        manual = Trigger(line=document.line, kind="manual")
        source.facts.append(Workflow(line=document.line, system="cloud-build", name=path, triggers=(manual,), jobs=(build,)))
    return source.facts


def read_codebuild(path: str, data: bytes) -> Iterable[Fact]:
    """A build specification as a `Workflow` of one job with a step for each phase."""
    source = Source(path, data)
    for document in source.documents():
        phases = mapping(document.get("phases"))
        if not phases:
            continue
        steps = tuple(step for name in _PHASES if name in phases for step in _phase(source, name, mapping(phases[name]), phases.at(name)))
        build = Job(line=document.at("phases"), id="build", steps=steps)
        manual = Trigger(line=document.line, kind="manual")
        source.facts.append(Workflow(line=document.line, system="codebuild", name=path, triggers=(manual,), jobs=(build,)))
    return source.facts


def _json(source: Source, quiet: bool) -> list[Map]:
    try:
        document = parse_json(source.data)
    except Unreadable as error:
        if not quiet:
            source.facts.append(Problem(line=error.line, what=error.what))
        return []
    return [document] if isinstance(document, Map) else []


def _is_builder(step: Value) -> bool:
    return (
        isinstance(step, Map)
        and bool(scalar(step.get("name")))
        and bool(step.keys() & {"args", "entrypoint", "script"})
        and not step.keys() & {"uses", "run", "task"}
    )


def _builder_step(source: Source, step: Map, line: int) -> Step:
    image = source.image(scalar(step.get("name")), step.at("name"))
    return Step(
        line=line,
        name=scalar(step.get("id")),
        uses=image,
        commands=_builder_commands(source, step, image),
        arguments=at_directory(scalar(step.get("dir"))),
        continue_on_error=is_true(step.get("allowFailure")),
    )


def _builder_commands(source: Source, step: Map, image: str) -> tuple[Command, ...]:
    """The script, the text that a shell is given, or the words that the builder's own program is called with."""
    if "script" in step:
        return source.commands(scalar(step["script"]), step.at("script"))
    program = scalar(step.get("entrypoint"))
    arguments = list(scalars(step.get("args"), step.at("args")))
    if program in _SHELLS and len(arguments) > 1 and re.fullmatch(r"-\w*c\w*", arguments[0][0]):
        return source.commands(*arguments[1])
    if not program:
        program = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return words_of([program, *(text for text, _ in arguments)], step.at("entrypoint" if "entrypoint" in step else "args"))


def _phase(source: Source, name: str, phase: Map, line: int) -> Iterator[Step]:
    lenient = scalar(phase.get("on-failure")).upper() == "CONTINUE"
    for key in ("commands", "finally"):
        if strings(phase.get(key)):
            step_name = name if key == "commands" else f"{name} {key}"
            yield Step(line=line, name=step_name, commands=source.scripts(phase[key], phase.at(key)), continue_on_error=lenient)


READINGS = (
    Reading(name="cloud-build", shows=PIPELINE, claims=Claims(_is_cloud_build, ".yml", ".yaml", ".json"), read=read_cloud_build),
    Reading(name="codebuild", shows=PIPELINE, claims=Claims(_is_codebuild, ".yml", ".yaml", holds="buildspec"), read=read_codebuild),
)
