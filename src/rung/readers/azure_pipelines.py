"""Azure Pipelines: stages, jobs, deployments and steps, with the templates that they are made of."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from rung.expressions import regex
from rung.readers.documents import Map, Sequence, Value
from rung.readers.reading import PIPELINE, Claims, Reading
from rung.readers.shell import split
from rung.readers.workflows import (
    MAX_NESTING,
    Source,
    arguments_of,
    at_directory,
    both,
    filters,
    is_false,
    is_true,
    items,
    local_path,
    mapping,
    named,
    scalar,
    strings,
)
from rung.records import Command, Fact, Job, Step, Trigger, Workflow

_NAMED = regex(r"(?:^|/)(?:\.?azure-pipelines?[^/]*|\.(?:azuredevops|azure-pipelines|azdo|ado|vsts)/.+)$", re.IGNORECASE)
_LIKELY = ("pipeline", "azure", "devops", "/ado/", "/.ado/", "/vsts/", "/.vsts/", "/azdo/", "/.azdo/")
"""What a slash and a path that may be a pipeline's hold."""
_OTHERS = regex(r"(?:^|/)(?:\.github|\.circleci|\.gitlab|\.buildkite|\.tekton)/|bitbucket-pipelines|\.gitlab-ci")
_SHAPE = regex(rb"\n[\"']?(?:steps|jobs|stages|extends)[\"']?[ \t]*+:")
"""What a pipeline's file holds: one of these keys at its root, or one that an expression stands around."""
_SHELLS = ("script", "bash", "pwsh", "powershell")
_PACKAGED = ("checkout", "download", "publish", "downloadBuild", "getPackage", "reviewApp")
_STEP_KEYS = frozenset({"task", "template", *_SHELLS, *_PACKAGED})
_SCRIPT_TASK = regex(r"bash|shell|batch|cmdline|azurecli|pythonscript", re.IGNORECASE)
_FILE_INPUTS = ("filePath", "scriptPath", "filename", "scriptFile")
_ROOT_KEYS = frozenset({"trigger", "pr", "schedules"})
_PHASES = ("preDeploy", "deploy", "routeTraffic", "postRouteTraffic")
_MACRO = regex(r"\$\(([\w.-]+)\)")
_APPROVAL = regex(r"manual(?:validation|intervention)@", re.IGNORECASE)


class _Item(Struct, frozen=True):
    """An entry of a stages, jobs or steps list, with the `${{ if … }}` that it stands under."""

    body: Map
    line: int
    condition: str = ""


class _Stage(Struct, frozen=True):
    """What a job takes from the stage around it."""

    name: str = ""
    needs: tuple[str, ...] = ()
    condition: str = ""
    disabled: bool = False
    manual: bool = False


def _may_be_pipeline(path: str) -> bool:
    lowered = "/" + path.lower()
    return any(text in lowered for text in _LIKELY) and not _OTHERS.search(path)


def read(path: str, data: bytes) -> Iterable[Fact]:
    """A pipeline or template as a `Workflow`, with the local templates that it uses.

    Many files have `pipeline` in their path; one that has not the shape of an Azure pipeline gives nothing.
    """
    if not (b"${{" in data or data.lstrip()[:1] == b"{" or _SHAPE.search(b"\n" + data)):
        return []
    source = Source(path, data)
    documents = source.documents(quiet=not _NAMED.search(path))
    document = _flat(source, documents[0]) if documents else Map()
    if _has_shape(source, document):
        source.facts.append(
            Workflow(
                line=document.line,
                system="azure-pipelines",
                name=scalar(document.get("name")) or posixpath.basename(source.path),
                triggers=tuple(_triggers(document, source.path)),
                jobs=tuple(_Reader(source, document).jobs()),
            )
        )
    return source.facts


def _flat(source: Source, body: Map, depth: int = 0) -> Map:
    """A mapping with the keys that stand under its `${{ if … }}:` keys taken up into it."""
    if depth > MAX_NESTING or not any(key.startswith("${{") for key in body):
        return body
    flat = Map(body.line)
    for key, value in body.items():
        if key.startswith("${{") and isinstance(value, Map) and source.spend():
            inner = _flat(source, value, depth + 1)
            for name, child in inner.items():
                flat.put(name, child, inner.at(name))
        else:
            flat.put(key, value, body.at(key))
    return flat


def _unfolded(source: Source, value: Value | None, line: int, condition: str = "", depth: int = 0) -> Iterator[_Item]:
    """The entries of a list, those under `- ${{ if … }}:` and `- ${{ each … }}:` with the expression."""
    for entry, at in source.items(value, line):
        if not isinstance(entry, Map):
            continue
        expressions = [key for key in entry if key.startswith("${{")]
        for key in expressions:
            if isinstance(entry[key], Sequence) and depth < MAX_NESTING:
                text = key.strip("${} ").removeprefix("if ")
                yield from _unfolded(source, entry[key], entry.at(key), both(condition, text), depth + 1)
        if len(expressions) < len(entry) or any(isinstance(entry[key], Map) for key in expressions):
            yield _Item(_flat(source, entry), at, condition)


def _has_shape(source: Source, document: Map) -> bool:
    """Whether the lists of the file are those of an Azure pipeline; many dialects say `jobs` and `steps`."""
    if "template" in mapping(document.get("extends")):
        return True
    for key, names in (("stages", {"stage", "template"}), ("jobs", {"job", "deployment", "template"}), ("steps", _STEP_KEYS)):
        entries = document.get(key)
        bodies = [item.body.keys() for item in _unfolded(source, entries, 0)] if isinstance(entries, Sequence) else []
        if any(names & body for body in bodies):
            return not any(body & {"uses", "run"} for body in bodies)
    return False


def _triggers(document: Map, path: str) -> Iterator[Trigger]:
    """What starts the file; a template is started by others only, and a pipeline without `trigger` by every push."""
    resources = mapping(document.get("resources"))
    upstream = list(_resource_triggers(resources))
    canonical = re.fullmatch(r"azure-pipelines?\.ya?ml", posixpath.basename(path)) is not None
    if not (_ROOT_KEYS & document.keys() or upstream):
        content = document.keys() - {"stages", "jobs", "steps", "variables"}
        if not canonical and ("parameters" in content or not content):
            yield Trigger(line=document.line, kind="call")
            return
    found = [*_branch_triggers(document, "trigger", "push"), *_branch_triggers(document, "pr", "pull_request"), *upstream]
    for entry, line in items(document.get("schedules"), document.at("schedules")):
        branches = mapping(mapping(entry).get("branches"))
        cron = named(entry, "cron")
        found.append(Trigger(line=line, kind="schedule", cron=cron, branches=filters(branches.get("include"), branches.get("exclude"))))
    if "trigger" not in document:
        found.insert(0, Trigger(line=document.line, kind="push"))
    yield from found or [Trigger(line=document.at("trigger"), kind="manual")]


def _branch_triggers(document: Map, key: str, kind: str) -> Iterator[Trigger]:
    value, line = document.get(key, "none"), document.at(key)
    if not isinstance(value, Map):
        branches = strings(value)
        if branches and branches != ("none",):
            yield Trigger(line=line, kind=kind, branches=branches)
        return
    if is_false(value.get("enabled")):
        return
    branches, paths, tags = (_pair(value.get(name)) for name in ("branches", "paths", "tags"))
    if branches or not tags:
        yield Trigger(line=line, kind=kind, branches=branches, paths=paths)
    if tags:
        yield Trigger(line=value.at("tags"), kind="tag", branches=tags, paths=paths)


def _pair(value: Value | None) -> tuple[str, ...]:
    """Patterns under `include` and `exclude`, or a plain list of them."""
    return filters(value.get("include"), value.get("exclude")) if isinstance(value, Map) else strings(value)


def _resource_triggers(resources: Map) -> Iterator[Trigger]:
    for key, kind in (
        ("pipelines", "upstream"),
        ("containers", "event"),
        ("packages", "event"),
        ("repositories", "event"),
        ("webhooks", "event"),
    ):
        for entry, line in items(resources.get(key), resources.at(key)):
            trigger = mapping(entry).get("trigger", "")
            if key == "webhooks" or (
                trigger and not is_false(trigger) and trigger != "none" and not is_false(mapping(trigger).get("enabled"))
            ):
                branches = _pair(mapping(trigger).get("branches")) if isinstance(trigger, Map) else ()
                yield Trigger(line=mapping(entry).at("trigger") if trigger else line, kind=kind, branches=branches)


class _Reader:
    """One file: its jobs, and the templates they are taken from."""

    def __init__(self, source: Source, document: Map) -> None:
        self.source = source
        self.document = document
        self.directory = posixpath.dirname(source.path)
        self.containers: dict[str, str] = {}
        resources = mapping(document.get("resources"))
        for entry, line in items(resources.get("containers"), resources.at("containers")):
            self.containers[named(entry, "container")] = source.image(named(entry, "image"), mapping(entry).at("image") or line)

    def jobs(self) -> Iterator[Job]:
        document = self.document
        if "extends" in document:
            extends = mapping(document["extends"])
            yield self._template_job(_Item(extends, document.at("extends")), _Stage())
            document = _with_parameters(document, mapping(extends.get("parameters")))
        yield from self._stages(document)
        yield from self._jobs(document.get("jobs"), document.at("jobs"), _Stage())
        if "steps" in document:
            steps = tuple(self._steps(document.get("steps"), document.at("steps")))
            yield Job(line=document.at("steps"), id="steps", steps=steps, image=self._image(document))

    def _stages(self, document: Map) -> Iterator[Job]:
        members: dict[str, tuple[str, ...]] = {}
        previous: tuple[str, ...] = ()
        for item in _unfolded(self.source, document.get("stages"), document.at("stages")):
            body = item.body
            names = strings(body.get("dependsOn"))
            needs = tuple(job for name in names for job in members.get(name, ())) if "dependsOn" in body else previous
            condition = both(item.condition, scalar(body.get("condition")))
            name = scalar(body.get("stage"))
            stage = _Stage(name, needs, condition, is_false(body.get("condition")), scalar(body.get("trigger")) == "manual")
            if "template" in body:
                jobs = [self._template_job(item, stage)]
            else:
                jobs = list(self._jobs(body.get("jobs"), body.at("jobs"), stage))
                if "steps" in body:
                    steps = tuple(self._steps(body.get("steps"), body.at("steps")))
                    jobs.append(self._placed(Job(line=item.line, id=name or "steps", steps=steps), stage))
            previous = tuple(job.id for job in jobs) or previous
            members[name] = previous
            yield from jobs

    def _jobs(self, value: Value | None, line: int, stage: _Stage) -> Iterator[Job]:
        for item in _unfolded(self.source, value, line):
            yield self._template_job(item, stage) if "template" in item.body else self._job(item, stage)

    def _job(self, item: _Item, stage: _Stage) -> Job:
        body = item.body
        name = scalar(body.get("job") or body.get("deployment")) or "job"
        steps = tuple(self._job_steps(body))
        approval = any(_APPROVAL.search(step.uses) for step in steps)
        job = Job(
            line=item.line,
            id=name,
            name=scalar(body.get("displayName")),
            needs=strings(body.get("dependsOn")),
            steps=steps,
            environment=named(body.get("environment")) or ("approval" if approval else ""),
            image=self._image(body),
            condition=both(item.condition, scalar(body.get("condition"))),
            continue_on_error=is_true(body.get("continueOnError")),
            disabled=is_false(body.get("condition")),
            manual=approval,
            matrix="matrix" in mapping(body.get("strategy")),
        )
        return self._placed(job, stage)

    def _placed(self, job: Job, stage: _Stage) -> Job:
        """A job as its stage makes it: its id is `stage.job`, and the stage's needs and condition are its own."""
        prefix = f"{stage.name}." if stage.name else ""
        return replace(
            job,
            id=job.id if job.id == stage.name else prefix + job.id,
            needs=tuple(prefix + need for need in job.needs) + stage.needs,
            condition=both(stage.condition, job.condition),
            disabled=job.disabled or stage.disabled,
            manual=job.manual or stage.manual,
        )

    def _template_job(self, item: _Item, stage: _Stage) -> Job:
        uses = self._template(item)
        parameters = mapping(item.body.get("parameters"))
        handed = Step(
            line=item.body.at("parameters"),
            name="parameters",
            arguments=arguments_of(parameters),
            commands=self._argument_commands(parameters),
        )
        job = Job(
            line=item.line,
            id=posixpath.splitext(posixpath.basename(uses.partition("@")[0]))[0],
            uses=uses,
            condition=item.condition,
            steps=(handed,) if parameters else (),
        )
        return self._placed(job, stage)

    def _template(self, item: _Item) -> str:
        """A template's path from the root with `./` before it, or as written when it is not a file of this repository."""
        written = scalar(item.body.get("template"))
        path, _, repository = written.partition("@")
        local = local_path(path, self.directory) if repository in ("", "self") else ""
        self.source.include(local, item.body.at("template"), "azure-pipelines")
        return f"./{local}" if local else written

    def _job_steps(self, body: Map) -> Iterator[Step]:
        yield from self._steps(body.get("steps"), body.at("steps"))
        strategy = mapping(body.get("strategy"))
        for kind in ("runOnce", "canary", "rolling"):
            if kind not in strategy:
                continue
            phases = mapping(strategy[kind])
            settings = Map(phases.line)
            for key, value in phases.items():
                if key not in (*_PHASES, "on"):
                    settings.put(key, value, phases.at(key))
            yield Step(line=strategy.at(kind), name=f"strategy: {kind}", arguments=arguments_of(settings))
            outcomes = mapping(phases.get("on"))
            for holder, names in ((phases, _PHASES), (outcomes, ("success", "failure"))):
                for name in names:
                    phase = mapping(holder.get(name))
                    for step in self._steps(phase.get("steps"), phase.at("steps")):
                        yield replace(step, condition=both(step.condition, f"on {name}")) if holder is outcomes else step

    def _steps(self, value: Value | None, line: int) -> Iterator[Step]:
        for item in _unfolded(self.source, value, line):
            yield self._step(item)

    def _step(self, item: _Item) -> Step:
        body = item.body
        inputs = mapping(body.get("inputs")) or mapping(body.get("parameters"))
        directory = scalar(body.get("workingDirectory") or inputs.get("workingDirectory"))
        uses, commands = "", self._argument_commands(inputs)
        arguments = arguments_of(inputs)
        shell = next((key for key in _SHELLS if key in body), "")
        if shell:
            commands = self._commands(scalar(body[shell]), body.at(shell))
        elif "template" in body:
            uses = self._template(item)
        elif "task" in body:
            uses = scalar(body["task"])
            commands = self._task_commands(uses, inputs)
        elif packaged := next((key for key in _PACKAGED if key in body), ""):
            uses = packaged
            arguments = tuple((key, text) for key, text in arguments_of(body) if key not in ("displayName", "condition", "continueOnError"))
        return Step(
            line=item.line,
            name=scalar(body.get("displayName") or body.get("name")),
            uses=uses,
            commands=commands,
            arguments=arguments + at_directory(directory),
            condition=both(item.condition, scalar(body.get("condition"))),
            continue_on_error=is_true(body.get("continueOnError")),
            disabled=is_false(body.get("condition")) or is_false(body.get("enabled")),
        )

    def _task_commands(self, task: str, inputs: Map) -> tuple[Command, ...]:
        """The commands of a task: an inline script, or the script file that it is pointed to."""
        if not _SCRIPT_TASK.search(task):
            return self._argument_commands(inputs)
        where = (scalar(inputs.get("targetType")) + scalar(inputs.get("scriptLocation") or inputs.get("scriptSource"))).lower()
        file_input = next((key for key in _FILE_INPUTS if inputs.get(key)), "")
        if file_input and "inline" not in where:
            program = "python " if task.lower().startswith("pythonscript") else ""
            file_and_arguments = f"{program}{scalar(inputs[file_input]).strip()} {scalar(inputs.get('arguments'))}"
            found = split(_MACRO.sub(r"${\1}", file_and_arguments.replace("\n", " ")), inputs.at(file_input))
            return tuple(replace(command, line=inputs.at(file_input)) for command in found)
        in_python = task.lower().startswith("pythonscript")
        return tuple(
            command
            for key in ("script", "inlineScript", "Inline")
            for command in self._commands(scalar(inputs.get(key)), inputs.at(key), in_python=in_python)
        )

    def _commands(self, text: str, line: int, *, in_python: bool = False) -> tuple[Command, ...]:
        """Commands of a script in which `$(name)` is Azure's macro and no command of the shell."""
        return self.source.commands(_MACRO.sub(r"${\1}", text), line, in_python=in_python)

    def _argument_commands(self, arguments: Map) -> tuple[Command, ...]:
        plain = Map(arguments.line)
        for key, value in arguments.items():
            plain.put(key, _MACRO.sub(r"${\1}", value) if isinstance(value, str) else value, arguments.at(key))
        return self.source.argument_commands(plain)

    def _image(self, body: Map) -> str:
        container = body.get("container", "")
        name = named(container, "image")
        if name in self.containers:
            return self.containers[name]
        line = container.at("image") if isinstance(container, Map) else body.at("container")
        return self.source.image(name, line)


def _with_parameters(document: Map, parameters: Map) -> Map:
    """The lists that a pipeline hands to the template it extends, beside its own."""
    both = Map(document.line)
    for holder in (parameters, document):
        for key, value in holder.items():
            both.put(key, value, holder.at(key))
    return both


READINGS = (Reading(name="azure-pipelines", shows=PIPELINE, claims=Claims(_may_be_pipeline, ".yml", ".yaml"), read=read),)
