"""The packs of rules: the vocabulary, and that the primary framework stands for the whole of its source."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rung.assess import elsewhere
from rung.packs import load_packs
from rung.packs.rules import framework_leaves, leaves
from rung.records import Evidence, Framework, Group, Leaf, Location, Strength

PACKS = load_packs()
CAPABILITIES = {capability.id: capability for capability in PACKS.capabilities}
MLAB = next(framework for framework in PACKS.frameworks if framework.id == "mlab")

# How many statements each cell of the source makes; X are those outside the cells.
STATEMENTS = {
    "D0": 3, "D1": 9, "D2": 9, "D3": 9, "D4": 12,
    "M1": 12, "M2": 9, "M3": 8, "M4": 13,
    "C1": 8, "C2": 10, "C3": 12, "C4": 16,
    "X": 12,
}  # fmt: skip
ATOMS = {f"MLAB-{cell}-{number:02}" for cell, count in STATEMENTS.items() for number in range(1, count + 1)}
FRAMEWORKS = pytest.mark.parametrize("framework", PACKS.frameworks, ids=lambda framework: framework.id)


def groups(requirement: Leaf | Group | None) -> Iterator[Group]:
    if isinstance(requirement, Group):
        yield requirement
        for part in requirement.of:
            yield from groups(part)


def test_every_statement_of_the_source_is_covered_by_a_criterion_and_no_other_is_named() -> None:
    assert {atom for criterion in MLAB.criteria for atom in criterion.atoms} == ATOMS


def test_every_capability_has_a_use_in_the_primary_framework() -> None:
    assert {leaf.capability for leaf in framework_leaves(MLAB)} == set(CAPABILITIES)


def test_the_primary_framework_has_four_levels_of_three_dimensions_each_with_criteria_that_a_repository_can_show() -> None:
    assert [level for level, _ in MLAB.levels] == [1, 2, 3, 4]
    assert [dimension.id for dimension in MLAB.dimensions] == ["data", "model", "code"]
    shown = {(c.dimension, c.level) for c in MLAB.criteria if "repository" in c.observable}
    assert shown >= {(dimension.id, level) for dimension in MLAB.dimensions for level, _ in MLAB.levels}


def test_a_level_of_the_primary_framework_has_few_essentials_and_its_floor_none() -> None:
    for dimension in MLAB.dimensions:
        for level, _ in MLAB.levels:
            essentials = [c.id for c in MLAB.criteria if (c.dimension, c.level, c.essential) == (dimension.id, level, True)]
            # Of the highest the source names more: deployment, monitoring and training that go on by themselves, and the way back.
            assert len(essentials) <= {1: 0, 4: 4}.get(level, 3), essentials


def test_criteria_of_the_primary_framework_carry_the_name_of_their_dimension() -> None:
    assert [c.id for c in MLAB.criteria if not c.id.startswith(f"{c.dimension}-")] == []


@FRAMEWORKS
def test_every_leaf_names_a_known_capability(framework: Framework) -> None:
    assert {leaf.capability for leaf in framework_leaves(framework)} <= set(CAPABILITIES)


@FRAMEWORKS
def test_only_negative_capabilities_are_demanded_absent_and_no_criterion_demands_one_present(framework: Framework) -> None:
    for criterion in framework.criteria:
        for leaf in leaves(criterion.requires):
            assert CAPABILITIES[leaf.capability].negative == (leaf.strength == Strength.ABSENT), (criterion.id, leaf.capability)


@FRAMEWORKS
def test_operating_is_demanded_only_where_a_repository_is_not_asked(framework: Framework) -> None:
    for criterion in framework.criteria:
        for leaf in leaves(criterion.requires):
            assert not (leaf.strength == Strength.OPERATING and "repository" in criterion.observable), criterion.id


@FRAMEWORKS
def test_texts_are_sentences_that_say_what_to_do(framework: Framework) -> None:
    for criterion in framework.criteria:
        assert criterion.why.endswith("."), criterion.id
        assert criterion.remediation.endswith("."), criterion.id
        assert not criterion.title.endswith("."), criterion.id
        assert criterion.atoms, criterion.id


@FRAMEWORKS
def test_a_choice_has_at_least_two_parts_and_names_none_twice(framework: Framework) -> None:
    for criterion in framework.criteria:
        for group in groups(criterion.requires):
            assert len(group.of) >= 2, criterion.id
            assert len(set(group.of)) == len(group.of), criterion.id


def test_only_negative_capabilities_can_be_taken_away_and_only_by_positive_ones() -> None:
    for capability in PACKS.capabilities:
        assert capability.negative or not capability.unless, capability.id
        assert not any(CAPABILITIES[other].negative for other in capability.unless), capability.id


@pytest.mark.parametrize(
    ("found", "is_elsewhere"),
    [
        (("model.serving",), True),
        (("model.serving", "model.registry"), True),
        (("model.registry",), False),
        (("model.serving", "model.continuous-training"), False),
        (("model.serving", "model.training-code"), False),
        (("model.serving", "model.llm-evaluation"), False),
    ],
)
def test_models_that_are_served_and_not_trained_here_are_trained_elsewhere(found: tuple[str, ...], is_elsewhere: bool) -> None:
    evidence = [
        Evidence(
            id=name,
            detector="pack",
            signal="s",
            tool="Tool",
            capability=name,
            strength=Strength.IMPLEMENTED,
            location=Location(target="repo", path="a.py", line=1, end_line=1),
        )
        for name in found
    ]
    gaps = elsewhere(PACKS.elsewhere, evidence, PACKS.capabilities)

    assert bool(gaps) is is_elsewhere
    assert all("model.training-code" in gap.capabilities and not gap.searched for gap in gaps)
