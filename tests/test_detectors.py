"""Every fixture case, against every detector at once: what is found equals what is expected, both ways."""

from __future__ import annotations

import pytest

from tests.cases import Case, Finder, cases, unshown

CASES = cases()


@pytest.fixture(scope="session")
def finder() -> Finder:
    return Finder()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.detector}/{case.name}")
def test_a_case_shows_exactly_the_expected_evidence(case: Case, finder: Finder) -> None:
    found = finder.found(case)

    assert found == sorted(case.expected), "expected\n" + "\n".join(f"  - {line}" for line in found)


@pytest.mark.parametrize("case", [case for case in CASES if case.lookalike], ids=lambda case: f"{case.detector}/{case.name}")
def test_a_lookalike_is_not_taken_for_the_tool(case: Case, finder: Finder) -> None:
    assert [line for line in finder.found(case) if line.startswith(case.detector + "/")] == []


@pytest.mark.parametrize("case", [case for case in CASES if case.recorded], ids=lambda case: f"{case.detector}/{case.name}")
def test_a_recording_shows_exactly_the_expected_dead_ends(case: Case, finder: Finder) -> None:
    assert finder.dead_ends(case) == sorted(case.listed("dead_ends") or [])


def test_every_signal_has_a_case_that_shows_it_and_every_detector_a_lookalike(finder: Finder) -> None:
    missing = {pack.id: found for pack in finder.packs.detectors if (found := unshown(finder, pack.id))}
    without = [pack.id for pack in finder.packs.detectors if not any(case.lookalike for case in cases(pack.id))]

    assert missing == {}
    assert without == []
