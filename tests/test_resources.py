"""The guide to resource types describes what the loader takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rung.packs.fields import parse
from rung.packs.resources import provider_of, resources_of
from rung.records import PackError


def test_the_resource_type_of_the_guide_is_one_and_its_tables_name_every_key() -> None:
    guide = (Path(__file__).parent.parent / "docs" / "writing-a-resource.md").read_text()
    example = guide.split("```yaml\n")[1].split("```")[0]
    pack = parse("demo.yaml", example.encode())

    (resource,) = resources_of("demo.yaml", pack)
    assert resource.live is not None
    assert provider_of("demo.yaml", pack).id == "demo"
    named = set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in guide.splitlines() if line.startswith("| `"))))
    with pytest.raises(PackError) as told:
        provider_of("demo.yaml", {**pack, "live": {**pack["live"], "x": 1}})
    provider = set(str(told.value).partition("allowed are ")[2].split(", ")) - {"title", "kind", "protocol"}
    with pytest.raises(PackError) as told:
        resources_of("demo.yaml", {**pack, "types": [{"type": "T", "live": {"list": "a:ListB", "name": "c", "x": 1}}]})
    assert set(str(told.value).partition("allowed are ")[2].split(", ")) | provider == named
