"""Modules of infrastructure that lie beside those in use and that nothing uses: what they declare is never provisioned.

Bicep, in which a module is one file that is named by its path. Said only of a file in a folder from which another one is
taken, and which no module, command or file of parameters names: a file that is deployed by itself and a collection that is
made for others stay what they are.

Terraform, in which a module is a folder. Said only of one below a folder called `modules`, where other folders declare
resources of their own, and which no module takes and no command names: a repository of nothing but modules is made for others.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from rung.records import Resource, Role, SourceFile, Workflow
from rung.tree import all_commands

_SUFFIX = ".bicep"
_ROOTS = frozenset({"main.bicep", "deploy.bicep", "azuredeploy.bicep"})
"""Names of files that are deployed by themselves."""


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
