from __future__ import annotations

import pytest

from rung.annotations import Annotation, command, within_limits


def an(level: str, index: int, path: str = "a.py") -> Annotation:
    return Annotation(level=level, title="Rung", message=f"{level} {index}", path=path, line=index)


def test_a_step_annotates_ten_of_each_level_and_the_last_counts_the_rest() -> None:
    many = [an("warning", 0, path=""), *(an("warning", index) for index in range(12)), *(an("error", index) for index in range(10))]

    found = within_limits(many)

    assert [item.message for item in found[:10]] == [f"error {index}" for index in range(10)]
    assert [item.message for item in found[10:]] == [
        *(f"warning {index}" for index in range(9)),
        "4 more: the summary of the run has them.",
    ]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (an("error", 3), "::error title=Rung,file=a.py,line=3::error 3"),
        (an("notice", 0, path=""), "::notice title=Rung::notice 0"),
        (
            Annotation(level="error", title="a: b, c", message="100%\n::set-env name=x::y", path="a,b:c\n.py"),
            "::error title=a%3A b%2C c,file=a%2Cb%3Ac%0A.py::100%25%0A::set-env name=x::y",
        ),
        (Annotation(level="error", title="t" * 200, message="m" * 2000), f"::error title={'t' * 99}…::{'m' * 999}…"),
    ],
)
def test_no_text_leaves_its_place_in_the_command(annotation: Annotation, expected: str) -> None:
    assert command(annotation) == expected
