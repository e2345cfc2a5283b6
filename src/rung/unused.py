"""Infrastructure that is never provisioned: modules and roles beside those in use that nothing uses, and what is switched off by default.

Bicep, in which a module is one file that is named by its path. Said only of a file in a folder from which another one is
taken, and which no module, command or file of parameters names: a file that is deployed by itself and a collection that is
made for others stay what they are.

Terraform, in which a module is a folder. Said only of one below a folder called `modules`, where other folders declare
resources of their own, and which no module takes and no command names: a repository of nothing but modules is made for others.

Ansible, in which a role is a folder. Said only where a playbook plays another role of the repository, no task names a role by a variable,
and the repository is no collection, which is made for others.

Switched off is what a variable of Terraform decides (`count = var.create ? 1 : 0`) whose default is false, and which no caller of the
module, file of values or command sets; and what stands in a Helm chart's template behind an `if .Values.autoscaling.enabled` that the chart's own
values say to be false, and no other values, resource or command of the repository to be true.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from rung.expressions import regex
from rung.records import SWITCHES, Resource, Role, SourceFile, Task, Workflow
from rung.tree import all_commands

_TERRAFORM = (".tf", ".tofu", ".tfvars")
_MODULE_SWITCHES = ("create", "enabled", "enable", "create_resources")
"""What modules call the variable that decides on all that they hold."""
_SWITCHED = regex(r"var\.(\w+)(?: == true)? \? (?!0 |false |\[\] |\{\} ).{1,200} : (?:0|\[\]|\{\}|toset\(\[\]\))")
_WORD = regex(r"\w+")
_BY_VALUES = regex(r"\(?\$?\.Values\.((?:\w+\.){0,5}\w+)\)?((?:\.\w+)?)")
"""A condition of a chart's template that is nothing but one of its values."""
_TEMPLATES = "templates"
_MAX_NESTING = 12
"""Modules within modules."""
_ROLE = regex(r"((?:.*/)?roles/(?:[^/]+/){1,3}?)(?:tasks|handlers|meta|defaults|vars|templates|files)/.*", re.DOTALL)
"""A file of a role of Ansible, and the role's folder."""
_PLAYED = regex(r"\{\}/(?:\.\./|\./|roles/)*(.+)/tasks/[^/]+")
"""A role as the tasks that play it name it."""
_SET_ASIDE = regex(r"(?:.*[-_./])?(?:legacy|old|deprecated|obsolete|archived)(?:[-_.][^/]*)?", re.DOTALL)
"""A playbook that another one took the place of."""
_SUFFIX = ".bicep"
_ROOTS = frozenset({"main.bicep", "deploy.bicep", "azuredeploy.bicep"})
"""Names of files that are deployed by themselves."""


class _Terraform:
    """The modules of Terraform of a target, with the switches that decide what of them exists."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self.resources: dict[str, list[tuple[str, Resource]]] = defaultdict(list)
        """By folder, with the paths of their files."""
        self._off: set[tuple[str, str]] = set()
        """Folders and their variables whose default is false."""
        self._on: set[str] = set()
        """Variables that a file of values sets."""
        self._callers: dict[str, list[tuple[str, Resource]]] = defaultdict(list)
        """By folder of a module, the folders and blocks that take it."""
        for file in files:
            folder = posixpath.dirname(file.path)
            for fact in file.facts if file.path.endswith(_TERRAFORM) else ():
                if not isinstance(fact, Resource):
                    continue
                attributes = dict(fact.attributes)
                if fact.dialect == SWITCHES:
                    if fact.type == "default" and attributes["value"] == "false":
                        self._off.add((folder, fact.name))
                    elif fact.type == "value" and attributes["value"] == "true":
                        self._on.add(fact.name)
                    continue
                self.resources[folder].append((file.path, fact))
                if fact.type == "module" and attributes.get("source", "").startswith("."):
                    self._callers[posixpath.normpath(posixpath.join(folder, attributes["source"]))].append((folder, fact))

    def off(self) -> Iterator[tuple[str, int]]:
        """Files and lines of what does not exist by default."""
        if self._off:
            for folder, resources in self.resources.items():
                gone = self._is_off_itself(folder, 0)
                for path, resource in resources:
                    if gone or self._is_off(folder, resource, 0):
                        yield path, resource.line

    def variables(self) -> AbstractSet[str]:
        """The names of the variables whose default is false."""
        return {name for _, name in self._off}

    def set(self, names: AbstractSet[str]) -> None:
        """Takes note of variables that are set by something else."""
        self._on |= names

    def _is_off_itself(self, folder: str, depth: int) -> bool:
        """Whether all that take the folder as a module are off."""
        callers = self._callers.get(folder, ())
        return (
            bool(callers)
            and depth < _MAX_NESTING
            and all(self._is_off(caller, block, depth + 1) or self._is_off_itself(caller, depth + 1) for caller, block in callers)
        )

    def _is_off(self, folder: str, resource: Resource, depth: int) -> bool:
        switch = _SWITCHED.fullmatch(resource.conditional)
        if switch is not None and self._is_false(folder, switch[1], depth):
            return True
        given = dict(resource.attributes) if resource.type == "module" else {}
        return any(self._is_given_false(folder, given[name], depth) for name in _MODULE_SWITCHES if name in given)

    def _is_given_false(self, folder: str, value: str, depth: int) -> bool:
        """Whether what a caller hands over is false."""
        return value == "false" or (value.startswith("var.") and self._is_false(folder, value.removeprefix("var."), depth))

    def _is_false(self, folder: str, name: str, depth: int) -> bool:
        """Whether a variable is false wherever its folder is used."""
        is_default, callers = (folder, name) in self._off, self._callers.get(folder, ())
        if depth >= _MAX_NESTING or name in self._on or not (is_default or callers):
            return False
        values = ((caller, dict(block.attributes).get(name, "false" if is_default else "")) for caller, block in callers)
        return all(self._is_given_false(caller, value, depth + 1) for caller, value in values)


def switched_off(files: Sequence[SourceFile]) -> frozenset[tuple[str, int]]:
    """Files and lines of resources of Terraform that do not exist unless somebody sets a variable."""
    known = _Terraform(files)
    off = set(_off_in_charts(files))
    if names := known.variables():
        said = set(_WORD.findall("\n".join(_said(files))))
        known.set({name for name in names if name in said or f"TF_VAR_{name}" in said})
        off.update(known.off())
    return frozenset(off)


def _off_in_charts(files: Sequence[SourceFile]) -> Iterator[tuple[str, int]]:
    """Files and lines of what a chart's template makes only if a value is true that nothing sets so."""
    charts: dict[str, set[str]] = defaultdict(set)
    """Folders of charts, with the switches that their values have off."""
    on: set[tuple[str, str]] = set()
    """Switches that values have on, with the folder of the chart whose own values they are, if any."""
    for file in files:
        for fact in file.facts if file.path.endswith((".yaml", ".yml")) else ():
            if isinstance(fact, Resource) and fact.dialect == SWITCHES:
                folder, name = posixpath.split(file.path)
                of_chart = name in ("values.yaml", "values.yml")
                if fact.type == "value":
                    on.add((folder if of_chart else "", fact.name))
                elif of_chart:
                    charts[folder].add(fact.name)
    found = [
        (file.path, fact.line, chart, off)
        for file in files
        if charts and (chart := _chart_of(file.path)) in charts
        for fact in file.facts
        if isinstance(fact, Resource) and (off := _switches_of(fact.conditional) & charts[chart])
    ]
    said = "\n".join(_said(files)) if found else ""
    for path, line, chart, off in found:
        if any(not _is_on(name, chart, on) and name not in said for name in off):
            yield path, line


def _is_on(switch: str, chart: str, on: AbstractSet[tuple[str, str]]) -> bool:
    """Whether values that can be a chart's have a switch of it on: its own, those of a chart around it, or of no chart."""
    return any(
        (name == switch or name.endswith(f".{switch}")) and (not folder or f"{chart}/".startswith(f"{folder}/")) for folder, name in on
    )


def _chart_of(path: str) -> str | None:
    """The folder of the chart whose template a file is, or that it describes."""
    if path.endswith(("/Chart.yaml", "/Chart.yml")):
        return posixpath.dirname(path)
    folder, found, _ = f"/{path}".rpartition(f"/{_TEMPLATES}/")
    return folder.removeprefix("/") if found else None


def _switches_of(condition: str) -> frozenset[str]:
    """The values all of which a condition asks for; none of it where something else may do, or must not be."""
    if not condition or "not " in condition or " or " in f" {condition} ":
        return frozenset()
    found: set[str] = set()
    for part in condition.split(" and "):
        words = [_BY_VALUES.fullmatch(word) for word in part.removeprefix("and ").split()]
        found.update(word[1] + word[2] for word in words if word and all(words))
    return frozenset(found)


def unused_modules(files: Sequence[SourceFile]) -> frozenset[str]:
    """The paths of files of Bicep and Terraform that declare resources and that nothing in the repository uses."""
    return _unused_bicep(files) | _unused_terraform(files)


def _unused_terraform(files: Sequence[SourceFile]) -> frozenset[str]:
    users: dict[str, set[str]] = defaultdict(set)
    declaring: dict[str, list[str]] = defaultdict(list)
    """The files of each folder."""
    for file in files:
        if posixpath.basename(file.path) == "terragrunt.hcl":
            return frozenset()  # Where it takes modules from is often computed.
        for fact in file.facts if file.path.endswith((".tf", ".tofu", ".tf.json")) else ():
            if isinstance(fact, Resource) and fact.dialect == "terraform":
                folder = posixpath.dirname(file.path)
                source = dict(fact.attributes).get("source", "") if fact.type == "module" else ""
                if source.startswith("."):
                    users[posixpath.normpath(posixpath.join(folder, source))].add(folder)
                elif "//" in source:  # A folder of a repository, which may be this one.
                    users[source.rpartition("//")[2].partition("?")[0]].add("")
                if file.path not in declaring[folder]:
                    declaring[folder].append(file.path)
    modules = {folder for folder in declaring if "/modules/" in f"/{folder}"}
    if modules.issuperset(declaring):
        return frozenset()
    said = "\n".join(_said(files))
    unused = _never_used({folder for folder in modules if folder not in said}, users)
    return frozenset(path for folder in unused for path in declaring[folder])


def _unused_bicep(files: Sequence[SourceFile]) -> frozenset[str]:
    sources = {
        file.path: tuple(_sources(file)) for file in files if file.path.endswith(_SUFFIX) and file.role in (Role.SOURCE, Role.TEMPLATE)
    }
    if not any(sources.values()):
        return frozenset()
    users: dict[str, set[str]] = defaultdict(set)
    shelves: set[str] = set()
    """Folders from which a file above them takes modules."""
    for path, taken in sources.items():
        above = posixpath.dirname(path) + "/" if "/" in path else ""
        for used in taken:
            users[used].add(path)
            first, more, _ = used.removeprefix(above).partition("/")
            if used in sources and used.startswith(above) and more:
                shelves.add(f"{above}{first}/")
    named = {posixpath.basename(name) for name in _named(files)}
    if any("$" in name or "{" in name for name in named):
        return frozenset()
    below = tuple(shelves)
    beside = {file.path.removesuffix(f".{end}") for file in files for end in ("bicepparam", "parameters.json") if file.path.endswith(end)}
    return frozenset(
        _never_used(
            {
                path
                for path in sources
                if path.startswith(below)
                and posixpath.basename(path) not in _ROOTS | named
                and not any(name == path.removesuffix(_SUFFIX) or name.startswith(path.removesuffix("bicep")) for name in beside)
            },
            users,
        )
    )


def unused_roles(files: Sequence[SourceFile]) -> frozenset[str]:
    """The paths of files of roles of Ansible that no playbook of the repository plays, though it plays others."""
    tasks = [(file, fact) for file in files for fact in file.facts if isinstance(fact, Task) and fact.kind == "ansible"]
    roles = {found[1] for file, _ in tasks if (found := _ROLE.fullmatch(file.path))}
    if not roles or any(posixpath.basename(file.path) == "galaxy.yml" for file in files):
        return frozenset()
    users: dict[str, set[str]] = defaultdict(set)
    for file, task in tasks:
        own = _ROLE.fullmatch(file.path)
        if file.role not in (Role.SOURCE, Role.TEMPLATE) or _SET_ASIDE.fullmatch(file.path):
            continue
        for word in task.inputs:
            name = played[1] if (played := _PLAYED.fullmatch(word)) else ""
            if "{" in name:
                return frozenset()
            path = _ROLE.fullmatch(word)
            for role in roles:
                if (name and f"/{role}".endswith(f"/{name}/")) or (path and path[1] == role):
                    users[role].add(own[1] if own else "")
    unused = _never_used(roles, users)
    if len(unused) == len(roles):
        return frozenset()
    return frozenset(file.path for file in files if (found := _ROLE.fullmatch(file.path)) and found[1] in unused)


def _sources(file: SourceFile) -> Iterator[str]:
    """The paths of the files that the modules of a Bicep file are."""
    for fact in file.facts:
        if isinstance(fact, Resource) and fact.type == "module":
            source = dict(fact.attributes).get("source", "")
            if source.endswith(_SUFFIX):
                yield posixpath.normpath(posixpath.join(posixpath.dirname(file.path), source))


def _never_used(candidates: AbstractSet[str], users: Mapping[str, AbstractSet[str]]) -> AbstractSet[str]:
    """Those of the candidates that none but such as they are use."""
    left = set(candidates)
    while used := {path for path in left if users.get(path, frozenset()) - left}:
        left -= used
    return left


def _named(files: Sequence[SourceFile]) -> Iterator[str]:
    """The Bicep files that commands and steps name."""
    for text in _said(files):
        if _SUFFIX in text:
            yield from (part for part in text.replace("=", " ").replace("'", " ").replace('"', " ").split() if part.endswith(_SUFFIX))


def _said(files: Sequence[SourceFile]) -> Iterator[str]:
    """The words of commands and the arguments of steps."""
    for file in files:
        for command in all_commands(file.facts):
            yield from command.words
        steps = (step for fact in file.facts if isinstance(fact, Workflow) for job in fact.jobs for step in job.steps)
        yield from (value for step in steps for _, value in step.arguments)
