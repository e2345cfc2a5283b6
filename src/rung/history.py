"""Levels over time: revisions of one repository, and exactly which commit between them raised or lowered what.

Samples are scanned in order. Between two that differ, halves are compared until each difference stands between a
commit and its first parent, both scanned. What rises and falls again between two samples that are alike is not looked for:
an interval says how many of its commits were scanned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import pairwise

from msgspec import Struct, field
from msgspec.structs import replace

from rung import __version__
from rung.config import aside
from rung.diff import level_change
from rung.packs import load_packs
from rung.packs.rules import leaves
from rung.phrases import listed
from rung.records import (
    Config,
    Coverage,
    Framework,
    History,
    Interval,
    Mark,
    Packs,
    Proof,
    RungError,
    Sample,
    Standings,
    Strength,
    StrengthChange,
    TargetError,
)
from rung.rescan import Rescan
from rung.review import configuration_of
from rung.sampling import SHORT, Chosen, Line, period, spread, stamp
from rung.sharing import Progress, processes, shared
from rung.targets.git import GitError
from rung.targets.history import Commit, commits_of, subject_of
from rung.targets.objects import MISSING
from rung.targets.opening import place_of
from rung.targets.revision import Revision, Revisions
from rung.targets.target import Target

PARALLEL_FROM = 12
"""Samples from which a second process pays."""


class Asked(Struct, frozen=True, kw_only=True):
    """Which history is wanted."""

    target: str
    """A folder of a local repository, or `folder@REV`."""
    revision: str = ""
    """Where the history ends, when `target` does not say; empty for what is checked out."""
    subfolder: str = ""
    by: str = "months"
    samples: int = 0
    """No more samples than this, evenly spread; 0 for all."""
    since: str = ""
    """Year, month or day, in UTC; nothing before it is shown."""
    until: str = ""
    """The same; nothing after it."""
    framework: str = ""
    config: str = ""
    """A file of the user's own instead of the newest revision's `rung.yaml`."""
    system: str = ""


def history_of(asked: Asked, progress: Progress | None = None) -> History:
    """The history of a repository, rated by one yardstick: the packs of today and the newest revision's configuration.

    Raises:
        TargetError: there is no such repository or revision, or it can't be read.
        RungError: something else that was asked can't be given.
    """
    place = place_of(asked.target, asked.revision)
    if place.remote:
        raise TargetError(f"{place.path}: a history needs all commits at hand: `git clone {place.path}`, then `rung history FOLDER`")
    first, last = period(asked.since, "since")[0], period(asked.until, "until")[1]
    packs = load_packs()
    revisions = Revisions(place.path, subfolder=asked.subfolder)
    tip = revisions.open(place.revision or "HEAD")
    config = configuration_of(tip, asked.config, packs)
    framework = _framework(packs, asked.framework or next(iter(config.frameworks), ""))
    system = _system(config, asked.system)
    try:
        line = Line(revisions, tip.info.revision, first, last)
        chosen = spread(line.by_tag() if asked.by == "tags" else line.by_month() if asked.by == "months" else line.all(), asked.samples)
        if not chosen:
            raise RungError(_nothing(asked, revisions))
        walk = _Walk(revisions, tip, Rescan(packs, config, framework, system=system), packs, framework)
        samples, intervals, marks = walk.through(chosen, progress)
    except GitError as error:
        raise TargetError(f"{asked.target}: its history can't be read, because of git: {error}") from error
    return History(
        version=__version__,
        digest=packs.digest,
        system=system or config.system or tip.info.name,
        target=tip.info,
        framework=framework.id,
        levels=framework.levels,
        titles=tuple((rule.id, rule.title) for rule in framework.dimensions),
        by=asked.by,
        samples=samples,
        marks=marks,
        intervals=intervals,
        coverage=(*line.coverage(), *walk.coverage()),
        notes=tuple(_notes(config)),
    )


def _framework(packs: Packs, name: str) -> Framework:
    found = next((one for one in packs.frameworks if one.id == name or not name), None)
    if name == "all":
        raise RungError("a history is rated by one framework: name it instead of `all`")
    if found is None:
        raise RungError(f"there is no framework `{name}`; there are {', '.join(one.id for one in packs.frameworks)}")
    return found


def _system(config: Config, name: str) -> str:
    known = [rule.name for rule in config.systems]
    if len(known) == 1 and not name:
        return known[0]
    if known and name not in known:
        raise RungError(f"{config.source} splits the repository into {', '.join(known)}: name one with --system")
    if name and not known:
        raise RungError(f"there is no system `{name}`: the repository is not split into systems{aside(config)}")
    return name


def _nothing(asked: Asked, revisions: Revisions) -> str:
    within = " in that time" if asked.since or asked.until else ""
    if asked.by == "tags":
        return f"{asked.target}: no tag{within} is in this history: `git fetch --tags` brings them, --by months needs none"
    return f"{asked.target}: no commit{within} is in this history{f' of {revisions.folder}' if revisions.folder else ''}: give another --since or --until"


def _notes(config: Config) -> Iterator[str]:
    if config.source:
        yield f"All revisions are rated by {config.source} as it is in the newest."
    if config.mistake:
        yield f"The configuration is wrong and not gone by: {config.mistake}."
    yield from config.notes


# ── Walking ──────────────────────────────────────────────────────────────────────────────────────────


class _Step(Struct, kw_only=True):
    """A chosen commit, and what lies between the one before and itself."""

    one: Chosen
    standings: Standings | None = None
    """Without proofs once it is joined to both sides; None where its files can't be listed."""
    interval: Interval | None = None
    marks: tuple[Mark, ...] = ()
    unread: dict[str, str] = field(default_factory=dict)
    """Commits whose files can't be listed, and why."""
    missing: list[str] = field(default_factory=list)
    """Commits some of whose contents are not in the clone."""


class _Walk:
    """Scans the chosen commits, and what lies between those that differ."""

    def __init__(self, revisions: Revisions, tip: Revision, rescan: Rescan, packs: Packs, framework: Framework) -> None:
        self._revisions = revisions
        self._tip = tip
        self._rescan = rescan
        self._negative = frozenset(capability.id for capability in packs.capabilities if capability.negative)
        self._titles = {rule.id: rule.title for rule in framework.dimensions}
        self._asked = {
            rule.id: frozenset(leaf.capability for one in framework.criteria if one.dimension == rule.id for leaf in leaves(one.requires))
            for rule in framework.dimensions
        }
        self._same: dict[Standings, Standings] = {}
        self._steps: list[_Step] = []

    def through(
        self, chosen: Sequence[Chosen], progress: Progress | None
    ) -> tuple[tuple[Sample, ...], tuple[Interval, ...], tuple[Mark, ...]]:
        """The samples, what lies between each and the next, and the commits that changed something."""
        last: _Step | None = None
        for steps in self._stretches(chosen, progress or (lambda _done, _all: None)):
            self._steps += steps
            seen = [step for step in steps if step.standings is not None]
            if last and seen:
                self._join(last, seen[0])
            last = seen[-1] if seen else last
        self._rescan.keep()
        if last is None:
            raise TargetError(next(reason for step in self._steps for reason in step.unread.values()))
        for step in self._steps:
            self._slim(step)
        samples = (
            Sample(label=step.one.label, commit=step.one.commit.id, date=stamp(step.one.commit.date), standings=step.standings)
            for step in self._steps
            if step.standings is not None
        )
        intervals = (step.interval for step in self._steps if step.interval)
        return tuple(samples), tuple(intervals), tuple(mark for step in self._steps for mark in step.marks)

    def coverage(self) -> Iterator[Coverage]:
        """Commits and contents that are not here."""
        if unread := list(dict.fromkeys(commit for step in self._steps for commit in step.unread)):
            what = _some("commit", [commit[:SHORT] for commit in unread])
            reason, needs = "their files are not in this clone", "a clone with all its objects"
            yield Coverage(target="repo", what=what, searched=False, reason=reason, needs=needs)
        if missing := [commit for step in self._steps for commit in step.missing]:
            remote = self._revisions.remote.name
            what = f"contents of files in {_some('commit', [commit[:SHORT] for commit in missing])}"
            needs = f"`git fetch --refetch --no-filter {remote}`" if remote else "a clone with all its objects"
            yield Coverage(target="repo", what=what, searched=False, reason=MISSING, needs=needs)

    def _stretches(self, chosen: Sequence[Chosen], progress: Progress) -> Iterator[list[_Step]]:
        """The steps in order, in parts that are not joined yet; many samples are shared by processes."""
        count = processes(2 * len(chosen) // PARALLEL_FROM)
        if count == 1:
            yield self._walked(chosen, lambda done: progress(done, len(chosen)))
            return
        # What is read for the first need not be read by each process.
        self._scan(_Step(one=chosen[0]), chosen[0].commit.id)
        self._rescan.keep()
        bounds = [len(chosen) * part // count for part in range(count + 1)]
        shares = [chosen[start:end] for start, end in pairwise(bounds)]
        yield from shared(self._walked, shares, lambda done: progress(done, len(chosen)))

    def _walked(self, chosen: Sequence[Chosen], tell: Callable[[int], None]) -> list[_Step]:
        """The steps through some of the commits; what is before the first of them is left open."""
        steps: list[_Step] = []
        seen: list[_Step] = []
        for one in chosen:
            step = _Step(one=one)
            step.standings = self._scan(step, one.commit.id)
            steps.append(step)
            if step.standings is not None:
                if seen:
                    self._join(seen[-1], step)
                if len(seen) > 1:
                    self._slim(seen[-1])
                seen.append(step)
            tell(len(steps))
        self._rescan.keep()
        return steps

    def _scan(self, step: _Step, commit: str) -> Standings | None:
        """Where the system stands at a commit that is scanned for a step; None where its files can't be listed."""
        try:
            target: Target = self._revisions.at(self._tip, commit)
        except TargetError as error:
            step.unread[commit] = str(error)
            return None
        standings = self._rescan.at(target)
        if self._rescan.missing:
            step.missing.append(commit)
        return standings

    def _slim(self, step: _Step) -> None:
        """One record for all steps that stand alike, so that many take little memory."""
        if step.standings is not None:
            slim = replace(step.standings, proofs={})
            step.standings = self._same.setdefault(slim, slim)

    def _join(self, last: _Step, step: _Step) -> None:
        """Look for what lies between two steps, both of them seen and with their proofs."""
        assert last.standings is not None
        assert step.standings is not None
        old, new, was, now = last.one, step.one, last.standings, step.standings
        line = self._path(old.commit, new.commit)
        untold = ""
        if not line and was != now:
            untold = f"{old.label} is not on the line of first parents of {new.label}"
        search = _Search(partial(self._scan, step), [old.commit.id, *(commit.id for commit in line)], {0: was, len(line): now})
        steps = search.steps(0, len(line)) if line else iter(())
        step.marks = tuple(self._mark(line[index - 1], search.seen[index - 1], search.seen[index]) for index in steps)
        step.interval = Interval(
            old=old.commit.id,
            new=new.commit.id,
            commits=len(line),
            scanned=len(search.seen) - 1,
            wavering=_wavering([search.seen[index] for index in sorted(search.seen)]),
            untold=untold or search.untold,
        )

    def _path(self, old: Commit, new: Commit) -> list[Commit]:
        """The commits after one up to another along first parents, the oldest first; none where they are not on one line.

        Of a folder only those that change it, and the last.
        """
        if new.parents[:1] == (old.id,):
            return [new]
        git, between = self._revisions.git, f"{old.id}..{new.id}"
        with closing(commits_of(git, between)) as commits:
            line = list(commits)[::-1]
        if not line or line[0].parents[:1] != (old.id,):
            return []
        if folder := self._revisions.folder:
            with closing(commits_of(git, between, folder=folder)) as commits:
                changing = {commit.id for commit in commits}
            line = [*(commit for commit in line[:-1] if commit.id in changing), line[-1]]
        return line

    def _mark(self, commit: Commit, old: Standings, new: Standings) -> Mark:
        before, after = dict(old.dimensions), dict(new.dimensions)
        levels = [level_change(name, self._titles[name], before[name], after[name]) for name in after]
        capabilities = tuple(self._strength_changes(old, new))
        changed = tuple(change for change in levels if change.old != change.new)
        return Mark(
            commit=commit.id,
            date=stamp(commit.date),
            subject=subject_of(self._revisions.git, commit.id),
            overall=level_change("overall", "Overall", old.overall, new.overall),
            dimensions=changed,
            capabilities=capabilities,
            explains=tuple((change.id, tuple(one.id for one in capabilities if one.id in self._asked[change.id])) for change in changed),
        )

    def _strength_changes(self, old: Standings, new: Standings) -> Iterator[StrengthChange]:
        before, after = dict(old.strengths), dict(new.strengths)
        for name in sorted({*before, *after}):
            was, now = before.get(name, Strength.ABSENT), after.get(name, Strength.ABSENT)
            if was != now:
                because = _because(old.proofs.get(name, ()), new.proofs.get(name, ()), rose=now > was)
                yield StrengthChange(id=name, negative=name in self._negative, old=was, new=now, because=because)


class _Search:
    """Finds the steps between two ends of a line of commits at which what is seen changes."""

    def __init__(self, look: Callable[[str], Standings | None], line: Sequence[str], seen: dict[int, Standings]) -> None:
        self._look = look
        self._line = line
        self.seen = seen
        """What was seen at each place that was looked at and could be read."""
        self.untold = ""

    def steps(self, low: int, high: int) -> Iterator[int]:
        """The places that differ from the place before them, in order, as far as halves that differ tell."""
        if self.seen[low] == self.seen[high]:
            return
        if high - low == 1:
            yield high
            return
        middle = self._middle(low, high)
        if middle is None:
            self.untold = f"one of {high - low} commits up to {self._line[high][:SHORT]} made the change, and those between can't be read"
            return
        yield from self.steps(low, middle)
        yield from self.steps(middle, high)

    def _middle(self, low: int, high: int) -> int | None:
        """The place nearest to the middle that something is seen at."""
        middle = (low + high) // 2
        for place in sorted(range(low + 1, high), key=lambda place: (abs(place - middle), place)):
            if place not in self.seen:
                standings = self._look(self._line[place])
                if standings is None:
                    continue
                self.seen[place] = standings
            return place
        return None


def _because(old: Sequence[Proof], new: Sequence[Proof], *, rose: bool) -> str:
    """The evidence that a capability's strength comes from, or that it lacks now."""
    better, worse = (new, old) if rose else (old, new)
    if not better:
        return ""
    best = [proof for proof in better if proof.strength == better[0].strength]
    first = best[0]
    places = listed((f"{proof.tool} in {proof.path}" for proof in best), 1)
    other = next((proof for proof in worse if (proof.tool, proof.path) == (first.tool, first.path)), None)
    if rose:
        return places
    if other is None:
        return f"no longer {places}"
    return f"{first.tool} in {first.path} only {other.strength.label}" + (f": {other.note}" if other.note else "")


def _wavering(scanned: Sequence[Standings]) -> tuple[str, ...]:
    """Dimensions whose level and capabilities whose strength both rose and fell, sorted."""
    rose, fell = set[str](), set[str]()
    for old, new in pairwise(scanned):
        if old is new:
            continue
        before = {name: one.level for name, one in old.dimensions if one.level is not None} | dict(old.strengths)
        after = {name: one.level for name, one in new.dimensions if one.level is not None} | dict(new.strengths)
        capabilities = {name for name, _ in (*old.strengths, *new.strengths)}
        for name in before.keys() | after.keys():
            if name in capabilities or (name in before and name in after):
                was, now = before.get(name, Strength.ABSENT), after.get(name, Strength.ABSENT)
                (rose if now > was else fell if now < was else set()).add(name)
    return tuple(sorted(rose & fell))


def _some(noun: str, names: Sequence[str]) -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {listed(names, 3)}"
