"""Named units of commands: shell scripts and the files of schedulers and process managers; and every other task reading."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import groupby

from msgspec.structs import replace

from rung.expressions import regex
from rung.readers import crontabs, launchd, makefiles, runners, sessions, stages
from rung.readers.documents import text_of
from rung.readers.makefiles import MAX_TASKS
from rung.readers.reading import COMMANDS, Claims, Reading, named
from rung.readers.requirements import guarded
from rung.readers.shell import MAX_TEXT, split
from rung.records import Command, Fact, Problem, Task
from rung.targets.roles import template_path

_SHEBANG = regex(rb"#![ \t]*(?:/\S*/)?(?:env[ \t]+(?:-S[ \t]+)?)?(?:ba|z|da|k|a)?sh\b")
_SUFFIXLESS = regex(
    r"(?:.*/)?(?:scripts?|bin|\.?ci|\.buildkite|hooks|\.husky|\.githooks)/(?:[^/.]+/)?[\w-]+|(?:go|tasks?|run|do|dev|build|test|ci|deploy|release|publish)",
    re.DOTALL,
)
"""Scripts without a suffix: in the folders where they are kept, and those that a repository's top is worked with."""
_PROCESS = regex(r"([\w-]+):\s*(\S.*)")
_UNIT_LINE = regex(r"\s*(ExecStart|ExecStartPre|OnCalendar|Unit)\s*=\s*(.*)")
_PROGRAM = regex(r"\[(?:program|eventlistener):([^\]]+)\]")
_POWERSHELL_COMMAND = regex(r"[A-Za-z.~$][\w.:/\\~$-]*(?:\s+[^\s={+].*)?$")
"""A program or cmdlet with its arguments: no assignment, type, quoted text or item of a list."""
_POWERSHELL_WORD = regex(
    r"(?:if|else|elseif|foreach|for|while|do|switch|try|catch|finally|function|param|return|throw|exit|begin|process|end|break|filter)\b",
    re.IGNORECASE,
)


def read_script(path: str, data: bytes) -> Iterator[Fact]:
    """One shell task, named by the script's path, and one for each branch that its arguments choose; a file without a suffix must begin as a shell script does."""
    if "." not in posixpath.basename(path) and not _SHEBANG.match(data):
        return
    if data[:2] == b"#!" and not _SHEBANG.match(data):
        return
    text = _bounded(data)
    if len(text) > MAX_TEXT:
        yield Problem(line=0, what=f"larger than {MAX_TEXT // 1024} KiB, the rest was not read")
    commands = split(text, errexit=False, path=path)
    yield Task(line=1, kind="shell", name=path, commands=tuple([command for command in commands if not command.when]))
    for when, chosen in groupby((command for command in commands if command.when), key=lambda command: command.when):
        branch = tuple(chosen)
        yield Task(line=branch[0].line, kind="branch", name=" | ".join(when), commands=branch, inputs=when)
    yield from crontabs.installed(text, 1, commands)


def read_powershell(path: str, data: bytes) -> Iterator[Fact]:
    """One shell task of a PowerShell script: the lines that plainly start a program, wherever they stand."""
    text = _without_block_comments(_bounded(data).replace("\r\n", "\n"))
    commands: list[Command] = []
    for number, whole in _powershell_lines(text):
        line = whole.strip()
        if line.startswith("& ") or (_POWERSHELL_COMMAND.match(line) and not _POWERSHELL_WORD.match(line)):
            commands.extend(split(line.removeprefix("& ").replace("\\", "/"), number))
    yield Task(line=1, kind="shell", name=path, commands=tuple(commands))


def _without_block_comments(text: str) -> str:
    """The text without `<# … #>`, its line breaks kept."""
    parts: list[str] = []
    position = 0
    while (start := text.find("<#", position)) >= 0 and (end := text.find("#>", start)) >= 0:
        parts.extend((text[position:start], "\n" * text.count("\n", start, end)))
        position = end + 2
    return "".join((*parts, text[position:]))


def _powershell_lines(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines: a backtick at the end joins the next one."""
    begun: list[str] = []
    start = 0
    for number, line in enumerate([*text.split("\n"), ""], 1):
        start = start or number
        begun.append(line.removesuffix("`"))
        if not line.endswith("`"):
            yield start, " ".join(begun)
            begun, start = [], 0


def read_batch(path: str, data: bytes) -> Iterator[Fact]:
    """One shell task of a Windows batch file."""
    commands: list[Command] = []
    for number, whole in enumerate(_bounded(data).splitlines(), 1):
        line = re.sub(r"^@?(?:call\s+)?", "", whole.strip(), flags=re.IGNORECASE)
        if line and not re.match(r"::?|(?:rem|set|goto|setlocal|endlocal|if|for|echo\s+(?:on|off))\b|[()]", line, re.IGNORECASE):
            commands.extend(split(line.replace("\\", "/").rstrip("^"), number))
    yield Task(line=1, kind="shell", name=path, commands=tuple(commands))


def read_crontab(path: str, data: bytes) -> Iterator[Fact]:
    """A cron task for each entry, named by its schedule."""
    system = "cron.d/" in path or path.startswith("etc/") or "/etc/" in path
    for number, line in _lines(data):
        if not line.startswith("#") and (task := crontabs.entry(line, number, system=system)):
            yield task


def read_procfile(_path: str, data: bytes) -> Iterator[Fact]:
    """A procfile task for each process."""
    for number, line in _lines(data):
        if process := _PROCESS.match(line):
            yield Task(line=number, kind="procfile", name=process[1], commands=split(process[2], number))


def read_unit(path: str, data: bytes) -> Iterator[Fact]:
    """A systemd task of a service's commands, or a timer that needs its service."""
    name = posixpath.basename(template_path(path))
    commands: list[Command] = []
    unit, first = "", 0
    for number, line in _lines(data):
        if not (found := _UNIT_LINE.match(line)):
            continue
        first = first or number
        if found[1].startswith("ExecStart"):
            commands.extend(_unit_command(found[2], number))
        elif found[1] == "Unit":
            unit = found[2].strip()
    if name.endswith(".timer"):
        yield Task(line=first, kind="timer", name=name, needs=(unit or name.removesuffix(".timer") + ".service",))
    elif commands:
        yield Task(line=first, kind="systemd", name=name, commands=tuple(commands))


def _unit_command(text: str, line: int) -> tuple[Command, ...]:
    body = text.lstrip("@-:+!")
    weak = "-" in text[: len(text) - len(body)]
    return tuple(replace(command, toothless=command.toothless or weak) for command in split(body, line))


def read_supervisor(_path: str, data: bytes) -> Iterator[Fact]:
    """A systemd task for each program of a supervisor configuration."""
    program = ""
    for number, line in _lines(data):
        if header := _PROGRAM.match(line):
            program = header[1]
        elif line.startswith("["):
            program = ""
        elif program and (found := re.match(r"command\s*=\s*(\S.*)", line)):
            yield Task(line=number, kind="systemd", name=program, commands=split(found[1], number))


def _bounded(data: bytes) -> str:
    return text_of(data[: 4 * MAX_TEXT])


def _lines(data: bytes) -> Iterator[tuple[int, str]]:
    """Numbered lines without blanks around; a backslash at the end joins the next one."""
    begun, start, found = "", 0, 0
    for number, line in enumerate(_bounded(data).splitlines(), 1):
        start = start or number
        if line.endswith("\\") and len(begun) < MAX_TEXT:
            begun += line[:-1] + " "
            continue
        found += 1
        if found > MAX_TASKS * 10:
            return
        yield start, (begun + line)[:MAX_TEXT].strip()
        begun, start = "", 0


def _is_script(path: str) -> bool:
    return path.endswith((".sh", ".bash", ".zsh", ".ksh")) or _SUFFIXLESS.fullmatch(path) is not None


READINGS: tuple[Reading, ...] = (
    Reading(name="shell-script", shows=COMMANDS, claims=Claims(_is_script, ".sh", ".bash", ".zsh", ".ksh", ""), read=guarded(read_script)),
    Reading(name="powershell", shows=COMMANDS, claims=named(r"[^/]+\.ps1", ".ps1"), read=guarded(read_powershell)),
    Reading(name="batch", shows=COMMANDS, claims=named(r"[^/]+\.(?:bat|cmd)", ".bat", ".cmd"), read=guarded(read_batch)),
    Reading(
        name="crontab",
        shows=COMMANDS,
        claims=named(r"crontab|[^/]+\.(?:cron|crontab)|[^/]+[-_]cron(?:tab)?|cron\.d/[^/]+|crontab\.(?:txt|root)", holds="cron"),
        read=guarded(read_crontab),
    ),
    Reading(name="procfile", shows=COMMANDS, claims=named(r"Procfile(?:\.\w+)?", "procfile."), read=guarded(read_procfile)),
    Reading(name="systemd", shows=COMMANDS, claims=named(r"[^/]+\.(?:service|timer)", ".service", ".timer"), read=guarded(read_unit)),
    Reading(
        name="supervisor",
        shows=COMMANDS,
        claims=named(r"supervisord?\.conf|supervisor/[^/]+\.conf|[^/]*supervisord?[^/]*\.conf", ".conf", holds="supervisor"),
        read=guarded(read_supervisor),
    ),
    *launchd.READINGS,
    *makefiles.READINGS,
    *runners.READINGS,
    *sessions.READINGS,
    *stages.READINGS,
)
