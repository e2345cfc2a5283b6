"""Entries of crontabs: of files, and of those that scripts and images install."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rung.expressions import regex
from rung.readers.shell import split
from rung.records import Command, Task

_FIELD = r"(?:[\d*/,LW#?~-]+|[A-Za-z]{3}(?:[-,][A-Za-z]{3})*)"
_ENTRY = regex(rf"(@[a-z]+|{_FIELD}(?:[ \t]+{_FIELD}){{4}})[ \t]+(\S.*)")
_WRITTEN = regex(rf"^[ \t]*((?:@[a-z]+|[\d*][\d*/,-]*(?:[ \t]+{_FIELD}){{4}})[ \t]+\S.*)", re.MULTILINE)
"""An entry on a line of its own in a script, which begins as no command does."""
_USER = regex(r"(?:root|www-data|nobody|ubuntu|[a-z_][a-z0-9_-]{0,31})[ \t]+(?=\S)")
_SYSTEM = regex(r"(?:>|\btee\b[^\n|;&]{0,40}?)[ \t]{0,4}[\"']?/etc/cron(?:\.d/|tab\b)")
"""Written to where entries name a user."""


def entry(text: str, line: int, *, system: bool = False) -> Task | None:
    """A cron task named by its schedule; None when the text is no entry.

    Args:
        text: of the entry.
        line: of its file.
        system: the entry names a user before its command, as those below /etc do.
    """
    found = _ENTRY.match(text)
    if found is None:
        return None
    command = _USER.sub("", found[2], count=1) if system or found[2].startswith("root ") else found[2]
    return Task(line=line, kind="cron", name=" ".join(found[1].split()), commands=split(command, line))


def installed(text: str, line: int, commands: Sequence[Command]) -> Iterator[Task]:
    """The entries that a shell text puts into a crontab: those that it echoes, and those of its here-documents.

    Args:
        text: the script.
        line: its first line.
        commands: what it runs.
    """
    if "cron" not in text:
        return
    system = _SYSTEM.search(text) is not None
    if not system and not any(command.words[0] == "crontab" and _takes(command.words[1:]) for command in commands):
        return
    for command in commands:
        if command.words[0] in ("echo", "printf"):
            for word in command.words[1:]:
                if task := entry(word.strip(), command.line, system=system):
                    yield task
    for found in _WRITTEN.finditer(text):
        if task := entry(found[1], line + text.count("\n", 0, found.start(1)), system=system):
            yield task


def _takes(options: Sequence[str]) -> bool:
    """Whether `crontab` reads a crontab, from a file or its standard input, and does not list, edit or remove one."""
    return not any(re.fullmatch(r"-[ielr]+", option) for option in options) and (
        not options or options[-1] == "-" or options[-2:-1] != ["-u"]
    )
