"""From triggers to effects: which commands, tasks and files something starts without a person.

A breadth-first walk from every automatic workflow over the commands of its jobs to the tasks, scripts and modules
that they start, so that the first way found is the shortest chain. Only what can be read for certain is an edge:
a target named in a variable, a path that is no file of the tree, an import that resolves to nothing lead nowhere.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rung.records import Command, Hop, Import, Job, Role, SourceFile, Step, Task, Workflow

Chain = tuple[Hop, ...]

_MAX_NODES = 50_000
_RUNNERS = {
    "make": "make", "gmake": "make", "just": "just", "task": "taskfile", "tox": "tox", "nox": "nox", "npm": "npm", "pnpm": "npm",
    "yarn": "npm", "bun": "npm", "poe": "poe", "pdm": "pdm", "hatch": "hatch", "inv": "invoke", "invoke": "invoke", "dvc": "dvc",
    "mlflow": "mlproject", "taskipy": "taskipy", "rye": "rye", "pixi": "pixi",
}  # fmt: skip
"""Programs that start named tasks, and the kind of task."""
_SUBCOMMANDS = {"run", "run-script", "repro", "exp"}
_ALL_WHEN_UNNAMED = {"tox", "nox", "dvc", "mlproject"}
"""Runners that start every task when none is named; the others start the first."""
_SHELLS = {"bash", "sh", "zsh", "source", "."}
_HOOKS = ".pre-commit-config.yaml"
_HOOK_RUNNERS = {"pre-commit", "prek"}
_HOOK_ACTION = re.compile(r"/(?:pre-commit(?:/action|-action)?|prek-action)$")
_ROOT_ONLY = {"github-actions": ".github/workflows/"}
"""Systems that read their pipelines from one folder of the repository's root only."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A task of a file, or (task `None`) the file itself."""

    path: str
    task: Task | None = None


class Modules:
    """Which file a Python module of the repository lives in, by the folders that imports can start from."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._paths = {file.path for file in files if file.path.endswith((".py", ".ipynb"))}
        self._packages = {posixpath.dirname(path) for path in self._paths if path.endswith("/__init__.py")}
        self._roots = sorted({"", *(folder for folder in self._sources() if folder)}, key=lambda folder: (folder.count("/"), folder))

    def _sources(self) -> Iterator[str]:
        """Folders that hold the top of a package, and the usual names for a source root."""
        for package in self._packages:
            parent = posixpath.dirname(package)
            if parent not in self._packages:
                yield parent
        yield from ("src", "lib", "python", "app")

    def find(self, module: str, importer: str) -> str | None:
        """The file of a dotted module (or of the module that a name of it lives in), seen from the importing file."""
        if module.startswith("."):
            dots = len(module) - len(module.lstrip("."))
            folder = posixpath.dirname(importer)
            for _ in range(dots - 1):
                folder = posixpath.dirname(folder)
            return self._within(folder, module.lstrip("."), importer)
        own = posixpath.dirname(importer)
        folders = self._roots if own in self._packages else [own, *self._roots]
        for folder in folders:
            if found := self._within(folder, module, importer):
                return found
        return None

    def _within(self, folder: str, module: str, importer: str) -> str | None:
        parts = [part for part in module.split(".") if part]
        for length in range(len(parts), 0, -1):
            base = posixpath.join(folder, *parts[:length])
            for path in (base + ".py", base + "/__init__.py"):
                if path in self._paths and path != importer:
                    return path
        return None


class Wiring:
    """Chains from automatic triggers to the tasks and files they reach."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._files = {file.path: file for file in files}
        self.modules = Modules(files)
        self._tasks: dict[tuple[str, str], list[tuple[str, Task]]] = defaultdict(list)
        self._workflows: dict[str, list[Workflow]] = defaultdict(list)
        for file in files:
            for fact in file.facts:
                if isinstance(fact, Task):
                    self._tasks[fact.kind, fact.name].append((file.path, fact))
                elif isinstance(fact, Workflow):
                    self._workflows[file.path].append(fact)
        self._called: dict[str, Chain] = {}
        self._chains: dict[_Node, Chain] = {}
        self._walk()

    def of_file(self, path: str) -> Chain | None:
        """The chain that runs or imports a file, None when no automatic trigger reaches it."""
        return self._chains.get(_Node(path))

    def of_task(self, path: str, task: Task) -> Chain | None:
        """The chain that starts a task of a file, None when no automatic trigger reaches it."""
        return self._chains.get(_Node(path, task))

    def of_step(self, path: str, workflow: Workflow, job: Job | None, step: Step | None) -> Chain | None:
        """The chain that runs a step of a workflow, None when only a person starts it or it never runs."""
        if (job and (job.disabled or job.manual)) or (step and step.disabled):
            return None
        base = _trigger(path, workflow) or self._called.get(path)
        if base is None:
            return None
        hops = base if job is None else (*base, Hop(path=path, line=job.line, what=f"job {job.id}"))
        return hops if step is None else (*hops, Hop(path=path, line=step.line, what=step.name or step.uses or "step"))

    def _walk(self) -> None:
        queue: deque[_Node] = deque()
        pending = deque(
            sorted(path for path, workflows in self._workflows.items() if any(_trigger(path, workflow) for workflow in workflows))
        )
        while pending:
            path = pending.popleft()
            if self._files[path].role is not Role.SOURCE:
                continue
            for workflow, job in self._jobs(path):
                for step in (Step(line=job.line, uses=job.uses), *job.steps):
                    chain = self.of_step(path, workflow, job, step)
                    if chain is None:
                        continue
                    if (called := self._local_workflow(path, step.uses)) and called not in self._called:
                        self._called[called] = chain
                        pending.append(called)
                    if _HOOKS in self._files and _HOOK_ACTION.search("/" + step.uses.partition("@")[0]):
                        self._reach(_Node(_HOOKS), chain, 1, _HOOKS, queue)
                    folder = dict(step.arguments).get("working-directory", "")
                    self._follow(path, step.commands, folder, chain, queue)
        while queue and len(self._chains) < _MAX_NODES:
            node = queue.popleft()
            chain = self._chains[node]
            if node.task is not None:
                self._follow(node.path, node.task.commands, posixpath.dirname(node.path), chain, queue)
                for need in node.task.needs:
                    for path, task in self._tasks.get((node.task.kind, need), ()):
                        if path == node.path:
                            self._reach(_Node(path, task), chain, task.line, f"{task.kind} {task.name}", queue)
            elif (file := self._files.get(node.path)) and file.role not in (Role.TEST, Role.VENDORED):
                for fact in file.facts:
                    if isinstance(fact, Import) and ":" not in fact.module:
                        found = self.modules.find(fact.module, node.path)
                        if found and self._files[found].role is not Role.TEST:
                            self._reach(
                                _Node(found),
                                _extend(chain, Hop(path=node.path, line=fact.line, what=f"imports {fact.module}")),
                                0,
                                "",
                                queue,
                            )

    def _jobs(self, path: str) -> list[tuple[Workflow, Job]]:
        return [(workflow, job) for workflow in self._workflows[path] for job in workflow.jobs]

    def _local_workflow(self, path: str, uses: str) -> str | None:
        """The workflow, action or template of the repository that a `uses` names."""
        name = uses.partition("@")[0].removeprefix("template:")
        if not name or "://" in name:
            return None
        for base in ("", posixpath.dirname(path)):
            whole = posixpath.normpath(posixpath.join(base, name))
            for candidate in (whole, whole + "/action.yml", whole + "/action.yaml"):
                if candidate in self._workflows and candidate != path:
                    return candidate
        return None

    def _reach(self, node: _Node, chain: Chain, line: int, what: str, queue: deque[_Node]) -> None:
        if node in self._chains:
            return
        self._chains[node] = _extend(chain, Hop(path=node.path, line=line, what=what)) if what else chain
        queue.append(node)

    def _follow(self, path: str, commands: Sequence[Command], folder: str, chain: Chain, queue: deque[_Node]) -> None:
        for command in commands:
            hops = _extend(chain, Hop(path=path, line=command.line, what=" ".join(command.words)[:120]))
            for node in self._targets(command, folder):
                line = node.task.line if node.task else 1
                self._reach(node, hops, line, f"{node.task.kind} {node.task.name}" if node.task else node.path, queue)

    def _targets(self, command: Command, folder: str) -> Iterator[_Node]:
        """What a command starts, as far as it is in the tree."""
        words = command.words
        program = posixpath.basename(words[0]) if words else ""
        if kind := _RUNNERS.get(program):
            yield from self._run_tasks(kind, words[1:], folder)
        elif program in ("python", "papermill", "streamlit", "torchrun", "accelerate", "Rscript", "julia", "node", "ts-node", "jupyter"):
            for word in words[1:]:
                if word.endswith((".py", ".ipynb", ".R", ".r", ".jl", ".js", ".ts")) and (found := self._path(word, folder)):
                    yield _Node(found)
                    break
        elif program in _SHELLS:
            for word in words[1:2]:
                yield from self._script(word, folder)
        elif program in ("docker", "podman", "buildah") and "build" in words:
            yield from self._build(words, folder)
        elif program in _HOOK_RUNNERS:
            if "run" in words and (found := self._path(_HOOKS, folder)):
                yield _Node(found)
        elif program == "pytest":
            yield from (_Node(path) for path, file in self._files.items() if file.role is Role.TEST and path.endswith(".py"))
        elif words:
            yield from self._script(words[0], folder)
            for path, task in self._tasks.get(("console", program), ()):
                for entry in task.inputs:
                    if found := self.modules.find(entry.partition(":")[0], path):
                        yield _Node(found)
            if "." in words[0] and "/" not in words[0] and (found := self.modules.find(words[0], "")):
                yield _Node(found)

    def _run_tasks(self, kind: str, words: Sequence[str], folder: str) -> Iterator[_Node]:
        names = [word for word in words if not word.startswith("-") and "=" not in word and word not in _SUBCOMMANDS]
        if "-C" in words[:-1]:
            directory = words[list(words).index("-C") + 1]
            folder, names = posixpath.normpath(posixpath.join(folder, directory)), [name for name in names if name != directory]
        if kind in ("dvc", "mlproject") and not _SUBCOMMANDS & set(words):
            return
        known = [(path, task) for (task_kind, _), tasks in self._tasks.items() if task_kind == kind for path, task in tasks]
        near = [(path, task) for path, task in known if posixpath.dirname(path) == folder.rstrip("/")] or [
            (path, task) for path, task in known if "/" not in path.removeprefix("tasks/")
        ]
        chosen = [(path, task) for path, task in near if task.name in names or task.name.rsplit(":", 1)[-1] in names]
        if not chosen and not names:
            chosen = near if kind in _ALL_WHEN_UNNAMED else near[:1]
        yield from (_Node(path, task) for path, task in chosen)

    def _build(self, words: Sequence[str], folder: str) -> Iterator[_Node]:
        named = [words[i + 1] for i, word in enumerate(words[:-1]) if word in ("-f", "--file")]
        for candidate in named or [posixpath.join(words[-1], "Dockerfile")]:
            if found := self._path(candidate, folder):
                yield from (_Node(path, task) for path, task in self._tasks.get(("docker", found), ()))

    def _script(self, word: str, folder: str) -> Iterator[_Node]:
        if found := self._path(word, folder):
            tasks = self._tasks.get(("shell", found), ())
            yield from (_Node(path, task) for path, task in tasks)
            if not tasks:
                yield _Node(found)

    def _path(self, word: str, folder: str) -> str | None:
        """The file of the tree that a word names, from the command's folder or from the root."""
        if word.startswith(("/", "~", "$")):
            return None
        for base in (folder, ""):
            path = posixpath.normpath(posixpath.join(base, word))
            if path in self._files:
                return path
        return None


def _extend(chain: Chain, hop: Hop) -> Chain:
    """The chain with one more hop; a hop on the line of the last one takes its place, as the nearer one says more."""
    if chain and (chain[-1].path, chain[-1].line) == (hop.path, hop.line):
        chain = chain[:-1]
    return (*chain, hop)


def _trigger(path: str, workflow: Workflow) -> Chain | None:
    """The first automatic trigger of a workflow that its system would read."""
    folder = _ROOT_ONLY.get(workflow.system)
    if folder and not path.startswith(folder):
        return None
    for trigger in workflow.triggers:
        if trigger.automatic:
            return (Hop(path=path, line=trigger.line, what=f"on {trigger.kind.replace('_', ' ')}"),)
    return None
