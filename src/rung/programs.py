"""What programs start in the repository when a command runs them: tasks, scripts, modules, images, Compose services.

Formats of the commands of runners, shells and container engines are known here; what other tools start is said by their packs.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise

from rung.expressions import regex
from rung.hits import Match
from rung.records import AROUND, GUARD, Call, Command, Definition, Fact, Import, Resource, Start, Step, Task
from rung.starts import values
from rung.tree import CHECKOUT, COMPILED, Point, Tree, all_commands
from rung.wildcards import any_glob

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
_NAMING_SCRIPTS = frozenset({"run", "run-script", "test", "t", "tst", "start", "stop", "restart"})
"""Of what npm is told to do, what starts scripts: `npm ci` installs, even where a script is called `ci`."""
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
_INTERPRETERS = {"python", "R", "Rscript", "julia", "node", "ts-node", "ts-node-dev", "tsx", "deno", "nodemon", "pm2-runtime"}
_SCRIPTS = (".py", ".ipynb", ".R", ".r", ".jl", ".js", ".mjs", ".ts")
_SUFFIXES = ("", ".py", ".ipynb", ".sql", ".R", ".scala")
"""Notebooks and scripts are named with their suffix or without."""
_SHELLS = {"bash", "sh", "zsh", "source", "."}
_ENGINES = {"docker", "podman", "buildah", "docker-compose", "podman-compose"}
_COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
HOOKS = ("prek.toml", ".pre-commit-config.yaml")
"""Configurations of hooks; prek takes the first of them that there is."""
_HOOK_RUNNERS = {"pre-commit", "prek"}
_RUN_BY_TEXT = regex(r"\b(?:source|include|render|quarto_render|knit|rscript)\([ \t]*[\"']([\w./-]{1,200}\.(?:[Rr]|Rmd|qmd|jl))[\"']")
_DYNAMIC = regex(r"\$[\w{(]|\{\{|\{\}")
_VARIABLE = regex(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\}|\{\{[^{}]+\}\})")
_NOT_IN_TREE = regex(r"^(?:[/~-]|\.\./|https?:)|[*?\s\[]")
"""Names of scripts that lie elsewhere, or that are none."""
_SCHEME = regex(r"(?:file|local)://|file:")
"""What marks a path as one of this machine or of the image."""
_INTERPRETER = regex(r"(?:python-?|pypy-?)?\d|\$|\{")
"""How the interpreter begins that a session of nox is run with."""
_OBJECT = regex(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*(?:\(\))?")
"""An object of a module, as servers and console scripts name it."""


class Programs:
    """From commands, and from the arguments of starts, to the points that they start."""

    def __init__(self, tree: Tree, starts: Mapping[str, Sequence[Match]]) -> None:
        self._tree = tree
        self._started: dict[tuple[tuple[str, ...], tuple[str, ...], str], tuple[Point, ...]] = {}
        self._programs: dict[tuple[str, str], tuple[Point, ...]] = {}
        self._images = self._built(starts)
        self._by_program: dict[str, Callable[[Programs, tuple[str, ...], str], Iterator[Point]]] = {
            **dict.fromkeys(_RUNNERS, Programs._runner),
            **dict.fromkeys(_OF_PACKAGES, Programs._packages),
            **dict.fromkeys(_INTERPRETERS, Programs._interpreter),
            **dict.fromkeys(_SHELLS, Programs._shell),
            **dict.fromkeys(_ENGINES, Programs._engine),
            **dict.fromkeys(_HOOK_RUNNERS, Programs._hooks),
        }
        """Who tells what a program starts, by its name; `_any` of all others. Takes the words of its command, and the folder.

        Bound methods would make a cycle, and a history would keep the files of revision after revision until that is collected.
        """

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
                named = self._tree.moved(command.words[1], here)
                here = folder if named is None else named
            yield command, here

    def unknown(self, command: Command) -> str:
        """Why it can't be told what a command starts; empty when it can, or when it starts nothing of ours."""
        program = _program_of(command)
        if program in _INTERPRETERS or program in _SHELLS or program in _RUNNERS:
            target = next((word for word in command.words[1:] if not word.startswith("-")), "")
            return "what it starts is named by a variable" if _DYNAMIC.search(CHECKOUT.sub("", target)) and target != "$@" else ""
        name = CHECKOUT.sub("", command.words[0]) if program else ""
        alone = _VARIABLE.fullmatch(name) and all(word.startswith(("-", "$")) for word in command.words[1:])
        return "the program is named by a variable" if alone or ("/" in name and _DYNAMIC.search(name)) else ""

    def lacks(self, command: Command) -> str:
        """The script that a command runs and that should be in the tree, when no file there is called so; else empty."""
        program = _program_of(command)
        if program not in _INTERPRETERS and program not in _SHELLS:
            return ""
        named = CHECKOUT.sub("", next((word for word in command.words[1:] if word.endswith((*_SCRIPTS, ".sh"))), ""))
        name = posixpath.basename(named)
        if not named or _DYNAMIC.search(named) or _NOT_IN_TREE.search(named) or self._tree.has_name(name):
            return ""
        if COMPILED.fullmatch(named) and self._tree.has_name(posixpath.splitext(name)[0] + ".ts"):
            return ""
        return named

    def started(self, command: Command, folder: str) -> tuple[Point, ...]:
        """What a command starts, as far as it is in the tree."""
        modules = _called_modules(command.code)
        key = command.words, modules, folder
        if key not in self._started:
            of = self._by_program.get(_program_of(command), Programs._any)
            imported = (point for module in modules for point in self._module(module, folder))
            self._started[key] = (*of(self, command.words, folder), *imported)
        return self._started[key]

    def folder(self, start: Start, fact: Fact | None, folder: str) -> str:
        """The folder from which the arguments of a start count, in the one that it stands in."""
        word = next((word for word in values(fact, start.folder) if word), ".")
        found = self._tree.folder(word, folder)
        return posixpath.normpath(posixpath.join(folder, word)) if found is None else found

    def named(self, start: Start, fact: Fact | None, folder: str) -> Iterator[Point]:
        """What the arguments of a start name, but for its command lines; an image that is given a command does not run its own."""
        here = self.folder(start, fact, folder)
        for word in values(fact, start.file):
            at = word.lstrip("/") if start.trigger == "controller" else word  # A controller's root is that of the repository.
            yield from self._files(at, here, guess=not isinstance(fact, Command))
        for word in values(fact, start.resource):
            yield from self._tree.resources(word)
        for word in values(fact, start.module):
            yield from self._module(word, here)
        if start.glob:
            yield from (Point(path) for path in self._tree.matching(start.glob, here))
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

    def needed(self, path: str, task: Task) -> Iterator[Point]:
        """What runs with a task: those that it needs, what it includes, and the image that a Compose service is built from."""
        for need in task.needs:
            if task.kind == "timer":
                yield from (Point(at, service) for at, service in self._tree.named("systemd", need))
            else:
                yield from (Point(at, other) for at, other in self._tree.named(task.kind, need) if at == path)
        if task.kind in _STARTING_MODULES:
            for entry in task.inputs:
                yield from self._entry(entry, path)
        if task.kind == "ansible":
            for word in task.inputs:
                if found := self._tree.find(word, posixpath.dirname(path)):
                    yield from self._script(found, "")
        if task.kind == "compose":
            for dockerfile in task.inputs:
                place = posixpath.normpath(posixpath.join(posixpath.dirname(path), dockerfile))
                yield from self._of_image(place, "docker")
                if not task.commands:
                    yield from self._of_image(place, "docker-start")

    # ── programs ─────────────────────────────────────────────────────────────────────────────────────

    def _runner(self, words: tuple[str, ...], folder: str) -> Iterator[Point]:
        """Runners of named tasks."""
        program = posixpath.basename(words[0])
        kind = _RUNNERS[program]
        if program == "npm" and _NAMING_SCRIPTS.isdisjoint(words):
            return
        yield from self._tasks(kind, words[1:], folder)
        if kind == "npm":
            yield from self._packages(words, folder)

    def _packages(self, words: tuple[str, ...], _folder: str) -> Iterator[Point]:
        """Scripts of the packages of a workspace, of all or of those that a command names by the last part of their names."""
        split = [part for word in words for part in word.replace("=", ",").split(",")]
        chosen = {name.rstrip("./").rpartition("/")[2] for option, name in pairwise(split) if option in _CHOOSING_PACKAGES}
        if chosen or not _IN_ALL_PACKAGES.isdisjoint(split):
            for path, task in self._tree.of_kind("npm"):
                place = posixpath.dirname(path)
                if place and task.name in split and (not chosen or posixpath.basename(place) in chosen):
                    yield Point(path, task)

    def _interpreter(self, words: tuple[str, ...], folder: str) -> Iterator[Point]:
        """Interpreters of languages: the first script, or those that a text of R or Julia (`-e "source('fit.R')"`) runs."""
        named = [name for option, text in pairwise(words) if option in ("-e", "--eval") for name in _RUN_BY_TEXT.findall(text)]
        if named:
            yield from (Point(path) for name in named if (path := self._tree.find(name, folder)))
            return
        found = [self._tree.find(word, folder) for word in words[1:] if word.endswith(_SCRIPTS)]
        for path in found[:1]:
            if path:
                yield from self._commanded(self._run(path), words)

    def _shell(self, words: tuple[str, ...], folder: str) -> Iterator[Point]:
        """Shells: the script."""
        for word in words[1:2]:
            yield from _chosen(list(self._script(word, folder)), words[2:])

    def _hooks(self, words: tuple[str, ...], folder: str) -> Iterator[Point]:
        """Runners of hooks: their configuration."""
        read = [self._tree.find(name, folder) for name in (HOOKS if posixpath.basename(words[0]) == "prek" else HOOKS[1:])]
        yield from [Point(path) for path in read if path and "run" in words][:1]

    def _any(self, words: tuple[str, ...], folder: str) -> Iterator[Point]:
        """Any other program: it may be of the tree itself, a task, or a server that is given an object of a module."""
        if not words:
            return
        for point in _chosen(self._program(words[0], folder), words[1:]):
            yield from self._commanded(point, words)
        if not _is_condition(words):
            yield from (point for kind in _PEELED_RUNNERS for point in self._tasks(kind, words[:1], folder))
        for word in words[1:]:
            if ":" in word and _OBJECT.fullmatch(word):
                yield from self._module(word, folder)

    # ── tasks ────────────────────────────────────────────────────────────────────────────────────────

    def _tasks(self, kind: str, words: Sequence[str], folder: str) -> Iterator[Point]:
        if kind == "nox":
            words = [_session(word, {task.name for _, task in self._tree.of_kind(kind)}) for word in words]
        names = [word for word in words if not word.startswith("-") and "=" not in word and word not in _SUBCOMMANDS]
        if "-C" in words[:-1]:
            directory = words[list(words).index("-C") + 1]
            folder, names = posixpath.normpath(posixpath.join(folder, directory)), [name for name in names if name != directory]
        if kind == "test":
            yield from self._tests(names, folder)
            return
        if kind == "snakemake":  # What is wanted is told by files, which name no rules; rules are spread over folders.
            yield from (Point(path, task) for path, task in self._tree.of_kind(kind) if path.startswith(f"{folder}/" if folder else ""))
            return
        holders = self._tree.by_folder(kind)
        folder = next((place for name in names if (place := self._tree.folder(name, folder)) in holders and place), folder)
        near = (
            holders.get(folder.rstrip("/"))
            or (kind == "npm" and self._above(folder, names))
            or [(path, task) for path, task in self._tree.of_kind(kind) if "/" not in path.removeprefix("tasks/")]
        )
        chosen: Sequence[tuple[str, Task]] = [
            (path, task) for path, task in near if task.name in names or (kind != "npm" and task.name.rsplit(":", 1)[-1] in names)
        ]
        if not chosen and kind == "make":  # Rules that the Makefile includes.
            chosen = [(path, task) for path, task in self._tree.of_kind(kind) if path.endswith(".mk") and task.name in names]
        if not chosen and (not names or kind not in _RUNNERS.values()):
            main = [(path, task) for path, task in near if task.name == "main"]
            first = near[:1] if kind in _RUNNERS.values() and kind not in _ALL_WHEN_UNNAMED else near
            chosen = main or first
        yield from (Point(path, task) for path, task in chosen)

    def _above(self, folder: str, names: Sequence[str]) -> Sequence[tuple[str, Task]]:
        """The scripts of the nearest package around a folder that has one of some names: npm and its like look upwards."""
        holders = self._tree.by_folder("npm")
        while folder := posixpath.dirname(folder.rstrip("/")):
            if any(task.name in names for _, task in holders.get(folder, ())):
                return holders[folder]
        return ()

    def _tests(self, names: Sequence[str], folder: str) -> Iterator[Point]:
        """The test files that a test run's words name, or else those of the folder it is in, or all."""
        for base in (folder, "") if folder else ("",):
            within = {posixpath.normpath(posixpath.join(base, place)) for name in names for place in _places_of_tests(name)}
            below = tuple(f"{place}/" for place in within)
            is_meant = any_glob(sorted(place for place in within if "*" in place))
            chosen = [path for path in self._tree.tests if path in within or path.startswith(below) or is_meant(path)]
            if chosen:
                break
        else:
            chosen, within = [path for path in self._tree.tests if folder and path.startswith(f"{folder}/")], set()
        taken = self._tree.collected | within
        yield from (Point(path) for path in chosen or self._tree.tests if path in taken)

    # ── scripts and modules ──────────────────────────────────────────────────────────────────────────

    def _script(self, word: str, folder: str) -> Iterator[Point]:
        if found := self._tree.find(word, folder):
            yield Point(found)
            yield from (Point(path, task) for path, task in self._tree.named("shell", found))
            yield from (Point(found, task) for task in self._tree.tasks_of(found, "branch"))

    def _program(self, word: str, folder: str) -> tuple[Point, ...]:
        """What the name of a program is of the tree; there are few programs, and very many commands."""
        known = self._programs.get((word, folder))
        if known is None:
            known = self._programs[word, folder] = tuple(self._named_program(word, folder))
        return known

    def _named_program(self, word: str, folder: str) -> Iterator[Point]:
        """A script by its path, a console script, a module run as a program."""
        yield from (self._run(point.path) if point.task is None else point for point in self._script(word, folder))
        program = posixpath.basename(word)
        for path, task in self._tree.named("console", program):
            for entry in task.inputs:
                yield from self._entry(entry, path)
        if "/" not in word and program.replace(".", "").replace("_", "").isalnum():
            name = word if "." in word else f"{word}.__main__"
            found = self._tree.modules.find(name, posixpath.join(folder, "_"))
            if found and ("." in word or found.endswith("__main__.py")):
                yield self._run(found)

    def _run(self, path: str) -> Point:
        """A script or module that is run as the program."""
        return Point(path, part=GUARD if GUARD in self._tree.parts.of(path) else AROUND)

    def _commanded(self, point: Point, words: Sequence[str]) -> Iterator[Point]:
        """Of a program that is made of commands those that the words of its command line name, the innermost of nested ones, else all of it.

        Commands of its own module come before those of modules that it is put together from. To be told how it is used runs none of them.
        """
        if "--help" in words and point.part is not None:
            yield Point(point.path, part=AROUND)
            return
        for path in self._tree.parts.made_of(point.path, point.part) if point.part is not None and len(words) > 1 else ():
            groups = None if path == point.path else {"", *path.removesuffix(".py").split("/")}
            if chosen := _commands(self._tree.parts.of(path), words[1:], groups):
                yield from (Point(path, part=name) for name in chosen)
                return
        yield point

    def _entry(self, word: str, path: str) -> Iterator[Point]:
        """`package.module:function` as a manifest names it."""
        module, _, name = word.partition(":")
        if found := self._tree.modules.locate(module, path):
            yield self._object(found[0], name or found[1])

    def _object(self, path: str, name: str) -> Point:
        """An object of a module, with all that runs where it is made; the whole module without a name."""
        found, part = self._tree.parts.behind(path, name)
        return Point(found, part=part)

    def _files(self, word: str, folder: str, *, guess: bool) -> Iterator[Point]:
        """The file that an argument names, or the manifests of a folder; one of the words of a command is no guess at either."""
        word = _SCHEME.sub("", word).partition("::")[0]
        for suffix in _SUFFIXES if guess else ("",):
            if found := self._tree.find(word + suffix, folder):
                yield from self._script(found, "")
                yield from (Point(found, line=workflow.line, workflow=True) for workflow in self._tree.workflows.get(found, ()))
                return
        if word and not word.startswith(("/", "~", "$")) and "://" not in word and (guess or "/" in word):
            yield from (Point(path) for path in self._tree.below(word, folder))

    def _module(self, word: str, folder: str) -> Iterator[Point]:
        """`package.module:object`, `package.module.function` or `folder/file.function`."""
        name, _, item = word.partition(":")
        directory, _, last = name.removesuffix(".py").rpartition("/")
        place = posixpath.normpath(posixpath.join(folder, directory))
        if located := self._tree.modules.locate(last, posixpath.join(place, "_")):
            found, inner = located
            yield self._object(found, item or inner)
            return
        inner = ""
        while last:  # A file of a package that is run from its own folder, and not imported.
            if path := self._tree.find(posixpath.join(directory, last.replace(".", "/") + ".py"), folder):
                yield self._object(path, item or inner)
                return
            last, _, inner = last.rpartition(".")

    # ── images ───────────────────────────────────────────────────────────────────────────────────────

    def _engine(self, words: Sequence[str], folder: str) -> Iterator[Point]:
        """Engines of containers: what they build, run, or bring up."""
        if words[0].endswith("-compose") or "compose" in words[1:3]:
            yield from self._compose(words, folder)
        elif "build" in words:
            for dockerfile in self._dockerfiles_of(words, folder):
                yield from self._of_image(dockerfile, "docker")
        elif "run" in words:
            for word in words[words.index("run") + 1 :]:
                if _image_key(word) in self._images and not word.startswith("-"):
                    yield from self._run_image(word)
                    return

    def _compose(self, words: Sequence[str], folder: str) -> Iterator[Point]:
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
                        yield from (point for dockerfile in place for point in self._of_image(dockerfile, "docker"))
                    else:
                        yield Point(path, task)

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

    def _of_image(self, dockerfile: str, kind: str) -> Iterator[Point]:
        yield from (Point(path, task) for path, task in self._tree.named(kind, dockerfile))

    def _run_image(self, name: str) -> Iterator[Point]:
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


def _program_of(command: Command) -> str:
    return posixpath.basename(command.words[0]) if command.words else ""


def _called_modules(code: Iterable[Call | Import]) -> tuple[str, ...]:
    """The modules of which a program calls something; only to import one starts nothing."""
    called = [f"{fact.name}." for fact in code if isinstance(fact, Call)]
    return tuple(fact.module for fact in code if isinstance(fact, Import) and any(name.startswith(f"{fact.module}.") for name in called))


def _commands(parts: Mapping[str, Definition], words: Sequence[str], groups: Collection[str] | None) -> Sequence[str]:
    """The parts of a module that are the command which words name: of nested ones the innermost, that the outer one uses.

    In a module that a program is put together from, the word before its command names the group, which is called like the module or its
    folder (`groups`): other modules have commands of that name, too.
    """
    chosen: Sequence[str] = ()
    group = ""
    for word in words:
        within = {use for name in chosen for use in parts[name].uses}
        if chosen or groups is None or group in groups:
            chosen = [part.name for part in parts.values() if part.command == word and (not chosen or part.name in within)] or chosen
        if not word.startswith("-"):
            group = word.replace("-", "_")
    return chosen


def _chosen(points: Sequence[Point], arguments: Sequence[str]) -> Iterator[Point]:
    """What a script runs that is called with some arguments: of its branches those that they choose, or all if that can't be told."""
    told = bool(arguments) and not any(_DYNAMIC.search(word) for word in arguments)
    named = {id(point) for point in points if point.task and point.task.kind == "branch" and _is_chosen(point.task, arguments)}
    for point in points:
        if not told or point.task is None or point.task.kind != "branch" or id(point) in named or (not named and "*" in point.task.inputs):
            yield point


def _session(word: str, names: Collection[str]) -> str:
    """The session that a word of nox' command line names, which may also say with which interpreter and parameters (`test-3.12(pandas='2')`)."""
    begun = word.partition("(")[0]
    fitting = [name for name in names if begun == name or (begun.startswith(f"{name}-") and _INTERPRETER.match(begun[len(name) + 1 :]))]
    return max(fitting, key=len, default=word)


def _is_chosen(branch: Task, arguments: Sequence[str]) -> bool:
    return any(fnmatchcase(word, pattern) for pattern in branch.inputs if pattern != "*" for word in arguments)


def _places_of_tests(name: str) -> Iterator[str]:
    """Where what a test run is told to run may stand: a file or folder, or a module, a class or a method of it (`tests.test_rows.Rows`)."""
    yield name.partition("::")[0]
    if "/" not in name and not name.endswith(".py"):
        parts = name.partition("::")[0].split(".")
        yield "/".join(parts)
        yield from ("/".join(parts[:end]) + ".py" for end in range(len(parts), 0, -1))


def _is_condition(words: Sequence[str]) -> bool:
    """Whether a command is the shell's own `test`, and no task of that name."""
    return (
        words[0] == "test"
        and len(words) > 1
        and (words[1] == "!" or _UNARY.fullmatch(words[1]) is not None or not _COMPARISONS.isdisjoint(words[2:3]))
    )
