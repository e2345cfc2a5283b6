"""Where text signals look, and what of a file they see."""

from __future__ import annotations

import pytest

from rung.matchers import Matchers
from rung.readers.documents import text_of
from rung.records import Detector, Packs, Role, Signal, Strength
from rung.texts import Texts


def texts(*patterns: tuple[str, str]) -> Texts:
    """Text signals `s0`, `s1` … for Markdown, of patterns with an example each."""
    signals = tuple(
        Signal(
            id=f"s{number}",
            capability="data.quality",
            strength=Strength.IMPLEMENTED,
            matcher="text",
            where=(Role.SOURCE,),
            arguments={"file": "*.md", "pattern": pattern, "example": example},
        )
        for number, (pattern, example) in enumerate(patterns)
    )
    detector = Detector(id="d", title="D", homepage="", signals=signals)
    return Matchers(Packs(detectors=(detector,), capabilities=(), resources=(), frameworks=(), digest="")).texts


def test_a_text_is_searched_only_in_the_files_that_the_signal_names() -> None:
    rollback = texts(("^## Rollback", "## Rollback"))

    assert rollback.found_in("docs/a.md", b"x\n## Rollback plan\n", text_of) == (("d/s0", 2, "## Rollback"),)
    assert rollback.found_in("docs/a.txt", b"## Rollback", text_of) == ()


@pytest.mark.parametrize("count", [1, 20])
def test_a_text_is_found_however_many_signals_look_into_its_file(count: int) -> None:
    numbered = texts(*((f"(?i)^## (?:Rollback|Undoing) {number}$", f"## Rollback {number}") for number in range(count)))

    assert numbered.found_in("a.md", b"## undoing 0\n## Rollback 99", text_of) == (("d/s0", 1, "## undoing 0"),)
    assert numbered.found_in("a.md", b"rollback", text_of) == ()


def test_overlong_lines_and_the_rest_of_long_gaps_are_not_seen_and_keep_the_numbers_of_lines() -> None:
    rollback = texts((r"^## Rollback\s+plan", "## Rollback plan"))

    assert rollback.found_in("a.md", b"## Rollback plan" + b"-" * 2000 + b"\n## Rollback plan", text_of) == (
        ("d/s0", 2, "## Rollback plan"),
    )
    after_gap = b"\n" * 500 + b"## Rollback" + b"\n" * 500 + b"plan\n## Rollback plan"
    assert [line for _, line, _ in rollback.found_in("a.md", after_gap, text_of)] == [501, 1002]
    long_gap = texts((r"^## Rollback\n{30,60}plan", "## Rollback" + "\n" * 40 + "plan"))
    assert long_gap.found_in("a.md", b"## Rollback" + b"\n" * 40 + b"plan", text_of) == ()
