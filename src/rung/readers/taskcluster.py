"""Taskcluster: the tasks of a JSON-e template, of a hook, or of a taskgraph kind, whatever the template would decide."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec import Struct

from rung.expressions import regex
from rung.readers.attributes import shortened
from rung.readers.documents import Map, Sequence, Unreadable, Value, flatten, may_have_keys, parse_json
from rung.readers.reading import PIPELINE, Claims, Reading, named
from rung.readers.shell import words_of
from rung.readers.workflows import MAX_NESTING, Source, arguments_of, items, mapping, scalar, scalars
from rung.records import Command, Fact, Job, Problem, Step, Trigger, Workflow
from rung.targets.roles import template_path

MAX_TASKS = 500
MAX_DEPTH = 4 * MAX_NESTING
"""JSON-e operators around a task; each is one or two levels of the document."""

_KINDS = {
    "github-push": "push",
    "hg-push": "push",
    "github-pull-request": "pull_request",
    "github-pull-request-untrusted": "pull_request",
    "github-release": "release",
    "github-issue-comment": "event",
    "cron": "schedule",
    "action": "event",
    "pr-action": "event",
}
_TASKS_FOR = regex(r"tasks_for[^\"']{0,40}((?:[\"'][\w-]+[\"'][,\s]*)+)")
_SLUG = regex(r"as_slugid\(\s*[\"']([^\"']+)")
_SHELLS = ("bash", "sh", "/bin/bash", "/bin/sh")


class _Place(Struct, frozen=True):
    """What surrounds a value: the conditions it stands under and the names that `$let` binds."""

    conditions: tuple[str, ...] = ()
    bound: tuple[tuple[str, Value], ...] = ()
    image: str = ""
    """The image of the task that the one here is merged into."""


class _Kind(Struct, frozen=True):
    """What the tasks of a taskgraph kind share."""

    defaults: Map
    needed: tuple[str, ...]
    """The kinds that it depends on."""
    builds_images: bool


def _may_hold_tasks(path: str) -> bool:
    return re.search(r"pipeline|hook|task", posixpath.basename(path).lower()) is not None


def read_tasks(path: str, data: bytes) -> Iterable[Fact]:
    """A `.taskcluster.yml`, or a list of tasks that something else creates, as a `Workflow`."""
    root = posixpath.basename(template_path(path)).startswith(".taskcluster.")
    if not root and not may_have_keys(data, b"payload", b"command", b"tasks"):
        return []
    source = Source(path, data)
    for document in source.documents(quiet=not root)[:1]:
        jobs = list(_tasks(source, document.get("tasks", ""), document.at("tasks")))
        if not jobs and not root:
            continue
        triggers = tuple(_triggers(document)) if root else (Trigger(line=document.line, kind="call"),)
        source.facts.append(
            Workflow(line=document.line, system="taskcluster", name="" if root else path, triggers=triggers, jobs=tuple(jobs))
        )
    return source.facts


def read_hook(path: str, data: bytes) -> Iterable[Fact]:
    """A hook's definition: one task, started by its schedule and by messages."""
    if b'"payload"' not in data and "taskcluster" not in path:
        return []
    source = Source(path, data)
    try:
        document = parse_json(data)
    except Unreadable as error:
        return [Problem(line=error.line, what=error.what)] if "taskcluster" in path else []
    if not isinstance(document, Map) or "payload" not in mapping(document.get("task")):
        return []
    triggers = [Trigger(line=line, kind="schedule", cron=cron) for cron, line in scalars(document.get("schedule"), document.at("schedule"))]
    triggers.extend(Trigger(line=line, kind="event") for _, line in items(document.get("bindings"), document.at("bindings")))
    jobs = tuple(_tasks(source, document["task"], document.at("task")))
    name = scalar(mapping(document.get("metadata")).get("name"))
    manual = Trigger(line=document.line, kind="manual")
    source.facts.append(Workflow(line=document.line, system="taskcluster", name=name, triggers=tuple(triggers) or (manual,), jobs=jobs))
    return source.facts


def read_kind(path: str, data: bytes) -> Iterable[Fact]:
    """A taskgraph kind, as one `Workflow` for each set of triggers that its tasks name.

    A task that names an empty set runs when another one needs it; to need one is to use the workflow of its kind.
    """
    source = Source(path, data)
    for document in source.documents()[:1]:
        kind = _Kind(
            mapping(document.get("task-defaults") or document.get("job-defaults")),
            tuple(text for text, _ in scalars(document.get("kind-dependencies"), 0)),
            any(text.startswith("taskgraph.transforms.docker_image") for text, _ in scalars(document.get("transforms"), 0)),
        )
        tasks = mapping(document.get("tasks") or document.get("jobs"))
        found: dict[tuple[str, ...], list[Job]] = defaultdict(list)
        for name, body in list(tasks.items())[:MAX_TASKS]:
            job = _kind_task(source, name, mapping(body), kind, tasks.at(name))
            found[_run_on(mapping(body), kind.defaults)].append(job)
        for triggers, jobs in found.items():
            if any(job.steps or job.image for job in jobs):
                line = jobs[0].line
                started_by = tuple(Trigger(line=line, kind=trigger) for trigger in triggers)
                source.facts.append(Workflow(line=line, system="taskcluster", name=path, triggers=started_by, jobs=tuple(jobs)))
    return source.facts


def _run_on(body: Map, defaults: Map) -> tuple[str, ...]:
    """The kinds of trigger that create a task of a taskgraph; all that change the code when it names none."""
    named = body.get("run-on-tasks-for", defaults.get("run-on-tasks-for"))
    projects = body.get("run-on-projects", defaults.get("run-on-projects"))
    if (isinstance(named, Sequence) and not named) or (isinstance(projects, Sequence) and not projects):
        return ("call",)
    kinds = {_KINDS.get(text, "pull_request" if "pull-request" in text else "") for text, _ in scalars(named, 0)} - {""}
    return tuple(sorted(kinds)) or ("pull_request", "push")


def _triggers(document: Map) -> Iterator[Trigger]:
    """The values of `tasks_for` that the file tells apart; without any, pushes and pull requests both create tasks."""
    found: dict[str, Trigger] = {}
    seen: set[str] = set()
    for _, text, line in flatten(document):
        if text in seen or "tasks_for" not in text:
            continue
        seen.add(text)
        for match in _TASKS_FOR.finditer(text[:2000]):
            for word in re.findall(r"[\w-]+", match[1]):
                kind = _KINDS.get(word) or ("pull_request" if word.startswith("github-pull-request") else "")
                if kind:
                    found.setdefault(kind, Trigger(line=line, kind=kind))
    yield from found.values() or (Trigger(line=document.line, kind=kind) for kind in ("push", "pull_request"))


def _tasks(source: Source, value: Value, line: int) -> Iterator[Job]:
    """Every task anywhere in a JSON-e value, both branches of each condition."""
    stack: list[tuple[Value, int, int, _Place]] = [(value, line, 0, _Place())]
    seen: set[int] = set()
    count = 0
    while stack and count < MAX_TASKS:
        item, at, depth, place = stack.pop()
        if isinstance(item, str) or depth > MAX_DEPTH or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Sequence):
            stack.extend(reversed([(child, child_line, depth + 1, place) for child, child_line in items(item, at)]))
        elif "command" in mapping(item.get("payload")):
            count += 1
            yield _task(source, item, at, place)
        else:
            stack.extend(reversed(list(_inner(source, item, depth + 1, place))))


def _inner(source: Source, operator: Map, depth: int, place: _Place) -> Iterator[tuple[Value, int, int, _Place]]:
    """The values inside a JSON-e operator, each with its surroundings."""
    if "$let" in operator:
        place = _Place(place.conditions, (*place.bound[-50:], *islice(mapping(operator["$let"]).items(), 200)), place.image)
    for key in ("$mergeDeep", "$merge"):
        for part, _ in source.items(operator.get(key), 0):
            name = scalar(part.get("$eval")) if isinstance(part, Map) else ""
            image = scalar(mapping(mapping(dict(place.bound).get(name)).get("payload")).get("image"))
            place = _Place(place.conditions, place.bound, image or place.image)
    condition = scalar(operator.get("$if"))
    for key, value in operator.items():
        inner = place
        if condition and key in ("then", "else"):
            text = condition if key == "then" else f"!({condition})"
            inner = _Place((*place.conditions, text), place.bound, place.image)
        if key != "$let" and (
            not key.startswith("$") or key in ("$mergeDeep", "$merge", "$flatten", "$flattenDeep", "$map", "$match", "$switch", "$default")
        ):
            yield value, operator.at(key), depth, inner


def _task(source: Source, task: Map, line: int, place: _Place) -> Job:
    payload = mapping(task.get("payload"))
    metadata = mapping(task.get("metadata"))
    image = payload.get("image", "")
    image_name = source.image(image, payload.at("image")) if isinstance(image, str) and image else "" if image else place.image
    name = scalar(metadata.get("name"))
    steps = (
        Step(
            line=payload.at("command"),
            commands=_commands(source, payload["command"], payload.at("command")),
            arguments=arguments_of(payload.get("env")),
        ),
    )
    return Job(
        line=line,
        id=_identity(task.get("taskId")) or scalar(task.get("ID")) or name or f"task at line {line}",
        name=name,
        needs=tuple(need for entry, _ in items(task.get("dependencies"), 0) if (need := _identity(entry))),
        steps=steps,
        image=image_name,
        condition=shortened(" && ".join(text[:500] for text in place.conditions)),
    )


def _identity(value: Value | None) -> str:
    """A task's id: `as_slugid("x")` is x."""
    text = scalar(value.get("$eval")) if isinstance(value, Map) else scalar(value)
    slug = _SLUG.search(text)
    return slug[1] if slug else text


def _commands(source: Source, value: Value, line: int) -> tuple[Command, ...]:
    """A command vector, or the vectors of a generic worker, or script lines."""
    if isinstance(value, Sequence) and value and all(isinstance(part, Sequence) for part in value):
        return tuple(command for vector, at in items(value, line) for command in _commands(source, vector, at))
    words = list(scalars(value, line))
    if len(words) > 2 and words[0][0] in _SHELLS and re.fullmatch(r"-\w*c\w*", words[-2][0]):
        return source.commands(*words[-1])
    if any(re.search(r"\s", text) for text, _ in words[:1]):
        return tuple(command for text, at in words for command in source.commands(text, at))
    return words_of([text for text, _ in words], words[0][1] if words else line)


def _kind_task(source: Source, name: str, body: Map, kind: _Kind, line: int) -> Job:
    defaults = kind.defaults
    run = mapping(body.get("run") or defaults.get("run"))
    worker = {**mapping(defaults.get("worker")), **mapping(body.get("worker"))}
    image = worker.get("docker-image", "")
    steps = tuple(
        Step(line=run.at(key), commands=_commands(source, run[key], run.at(key)), arguments=arguments_of(run))
        for key in ("command", "script", "exec")
        if run.get(key)
    )
    dependencies = body.get("dependencies", "")
    needs = tuple(text for text in (dependencies.values() if isinstance(dependencies, Map) else []) if isinstance(text, str))
    from_dependencies = "from-deps" in body or "from-deps" in defaults
    wanted = [other for other in kind.needed if "/" not in other and (from_dependencies or any(_is_of(other, need) for need in needs))]
    uses = tuple(Step(line=line, uses=f"../{other}/kind.yml") for other in wanted[:MAX_TASKS])
    if kind.builds_images:
        folder = posixpath.join(source.path.partition("taskcluster/")[0], "taskcluster/docker", scalar(body.get("definition")) or name)
        uses = (*uses, Step(line=line, uses="taskgraph.transforms.docker_image", arguments=(("folder", folder),)))
    return Job(
        line=line,
        id=name,
        name=scalar(body.get("description")),
        needs=needs,
        steps=(*steps, *uses),
        image=source.image(scalar(image), line),
    )


def _is_of(kind: str, label: str) -> bool:
    """Whether a task's label is one of a kind's: the kind, then the task's name."""
    return label == kind or label.startswith(kind + "-")


READINGS = (
    Reading(name="taskcluster", shows=PIPELINE, claims=Claims(_may_hold_tasks, ".yml", ".yaml"), read=read_tasks),
    Reading(name="taskcluster-hook", shows=PIPELINE, claims=named(r"[^/]*(?:taskcluster|hook)[^/]*\.json", ".json"), read=read_hook),
    Reading(
        name="taskcluster-kind",
        shows=PIPELINE,
        claims=Claims(lambda path: re.search(r"(?:^|/)taskcluster/", path) is not None, ".yml", ".yaml", holds="taskcluster/"),
        read=read_kind,
    ),
)
