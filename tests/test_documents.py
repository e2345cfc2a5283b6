"""Positioned values of YAML and JSON, and what bytes tell of a file before it is parsed."""

from __future__ import annotations

import pytest

from rung.readers.documents import MAX_SCALARS, flatten, may_have_keys, parse_yaml


@pytest.mark.parametrize(
    "text",
    [
        "kind: Pod",
        "a: {kind: Pod}",
        '{"kind": "Pod"}',
        "'kind' : Pod",
        "? kind\n: Pod",
        "? kind # of object\n: Pod",
        "{{`kind`}}: Pod",
        "kind{{ .Values.colon }} Pod",
        "kind{% raw %}: Pod",
    ],
)
def test_a_key_is_told_however_it_is_written(text: str) -> None:
    assert may_have_keys(text.encode(), b"kind")


@pytest.mark.parametrize("text", ["a: kind", "# of a kind", "kinds: 1", "unkind, kind or not: 1", "a: [kind]"])
def test_a_word_that_is_no_key_is_none(text: str) -> None:
    assert not may_have_keys(text.encode(), b"kind")


def test_all_keys_must_be_there() -> None:
    assert may_have_keys(b"a: 1\nb: 2\n", b"a", b"b")
    assert not may_have_keys(b"a: 1\n", b"a", b"b")


def test_scalars_come_in_order_with_their_path_and_line() -> None:
    text = b"a: 1\nb:\n  - c: 2\n    d: []\n  - 3\n'': {e: 4, '': 5}\nf: {}\n"
    (document,) = parse_yaml(text)[0]
    expected = [("a", "1", 1), ("b.c", "2", 3), ("b.d", "", 4), ("b", "3", 5), ("e", "4", 6), ("", "5", 6), ("f", "", 7)]
    assert list(flatten(document)) == expected
    assert list(flatten("x", 3)) == [("", "x", 3)]


def test_no_more_than_so_many_scalars_come() -> None:
    (document,) = parse_yaml(b"a: &a [" + b"1, " * 999 + b"1]\nb: [" + b"*a, " * 99 + b"*a]\n")[0]
    assert len(list(flatten(document))) == MAX_SCALARS
