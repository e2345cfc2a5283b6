"""What a scan comes to: only what was seen in whole, by the configuration that is meant, is told and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rung.outcome import Outcome
from rung.report.document import Document
from rung.results import Results
from rung.review import Request, review


class Channel:
    """Somebody who is told, and notes it."""

    title = "somebody"

    def __init__(self) -> None:
        self.heard: list[str] = []

    def tell(self, document: Document) -> str:
        self.heard.append(document["scope"]["system"])
        return ""


@pytest.fixture
def document(tmp_path: Path) -> Document:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "requirements.txt").write_text("mlflow==2.0\n")
    found = review(Request(target=str(tmp_path / "shop")))[0]
    return {**found, "comparison": {"regressions": [{"what": "Data fell"}]}}


def handed_on(document: Document, folder: Path, **more: Any) -> tuple[list[str], int]:
    """Who heard of the document, and how many results are kept."""
    results, channel = Results(str(folder / "results.db")), Channel()
    results.make()
    assert Outcome(documents=[document], **more).hand_on([channel], results, lambda _: None)
    return channel.heard, len(results.kept())


def test_what_was_seen_in_whole_is_told_and_kept(document: Document, tmp_path: Path) -> None:
    assert handed_on(document, tmp_path) == (["shop"], 1)


def test_what_was_not_seen_in_whole_or_by_the_right_configuration_is_neither(document: Document, tmp_path: Path) -> None:
    target = document["targets"][0]
    unread = {**document, "targets": [target, {**target, "name": "acme", "unread": "access denied"}]}
    wrong = {**document, "policy": {"mistake": "rung.yaml:1: `sistem` is unknown"}}
    nothing = {**document, "targets": [{**target, "files": 0}]}

    assert [handed_on(one, tmp_path) for one in (unread, wrong, nothing)] == [([], 0)] * 3
    assert handed_on(document, tmp_path, interrupted=True) == ([], 0)
    assert Outcome(documents=[unread]).unread == ["acme: access denied"]


def test_nothing_is_told_apart_from_nothing_that_could_be_read(document: Document) -> None:
    empty = {**document, "targets": [{**document["targets"][0], "files": 0}], "coverage": []}
    gap = {"target": "repo", "what": "folder d", "searched": False, "reason": "deeper than 64 folders", "needs": "", "capabilities": []}
    elsewhere = {**gap, "target": "", "what": "AWS account"}

    assert Outcome(documents=[document]).empty == ""
    assert Outcome(documents=[{**empty, "coverage": [elsewhere]}]).empty == "nothing"
    assert Outcome(documents=[{**empty, "coverage": [gap]}]).empty == "nothing that could be read (deeper than 64 folders)"
