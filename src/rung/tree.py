"""The files of a target by what names them: paths and words of commands, kinds and names of tasks, references to resources."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property

from msgspec import Struct

from rung.expressions import regex
from rung.globs import compile_globs
from rung.modules import Modules, folders_of
from rung.parts import Parts
from rung.records import Command, Fact, Import, Resource, Role, SourceFile, Task, Test, Workflow

_MAX_FOLDER = 300
"""Files of a folder that one word can name."""
COMPILED = regex(r"(?P<own>(?:[^/]+/)*?)(?:build|dist|lib|out)/(?:src/)?(?P<inner>.+)\.[cm]?js")
"""A script that the compiler of TypeScript writes."""
CHECKOUT = regex(
    r"\$[({]*\s*(?:GITHUB_WORKSPACE|github\.workspace|CI_PROJECT_DIR|Build\.SourcesDirectory|BUILD_SOURCESDIRECTORY"
    r"|System\.DefaultWorkingDirectory|WORKSPACE|CODEBUILD_SRC_DIR|BITBUCKET_CLONE_DIR|TRAVIS_BUILD_DIR|BUILDKITE_BUILD_CHECKOUT_PATH"
    r"|CIRCLE_WORKING_DIRECTORY|DRONE_WORKSPACE|CI_WORKSPACE|VCS_PATH|CHECKOUT)\s*[)}]*/"
)
"""The folder that a pipeline's system checks the repository out to; or where the reader of a script says that it is."""
_COMPUTED = "{}"
"""What a program computes, in a text of its own."""
_REFERENCE = regex(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")
"""A dotted name in an expression."""


class Point(Struct, frozen=True):
    """A point of the walk from triggers to effects: a file or a part of one, a task of one, a workflow of one, or the fact on a line of one."""

    path: str
    task: Task | None = None
    line: int = 0
    workflow: bool = False
    part: str | None = None
    """The part of a Python file, and what runs with it; None for all of a file."""

    def __hash__(self) -> int:
        # A task's own hash goes down to the words of its commands.
        return hash((self.path, self.line, self.part, self.task.line if self.task else -1))


_DECLARING = (Task, Workflow, Resource)


class Tree:
    """The files of a target, their tasks and workflows by name, and how words name them."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self.files = {file.path: file for file in files}
        self.modules = Modules.among(files)
        self.parts = Parts(self.files, self.modules)
        self.workflows: dict[str, list[Workflow]] = {}
        self._resources: dict[str, list[tuple[str, Resource]]] = defaultdict(list)
        self._tasks: dict[tuple[str, str], list[tuple[str, Task]]] = defaultdict(list)
        self._kinds: dict[str, list[tuple[str, Task]]] = defaultdict(list)
        self._places: dict[str, dict[str, list[tuple[str, Task]]]] = {}
        self.declared: dict[str, list[Task | Workflow | Resource]] = {}
        """The tasks, workflows and resources of the files that have some."""
        for file in files:
            if declared := [fact for fact in file.facts if isinstance(fact, _DECLARING)]:
                self.declared[file.path] = declared
        for path, facts in self.declared.items():
            for fact in facts:
                if isinstance(fact, Task):
                    self._tasks[fact.kind, fact.name].append((path, fact))
                    self._kinds[fact.kind].append((path, fact))
                elif isinstance(fact, Workflow):
                    self.workflows.setdefault(path, []).append(fact)
                elif fact.name:
                    self._resources[fact.name].append((path, fact))

    def named(self, kind: str, name: str) -> Sequence[tuple[str, Task]]:
        """The tasks of a kind and name, with their paths."""
        return self._tasks.get((kind, name), ())

    def of_kind(self, kind: str) -> Sequence[tuple[str, Task]]:
        """All tasks of a kind, with their paths."""
        return self._kinds.get(kind, ())

    def by_folder(self, kind: str) -> Mapping[str, Sequence[tuple[str, Task]]]:
        """All tasks of a kind, with their paths, by the folder that they are in."""
        if kind not in self._places:
            places = self._places[kind] = defaultdict(list)
            for path, task in self.of_kind(kind):
                places[posixpath.dirname(path)].append((path, task))
        return self._places[kind]

    def tasks_of(self, path: str, kind: str) -> Iterator[Task]:
        """The tasks of a kind in one file."""
        return (task for at, task in self.by_folder(kind).get(posixpath.dirname(path), ()) if at == path)

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[str]]:
        by_name = defaultdict(list)
        for path in self.files:
            by_name[path.rpartition("/")[2]].append(path)
        return by_name

    def has_name(self, name: str) -> bool:
        """Whether a file of that name is anywhere."""
        return name in self._by_name

    def find(self, word: str, folder: str) -> str | None:
        """The file that a word names, from the folder or from the root.

        An absolute path is one of another machine or an image, and a program can compute the folder; both name the one
        file that ends as they do, an absolute path else the one near by.
        """
        if checkout := CHECKOUT.match(word):
            word, folder = word[checkout.end() :], ""
        if not word or word.startswith(("~", "$")) or "://" in word:
            return None
        if word.startswith(_COMPUTED):
            end = word.rpartition(_COMPUTED)[2]
            near = posixpath.normpath(posixpath.join(folder, end.lstrip("/")))
            tail = end.rpartition("/..")[2]  # What is above the computed folder is not known.
            ends = [path for path in self._by_name.get(posixpath.basename(word), ()) if f"/{path}".endswith(tail)]
            return near if near in ends else ends[0] if len(ends) == 1 else None
        if word.startswith("/"):
            parts = word.strip("/").split("/")
            ends = [path for path in self._by_name.get(parts[-1], ()) if path.split("/") == parts[-path.count("/") - 1 :]]
            longest = max((path.count("/") for path in ends), default=0)
            best = [path for path in ends if path.count("/") == longest]
            if len(best) == 1 and (longest or len(self._by_name[parts[-1]]) == 1):
                return best[0]
            # An image has what is beside its Dockerfile, wherever it puts that.
            beside = (posixpath.join(folder, *parts[index:]) for index in range(len(parts) if folder else 0))
            return next((path for path in beside if path in self.files), None)
        for base in dict.fromkeys((folder, "")):
            path = posixpath.normpath(posixpath.join(base, word))
            if path in self.files:
                return path
            if compiled := COMPILED.fullmatch(path):
                own, inner = compiled["own"] or "", compiled["inner"]
                if source := next((at for at in (f"{own}src/{inner}.ts", f"{own}{inner}.ts") if at in self.files), None):
                    return source
        return None

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(("", *folders_of(self.files)))

    @cached_property
    def tests(self) -> Sequence[str]:
        """The Python files of tests."""
        return [path for path, file in self.files.items() if file.role is Role.TEST and path.endswith(".py")]

    @cached_property
    def collected(self) -> AbstractSet[str]:
        """Those that a test run takes or that another of them imports: a script beside them runs only if it is named."""
        facts = {path: self.files[path].facts for path in self.tests}
        imported = {part for found in facts.values() for fact in found if isinstance(fact, Import) for part in fact.module.split(".")}
        imported.add("__init__")
        return frozenset(
            path
            for path, found in facts.items()
            if "test" in (stem := posixpath.basename(path)[: -len(".py")]).lower()
            or stem in imported
            or any(isinstance(fact, Test) for fact in found)
        )

    def folder(self, word: str, folder: str) -> str | None:
        """The folder that a word names, from another one or from the root; None when it is not in the tree."""
        if word.startswith(_COMPUTED) and (end := word.rpartition(_COMPUTED)[2].strip("/")):
            ends = [place for place in self._folders if f"/{place}".endswith("/" + end)]
            near = posixpath.normpath(posixpath.join(folder, end))
            return near if near in ends else ends[0] if len(ends) == 1 else None
        for base in dict.fromkeys((folder, "")):
            place = posixpath.normpath(posixpath.join(base, word))
            if (place := "" if place == "." else place) in self._folders:
                return place
        return None

    def moved(self, word: str, folder: str) -> str | None:
        """The folder that a word leads to from another one; None when it is not in the tree."""
        checkout = CHECKOUT.match(word + "/")
        return self.folder(word[checkout.end() :] or ".", "") if checkout else self.folder(word, folder)

    def resources(self, word: str) -> list[Point]:
        """The resources that a word names: `name`, `kind/name`, `type.name.attribute` or what `${…}` in it refers to."""
        found = [(path, one) for path, one in self._resources.get(word.rpartition("/")[2], ())]
        for reference in _REFERENCE.findall(word):
            parts = reference.split(".")
            for before, name in zip(("", *parts), parts, strict=False):
                known = self._resources.get(name, ())
                found += [(path, one) for path, one in known if before == one.type or f"${{{reference}" in word]
        return [Point(path, line=one.line) for path, one in found]

    def below(self, word: str, folder: str) -> list[str]:
        """The manifests in the folder that a word names."""
        for base in dict.fromkeys((folder, "")):
            prefix = posixpath.normpath(posixpath.join(base, word)) + "/"
            if found := [path for path in self.files if path.startswith(prefix) and path.endswith((".yaml", ".yml", ".json"))]:
                return found[:_MAX_FOLDER]
        return []

    def matching(self, globs: tuple[str, ...], folder: str) -> list[str]:
        """The files that globs match below a folder, or else below the nearest folder above it that has any."""
        is_match = compile_globs(globs)
        parts = [] if folder in ("", ".") else folder.split("/")
        for depth in range(len(parts), -1, -1):
            prefix = "/".join((*parts[:depth], ""))
            found = [path for path in self.files if path.startswith(prefix) and is_match(path[len(prefix) :])]
            if found:
                return found[:_MAX_FOLDER]
        return []


def all_commands(declared: Iterable[Fact]) -> Iterator[Command]:
    """The commands of the tasks and workflows among some facts, in order."""
    for fact in declared:
        if isinstance(fact, Task):
            yield from fact.commands
        elif isinstance(fact, Workflow):
            for job in fact.jobs:
                for step in job.steps:
                    yield from step.commands
