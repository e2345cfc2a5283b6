"""Whole small systems: the levels that they stand on, and chains whose every hop can be opened."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rung.records import Strength
from rung.scan import scan_path
from tests.cases import FIXTURES

SCENARIOS = sorted(folder for folder in (FIXTURES / "scenarios").iterdir() if folder.is_dir())


@pytest.mark.parametrize("folder", SCENARIOS, ids=lambda folder: folder.name)
def test_a_system_stands_on_the_levels_that_a_person_would_give_it(folder: Path) -> None:
    expected = yaml.safe_load((folder / "expect.yaml").read_text())["levels"]

    result = scan_path(str(folder)).results[0]

    assert {dimension.id: dimension.level for dimension in result.dimensions} == expected


@pytest.mark.parametrize("folder", SCENARIOS, ids=lambda folder: folder.name)
def test_every_hop_of_every_chain_names_a_line_that_is_there(folder: Path) -> None:
    for item in scan_path(str(folder)).evidence:
        for hop in item.chain:
            assert 1 <= hop.line <= len((folder / hop.path).read_text().splitlines()), (item.detector, hop)
        assert item.chain or item.strength < Strength.AUTOMATED, item.detector
