"""Container files: Dockerfiles with what they build on, install and start, Compose services, development containers."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from itertools import islice

from msgspec import Struct, field

from rung.expressions import regex
from rung.readers import crontabs
from rung.readers.attributes import bounded, shortened
from rung.readers.documents import MAX_BYTES, Map, Unreadable, Value, flatten, parse_json, text_of
from rung.readers.installs import installed
from rung.readers.makefiles import MAX_TASKS
from rung.readers.placeholders import without_placeholders
from rung.readers.reading import COMMANDS, RESOURCES, Reading, named
from rung.readers.requirements import guarded
from rung.readers.shell import split, words_of
from rung.readers.workflows import Source, items, mapping, scalar, scalars
from rung.records import Command, Fact, Image, Problem, Resource, Setting, Task

MAX_INSTRUCTIONS = 5000
MAX_HEREDOC = 5000
"""Lines of a here-document."""
MAX_SERVICES = 300
MAX_RESOLVED = 2000
"""Characters of a text in which arguments are replaced."""
_MAX_FLAGS = 50

_INSTRUCTION = regex(r"\s*([A-Za-z]+)(?:\s+|$)")
_FLAG = regex(r"(?:\s|\\\n)*+--[a-z-]++(?:=(?:\"[^\"\n]*+\"|[^\s\"])*+)?")
_ESCAPE = regex(r"#\s*escape\s*=\s*`", re.IGNORECASE)
_FROM = regex(r"--from=(\S+)")
_HEREDOC = regex(r"<<-?\s*([\"']?)([A-Za-z_]\w*)\1")
_VARIABLE = regex(r"\$(?:\{(\w+)(?::?[-+]([^{}]*))?\}|(\w+))")
_PAIR = regex(r"([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|\S*)")
_NOT_LOCAL = regex(r"[a-z]+://|git@|<<")
_SETTINGS = {"HEALTHCHECK": "dockerfile.healthcheck", "USER": "dockerfile.user", "EXPOSE": "dockerfile.expose"}


class _Instruction(Struct, frozen=True):
    line: int
    keyword: str
    text: str
    """What follows the keyword, continuations still in it as backslash and line break."""
    body: str = ""
    """Lines of a here-document."""


class _Stage(Struct):
    """What a build stage starts when it runs."""

    name: str = ""
    entrypoint: _Instruction | None = None
    command: _Instruction | None = None


class _Build(Struct):
    """What is gathered of a Dockerfile."""

    values: dict[str, str] = field(default_factory=dict)
    stages: list[_Stage] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)

    def stage(self, name: str) -> _Stage | None:
        if name.isdigit():
            return self.stages[int(name)] if len(name) < 5 and int(name) < len(self.stages) else None
        return next((stage for stage in reversed(self.stages) if stage.name == name.lower()), None)

    def resolved(self, text: str) -> str:
        """The text with the defaults of arguments put in; what has none stays as written."""
        if "$" not in text or len(text) > MAX_RESOLVED:
            return text
        for _ in range(3):
            text = _VARIABLE.sub(lambda found: shortened(self.values.get(found[1] or found[3]) or found[2] or found[0]), text)
            if "$" not in text or len(text) > MAX_RESOLVED:
                break
        return shortened(text)


def read_dockerfile(path: str, data: bytes) -> Iterator[Fact]:
    """The images, build and start commands, packages and settings of a Dockerfile."""
    if len(data) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES // 1024 // 1024} MiB, not read")
    build = _Build()
    first = 0
    text = text_of(data).replace("\r\n", "\n")
    for instruction in _instructions(without_placeholders(text) if "{{" in text or "{%" in text else text):
        first = first or (instruction.line if instruction.keyword in ("FROM", "ARG") else 0)
        yield from _facts_of(instruction, build)
    if not build.stages:
        yield Problem(line=0, what="no FROM instruction, so no Dockerfile")
        return
    yield from installed(build.commands)
    yield Task(line=first, kind="docker", name=path, commands=tuple(build.commands), inputs=tuple(dict.fromkeys(build.inputs)))
    yield from _start(path, build)


def _facts_of(instruction: _Instruction, build: _Build) -> Iterator[Fact]:
    keyword, line = instruction.keyword, instruction.line
    if keyword in ("ARG", "ENV"):
        _take_values(instruction, build)
    elif keyword == "FROM":
        words = build.resolved(_without_flags(instruction.text)).split()
        stage = build.stage(words[0]) if words else None
        name = words[2].lower() if len(words) > 2 and words[1].lower() == "as" else ""
        build.stages.append(_Stage(name, stage.entrypoint, stage.command) if stage else _Stage(name))
        if words and not stage and words[0] != "scratch":
            yield Image(line=line, name=words[0], use="base")
    elif keyword == "RUN":
        build.commands.extend(commands := _run(instruction))
        yield from crontabs.installed("\n".join((instruction.text, instruction.body)), line, commands)
    elif keyword in ("COPY", "ADD"):
        yield from _copy(instruction, build)
    elif keyword in _SETTINGS:
        yield Setting(line=line, key=_SETTINGS[keyword], value=shortened(build.resolved(_joined(instruction.text))))
    elif build.stages and keyword == "ENTRYPOINT":
        build.stages[-1].entrypoint, build.stages[-1].command = instruction, None
    elif build.stages and keyword == "CMD":
        build.stages[-1].command = instruction


def _instructions(text: str) -> Iterator[_Instruction]:
    """Logical instructions; a comment line within one becomes an empty continuation, so that lines keep their numbers."""
    lines = text.split("\n")
    escape = "`" if _ESCAPE.match(lines[0]) else "\\"
    index = found = 0
    while index < len(lines) and found < MAX_INSTRUCTIONS:
        start = index
        match = _INSTRUCTION.match(lines[index])
        if not match or lines[index].lstrip().startswith("#"):
            index += 1
            continue
        begun: list[str] = []
        while index < len(lines):
            line = lines[index].rstrip()
            comment = index > start and (not line or line.lstrip().startswith("#"))
            begun.append("\\" if comment else line[:-1] + "\\" if line.endswith(escape) else line)
            index += 1
            if not comment and not line.endswith(escape):
                break
        whole = "\n".join(begun)
        keyword = match[1].upper()
        body: list[str] = []
        heredoc = _HEREDOC.search(whole) if keyword in ("RUN", "COPY", "ADD") else None
        if heredoc:
            ends = (at for at in range(index, min(len(lines), index + MAX_HEREDOC)) if lines[at].strip() == heredoc[2])
            end = next(ends, index - 1)
            body, index = lines[index:end], max(end + 1, index)
        found += 1
        yield _Instruction(start + 1, keyword, whole[match.end() :], "\n".join(body))


def _without_flags(text: str) -> str:
    """The text without `--flag=value` at its start, line breaks kept for the numbering."""
    end = breaks = 0
    for _ in range(_MAX_FLAGS):
        if not (flag := _FLAG.match(text, end)):
            break
        breaks += flag[0].count("\n")
        end = flag.end()
    return "\\\n" * breaks + text[end:]


def _joined(text: str) -> str:
    return " ".join(text.replace("\\\n", " ").split())


def _vector(text: str) -> list[str] | None:
    """The words of an instruction in JSON form."""
    text = _joined(text)
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text[:100_000])
    except (ValueError, RecursionError):
        return None
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else None


def _take_values(instruction: _Instruction, build: _Build) -> None:
    text = _joined(instruction.text)
    pairs = _PAIR.findall(text)
    if not pairs and instruction.keyword == "ENV" and " " in text:
        pairs = [tuple(text.split(" ", 1))]
    for name, value in pairs:
        if resolved := build.resolved(value.strip("\"'")):
            build.values[name] = resolved


def _run(instruction: _Instruction) -> tuple[Command, ...]:
    text = _without_flags(instruction.text)
    if (words := _vector(text)) is not None:
        return words_of(words, instruction.line)
    plain = text.strip()
    if instruction.body and _HEREDOC.match(plain):
        return split(instruction.body, instruction.line + instruction.text.count("\n") + 1)
    if instruction.body and (heredoc := _HEREDOC.search(text)):
        text = f"{text}\n{instruction.body}\n{heredoc[2]}\n"
    return split(text, instruction.line)


def _copy(instruction: _Instruction, build: _Build) -> Iterator[Image]:
    text = build.resolved(_joined(instruction.text))
    plain = _without_flags(text)
    if source := _FROM.search(text, 0, len(text) - len(plain)):
        if not build.stage(source[1]) and re.search(r"[/:.]", source[1]):
            yield Image(line=instruction.line, name=source[1], use="base")
        return
    words = _vector(plain) or plain.split()
    build.inputs.extend(word for word in words[:-1][:MAX_TASKS] if not _NOT_LOCAL.match(word))


def _start(path: str, build: _Build) -> Iterator[Task]:
    """What a container of the last stage that starts anything runs: entry point and command as one."""
    stage = next((stage for stage in reversed(build.stages) if stage.entrypoint or stage.command), None)
    if stage is None:
        return
    entrypoint, command = stage.entrypoint, stage.command
    started = entrypoint or command
    assert started is not None
    vector = _vector(started.text)
    commands: tuple[Command, ...]
    if vector is None:
        commands = split(build.resolved(_joined(started.text)), started.line)
    elif entrypoint and command:
        rest = _vector(command.text)
        commands = words_of([build.resolved(word) for word in [*vector, *(rest or ())]], entrypoint.line)
        commands += split(build.resolved(_joined(command.text)), command.line) if rest is None else ()
    else:
        commands = words_of([build.resolved(word) for word in vector], started.line)
    if commands:
        yield Task(line=started.line, kind="docker-start", name=path, commands=commands)


def read_compose(path: str, data: bytes) -> Iterator[Fact]:
    """A resource, an image and a task for each service of a Compose file."""
    source = Source(path, data)
    for document in source.documents():
        services = mapping(document.get("services"))
        distinct = {id(body): body for body in islice(services.values(), MAX_SERVICES) if isinstance(body, Map)}
        flattened = {key: _attributes(body) for key, body in distinct.items()}
        for name, body in islice(services.items(), MAX_SERVICES):
            if isinstance(body, Map):
                yield from _service(source, name, body, services.at(name), flattened[id(body)])
    yield from source.facts


def _service(source: Source, name: str, service: Map, line: int, attributes: tuple[tuple[str, str], ...]) -> Iterator[Fact]:
    image = scalar(service.get("image"))
    if image and not re.fullmatch(r"\$\{[^:}]*\}|\$\w+", image):
        yield Image(line=service.at("image"), name=shortened(image), use="service")
    depends = service.get("depends_on")
    needs = tuple(depends) if isinstance(depends, Map) else tuple(text for text, _ in scalars(depends, line))
    profiles = ",".join(text for text, _ in scalars(service.get("profiles"), line))
    yield Resource(
        line=line, dialect="compose", type="compose/Service", name=name, attributes=attributes, references=needs, conditional=profiles
    )
    commands = _service_commands(source, service)
    dockerfile = _dockerfile(service.get("build"))
    if commands or dockerfile:
        at = service.at("entrypoint" if "entrypoint" in service else "command")
        yield Task(
            line=at if commands else line,
            kind="compose",
            name=name,
            commands=commands,
            needs=needs,
            inputs=(dockerfile,) if dockerfile else (),
        )


def _attributes(service: Map) -> tuple[tuple[str, str], ...]:
    """The service's scalars; `environment` given as a list of pairs reads as if it were a mapping."""

    def pairs() -> Iterator[tuple[str, str]]:
        for key, text, _ in flatten(service):
            if key in ("environment", "labels", "build.args") and "=" in text:
                name, _, value = text.partition("=")
                yield f"{key}.{name}", value
            else:
                yield key, text

    return bounded(pairs())


def _dockerfile(value: Value | None) -> str:
    """The path of the Dockerfile that a service is built from, from the Compose file's folder."""
    if not value:
        return ""
    build = mapping(value)
    context = scalar(value) or scalar(build.get("context")) or "."
    if "://" in context or "dockerfile_inline" in build:
        return ""
    return posixpath.normpath(posixpath.join(context, scalar(build.get("dockerfile")) or "Dockerfile"))


def _service_commands(source: Source, service: Map) -> tuple[Command, ...]:
    """Entry point and command as the one process they make."""
    words: list[str] = []
    line = 0
    for key in ("entrypoint", "command"):
        if key not in service:
            continue
        value = service[key]
        if isinstance(value, str) and not words:
            found = source.commands(value.replace("$$", "$"), service.at(key))
            if key == "command" or "command" not in service:
                return tuple(command for command in found if not command.words[0].startswith("-"))
            words.extend(word for command in found for word in command.words)
        elif isinstance(value, str):
            words.extend(value.replace("$$", "$").split())
        else:
            words.extend(text.replace("$$", "$") for item, at in items(value, service.at(key)) for text, _ in scalars(item, at))
        line = line or service.at(key)
    return words_of(words[:MAX_TASKS], line) if words and not words[0].startswith("-") else ()


def read_devcontainer(_path: str, data: bytes) -> Iterator[Fact]:
    """The image of a development container, and its settings under `devcontainer.`."""
    root = parse_json(data)
    if not isinstance(root, Map):
        raise Unreadable("no JSON object")
    if image := scalar(root.get("image")):
        yield Image(line=root.at("image"), name=shortened(image), use="base")
    for key, text, line in islice(flatten(root), MAX_TASKS):
        yield Setting(line=line, key=f"devcontainer.{key}", value=shortened(text))


READINGS: tuple[Reading, ...] = (
    Reading(
        name="dockerfile",
        shows=(*COMMANDS, "dependency", "image"),
        claims=named(
            r"(?:[^/]*\.)?(?:[Dd]ockerfile|[Cc]ontainerfile|DOCKERFILE)"
            r"(?:[._-](?![^/]*(?:dockerignore|\.(?:md|py|sh|ya?ml|json)$))(?!(?:md|py|sh|ya?ml|json|txt)$)[^/]+)?",
            holds="file",
        ),
        read=guarded(read_dockerfile),
    ),
    Reading(
        name="compose",
        shows=RESOURCES,
        claims=named(r"(?:[^/]*[-_.])?(?:docker[-_]?)?compose(?:[-_.][^/]*)?\.ya?ml", ".yml", ".yaml", holds="compose"),
        read=guarded(read_compose),
    ),
    Reading(
        name="devcontainer",
        shows=("config", "image"),
        claims=named(r"\.?devcontainer\.json|\.devcontainer/[^/]+\.json", ".json", holds="devcontainer"),
        read=guarded(read_devcontainer),
    ),
)
