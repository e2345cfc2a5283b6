"""GitLab CI: jobs with what they extend, the stages that order them, and the rules that start them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from rung.expressions import regex
from rung.readers.attributes import shortened
from rung.readers.documents import Map, Sequence, Value
from rung.readers.reading import PIPELINE, Claims, Reading
from rung.readers.workflows import (
    MAX_ITEMS,
    MAX_NESTING,
    Source,
    arguments_of,
    environment_of,
    is_true,
    is_yaml,
    local_path,
    mapping,
    named,
    scalar,
    scalars,
    strings,
)
from rung.records import Fact, Job, Step, Trigger, Workflow

_GLOBAL = frozenset({"default", "include", "stages", "types", "variables", "workflow", "image", "services", "cache", "spec"})
_MAX_KEYS = 200
"""Keys of a job, or of one of its mappings, that are merged when it is extended."""
_SCRIPTS = ("before_script", "script", "after_script")
_JOB_KEYS = frozenset(
    {"script", "run", "trigger", "extends", "stage", "rules", "only", "needs", "environment", "release", "pages", "image", "when"}
)
_SOURCES = {
    "push": "push",
    "merge_request_event": "pull_request",
    "external_pull_request_event": "pull_request",
    "schedule": "schedule",
    "web": "manual",
    "parent_pipeline": "call",
    "pipeline": "upstream",
    "trigger": "event",
    "api": "event",
    "chat": "event",
    "webide": "manual",
}
_REFS = {
    "branches": "push",
    "pushes": "push",
    "tags": "tag",
    "merge_requests": "pull_request",
    "external_pull_requests": "pull_request",
    "schedules": "schedule",
    "web": "manual",
    "pipelines": "upstream",
    "triggers": "event",
    "api": "event",
    "chat": "event",
}
_SOURCE_IS = regex(r"\$\{?CI_PIPELINE_SOURCE\}?[\"']?\s*(?:==|=~)\s*([^&\n]{1,200})")
_BRANCH_IS = regex(r"\$\{?CI_COMMIT_(?:BRANCH|REF_NAME)\}?[\"']?\s*(?:==|=~)\s*[\"']?([^\s\"'&|)]+)")
_HAS_BRANCH = regex(r"\$\{?CI_COMMIT_BRANCH\b\}?(?!\s*(?:==|!=|=~|!~))")
_HAS_TAG = regex(r"(?<!!)\$\{?CI_COMMIT_TAG\b\}?(?!\s*(?:==\s*(?:null|\"\"|'')|!~))")
_HAS_REQUEST = regex(r"\$\{?CI_MERGE_REQUEST_(?:ID|IID)\b\}?(?!\s*==\s*null)")


def _is_pipeline(path: str) -> bool:
    name = posixpath.basename(path)
    return is_yaml(path) and (
        name.endswith((".gitlab-ci.yml", ".gitlab-ci.yaml"))
        or re.search(r"(?:^|/)\.?gitlab(?:-ci)?/", path.rpartition("/")[0] + "/") is not None
    )


def read(path: str, data: bytes) -> Iterable[Fact]:
    """A pipeline file as a `Workflow`, with the files that it includes.

    Only a file named `.gitlab-ci.yml` starts by itself; another starts with the file that includes it, and by
    what its own rules name.
    """
    source = Source(path, data)
    top = Map(1)
    for document in source.documents(quiet=not _is_pipeline(source.path)):
        for key, value in document.items():
            top.put(key, value, document.at(key))
    pipeline = _Pipeline(source, top)
    if jobs := pipeline.jobs():
        own = posixpath.basename(source.path) in (".gitlab-ci.yml", ".gitlab-ci.yaml")
        source.facts.append(
            Workflow(
                line=1,
                system="gitlab-ci",
                name=scalar(mapping(top.get("workflow")).get("name")),
                triggers=pipeline.triggers(own),
                jobs=jobs,
            )
        )
    return source.facts


class _Pipeline:
    """One file's jobs, templates and defaults."""

    def __init__(self, source: Source, top: Map) -> None:
        self.source = source
        self.top = top
        self.resolved: dict[str, Map] = {}
        self.defaults = mapping(top.get("default"))

    def jobs(self) -> tuple[Job, ...]:
        found = list(self._includes(self.top.get("include"), self.top.at("include")))
        bodies = [(name, self.body(name)) for name in self._names()]
        stages = self._stage_needs(bodies)
        found.extend(self._job(name, body, stages) for name, body in bodies)
        return tuple(found)

    def triggers(self, own: bool) -> tuple[Trigger, ...]:
        """What starts the pipeline; `own` tells a file that starts by itself from one that is included."""
        found: dict[tuple[str, tuple[str, ...]], Trigger] = {}
        rules = mapping(self.top.get("workflow")).get("rules")
        entries = [mapping(self.top.get("workflow"))] if rules else [self.body(name) for name in self._names()]
        for body in entries:
            for trigger in self._triggers_of(body):
                if trigger.kind != "push" or trigger.branches or own:
                    found.setdefault((trigger.kind, trigger.branches), trigger)
        if ("push", ()) in found:
            found = {key: trigger for key, trigger in found.items() if key[0] != "push" or not key[1]}
        if not own:
            found.setdefault(("call", ()), Trigger(line=1, kind="call"))
        return tuple(found.values()) or (Trigger(line=1, kind="push"),)

    def body(self, name: str) -> Map:
        """A job with everything that it extends."""
        return self._extended(name, ())

    def _names(self) -> list[str]:
        return [
            name
            for name, body in self.top.items()
            if isinstance(body, Map) and name not in _GLOBAL and not name.startswith(".") and (name == "pages" or _JOB_KEYS & body.keys())
        ][:MAX_ITEMS]

    def _extended(self, name: str, under: tuple[str, ...]) -> Map:
        if name in self.resolved:
            return self.resolved[name]
        own = mapping(self.top.get(name))
        if name in under or len(under) >= MAX_NESTING:
            return own
        merged = Map(own.line)
        for parent in strings(own.get("extends"))[:MAX_NESTING]:
            _merge(merged, self._extended(parent, (*under, name)))
        _merge(merged, own)
        self.resolved[name] = merged
        return merged

    def _refer(self, value: Map) -> Value:
        """What `!reference [job, key, …]` points to."""
        path = strings(value.get("Fn::reference"))
        found: Value = self.body(path[0]) if path else ""
        for key in path[1:]:
            found = mapping(found).get(key, "")
        return found if isinstance(found, (str, Sequence)) else ""

    def _rules(self, body: Map) -> list[tuple[Map, int]]:
        rules: list[tuple[Map, int]] = []
        for rule, line in self.source.items(body.get("rules"), body.at("rules")):
            if isinstance(rule, Map) and "Fn::reference" in rule:
                rules.extend((mapping(inner), at) for inner, at in self.source.items(self._refer(rule), line))
            elif isinstance(rule, Sequence):
                rules.extend((mapping(inner), at) for inner, at in self.source.items(rule, line))
            else:
                rules.append((mapping(rule), line))
        return rules

    def _setting(self, body: Map, key: str) -> tuple[Value, int]:
        """A job's own value, the one of `default:`, or the top-level one."""
        for holder in (body, self.defaults, self.top):
            if key in holder and (holder is body or scalar(mapping(body.get("inherit")).get("default")) != "false"):
                return holder[key], holder.at(key)
        return "", 0

    def _stage_needs(self, bodies: list[tuple[str, Map]]) -> dict[str, tuple[str, ...]]:
        """For each stage the jobs of the nearest stage before it that has any: they have to end first."""
        stages = list(strings(self.top.get("stages") or self.top.get("types"))) or ["build", "test", "deploy"]
        members: dict[str, list[str]] = {}
        for name, body in bodies:
            members.setdefault(scalar(body.get("stage")) or "test", []).append(name)
        before: tuple[str, ...] = ()
        needs: dict[str, tuple[str, ...]] = {}
        for stage in [".pre", *(stage for stage in stages if stage not in (".pre", ".post")), ".post"]:
            needs[stage] = before
            before = tuple(members.get(stage, ())) or before
        return needs

    def _job(self, name: str, body: Map, stages: dict[str, tuple[str, ...]]) -> Job:
        rules = self._rules(body)
        running = [rule for rule, _ in rules if scalar(rule.get("when")) != "never"]
        manual = (
            scalar(body.get("when")) == "manual"
            if not running
            else all(scalar(rule.get("when") or body.get("when")) == "manual" for rule in running)
        )
        lenient = is_true(body.get("allow_failure")) or (bool(running) and all(is_true(rule.get("allow_failure")) for rule in running))
        image, image_line = ("", 0) if "trigger" in body else self._setting(body, "image")
        services, services_line = ("", 0) if "trigger" in body else self._setting(body, "services")
        for service, line in self.source.items(services, services_line):
            self.source.image(named(service), line)
        if "needs" in body:
            needs = tuple(named(need, "job") for need, _ in self.source.items(body["needs"], 0) if named(need, "job"))
        else:
            needs = stages.get(scalar(body.get("stage")) or "test", ())
        return Job(
            line=self.top.at(name),
            id=name,
            uses=self._child(body),
            needs=needs,
            steps=tuple(self._steps(body)),
            environment=named(body.get("environment")),
            image=self.source.image(named(image), image.at("name") if isinstance(image, Map) else image_line),
            condition=_condition(body, rules),
            continue_on_error=lenient,
            disabled=bool(rules) and not running,
            manual=manual,
            matrix="matrix" in mapping(body.get("parallel")),
        )

    def _steps(self, body: Map) -> Iterator[Step]:
        environment = environment_of(self.top, self.defaults, body, key="variables")
        for key in _SCRIPTS:
            value, line = self._setting(body, key) if key != "script" else (body.get(key, ""), body.at(key))
            commands = self.source.scripts(value, line, environment, self._refer)
            if commands and (key == "script" or "trigger" not in body):
                yield Step(line=line, name=key, commands=commands, continue_on_error=key == "after_script")
        for step, line in self.source.items(body.get("run"), body.at("run")):
            own = mapping(step)
            commands = self.source.commands(scalar(own.get("script")), own.at("script"), environment)
            yield Step(
                line=line,
                name=scalar(own.get("name")),
                uses=scalar(own.get("step")),
                commands=commands,
                arguments=arguments_of(own.get("inputs")),
            )
        for key in ("release", "pages"):
            if isinstance(body.get(key), Map):
                yield Step(line=body.at(key), uses=key, arguments=arguments_of(body[key]))

    def _child(self, body: Map) -> str:
        """What a `trigger:` job starts: a file of the repository, or another project's pipeline."""
        trigger = body.get("trigger", "")
        if isinstance(trigger, Map) and "include" in trigger:
            return next((job.uses for job in self._includes(trigger["include"], trigger.at("include"))), "")
        project = named(trigger, "project")
        return f"project:{project}" if project else ""

    def _includes(self, value: Value | None, line: int) -> Iterator[Job]:
        """A job for each included file, whose jobs it stands for; local files are noted to be read as well."""
        for entry, at in self.source.items(value, line):
            body = mapping(entry)
            if isinstance(entry, str):
                body.put("remote" if "://" in entry else "local", entry, at)
            for written in strings(body.get("local")):
                path = local_path("/" + written)
                self.source.include(path, at, "gitlab-ci")
                yield Job(line=at, id=written, uses=f"./{path or written.lstrip('/')}")
            for uses in _elsewhere(body):
                yield Job(line=at, id=uses, uses=uses)

    def _triggers_of(self, body: Map) -> Iterator[Trigger]:
        rules = self._rules(body)
        if rules:
            for rule, line in rules:
                if scalar(rule.get("when")) != "never":
                    paths = rule.get("changes")
                    yield from _from_condition(
                        scalar(rule.get("if")), line, strings(mapping(paths).get("paths") if isinstance(paths, Map) else paths)
                    )
            return
        only = body.get("only")
        references = only.get("refs") if isinstance(only, Map) else only
        branches: list[str] = []
        for text, line in scalars(references, body.at("only")):
            if kind := _REFS.get(text):
                yield Trigger(line=line, kind=kind)
            else:
                branches.append(text)
        if branches:
            yield Trigger(line=body.at("only"), kind="push", branches=tuple(branches))
        if not references:
            yield Trigger(line=body.line, kind="push", paths=strings(mapping(only).get("changes")))


def _merge(into: Map, source: Map) -> None:
    """GitLab's merge of an extended job, as deep as a job's own keys go: mappings add up, all else replaces."""
    for key, value in islice(source.items(), _MAX_KEYS):
        known = into.get(key)
        into.put(key, _united(known, value) if isinstance(known, Map) and isinstance(value, Map) else value, source.at(key))


def _united(first: Map, second: Map) -> Map:
    both = Map(second.line)
    for holder in (first, second):
        for key, value in islice(holder.items(), _MAX_KEYS):
            both.put(key, value, holder.at(key))
    return both


def _condition(body: Map, rules: list[tuple[Map, int]]) -> str:
    if rules:
        return shortened(
            " || ".join(scalar(rule["if"])[:500] for rule, _ in rules[:20] if rule.get("if") and scalar(rule.get("when")) != "never")
        )
    parts = []
    for key in ("only", "except"):
        value = body.get(key)
        for name, inner in value.items() if isinstance(value, Map) else [("refs", value)]:
            if texts := strings(inner):
                parts.append(f"{key} {name}: {', '.join(texts)}")
    return shortened("; ".join(parts))


def _from_condition(text: str, line: int, paths: tuple[str, ...]) -> Iterator[Trigger]:
    """The triggers under which a rule's `if` can hold, as far as it names them."""
    kinds: list[tuple[str, tuple[str, ...]]] = []
    for match in _SOURCE_IS.finditer(text):
        kinds.extend(
            (_SOURCES[word], ()) for word in re.findall(r"\w+", match[1].partition("||$")[0].partition("$")[0]) if word in _SOURCES
        )
    branches = tuple(match[1] for match in _BRANCH_IS.finditer(text))
    sources = {kind for kind, _ in kinds}
    if branches or _HAS_BRANCH.search(text):
        if "push" in sources:
            kinds = [(kind, branches if kind == "push" else ()) for kind, _ in kinds]
        elif not sources or "||" in text:
            kinds.append(("push", branches))
    if _HAS_TAG.search(text):
        kinds.append(("tag", ()))
    if _HAS_REQUEST.search(text) and "pull_request" not in sources:
        kinds.append(("pull_request", ()))
    for kind, names in kinds or [("push", ())]:
        yield Trigger(line=line, kind=kind, branches=names, paths=paths)


def _elsewhere(entry: Map) -> Iterator[str]:
    for kind in ("template", "remote", "component"):
        for text in strings(entry.get(kind)):
            yield f"{kind}:{text}"
    if project := scalar(entry.get("project")):
        for file in strings(entry.get("file")) or ("",):
            yield f"project:{project}:{file}".rstrip(":")
    if artifact := scalar(entry.get("artifact")):
        yield f"artifact:{artifact}"


READINGS = (Reading(name="gitlab-ci", shows=PIPELINE, claims=Claims(_is_pipeline, ".yml", ".yaml", holds="gitlab"), read=read),)
