"""Dead ends: things that are set up and can't work, or that nothing follows up.

Each is read from the same facts as the evidence: a filter that no branch or file passes, a reference to a file that is not
there, a lock of another pipeline, a test run without tests, a job that is switched off, and what packs and rules say
belongs together: an alert and its receiver, a monitor and its alert, a registry and what deploys from it.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from rung.expressions import regex
from rung.globs import compile_globs
from rung.hits import Match
from rung.locks import lock_of, stale_stages
from rung.readers.stages import STAGES
from rung.records import (
    Command,
    DeadEnd,
    DeadEndRule,
    Detector,
    Evidence,
    Job,
    Location,
    Role,
    Step,
    Strength,
    Task,
    Test,
    Trigger,
    Workflow,
)
from rung.targets.target import Target
from rung.tree import Tree
from rung.wiring import is_in_place, missing_jobs

_CODE = (".py", ".sh", ".R", ".r", ".jl", ".ipynb", ".sql")
_WILD = regex(r"[*?\[+!]|\$\{")
_USUAL = frozenset({"main", "master"})
"""Names of default branches that replace each other when a repository renames its own."""
_MAX_OF_A_KIND = 20


class DeadEnds:
    """Finds the dead ends of one target.

    Args:
        target: where the files are; its branches tell which filters can match.
        tree: every file with its facts.
        starts: what packs say that files start, by path.
    """

    def __init__(self, target: Target, tree: Tree, starts: Mapping[str, Sequence[Match]]) -> None:
        self._target = target
        self._tree = tree
        self._files = [file for file in tree.files.values() if file.role is Role.SOURCE]
        self._starts = starts
        self._meant: dict[str, bool] = {}
        """Whether a filter means any path; workflows of one repository have the same ones."""

    def find(
        self, evidence: Sequence[Evidence], detectors: Iterable[Detector], rules: Iterable[DeadEndRule], *, live: Sequence[Evidence] = ()
    ) -> tuple[DeadEnd, ...]:
        """All dead ends, sorted by place; at most twenty of a kind. `live` is what is seen elsewhere of what something may lead to."""
        found: dict[str, DeadEnd] = {}
        kinds: dict[str, int] = {}
        strong = [item for item in (*evidence, *live) if item.strength >= Strength.IMPLEMENTED]
        seen = {item.capability for item in strong} | {f"{item.detector}/{item.signal}" for item in strong}
        for one in (*self._of_files(), *_of_signals(evidence, detectors, seen), *_of_rules(evidence, rules, seen)):
            if one.id not in found and kinds.get(one.kind, 0) < _MAX_OF_A_KIND:
                kinds[one.kind] = kinds.get(one.kind, 0) + 1
                found[one.id] = one
        return tuple(sorted(found.values(), key=lambda one: (one.location.path, one.location.line, one.kind, one.what)))

    def _of_files(self) -> Iterator[DeadEnd]:
        for file in self._files:
            for fact in file.facts:
                if isinstance(fact, Workflow) and is_in_place(file.path, fact):
                    yield from self._of_workflow(file.path, fact)
                elif isinstance(fact, Workflow) and fact.automatic:
                    yield self._dead(
                        "out-of-place",
                        file.path,
                        fact.line,
                        f"never runs: {fact.system} looks for its pipelines in the repository's root only",
                        "Move it to the root, or remove it.",
                    )
                elif isinstance(fact, Task) and fact.kind in STAGES:
                    yield from self._of_stage(file.path, fact)
        yield from self._stale_locks()
        yield from self._tests_without_tests()

    # ── workflows ────────────────────────────────────────────────────────────────────────────────────

    def _of_workflow(self, path: str, workflow: Workflow) -> Iterator[DeadEnd]:
        for trigger in workflow.triggers:
            yield from self._of_trigger(path, trigger)
        # What another checkout brings into the job's folder can't be known here.
        foreign = any(
            {"repository", "path"} & dict(step.arguments).keys() for job in workflow.jobs for step in job.steps if "checkout" in step.uses
        )
        never = {job.id for job in workflow.jobs if job.disabled}
        for job in workflow.jobs:
            if job.disabled:
                awaited = next(
                    (f"it waits for `{name}`, which never does" for name in job.needs if name in never), "its condition is never true"
                )
                yield self._dead("switched-off", path, job.line, f"job `{job.id}` never runs: {awaited}", "Remove it, or its condition.")
            if workflow.system == "github-actions" and not foreign:
                yield from self._of_uses(path, job)
        for job, need in missing_jobs(workflow):
            yield self._dead(
                "missing-job",
                path,
                job.line,
                f"job `{job.id}` waits for `{need}`, which is no job of the workflow: none of its jobs runs",
                "Name a job of the workflow.",
            )

    def _of_uses(self, path: str, job: Job) -> Iterator[DeadEnd]:
        for step in (Step(line=job.line, uses=job.uses), *job.steps):
            if not step.uses.startswith("./") or _WILD.search(step.uses):
                continue
            place = posixpath.normpath(step.uses.partition("@")[0])
            if self._tree.folder(place, "") is None and self._tree.find(place, "") is None:
                yield self._dead(
                    "missing-file", path, step.line, f"uses `{step.uses}`, which is not in the repository", "Add it, or correct the path."
                )

    def _of_trigger(self, path: str, trigger: Trigger) -> Iterator[DeadEnd]:
        if trigger.kind in ("push", "pull_request") and (missing := self._unmatched_branches(trigger)):
            default = self._target.info.default_branch
            yield self._dead(
                "filter-never-matches",
                path,
                trigger.line,
                f"the branch filter names {missing}; the default branch is `{default}`, and no such branch is known",
                f"Name `{default}`, or the branch that is meant.",
            )
        wanted = [glob for glob in trigger.paths if not glob.startswith("!")]
        if wanted and not any("${" in glob for glob in wanted) and not any(map(self._means_some_path, wanted)):
            said = ", ".join(f"`{glob}`" for glob in wanted[:3])
            yield self._dead(
                "filter-never-matches",
                path,
                trigger.line,
                f"the path filter {said} matches no file",
                "Correct the paths, or remove the filter.",
            )

    def _unmatched_branches(self, trigger: Trigger) -> str:
        """The branches of a filter that can never match, as text; empty when one may."""
        info = self._target.info
        wanted = [name for name in trigger.branches if not name.startswith("!")]
        if not wanted or not info.default_branch or any(_WILD.search(name) for name in wanted):
            return ""
        known = {info.default_branch, *info.branches}
        if not known.isdisjoint(name.removeprefix("refs/heads/") for name in wanted):
            return ""
        swapped = set(wanted) <= _USUAL and info.default_branch in _USUAL
        return ", ".join(f"`{name}`" for name in wanted[:3]) if info.branches_complete or swapped else ""

    def _means_some_path(self, glob: str) -> bool:
        if glob not in self._meant:
            plain = glob.strip("'\"").removeprefix("./")
            start = re.split(r"[*?\[{]", plain, maxsplit=1)[0]
            begins = start != plain or plain.endswith("/")
            self._meant[glob] = (begins and any(path.startswith(start) for path in self._tree.files)) or any(
                map(compile_globs((plain,)), self._tree.files)
            )
        return self._meant[glob]

    # ── stages, locks, tests ─────────────────────────────────────────────────────────────────────────

    def _of_stage(self, path: str, task: Task) -> Iterator[DeadEnd]:
        made = {output for _, other in self._tree.of_kind(task.kind) for output in other.outputs}
        named = [(name, task.line) for name in task.inputs if name.endswith(_CODE) and name not in made]
        for command in task.commands:
            named += [(word, command.line) for word in command.words if word.endswith(_CODE) and not word.startswith("-")]
        for name, line in dict(named).items():
            if not self._known(name, posixpath.dirname(path)):
                what = f"stage `{task.name}` refers to `{name}`, which is not in the repository"
                yield self._dead("missing-file", path, line, what, "Add the file, or correct the stage.")

    def _known(self, name: str, folder: str) -> bool:
        """Whether a file is there; one whose name stands elsewhere in the tree is given the benefit of a changed folder."""
        if _WILD.search(name) or name.startswith(("/", "..", "~")) or self._tree.find(name, folder):
            return True
        return self._tree.has_name(posixpath.basename(name))

    def _stale_locks(self) -> Iterator[DeadEnd]:
        for file in self._files:
            lock = lock_of(file.path)
            if lock in self._tree.files:
                for stage, line, reason in stale_stages(self._target.read(file.path), self._target.read(lock)):
                    what = f"stage `{stage}` {reason}: the lock describes another pipeline"
                    yield self._dead("stale-lock", lock, line, what, "Run the pipeline again and commit its lock.")

    def _tests_without_tests(self) -> Iterator[DeadEnd]:
        if any(isinstance(fact, Test) for file in self._tree.files.values() for fact in file.facts):
            return
        for file in self._files:
            if not any(isinstance(fact, Workflow) for fact in file.facts):
                continue
            for match in self._starts.get(file.path, ()):
                if match.owned.start and match.owned.start.tasks == "test" and isinstance(match.fact, Command):
                    what = f"`{' '.join(match.fact.words)[:80]}` runs tests, and no test was found"
                    yield self._dead("no-tests", file.path, match.line, what, "Write tests, or remove the step.")

    def _dead(self, kind: str, path: str, line: int, what: str, remediation: str) -> DeadEnd:
        return _dead_end(kind, Location(target=self._target.info.id, path=path, line=line, end_line=line), what, remediation)


def _of_signals(evidence: Sequence[Evidence], detectors: Iterable[Detector], seen: AbstractSet[str]) -> Iterator[DeadEnd]:
    """Evidence of signals that lead nowhere unless another signal or capability is found too; a mere example of it is none."""
    notes = {f"{detector.id}/{signal.id}": signal.dead_end for detector in detectors for signal in detector.signals if signal.dead_end}
    for item in evidence:
        note = notes.get(f"{item.detector}/{item.signal}") if item.strength >= Strength.IMPLEMENTED or not item.note else None
        if note and seen.isdisjoint(note.unless):
            yield _dead_end(note.kind, item.location, note.what, note.remediation)


def _of_rules(evidence: Sequence[Evidence], rules: Iterable[DeadEndRule], seen: AbstractSet[str]) -> Iterator[DeadEnd]:
    """Capabilities that are there without the one that makes use of them; placed where the first stands strongest."""
    best: dict[str, Evidence] = {}
    for item in evidence:
        if item.strength >= Strength.IMPLEMENTED and (item.capability not in best or item.strength > best[item.capability].strength):
            best[item.capability] = item
    for rule in rules:
        has = next((best[capability] for capability in rule.has if capability in best), None)
        if has and seen.isdisjoint(rule.lacks):
            yield _dead_end(rule.id, has.location, rule.what, rule.remediation)


def _dead_end(kind: str, location: Location, what: str, remediation: str) -> DeadEnd:
    key = f"{kind}\0{location.path}{location.resource}\0{what}"
    return DeadEnd(id=hashlib.sha256(key.encode()).hexdigest()[:12], kind=kind, location=location, what=what, remediation=remediation)
