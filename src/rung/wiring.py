"""From triggers to effects: which commands, tasks and files something starts without a person.

A walk from every trigger over commands to the tasks, scripts, images and modules that they start, nearest first, so that
the chain found for each is the shortest. Only what can be read for certain is an edge: a target named by a variable, a
workflow of another repository, an import that resolves to nothing lead nowhere, and the first two are named as unknown.
What a command starts is told by `programs`, what a tool starts by its pack.
"""

from __future__ import annotations

import heapq
import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

from rung.expressions import regex
from rung.hits import Match, called_by
from rung.programs import HOOKS, Programs
from rung.records import AROUND, GUARD, NO_PROOF, Call, Command, Fact, Hop, Job, Resource, Role, SourceFile, Start, Step, Unknown, Workflow
from rung.starts import command_line, parts, values
from rung.tree import Point, Tree
from rung.upstream import behind_a_person

Chain = tuple[Hop, ...]
Starts = Mapping[str, Sequence[Match]]
"""What packs say that each file starts: its matches of starts, by path."""

_MAX_POINTS = 50_000
_MAX_HOPS = 40
"""A longer chain proves nothing to a reader, and a hostile tree could make one of every file."""
_HOOK_ACTION = regex(r"/(?:pre-commit(?:/action|-action)?|prek-action)$")
_ROOT_ONLY = {
    "github-actions": ".github/workflows/", "gitea-actions": ".gitea/workflows/", "forgejo-actions": ".forgejo/workflows/",
    "circleci": ".circleci/", "travis": ".travis.y", "bitbucket": "bitbucket-pipelines.y",
}  # fmt: skip
"""Systems that read their pipelines from the repository's root only, with what the paths of those begin with."""
_ONE_SHELL = frozenset({"codebuild"})
"""Systems that run the steps of a job in one shell, so that `cd` holds for the steps that follow."""
_UNATTENDED = {"cron": "schedule", "timer": "schedule", "systemd": "service", "procfile": "service"}
"""Kinds of task that start without a person wherever they are installed."""
_WITH_FILE = ("notebook", "ansible")
"""Kinds of task that run whenever their file does."""
_PROGRAMS = ("cdk", "pulumi")
"""Dialects in which a program declares resources: what triggers a resource does not run the program."""
_SUBMITTED = ("kubernetes", "azureml")
"""Dialects whose objects run when they are handed over; what others declare runs when something triggers or calls it."""
_PHRASES = {"schedule": "on schedule", "event": "on event", "push": "on push", "service": "as a service", "controller": "on change"}
_ELSEWHERE = regex(r"[\w.-]+/[\w.-]+/.+\.ya?ml(?:@.*)?")
"""A workflow of another repository."""
_DECIDED_LATER = regex(r"[*?\[+!{]")
"""What stands in a name that only a template or an expression makes whole."""
_DESCRIBES = regex(r"(?:^|_)(?:export|generate|gen|dump|write|extract|print)_openapi|openapi_(?:export|dump)")
"""Scripts that write down what an app answers to: the app that they import does not run."""


_RUN_NOTHING = frozenset((Role.TEST, *NO_PROOF))
"""Roles of files of which it is not followed what they run."""


class Root(Enum):
    """What the first hop of a chain is."""

    CI = auto()
    SCHEDULE = auto()
    """A schedule, of continuous integration too, or an event."""
    OTHER = auto()
    """A service or a controller."""
    HAND = auto()
    """A person: the workflow starts no other way."""


class _Here(NamedTuple):
    """Where a walk stands."""

    root: Root
    path: str
    folder: str
    """In which what is named is looked for."""
    chain: Chain


class Wiring:
    """Chains from triggers to the tasks and files they reach.

    Args:
        files: every file of the target with its facts.
        starts: what packs say that the files start.
    """

    def __init__(self, files: Sequence[SourceFile], starts: Starts | None = None) -> None:
        self.tree = Tree(files)
        """The files by the names that they are called by."""
        self._starts = starts or {}
        self._at: dict[tuple[str, int], list[Match]] = defaultdict(list)
        for path, matches in self._starts.items():
            for match in matches:
                self._at[path, match.line].append(match)
        self._programs = Programs(self.tree, self._starts)
        self._along: dict[Point, tuple[tuple[Point, Hop | None], ...]] = {}
        """What runs with the files and their parts that were reached."""
        self._unknown: dict[tuple[str, int, str], Unknown] = {}
        self._toothless: set[tuple[str, int]] = set()
        """Files and lines of commands and steps whose failure is thrown away."""
        self._chains: dict[Root, dict[Point, Chain]] = {}
        self._shortest: dict[Point, Chain] = {}
        """From whichever root without a person."""
        self._declared: dict[str, Chain] = {}
        """Files that declare a resource that is triggered; another resource of the file need not be."""
        self._deployed: dict[Root, list[tuple[Point, Chain]]] = defaultdict(list)
        """What steps and commands leave running or scheduled, by the root that starts it from then on."""
        self._behind_a_person = behind_a_person(self.tree.workflows)
        self._rooted = [path for path in self.tree.files if path in self.tree.workflows or path in self._starts]
        """The files that a chain can begin in, but for tasks."""
        for root in Root:
            self._walk(root)

    def of(self, point: Point, *, only: Root | None = None) -> Chain | None:
        """The shortest chain that runs a task or a part of a file, or any of a file, without a person; None when there is none.

        Args:
            point: what is run.
            only: the one kind of root to ask about.
        """
        chains = self._chains[only] if only else self._shortest
        found = chains.get(point)
        if point == Point(point.path):
            found = found or chains.get(Point(point.path, part=AROUND))
        declared = self._declared.get(point.path) if not only and point.task is None else None
        return declared if declared and (found is None or len(declared) < len(found)) else found

    def of_match(self, path: str, match: Match, *, only: Root | None = None) -> Chain | None:
        """The shortest chain that runs what a match stands in without a person, from one kind of root only if asked; None when there is none."""
        if match.workflow is not None:
            return self._of_step(only or Root.CI, path, match.workflow, match.job, match.step)
        return self.of(self._holding(path, match), only=only)

    def by_hand(self, path: str, match: Match) -> Chain:
        """The chain by which a person starts what a match stands in; empty when no workflow lets one."""
        if match.workflow is not None:
            return self._of_step(Root.HAND, path, match.workflow, match.job, match.step) or ()
        return self.of(self._holding(path, match), only=Root.HAND) or ()

    def throws_away(self, chain: Chain) -> bool:
        """Whether a failure of what a chain reaches is thrown away on the way; a chain is only such where there is no other."""
        return any((hop.path, hop.line) in self._toothless for hop in chain)

    def lacks(self, command: Command) -> str:
        """The script that a command runs although the repository has none of its name; empty when there is no such."""
        return self._programs.lacks(command)

    def unknown(self) -> tuple[Unknown, ...]:
        """What something automatic starts and reading can't tell, sorted by place."""
        return tuple(self._unknown[key] for key in sorted(self._unknown))

    def _holding(self, path: str, match: Match) -> Point:
        """What a match stands in, where no workflow owns it: a task, a part of a file, or the file."""
        if match.owned.signal.matcher == "file" and (build := next(self.tree.tasks_of(path, "docker"), None)):
            return Point(path, build)  # A Dockerfile is at work where it is built.
        return Point(path, match.task) if match.task else Point(path, part=self.tree.parts.at(path, match.line))

    def _of_step(self, root: Root, path: str, workflow: Workflow, job: Job | None, step: Step | None) -> Chain | None:
        if any(one and (one.disabled or (one.manual and root is not Root.HAND)) for one in (job, step)):
            return None
        base = self._chains[root].get(_workflow_point(path, workflow))
        if base is None:
            return None
        hops = base if job is None else (*base, Hop(path=path, line=job.line, what=f"job {job.id}"))
        return hops if step is None else (*hops, Hop(path=path, line=step.line, what=step.name or step.uses or "step"))

    # ── the walk ─────────────────────────────────────────────────────────────────────────────────────

    def _walk(self, root: Root) -> None:
        chains, parts = self._chains.setdefault(root, {}), self.tree.parts
        queue = [(*self._rank(chain), index, point, chain) for index, (point, chain) in enumerate(self._roots(root))]
        heapq.heapify(queue)
        order = len(queue)
        while queue and len(chains) < _MAX_POINTS:
            thrown, _, _, point, chain = heapq.heappop(queue)
            if point in chains:
                continue
            chains[point] = chain
            if len(chain) >= _MAX_HOPS:
                continue
            for following, longer in self._next(root, point, chain):
                found = following if following.part is None or parts.of(following.path) else Point(following.path)
                if found not in chains:
                    order += 1
                    heapq.heappush(queue, (thrown or self.throws_away(longer[len(chain) :]), len(longer), order, found, longer))
        if root is not Root.HAND:
            for point, chain in chains.items():
                if point not in self._shortest or self._rank(chain) < self._rank(self._shortest[point]):
                    self._shortest[point] = chain

    def _rank(self, chain: Chain) -> tuple[bool, int]:
        """Less for the chain that says more: one on which a failure counts, then the shorter."""
        return bool(self._toothless) and self.throws_away(chain), len(chain)

    def _roots(self, root: Root) -> Iterator[tuple[Point, Chain]]:
        for path in self._rooted:
            if self.tree.files[path].role not in (Role.SOURCE, Role.NOTEBOOK):
                continue
            for workflow in self.tree.workflows.get(path, ()):
                if hop := _trigger(path, workflow, root, behind=(path, workflow.line) in self._behind_a_person):
                    yield _workflow_point(path, workflow), (hop,)
            for match in self._starts.get(path, ()):
                start = match.owned.start
                if (
                    start
                    and _root_of(start.trigger) is root
                    and not isinstance(match.fact, (Command, Step))
                    and not self._is_idle(path, match)
                ):
                    chain = (Hop(path=path, line=match.line, what=f"{_PHRASES[start.trigger]} ({match.owned.tool})"),)
                    if not isinstance(match.fact, Resource) and not self._is_program(path) and not _names_what_runs(match.fact, start):
                        for part in self._run_by(path, match):
                            yield Point(path, part=part), chain
                        continue
                    yield Point(path, line=match.line), chain
                    if isinstance(match.fact, Resource) and match.fact.dialect not in _PROGRAMS:
                        self._declared.setdefault(path, chain)
        for kind, trigger in _UNATTENDED.items():
            for path, task in self.tree.of_kind(kind) if _root_of(trigger) is root else ():
                if self.tree.files[path].role in (Role.SOURCE, Role.TEMPLATE):
                    yield Point(path, task), (Hop(path=path, line=task.line, what=_PHRASES[trigger]),)
        yield from self._deployed[root]

    def _is_idle(self, path: str, match: Match) -> bool:
        """Whether a start that is made by a call stands in a function or class that nothing uses, so that it is never made."""
        if not (match.owned.start and match.owned.start.named and isinstance(match.fact, Call) and match.fact.kind == "call"):
            return False
        part = self.tree.parts.at(path, match.line)
        return part not in (None, AROUND, GUARD) and not self.tree.parts.is_used(path, part)

    def _run_by(self, path: str, match: Match) -> Sequence[str | None]:
        """The parts of a file that run because of a start that stands in it: all of it, or what importing it runs and the one that the start is in."""
        part = self.tree.parts.at(path, match.line) if match.owned.start and match.owned.start.named else None
        return (None,) if part is None else tuple(dict.fromkeys((part, AROUND)))

    def _is_program(self, path: str) -> bool:
        """Whether a file is a program that declares resources."""
        return any(isinstance(fact, Resource) and fact.dialect in _PROGRAMS for fact in self.tree.declared.get(path, ()))

    def _next(self, root: Root, point: Point, chain: Chain) -> Iterator[tuple[Point, Chain]]:
        if point.workflow:
            yield from self._of_workflow(root, point)
        elif point.task is not None and point.task.kind == "started":
            return  # Followed where it is started, from the folder that is named there.
        elif point.task is not None:
            yield from self._follow(_Here(root, point.path, posixpath.dirname(point.path), chain), point.task.commands, point.task.kind)
            for found in self._programs.needed(point.path, point.task):
                yield self._reached(found, chain)
        elif point.line:
            yield from self._of_facts(root, point.path, chain, line=point.line)
        else:
            yield from self._of_file(root, point, chain)

    def _of_workflow(self, root: Root, point: Point) -> Iterator[tuple[Point, Chain]]:
        path = point.path
        for workflow in self.tree.workflows[path]:
            if workflow.line != point.line:
                continue
            for job in workflow.jobs:
                here = ""
                for step in (called_by(job), *job.steps):
                    hops = self._of_step(root, path, workflow, job, step)
                    if hops is None:
                        continue
                    if step.continue_on_error or job.continue_on_error:
                        self._toothless.add((path, step.line))
                    yield from self._used(_Here(root, path, "", hops), step)
                    folder = self._directory(step, here)
                    yield from self._follow(_Here(root, path, folder, hops), step.commands, "step")
                    if workflow.system in _ONE_SHELL:
                        here = [folder, *(at for _, at in self._programs.placed(step.commands, folder, "step"))][-1]

    def _directory(self, step: Step, here: str) -> str:
        """The folder that a step's commands run in: the one that it names, or where the steps before it are."""
        named = dict(step.arguments).get("working-directory")
        if named is None:
            return here
        found = self.tree.moved(named, "")
        return posixpath.normpath(named) if found is None else found

    def _used(self, here: _Here, step: Step) -> Iterator[tuple[Point, Chain]]:
        """What a step starts by the action, workflow or template that it uses."""
        path, chain = here.path, here.chain
        if called := self._local_workflow(path, step.uses):
            for workflow in self.tree.workflows[called]:
                yield _workflow_point(called, workflow), chain
        elif _ELSEWHERE.fullmatch(step.uses):
            self._note(path, step.line, step.uses, "the workflow that it calls is in another repository")
        if action := _HOOK_ACTION.search("/" + step.uses.partition("@")[0]):
            read = HOOKS if "prek" in action[0] else HOOKS[1:]
            yield from [self._reached(Point(hooks), chain) for hooks in read if hooks in self.tree.files][:1]
        for match in self._at.get((path, step.line), ()):
            if match.fact == step:
                yield from self._started(here, match)

    def _of_file(self, root: Root, point: Point, chain: Chain) -> Iterator[tuple[Point, Chain]]:
        """What runs with a file or a part of it."""
        path, part = point.path, point.part
        if self.tree.files[path].role in _RUN_NOTHING:
            return
        if path in self._starts and (part is not None or not self.tree.parts.of(path)):
            yield from self._of_facts(root, path, chain, part=part)
        if part is None:
            for kind in _WITH_FILE:
                yield from (self._reached(Point(path, task), chain) for task in self.tree.tasks_of(path, kind))
        if point not in self._along:
            self._along[point] = tuple(self._running_along(path, part))
        for found, hop in self._along[point]:
            yield found, _extend(chain, hop) if hop else chain

    def _running_along(self, path: str, part: str | None) -> Iterator[tuple[Point, Hop | None]]:
        """What else runs with a file or a part of it, whatever started that, with the hop that leads out of the file."""
        parts = self.tree.parts
        yield from ((Point(path, part=name), None) for name in parts.with_it(path, part))
        if _DESCRIBES.search(posixpath.basename(path)):
            return
        for fact, found, inner in parts.imported(path, part):
            if self.tree.files[found].role is not Role.TEST:
                hop = Hop(path=path, line=fact.line, what=f"imports {fact.module.rpartition(':')[2]}")
                yield Point(found, part=inner), hop

    def _of_facts(self, root: Root, path: str, chain: Chain, *, part: str | None = None, line: int = 0) -> Iterator[tuple[Point, Chain]]:
        """What the facts of a file or of a part of it start, or the resource on a line of it."""
        for match in self._starts.get(path, ()):
            if isinstance(match.fact, (Command, Step)) or (line and match.line != line):
                continue
            if part is not None and self.tree.parts.at(path, match.line) != part:
                continue
            if isinstance(match.fact, Resource) and not line:
                if match.fact.dialect in _SUBMITTED:
                    yield Point(path, line=match.line), chain
            else:
                yield from self._started(_Here(root, path, posixpath.dirname(path), chain), match)

    def _follow(self, at: _Here, commands: Sequence[Command], kind: str) -> Iterator[tuple[Point, Chain]]:
        path = at.path
        for command, folder in self._programs.placed(commands, at.folder, kind):
            hops = _extend(at.chain, Hop(path=path, line=command.line, what=" ".join(command.words)[:120]))
            if command.toothless:
                self._toothless.add((path, command.line))
            points = self._programs.started(command, folder)
            if not points and (reason := self._programs.unknown(command)):
                self._note(path, command.line, " ".join(command.words)[:120], reason)
            starting = [match for match in self._at.get((path, command.line), ()) if match.fact == command]
            for point in () if at.root is Root.SCHEDULE and any(map(_serves, starting)) else points:
                yield self._reached(point, hops)
            for match in starting:
                yield from self._started(at._replace(folder=folder, chain=hops), match)

    def _started(self, here: _Here, match: Match) -> Iterator[tuple[Point, Chain]]:
        """What a start of a pack runs; what then runs by a trigger of its own is no longer started by this root."""
        start = match.owned.start
        if start is None:
            return
        after = _root_of(start.trigger)
        if here.root is Root.HAND or after in (None, here.root):
            yield from self._run(here, match, start)
        elif isinstance(match.fact, (Command, Step)):  # A resource with a trigger is a root itself.
            self._deployed[after].extend(self._run(here._replace(root=after), match, start))

    def _run(self, here: _Here, match: Match, start: Start) -> Iterator[tuple[Point, Chain]]:
        hops = _extend(here.chain, Hop(path=here.path, line=match.line, what=_said(match)))
        for fact in parts(match.fact, start):
            points = list(self._programs.named(start, fact, here.folder))
            for point in points:
                yield self._reached(point, hops)
            if start.shell and (text := command_line(fact, start.shell)):
                folder = self._programs.folder(start, fact, here.folder)
                for task in self.tree.tasks_of(here.path, "started"):
                    if task.line == match.line and task.inputs == (text,):
                        yield Point(here.path, task), hops
                        yield from self._follow(here._replace(folder=folder, chain=hops), task.commands, "shell")
            elif not points and any(not value for value in values(fact, (*start.shell, *start.file, *start.module, *start.build))):
                self._note(here.path, match.line, _said(match), "what it runs is decided when it runs")

    def _reached(self, point: Point, chain: Chain) -> tuple[Point, Chain]:
        if point.task is None:
            return point, _extend(chain, Hop(path=point.path, line=1, what=""))
        return point, _extend(chain, Hop(path=point.path, line=point.task.line, what=f"{point.task.kind} {point.task.name}"))

    def _local_workflow(self, path: str, uses: str) -> str | None:
        """The workflow, action or template of the repository that a `uses` names."""
        name = uses.partition("@")[0].removeprefix("template:")
        if not name or "://" in name:
            return None
        if _ELSEWHERE.fullmatch(uses) and not uses.startswith("."):
            # A repository may call a workflow of its own by its full name.
            own = "/".join(name.split("/")[2:])
            called = any(trigger.kind == "call" for workflow in self.tree.workflows.get(own, ()) for trigger in workflow.triggers)
            return own if called and own != path else None
        for base in ("", posixpath.dirname(path)):
            whole = posixpath.normpath(posixpath.join(base, name))
            for candidate in (whole, whole + "/action.yml", whole + "/action.yaml"):
                if candidate in self.tree.workflows and candidate != path:
                    return candidate
        return None

    def _note(self, path: str, line: int, what: str, reason: str) -> None:
        self._unknown.setdefault((path, line, what), Unknown(path=path, line=line, what=what, reason=reason))


def _workflow_point(path: str, workflow: Workflow) -> Point:
    return Point(path, line=workflow.line, workflow=True)


def _extend(chain: Chain, hop: Hop) -> Chain:
    """The chain with one more hop; a hop on the line of the last one takes its place, as the nearer one says more than all but the trigger."""
    if chain and (chain[-1].path, chain[-1].line) == (hop.path, hop.line):
        if len(chain) == 1:
            return chain
        chain = chain[:-1]
    return (*chain, hop)


def _said(match: Match) -> str:
    return getattr(match.fact, "name", "") or getattr(match.fact, "uses", "") or match.owned.tool


def _names_what_runs(fact: Fact | None, start: Start) -> bool:
    """Whether a call sets a time for a function that it names, so that the rest of its file runs at another."""
    return isinstance(fact, Call) and bool(start.module)


def _serves(match: Match) -> bool:
    """Whether a command starts a service: a schedule that does so runs nothing of what the service does when it is asked."""
    return match.owned.start is not None and match.owned.start.trigger == "service"


def _root_of(trigger: str) -> Root | None:
    """The kind of root that the trigger of a start is; None when it only starts others."""
    if not trigger:
        return None
    return {"schedule": Root.SCHEDULE, "event": Root.SCHEDULE, "push": Root.CI}.get(trigger, Root.OTHER)


def missing_jobs(workflow: Workflow) -> Iterator[tuple[Job, str]]:
    """Jobs that wait for one that the workflow has not, with its name; GitHub refuses such a workflow as a whole."""
    if workflow.system == "github-actions":
        names = {job.id for job in workflow.jobs}
        yield from ((job, need) for job in workflow.jobs for need in job.needs if need not in names and not _DECIDED_LATER.search(need))


def is_in_place(path: str, workflow: Workflow) -> bool:
    """Whether the system of a workflow would look for it at this path of a repository."""
    return path.startswith(_ROOT_ONLY.get(workflow.system, ""))


def _trigger(path: str, workflow: Workflow, root: Root, *, behind: bool) -> Hop | None:
    """The first trigger that makes a workflow, where its system would read it, a root of the kind; by hand: when it has no other.

    Whoever is `behind` a person runs after what that one starts.
    """
    if root is Root.OTHER or not is_in_place(path, workflow) or (root is Root.HAND) is (workflow.automatic and not behind):
        return None
    if any(missing_jobs(workflow)):
        return None
    for trigger in workflow.triggers:
        if root is Root.HAND and (trigger.kind == "manual" or trigger.awaits):
            return Hop(path=path, line=trigger.line, what="after what is started by hand" if trigger.awaits else "started by hand")
        if trigger.kind == "schedule" if root is Root.SCHEDULE else root is Root.CI and trigger.automatic:
            return Hop(path=path, line=trigger.line, what=f"on {trigger.kind.replace('_', ' ')}")
    return None
