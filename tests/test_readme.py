"""The README's commands do what the README says."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from rung.cli import DONE, GATE_FAILED, main
from tests.cases import FIXTURES
from tests.repositories import commit

README = (Path(__file__).parent.parent / "README.md").read_text()
COMMANDS = [line.split("#")[0].strip() for line in README.splitlines() if re.match(r"rung \w", line)]


def test_the_readme_stays_one_page() -> None:
    assert len(README.splitlines()) < 90
    assert len(COMMANDS) > 5


def test_every_command_of_the_readme_runs_in_the_order_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(FIXTURES / "scenarios" / "tracked-experiments", tmp_path / "churn")
    monkeypatch.chdir(commit(tmp_path / "churn"))

    for command in COMMANDS:
        expected = GATE_FAILED if "--fail-under" in command else DONE
        assert main(shlex.split(command)[1:]) == expected, command
