"""What the tasks of Ansible do, by the modules that they call.

A file is read by itself: `{{ … }}` stays as written unless the play, block, task or loop around it says what it is. What a module does
is given as the command that does the same, and what it declares as the resource or image that others declare so.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from rung.expressions import regex
from rung.readers import kubernetes
from rung.readers.attributes import attributes_of, shortened
from rung.readers.documents import Map, Sequence, Value, flatten
from rung.readers.variables import CHECKOUT
from rung.readers.workflows import MAX_NESTING, Source, is_false, is_true, items, local_path, mapping, scalar, strings
from rung.records import Command, Fact, Image, Resource, Task

MAX_VARIABLES = 300
"""Variables of one place whose values are known."""
_MAX_LOOP = 20
"""Items of a loop that are written out; a longer one is read once."""
_MAX_VALUE = 500
"""Characters of the value of a variable."""
_MAX_FILLED = 50
"""Placeholders of a text that are filled in; the two bound what a hostile file grows to."""
MAX_COPIED = 30_000
"""Values that the tasks of a file declare."""
_MAX_WORDS = 4000
"""Characters of the names that a module is given."""
_MAX_NAME = 300
"""Characters of the name of a role or file."""

_PLACEHOLDER = regex(
    r"\{\{-?[ \t]*+([A-Za-z_]\w*+(?:\.\w++)*+)[ \t]*+"
    r"(?:\|[ \t]*+default\([ \t]*+(?:'([^'{}]*+)'|\"([^\"{}]*+)\")[ \t]*+(?:,[ \t]*+true[ \t]*+)?+\)[ \t]*+)?+-?\}\}"
)
"""A variable, with the text that it is by default."""
_PAIR = regex(r"(?<!\S)([a-z_]+)=(\"[^\"]*+\"|'[^']*+'|\S*+)")
_OPTION = regex(r"(?<!\S)(?:chdir|creates|removes|executable|warn|stdin)=(?:\"[^\"]*+\"|'[^']*+'|\S++)")
OF_ROLE = regex(r"((?:.*/)?roles/)((?:[^/]+/){1,3}?)(tasks|handlers|meta|defaults|vars)/.*", re.DOTALL)
"""A file of a role: the folder of all roles, the role, and the folder of it that the file is in."""
_OF_COLLECTION = regex(r"^\w+\.\w+\.(?=\w+$)")
_LOOKUP = regex(r"lookup\([ \t]*[\"'](?:ansible\.builtin\.)?(?:template|file)[\"'][ \t]*,[ \t]*[\"']([\w./-]{1,200})[\"']")
_GONE = frozenset({"absent", "stopped", "killed", "removed"})
SUFFIXES = (".yml", ".yaml")
"""Of the files that it reads."""
_ANYWHERE = "{}"
"""What stands for a folder that only Ansible knows when it runs."""


class _Around(Struct, frozen=True):
    """What surrounds tasks: the variables that are known, whether a failure is let pass, and how many blocks."""

    variables: Mapping[str, str]
    weak: bool = False
    depth: int = 0

    def within(self, body: Map) -> _Around:
        """The same inside of a play, block or task."""
        weak = self.weak or is_true(body.get("ignore_errors")) or is_false(body.get("failed_when"))
        return _Around(self._and(body.get("vars")), weak, self.depth + 1)

    def each(self, body: Map) -> Iterator[_Around]:
        """The same for each item that a task is looped over, where the items are written out."""
        looped = next((body[key] for key in body if key in ("loop", "with_items", "with_list")), None)
        if not isinstance(looped, Sequence) or len(looped) > _MAX_LOOP:
            yield self
            return
        called = scalar(mapping(body.get("loop_control")).get("loop_var")) or "item"
        for item in looped:
            alone = Map()
            alone.put(called, item, 0)
            yield replace(self, variables=self._and(alone))

    def said(self, value: Value | None, unknown: str = "") -> str:
        """A text with what is known in the place of its placeholders; `unknown` is written for the others, `%` in it is their name."""

        def known(found: re.Match[str]) -> str:
            default = found[2] if found[2] is not None else found[3]
            other = default if default is not None else unknown.replace("%", found[1]) or found[0]
            return self.variables.get(found[1], other)

        text = scalar(value)
        return _PLACEHOLDER.sub(known, text, count=_MAX_FILLED) if "{{" in text else text

    def filled(self, value: Value, left: list[int]) -> Value:
        """A copy of a definition as templates of Kubernetes are read: `${name}` for what isn't known of a name; texts stay as written."""
        left[0] -= 1
        if isinstance(value, str) or left[0] < 0:
            is_word = isinstance(value, str) and not re.search(r"\s", _PLACEHOLDER.sub("", value))
            return self.said(value, "${%}" if is_word else "")
        if isinstance(value, Map):
            kept = Map(value.line)
            for key, child in value.items():
                kept.put(key, self.filled(child, left), value.at(key))
            return kept
        listed = Sequence(value.line)
        for child, line in zip(value, value.lines, strict=True):
            listed.put(self.filled(child, left), line)
        return listed

    def _and(self, values: Value | None) -> Mapping[str, str]:
        """The known variables with those of a mapping, by their dotted names."""
        if not isinstance(values, Map):
            return self.variables
        own = {
            key: self.said(text) for key, text, _ in islice(flatten(values), MAX_VARIABLES) if len(text) <= _MAX_VALUE and "\n" not in text
        }
        told = {key: text for key, text in own.items() if "{" not in text and len(text) <= _MAX_VALUE}
        return {**self.variables, **told} if len(self.variables) <= MAX_VARIABLES else self.variables


class Tasks:
    """What the tasks of one play or file do."""

    def __init__(self, source: Source, left: list[int], *, is_play: bool = False) -> None:
        self.source = source
        self._left = left
        """How many values may still be declared in the file."""
        self.commands: list[Command] = []
        self.inputs: dict[str, None] = {}
        """What runs along: files of roles, includes, manifests."""
        self.facts: list[Fact] = []
        path = source.path
        role = OF_ROLE.fullmatch(path)
        self._folder = posixpath.dirname(path)
        self._roles = role[1] if role else ""
        self._in_role = f"{role[1]}{role[2]}".rstrip("/") if role else ""
        here = {"playbook_dir": posixpath.join(CHECKOUT, self._folder).rstrip("/") if is_play else _ANYWHERE}
        self.around = _Around({**here, "role_path": posixpath.join(CHECKOUT, self._in_role)} if role else here)

    def read(self, value: Value | None, around: _Around) -> None:
        """Takes in a list of tasks and blocks; what can never run is left out."""
        for item, _ in self.source.items(value, 0):
            body = mapping(item)
            if never_runs(body):
                continue
            inner = around.within(body)
            if "block" in body:
                for key in ("block", "rescue", "always") if inner.depth < MAX_NESTING else ():
                    self.read(body.get(key), inner)
            elif found := _module_of(body):
                module, given, line = found
                for each in inner.each(body):
                    if self.source.spend():
                        _MODULES[module](self, _Module(module, line, given, mapping(body.get("args")), each))

    def role(self, name: str, tasks: str = "main") -> None:
        """Notes a role that runs: beside the roles of this one, next to the playbook, or the only one of that name."""
        if not name or len(name) > _MAX_NAME or name.startswith(("/", "~", CHECKOUT)):
            return
        name = _OF_COLLECTION.sub("", name)  # Which may be this one.
        places = [posixpath.relpath(self._roles, self._folder) + "/"] if self._roles else ["roles/", ""]
        tasks = tasks.removesuffix(".yml").removesuffix(".yaml")
        for place in places:  # A configuration may say that roles are in a folder of another name.
            self._along(*(f"{_ANYWHERE}/{place}{name}/tasks/{tasks}{suffix}" for suffix in SUFFIXES))

    def roles(self, value: Value | None) -> None:
        """Notes the roles of a list; one that can never run is left out."""
        for item, _ in self.source.items(value, 0):
            body = mapping(item)
            if not never_runs(body):
                self.role(scalar(item) or scalar(body.get("role") or body.get("name")))

    def file(self, name: str, line: int, *folders: str, reader: str = "") -> None:
        """Notes a file that runs along, from here, or from folders of the role or beside the playbook."""
        if not name or len(name) > _MAX_NAME or name.startswith(("/", "~")) or "{{" in name:
            return
        if name.startswith((CHECKOUT, _ANYWHERE)):
            self._along(name)
            return
        near = (name, *(posixpath.join(".." if self._in_role else "", folder, name) for folder in folders))
        self._along(*(posixpath.normpath(posixpath.join(self._folder, one)) for one in near))
        if reader and (path := local_path(name, self._folder)):
            self.source.include(path, line, reader)

    def _along(self, *names: str) -> None:
        self.inputs.update(dict.fromkeys(names))

    def run(self, found: tuple[Command, ...], module: _Module, folder: str = "") -> None:
        """Notes the commands of a module, which has a shell of its own."""
        if not found:
            return
        weak = module.around.weak
        self.commands.append(Command(line=found[0].line, words=("pushd", folder or ".")))
        self.commands.extend(replace(command, toothless=True) if weak else command for command in found)
        self.commands.append(Command(line=found[-1].line, words=("popd",)))

    def does(self, text: str, module: _Module, folder: str = "") -> None:
        """Notes the command that does what a module does, on the line of that."""
        found = self.source.commands(text, module.line)
        self.run(tuple(replace(command, line=module.line) for command in found), module, folder)

    def copied(self, value: Value, around: _Around) -> Value:
        """A copy of what a task declares, filled in; empty once the file has declared too much."""
        return around.filled(value, self._left) if self._left[0] > 0 else Map()

    def task(self, line: int, name: str) -> Iterator[Fact]:
        """The task of all of it, if there is anything to it, and what else it shows."""
        if self.commands or self.inputs:
            yield Task(line=line, kind="ansible", name=name, commands=tuple(self.commands), inputs=tuple(self.inputs))
        yield from self.facts


class _Module:
    """A module with its arguments, given as a mapping, as `key=value`, or as text."""

    def __init__(self, name: str, line: int, given: Value, more: Map, around: _Around) -> None:
        self.name = name
        self.around = around
        self.text = scalar(given)
        self._given = mapping(given)
        self._more = more
        self._pairs = {found[1]: found[2].strip("\"'") for found in _PAIR.finditer(self.text[:_MAX_VALUE])} if "=" in self.text else {}
        self.line = self._given.at("cmd") if "cmd" in self._given else line

    def value(self, *keys: str) -> Value:
        """The first of some arguments that is there, as written."""
        for key in keys:
            if found := self._given.get(key) or self._more.get(key) or self._pairs.get(key):
                return found
        return ""

    def at(self, key: str) -> int:
        """The line of an argument, or that of the module."""
        return self._given.at(key) if key in self._given else self.line

    def said(self, *keys: str) -> str:
        """The first of some arguments that is there, as text."""
        return self.around.said(self.value(*keys)).strip()

    def listed(self, key: str) -> list[str]:
        """An argument that is one text, several with commas between, or a list."""
        found = self.value(key)
        texts = found[:_MAX_WORDS].split(",") if isinstance(found, str) and "{{" not in found else strings(found)
        return [text for one in texts[:_MAX_NAME] if (text := self.around.said(one[:_MAX_WORDS]).strip())]

    @property
    def gone(self) -> bool:
        """Whether it takes away what it is about."""
        return self.said("state") in _GONE


# ── modules ──────────────────────────────────────────────────────────────────────────────────────────


def _shell(tasks: Tasks, module: _Module) -> None:
    words = strings(module.value("argv"))
    free = _OPTION.sub("", module.text) if len(module.text) <= _MAX_WORDS else module.text
    text = shlex.join(words) if words else scalar(module.value("cmd")) or free
    tasks.run(tasks.source.commands(module.around.said(text), module.line), module, module.said("chdir"))
    if module.name == "script":
        tasks.file(text.split(maxsplit=1)[0] if text.strip() else "", module.line, "files")


def _pip(tasks: Tasks, module: _Module) -> None:
    if module.gone:
        return
    version = module.said("version")
    names = module.listed("name")
    wanted = [f"{names[0]}=={version}"] if version and len(names) == 1 else names
    if requirements := module.said("requirements"):
        wanted += ["-r", requirements]
    if wanted:
        tasks.does(shlex.join(["pip", "install", *wanted]), module, module.said("chdir"))


def _apt(tasks: Tasks, module: _Module) -> None:
    names = module.listed("name") or module.listed("pkg")
    if names and not module.gone:
        tasks.does(shlex.join(["apt-get", "install", "-y", *names]), module)


def _helm(tasks: Tasks, module: _Module) -> None:
    if module.gone or not (chart := module.said("chart_ref")):
        return
    told = Map()
    for key, name in (("chart", "chart_ref"), ("version", "chart_version"), ("namespace", "release_namespace"), ("atomic", "atomic")):
        if said := module.said(name):
            told.put(key, said, 0)
    if isinstance(values := module.value("values", "release_values"), Map):
        told.put("values", tasks.copied(values, module.around), 0)
    name = shortened(module.said("name", "release_name"))
    tasks.facts.append(
        Resource(line=module.at("chart_ref"), dialect="kubernetes", type="helm/Release", name=name, attributes=attributes_of(told))
    )
    tasks.file(chart if chart.startswith((".", CHECKOUT, _ANYWHERE)) else "", module.line)


def _k8s(tasks: Tasks, module: _Module) -> None:
    if module.gone:
        return
    defined = module.value("definition", "resource_definition")
    if not isinstance(defined, str):
        tasks.facts.extend(kubernetes.declared(tasks.copied(defined, module.around)))
    elif found := _LOOKUP.search(defined):
        tasks.file(found[1], module.line, "templates", "files")
    templates = module.value("template")
    for text in (*strings(module.value("src")), *strings(templates), scalar(mapping(templates).get("path"))):
        tasks.file(module.around.said(text), module.line, "templates", "files")


def _container(tasks: Tasks, module: _Module) -> None:
    image = module.around.said(module.value("image"), "${%}")
    if module.gone or not image:
        return
    if not image.startswith(("$", "{")):
        tasks.facts.append(Image(line=module.at("image"), name=shortened(image), use="deployment"))
    given = module.value("command")
    command = shlex.join(map(module.around.said, strings(given))) if isinstance(given, Sequence) else module.around.said(given)
    tasks.does(f"docker run -d {shlex.quote(image)} {command}", module)


def _compose(tasks: Tasks, module: _Module) -> None:
    if not module.gone and (folder := module.said("project_src")):
        files = [word for name in module.listed("files") for word in ("-f", name)]
        tasks.does(shlex.join(["docker", "compose", *files, "up", "-d"]), module, folder)


def _image(tasks: Tasks, module: _Module) -> None:
    build = mapping(module.value("build"))
    folder = module.around.said(build.get("path")) or (module.said("path") if module.name == "docker_image_build" else "")
    name = module.said("name")
    name = f"{name}:{module.said('tag')}" if module.said("tag") else name
    if module.gone or not name:
        return
    file = module.around.said(build.get("dockerfile")) or module.said("dockerfile")
    if folder and module.said("source") in ("build", ""):
        at = ["-f", posixpath.join(folder, file)] if file else []
        tasks.does(shlex.join(["docker", "build", *at, "-t", name, folder]), module)
    if is_true(module.said("push")) or module.name == "docker_image_push":
        tasks.does(shlex.join(["docker", "push", name]), module)


def _cron(tasks: Tasks, module: _Module) -> None:
    job = module.said("job")
    if module.gone or not job or is_true(module.said("disabled")) or is_true(module.said("env")):
        return
    special = module.said("special_time")
    times = [module.said(key) or "*" for key in ("minute", "hour", "day", "month", "weekday")]
    if commands := tasks.source.commands(job, module.at("job")):
        schedule = f"@{special}" if special else " ".join(times)
        tasks.facts.append(Task(line=module.at("job"), kind="cron", name=shortened(schedule), commands=commands))


def _include(tasks: Tasks, module: _Module) -> None:
    name = module.said("file") or module.around.said(_PAIR.sub("", module.text[:_MAX_WORDS])).strip()
    tasks.file(name, module.line, "tasks", reader="ansible-tasks")


def _include_role(tasks: Tasks, module: _Module) -> None:
    tasks.role(module.said("name", "role"), module.said("tasks_from") or "main")


_MODULES: dict[str, Callable[[Tasks, _Module], None]] = {
    **dict.fromkeys(("shell", "command", "raw", "script", "win_shell", "win_command"), _shell),
    **dict.fromkeys(("include", "include_tasks", "import_tasks"), _include),
    **dict.fromkeys(("include_role", "import_role"), _include_role),
    **dict.fromkeys(("docker_container", "podman_container"), _container),
    **dict.fromkeys(("docker_compose", "docker_compose_v2"), _compose),
    **dict.fromkeys(("docker_image", "docker_image_build", "docker_image_push"), _image),
    "pip": _pip,
    "apt": _apt,
    "helm": _helm,
    "k8s": _k8s,
    "cron": _cron,
}
"""What is known of modules, by the last part of their names."""


def _module_of(body: Map) -> tuple[str, Value, int] | None:
    """The module that a task calls, with what it is given and its line; None for one of which nothing is known."""
    for key, value in body.items():
        name, given = key, value
        if key in ("action", "local_action"):
            name, _, given = scalar(value).partition(" ")
            if isinstance(value, Map):
                name, given = scalar(value.get("module")), value
        if name.count(".") in (0, 2) and (short := name.rpartition(".")[2]) in _MODULES:
            return short, given, body.at(key)
    return None


def never_runs(body: Map) -> bool:
    """Whether a condition is literally false, or a play, role, block or task runs only for whoever asks for it by its tag."""
    return any(is_false(one) for one, _ in items(body.get("when"), 0)) or "never" in ",".join(strings(body.get("tags"))).split(",")
