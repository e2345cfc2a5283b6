"""Smaller continuous-integration dialects: Bitbucket, Travis, AppVeyor, Buildkite, Drone, Woodpecker and GoCD."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from rung.expressions import regex
from rung.readers.documents import Map, Sequence, Value
from rung.readers.reading import PIPELINE, Claims, Reading, called
from rung.readers.workflows import (
    MAX_NESTING,
    Source,
    arguments_of,
    filters,
    is_true,
    items,
    mapping,
    named,
    scalar,
    scalars,
    strings,
)
from rung.records import Command, Fact, Job, Step, Trigger, Workflow

_BITBUCKET_KINDS = {"branches": "push", "pull-requests": "pull_request", "tags": "tag", "custom": "manual"}
_TRAVIS_PHASES = ("before_install", "install", "before_script", "script", "before_deploy", "after_deploy", "after_success", "after_script")
_ASSIGNED = regex(r"([A-Za-z_]\w{0,80})=(\"[^\"]{0,300}\"|'[^']{0,300}'|[^\s\"']{1,300})")
_TRAVIS_LENIENT = ("after_deploy", "after_success", "after_script")
_APPVEYOR_PHASES = (
    "init",
    "install",
    "before_build",
    "build_script",
    "after_build",
    "before_test",
    "test_script",
    "after_test",
    "deploy_script",
    "on_success",
)
_DRONE_KINDS = {
    "push": "push",
    "pull_request": "pull_request",
    "tag": "tag",
    "cron": "schedule",
    "promote": "manual",
    "rollback": "manual",
    "custom": "manual",
    "manual": "manual",
    "deployment": "manual",
    "release": "release",
}


def read_bitbucket(path: str, data: bytes) -> Iterable[Fact]:
    """Bitbucket Pipelines: one `Workflow` for each pipeline of the file."""
    source = Source(path, data)
    for document in source.documents()[:1]:
        pipelines = mapping(document.get("pipelines"))
        for key, value in pipelines.items():
            if isinstance(value, Map):
                for pattern, body in value.items():
                    names = () if key == "custom" else (pattern,)
                    trigger = Trigger(line=value.at(pattern), kind=_BITBUCKET_KINDS.get(key, "event"), branches=names)
                    source.facts.append(_bitbucket(source, document, f"{key}: {pattern}", body, trigger))
            elif isinstance(value, Sequence):
                trigger = Trigger(line=pipelines.at(key), kind="push")
                source.facts.append(_bitbucket(source, document, key, value, trigger))
    return source.facts


def _bitbucket(source: Source, document: Map, name: str, body: Value, trigger: Trigger) -> Workflow:
    jobs: list[Job] = []
    before: tuple[str, ...] = ()
    for entry, line in source.items(body, trigger.line):
        stage = mapping(mapping(entry).get("stage"))
        group = [
            replace(_bitbucket_job(source, document, step, at, stage), needs=before) for step, at in _bitbucket_steps(source, entry, line)
        ]
        if stage:
            group = [*_chained(group, before)]
        jobs.extend(group)
        before = tuple(job.id for job in group) or before
    return Workflow(line=trigger.line, system="bitbucket", name=name, triggers=(trigger,), jobs=tuple(jobs))


def _chained(jobs: list[Job], before: tuple[str, ...]) -> Iterator[Job]:
    """The steps of a stage run one after the other."""
    for job in jobs:
        yield replace(job, needs=before)
        before = (job.id,)


def _bitbucket_steps(source: Source, entry: Value, line: int) -> Iterator[tuple[Map, int]]:
    body = mapping(entry)
    if "step" in body:
        yield mapping(body["step"]), line
    for key in ("parallel", "stage"):
        group = body.get(key, "")
        for step, at in source.items(mapping(group).get("steps") if isinstance(group, Map) else group, line):
            yield mapping(mapping(step).get("step")), at


def _bitbucket_job(source: Source, document: Map, step: Map, line: int, stage: Map) -> Job:
    steps: list[Step] = []
    for key in ("script", "after-script"):
        for entry, at in source.items(step.get(key), step.at(key)):
            lenient = key == "after-script"
            if isinstance(entry, Map) and "pipe" in entry:
                arguments = arguments_of(entry.get("variables"))
                steps.append(
                    Step(
                        line=at, name=scalar(entry.get("name")), uses=scalar(entry["pipe"]), arguments=arguments, continue_on_error=lenient
                    )
                )
            elif commands := source.commands(scalar(entry), at):
                steps.append(Step(line=at, name=key, commands=commands, continue_on_error=lenient))
    holder = step if "image" in step else document
    image = source.image(named(holder.get("image")), holder.at("image"))
    return Job(
        line=line,
        id=scalar(step.get("name")) or f"step at line {line}",
        steps=tuple(steps),
        environment=scalar(step.get("deployment") or stage.get("deployment")),
        image=image,
        condition=", ".join(strings(mapping(mapping(step.get("condition")).get("changesets")).get("includePaths"))),
        manual="manual" in (scalar(step.get("trigger")), scalar(stage.get("trigger"))),
        continue_on_error=named(step.get("on-fail"), "strategy") == "ignore",
    )


def read_travis(path: str, data: bytes) -> Iterable[Fact]:
    """Travis CI: the top-level job and those of `jobs.include`."""
    source = Source(path, data)
    for document in source.documents()[:1]:
        matrix = mapping(document.get("jobs") or document.get("matrix"))
        jobs = [_travis_job(source, document, "build", document.line, document)] if _has_travis_work(document) or not matrix else []
        stage, current = "", [job.id for job in jobs]
        before: tuple[str, ...] = ()
        for index, (entry, line) in enumerate(source.items(matrix.get("include"), matrix.line)):
            body = mapping(entry)
            job = _travis_job(source, body, named(body.get("name")) or f"{named(body.get('stage')) or 'job'} {index + 1}", line, document)
            if (here := named(body.get("stage")) or stage) != stage:
                stage, before, current = here, tuple(current), []
            current.append(job.id)
            jobs.append(replace(job, needs=before))
        source.facts.append(Workflow(line=document.line, system="travis", triggers=tuple(_travis_triggers(document)), jobs=tuple(jobs)))
    return source.facts


def _has_travis_work(document: Map) -> bool:
    return any(document.get(key) for key in ("script", "deploy", "install"))


def _travis_triggers(document: Map) -> Iterator[Trigger]:
    condition = scalar(document.get("if"))
    line = document.at("if") if condition else document.line
    kinds = [
        kind
        for word, kind in (("push", "push"), ("pull_request", "pull_request"), ("cron", "schedule"), ("api", "event"))
        if _type_is(condition, word)
    ]
    branches = document.get("branches", "")
    names = filters(branches.get("only"), branches.get("except")) if isinstance(branches, Map) else strings(branches)
    for kind in kinds or ["push", "pull_request"]:
        yield Trigger(line=line, kind=kind, branches=names)


def _type_is(condition: str, word: str) -> bool:
    return re.search(rf"\btype\s*(?:=|==|IN|in)\s*\(?[\w, ]*\b{word}\b", condition) is not None


def _travis_environment(source: Source, holder: Map) -> Iterator[tuple[str, str]]:
    """What variables are or can be set to: `A=1 B=2`, a list of such lines, a mapping, or those of all jobs beside those of each."""
    env = holder.get("env")
    parts = [part for key in ("global", "jobs", "matrix") if (part := env.get(key))] if isinstance(env, Map) else []
    for part in parts or [env or ""]:
        for entry, _ in source.items(part, holder.at("env")):
            if isinstance(entry, Map):
                yield from ((name, scalar(value)) for name, value in entry.items())
            else:
                yield from ((found[1], found[2].strip("\"'")) for found in _ASSIGNED.finditer(scalar(entry)))


def _travis_job(source: Source, body: Map, name: str, line: int, document: Map) -> Job:
    steps: list[Step] = []
    own = tuple(_travis_environment(source, body))
    set_here = {name for name, _ in own}
    environment = (*own, *(pair for pair in _travis_environment(source, document) if pair[0] not in set_here))
    for phase in _TRAVIS_PHASES:
        holder = body if phase in body else document
        if commands := source.scripts(holder.get(phase), holder.at(phase), environment):
            steps.append(Step(line=holder.at(phase), name=phase, commands=commands, continue_on_error=phase in _TRAVIS_LENIENT))
    for entry, at in source.items(body.get("deploy"), body.at("deploy")):
        provider = named(entry, "provider")
        commands = source.scripts(mapping(entry).get("script"), mapping(entry).at("script"))
        condition = ", ".join(f"{key}: {text}" for key, text in arguments_of(mapping(entry).get("on")))
        steps.append(Step(line=at, uses=f"deploy:{provider}", arguments=arguments_of(entry), commands=commands, condition=condition))
    condition = scalar(body.get("if")) if body is not document else ""
    matrix = isinstance(body.get("python"), Sequence) or isinstance(body.get("env"), Sequence)
    return Job(line=line, id=name, steps=tuple(steps), condition=condition, matrix=matrix)


def read_appveyor(path: str, data: bytes) -> Iterable[Fact]:
    """AppVeyor: one job with a step for each phase."""
    source = Source(path, data)
    for document in source.documents()[:1]:
        steps = [
            Step(line=document.at(phase), name=phase, commands=commands)
            for phase in _APPVEYOR_PHASES
            if (commands := source.scripts(document.get(phase), document.at(phase), refer=_shell_text))
        ]
        for entry, at in items(document.get("deploy"), document.at("deploy")):
            if provider := named(entry, "provider"):
                steps.append(Step(line=at, uses=f"deploy:{provider}", arguments=arguments_of(entry)))
        branches = mapping(document.get("branches"))
        names = filters(branches.get("only"), branches.get("except"))
        triggers = tuple(Trigger(line=document.line, kind=kind, branches=names) for kind in ("push", "pull_request"))
        job = Job(line=document.line, id="build", steps=tuple(steps), matrix="matrix" in mapping(document.get("environment")))
        source.facts.append(Workflow(line=document.line, system="appveyor", triggers=triggers, jobs=(job,)))
    return source.facts


def _shell_text(entry: Map) -> Value:
    return next((entry[key] for key in ("sh", "ps", "pwsh", "cmd", "bash") if key in entry), "")


def read_buildkite(path: str, data: bytes) -> Iterable[Fact]:
    """Buildkite: a job for each command step; `wait` and `block` hold up what comes after."""
    source = Source(path, data)
    for document in source.documents()[:1]:
        if not isinstance(document.get("steps"), Sequence):
            continue
        jobs: list[Job] = []
        before: tuple[str, ...] = ()
        since: list[str] = []
        for entry, line in _buildkite_entries(source, document["steps"], document.at("steps"), 0):
            body = mapping(entry)
            if scalar(entry) in ("wait", "waiter") or "wait" in body:
                before, since = tuple(since) or before, []
                continue
            job = _buildkite_job(source, entry, body, line, before)
            jobs.append(job)
            since.append(job.id)
            if job.manual:
                before, since = tuple(since), [job.id]
        push = Trigger(line=document.line, kind="push")
        source.facts.append(Workflow(line=document.line, system="buildkite", name=path, triggers=(push,), jobs=tuple(jobs)))
    return source.facts


def _buildkite_entries(source: Source, value: Value, line: int, depth: int) -> Iterator[tuple[Value, int]]:
    for entry, at in source.items(value, line):
        if isinstance(entry, Map) and "group" in entry and depth < MAX_NESTING:
            yield from _buildkite_entries(source, entry.get("steps", ""), at, depth + 1)
        else:
            yield entry, at


def _buildkite_job(source: Source, entry: Value, body: Map, line: int, before: tuple[str, ...]) -> Job:
    held = scalar(entry) in ("block", "input") or "block" in body or "input" in body
    label = scalar(body.get("label") or body.get("name") or body.get("block") or body.get("input"))
    steps: list[Step] = []
    for plugin, at in source.items(body.get("plugins"), body.at("plugins")):
        for uses in plugin if isinstance(plugin, Map) else [scalar(plugin)]:
            options = mapping(plugin.get(uses)) if isinstance(plugin, Map) else Map()
            source.image(scalar(options.get("image")), options.at("image"))
            steps.append(Step(line=at, uses=uses, arguments=arguments_of(options)))
    key = "commands" if "commands" in body else "command"
    if commands := source.scripts(body.get(key), body.at(key)):
        steps.append(Step(line=body.at(key), name=label, commands=commands))
    if triggered := scalar(body.get("trigger")):
        steps.append(Step(line=body.at("trigger"), uses=f"pipeline:{triggered}"))
    own = tuple(named(need, "step") for need, _ in source.items(body.get("depends_on"), 0))
    return Job(
        line=line,
        id=scalar(body.get("key") or body.get("id")) or label or f"step at line {line}",
        name=label,
        needs=own if "depends_on" in body else before,
        steps=tuple(steps),
        environment="approval" if held else "",
        condition=scalar(body.get("if") or body.get("branches")),
        continue_on_error=is_true(body.get("soft_fail")),
        disabled=is_true(body.get("skip")),
        manual=held,
        matrix="matrix" in body,
    )


def read_drone(path: str, data: bytes) -> Iterable[Fact]:
    """Drone and Woodpecker: each document is a pipeline of steps in containers."""
    source = Source(path, data)
    system = "woodpecker" if "woodpecker" in path else "drone"
    for document in source.documents():
        steps = document.get("steps") or document.get("pipeline") or ""
        if scalar(document.get("kind")) not in ("", "pipeline") or not steps:
            continue
        name = scalar(document.get("name")) or posixpath.basename(path)
        trigger = document.get("trigger") or document.get("when") or ""
        job = Job(
            line=document.line,
            id=name,
            needs=strings(document.get("depends_on")),
            steps=tuple(_drone_step(source, step_name, body, line) for step_name, body, line in _drone_steps(steps, document.line)),
            matrix="matrix" in document,
        )
        triggers = tuple(_drone_triggers(trigger, document))
        source.facts.append(Workflow(line=document.line, system=system, name=name, triggers=triggers, jobs=(job,)))
    return source.facts


def _drone_steps(steps: Value, line: int) -> Iterator[tuple[str, Map, int]]:
    if isinstance(steps, Map):
        for name, body in steps.items():
            yield name, mapping(body), steps.at(name)
    else:
        for entry, at in items(steps, line):
            yield named(entry), mapping(entry), at


def _drone_step(source: Source, name: str, body: Map, line: int) -> Step:
    image = source.image(scalar(body.get("image")), body.at("image"))
    commands: tuple[Command, ...] = source.scripts(body.get("commands"), body.at("commands"))
    when = body.get("when", "")
    return Step(
        line=line,
        name=name,
        uses="" if commands else image,
        commands=commands,
        arguments=arguments_of(body.get("settings")),
        condition=", ".join(f"{key}: {text}" for key, text in arguments_of(when)),
        continue_on_error=scalar(body.get("failure")) == "ignore",
    )


def _drone_triggers(value: Value, document: Map) -> Iterator[Trigger]:
    found = False
    for entry, line in items(value, document.at("trigger")):
        options = mapping(entry)
        branch, event = options.get("branch", ""), options.get("event", "")
        branches = filters(branch.get("include"), branch.get("exclude")) if isinstance(branch, Map) else strings(branch)
        events = strings(event.get("include")) if isinstance(event, Map) else strings(event)
        for name in events or (("cron",) if "cron" in options else ("push",)):
            found = True
            yield Trigger(line=line, kind=_DRONE_KINDS.get(name, "event"), branches=branches)
    if not found:
        yield from (Trigger(line=document.line, kind=kind) for kind in ("push", "pull_request"))


def _is_drone(path: str) -> bool:
    name = posixpath.basename(path)
    return name in (".drone.yml", ".drone.yaml", ".woodpecker.yml", ".woodpecker.yaml") or "/.woodpecker/" in "/" + path


def read_gocd(path: str, data: bytes) -> Iterable[Fact]:
    """GoCD pipelines as code: stages one after the other, the jobs of each side by side."""
    source = Source(path, data)
    for document in source.documents():
        pipelines = mapping(document.get("pipelines"))
        for name, value in pipelines.items():
            jobs: list[Job] = []
            before: tuple[str, ...] = ()
            by_hand = False
            for entry, _ in source.items(mapping(value).get("stages"), pipelines.at(name)):
                for stage, options in mapping(entry).items():
                    held = named(mapping(options).get("approval"), "type") == "manual"
                    by_hand = by_hand or (held and not jobs)
                    group = [replace(job, needs=before, manual=held) for job in _gocd_jobs(source, stage, mapping(options))]
                    jobs.extend(group)
                    before = tuple(job.id for job in group) or before
            triggers = tuple(_gocd_triggers(mapping(value), pipelines.at(name), by_hand=by_hand))
            source.facts.append(Workflow(line=pipelines.at(name), system="gocd", name=name, triggers=triggers, jobs=tuple(jobs)))
    return source.facts


def _gocd_triggers(pipeline: Map, line: int, *, by_hand: bool) -> Iterator[Trigger]:
    """A timer fires whatever the materials do; a first stage that waits for approval leaves the rest to a person."""
    timer = mapping(pipeline.get("timer"))
    if timer:
        yield Trigger(line=pipeline.at("timer"), kind="schedule", cron=scalar(timer.get("spec")))
    if by_hand:
        yield Trigger(line=line, kind="manual")
        return
    materials = mapping(pipeline.get("materials"))
    for name, value in materials.items():
        body = mapping(value)
        kind = "upstream" if "pipeline" in body else "push"
        if scalar(body.get("auto_update")) != "false":
            yield Trigger(line=materials.at(name), kind=kind, branches=strings(body.get("branch")), paths=strings(body.get("includes")))


def _gocd_jobs(source: Source, stage: str, options: Map) -> Iterator[Job]:
    jobs = mapping(options.get("jobs"))
    if not jobs and "tasks" in options:
        yield Job(line=options.at("tasks"), id=stage, steps=tuple(_gocd_steps(source, options)))
    for name, value in jobs.items():
        if not source.spend():
            return
        steps = tuple(_gocd_steps(source, mapping(value)))
        yield Job(line=jobs.at(name), id=f"{stage}/{name}", name=name, steps=steps, matrix="run_instances" in mapping(value))


def _gocd_steps(source: Source, job: Map) -> Iterator[Step]:
    for entry, line in source.items(job.get("tasks"), job.at("tasks")):
        for kind, value in mapping(entry).items():
            body = mapping(value)
            condition = "failure()" if scalar(body.get("run_if")) == "failed" else ""
            if kind == "exec":
                yield Step(line=line, commands=_gocd_command(source, body), condition=condition)
            elif kind == "script":
                yield Step(line=line, commands=source.commands(scalar(value), mapping(entry).at(kind)))
            elif kind == "plugin":
                options = mapping(body.get("options"))
                commands = source.argument_commands(options)
                uses = "" if commands else scalar(mapping(body.get("configuration")).get("id"))
                yield Step(line=line, uses=uses, commands=commands, condition=condition)
            elif kind in ("rake", "ant", "nant"):
                yield Step(line=line, commands=source.commands(f"{kind} {scalar(body.get('target'))}".strip(), line), condition=condition)


def _gocd_command(source: Source, body: Map) -> tuple[Command, ...]:
    """The commands of a program with its arguments, or of the script that is handed to a shell."""
    program = scalar(body.get("command"))
    words = list(scalars(body.get("arguments"), body.at("arguments")))
    if posixpath.basename(program) in ("sh", "bash", "zsh") and len(words) > 1 and re.fullmatch(r"-\w*c", words[0][0]):
        return source.commands(*words[1])
    return source.commands(shlex.join((program, *(word for word, _ in words))), body.at("command"))


READINGS = (
    Reading(
        name="gocd", shows=PIPELINE, claims=Claims(lambda path: path.endswith((".gocd.yaml", ".gocd.yml")), ".yml", ".yaml"), read=read_gocd
    ),
    Reading(name="bitbucket", shows=PIPELINE, claims=called("bitbucket-pipelines.yml", "bitbucket-pipelines.yaml"), read=read_bitbucket),
    Reading(name="travis", shows=PIPELINE, claims=called(".travis.yml", ".travis.yaml"), read=read_travis),
    Reading(
        name="appveyor",
        shows=PIPELINE,
        claims=called("appveyor.yml", ".appveyor.yml", "appveyor.yaml", ".appveyor.yaml"),
        read=read_appveyor,
    ),
    Reading(
        name="buildkite",
        shows=PIPELINE,
        claims=Claims(lambda path: "/.buildkite/" in "/" + path, ".yml", ".yaml", holds=".buildkite/"),
        read=read_buildkite,
    ),
    Reading(name="drone", shows=PIPELINE, claims=Claims(_is_drone, ".yml", ".yaml"), read=read_drone),
)
