"""What must be in a text for an expression to match it, and how files are searched for that."""

from __future__ import annotations

import re

import pytest

from rung.needles import Finder, needles_of
from rung.packs import load_packs
from rung.records import Signal, Start


@pytest.mark.parametrize(
    ("pattern", "needles"),
    [
        (r"^def _{0,1}(?:check|verify)_\w+\(", {("def _check_", "def _verify_", "def check_", "def verify_")}),
        (r"[Dd]ata ?set(?!ting)", {("data set", "dataset")}),
        (r"for (?:lr|hidden(?:_\w+)?) in", {("for hidden", "for lr")}),
        (r"abc[xy]d+efghij", {("abcxd", "abcyd"), ("efghij",)}),
        (r"\d(?:predict|scores.*batch)\d[0-9]_service", {("_service",), ("predict", "scores")}),
        (r"(?=.*\bmonitored)(?!.*ignored)models", {("models",), ("monitored",)}),
        (r"\(?(?:latest|newest)_\w+ > current_", {(" > current_",), ("latest_", "newest_")}),
        (r"if \w*(?i:Shadow|Canary)\w*:", {("canary", "shadow")}),
        (r"(?i)RollBack\x20now", set()),
        (r"(a)?\\(?(1)bcdefgh|ijklmno)", set()),
        (r"(\w+) = count\(.*\nif \1 > 0:", {(" = count(",), (" > 0:",)}),
        (r"(a)\101bcdefgh", set()),
        (r"(?:maybe)?|x", set()),
        (r"café au lait", set()),
        (r"ab|\d{3}", set()),
    ],
)
def test_needles_are_what_an_expression_cannot_match_without(pattern: str, needles: set[tuple[str, ...]]) -> None:
    assert set(needles_of(re.compile(pattern))) == needles


def test_an_expression_with_few_choices_is_not_written_out_without_end() -> None:
    assert needles_of(re.compile(r"(?:a|b|c|d){50}wordy")) == (("wordy",),)
    assert needles_of(re.compile(r"(?:word){0,60000}(?:aaa|bbb){9}")) == (("aaa", "bbb"),)


def test_each_pack_s_example_holds_the_needles_of_its_pattern() -> None:
    for detector in load_packs().detectors:
        signals: tuple[Signal | Start, ...] = (*detector.signals, *detector.starts)
        for signal in signals:
            if signal.matcher == "text":
                example = str(signal.arguments["example"]).lower()
                needed = needles_of(re.compile(str(signal.arguments["pattern"]), re.MULTILINE))
                assert all(any(text in example for text in texts) for texts in needed), signal.id


def test_a_finder_finds_texts_that_overlap_and_only_in_their_case() -> None:
    finder = Finder(["data", "database", "base", "Base"])

    assert finder.found_in(b"my database") == {"data", "database", "base"}
    assert finder.found_in(b"nothing") == set()
    assert Finder([]).found_in(b"nothing") == set()


def test_no_pack_asks_every_file_of_a_language_for_an_expression_without_needles() -> None:
    for detector in load_packs().detectors:
        for signal in detector.signals:
            globs = signal.arguments.get("file")
            if signal.matcher == "text" and isinstance(globs, list) and any(str(glob).startswith("*.") for glob in globs):
                assert needles_of(re.compile(str(signal.arguments["pattern"]), re.MULTILINE)), f"{detector.id}/{signal.id}"
