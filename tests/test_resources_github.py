"""What the pack of GitHub asks, and what it and its signals look at, is in GitHub's own description of its API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from rung.packs import load_packs
from rung.records import Listing, Read, Signal
from rung.wildcards import folded
from tests.components import openapi
from tests.stands.description import answer_schema, description, referred, wrong_request
from tests.stands.github import PERMISSIONS


def _texts(raw: Any) -> list[str]:
    return [raw] if isinstance(raw, str) else list(map(str, raw))


def _asked(signal: Signal) -> list[str]:
    return _texts(signal.arguments.get("type", signal.arguments.get("any")))


PACKS = load_packs()
LIVE = {resource.type: resource.live for resource in PACKS.resources if resource.live and resource.provider == "github"}
READS = [(f"{name}: {read.call}", read) for name, live in LIVE.items() for read in (live.read, *(detail.read for detail in live.details))]
SIGNALS = [
    (f"{pack.id}/{signal.id}", signal)
    for pack in PACKS.detectors
    for signal in pack.signals
    if signal.matcher == "api" and set(_asked(signal)) & set(LIVE)
]
_DEEPEST = 6


@pytest.mark.parametrize("read", [read for _, read in READS], ids=[name for name, _ in READS])
def test_each_call_is_one_of_github_with_parameters_that_it_takes(read: Read) -> None:
    template = _template(read.call)
    query = {name: [str(value).lower() if isinstance(value, bool) else str(value)] for name, value in read.parameters.items()}

    assert wrong_request(template, "GET", query, None) == []
    assert read.permission == (f"{PERMISSIONS[template]}: read",)


@pytest.mark.parametrize("name", sorted(LIVE))
def test_names_times_and_dead_ends_are_fields_of_the_item(name: str) -> None:
    live = LIVE[name]
    keys = _keys(live)
    wanted = [
        *([] if "{" in live.name else [live.name]),
        *live.at,
        *(key for trap in live.dead_ends for key in (*trap.where, *trap.without)),
    ]

    assert [key for key in wanted if not _has(keys, key)] == []


@pytest.mark.parametrize("name", sorted(LIVE))
def test_what_is_filled_in_is_a_field_of_the_item_or_of_what_it_belongs_to(name: str) -> None:
    live = LIVE[name]
    above: set[str] = {"owner", "repo"}
    each = live.each
    while each:
        above |= _keys(LIVE[each])
        each = LIVE[each].each
    own = above | _keys(live)
    asked = [(live.read, above), *((detail.read, own) for detail in live.details)]

    filled = [(field, known) for read, known in asked for field in re.findall(r"\{(\w+)\}", f"{read.call} {read.parameters}")]
    assert [field for field, known in filled if folded(field) not in known] == []


@pytest.mark.parametrize("signal", [signal for _, signal in SIGNALS], ids=[name for name, _ in SIGNALS])
def test_signals_look_at_fields_that_there_are(signal: Signal) -> None:
    where: Any = signal.arguments.get("where", {})
    for name in _asked(signal):
        keys = _keys(LIVE[name])
        assert [key for key in (*where, *_texts(signal.arguments.get("without", ()))) if not _has(keys, key)] == []


def _template(call: str) -> str:
    """The description's path for a call, whose parts go by other names there."""
    openapi()
    bare = re.sub(r"\{[^}]*\}", "{}", call.removeprefix("GET "))
    return next(str(path) for path in description()["paths"] if re.sub(r"\{[^}]*\}", "{}", path) == bare)


def _keys(live: Listing) -> set[str]:
    """The dotted keys that a listed item can have, with what details add."""
    keys = set(_below(_at(answer_schema(_template(live.read.call)), live.items)))
    for detail in live.details:
        found = _below(_at(answer_schema(_template(detail.read.call)), detail.take))
        keys |= {f"{folded(detail.into)}.{key}" for key in found}
    return keys


def _at(schema: Any, path: str) -> Any:
    schema = referred(schema)
    while schema.get("type") == "array":
        schema = referred(schema["items"])
    head, _, rest = path.partition(".")
    return _at(schema["properties"][head], rest) if head else schema


def _below(schema: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:
    schema = referred(schema)
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key, ()):
            yield from _below(part, prefix, depth)
    if "items" in schema:
        yield from _below(schema["items"], prefix, depth)
    if prefix:
        yield prefix
    for name, child in schema.get("properties", {}).items() if depth < _DEEPEST else ():
        yield from _below(child, f"{prefix}.{folded(name)}" if prefix else folded(name), depth + 1)


def _has(keys: set[str], wanted: str) -> bool:
    key = folded(wanted)
    return any(known == key or known.endswith(f".{key}") for known in keys)
