"""Ansible: playbooks, the tasks of roles and of the files that they include, and what roles depend on and set by default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from rung.expressions import regex
from rung.readers.ansible_tasks import MAX_COPIED, MAX_VARIABLES, OF_ROLE, SUFFIXES, Tasks, never_runs
from rung.readers.attributes import shortened
from rung.readers.documents import Sequence, parse_yaml
from rung.readers.reading import COMMANDS, RESOURCES, Reading, named
from rung.readers.workflows import Source, mapping, scalar
from rung.records import Fact, Image, Problem, Resource

_LIST = regex(rb"(?:\xef\xbb\xbf)?(?:[ \t]*+(?:#[^\n]*+|---[^\n]*+)?+\r?\n)*+[ \t]*+-[ \t\r\n]")
"""A document that is a list from its first line on."""
_PLAYS = regex(rb"^[ \t]*+(?:-[ \t]++)?+(?:hosts|(?:ansible\.\w{1,20}\.)?import_playbook)[ \t]*+:", re.MULTILINE)
_CHART = regex(r"(?:[\w.-]{1,100}|oci://[\w./-]{1,200})/[\w.-]{1,100}")
_CHART_KEY = regex(r"(?:\w{1,100}_)?chart(?:_ref|_name)?")
_IMAGE_KEY = regex(r"\w{1,100}_image")
_IMAGE = regex(r"[\w.-][^\s()?{}]*[/:][^\s()?]*")


def read_playbook(path: str, data: bytes) -> Iterator[Fact]:
    """An ansible task for each play, with its roles and what it includes as inputs; nothing when the file is no playbook."""
    if not ((b"hosts" in data or b"import_playbook" in data) and _LIST.match(data) and _PLAYS.search(data)):
        return
    source, left = Source(path, data), [MAX_COPIED]
    for item, _ in source.items(_listed(source), 0):
        play = mapping(item)
        if never_runs(play):
            continue
        tasks = Tasks(source, left, is_play=True)
        if imported := scalar(play.get("import_playbook") or play.get("ansible.builtin.import_playbook")):
            tasks.file(tasks.around.said(imported), play.line)
        elif "hosts" in play:
            tasks.roles(play.get("roles"))
            around = tasks.around.within(play)
            for section in ("pre_tasks", "tasks", "post_tasks", "handlers"):
                tasks.read(play.get(section), around)
        yield from tasks.task(play.line, shortened(scalar(play.get("name")) or scalar(play.get("hosts")) or path))
    yield from source.facts


def read_tasks(path: str, data: bytes) -> Iterator[Fact]:
    """An ansible task of all tasks of a file; those of a role lead to its handlers, and to the roles that it depends on."""
    if not _LIST.match(data):
        return
    source = Source(path, data)
    listed = _listed(source)
    tasks = Tasks(source, [MAX_COPIED])
    tasks.read(listed, tasks.around)
    role = OF_ROLE.fullmatch(path)
    if role and role[3] == "tasks":
        for folder in ("handlers", "meta", "defaults", "vars"):
            tasks.file(f"main{SUFFIXES[0]}", 0, folder)
            tasks.file(f"main{SUFFIXES[1]}", 0, folder)
    yield from tasks.task(listed.line, path)
    yield from source.facts


def read_meta(path: str, data: bytes) -> Iterator[Fact]:
    """An ansible task of the roles that a role depends on."""
    source = Source(path, data)
    for document in source.documents(quiet=True)[:1] if b"dependencies" in data else ():
        tasks = Tasks(source, [0])
        tasks.roles(document.get("dependencies"))
        yield from tasks.task(document.at("dependencies"), path)


def read_defaults(path: str, data: bytes) -> Iterator[Fact]:
    """The charts and images that variables of a role name (`web_chart_ref`, `web_image`): its tasks install what is named there."""
    if b"chart" not in data and b"_image" not in data:
        return
    for document in Source(path, data).documents(quiet=True)[:1]:
        for key, value in islice(document.items(), MAX_VARIABLES):
            text = scalar(value)
            if _CHART_KEY.fullmatch(key) and _CHART.fullmatch(text):
                chart = (("chart", text),)
                yield Resource(line=document.at(key), dialect="kubernetes", type="helm/Release", name=shortened(key), attributes=chart)
            elif _IMAGE_KEY.fullmatch(key) and _IMAGE.fullmatch(text):
                yield Image(line=document.at(key), name=shortened(text), use="deployment")


def _listed(source: Source) -> Sequence:
    """The first list of a file, as far as it can be read."""
    documents, error = parse_yaml(source.data)
    if error:
        source.facts.append(Problem(line=error.line, what=error.what))
    return next((document for document in documents if isinstance(document, Sequence)), Sequence())


_OF_ROLES = r"roles/(?:[^/]+/){1,3}"
READINGS: tuple[Reading, ...] = (
    Reading(
        name="ansible",
        shows=(*COMMANDS, *RESOURCES),
        tried=True,
        claims=named(r"[^/]+\.ya?ml", ".yml", ".yaml"),
        read=read_playbook,
    ),
    Reading(
        name="ansible-tasks",
        shows=(*COMMANDS, *RESOURCES),
        tried=True,
        claims=named(r"(?:tasks|handlers)/(?:[^/]+/){0,4}[^/]+\.ya?ml", ".yml", ".yaml"),
        read=read_tasks,
    ),
    Reading(
        name="ansible-meta", shows=(), tried=True, claims=named(_OF_ROLES + r"meta/main\.ya?ml", "main.", holds="meta"), read=read_meta
    ),
    Reading(
        name="ansible-defaults",
        shows=RESOURCES,
        tried=True,
        claims=named(_OF_ROLES + r"(?:defaults|vars)/main(?:/[^/]+)?\.ya?ml", ".yml", ".yaml", holds="roles"),
        read=read_defaults,
    ),
)
