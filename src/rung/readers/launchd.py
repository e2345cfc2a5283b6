"""Jobs of macOS's launchd: property lists with the program that is started, and when."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from rung.readers.documents import text_of
from rung.readers.reading import COMMANDS, Reading, named
from rung.readers.shell import MAX_TEXT, split
from rung.records import Fact, Problem, Task

_TIMES = ("StartInterval", "StartCalendarInterval")
_KEPT_UP = ("KeepAlive", "RunAtLoad")


def read_job(_path: str, data: bytes) -> Iterator[Fact]:
    """A cron task of a job that is started at times, a systemd task of one that launchd keeps running."""
    if b"<key>Program" not in data or len(data) > MAX_TEXT:
        return
    import plistlib  # not needed where no job is: it takes 3 ms to load
    from xml.parsers.expat import ExpatError

    try:
        job = plistlib.loads(data, fmt=plistlib.FMT_XML)
    except (ExpatError, plistlib.InvalidFileException, ValueError, TypeError, IndexError, AttributeError) as error:
        yield Problem(line=getattr(error, "lineno", 0), what=f"no property list: {error}")
        return
    words = _words(job) if isinstance(job, dict) else []
    if not words or job.get("Disabled") is True:
        return
    text = text_of(data)
    commands = split(shlex.join(words), _line(text, "Program"))
    name = str(job.get("Label") or words[0])
    for key in _TIMES:
        if job.get(key):
            yield Task(line=_line(text, key), kind="cron", name=name, commands=commands)
            return
    if any(job.get(key) for key in _KEPT_UP):
        yield Task(line=_line(text, "Program"), kind="systemd", name=name, commands=commands)


def _words(job: Mapping[str, Any]) -> list[str]:
    """The program and its arguments; the first of these is what the program is called, where both are given."""
    program, given = job.get("Program"), job.get("ProgramArguments")
    words = [word for word in given if isinstance(word, str)] if isinstance(given, list) else []
    return [program, *words[1:]] if isinstance(program, str) else words


def _line(text: str, key: str) -> int:
    """The line of the first key that begins so."""
    return text.count("\n", 0, max(text.find(f"<key>{key}"), 0)) + 1


READINGS = (Reading(name="launchd", shows=COMMANDS, claims=named(r"[^/]+\.plist", ".plist"), read=read_job),)
