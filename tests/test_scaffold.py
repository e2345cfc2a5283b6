"""`rung new detector`: files that fail until they are filled."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rung.packs.detectors import detector_of
from rung.records import RungError
from rung.scaffold import new_detector


@pytest.fixture
def checkout(tmp_path: Path) -> str:
    (tmp_path / "detectors").mkdir()
    (tmp_path / "fixtures").mkdir()
    return str(tmp_path)


def test_a_new_pack_loads_and_its_case_expects_what_no_file_shows_yet(checkout: str) -> None:
    pack, used, lookalike = map(Path, new_detector(checkout, "my-tool"))

    assert detector_of(pack.name, yaml.safe_load(pack.read_text())).id == "my-tool"
    assert yaml.safe_load(used.read_text())["evidence"]
    assert yaml.safe_load(lookalike.read_text())["evidence"] == []
    assert [path.name for path in used.parent.iterdir()] == ["expect.yaml"]


@pytest.mark.parametrize(("name", "told"), [("My Tool", "is no id"), ("../x", "is no id"), ("taken", "is there already")])
def test_a_name_that_is_no_id_or_is_taken_is_refused(checkout: str, name: str, told: str) -> None:
    new_detector(checkout, "taken")

    with pytest.raises(RungError, match=told):
        new_detector(checkout, name)


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RungError, match="no checkout of Rung"):
        new_detector(str(tmp_path), "tool")
