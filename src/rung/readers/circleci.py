"""CircleCI: each workflow of a configuration with its jobs, commands expanded and parameters filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from rung.expressions import regex
from rung.readers.documents import Map, Sequence, Value
from rung.readers.reading import PIPELINE, Claims, Reading
from rung.readers.workflows import (
    MAX_ITEMS,
    MAX_NESTING,
    Source,
    arguments_of,
    at_directory,
    both,
    filters,
    is_false,
    mapping,
    named,
    scalar,
    scalars,
    strings,
)
from rung.records import Command, Fact, Job, Step, Trigger, Workflow

_PARAMETER = regex(r"<<\s*([\w.-]+)\s*>>")
_JOB_KEYS = frozenset({"requires", "filters", "context", "type", "name", "matrix", "pre-steps", "post-steps", "override-with"})


def read(path: str, data: bytes) -> Iterable[Fact]:
    """A configuration as one `Workflow` for each of its workflows; jobs that none uses stand in one that is only called."""
    source = Source(path, data)
    for document in source.documents()[:1]:
        if "jobs" in document or "workflows" in document:
            source.facts.extend(_Configuration(source, document).workflows())
    return source.facts


class _Configuration:
    def __init__(self, source: Source, document: Map) -> None:
        self.source = source
        self.document = document
        self.jobs = mapping(document.get("jobs"))
        self.commands = mapping(document.get("commands"))
        self.executors = mapping(document.get("executors"))
        self.orbs = mapping(document.get("orbs"))
        self.used: set[str] = set()

    def workflows(self) -> Iterator[Workflow]:
        flows = mapping(self.document.get("workflows"))
        found = False
        for name, body in islice(flows.items(), MAX_ITEMS):
            if isinstance(body, Map):
                found = True
                yield self._workflow(name, body, flows.at(name))
        rest = [key for key in self.jobs if key not in self.used][:MAX_ITEMS]
        if rest:
            call = Trigger(line=self.document.at("jobs"), kind="call" if found else "push")
            jobs = tuple(self._job(key, Map(self.jobs.at(key)), self.jobs.at(key)) for key in rest)
            yield Workflow(line=self.document.at("jobs"), system="circleci", triggers=(call,), jobs=jobs)

    def _workflow(self, name: str, body: Map, line: int) -> Workflow:
        entries: list[tuple[str, Map, int]] = []
        for entry, at in self.source.items(body.get("jobs"), body.at("jobs")):
            if isinstance(entry, Map):
                entries.extend((key, mapping(entry[key]), entry.at(key)) for key in list(entry)[:1])
            else:
                entries.append((scalar(entry), Map(at), at))
        jobs = tuple(self._job(key, options, at) for key, options, at in entries)
        triggers = tuple(self._triggers(body, [options for _, options, _ in entries], line))
        if is_false(body.get("when")):
            triggers = (Trigger(line=body.at("when"), kind="manual"),)
        return Workflow(line=line, system="circleci", name=name, triggers=triggers, jobs=jobs)

    def _triggers(self, body: Map, jobs: list[Map], line: int) -> Iterator[Trigger]:
        scheduled = False
        for entry, at in self.source.items(body.get("triggers"), body.at("triggers")):
            schedule = mapping(mapping(entry).get("schedule"))
            branches = mapping(mapping(schedule.get("filters")).get("branches"))
            scheduled = True
            cron = scalar(schedule.get("cron"))
            yield Trigger(line=at, kind="schedule", cron=cron, branches=filters(branches.get("only"), branches.get("ignore")))
        if scheduled:
            return
        condition = " ".join(text for value in (body.get("when"), body.get("unless")) for text in _texts(value))
        if "when" in body and re.search(r"scheduled_pipeline|pipeline\.schedule", condition):
            yield Trigger(line=body.at("when"), kind="schedule")
            return
        if "when" in body and "pipeline.parameters." in condition:
            yield Trigger(line=body.at("when"), kind="event")
            return
        kinds = [self._job_triggers(options) for options in jobs] or [(True, (), ())]
        if any(pushes for pushes, _, _ in kinds):
            everywhere = any(pushes and not branches for pushes, branches, _ in kinds)
            named_branches = tuple(dict.fromkeys(branch for _, branches, _ in kinds for branch in branches))
            yield Trigger(line=line, kind="push", branches=() if everywhere else named_branches)
        if tags := tuple(dict.fromkeys(tag for _, _, names in kinds for tag in names)):
            yield Trigger(line=line, kind="tag", branches=tags)

    def _job_triggers(self, options: Map) -> tuple[bool, tuple[str, ...], tuple[str, ...]]:
        """Whether a job runs on branches at all, on which, and on which tags."""
        conditions = mapping(options.get("filters"))
        branches, tags = conditions.get("branches", ""), conditions.get("tags", "")
        ignored = strings(branches.get("ignore")) if isinstance(branches, Map) else ()
        only = strings(branches.get("only")) if isinstance(branches, Map) else strings(branches)
        nowhere = any(pattern in ("/.*/", "/^.*$/", "/.+/") for pattern in ignored)
        return not nowhere, only + tuple("!" + name for name in ignored), strings(tags.get("only") if isinstance(tags, Map) else tags)

    def _job(self, key: str, options: Map, line: int) -> Job:
        self.used.add(key)
        body = mapping(self.jobs.get(key))
        values = _values(body, options)
        approval = "approval" in (scalar(options.get("type")), scalar(body.get("type")))
        steps = list(self._steps(options.get("pre-steps"), options.at("pre-steps"), {}, 0))
        directory = scalar(body.get("working_directory"))
        steps.extend(self._steps(body.get("steps"), body.at("steps"), values, 0, directory))
        steps.extend(self._steps(options.get("post-steps"), options.at("post-steps"), {}, 0))
        handed = Map(options.line)
        for name, value in options.items():
            if name not in _JOB_KEYS:
                handed.put(name, value, options.at(name))
        if not body and handed:
            steps.insert(
                0, Step(line=handed.line, name="parameters", arguments=arguments_of(handed), commands=self.source.argument_commands(handed))
            )
        return Job(
            line=line,
            id=scalar(options.get("name")) or key,
            name=key if "name" in options else "",
            uses="" if body or approval else key,
            needs=tuple(
                name
                for entry, _ in self.source.items(options.get("requires"), 0)
                for name in (list(entry)[:1] if isinstance(entry, Map) else [scalar(entry)])
            ),
            steps=tuple(steps),
            environment="approval" if approval else "",
            image=self._image(body, values),
            condition=_filter_text(options),
            manual=approval,
            matrix="matrix" in options,
        )

    def _image(self, body: Map, values: dict[str, str]) -> str:
        executor = mapping(self.executors.get(_filled(named(body.get("executor")), values)))
        for holder in (body, executor):
            images = [
                self.source.image(_filled(named(entry, "image"), values), entry.at("image") if isinstance(entry, Map) else line)
                for entry, line in self.source.items(holder.get("docker"), holder.at("docker"))
            ]
            if images:
                return images[0]
        return ""

    def _steps(self, value: Value | None, line: int, values: dict[str, str], depth: int, directory: str = "") -> Iterator[Step]:
        for entry, at in self.source.items(value, line):
            if depth > MAX_NESTING:
                return
            name = next(iter(entry), "") if isinstance(entry, Map) else scalar(entry)
            body = entry.get(name, "") if isinstance(entry, Map) else ""
            if name in ("when", "unless"):
                condition = f"{name} " + " ".join(_texts(mapping(body).get("condition")))
                for step in self._steps(mapping(body).get("steps"), at, values, depth + 1, directory):
                    yield _under(step, condition, is_false(mapping(body).get("condition")) and name == "when")
            elif name in self.commands:
                command = mapping(self.commands[name])
                yield from self._steps(
                    command.get("steps"), command.at("steps"), _values(command, _fill_map(mapping(body), values)), depth + 1, directory
                )
            elif name:
                yield self._step(name, body, entry.at(name) if isinstance(entry, Map) else at, values, directory)

    def _step(self, name: str, body: Value, line: int, values: dict[str, str], directory: str) -> Step:
        if name in ("run", "deploy"):
            text_line = body.at("command") if isinstance(body, Map) else line
            options = mapping(body)
            return Step(
                line=line,
                name=_filled(scalar(options.get("name")), values),
                commands=self._commands(named(body, "command"), text_line, values),
                arguments=at_directory(_filled(scalar(options.get("working_directory")), values) or directory),
                condition=scalar(options.get("when")),
            )
        handed = _fill_map(mapping(body), values)
        orb = scalar(self.orbs.get(name.partition("/")[0])) if "/" in name else ""
        arguments = arguments_of(handed) + ((("orb", orb),) if orb else ())
        return Step(line=line, uses=name, arguments=arguments, commands=self.source.argument_commands(handed))

    def _commands(self, text: str, line: int, values: dict[str, str]) -> tuple[Command, ...]:
        return self.source.commands(_filled(text, values), line)


def _values(body: Map, given: Map) -> dict[str, str]:
    """The parameters of a job or command: what is given, else the defaults."""
    values = {
        name: scalar(mapping(about).get("default"))
        for name, about in mapping(body.get("parameters")).items()
        if "default" in mapping(about)
    }
    values.update({name: value for name, value in given.items() if isinstance(value, str)})
    return values


def _filled(text: str, values: dict[str, str]) -> str:
    """A text with its `<< parameters.x >>` filled in; what is unknown becomes `${x}`, for `<<` is a here-document to a shell."""
    return _PARAMETER.sub(lambda m: values.get(m[1].removeprefix("parameters."), "${" + m[1] + "}"), text)


def _fill_map(body: Map, values: dict[str, str]) -> Map:
    filled = Map(body.line)
    for key, value in body.items():
        filled.put(key, _filled(value, values) if isinstance(value, str) else value, body.at(key))
    return filled


def _under(step: Step, condition: str, never: bool) -> Step:
    return replace(step, condition=both(condition, step.condition), disabled=step.disabled or never)


def _texts(value: Value | None) -> list[str]:
    """The words of a logic statement (`equal: [main, << pipeline.git.branch >>]`), bounded."""
    if isinstance(value, Map):
        return [text for key, inner in list(value.items())[:20] for text in (key, *(t for t, _ in scalars(inner, 0, _first_value)))]
    return list(strings(value))[:100]


def _first_value(value: Map) -> Value:
    return next((inner for inner in value.values() if isinstance(inner, (str, Sequence))), "")


def _filter_text(options: Map) -> str:
    return ", ".join(f"{key}: {text}" for key, text in arguments_of(options.get("filters")))


READINGS = (
    Reading(
        name="circleci",
        shows=PIPELINE,
        claims=Claims(lambda path: "/.circleci/" in "/" + path, ".yml", ".yaml", holds=".circleci/"),
        read=read,
    ),
)
