"""Levels over time: revisions of one repository, and exactly which commit between them raised or lowered what.

Samples are scanned in order. Between two that differ, halves are compared until each difference stands between a
commit and its first parent, both scanned. What rises and falls again between two samples that are alike is not looked for:
an interval says how many of its commits were scanned.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from rung import __version__
from rung.packs import leaves, load_packs
from rung.records import (
    Change,
    Config,
    Coverage,
    Framework,
    History,
    Interval,
    LevelChange,
    Mark,
    Packs,
    Proof,
    RungError,
    Sample,
    Standing,
    Standings,
    Strength,
    StrengthChange,
    TargetError,
)
from rung.rescan import Rescan
from rung.review import configuration_of
from rung.targets.git import GitError
from rung.targets.history import Commit, commits_of, is_cut_off, subject_of, tags_of
from rung.targets.objects import MISSING
from rung.targets.opening import place_of
from rung.targets.repository import is_shallow
from rung.targets.revision import Revision, Revisions
from rung.targets.target import Target

BY = ("months", "tags", "commits")
SHORT = 7
"""Characters of a commit's id that people read."""
_PERIOD = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", re.ASCII)

Progress = Callable[[int, int], None]
"""Called with samples done and samples in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
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
        raise TargetError(f"{place.path}: a history needs all commits at hand: `git clone {place.path}`, then `rung history FOLDER`.")
    first, last = _period(asked.since, "since")[0], _period(asked.until, "until")[1]
    packs = load_packs()
    revisions = Revisions(place.path, subfolder=asked.subfolder)
    tip = revisions.open(place.revision or "HEAD")
    config = configuration_of(tip, asked.config, packs)
    framework = _framework(packs, asked.framework or next(iter(config.frameworks), ""))
    system = _system(config, asked.system)
    try:
        line = _Line(revisions, tip, first, last)
        chosen = _spread(line.by_tag() if asked.by == "tags" else line.by_month() if asked.by == "months" else line.all(), asked.samples)
        if not chosen:
            raise RungError(_nothing(asked, revisions))
        walk = _Walk(revisions, tip, Rescan(packs, config, framework, system=system), packs, framework)
        samples, intervals, marks = walk.through(chosen, progress)
    except GitError as error:
        raise TargetError(f"{asked.target}: its history can't be read, because of git: {error}.") from error
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
        raise RungError(f"there is no system `{name}`: the repository is not split into systems")
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


# ── Which commits ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Chosen:
    label: str
    commit: Commit


class _Line:
    """The commits from the newest back along first parents, as far as the wanted time goes."""

    def __init__(self, revisions: Revisions, tip: Revision, first: float, last: float) -> None:
        self._revisions = revisions
        self._tip = tip.info.revision
        self._first = first
        self._last = last
        self._elsewhere = 0

    def all(self) -> list[_Chosen]:
        """Every commit, the oldest first."""
        return [_Chosen(commit.id[:SHORT], commit) for commit in self._commits()][::-1]

    def by_month(self) -> list[_Chosen]:
        """The last commit of each month, the oldest first; in the order of commits, whatever their clocks said."""
        months: dict[str, _Chosen] = {}
        for commit in self._commits():
            month = stamp(commit.date)[:7]
            if month not in months:
                months[month] = _Chosen(month, commit)
        return list(months.values())[::-1]

    def by_tag(self) -> list[_Chosen]:
        """The commits with tags, in order of date; several tags of one commit are one sample."""
        git = self._revisions.git
        tags = tags_of(git, merged=self._tip)
        self._elsewhere = len(tags_of(git)) - len(tags)
        names: dict[str, list[str]] = {}
        dates = {}
        for tag in tags:
            if self._first <= tag.date < self._last:
                names.setdefault(tag.commit, []).append(tag.name)
                dates[tag.commit] = tag.date
        return [_Chosen(", ".join(found), Commit(commit, (), dates[commit], ())) for commit, found in names.items()]

    def coverage(self) -> Iterator[Coverage]:
        """What of the history is not here."""
        remote = self._revisions.remote.name
        if cut_off := self._cut_off():
            brings = f"`git fetch --unshallow {remote}`" if remote else "a clone with all commits"
            yield Coverage(
                target="repo", what=f"commits before {cut_off[:SHORT]}", searched=False, reason="the clone is shallow", needs=brings
            )
        if self._elsewhere:
            what = f"{self._elsewhere} {'tag' if self._elsewhere == 1 else 'tags'}"
            yield Coverage(
                target="repo", what=what, searched=False, reason="not in this history", needs="--rev with a revision that has them"
            )

    def _commits(self) -> Iterator[Commit]:
        with closing(commits_of(self._revisions.git, self._tip, folder=self._revisions.folder, changes=False)) as commits:
            yield from (commit for commit in commits if self._first <= commit.date < self._last)

    def _cut_off(self) -> str:
        """The commit before which a shallow clone has none, though some are wanted; empty when nothing is missing."""
        git = self._revisions.git
        if not is_shallow(git):
            return ""
        with closing(commits_of(git, self._tip, changes=False)) as commits:
            oldest = deque(commits, maxlen=1)[0]
        return oldest.id if oldest.date >= self._first and is_cut_off(git, oldest.id) else ""


def _spread(chosen: list[_Chosen], most: int) -> list[_Chosen]:
    """No more than `most`, evenly spread, the first and the last among them."""
    if not most or len(chosen) <= most:
        return chosen
    if most == 1:
        return chosen[-1:]
    return [chosen[round(index * (len(chosen) - 1) / (most - 1))] for index in range(most)]


def _period(text: str, name: str) -> tuple[float, float]:
    """From when (inclusive) to when (exclusive) a year, month or day lasts, in seconds since 1970; all time without one."""
    if not text:
        return float("-inf"), float("inf")
    found = _PERIOD.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
        start = date(year, month, day)
        if found[3]:
            end = start + timedelta(days=1)
        elif found[2]:
            end = date(year + month // 12, month % 12 + 1, 1)
        else:
            end = date(year + 1, 1, 1)
    except (ValueError, OverflowError):
        raise RungError(f"--{name} {text}: give a year, a month or a day, such as 2026, 2026-03 or 2026-03-01") from None
    return _seconds(start), _seconds(end)


def _seconds(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def stamp(seconds: int) -> str:
    """A commit's time in UTC as in `2026-03-01T12:00:00Z`; one that no calendar has is the nearest that it has."""
    bounded = min(max(seconds, -62_135_596_800), 253_402_300_799)
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=bounded)).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


# ── Walking ──────────────────────────────────────────────────────────────────────────────────────────


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
        self._unread: dict[str, str] = {}
        self._missing: list[str] = []

    def through(
        self, chosen: Sequence[_Chosen], progress: Progress | None
    ) -> tuple[tuple[Sample, ...], tuple[Interval, ...], tuple[Mark, ...]]:
        """The samples, what lies between each and the next, and the commits that changed something."""
        samples: list[Sample] = []
        intervals: list[Interval] = []
        marks: list[Mark] = []
        last: tuple[_Chosen, Standings] | None = None
        for index, one in enumerate(chosen):
            standings = self._at(one.commit.id)
            if standings is not None:
                if last:
                    interval, found = self._between(*last, one, standings)
                    intervals.append(interval)
                    marks += found
                samples.append(
                    Sample(label=one.label, commit=one.commit.id, date=stamp(one.commit.date), standings=self._shared(standings))
                )
                last = one, standings
            if progress:
                progress(index + 1, len(chosen))
        if not samples:
            raise TargetError(next(iter(self._unread.values())))
        return tuple(samples), tuple(intervals), tuple(marks)

    def coverage(self) -> Iterator[Coverage]:
        """Commits and contents that are not here."""
        if self._unread:
            what = _some("commit", [commit[:SHORT] for commit in self._unread])
            reason, needs = "their files are not in this clone", "a clone with all its objects"
            yield Coverage(target="repo", what=what, searched=False, reason=reason, needs=needs)
        if self._missing:
            remote = self._revisions.remote.name
            what = f"contents of files in {_some('commit', [commit[:SHORT] for commit in self._missing])}"
            needs = f"`git fetch --refetch --no-filter {remote}`" if remote else "a clone with all its objects"
            yield Coverage(target="repo", what=what, searched=False, reason=MISSING, needs=needs)

    def _at(self, commit: str) -> Standings | None:
        """Where the system stands at a commit; None where its files can't be listed."""
        try:
            target: Target = self._revisions.at(self._tip, commit)
        except TargetError as error:
            self._unread[commit] = str(error)
            return None
        standings = self._rescan.at(target)
        if self._rescan.missing:
            self._missing.append(commit)
        return standings

    def _shared(self, standings: Standings) -> Standings:
        """One record for all samples that stand alike, so that many samples take little memory."""
        slim = replace(standings, proofs={})
        return self._same.setdefault(slim, slim)

    def _between(self, old: _Chosen, was: Standings, new: _Chosen, now: Standings) -> tuple[Interval, list[Mark]]:
        line = self._path(old.commit, new.commit)
        untold = ""
        if not line and was != now:
            untold = f"{old.label} is not on the line of first parents of {new.label}"
        search = _Search(self._at, [old.commit.id, *(commit.id for commit in line)], {0: was, len(line): now})
        steps = search.steps(0, len(line)) if line else iter(())
        marks = [self._mark(line[index - 1], search.seen[index - 1], search.seen[index]) for index in steps]
        interval = Interval(
            old=old.commit.id,
            new=new.commit.id,
            commits=len(line),
            scanned=len(search.seen) - 1,
            wavering=_wavering([search.seen[index] for index in sorted(search.seen)]),
            untold=untold or search.untold,
        )
        return interval, marks

    def _path(self, old: Commit, new: Commit) -> list[Commit]:
        """The commits after one up to another along first parents, the oldest first; none where they are not on one line.

        Of a folder only those that change it, and the last.
        """
        if new.parents[:1] == (old.id,):
            return [new]
        git, between = self._revisions.git, f"{old.id}..{new.id}"
        with closing(commits_of(git, between, changes=False)) as commits:
            line = list(commits)[::-1]
        if not line or line[0].parents[:1] != (old.id,):
            return []
        if folder := self._revisions.folder:
            with closing(commits_of(git, between, folder=folder, changes=False)) as commits:
                changing = {commit.id for commit in commits}
            line = [*(commit for commit in line[:-1] if commit.id in changing), line[-1]]
        return line

    def _mark(self, commit: Commit, old: Standings, new: Standings) -> Mark:
        before, after = dict(old.dimensions), dict(new.dimensions)
        levels = [_level_change(name, self._titles[name], before[name], after[name]) for name in after]
        capabilities = tuple(self._strength_changes(old, new))
        changed = tuple(change for change in levels if change.old != change.new)
        return Mark(
            commit=commit.id,
            date=stamp(commit.date),
            subject=subject_of(self._revisions.git, commit.id),
            overall=_level_change("overall", "Overall", old.overall, new.overall),
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


def _level_change(name: str, title: str, old: Standing, new: Standing) -> LevelChange:
    change = Change.SAME
    if old.level is None or new.level is None:
        change = Change.SAME if old.level == new.level else Change.CHANGED
    elif old.level != new.level:
        change = Change.ROSE if new.level > old.level else Change.FELL
    return LevelChange(id=name, title=title, change=change, old=old, new=new)


def _because(old: Sequence[Proof], new: Sequence[Proof], *, rose: bool) -> str:
    """The evidence that a capability's strength comes from, or that it lacks now."""
    better, worse = (new, old) if rose else (old, new)
    if not better:
        return ""
    best = [proof for proof in better if proof.strength == better[0].strength]
    first = best[0]
    more = f" and {len(best) - 1} more" if len(best) > 1 else ""
    other = next((proof for proof in worse if (proof.tool, proof.path) == (first.tool, first.path)), None)
    if rose:
        return f"{first.tool} in {first.path}{more}"
    if other is None:
        return f"no longer {first.tool} in {first.path}{more}"
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
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{noun}{'s' if len(names) > 1 else ''} {', '.join(names[:3])}{more}"
