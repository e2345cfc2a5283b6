"""What a command starts in the repository: tasks of runners, scripts, modules, images, Compose services."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import pairwise

from msgspec import Struct

from rung.expressions import regex
from rung.globs import compile_globs
from rung.hits import Match
from rung.modules import Modules, folders_of
from rung.records import Call, Command, Fact, Import, Resource, Role, SourceFile, Start, Step, Task, Test, Workflow
from rung.starts import values

_MAX_FOLDER = 300
"""Files of a folder that one word can name."""
_RUNNERS = {
    "make": "make", "gmake": "make", "just": "just", "task": "taskfile", "tox": "tox", "nox": "nox", "npm": "npm", "pnpm": "npm",
    "yarn": "npm", "bun": "npm", "poe": "poe", "pdm": "pdm", "hatch": "hatch", "inv": "invoke", "invoke": "invoke",
    "taskipy": "taskipy", "rye": "rye", "pixi": "pixi", "mise": "mise",
}  # fmt: skip
"""Programs that start named tasks, and the kind of task."""
_OF_PACKAGES = frozenset({"turbo", "nx", "lerna"})
"""Programs that run a script of the packages of a workspace."""
_CHOOSING_PACKAGES = frozenset({"--filter", "-F", "--workspace", "-w", "workspace", "--scope"})
_IN_ALL_PACKAGES = _OF_PACKAGES | {"-r", "--recursive", "--workspaces", "-ws", "workspaces"}
_STARTING_MODULES = frozenset({"poe", "pdm"})
"""Kinds of task that may be an object of a module."""
_PEELED_RUNNERS = ("hatch", "pdm", "rye", "pixi", "pipenv")
"""Kinds of task of which a command has only the name left, as what starts them starts programs alike."""
_UNARY = regex("-[a-zA-Z]")
_COMPARISONS = frozenset({"=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
"""What the shell's own `test` asks."""
_SUBCOMMANDS = {"run", "run-script", "repro", "exp"}
_ALL_WHEN_UNNAMED = {"tox", "nox"}
"""Kinds of task that all start when none is named, as stages of a pipeline do; of other runners the one named `main`, or the first."""
_MOVES = (("cd",), ("pushd",))
_OWN_SHELL = {"make"}
"""Kinds of task whose every line has a shell of its own, so that `cd` ends with the line."""
_INTERPRETERS = {"python", "Rscript", "julia", "node", "ts-node", "ts-node-dev", "tsx", "deno", "nodemon", "pm2-runtime"}
_SCRIPTS = (".py", ".ipynb", ".R", ".r", ".jl", ".js", ".mjs", ".ts")
_SUFFIXES = ("", ".py", ".ipynb", ".sql", ".R", ".scala")
"""Notebooks and scripts are named with their suffix or without."""
_SHELLS = {"bash", "sh", "zsh", "source", "."}
_ENGINES = {"docker", "podman", "buildah", "docker-compose", "podman-compose"}
_COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
HOOKS = ("prek.toml", ".pre-commit-config.yaml")
"""Configurations of hooks; prek takes the first of them that there is."""
_HOOK_RUNNERS = {"pre-commit", "prek"}
_COMPILED = regex(r"(?P<own>(?:[^/]+/)*?)(?:build|dist|lib|out)/(?:src/)?(?P<inner>.+)\.[cm]?js")
"""A script that the compiler of TypeScript writes."""
_DYNAMIC = regex(r"\$[\w{(]|\{\{|\{\}")
_VARIABLE = regex(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\}|\{\{[^{}]+\}\})")
_NOT_IN_TREE = regex(r"^(?:[/~-]|\.\./|https?:)|[*?\s\[]")
"""Names of scripts that lie elsewhere, or that are none."""
_CHECKOUT = regex(
    r"\$[({]*\s*(?:GITHUB_WORKSPACE|github\.workspace|CI_PROJECT_DIR|Build\.SourcesDirectory|BUILD_SOURCESDIRECTORY"
    r"|System\.DefaultWorkingDirectory|WORKSPACE|CODEBUILD_SRC_DIR|BITBUCKET_CLONE_DIR|TRAVIS_BUILD_DIR|BUILDKITE_BUILD_CHECKOUT_PATH"
    r"|CIRCLE_WORKING_DIRECTORY|DRONE_WORKSPACE|CI_WORKSPACE|VCS_PATH)\s*[)}]*/"
)
"""The folder that a pipeline's system checks the repository out to."""
_COMPUTED = "{}"
"""What a program computes, in a text of its own."""
_REFERENCE = regex(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")
"""A dotted name in an expression."""
_SCHEME = regex(r"(?:file|local)://|file:")
"""What marks a path as one of this machine or of the image."""
_OBJECT = regex(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*(?:\(\))?")
"""An object of a module, as servers and console scripts name it."""


class Node(Struct, frozen=True):
    """A place of the walk: a file, a task of one, a workflow of one, or the fact on a line of one."""

    path: str
    task: Task | None = None
    line: int = 0
    workflow: bool = False

    def __hash__(self) -> int:
        # A task's own hash goes down to the words of its commands.
        return hash((self.path, self.line, self.task.line if self.task else -1))


_DECLARING = (Task, Workflow, Resource)


class Tree:
    """The files of a target, their tasks and workflows by name, and how words name them."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self.files = {file.path: file for file in files}
        self.modules = Modules.among(files)
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
        file that ends as they do.
        """
        if checkout := _CHECKOUT.match(word):
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
            return best[0] if len(best) == 1 and (longest or len(self._by_name[parts[-1]]) == 1) else None
        for base in dict.fromkeys((folder, "")):
            path = posixpath.normpath(posixpath.join(base, word))
            if path in self.files:
                return path
            if compiled := _COMPILED.fullmatch(path):
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

    def resources(self, word: str) -> list[Node]:
        """The resources that a word names: `name`, `kind/name`, `type.name.attribute` or what `${…}` in it refers to."""
        found = [(path, one) for path, one in self._resources.get(word.rpartition("/")[2], ())]
        for reference in _REFERENCE.findall(word):
            parts = reference.split(".")
            for before, name in zip(("", *parts), parts, strict=False):
                known = self._resources.get(name, ())
                found += [(path, one) for path, one in known if before == one.type or f"${{{reference}" in word]
        return [Node(path, line=one.line) for path, one in found]

    def below(self, word: str, folder: str) -> list[str]:
        """The manifests in the folder that a word names."""
        for base in dict.fromkeys((folder, "")):
            prefix = posixpath.normpath(posixpath.join(base, word)) + "/"
            if found := [path for path in self.files if path.startswith(prefix) and path.endswith((".yaml", ".yml", ".json"))]:
                return found[:_MAX_FOLDER]
        return []

    def matching(self, globs: tuple[str, ...], folder: str) -> list[str]:
        """The files below a folder that globs match; below the root when none is there."""
        is_match = compile_globs(globs)
        for base in dict.fromkeys((folder, "")):
            prefix = "" if base in ("", ".") else base + "/"
            found = [path for path in self.files if path.startswith(prefix) and is_match(path[len(prefix) :])]
            if found:
                return found[:_MAX_FOLDER]
        return []


class Commands:
    """From commands, and from the arguments of starts, to the nodes that they start."""

    def __init__(self, tree: Tree, starts: Mapping[str, Sequence[Match]]) -> None:
        self._tree = tree
        self._started: dict[tuple[tuple[str, ...], tuple[str, ...], str], tuple[Node, ...]] = {}
        self._programs: dict[tuple[str, str], tuple[Node, ...]] = {}
        self._images = self._built(starts)

    def placed(self, commands: Sequence[Command], folder: str, kind: str) -> Iterator[tuple[Command, str]]:
        """Commands with the folder that each runs in: `cd` and `pushd` move those that follow in the same shell, `popd` moves them back."""
        here, line = folder, 0
        before: list[str] = []
        for command in commands:
            if kind in _OWN_SHELL and command.line != line:
                here, line = folder, command.line
                before.clear()
            if command.words[:1] == ("popd",) and before:
                here = before.pop()
            elif command.words[:1] in _MOVES and len(command.words) > 1:
                if command.words[0] == "pushd":
                    before.append(here)
                named = self.moved(command.words[1], here)
                here = folder if named is None else named
            yield command, here

    def moved(self, word: str, folder: str) -> str | None:
        """The folder that a word leads to from another one; None when it is not in the tree."""
        checkout = _CHECKOUT.match(word + "/")
        return self._tree.folder(word[checkout.end() :] or ".", "") if checkout else self._tree.folder(word, folder)

    def unknown(self, command: Command) -> str:
        """Why it can't be told what a command starts; empty when it can, or when it starts nothing of ours."""
        program = posixpath.basename(command.words[0]) if command.words else ""
        if program in _INTERPRETERS or program in _SHELLS or program in _RUNNERS:
            target = next((word for word in command.words[1:] if not word.startswith("-")), "")
            return "what it starts is named by a variable" if _DYNAMIC.search(_CHECKOUT.sub("", target)) and target != "$@" else ""
        name = _CHECKOUT.sub("", command.words[0]) if program else ""
        alone = _VARIABLE.fullmatch(name) and all(word.startswith(("-", "$")) for word in command.words[1:])
        return "the program is named by a variable" if alone or ("/" in name and _DYNAMIC.search(name)) else ""

    def lacks(self, command: Command) -> str:
        """The script that a command runs and that should be in the tree, when no file there is called so; else empty."""
        program = posixpath.basename(command.words[0]) if command.words else ""
        if program not in _INTERPRETERS and program not in _SHELLS:
            return ""
        named = _CHECKOUT.sub("", next((word for word in command.words[1:] if word.endswith((*_SCRIPTS, ".sh"))), ""))
        name = posixpath.basename(named)
        if not named or _DYNAMIC.search(named) or _NOT_IN_TREE.search(named) or self._tree.has_name(name):
            return ""
        if _COMPILED.fullmatch(named) and self._tree.has_name(posixpath.splitext(name)[0] + ".ts"):
            return ""
        return named

    def started(self, command: Command, folder: str) -> tuple[Node, ...]:
        """What a command starts, as far as it is in the tree."""
        modules = _called_modules(command.code)
        key = command.words, modules, folder
        if key not in self._started:
            imported = (node for module in modules for node in self._module(module, folder))
            self._started[key] = (*self._starts_of(command.words, folder), *imported)
        return self._started[key]

    def _starts_of(self, words: tuple[str, ...], folder: str) -> Iterator[Node]:
        program = posixpath.basename(words[0]) if words else ""
        if kind := _RUNNERS.get(program):
            yield from self._tasks(kind, words[1:], folder)
            if kind == "npm":
                yield from self._packages(words)
        elif program in _OF_PACKAGES:
            yield from self._packages(words)
        elif program in _INTERPRETERS:
            found = (self._tree.find(word, folder) for word in words[1:] if word.endswith(_SCRIPTS))
            yield from (Node(path) for path in list(found)[:1] if path)
        elif program in _SHELLS:
            for word in words[1:2]:
                yield from self._script(word, folder)
        elif program in _ENGINES:
            yield from self._engine(program, words, folder)
        elif program in _HOOK_RUNNERS:
            read = [self._tree.find(name, folder) for name in (HOOKS if program == "prek" else HOOKS[1:])]
            yield from [Node(path) for path in read if path and "run" in words][:1]
        elif words:
            yield from self._program(words[0], folder)
            if not _is_condition(words):
                yield from (node for kind in _PEELED_RUNNERS for node in self._tasks(kind, words[:1], folder))
            for word in words[1:]:
                if ":" in word and _OBJECT.fullmatch(word):
                    yield from self._module(word, folder)

    def folder(self, start: Start, fact: Fact | None, folder: str) -> str:
        """The folder from which the arguments of a start count, in the one that it stands in."""
        word = next((word for word in values(fact, start.folder) if word), ".")
        found = self._tree.folder(word, folder)
        return posixpath.normpath(posixpath.join(folder, word)) if found is None else found

    def named(self, start: Start, fact: Fact | None, folder: str) -> Iterator[Node]:
        """What the arguments of a start name, but for its command lines; an image that is given a command does not run its own."""
        here = self.folder(start, fact, folder)
        for word in values(fact, start.file):
            yield from self._files(word, here, guess=not isinstance(fact, Command))
        for word in values(fact, start.resource):
            yield from self._tree.resources(word)
        for word in values(fact, start.module):
            yield from self._module(word, here)
        if start.glob:
            yield from (Node(path) for path in self._tree.matching(start.glob, here))
        if start.build or (start.folder and start.image):
            for dockerfile in self._dockerfiles(fact, start.build, here):
                yield from self._of_image(dockerfile, "docker")
        elif not any(values(fact, start.shell[:1])):
            for name in values(fact, start.image):
                yield from self._run_image(name)
        if start.tasks and isinstance(fact, Command):
            yield from self._tasks(start.tasks, fact.words[1:], folder)
        elif start.tasks and isinstance(fact, Step):
            yield from self._tasks(start.tasks, (), folder)
        elif start.tasks and isinstance(fact, Call):
            yield from self._tasks(start.tasks, (*fact.arguments, *(value for _, value in fact.keywords)), folder)

    def needed(self, path: str, task: Task) -> Iterator[Node]:
        """What runs with a task: those that it needs, and the image that a Compose service is built from."""
        for need in task.needs:
            yield from (Node(at, other) for at, other in self._tree.named(task.kind, need) if task.kind == "systemd" or at == path)
        if task.kind in _STARTING_MODULES:
            for entry in task.inputs:
                if found := self._tree.modules.find(entry.partition(":")[0], path):
                    yield Node(found)
        if task.kind == "compose":
            for dockerfile in task.inputs:
                place = posixpath.normpath(posixpath.join(posixpath.dirname(path), dockerfile))
                yield from self._of_image(place, "docker")
                if not task.commands:
                    yield from self._of_image(place, "docker-start")

    # ── tasks ────────────────────────────────────────────────────────────────────────────────────────

    def _tasks(self, kind: str, words: Sequence[str], folder: str) -> Iterator[Node]:
        names = [word for word in words if not word.startswith("-") and "=" not in word and word not in _SUBCOMMANDS]
        if "-C" in words[:-1]:
            directory = words[list(words).index("-C") + 1]
            folder, names = posixpath.normpath(posixpath.join(folder, directory)), [name for name in names if name != directory]
        if kind == "test":
            yield from self._tests(names, folder)
            return
        if kind == "snakemake":  # What is wanted is told by files, which name no rules; rules are spread over folders.
            yield from (Node(path, task) for path, task in self._tree.of_kind(kind) if path.startswith(f"{folder}/" if folder else ""))
            return
        holders = self._tree.by_folder(kind)
        folder = next((place for name in names if (place := self._tree.folder(name, folder)) in holders and place), folder)
        near = (
            holders.get(folder.rstrip("/"))
            or (kind == "npm" and self._above(folder, names))
            or [(path, task) for path, task in self._tree.of_kind(kind) if "/" not in path.removeprefix("tasks/")]
        )
        chosen: Sequence[tuple[str, Task]] = [
            (path, task) for path, task in near if task.name in names or task.name.rsplit(":", 1)[-1] in names
        ]
        if not chosen and kind == "make":  # Rules that the Makefile includes.
            chosen = [(path, task) for path, task in self._tree.of_kind(kind) if path.endswith(".mk") and task.name in names]
        if not chosen and (not names or kind not in _RUNNERS.values()):
            main = [(path, task) for path, task in near if task.name == "main"]
            first = near[:1] if kind in _RUNNERS.values() and kind not in _ALL_WHEN_UNNAMED else near
            chosen = main or first
        yield from (Node(path, task) for path, task in chosen)

    def _above(self, folder: str, names: Sequence[str]) -> Sequence[tuple[str, Task]]:
        """The scripts of the nearest package around a folder that has one of some names: npm and its like look upwards."""
        holders = self._tree.by_folder("npm")
        while folder := posixpath.dirname(folder.rstrip("/")):
            if any(task.name in names for _, task in holders.get(folder, ())):
                return holders[folder]
        return ()

    def _packages(self, words: Sequence[str]) -> Iterator[Node]:
        """Scripts of the packages of a workspace, of all or of those that a command names by the last part of their names."""
        split = [part for word in words for part in word.replace("=", ",").split(",")]
        chosen = {name.rstrip("./").rpartition("/")[2] for option, name in pairwise(split) if option in _CHOOSING_PACKAGES}
        if chosen or not _IN_ALL_PACKAGES.isdisjoint(split):
            for path, task in self._tree.of_kind("npm"):
                place = posixpath.dirname(path)
                if place and task.name in split and (not chosen or posixpath.basename(place) in chosen):
                    yield Node(path, task)

    def _tests(self, names: Sequence[str], folder: str) -> Iterator[Node]:
        """The test files that a test run's words name, or all."""
        within = {posixpath.normpath(posixpath.join(base, name.partition("::")[0])) for name in names for base in {folder, ""}}
        below = tuple(f"{place}/" for place in within)
        chosen = [path for path in self._tree.tests if path in within or path.startswith(below)]
        taken = self._tree.collected | within
        yield from (Node(path) for path in chosen or self._tree.tests if path in taken)

    # ── scripts and modules ──────────────────────────────────────────────────────────────────────────

    def _script(self, word: str, folder: str) -> Iterator[Node]:
        if found := self._tree.find(word, folder):
            yield Node(found)
            yield from (Node(path, task) for path, task in self._tree.named("shell", found))

    def _program(self, word: str, folder: str) -> tuple[Node, ...]:
        """What the name of a program is of the tree; there are few programs, and very many commands."""
        known = self._programs.get((word, folder))
        if known is None:
            known = self._programs[word, folder] = tuple(self._named_program(word, folder))
        return known

    def _named_program(self, word: str, folder: str) -> Iterator[Node]:
        """A script by its path, a console script, a module run as a program."""
        yield from self._script(word, folder)
        program = posixpath.basename(word)
        for path, task in self._tree.named("console", program):
            for entry in task.inputs:
                if found := self._tree.modules.find(entry.partition(":")[0], path):
                    yield Node(found)
        if "/" not in word and program.replace(".", "").replace("_", "").isalnum():
            name = word if "." in word else f"{word}.__main__"
            found = self._tree.modules.find(name, posixpath.join(folder, "_"))
            if found and ("." in word or found.endswith("__main__.py")):
                yield Node(found)

    def _files(self, word: str, folder: str, *, guess: bool) -> Iterator[Node]:
        """The file that an argument names, or the manifests of a folder; one of the words of a command is no guess at either."""
        word = _SCHEME.sub("", word).partition("::")[0]
        for suffix in _SUFFIXES if guess else ("",):
            if found := self._tree.find(word + suffix, folder):
                yield from self._script(found, "")
                yield from (Node(found, line=workflow.line, workflow=True) for workflow in self._tree.workflows.get(found, ()))
                return
        if word and not word.startswith(("/", "~", "$")) and "://" not in word and (guess or "/" in word):
            yield from (Node(path) for path in self._tree.below(word, folder))

    def _module(self, word: str, folder: str) -> Iterator[Node]:
        """`package.module:object`, `package.module.function` or `folder/file.function`."""
        name = word.partition(":")[0].removesuffix(".py")
        directory, _, last = name.rpartition("/")
        place = posixpath.normpath(posixpath.join(folder, directory))
        found = self._tree.modules.find(last, posixpath.join(place, "_"))
        while not found and last:  # A file of a package that is run from its own folder, and not imported.
            found = self._tree.find(posixpath.join(directory, last.replace(".", "/") + ".py"), folder)
            last = last.rpartition(".")[0]
        if found:
            yield Node(found)

    # ── images ───────────────────────────────────────────────────────────────────────────────────────

    def _engine(self, program: str, words: Sequence[str], folder: str) -> Iterator[Node]:
        if program.endswith("-compose") or "compose" in words[1:3]:
            yield from self._compose(words, folder)
        elif "build" in words:
            for dockerfile in self._dockerfiles_of(words, folder):
                yield from self._of_image(dockerfile, "docker")
        elif "run" in words:
            for word in words[words.index("run") + 1 :]:
                if _image_key(word) in self._images and not word.startswith("-"):
                    yield from self._run_image(word)
                    return

    def _compose(self, words: Sequence[str], folder: str) -> Iterator[Node]:
        verb = next((index for index, word in enumerate(words) if word in ("up", "run", "start", "build", "create")), None)
        if verb is None:
            return
        given = [words[index + 1] for index, word in enumerate(words[:verb]) if word in ("-f", "--file")]
        found = [path for name in given or _COMPOSE_FILES if (path := self._tree.find(name, folder))]
        names = {word for word in words[verb + 1 :] if not word.startswith("-")}
        for path in found if given else found[:1]:
            off = {
                fact.name
                for fact in self._tree.files[path].facts
                if isinstance(fact, Resource) and fact.dialect == "compose" and fact.conditional
            }
            for task in self._tree.tasks_of(path, "compose"):
                if task.name in names or (
                    not names & {other.name for other in self._tree.tasks_of(path, "compose")} and task.name not in off
                ):
                    if words[verb] == "build":
                        place = [posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) for name in task.inputs]
                        yield from (node for dockerfile in place for node in self._of_image(dockerfile, "docker"))
                    else:
                        yield Node(path, task)

    def _dockerfiles_of(self, words: Sequence[str], folder: str) -> list[str]:
        """The Dockerfile that a build command names, or that is in the folder it names."""
        named = [words[index + 1] for index, word in enumerate(words[:-1]) if word in ("-f", "--file")]
        named += [word.partition("=")[2] for word in words if word.startswith("--file=")]
        context = words[-1] if not words[-1].startswith("-") else "."
        found = [self._tree.find(name, folder) for name in named or [posixpath.join(context, "Dockerfile")]]
        return [path for path in found if path]

    def _dockerfiles(self, fact: Fact | None, names: Sequence[str], folder: str) -> list[str]:
        """The Dockerfile that arguments name by itself or by its folder; without any the one in the folder."""
        given = values(fact, names) or [""]
        found = [self._tree.find(name, folder) or self._tree.find(posixpath.join(name, "Dockerfile"), folder) for name in given]
        return [path for path in found if path]

    def _of_image(self, dockerfile: str, kind: str) -> Iterator[Node]:
        yield from (Node(path, task) for path, task in self._tree.named(kind, dockerfile))

    def _run_image(self, name: str) -> Iterator[Node]:
        built = self._images.get(_image_key(name), set())
        if len(built) == 1:
            yield from self._of_image(next(iter(built)), "docker-start")

    def _built(self, starts: Mapping[str, Sequence[Match]]) -> dict[str, set[str]]:
        """Which Dockerfiles images of a name are built from, as commands, steps of CI and Compose services say."""
        built: dict[str, set[str]] = defaultdict(set)
        for path in self._tree.files:
            declared = self._tree.declared.get(path, ())
            for command in all_commands(declared):
                if "build" in command.words and posixpath.basename(command.words[0]) in _ENGINES:
                    tags = values(command, ("-t", "--tag"))
                    for dockerfile in self._dockerfiles_of(command.words, posixpath.dirname(path)):
                        _add(built, tags, dockerfile)
            for match in starts.get(path, ()):
                start = match.owned.start
                if start and start.image and start.folder:
                    for dockerfile in self._dockerfiles(match.fact, start.build, next(iter(values(match.fact, start.folder)), "")):
                        _add(built, " ".join(values(match.fact, start.image)).replace(",", " ").split(), dockerfile)
            for fact in declared:
                if isinstance(fact, Resource) and fact.dialect == "compose":
                    for task in self._tree.tasks_of(path, "compose"):
                        if task.name == fact.name and task.inputs:
                            place = posixpath.normpath(posixpath.join(posixpath.dirname(path), task.inputs[0]))
                            _add(built, values(fact, ("image",)), place)
        return built


def _add(built: dict[str, set[str]], names: Sequence[str], dockerfile: str) -> None:
    for name in names:
        if key := _image_key(name):
            built[key].add(dockerfile)


def _image_key(name: str) -> str:
    """The last part of an image's name without its tag; empty when that part is decided later."""
    last = name.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
    return "" if _DYNAMIC.search(last) else last


def all_commands(declared: Iterable[Fact]) -> Iterator[Command]:
    """The commands of the tasks and workflows among some facts, in order."""
    for fact in declared:
        if isinstance(fact, Task):
            yield from fact.commands
        elif isinstance(fact, Workflow):
            for job in fact.jobs:
                for step in job.steps:
                    yield from step.commands


def _called_modules(code: Iterable[Call | Import]) -> tuple[str, ...]:
    """The modules of which a program calls something; only to import one starts nothing."""
    called = [f"{fact.name}." for fact in code if isinstance(fact, Call)]
    return tuple(fact.module for fact in code if isinstance(fact, Import) and any(name.startswith(f"{fact.module}.") for name in called))


def _is_condition(words: Sequence[str]) -> bool:
    """Whether a command is the shell's own `test`, and no task of that name."""
    return (
        words[0] == "test"
        and len(words) > 1
        and (words[1] == "!" or _UNARY.fullmatch(words[1]) is not None or not _COMPARISONS.isdisjoint(words[2:3]))
    )
