"""Tasks in configuration files: npm scripts, the script tables of pyproject.toml, mise, Taskfile, tox; the options that pytest is given by its own."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, product

from msgspec.structs import replace

from rung.expressions import regex
from rung.readers.documents import Map, Sequence, Unreadable, parse_ini, parse_json, text_of
from rung.readers.makefiles import MAX_TASKS
from rung.readers.reading import COMMANDS, Reading, called, named
from rung.readers.requirements import Finder, guarded, toml_or_template
from rung.readers.shell import split, words_of
from rung.readers.workflows import Source, is_true, items, mapping, scalar, strings
from rung.records import Command, Fact, Task

MAX_COMMANDS = 10_000
"""Commands of one file; anchors can make many out of a few lines."""

_GO_VALUE = regex(r"\{\{\s*\.([\w]+)\s*\}\}")
_TOX_SECTION = regex(r"(?:testenv|tox:testenv)(?::(.+))?|env_run_base|env\.(.+)")
_TOX_REFERENCE = regex(r"\{\[([\w:.-]+)\](\w+)\}")
_TOX_VALUE = regex(r"\{(?:posargs(?::([^{}]*))?|(toxinidir|tox_root|env_?dir|envtmpdir|env_?python|env_?bin_?dir)(/?))\}")
_TOX_CONDITION = regex(r"(?:[\w.!,*-]|\{[\w,.-]*\})+:\s+(?=\S)")
_TOX_BRACES = regex(r"\{([\w,. -]*)\}")
_TOX_KEYS = ("commands_pre", "commands", "commands_post")
_NX_COMMANDS = ("nx:run-commands", "@nx/workspace:run-commands", "@nrwl/workspace:run-commands")
_NX_TOOLS = {"jest:jest": "jest", "vite:test": "vitest", "eslint:lint": "eslint", "linter:eslint": "eslint"}
_MAX_ENVIRONMENTS = 60
_MAX_LINES = 500
"""Commands of one environment."""
_MAX_REFERENCE = 20_000
"""Characters of a setting that another one refers to."""
_ENTRY = regex(r"[A-Za-z_][\w.]*(?::[\w.]+)?")


def read_npm(_path: str, data: bytes) -> Iterator[Fact]:
    """An npm task for each script of a package.json; `pretest` and `posttest` are what `test` needs."""
    root = parse_json(data)
    scripts = mapping(mapping(root).get("scripts"))
    for name, text in islice(scripts.items(), MAX_TASKS):
        if isinstance(text, str):
            hooks = tuple(hook for hook in (f"pre{name}", f"post{name}") if hook in scripts)
            yield Task(line=scripts.at(name), kind="npm", name=name, commands=split(text, scripts.at(name), errexit=False), needs=hooks)


def read_nx(path: str, data: bytes) -> Iterator[Fact]:
    """An npm task for each target of an Nx project that runs commands, from the workspace's folder, or tests or lints by a tool of its own."""
    targets = mapping(mapping(parse_json(data)).get("targets"))
    for name, target in islice(targets.items(), MAX_TASKS):
        asked = mapping(target)
        options, executor = mapping(asked.get("options")), scalar(asked.get("executor"))
        line = targets.at(name)
        if tool := _NX_TOOLS.get(executor.partition("/")[2]):
            yield Task(line=line, kind="npm", name=name, commands=(Command(line=line, words=(tool,)),))
        elif executor in _NX_COMMANDS or (not executor and "command" in asked):
            listed = options.get("commands")
            given = [asked.get("command"), options.get("command"), *(listed if isinstance(listed, Sequence) else ())]
            written = [scalar(mapping(each).get("command") if isinstance(each, Map) else each) for each in given if each is not None]
            place = posixpath.normpath(posixpath.join("../" * path.count("/"), scalar(options.get("cwd"))))
            run = (command for text in written[:MAX_TASKS] for command in split(text, line, errexit=False))
            yield Task(line=line, kind="npm", name=name, commands=(Command(line=line, words=("cd", place)), *run))


def read_pyproject(_path: str, data: bytes) -> Iterator[Fact]:
    """The tasks of every task runner that keeps its scripts in pyproject.toml, and the project's console scripts."""
    root = mapping(toml_or_template(data))
    tool = mapping(root.get("tool"))
    project, poetry = mapping(root.get("project")), mapping(tool.get("poetry"))
    for section in (project.get("scripts"), project.get("gui-scripts"), poetry.get("scripts")):
        yield from _console(mapping(section))
    for kind, section in (
        ("poe", mapping(tool.get("poe")).get("tasks")),
        ("pdm", mapping(tool.get("pdm")).get("scripts")),
        ("taskipy", mapping(tool.get("taskipy")).get("tasks")),
        ("rye", mapping(tool.get("rye")).get("scripts")),
        ("pixi", mapping(tool.get("pixi")).get("tasks")),
    ):
        yield from _table(kind, mapping(section))
    for feature in mapping(mapping(tool.get("pixi")).get("feature")).values():
        yield from _table("pixi", mapping(mapping(feature).get("tasks")))
    for environment in mapping(mapping(tool.get("hatch")).get("envs")).values():
        scripts = mapping(mapping(environment).get("scripts"))
        yield from (_with_script_needs(task, scripts) for task in _table("hatch", scripts))
    tox = mapping(tool.get("tox"))
    if legacy := scalar(tox.get("legacy_tox_ini")):
        yield from _shifted(_tox(parse_ini(legacy.encode()), legacy), tox.at("legacy_tox_ini"))
    yield from _tox_tables(tox)
    pytest = mapping(tool.get("pytest"))
    yield from _pytest(mapping(pytest.get("ini_options")) or pytest)


def read_pipfile(_path: str, data: bytes) -> Iterator[Fact]:
    """The scripts of a Pipfile."""
    yield from _table("pipenv", mapping(mapping(toml_or_template(data)).get("scripts")))


def read_pixi(_path: str, data: bytes) -> Iterator[Fact]:
    """The tasks of a pixi.toml."""
    root = mapping(toml_or_template(data))
    yield from _table("pixi", mapping(root.get("tasks")))
    for feature in mapping(root.get("feature")).values():
        yield from _table("pixi", mapping(mapping(feature).get("tasks")))


def read_mise(_path: str, data: bytes) -> Iterator[Fact]:
    """The tasks of a mise.toml."""
    yield from _table("mise", mapping(mapping(toml_or_template(data)).get("tasks")))


def read_setup_cfg(_path: str, data: bytes) -> Iterator[Fact]:
    """Console scripts and tox environments of a setup.cfg."""
    root = parse_ini(data)
    entries = mapping(root.get("options.entry_points"))
    for line in scalar(entries.get("console_scripts")).splitlines():
        name, _, target = (part.strip() for part in line.partition("="))
        if name and _ENTRY.match(target):
            yield Task(line=entries.at("console_scripts"), kind="console", name=name, inputs=(target.split(" ")[0],))
    yield from _tox(root, text_of(data))
    yield from _pytest(mapping(root.get("tool:pytest")))


def read_tox(_path: str, data: bytes) -> Iterator[Fact]:
    """A tox task for each environment of a tox.ini."""
    root = parse_ini(data)
    yield from _tox(root, text_of(data))
    yield from _pytest(mapping(root.get("pytest")))


def read_pytest(_path: str, data: bytes) -> Iterator[Fact]:
    """What a pytest.ini adds to each run of pytest."""
    yield from _pytest(mapping(parse_ini(data).get("pytest")))


def read_tox_toml(_path: str, data: bytes) -> Iterator[Fact]:
    """A tox task for each environment of a tox.toml."""
    yield from _tox_tables(mapping(toml_or_template(data)))


def read_taskfile(path: str, data: bytes) -> Iterator[Fact]:
    """A task for each entry of a Taskfile."""
    source = Source(path, data)
    left = MAX_COMMANDS
    for document in source.documents():
        values = {name: value for name, value in mapping(document.get("vars")).items() if isinstance(value, str)}
        tasks = mapping(document.get("tasks"))
        for name in islice(tasks, MAX_TASKS):
            task = _taskfile_task(source, tasks, name, values, left)
            left = max(left - len(task.commands), 0)
            yield task
    yield from source.facts


def _taskfile_task(source: Source, tasks: Map, name: str, values: dict[str, str], limit: int) -> Task:
    body, line = tasks[name], tasks.at(name)
    table = body if isinstance(body, Map) else Map(line)
    commands: list[Command] = []
    needs = [scalar(need.get("task")) if isinstance(need, Map) else scalar(need) for need, _ in items(table.get("deps"), line)]
    key = "cmds" if "cmds" in table else "cmd"
    for item, at in islice(items(table.get(key, "") if isinstance(body, Map) else body, table.at(key)), limit):
        entry = mapping(item)
        if reference := scalar(entry.get("task")):
            needs.append(reference)
        text = scalar(item) or scalar(entry.get("cmd")) or scalar(entry.get("defer"))
        text = _GO_VALUE.sub(lambda found: values.get(found[1], found[0])[:2000], text[: 256 * 1024])
        found = source.commands(text, entry.at("cmd") if entry else at)
        commands.extend(_weakened(found, is_true(entry.get("ignore_error")) or is_true(table.get("ignore_error"))))
    return Task(
        line=line,
        kind="taskfile",
        name=name,
        commands=tuple(commands),
        needs=tuple(need for need in needs if need),
        inputs=tuple(text for text in strings(table.get("sources")) if text),
        outputs=tuple(text for text in strings(table.get("generates")) if text),
    )


def _pytest(table: Map) -> Iterator[Task]:
    """A pytest task of the options that a configuration adds to each run: `pytest` with these."""
    given, line = table.get("addopts"), table.at("addopts")
    options = " ".join((scalar(given) or shlex.join(strings(given))).split())
    if options:
        yield Task(line=line, kind="pytest", name="addopts", commands=split(f"pytest {options}", line))


def _console(table: Map) -> Iterator[Task]:
    for name, value in islice(table.items(), MAX_TASKS):
        target = scalar(value) or scalar(mapping(value).get("callable")) or scalar(mapping(value).get("reference"))
        if _ENTRY.match(target):
            yield Task(line=table.at(name), kind="console", name=name, inputs=(target.partition("[")[0].strip(),))


def _table(kind: str, table: Map) -> Iterator[Task]:
    """The tasks of a script table: texts, lists, or tables whose keys say what they are."""
    for name, value in islice(table.items(), MAX_TASKS):
        if kind == "pdm" and name == "_":
            continue
        line = table.at(name)
        commands: list[Command] = []
        needs: list[str] = []
        inputs: list[str] = []
        entry = mapping(value)
        if isinstance(value, Sequence):
            _take_list(kind, value, line, commands, needs)
        elif isinstance(value, str):
            commands.extend(split(_without_ignored(value), line))
        for key in ("cmd", "shell", "run", "sequence", "composite", "chain", "control"):
            part = entry.get(key, "")
            at = entry.at(key)
            if isinstance(part, str):
                commands.extend(split(part, at))
            elif isinstance(part, Sequence) and key in ("cmd", "shell"):
                commands.extend(words_of([word for word in part if isinstance(word, str)][:MAX_TASKS], at))
            elif isinstance(part, Sequence):
                _take_list("" if key == "composite" else kind, part, at, commands, needs)
        inputs.extend(target.partition("(")[0] for key in ("script", "call") if _ENTRY.match(target := scalar(entry.get(key))))
        for key in ("deps", "depends", "depends-on", "depends_on", "ref"):
            needs.extend(scalar(need) or scalar(mapping(need).get("task")) for need, _ in items(entry.get(key), line))
        inputs.extend(strings(entry.get("inputs")))
        weak = is_true(entry.get("ignore_fail"))
        yield Task(
            line=line,
            kind=kind,
            name=name,
            commands=tuple(_weakened(commands, weak)),
            needs=tuple(dict.fromkeys(need.split(" ")[0] for need in needs if need)),
            inputs=tuple(inputs),
            outputs=strings(entry.get("outputs")),
        )


def _take_list(kind: str, value: Sequence, line: int, commands: list[Command], needs: list[str]) -> None:
    """Items of a list of steps: names of other tasks (poe), command texts (the others), or tables with either."""
    if kind == "rye" and all(isinstance(item, str) and " " not in item for item in value):
        commands.extend(words_of([item for item in value if isinstance(item, str)][:MAX_TASKS], line))
        return
    for item, at in items(value, line):
        if isinstance(item, str):
            if kind in ("poe", ""):
                needs.append(item)
            if kind != "poe":
                text = _without_ignored(item)
                commands.extend(_weakened(split(text, at), text != item))
        elif isinstance(item, Map):
            needs.append(scalar(item.get("ref")) or scalar(item.get("task")))
            commands.extend(split(scalar(item.get("cmd")) or scalar(item.get("shell")), at))


def _with_script_needs(task: Task, scripts: Map) -> Task:
    """Hatch lets a script's command begin with another script's name."""
    called = tuple(
        dict.fromkeys(command.words[0] for command in task.commands if command.words[0] in scripts and command.words[0] != task.name)
    )
    return replace(task, needs=(*task.needs, *called)) if called else task


def _without_ignored(text: str) -> str:
    """Hatch's mark for a command whose failure does not count, taken away."""
    return text[2:] if text.startswith("- ") else text


def _weakened(commands: Iterable[Command], weak: bool) -> Iterator[Command]:
    return (replace(command, toothless=True) if weak else command for command in commands)


def _shifted(tasks: Iterable[Task], lines: int) -> Iterator[Task]:
    """Tasks of a text within a file, on the file's lines."""
    for task in tasks:
        commands = tuple(replace(command, line=command.line + lines) for command in task.commands)
        yield replace(task, line=task.line + lines, commands=commands)


def _tox(root: Map, text: str) -> Iterator[Task]:
    finder = Finder(text)
    sections = {(found[1] or found[2] or ""): name for name in root if (found := _TOX_SECTION.fullmatch(name))}
    if not sections:
        return
    base = mapping(root.get(sections.get("", "")))
    named_environments: set[str] = set()
    inherited = {key: _tox_commands(root, base, key, finder) for key in _TOX_KEYS}
    for name, section in islice(sections.items(), MAX_TASKS):
        table = mapping(root[section])
        commands = [
            command for key in _TOX_KEYS for command in (_tox_commands(root, table, key, finder) if key in table else inherited[key])
        ]
        for environment in islice(_braced(name or "testenv"), _MAX_ENVIRONMENTS):
            named_environments.add(environment)
            yield Task(line=root.at(section), kind="tox", name=environment, commands=tuple(commands))
    tox = mapping(root.get("tox") or root.get("tox:tox"))
    key = "envlist" if "envlist" in tox else "env_list"
    listed = [
        name for part in re.split(r"[\s,]+(?![^{}]*\})", scalar(tox.get(key))[:2000]) for name in islice(_braced(part), _MAX_ENVIRONMENTS)
    ]
    for name in dict.fromkeys(listed):
        if name and name not in named_environments and "" in sections:
            yield Task(line=tox.at(key), kind="tox", name=name, needs=("testenv",))


def _tox_commands(root: Map, table: Map, key: str, finder: Finder) -> list[Command]:
    commands: list[Command] = []
    for line, text in islice(_tox_lines(root, scalar(table.get(key)), table.at(key), finder), _MAX_LINES):
        commands.extend(_weakened(split(text.lstrip("-! "), line), text.startswith("-")))
    return commands


def _tox_lines(root: Map, text: str, start: int, finder: Finder) -> Iterator[tuple[int, str]]:
    """Commands of a tox setting with their lines; a reference to another section's commands stands for them."""
    pending = ""
    for raw in text.splitlines():
        joined = pending + raw.strip()
        if joined.endswith("\\"):
            pending = joined[:-1]
            continue
        pending = ""
        line = finder.line(raw, start)
        if reference := _TOX_REFERENCE.fullmatch(joined):
            table = mapping(root.get(reference[1]))
            for inner in scalar(table.get(reference[2]))[:_MAX_REFERENCE].splitlines():
                yield table.at(reference[2]), _tox_text(inner.strip())
        elif joined:
            yield line, _tox_text(joined)


def _tox_text(text: str) -> str:
    text = _TOX_CONDITION.sub("", text, count=1) if not text.startswith(("{posargs", "{env")) else text
    return _TOX_VALUE.sub(_tox_value, text)


def _tox_value(found: re.Match[str]) -> str:
    if found[2] in ("envpython", "env_python"):
        return "python"
    return found[1] or ("." + found[3] if found[2] and not found[3] else "")


def _braced(name: str) -> Iterator[str]:
    """`py{310,311}-lint` as each of the names it stands for."""
    parts = _TOX_BRACES.split(name[:200])[:11]
    choices = [[part] if index % 2 == 0 else [choice.strip() for choice in part.split(",")] for index, part in enumerate(parts)]
    return ("".join(chosen) for chosen in product(*choices))


def _tox_tables(tox: Map) -> Iterator[Task]:
    """Environments in tox 4's own TOML form: commands are lists of words."""
    environments = mapping(tox.get("env"))
    base = mapping(tox.get("env_run_base"))
    tables = [("testenv", base, tox.at("env_run_base"))] if base else []
    tables += [(name, mapping(body), environments.at(name)) for name, body in islice(environments.items(), MAX_TASKS)]
    for name, table, line in tables:
        commands: list[Command] = []
        for key in _TOX_KEYS:
            owner = table if key in table else base
            for item, _ in items(owner.get(key), owner.at(key)):
                words = [_tox_text(word) for word in item if isinstance(word, str)] if isinstance(item, Sequence) else []
                commands.extend(words_of(words, owner.at(key)))
        yield Task(line=line, kind="tox", name=name, commands=tuple(commands))


def _quiet(read: Callable[[str, bytes], Iterator[Fact]]) -> Callable[[str, bytes], Iterable[Fact]]:
    """A reader of files that another reading claims too: that one reports what is wrong with them."""

    def quiet_read(path: str, data: bytes) -> Iterator[Fact]:
        try:
            yield from read(path, data)
        except Unreadable:
            return

    return quiet_read


READINGS: tuple[Reading, ...] = (
    Reading(name="npm-scripts", shows=COMMANDS, claims=called("package.json"), read=_quiet(read_npm)),
    Reading(name="nx-targets", shows=COMMANDS, claims=called("project.json"), read=_quiet(read_nx)),
    Reading(name="pyproject-tasks", shows=COMMANDS, claims=called("pyproject.toml"), read=_quiet(read_pyproject)),
    Reading(name="pipfile-scripts", shows=COMMANDS, claims=called("Pipfile"), read=_quiet(read_pipfile)),
    Reading(name="pixi-tasks", shows=COMMANDS, claims=called("pixi.toml"), read=_quiet(read_pixi)),
    Reading(name="setup-cfg-tasks", shows=COMMANDS, claims=called("setup.cfg"), read=_quiet(read_setup_cfg)),
    Reading(
        name="mise-tasks",
        shows=COMMANDS,
        claims=named(r"\.?mise(?:\.[\w-]+)*\.toml|\.?mise/config(?:\.[\w-]+)*\.toml", ".toml"),
        read=guarded(read_mise),
    ),
    Reading(name="tox", shows=COMMANDS, claims=called("tox.ini"), read=guarded(read_tox)),
    Reading(name="pytest-options", shows=COMMANDS, claims=called("pytest.ini", ".pytest.ini"), read=guarded(read_pytest)),
    Reading(name="tox-toml", shows=COMMANDS, claims=called("tox.toml"), read=guarded(read_tox_toml)),
    Reading(
        name="taskfile",
        shows=COMMANDS,
        claims=named(r"[Tt]askfile(?:\.dist|[_.-][\w-]+)?\.ya?ml", ".yml", ".yaml"),
        read=guarded(read_taskfile),
    ),
)
