"""How several things are put into words."""

from __future__ import annotations

import pytest

from rung.phrases import listed


@pytest.mark.parametrize(
    ("names", "count", "text"),
    [
        ([], 0, ""),
        (["a", "b", "c"], 0, "a, b, c"),
        (["a", "b", "c", "d", "e"], 0, "a, b, c and 2 more"),
        (["a", "b", "c"], 5, "a, b, c and 2 more"),
        (["a", "b", "c", "d"], 9, "a, b, c and 6 more"),
    ],
)
def test_the_first_names_are_given_and_the_rest_is_counted(names: list[str], count: int, text: str) -> None:
    assert listed(names, 3, count=count) == text


def test_names_stand_apart_by_what_is_asked_for() -> None:
    assert listed(iter(("a b", "c d", "e f")), 2, by="; ") == "a b; c d and 1 more"
