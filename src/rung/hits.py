"""What matches a file, as records to work with and as numbers that a file keeps.

Files are matched where they are read, each by itself; which names are the repository's own is only known when all are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from rung.parts import part_at
from rung.records import (
    SWITCHES,
    Call,
    Capability,
    Definition,
    Dependency,
    Fact,
    Hit,
    Image,
    Import,
    Job,
    Literal,
    Resource,
    Role,
    Setting,
    Signal,
    SourceFile,
    Start,
    Step,
    Task,
    Test,
    Workflow,
)
from rung.wildcards import folded

ONLY_MATCHED = (Call, Dependency, Image, Literal, Setting)
"""Facts that nothing but signals and starts looks at: what they say is in the hits."""
_SPENT = frozenset((*ONLY_MATCHED, Test))
_SPENT_ELSEWHERE = _SPENT | {Definition}
"""In what is no source: who starts a test or an example runs all of it."""
LOWERED = {
    Role.TEST: "in test code",
    Role.EXAMPLE: "in an example",
    Role.ARCHIVE: "in an archive",
    Role.DOCS: "in documentation",
    Role.PLAN: "in a plan",
}
"""Roles in which a match still names its tool, though it proves no use; in another role that a signal does not ask for it proves nothing."""
_TO_FILES = ("js:", "r:.", "julia:.", "jvm:")
"""What imports of other languages than Python begin with that can lead to a file of the repository."""
_CALLED = -2
"""The number of the step that a job is, when it calls another workflow."""


def roles_of(asking: Signal | Start) -> frozenset[Role]:
    """The roles of files in which a match of a signal or start can count for anything."""
    if isinstance(asking, Start):
        return frozenset(asking.where)
    if asking.publishes:
        return frozenset(Role)
    return frozenset(asking.where) if _place_of(asking) else frozenset((*asking.where, *LOWERED))


def _place_of(signal: Signal) -> str:
    return str(signal.arguments.get("in", "")) if signal.matcher in ("command", "call", "text") else ""


class Owned(Struct, frozen=True, dict=True, eq=False):
    """A signal together with the detector it belongs to, or a start in the form of a signal of no capability."""

    key: str
    """`detector/signal` or `detector/starts/start`, unique over all packs."""
    detector: str
    tool: str
    signal: Signal
    start: Start | None = None
    capability: Capability | None = None
    """The capability that the signal shows, where the vocabulary knows it."""
    number: int = 0
    """Its place among all signals and starts of the packs."""

    @cached_property
    def only_in(self) -> str:
        """What must run the command, or the file of the call, for the signal to count: `ci`, `schedule`; empty when it always counts."""
        return _place_of(self.signal)

    @cached_property
    def behind(self) -> tuple[str, ...]:
        """Modules one of which the call's file must import itself, or be imported by files that do, for the signal to count."""
        asked = self.signal.arguments.get("behind") if self.signal.matcher == "call" else None
        return tuple(map(str, asked)) if isinstance(asked, list | tuple) else ()

    @cached_property
    def roles(self) -> frozenset[Role]:
        """The roles of files in which a match can count for anything."""
        return roles_of(self.start or self.signal)


class Match(NamedTuple):
    """A fact that a signal matched, and what owns the fact: a task, or a workflow's job and step."""

    owned: Owned
    line: int
    fact: Fact | None = None
    """What matched: for a start, whose arguments are in it, and in a task or workflow."""
    end_line: int = 0
    task: Task | None = None
    workflow: Workflow | None = None
    job: Job | None = None
    step: Step | None = None
    toothless: bool = False
    modules: tuple[tuple[str, ...], ...] = ()
    """See `Hit`."""
    number: int = 1
    """See `Hit`."""


def called_by(job: Job) -> Step:
    """A job that is a call of another workflow, as a step with what it hands over."""
    handed = next((step.arguments for step in job.steps if step.name in ("with", "parameters") and not step.uses), ())
    return Step(line=job.line, uses=job.uses, arguments=handed)


def settled(file: SourceFile, matches: Sequence[Match]) -> SourceFile:
    """A file with its matches as hits, and without the facts that nobody looks at again."""
    if not (matches or file.facts or file.hits):
        return file
    asked = {id(match.fact) for match in matches if match.owned.start is not None}
    test = next((fact for fact in file.facts if fact.__class__ is Test), None)
    spent = _SPENT if file.role is Role.SOURCE else _SPENT_ELSEWHERE
    kept = [fact for fact in file.facts if not _is_spent(fact, spent) or fact is test or id(fact) in asked]
    at = part_at(kept)
    numbers = {id(fact): number for number, fact in enumerate(kept)}
    facts = tuple([_named(fact) if isinstance(fact, Resource) and id(fact) not in asked else fact for fact in kept])
    return replace(file, facts=facts, hits=tuple(_hit_of(match, numbers) for match in alike(matches, at, apart=True)))


def joined(file: SourceFile, more: SourceFile) -> SourceFile:
    """A settled file with the facts and hits of another reading of it."""
    shift = len(file.facts)
    moved = (hit._replace(fact=hit.fact + shift) if hit.fact >= 0 else hit for hit in more.hits)
    return replace(file, facts=(*file.facts, *more.facts), hits=(*file.hits, *moved), excerpts=file.excerpts | more.excerpts)


def match_of(hit: Hit, owned: Owned, facts: Sequence[Fact]) -> Match:
    """The match that a hit stands for; `facts` are those of its file."""
    fact = facts[hit.fact] if hit.fact >= 0 else None
    if isinstance(fact, Task):
        return Match(owned, hit.line, fact.commands[hit.command], task=fact, toothless=hit.toothless, modules=hit.modules)
    if isinstance(fact, Workflow):
        job = fact.jobs[hit.job] if hit.job >= 0 else None
        step = called_by(job) if job and hit.step == _CALLED else job.steps[hit.step] if job and hit.step >= 0 else None
        what = step.commands[hit.command] if step and hit.command >= 0 else step
        return Match(owned, hit.line, what, workflow=fact, job=job, step=step, toothless=hit.toothless, modules=hit.modules)
    return Match(owned, hit.line, fact, hit.end_line, modules=hit.modules, number=hit.number)


def alike(matches: Iterable[Match], at: Callable[[int], str | None], *, apart: bool = False) -> Iterator[Match]:
    """The matches, the first of a signal in a part of the file for all that no task or workflow owns: what runs the part runs them all.

    Args:
        matches: those in one file.
        at: from a line of the file to the part that it is in.
        apart: whether those stay apart that only count where some modules are not the repository's own.
    """
    first: dict[tuple[str, tuple[tuple[str, ...], ...], str | None], Match] = {}
    for match in matches:
        if match.task is not None or match.workflow is not None or match.owned.start is not None:
            yield match
            continue
        key = match.owned.key, match.modules if apart else (), at(match.line)
        known = first.get(key)
        if known is None:
            first[key] = match
        else:
            first[key] = (match if match.line < known.line else known)._replace(number=known.number + match.number)
    yield from first.values()


def _is_spent(fact: Fact, spent: AbstractSet[object]) -> bool:
    """Whether a fact has said all when it is matched; packages of other languages than Python lead to no file."""
    kind = fact.__class__
    return kind in spent or (kind is Import and ":" in fact.module and not fact.module.startswith(_TO_FILES))  # type: ignore[attr-defined]


def _named(resource: Resource) -> Resource:
    """A resource as others can refer to it, and as it is known by when it is live; the services of Compose are started with what they hold.

    A module of Bicep or Terraform is the file or folder that its source names, with the switches that it is handed; a switch is its value.
    """
    if resource.dialect == "compose":
        return resource
    if resource.type == "module" or resource.dialect == SWITCHES:
        return replace(resource, references=())
    return replace(resource, attributes=tuple(pair for pair in resource.attributes if is_naming(pair[0])), references=())


def _hit_of(match: Match, numbers: Mapping[int, int]) -> Hit:
    key, line, end_line, modules = match.owned.key, match.line, match.end_line, match.modules
    if match.task is not None:
        command = _index(match.task.commands, match.fact)
        return Hit(key, line, end_line, modules, numbers[id(match.task)], command=command, toothless=match.toothless)
    if match.workflow is None:
        fact = numbers[id(match.fact)] if match.owned.start and match.fact else -1
        return Hit(key, line, end_line, modules, fact, number=match.number)
    job = _index(match.workflow.jobs, match.job) if match.job else -1
    step = command = -1
    if match.job and match.step:
        step = _index(match.job.steps, match.step)
        if step < 0:
            step = _CALLED
        elif match.fact is not match.step:
            command = _index(match.step.commands, match.fact)
    return Hit(key, line, end_line, modules, numbers[id(match.workflow)], job, step, command, match.toothless)


def is_naming(key: str) -> bool:
    """Whether an attribute of a declared resource may hold the name by which it is live."""
    return "." not in key and folded(key).endswith(("name", "bucket", "identifier"))


def _index(facts: Sequence[Fact], wanted: Fact | None) -> int:
    return next((number for number, fact in enumerate(facts) if fact is wanted), -1)
