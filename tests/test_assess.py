"""Ratings, statuses, levels and next steps from evidence and coverage."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rung.assess import assess, elsewhere, next_steps, strengths
from rung.packs import load_packs
from rung.records import (
    Capability,
    Coverage,
    Criterion,
    DimensionResult,
    DimensionRule,
    ElsewhereRule,
    Evidence,
    Framework,
    FrameworkResult,
    Group,
    Leaf,
    Location,
    Rating,
    Status,
    Strength,
)

ABSENT, DECLARED, IMPLEMENTED, AUTOMATED, OPERATING = Strength
VOCABULARY = (
    Capability(id="a", title="a", description=""),
    Capability(id="b", title="b", description=""),
    Capability(id="c", title="c", description=""),
    Capability(id="bad", title="bad", description="", negative=True, unless=("c",)),
    Capability(id="never", title="never", description="", negative=True),
)
EVERYTHING = frozenset(capability.id for capability in VOCABULARY)


def seen(capability: str, strength: Strength, *, line: int = 3, note: str = "") -> Evidence:
    place = Location(target="t", path=f"{capability}.yml", line=line)
    name = f"{capability}-{strength.label}-{line}"
    return Evidence(id=name, detector="d", signal=name, tool="T", capability=capability, strength=strength, location=place, note=note)


def needs(capability: str, strength: Strength = IMPLEMENTED) -> Leaf:
    return Leaf(capability=capability, strength=strength)


def criterion(
    name: str,
    requires: Leaf | Group | None,
    *,
    level: int = 1,
    essential: bool = False,
    observable: str = "repository",
    effort: str = "low",
) -> Criterion:
    return Criterion(
        id=name,
        title=name,
        why="",
        dimension="dim",
        level=level,
        atoms=("x",),
        requires=requires,
        essential=essential,
        observable=(observable,),
        remediation=f"do {name}",
        effort=effort,
    )


def framework(*criteria: Criterion, applies: Leaf | None = None) -> Framework:
    return Framework(
        id="f",
        title="F",
        source="",
        levels=((1, "one"), (2, "two"), (3, "three")),
        dimensions=(DimensionRule(id="dim", title="Dim", applies=applies or needs("never", ABSENT), otherwise="Nothing to rate."),),
        criteria=criteria,
        reached_at=0.5,
        below_at=0.65,
    )


def result(
    *criteria: Criterion, evidence: tuple[Evidence, ...] = (), coverage: tuple[Coverage, ...] = (), searched: frozenset[str] = EVERYTHING
) -> DimensionResult:
    return assess(framework(*criteria), evidence, coverage, VOCABULARY, searched).dimensions[0]


def gap(*capabilities: str) -> Coverage:
    return Coverage(target="t", what="huge.yml", searched=False, reason="too large", needs="a higher limit", capabilities=capabilities)


# ── Elsewhere ────────────────────────────────────────────────────────────────────────────────────────

TRAINING = ElsewhereRule(id="x", has=("a",), lacks=("b",), hides=("c",), what="training", reason="not here", needs="the other repository")


@pytest.mark.parametrize(
    ("found", "is_elsewhere"),
    [
        ((seen("a", IMPLEMENTED),), True),
        ((seen("a", IMPLEMENTED), seen("b", DECLARED)), True),
        ((seen("a", IMPLEMENTED), seen("b", IMPLEMENTED)), False),
        ((seen("a", DECLARED),), False),
        ((), False),
    ],
)
def test_what_is_used_and_not_made_here_is_made_elsewhere(found: tuple[Evidence, ...], is_elsewhere: bool) -> None:
    assert [(entry.what, entry.needs, entry.capabilities) for entry in elsewhere((TRAINING,), found, VOCABULARY)] == (
        [("training", "the other repository", ("c",))] if is_elsewhere else []
    )


@pytest.mark.parametrize("essential", [False, True])
def test_what_another_repository_would_show_is_unknown_and_holds_a_level_back_only_where_it_is_essential(essential: bool) -> None:
    found = (seen("a", IMPLEMENTED),)
    criteria = criterion("one", needs("a")), *(criterion(f"two-{n}", needs("c"), level=2, essential=essential) for n in range(3))
    at_two = criterion("two", needs("a"), level=2)

    away = result(*criteria, at_two, evidence=found, coverage=elsewhere((TRAINING,), found, VOCABULARY))
    unread = result(*criteria, at_two, evidence=found, coverage=(gap("c"),))

    assert {item.status for item in away.criteria if item.level == 2} == {Status.MET, Status.UNKNOWN}
    assert (
        next(item.reason for item in away.criteria if item.status is Status.UNKNOWN)
        == "Not searched: training: not here; needs the other repository."
    )
    assert (away.level, unread.level) == (1 if essential else 3, 1)
    assert away.ceiling == 3


def test_what_only_a_code_host_shows_is_not_sought_in_another_repository() -> None:
    found = (seen("a", IMPLEMENTED),)
    on_host = criterion("reviewed", needs("c"), observable="host")

    rated = result(on_host, evidence=found, coverage=elsewhere((TRAINING,), found, VOCABULARY)).criteria[0]

    assert (rated.status, rated.reason) == (Status.UNKNOWN, "Seen only on a code host, which was not searched.")


# ── Strengths ────────────────────────────────────────────────────────────────────────────────────────


def test_a_capability_is_as_strong_as_its_strongest_evidence_which_comes_first() -> None:
    found = strengths((seen("a", DECLARED), seen("a", AUTOMATED, line=9), seen("a", IMPLEMENTED)), VOCABULARY)
    assert [name for name, _, _ in found] == ["a", "b", "bad", "c", "never"]
    assert found[0] == ("a", AUTOMATED, ("a-automated-9", "a-implemented-3", "a-declared-3"))
    assert found[1] == ("b", ABSENT, ())


@pytest.mark.parametrize(("other", "left"), [(DECLARED, IMPLEMENTED), (IMPLEMENTED, ABSENT), (AUTOMATED, ABSENT)])
def test_a_negative_capability_is_taken_away_by_its_opposite_only_when_that_is_implemented(other: Strength, left: Strength) -> None:
    found = {name: strength for name, strength, _ in strengths((seen("bad", IMPLEMENTED), seen("c", other)), VOCABULARY)}
    assert found["bad"] == left


# ── Ratings ──────────────────────────────────────────────────────────────────────────────────────────

N, P, L, F = Rating


@pytest.mark.parametrize(
    ("demanded", "row"),
    [
        (DECLARED, (N, F, F, F)),
        (IMPLEMENTED, (N, P, F, F)),
        (AUTOMATED, (N, P, L, F)),
    ],
)
def test_a_leaf_rates_by_how_far_the_evidence_is_below_the_demand(demanded: Strength, row: tuple[Rating, ...]) -> None:
    for strength, rating in zip((ABSENT, DECLARED, IMPLEMENTED, AUTOMATED), row, strict=True):
        evidence = (seen("a", strength),) if strength else ()
        assert result(criterion("x", needs("a", demanded)), evidence=evidence).criteria[0].rating == rating


@pytest.mark.parametrize(
    ("strength", "rating", "status"),
    [(ABSENT, F, Status.MET), (DECLARED, P, Status.PARTLY), (IMPLEMENTED, N, Status.UNMET), (AUTOMATED, N, Status.UNMET)],
)
def test_a_negative_capability_demanded_absent_rates_the_other_way_round(strength: Strength, rating: Rating, status: Status) -> None:
    evidence = (seen("bad", strength),) if strength else ()
    found = result(criterion("x", needs("bad", ABSENT)), evidence=evidence).criteria[0]
    assert (found.rating, found.status) == (rating, status)


@pytest.mark.parametrize(
    ("kind", "count", "rating"),
    [("all", 0, N), ("any", 0, F), ("at_least", 1, F), ("at_least", 2, L), ("at_least", 3, N)],
)
def test_groups_take_the_lowest_the_highest_or_the_nth_highest(kind: str, count: int, rating: Rating) -> None:
    group = Group(kind=kind, of=(needs("a"), needs("b", AUTOMATED), needs("c")), count=count)
    evidence = (seen("a", IMPLEMENTED), seen("b", IMPLEMENTED))
    assert result(criterion("x", group), evidence=evidence).criteria[0].rating == rating


# ── Statuses ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("strength", "status"),
    [(ABSENT, Status.UNKNOWN), (DECLARED, Status.UNKNOWN), (IMPLEMENTED, Status.PARTLY), (AUTOMATED, Status.MET)],
)
def test_what_is_missing_is_unknown_while_a_place_that_could_show_it_was_not_searched(strength: Strength, status: Status) -> None:
    evidence = (seen("a", strength),) if strength else ()
    found = result(criterion("x", needs("a", AUTOMATED)), evidence=evidence, coverage=(gap("a"),)).criteria[0]
    assert found.status == status
    if status == Status.UNKNOWN:
        assert found.rating is None
        assert found.reason == "Not searched: huge.yml: too large; needs a higher limit."


def test_a_gap_elsewhere_leaves_a_criterion_unmet() -> None:
    assert result(criterion("x", needs("a")), coverage=(gap("b"),)).criteria[0].status == Status.UNMET


def test_a_gap_does_not_matter_where_another_part_fails_for_certain() -> None:
    both = Group(kind="all", of=(needs("a"), needs("b")))
    assert result(criterion("x", both), coverage=(gap("a"),)).criteria[0].status == Status.UNMET


def test_absence_of_a_negative_capability_must_be_earned_too() -> None:
    assert result(criterion("x", needs("bad", ABSENT)), coverage=(gap("bad"),)).criteria[0].status == Status.UNKNOWN


def test_what_no_detector_looks_for_is_unknown() -> None:
    found = result(criterion("x", needs("a")), searched=frozenset({"b", "never"})).criteria[0]
    assert (found.status, found.reason) == (Status.UNKNOWN, "No detector looks for a yet.")


@pytest.mark.parametrize("observable", ["host", "live"])
def test_what_only_a_host_or_live_system_shows_is_unknown_until_seen_operating(observable: str) -> None:
    one = criterion("x", needs("a", OPERATING), observable=observable)
    assert result(one, evidence=(seen("a", AUTOMATED),)).criteria[0].status == Status.UNKNOWN
    assert result(one, evidence=(seen("a", OPERATING),)).criteria[0].status == Status.MET


HOST = Coverage(target="h", what="runs", searched=True, capabilities=("a",), place="host")
LIVE = Coverage(target="l", what="pipelines", searched=True, place="live")
DENIED = Coverage(
    target="l", what="pipelines", searched=False, reason="access denied", needs="ListPipelines", capabilities=("a",), place="live"
)


@pytest.mark.parametrize(
    ("observable", "coverage", "status"),
    [
        (("host",), (), Status.UNKNOWN),
        (("host",), (HOST,), Status.UNMET),
        (("live",), (HOST,), Status.UNKNOWN),
        (("host", "live"), (HOST,), Status.UNKNOWN),
        (("host", "live"), (HOST, LIVE), Status.UNMET),
        (("host", "live"), (HOST, LIVE, DENIED), Status.UNKNOWN),
        (("host",), (HOST, LIVE, DENIED), Status.UNMET),
        (("live",), (LIVE,), Status.UNKNOWN),
    ],
    ids=["nothing", "host", "other place", "one of two", "both", "denied", "denied elsewhere", "nothing there could show it"],
)
def test_what_is_seen_only_outside_of_files_is_unmet_when_all_such_places_were_searched(
    observable: tuple[str, ...], coverage: tuple[Coverage, ...], status: Status
) -> None:
    one = replace(criterion("x", needs("a", OPERATING), observable="host"), observable=observable)
    assert result(one, coverage=coverage).criteria[0].status == status


def test_what_was_denied_names_its_permission() -> None:
    one = criterion("x", needs("a", OPERATING), observable="live")
    assert result(one, coverage=(DENIED, LIVE)).criteria[0].reason == "Not searched: pipelines: access denied; needs ListPipelines."


def test_few_criteria_show_no_level_where_most_were_not_seen_for_want_of_a_repository() -> None:
    unseen = Coverage(target="", what="the repository", searched=False, reason="none was named", capabilities=("b", "c"))
    criteria = [criterion("seen", needs("a"), level=2), criterion("one", needs("b"), level=2), criterion("two", needs("c"), level=2)]
    assert result(*criteria, evidence=(seen("a", IMPLEMENTED),), coverage=(unseen,)).level == 1
    assert (result(*criteria[:2], evidence=(seen("a", IMPLEMENTED),), coverage=(unseen,)).level or 0) > 1


def test_what_is_confirmed_is_never_more_than_the_level() -> None:
    unseen = Coverage(target="", what="the repository", searched=False, reason="none was named", capabilities=("b",))
    criteria = [
        *(criterion(f"seen {number}", needs("a"), level=2) for number in range(2)),
        *(criterion(f"blind {number}", needs("b"), level=2) for number in range(3)),
        # Counts as missing among what is confirmed, so that what was not seen for want of a repository is no longer most of it.
        criterion("outside", needs("c", OPERATING), level=2, observable="live"),
    ]
    found = result(*criteria, evidence=(seen("a", IMPLEMENTED),), coverage=(unseen,))
    assert (found.level, found.confirmed) == (1, 1)


def test_what_only_a_person_can_tell_is_unknown() -> None:
    found = result(criterion("x", None, observable="attestation")).criteria[0]
    assert (found.status, found.rating, found.reason) == (Status.UNKNOWN, None, "Only a person can attest it.")


def test_a_dimension_that_makes_no_sense_has_no_level_and_says_why() -> None:
    rules = framework(criterion("x", needs("a")), applies=needs("b"))
    whole = assess(rules, (seen("a", AUTOMATED), seen("b", DECLARED)), (), VOCABULARY, EVERYTHING)
    dimension = whole.dimensions[0]
    assert (dimension.applicable, dimension.level, dimension.score, dimension.reason) == (False, None, None, "Nothing to rate.")
    assert [(c.status, c.reason) for c in dimension.criteria] == [(Status.NOT_APPLICABLE, "Nothing to rate.")]
    assert (whole.level, whole.confirmed, whole.ceiling, whole.score) == (None, None, None, None)
    assert next_steps(rules, whole) == ()


# ── Blockers ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("requires", "evidence", "blockers"),
    [
        (needs("a"), (seen("a", IMPLEMENTED),), ()),
        (needs("a"), (), ("a: not detected",)),
        (needs("a", AUTOMATED), (seen("a", IMPLEMENTED),), ("a: seen as implemented at a.yml:3, automated needed",)),
        (
            needs("a", AUTOMATED),
            (seen("a", IMPLEMENTED, note="only started by hand"),),
            ("a: seen as implemented at a.yml:3 (only started by hand), automated needed",),
        ),
        (needs("bad", ABSENT), (seen("bad", IMPLEMENTED),), ("bad: seen at bad.yml:3, should not be there",)),
        (Group(kind="any", of=(needs("a"), needs("b"))), (), ("None of these is detected: a, b",)),
        (
            Group(kind="any", of=(needs("bad", ABSENT), needs("a"))),
            (seen("bad", IMPLEMENTED),),
            ("bad: seen at bad.yml:3, should not be there", "None of these is detected: a"),
        ),
        (Group(kind="any", of=(needs("a"), Group(kind="all", of=(needs("b"), needs("bad", ABSENT))))), (), ("None of these is detected: a, b",)),
        (Group(kind="any", of=(needs("a"), needs("b"))), (seen("b", DECLARED),), ("b: seen as declared at b.yml:3, implemented needed",)),
        (Group(kind="all", of=(needs("a"), needs("b"))), (seen("b", IMPLEMENTED),), ("a: not detected",)),
        (
            Group(kind="at_least", of=(needs("a"), needs("b"), needs("c")), count=2),
            (seen("b", IMPLEMENTED),),
            ("1 of the 2 needed are there, not detected: a, c",),
        ),
    ],
)  # fmt: skip
def test_blockers_say_what_is_missing_or_too_weak_and_where(
    requires: Leaf | Group, evidence: tuple[Evidence, ...], blockers: tuple[str, ...]
) -> None:
    assert result(criterion("x", requires), evidence=evidence).criteria[0].blockers == blockers


# ── Levels ───────────────────────────────────────────────────────────────────────────────────────────


def ladder(*, essential: bool = False) -> tuple[Criterion, ...]:
    """Level 1 and 2 with two criteria each, level 3 with one: a and b, then a and c, then c automated."""
    return (
        criterion("one-a", needs("a")),
        criterion("one-b", needs("b")),
        criterion("two-a", needs("a"), level=2),
        criterion("two-c", needs("c"), level=2, essential=essential),
        criterion("three-c", needs("c", AUTOMATED), level=3),
    )


@pytest.mark.parametrize(
    ("found", "level", "score"),
    [
        ({}, 1, 1.0),
        ({"a": IMPLEMENTED}, 1, 1.5),  # level 1 achieved by half only: not enough as the level below
        ({"a": IMPLEMENTED, "b": DECLARED}, 2, 2.0),
        ({"a": IMPLEMENTED, "b": IMPLEMENTED}, 2, 2.0),
        ({"b": IMPLEMENTED}, 1, 1.0),
        ({"a": IMPLEMENTED, "b": IMPLEMENTED, "c": DECLARED}, 2, 2.33),  # level 2 at 0.67 holds below; level 3 at 0.33 is not reached
        ({"a": IMPLEMENTED, "b": IMPLEMENTED, "c": IMPLEMENTED}, 3, 3.0),
        ({"c": AUTOMATED}, 1, 1.5),  # level 3 is achieved, but what it stands on is not
        ({"a": IMPLEMENTED, "c": AUTOMATED}, 1, 1.99),  # all of level 2, held back by level 1
    ],
)
def test_a_level_is_reached_at_half_and_must_be_surpassed_to_stand_on(found: Mapping[str, Strength], level: int, score: float) -> None:
    outcome = result(*ladder(), evidence=tuple(seen(name, strength) for name, strength in found.items()))
    assert (outcome.level, outcome.score) == (level, score)


def test_an_essential_criterion_below_largely_holds_the_level_back() -> None:
    evidence = (seen("a", IMPLEMENTED), seen("b", IMPLEMENTED), seen("c", DECLARED))
    assert result(*ladder(), evidence=evidence).level == 2
    assert result(*ladder(essential=True), evidence=evidence).level == 1


@pytest.mark.parametrize(
    ("strength", "fully_from", "level"), [(IMPLEMENTED, 0, 3), (IMPLEMENTED, 4, 3), (IMPLEMENTED, 3, 2), (AUTOMATED, 3, 3)]
)
def test_from_some_level_on_an_essential_criterion_must_be_fully_achieved(strength: Strength, fully_from: int, level: int) -> None:
    top = criterion("top", needs("c", AUTOMATED), level=3, essential=True)
    rules = replace(
        framework(criterion("one", needs("a")), criterion("two", needs("b"), level=2, essential=True), top), fully_from=fully_from
    )
    evidence = (seen("a", IMPLEMENTED), seen("b", IMPLEMENTED), seen("c", strength))

    found = assess(rules, evidence, (), VOCABULARY, EVERYTHING)

    assert found.dimensions[0].level == level
    assert [one.id for one in found.dimensions[0].criteria if one.decisive] == ["top"] * (level == 2)
    assert [step.criterion for step in next_steps(rules, found)] == ["top"] * (level == 2)


@pytest.mark.parametrize(
    ("found", "held_by"),
    [
        ({"a": IMPLEMENTED, "b": IMPLEMENTED, "c": IMPLEMENTED}, None),
        ({"a": IMPLEMENTED, "b": IMPLEMENTED, "c": DECLARED}, 3),
        ({"a": IMPLEMENTED, "c": AUTOMATED}, 1),
        ({}, 1),
    ],
)
def test_the_level_that_keeps_the_next_from_being_reached_is_told(found: Mapping[str, Strength], held_by: int | None) -> None:
    assert result(*ladder(), evidence=tuple(seen(name, strength) for name, strength in found.items())).held_by == held_by


def test_the_mean_of_each_level_is_told() -> None:
    outcome = result(*ladder(), evidence=(seen("a", IMPLEMENTED), seen("c", DECLARED)))
    assert outcome.achieved == ((1, 0.5), (2, 0.6667), (3, 0.3333))


def test_criteria_outside_the_levels_are_reported_but_never_counted() -> None:
    outcome = result(*ladder(), criterion("extra", needs("bad", ABSENT), level=0, essential=True), evidence=(seen("bad", IMPLEMENTED),))
    assert outcome.criteria[-1].status == Status.UNMET
    assert outcome.level == result(*ladder()).level


def test_a_level_with_nothing_to_count_holds() -> None:
    alone = criterion("one", needs("a"))
    told = criterion("two", None, level=2, observable="attestation")
    outcome = result(alone, told, criterion("three", needs("b"), level=3), evidence=(seen("a", IMPLEMENTED), seen("b", IMPLEMENTED)))
    assert outcome.level == 3


def test_a_repository_that_could_not_be_searched_reaches_nothing_by_that() -> None:
    outcome = result(*ladder(), coverage=(gap("a", "b", "c"),))
    assert (outcome.level, outcome.confirmed, outcome.ceiling) == (1, 1, 3)


def test_an_essential_criterion_that_could_not_be_searched_holds_the_level_but_not_the_ceiling() -> None:
    outcome = result(*ladder(essential=True), evidence=(seen("a", IMPLEMENTED), seen("b", IMPLEMENTED)), coverage=(gap("c"),))
    assert (outcome.level, outcome.ceiling) == (1, 3)


def test_unknown_is_left_out_of_the_level_and_counts_as_met_in_the_ceiling_only() -> None:
    rules = (criterion("one-a", needs("a")), criterion("one-b", needs("b")), criterion("two-c", needs("c"), level=2))
    evidence = (seen("a", IMPLEMENTED), seen("c", IMPLEMENTED))
    assert result(*rules, evidence=evidence).level == 1
    outcome = result(*rules, evidence=evidence, coverage=(gap("b"),))
    assert (outcome.level, outcome.confirmed) == (3, 3)
    outcome = result(rules[0], rules[2], evidence=(seen("a", IMPLEMENTED),), coverage=(gap("c"),))
    assert (outcome.level, outcome.ceiling) == (1, 3)


def test_confirmed_counts_what_only_a_host_or_live_system_shows_as_missing_until_it_is_seen() -> None:
    rules = (
        criterion("one", needs("a")),
        criterion("two", needs("a"), level=2),
        criterion("runs", needs("a", OPERATING), level=2, essential=True, observable="live"),
        criterion("three", needs("b"), level=3),
    )
    outcome = result(*rules, evidence=(seen("a", AUTOMATED),))
    assert (outcome.confirmed, outcome.level, outcome.ceiling) == (1, 2, 2)
    assert (outcome.score_low, outcome.score, outcome.score_high) == (1.5, 2.0, 2.0)
    assert result(*rules, evidence=(seen("a", OPERATING),)).confirmed == 2


def test_attestation_counts_in_the_ceiling_but_neither_in_level_nor_confirmed() -> None:
    rules = (
        criterion("one", needs("a")),
        criterion("two", needs("b"), level=2),
        criterion("told", None, level=2, observable="attestation"),
    )
    outcome = result(*rules, criterion("three", needs("c"), level=3), evidence=(seen("a", IMPLEMENTED),))
    assert (outcome.confirmed, outcome.level, outcome.ceiling) == (1, 1, 2)


def test_the_whole_is_its_lowest_dimension_and_a_wide_spread_is_a_finding() -> None:
    anything = needs("never", ABSENT)
    rules = Framework(
        id="f",
        title="F",
        source="",
        levels=((1, "one"), (2, "two"), (3, "three")),
        dimensions=tuple(DimensionRule(id=name, title=name.title(), applies=anything, otherwise="") for name in ("low", "high")),
        criteria=tuple(
            Criterion(
                id=f"{dimension}-{level}",
                title="",
                why="",
                dimension=dimension,
                level=level,
                atoms=(),
                requires=needs(capability),
                essential=False,
                observable=("repository",),
                remediation="",
                effort="low",
            )
            for dimension, capability in (("low", "a"), ("high", "b"))
            for level in (1, 2, 3)
        ),
        reached_at=0.5,
        below_at=0.65,
    )
    whole = assess(rules, (seen("b", IMPLEMENTED),), (), VOCABULARY, EVERYTHING)
    assert (whole.level, whole.score) == (1, 2.0)
    assert whole.imbalance.startswith("Low (level 1) lags High (level 3)")
    assert assess(rules, (seen("a", IMPLEMENTED), seen("b", IMPLEMENTED)), (), VOCABULARY, EVERYTHING).imbalance == ""


# ── Next steps ───────────────────────────────────────────────────────────────────────────────────────


def test_next_steps_start_with_essential_blockers_then_go_by_effort_and_by_gain() -> None:
    rules = framework(
        criterion("hard", needs("a"), level=2, effort="high"),
        criterion("easy-part", needs("b", AUTOMATED), level=2, effort="low"),
        criterion("easy-whole", needs("a"), level=2, effort="low"),
        criterion("must", needs("c"), level=2, essential=True, effort="high"),
        criterion("later", needs("c"), level=3, effort="low"),
        criterion("extra", needs("c"), level=0, effort="low"),
    )
    steps = next_steps(rules, assess(rules, (seen("b", IMPLEMENTED),), (), VOCABULARY, EVERYTHING))
    assert [step.criterion for step in steps] == ["must", "easy-whole", "easy-part", "hard"]
    assert {step.to_level for step in steps} == {2}
    assert steps[2].because == "b: seen as implemented at b.yml:3, automated needed"


def test_next_steps_of_a_level_that_carries_too_little_come_before_those_of_the_next() -> None:
    rules = framework(
        criterion("must", needs("c"), level=2, essential=True, effort="low"),
        criterion("ground", needs("b"), effort="high"),
        criterion("other", needs("b", AUTOMATED), effort="high"),
        criterion("done", needs("a")),
    )
    steps = next_steps(rules, assess(rules, (seen("a", IMPLEMENTED),), (), VOCABULARY, EVERYTHING))
    assert [step.criterion for step in steps] == ["ground", "other", "must"]


def test_what_would_not_lift_the_level_is_no_next_step() -> None:
    rules = framework(
        criterion("done", needs("a"), level=2),
        criterion("optional", needs("b"), level=2),
        criterion("must", needs("c"), level=2, essential=True, effort="high"),
    )
    steps = next_steps(rules, assess(rules, (seen("a", IMPLEMENTED),), (), VOCABULARY, EVERYTHING))
    assert [step.criterion for step in steps] == ["must", "optional"]
    steps = next_steps(rules, assess(rules, (seen("a", IMPLEMENTED), seen("b", IMPLEMENTED)), (), VOCABULARY, EVERYTHING))
    assert [step.criterion for step in steps] == ["must"]


def test_the_highest_level_has_no_next_steps() -> None:
    rules = framework(*ladder())
    evidence = tuple(seen(name, AUTOMATED) for name in ("a", "b", "c"))
    assert next_steps(rules, assess(rules, evidence, (), VOCABULARY, EVERYTHING)) == ()


# ── Properties of the primary framework ──────────────────────────────────────────────────────────────

PACKS = load_packs()
MLAB = next(framework for framework in PACKS.frameworks if framework.id == "mlab")
NAMES = [capability.id for capability in PACKS.capabilities]
POSITIVE = [capability.id for capability in PACKS.capabilities if not capability.negative]
FOUND = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(list(Strength)[1:]), max_size=len(NAMES))
GAPS = st.frozensets(st.sampled_from(NAMES), max_size=20)


def mlab(found: Mapping[str, Strength], gaps: frozenset[str] = frozenset()) -> FrameworkResult:
    evidence = tuple(seen(name, strength) for name, strength in found.items())
    return assess(MLAB, evidence, (gap(*sorted(gaps)),) if gaps else (), PACKS.capabilities, frozenset(NAMES))


@settings(max_examples=60, deadline=None)
@given(found=FOUND, gaps=GAPS)
def test_confirmed_is_never_above_the_level_nor_that_above_the_ceiling(found: dict[str, Strength], gaps: frozenset[str]) -> None:
    for one in mlab(found, gaps).dimensions:
        if not one.applicable:
            assert one.level is one.score is None
            continue
        assert one.confirmed is not None
        assert one.level is not None
        assert one.ceiling is not None
        assert one.score_low is not None
        assert one.score is not None
        assert one.score_high is not None
        assert 1 <= one.confirmed <= one.level <= one.ceiling <= 4
        assert 1 <= one.score_low <= one.score <= one.score_high <= 4
        assert one.level <= one.score < one.level + 1


@settings(max_examples=60, deadline=None)
@given(found=FOUND, more=st.dictionaries(st.sampled_from(POSITIVE), st.sampled_from(list(Strength)[1:]), max_size=20), gaps=GAPS)
def test_more_evidence_never_lowers_a_level(found: dict[str, Strength], more: dict[str, Strength], gaps: frozenset[str]) -> None:
    richer = found | {name: max(strength, found.get(name, ABSENT)) for name, strength in more.items()}
    for before, after in zip(mlab(found, gaps).dimensions, mlab(richer, gaps).dimensions, strict=True):
        assert (before.level or 0) <= (after.level or 0)
        assert (before.confirmed or 0) <= (after.confirmed or 0)


def test_the_first_steps_are_the_best_of_each_dimension_and_the_lowest_dimension_comes_first() -> None:
    code = {name: IMPLEMENTED for name in POSITIVE if name.startswith("code.")}
    whole = mlab({**code, "data.database": IMPLEMENTED, "model.training-code": IMPLEMENTED})
    assert len({dimension.level for dimension in whole.dimensions}) > 1
    low = sorted(
        (dimension.level or 0, place, dimension.id) for place, dimension in enumerate(whole.dimensions) if (dimension.level or 0) < 4
    )

    steps = next_steps(MLAB, whole)

    assert [step.dimension for step in steps[: len(low)]] == [name for _, _, name in low]


@settings(max_examples=30, deadline=None)
@given(found=FOUND)
def test_every_next_step_is_about_a_criterion_that_is_not_met_of_the_next_level_or_below(found: dict[str, Strength]) -> None:
    whole = mlab(found)
    standing = {criterion.id: (dimension, criterion) for dimension in whole.dimensions for criterion in dimension.criteria}
    for step in next_steps(MLAB, whole):
        dimension, one = standing[step.criterion]
        assert one.status in (Status.PARTLY, Status.UNMET)
        assert dimension.level is not None
        assert one.level <= step.to_level == dimension.level + 1
        assert step.because


def test_nothing_at_all_reaches_the_floor_of_nothing() -> None:
    assert [dimension.applicable for dimension in mlab({}).dimensions] == [False, False, False]


def test_everything_automated_reaches_the_top_but_is_confirmed_only_live() -> None:
    whole = mlab(dict.fromkeys(POSITIVE, AUTOMATED))
    assert [dimension.level for dimension in whole.dimensions] == [4, 4, 4]
    assert whole.confirmed is not None
    assert whole.confirmed < 4
    assert mlab(dict.fromkeys(POSITIVE, OPERATING)).confirmed == 4
