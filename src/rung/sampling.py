"""Which revisions a history shows: commits, months or tags on the line of first parents, within a time."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from rung.expressions import regex
from rung.records import Coverage, RungError
from rung.targets.history import Commit, commits_of, is_cut_off, tags_of
from rung.targets.repository import is_shallow
from rung.targets.revision import Revisions

SHORT = 7
"""Characters of a commit's id that people read."""
_PERIOD = regex(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", re.ASCII)


class Chosen(Struct, frozen=True):
    """A commit that is going to be a sample."""

    label: str
    commit: Commit


class Line:
    """The commits from the newest back along first parents, as far as the wanted time goes."""

    def __init__(self, revisions: Revisions, tip: str, first: float, last: float) -> None:
        self._revisions = revisions
        self._tip = tip
        self._first = first
        self._last = last
        self._elsewhere = 0

    def all(self) -> list[Chosen]:
        """Every commit, the oldest first."""
        return [Chosen(commit.id[:SHORT], commit) for commit in self._commits()][::-1]

    def by_month(self) -> list[Chosen]:
        """The last commit of each month, the oldest first; in the order of commits, whatever their clocks said."""
        months: dict[str, Chosen] = {}
        for commit in self._commits():
            month = stamp(commit.date)[:7]
            if month not in months:
                months[month] = Chosen(month, commit)
        return list(months.values())[::-1]

    def by_tag(self) -> list[Chosen]:
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
        return [Chosen(", ".join(found), Commit(commit, (), dates[commit])) for commit, found in names.items()]

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
        with closing(commits_of(self._revisions.git, self._tip, folder=self._revisions.folder)) as commits:
            yield from (commit for commit in commits if self._first <= commit.date < self._last)

    def _cut_off(self) -> str:
        """The commit before which a shallow clone has none, though some are wanted; empty when nothing is missing."""
        git = self._revisions.git
        if not is_shallow(git):
            return ""
        with closing(commits_of(git, self._tip)) as commits:
            oldest = deque(commits, maxlen=1)[0]
        return oldest.id if oldest.date >= self._first and is_cut_off(git, oldest.id) else ""


def spread(chosen: list[Chosen], most: int) -> list[Chosen]:
    """No more than `most`, evenly spread, the first and the last among them."""
    if not most or len(chosen) <= most:
        return chosen
    if most == 1:
        return chosen[-1:]
    return [chosen[round(index * (len(chosen) - 1) / (most - 1))] for index in range(most)]


def period(text: str, name: str) -> tuple[float, float]:
    """From when (inclusive) to when (exclusive) a year, month or day lasts, in seconds since 1970; all time without one."""
    if not text:
        return float("-inf"), float("inf")
    found = _PERIOD.fullmatch(text)
    wrong = RungError(f"--{name} {text}: give a year, a month or a day, such as 2026, 2026-03 or 2026-03-01")
    if found is None:
        raise wrong
    try:
        year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
        start = date(year, month, day)
        if found[3]:
            end = start + timedelta(days=1)
        elif found[2]:
            end = date(year + month // 12, month % 12 + 1, 1)
        else:
            end = date(year + 1, 1, 1)
    except (ValueError, OverflowError):
        raise wrong from None
    return _seconds(start), _seconds(end)


def _seconds(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def stamp(seconds: int) -> str:
    """A commit's time in UTC as in `2026-03-01T12:00:00Z`; one that no calendar has is the nearest that it has."""
    bounded = min(max(seconds, -62_135_596_800), 253_402_300_799)
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=bounded)).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
