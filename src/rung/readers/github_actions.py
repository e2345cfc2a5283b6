"""GitHub Actions (and the forges that speak its dialect): workflows and composite actions."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import islice, product

from msgspec.structs import replace

from rung.expressions import regex
from rung.readers.documents import Map, Sequence, Value
from rung.readers.reading import PIPELINE, Claims, Reading, called
from rung.readers.shell import words_of
from rung.readers.variables import Environment
from rung.readers.workflows import (
    MAX_ITEMS,
    Source,
    arguments_of,
    at_directory,
    environment_of,
    filters,
    is_false,
    is_true,
    items,
    mapping,
    named,
    scalar,
    strings,
)
from rung.records import Command, Fact, Job, Step, Trigger, Workflow

_FOLDER = regex(r"(?:^|/)\.(github|gitea|forgejo)/workflows/[^/]+$")
_KINDS = {
    "push": "push",
    "pull_request": "pull_request",
    "pull_request_target": "pull_request",
    "merge_group": "pull_request",
    "release": "release",
    "schedule": "schedule",
    "workflow_run": "upstream",
    "workflow_dispatch": "manual",
    "workflow_call": "call",
}
"""Events by kind; every other event is an `event`."""
_AWAITED = {"workflow_run": "workflows", "repository_dispatch": "types"}
"""Where events that other workflows cause name those, or what they send."""
_PLACE = regex(r"\$\{\{\s{0,4}matrix\.([\w-]{1,80})(?:\.([\w-]{1,80}))?\s{0,4}\}\}")
_MOVE = regex(r"\b(?:cd|pushd)[ \t]{1,8}[^\s$]{0,200}\$\{\{\s{0,4}matrix\.")
_ENV = regex(r"\$\{\{\s{0,4}env\.([\w-]{1,80})\s{0,4}\}\}")
_WORKSPACE = regex(r"\$\{\{\s{0,4}github\.workspace\s{0,4}\}\}")
_OUTCOME = regex(r"\bsteps\.([\w-]+)\.outcome\b")
_ANYWAY = regex(r"\b(?:always|cancelled|failure)\s{0,4}\(")
"""Conditions under which a job runs though one that it waits for was left out."""
_FAILS = regex(r"\bexit (?:[1-9]|\$)|^\s*false$|\bsetFailed\b", re.MULTILINE)
_PATH = regex(r"/|\.(?:py|sh|ipynb|R|js|ts)$")
_MAX_COMBINATIONS = 20
"""Combinations of a matrix's values that a step is read for."""
_SYSTEMS = {"github": "github-actions", "gitea": "gitea-actions", "forgejo": "forgejo-actions"}


def read_workflow(path: str, data: bytes) -> Iterable[Fact]:
    """A workflow file as a `Workflow`, its images, and what was wrong with it."""
    source = Source(path, data)
    folder = _FOLDER.search(source.path)
    system = _SYSTEMS[folder[1]] if folder else "github-actions"
    for document in source.documents():
        if "jobs" not in document:
            continue
        jobs = mapping(document.get("jobs"))
        source.facts.append(
            Workflow(
                line=document.line,
                system=system,
                name=scalar(document.get("name")),
                triggers=tuple(_triggers(document)),
                jobs=_awaiting(_job(source, key, mapping(job), jobs.at(key), document) for key, job in islice(jobs.items(), MAX_ITEMS)),
                permissions=_permissions(document.get("permissions")),
            )
        )
    return source.facts


def _awaiting(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """Jobs, of which those that wait for one that never runs, or only by hand, are the same, unless they say that they run anyway."""
    found = tuple(jobs)
    never, by_hand = {job.id for job in found if job.disabled}, {job.id for job in found if job.manual}
    if never or by_hand:
        for held in (never, by_hand):
            while waiting := {job.id for job in found if job.id not in held and _waits(job, held)}:
                held.update(waiting)
        found = tuple(replace(job, disabled=job.id in never, manual=job.id in by_hand) for job in found)
    return found


def _waits(job: Job, held: AbstractSet[str]) -> bool:
    return not held.isdisjoint(job.needs) and not _ANYWAY.search(job.condition)


def read_action(path: str, data: bytes) -> Iterable[Fact]:
    """An action as a workflow that only others call, named by its folder: the steps of a composite one, or the program of another."""
    source = Source(path, data)
    for document in source.documents():
        runs = mapping(document.get("runs"))
        if scalar(runs.get("using")) == "composite":
            listed = list(source.items(runs.get("steps"), runs.at("steps")))
            judged = _judged_later(step for step, _ in listed)
            steps = tuple(_step(source, mapping(step), line, "", _environment(mapping(step)), judged=judged) for step, line in listed)
        elif commands := _program(runs, posixpath.dirname(path) or "."):
            steps = (Step(line=commands[0].line, commands=commands),)
        else:
            continue
        source.facts.append(
            Workflow(
                line=document.line,
                system="github-actions",
                name=posixpath.dirname(path) or ".",
                triggers=(Trigger(line=document.at("runs"), kind="call"),),
                jobs=(Job(line=document.at("runs"), id="runs", name=scalar(document.get("name")), steps=steps),),
            )
        )
    return source.facts


def _program(runs: Map, folder: str) -> tuple[Command, ...]:
    """What an action that is no list of steps runs: a script for Node, or the image of a Dockerfile in its folder."""
    script, image = scalar(runs.get("main")), scalar(runs.get("image"))
    if scalar(runs.get("using")).startswith("node") and script:
        return words_of(["node", posixpath.join(folder, script)], runs.at("main"))
    if image and "://" not in image:
        line, file = runs.at("image"), posixpath.join(folder, image)
        return words_of(["docker", "build", "--tag", folder, "--file", file, folder], line) + words_of(["docker", "run", folder], line)
    return ()


def _triggers(document: Map) -> Iterator[Trigger]:
    events = document.get("on", "")
    if isinstance(events, Map):
        for event, body in events.items():
            yield from _trigger(event, body, events.at(event))
    else:
        for event_name, line in items(events, document.at("on")):
            yield from _trigger(scalar(event_name), "", line)


def _trigger(event: str, body: Value, line: int) -> Iterator[Trigger]:
    if event == "schedule":
        for entry, at in items(body, line):
            yield Trigger(line=at, kind="schedule", cron=named(entry, "cron"))
        return
    options = mapping(body)
    branches = filters(options.get("branches"), options.get("branches-ignore"))
    paths = filters(options.get("paths"), options.get("paths-ignore"))
    if event != "push":
        awaits = strings(options.get(_AWAITED[event], "")) if event in _AWAITED else ()
        yield Trigger(line=line, kind=_KINDS.get(event, "event"), branches=branches, paths=paths, awaits=awaits)
        return
    if branches != ("!**",) and (branches or not options.get("tags")):
        yield Trigger(line=line, kind="push", branches=branches, paths=paths)
    if options.get("tags"):
        yield Trigger(line=options.at("tags"), kind="tag", branches=strings(options["tags"]), paths=paths)


def _permissions(value: Value | None) -> str:
    if isinstance(value, Map):
        return ", ".join(f"{key}: {scalar(level)}" for key, level in value.items()) or "{}"
    return scalar(value)


def _directory(holder: Map, otherwise: str) -> str:
    run = mapping(mapping(holder.get("defaults")).get("run"))
    return scalar(run.get("working-directory")) or otherwise


def _job(source: Source, key: str, job: Map, line: int, document: Map) -> Job:
    directory = _directory(job, _directory(document, ""))
    condition = scalar(job.get("if"))
    matrix = mapping(mapping(job.get("strategy")).get("matrix"))
    listed = list(source.items(job.get("steps"), job.at("steps")))
    judged = _judged_later(step for step, _ in listed)
    steps = [
        _step(source, variant, at, directory, _environment(document, job, variant), judged=judged)
        for step, at in listed
        for variant in _variants(mapping(step), directory, matrix)
    ]
    if handed := mapping(job.get("with")):
        steps.append(Step(line=job.at("with"), name="with", arguments=arguments_of(handed), commands=source.argument_commands(handed)))
    for service in islice(mapping(job.get("services")).values(), 50):
        source.image(named(service, "image"), service.at("image") if isinstance(service, Map) else line)
    container = job.get("container", "")
    image = source.image(named(container, "image"), container.at("image") if isinstance(container, Map) else job.at("container"))
    return Job(
        line=line,
        id=key,
        name=scalar(job.get("name")),
        uses=scalar(job.get("uses")),
        needs=strings(job.get("needs")),
        steps=tuple(steps),
        environment=named(job.get("environment")),
        image=image,
        condition=condition,
        continue_on_error=is_true(job.get("continue-on-error")),
        disabled=is_false(job.get("if")),
        manual=_only_by_hand(condition),
        matrix="matrix" in mapping(job.get("strategy")),
    )


def _variants(step: Map, directory: str, matrix: Map) -> Iterator[Map]:
    """A step, or one for each place that it is at by the values of its job's matrix."""
    run, named_at = scalar(step.get("run")), scalar(step.get("working-directory")) or directory
    used = list(dict.fromkeys(_PLACE.findall(run + " " + named_at))) if run and matrix else []
    if not used:
        yield step
        return
    moves = bool(_PLACE.search(named_at) or _MOVE.search(run))
    seen = set()
    for values in _combinations(matrix, tuple(dict.fromkeys(root for root, _ in used))):
        told = {(root, key): named(values.get(root, ""), key) for root, key in used}
        if any(told.values()) and (moves or any(map(_PATH.search, told.values()))):
            filled = _filled(run, told), _filled(named_at, told)
            if filled not in seen:
                seen.add(filled)
                yield _with(step, {"run": filled[0], "working-directory": filled[1]})
    if not seen:
        yield step


def _filled(text: str, told: Mapping[tuple[str, str], str]) -> str:
    return _PLACE.sub(lambda match: told.get((match[1], match[2] or "")) or match[0], text)


def _with(step: Map, texts: Mapping[str, str]) -> Map:
    """The same step with other texts at some keys."""
    other = Map(step.line)
    for key in (*step, *texts):
        other.put(key, texts.get(key, step.get(key, "")), step.at(key))
    return other


def _combinations(matrix: Map, roots: tuple[str, ...]) -> Iterator[Mapping[str, Value]]:
    """The values that a matrix gives to names: those of its lists in every combination, then what it includes."""
    lists = [[(root, value) for value, _ in items(matrix[root], 0)] for root in roots if isinstance(matrix.get(root), Sequence)]
    yield from islice(map(dict, product(*lists)) if lists else (), _MAX_COMBINATIONS)
    yield from (mapping(entry) for entry, _ in islice(items(matrix.get("include"), 0), _MAX_COMBINATIONS))


def _only_by_hand(condition: str) -> bool:
    return "||" not in condition and re.search(r"github\.event_name\s*==\s*['\"]workflow_dispatch['\"]", condition) is not None


def _environment(*holders: Map) -> Environment:
    """The variables of a workflow, a job and a step, the checkout named as in the shell."""
    return tuple((name, _WORKSPACE.sub("$GITHUB_WORKSPACE", value)) for name, value in environment_of(*holders))


def _judged_later(steps: Iterable[Value]) -> frozenset[str]:
    """The ids of the steps whose outcome a step looks at that can end the job: their failure is only put off."""
    return frozenset(
        judged
        for step in map(mapping, steps)
        if _FAILS.search(scalar(step.get("run")) or named(step.get("with"), "script"))
        for text in (step.get("if"), step.get("run"), *mapping(step.get("env")).values())
        for judged in _OUTCOME.findall(scalar(text))
    )


def _step(source: Source, step: Map, line: int, directory: str, environment: Environment, *, judged: AbstractSet[str]) -> Step:
    uses = scalar(step.get("uses"))
    handed = mapping(step.get("with"))
    if uses.startswith("docker://"):
        source.image(uses.removeprefix("docker://"), step.at("uses"))
    commands = source.commands(
        scalar(step.get("run")), step.at("run"), environment, in_python=scalar(step.get("shell")).startswith("python")
    )
    if not uses.startswith("actions/github-script@"):
        commands += source.argument_commands(handed)
    named_values = dict(environment)
    directory = _ENV.sub(
        lambda variable: named_values.get(variable[1]) or variable[0], scalar(step.get("working-directory")) or ("" if uses else directory)
    )
    return Step(
        line=line,
        name=scalar(step.get("name")),
        uses=uses,
        commands=commands,
        arguments=arguments_of(handed) + at_directory(directory),
        condition=scalar(step.get("if")),
        continue_on_error=is_true(step.get("continue-on-error")) and scalar(step.get("id")) not in judged,
        disabled=is_false(step.get("if")),
        manual=_only_by_hand(scalar(step.get("if"))),
    )


READINGS = (
    Reading(
        name="github-actions",
        shows=PIPELINE,
        claims=Claims(lambda path: _FOLDER.search(path) is not None, ".yml", ".yaml", holds="/workflows/"),
        read=read_workflow,
    ),
    Reading(name="github-action", shows=PIPELINE, claims=called("action.yml", "action.yaml"), read=read_action),
)
