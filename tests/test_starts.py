"""What packs say that tools start, shown by the fixture cases: which files something automatic reaches, and which not."""

from __future__ import annotations

import pytest

from rung.detect import starts_of
from tests.cases import Case, Finder, cases

CASES = [case for case in cases() if case.listed("reached") is not None]


@pytest.fixture(scope="session")
def finder() -> Finder:
    return Finder()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.detector}/{case.name}")
def test_a_case_reaches_exactly_the_files_that_something_starts_by_hops_that_are_there(case: Case, finder: Finder) -> None:
    chains = finder.chains(case.folder)
    unreached = case.listed("unreached") or []

    assert sorted(chains) == sorted(case.listed("reached") or [])
    assert [path for path in unreached if path in chains or not (case.folder / path).is_file()] == []
    assert unreached, "a case of starts has a near-miss that is not reached"
    for hop in {hop for found in chains.values() for chain in found for hop in chain}:
        text = (case.folder / hop.path).read_text()
        assert 1 <= hop.line <= max(1, text.count("\n") + (not text.endswith("\n"))), hop


def test_every_start_is_a_hop_to_something_in_a_case_of_its_pack(finder: Finder) -> None:
    packs = [pack for pack in finder.packs.detectors if pack.starts]
    unshown = {f"{pack.id}/{start.id}" for pack in packs for start in pack.starts}
    for case in CASES:
        _, matches, _ = finder.read(case.folder)
        passed = {
            (hop.path, hop.line)
            for found in finder.chains(case.folder).values()
            for chain in found
            for index, hop in enumerate(chain)
            if index + 1 < len(chain) or len(chain) == 1
        }
        for path, hits in starts_of(matches).items():
            unshown -= {
                f"{hit.owned.detector}/{hit.owned.signal.id}"
                for hit in hits
                if hit.owned.detector == case.detector and (path, hit.line) in passed
            }

    assert sorted(unshown) == []


def test_a_pack_of_nothing_but_starts_has_a_lookalike_that_matches_none_of_them(finder: Finder) -> None:
    only_starts = {pack.id for pack in finder.packs.detectors if not pack.signals}
    lookalikes = [case for case in cases() if case.lookalike and case.detector in only_starts]
    taken = {
        f"{case.name}: {hit.owned.key}"
        for case in lookalikes
        for hits in starts_of(finder.read(case.folder)[1]).values()
        for hit in hits
        if hit.owned.detector == case.detector
    }

    assert only_starts - {case.detector for case in lookalikes} == set()
    assert taken == set()
