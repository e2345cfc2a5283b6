"""Evidence and coverage → ratings, statuses, levels and next steps, by the rules of a framework.

Pure: the same evidence gives the same result. Nothing here knows a tool, a capability or a framework by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from rung.packs.rules import leaves
from rung.phrases import listed
from rung.records import (
    Annotation,
    Capability,
    Coverage,
    Criterion,
    CriterionResult,
    DimensionResult,
    DimensionRule,
    ElsewhereRule,
    Evidence,
    Framework,
    FrameworkResult,
    Group,
    Leaf,
    NextStep,
    Rating,
    Status,
    Strength,
)

SHARE = {Rating.NOT: 0.0, Rating.PARTIALLY: 1 / 3, Rating.LARGELY: 2 / 3, Rating.FULLY: 1.0}
"""What a rating counts in a mean."""
_ORDER = (Rating.NOT, Rating.PARTIALLY, Rating.LARGELY, Rating.FULLY)
_EFFORT = {"low": 0, "medium": 1, "high": 2}
_BELOW_NEXT = 0.99
"""A score stays below the next level however much of that level is achieved already."""
_ATTEST = "Only a person can attest it."
_ELSEWHERE = "elsewhere"
"""The place of what another repository would show: what is not essential is not missed in this one."""
_MANY = 3
"""Alternatives that a sentence names before it only counts the rest."""


Found = Mapping[str, tuple[Strength, tuple[str, ...]]]
"""Capability → its strength, and the ids of its evidence, strongest first."""


def strengths(evidence: Sequence[Evidence], capabilities: Sequence[Capability]) -> tuple[tuple[str, Strength, tuple[str, ...]], ...]:
    """Every capability of the vocabulary, sorted, with its strength and the ids of its evidence, strongest first.

    A negative capability is absent where one of those that take it away (`unless`) is implemented.
    """
    by_capability: dict[str, list[Evidence]] = {}
    for item in evidence:
        by_capability.setdefault(item.capability, []).append(item)
    best = {name: max(item.strength for item in items) for name, items in by_capability.items()}
    found: list[tuple[str, Strength, tuple[str, ...]]] = []
    for capability in sorted(capabilities, key=lambda capability: capability.id):
        taken_away = any(best.get(other, Strength.ABSENT) >= Strength.IMPLEMENTED for other in capability.unless)
        items = [] if taken_away else sorted(by_capability.get(capability.id, ()), key=_strongest_first)
        found.append((capability.id, items[0].strength if items else Strength.ABSENT, tuple(item.id for item in items)))
    return tuple(found)


def elsewhere(rules: Iterable[ElsewhereRule], evidence: Sequence[Evidence], capabilities: Sequence[Capability]) -> tuple[Coverage, ...]:
    """Coverage of what happens in other repositories, by what is found of a system and what is not."""
    there = {name for name, strength, _ in strengths(evidence, capabilities) if strength >= Strength.IMPLEMENTED}
    return tuple(
        Coverage(target="", what=rule.what, searched=False, reason=rule.reason, needs=rule.needs, capabilities=rule.hides, place=_ELSEWHERE)
        for rule in rules
        if there.issuperset(rule.has) and there.isdisjoint(rule.lacks)
    )


def assess(
    framework: Framework,
    evidence: Sequence[Evidence],
    coverage: Sequence[Coverage],
    capabilities: Sequence[Capability],
    searched: frozenset[str],
    *,
    annotations: Mapping[str, Annotation] = MappingProxyType({}),
) -> FrameworkResult:
    """A framework's levels for a system.

    Args:
        framework: the rules.
        evidence: everything found.
        coverage: what was searched and what was not.
        capabilities: the vocabulary.
        searched: the capabilities that some signal could have found.
        annotations: attestations and waivers in force, by criterion; they change statuses and raise no number.
    """
    view = _View.of(evidence, coverage, capabilities, searched)
    dimensions = tuple(_dimension(framework, rule, view, annotations) for rule in framework.dimensions)
    applicable = [dimension for dimension in dimensions if dimension.applicable]
    return FrameworkResult(
        id=framework.id,
        title=framework.title,
        levels=framework.levels,
        dimensions=dimensions,
        level=min((d.level for d in applicable if d.level is not None), default=None),
        confirmed=min((d.confirmed for d in applicable if d.confirmed is not None), default=None),
        ceiling=min((d.ceiling for d in applicable if d.ceiling is not None), default=None),
        score=_mean_score(d.score for d in applicable),
        score_low=_mean_score(d.score_low for d in applicable),
        score_high=_mean_score(d.score_high for d in applicable),
        imbalance=_imbalance(applicable),
    )


def next_steps(framework: Framework, result: FrameworkResult) -> tuple[NextStep, ...]:
    """What lifts a level soonest: the best step of each dimension, lowest dimension first, then the second best of each, and so on.

    Within a dimension the level that carries too little comes first, in it the essential blockers, then the least effort, then the
    greatest gain, then the order of the rules.
    """
    effort = {criterion.id: criterion.effort for criterion in framework.criteria}
    lowest = framework.levels[0][0]
    in_order: list[tuple[int, int, int, NextStep]] = []
    for place, dimension in enumerate(result.dimensions):
        ranked: list[tuple[tuple[object, ...], NextStep]] = []
        if dimension.level is None or dimension.level == framework.levels[-1][0]:
            continue
        goal = next(level for level, _ in framework.levels if level > dimension.level)
        standings = [_Standing.of_result(criterion) for criterion in dimension.criteria]
        for number, (criterion, standing) in enumerate(zip(dimension.criteria, standings, strict=True)):
            at = framework.reached_at if criterion.level == goal else framework.below_at
            peers = [other for other in standings if other.level == criterion.level]
            if criterion.status not in (Status.PARTLY, Status.UNMET) or not lowest <= criterion.level <= goal:
                continue
            if not criterion.decisive and _mean(peers) >= at:
                continue
            gain = (1 - standing.share) / sum(other.counts for other in peers)
            step = NextStep(
                dimension=dimension.id,
                to_level=goal,
                criterion=criterion.id,
                title=criterion.title,
                remediation=criterion.remediation,
                effort=effort[criterion.id],
                because="; ".join(criterion.blockers),
            )
            is_above = criterion.level != dimension.held_by
            ranked.append(((is_above, not criterion.decisive, _EFFORT[step.effort], -round(gain, 6), number), step))
        ranked.sort(key=lambda pair: pair[0])
        in_order += [(rank, dimension.level, place, step) for rank, (_, step) in enumerate(ranked)]
    return tuple(step for *_, step in sorted(in_order, key=lambda entry: entry[:3]))


# ── What can be seen ─────────────────────────────────────────────────────────────────────────────────


class _View(Struct, frozen=True):
    """Everything a rating looks at."""

    strengths: Found
    evidence: Mapping[str, Evidence]
    gaps: Mapping[str, Coverage | None]
    """Capabilities for which something was not searched, with the first place; None: no signal looks for it."""
    titles: Mapping[str, str]
    """What people call each capability."""
    watched: frozenset[str]
    """Capabilities that a code host or a live system was searched for."""
    places: Mapping[str, frozenset[str]]
    """By place outside of files that was searched (`host`, `live`), the capabilities of which some part there could not be."""

    @classmethod
    def of(
        cls, evidence: Sequence[Evidence], coverage: Sequence[Coverage], capabilities: Sequence[Capability], searched: frozenset[str]
    ) -> _View:
        gaps: dict[str, Coverage | None] = {c.id: None for c in capabilities if c.id not in searched}
        places: dict[str, set[str]] = {entry.place: set() for entry in coverage if entry.place and entry.searched}
        for entry in coverage:
            if not entry.searched:
                for name in entry.capabilities:
                    known = gaps.get(name)
                    if known is None or (entry.place and not known.place):
                        gaps[name] = entry
                    places.get(entry.place, set()).add(name)
        return cls(
            strengths={name: (strength, ids) for name, strength, ids in strengths(evidence, capabilities)},
            evidence={item.id: item for item in evidence},
            gaps=gaps,
            titles={capability.id: capability.title for capability in capabilities},
            watched=frozenset(name for entry in coverage if entry.searched for name in entry.capabilities),
            places={place: frozenset(names) for place, names in places.items()},
        )

    def strength(self, capability: str) -> Strength:
        return self.strengths.get(capability, (Strength.ABSENT, ()))[0]

    def belongs_elsewhere(self, criterion: Criterion) -> bool:
        """Whether another repository is the place to look for some of what a criterion demands."""
        gaps = (self.gaps.get(leaf.capability) for leaf in leaves(criterion.requires)) if criterion.requires else ()
        return any(gap is not None and gap.place == _ELSEWHERE for gap in gaps)

    def best(self, capability: str) -> Evidence | None:
        ids = self.strengths.get(capability, (Strength.ABSENT, ()))[1]
        return self.evidence[ids[0]] if ids else None


def _strongest_first(item: Evidence) -> tuple[object, ...]:
    place = item.location
    return (
        -item.strength,
        bool(item.note),
        place.target,
        place.path,
        place.line,
        place.resource,
        place.region,
        item.detector,
        item.signal,
        item.id,
    )


# ── Ratings ──────────────────────────────────────────────────────────────────────────────────────────


class _Rated(Struct, frozen=True):
    """What is shown, and what could be were everything searched."""

    low: Rating
    high: Rating

    @property
    def unknown(self) -> bool:
        """Nothing good is shown, and something better may be where nobody looked."""
        return self.low in (Rating.NOT, Rating.PARTIALLY) and self.high != self.low


def _rate(requirement: Leaf | Group, view: _View, *, outside: Sequence[str] = ()) -> _Rated:
    """A requirement's rating; `outside`: the places which alone can show it, a code host or a live system."""
    if isinstance(requirement, Leaf):
        return _rate_leaf(requirement, view, outside=outside)
    parts = [_rate(part, view, outside=outside) for part in requirement.of]
    return _Rated(low=_combine(requirement, [part.low for part in parts]), high=_combine(requirement, [part.high for part in parts]))


def _combine(group: Group, ratings: Sequence[Rating]) -> Rating:
    best_first = sorted(ratings, key=_ORDER.index, reverse=True)
    nth = {"all": len(best_first), "any": 1, "at_least": group.count}[group.kind]
    return best_first[nth - 1]


def _rate_leaf(leaf: Leaf, view: _View, *, outside: Sequence[str]) -> _Rated:
    strength = view.strength(leaf.capability)
    rating = _leaf_rating(leaf.strength, strength)
    if leaf.strength == Strength.ABSENT:
        seen_as_absent = strength == Strength.ABSENT and leaf.capability in view.gaps
        return _Rated(Rating.NOT, rating) if seen_as_absent else _Rated(rating, rating)
    if outside:
        if strength == Strength.OPERATING:
            return _Rated(rating, rating)
        looked = all(place in view.places and leaf.capability not in view.places[place] for place in outside)
        return _Rated(Rating.NOT, Rating.NOT if looked and leaf.capability in view.watched else Rating.FULLY)
    return _Rated(rating, Rating.FULLY if leaf.capability in view.gaps else rating)


def _leaf_rating(demanded: Strength, found: Strength) -> Rating:
    """Fully at the demanded strength, largely one step below, partially for a mere declaration.

    A declaration never counts as largely achieved, though it is one step below `implemented`. Demanded absent, a
    negative capability rates fully when not found, partially when only declared.
    """
    if demanded == Strength.ABSENT:
        return {Strength.ABSENT: Rating.FULLY, Strength.DECLARED: Rating.PARTIALLY}.get(found, Rating.NOT)
    if found >= demanded:
        return Rating.FULLY
    if found == Strength.ABSENT:
        return Rating.NOT
    return Rating.LARGELY if found == demanded - 1 and found != Strength.DECLARED else Rating.PARTIALLY


# ── Criteria ─────────────────────────────────────────────────────────────────────────────────────────


def _criterion(criterion: Criterion, view: _View, enough: float) -> CriterionResult:
    """Where a criterion stands; `enough` is the share that an essential one must have."""
    if criterion.requires is None:
        return _result(criterion, Status.UNKNOWN, reason=_ATTEST)
    outside = _outside(criterion)
    rated = _rate(criterion.requires, view, outside=outside)
    evidence = tuple(dict.fromkeys(i for leaf in leaves(criterion.requires) for i in view.strengths.get(leaf.capability, (None, ()))[1]))
    if rated.unknown:
        reason = (_gap(criterion.requires, view, live=True) or _unseen(criterion, view)) if outside else _gap(criterion.requires, view)
        return _result(criterion, Status.UNKNOWN, evidence=evidence, reason=reason)
    status = {Rating.FULLY: Status.MET, Rating.NOT: Status.UNMET}.get(rated.low, Status.PARTLY)
    decisive = criterion.essential and SHARE[rated.low] < enough
    return _result(
        criterion, status, rating=rated.low, decisive=decisive, evidence=evidence, blockers=tuple(_blockers(criterion.requires, view))
    )


def _outside(criterion: Criterion) -> tuple[str, ...]:
    """The places that show a criterion, where no repository does."""
    return () if "repository" in criterion.observable else tuple(place for place in criterion.observable if place in ("host", "live"))


def _annotated(result: CriterionResult, annotation: Annotation | None) -> CriterionResult:
    """The result with a person's word on it, where what was seen does not meet the criterion."""
    if annotation is None or result.status not in (Status.UNMET, Status.PARTLY, Status.UNKNOWN):
        return result
    link = f" ({annotation.link})" if annotation.link else ""
    reason = f"{annotation.status.value} by {annotation.owner} until {annotation.expires}: {annotation.reason}{link}"
    return replace(result, status=annotation.status, reason=reason)


def _result(
    criterion: Criterion,
    status: Status,
    *,
    rating: Rating | None = None,
    decisive: bool = False,
    evidence: tuple[str, ...] = (),
    blockers: tuple[str, ...] = (),
    reason: str = "",
) -> CriterionResult:
    return CriterionResult(
        id=criterion.id,
        level=criterion.level,
        title=criterion.title,
        status=status,
        rating=rating,
        essential=criterion.essential,
        decisive=decisive,
        evidence=evidence,
        blockers=blockers,
        remediation=criterion.remediation,
        reason=reason,
    )


def _unseen(criterion: Criterion, view: _View) -> str:
    words = {"host": "on a code host", "live": "in a live system"}
    missing = [words[place] for place in _outside(criterion) if place not in view.places]
    if not missing:
        return "What was searched live can't show it."
    where = " or ".join(missing)
    return (
        f"Seen only {where}, which was not searched."
        if not view.places
        else f"Not shown by what was searched; it may be seen {where}, which was not searched."
    )


def _gap(requirement: Leaf | Group, view: _View, *, live: bool = False) -> str:
    """The first thing that was not searched and could have shown what is required; `live`: in an account, server or code host."""
    for leaf in leaves(requirement):
        if leaf.capability in view.gaps:
            entry = view.gaps[leaf.capability]
            if live and (entry is None or entry.place not in ("host", "live")):
                continue
            if entry is None:
                return f"No detector looks for {leaf.capability} yet."
            why = f": {entry.reason}" if entry.reason else ""
            needs = f"; needs {entry.needs}" if entry.needs else ""
            return f"Not searched: {entry.what}{why}{needs}."
    return ""


def _blockers(requirement: Leaf | Group, view: _View) -> list[str]:
    """What is missing or too weak; for alternatives only the one that is nearest."""
    if _rate(requirement, view).low == Rating.FULLY:
        return []
    if isinstance(requirement, Leaf):
        return [_leaf_blocker(requirement, view)]
    if requirement.kind == "all":
        return list(dict.fromkeys(sentence for part in requirement.of for sentence in _blockers(part, view)))
    weak = [part for part in requirement.of if _rate(part, view).low not in (Rating.NOT, Rating.FULLY)]
    absent = [part for part in requirement.of if _rate(part, view).low == Rating.NOT]
    if requirement.kind == "any" and weak:
        nearest = max(weak, key=lambda part: _ORDER.index(_rate(part, view).low))
        return _blockers(nearest, view)
    lacking = [leaf for part in absent for leaf in leaves(part)]
    names = listed(dict.fromkeys(view.titles[leaf.capability] for leaf in lacking if leaf.strength != Strength.ABSENT), _MANY)
    if requirement.kind == "any":
        unwanted = [leaf for leaf in lacking if leaf.strength == Strength.ABSENT and view.best(leaf.capability)]
        return [*(_leaf_blocker(leaf, view) for leaf in unwanted), *([f"None of these is detected: {names}"] if names else [])]
    full = len(requirement.of) - len(weak) - len(absent)
    first = [f"{full} of the {requirement.count} needed are there" + (f", not detected: {names}" if absent else "")]
    return first + [sentence for part in weak for sentence in _blockers(part, view)]


def _leaf_blocker(leaf: Leaf, view: _View) -> str:
    item = view.best(leaf.capability)
    if item is None:
        return f"{view.titles[leaf.capability]}: not detected"
    title, place = view.titles[leaf.capability], item.location.place
    if leaf.strength == Strength.ABSENT:  # What should not be there may well be started by hand.
        return f"{title}: seen at {place}, should not be there"
    note = f" ({item.note})" if item.note else ""
    return f"{title}: seen as {item.strength.label} at {place}{note}, {leaf.strength.label} needed"


# ── Levels ───────────────────────────────────────────────────────────────────────────────────────────


class _Standing(Struct, frozen=True):
    """A criterion as one of the three readings counts it."""

    level: int
    essential: bool
    share: float
    counts: bool
    """False: left out of the mean."""
    blind: bool = False
    """Left out because the repository could not be searched, so that an essential one is not shown to hold."""

    @classmethod
    def of_result(cls, result: CriterionResult) -> _Standing:
        rated = result.rating is not None
        share = SHARE[result.rating] if result.rating is not None else 0.0
        return cls(result.level, result.essential, share, counts=rated)


def _standing(criterion: Criterion, result: CriterionResult, reading: str, view: _View) -> _Standing:
    seen = _Standing.of_result(result)
    if seen.counts:
        return seen
    if result.status is Status.WAIVED and reading == "ceiling":
        return _Standing(criterion.level, criterion.essential, 0.0, counts=True)
    outside = "repository" not in criterion.observable
    if reading == "ceiling":
        return _Standing(criterion.level, criterion.essential, 1.0, counts=True)
    if reading == "confirmed" and outside and criterion.requires is not None:
        return _Standing(criterion.level, criterion.essential, 0.0, counts=True)
    blind = not outside and (criterion.essential or not view.belongs_elsewhere(criterion))
    return _Standing(criterion.level, criterion.essential, 0.0, counts=False, blind=blind)


def _dimension(framework: Framework, rule: DimensionRule, view: _View, annotations: Mapping[str, Annotation]) -> DimensionResult:
    criteria = [criterion for criterion in framework.criteria if criterion.dimension == rule.id]
    applies = _rate(rule.applies, view)
    if applies.low not in (Rating.LARGELY, Rating.FULLY):
        otherwise = f"Whether it applies was not seen. {_gap(rule.applies, view)}" if applies.unknown else rule.otherwise
        status = Status.UNKNOWN if applies.unknown else Status.NOT_APPLICABLE
        results = tuple(_result(criterion, status, reason=otherwise) for criterion in criteria)
        return DimensionResult(
            id=rule.id,
            title=rule.title,
            applicable=False,
            reason=otherwise,
            level=None,
            confirmed=None,
            ceiling=None,
            score=None,
            score_low=None,
            score_high=None,
            achieved=(),
            criteria=results,
        )
    results = tuple(
        _annotated(_criterion(criterion, view, _enough(framework, criterion.level)), annotations.get(criterion.id))
        for criterion in criteria
    )
    readings = {
        reading: [_standing(criterion, result, reading, view) for criterion, result in zip(criteria, results, strict=True)]
        for reading in ("level", "confirmed", "ceiling")
    }
    levels = {reading: _level(framework, standings)[0] for reading, standings in readings.items()}
    level, held_by = _level(framework, readings["level"])
    return DimensionResult(
        id=rule.id,
        title=rule.title,
        applicable=True,
        reason="",
        level=level,
        confirmed=min(levels["confirmed"], level),
        ceiling=levels["ceiling"],
        score=_score(framework, level, readings["level"]),
        score_low=_score(framework, levels["confirmed"], readings["confirmed"]),
        score_high=_score(framework, levels["ceiling"], readings["ceiling"]),
        held_by=held_by,
        achieved=tuple((level, round(_mean(_at(readings["level"], level)), 4)) for level, _ in framework.levels),
        criteria=results,
    )


def _level(framework: Framework, standings: Sequence[_Standing]) -> tuple[int, int | None]:
    """The highest level at which it and all below hold, and the one that keeps the next from being reached; the lowest level is the floor."""
    numbers = [level for level, _ in framework.levels]
    reached = numbers[0]
    for position, level in enumerate(numbers[1:], start=1):
        for lower in numbers[:position]:
            if not _holds(_at(standings, lower), framework.below_at, _enough(framework, lower)):
                return reached, lower
        if not _holds(_at(standings, level), framework.reached_at, _enough(framework, level)):
            return reached, level
        reached = level
    return reached, None


def _enough(framework: Framework, level: int) -> float:
    """The share that an essential criterion of a level must have."""
    return SHARE[Rating.FULLY if framework.fully_from and level >= framework.fully_from else Rating.LARGELY]


def _holds(standings: Sequence[_Standing], threshold: float, enough: float) -> bool:
    """No essential criterion has less than enough, and the mean of those that count is at the threshold.

    Where nothing counts, the level holds unless that is because a repository could not be searched; nor is it shown by a few criteria
    where most could not be seen for want of one.
    """
    if sum(s.blind for s in standings) > sum(s.counts for s in standings):
        return False
    if any(s.essential and (s.blind or (s.counts and s.share < enough)) for s in standings):
        return False
    if not any(s.counts for s in standings):
        return True
    return _mean(standings) >= threshold - 1e-9


def _at(standings: Sequence[_Standing], level: int) -> list[_Standing]:
    return [standing for standing in standings if standing.level == level]


def _mean(standings: Sequence[_Standing]) -> float:
    shares = [standing.share for standing in standings if standing.counts]
    return sum(shares) / len(shares) if shares else 0.0


def _score(framework: Framework, level: int, standings: Sequence[_Standing]) -> float:
    above = [number for number, _ in framework.levels if number > level]
    return round(level + min(_mean(_at(standings, above[0])), _BELOW_NEXT), 2) if above else float(level)


def _mean_score(scores: Iterable[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return round(sum(known) / len(known), 2) if known else None


def _imbalance(dimensions: Sequence[DimensionResult]) -> str:
    ranked = sorted(dimensions, key=lambda dimension: dimension.level or 0)
    if not ranked or (ranked[-1].level or 0) - (ranked[0].level or 0) < 2:
        return ""
    low, high = ranked[0], ranked[-1]
    return f"{low.title} (level {low.level}) lags {high.title} (level {high.level}) by two levels or more: what the one gains, the other cannot use."
