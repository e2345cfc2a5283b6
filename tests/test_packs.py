"""Invariants over all packs, and one tiny bad pack for every message of the loader."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
from msgspec.structs import replace

from rung.matchers import Matchers
from rung.packs import capabilities_of, check_capabilities, detector_of, elsewhere_of, framework_of, leaves, load_packs, parse
from rung.records import PackError, Packs, Strength

DETECTOR = """
schema: detector/1
id: tool
title: Tool
homepage: https://example.org
signals:
  - {id: uses, capability: data.quality, strength: implemented, match: {call: [tool.check]}}
"""
RULES = """
schema: rules/1
id: own
title: Own
source: {name: Own, url: https://example.org}
levels: [{level: 1, title: One}]
thresholds: {reached: 0.5, below: 0.65}
dimensions: [{id: data, title: Data, applies: {capability: data.quality, strength: declared}, otherwise: no data}]
criteria:
  - {id: a, dimension: data, level: 1, title: A, why: B, atoms: [X-1], requires: {capability: data.quality, strength: automated},
     essential: true, observable: [repository], remediation: C, effort: low}
"""


@pytest.fixture(scope="module")
def packs() -> Packs:
    return load_packs()


def test_there_are_enough_detectors_and_each_has_a_homepage(packs: Packs) -> None:
    assert len(packs.detectors) >= 300
    assert [pack.id for pack in packs.detectors if not pack.homepage.startswith("https://")] == []


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("detectors/tool.yaml: signal `uses`", ("data.quality",)),
        ("rules/own.yaml", ("data.quality",)),
        ("rules/elsewhere.yaml: `training`", ("model.registry", "model.serving", "model.training-code")),
    ],
)
def test_a_capability_that_is_not_in_the_vocabulary_is_refused_with_who_names_it(packs: Packs, where: str, names: tuple[str, ...]) -> None:
    raw = {"id": "training", "has": ["model.registry"], "lacks": ["model.training-code"], "hides": ["model.serving"]}
    own = replace(
        packs,
        detectors=(detector_of("tool.yaml", parse("tool.yaml", DETECTOR.encode())),) if "tool" in where else (),
        frameworks=(framework_of("own.yaml", parse("own.yaml", RULES.encode())),) if "own" in where else (),
        dead_ends=(),
        elsewhere=elsewhere_of("e", {"schema": "elsewhere/1", "elsewhere": [raw | dict.fromkeys(("what", "reason", "needs"), "x")]}),
    )
    if "elsewhere" not in where:
        own = replace(own, elsewhere=())
    check_capabilities(own)

    for name in names:
        left = tuple(capability for capability in packs.capabilities if capability.id != name)
        with pytest.raises(PackError, match=f"^{where}: capability `{name}` is not in rules/capabilities.yaml$"):
            check_capabilities(replace(own, capabilities=left))


@pytest.mark.parametrize(
    "asking", ["given: [tool/used]", "dead_end: {kind: unused, what: x, remediation: y, unless: [tool/used]}", "given: [data.magic]"]
)
def test_a_signal_that_names_what_is_neither_a_capability_nor_a_signal_is_refused(packs: Packs, asking: str) -> None:
    def with_signal(text: str) -> Packs:
        pack = DETECTOR.replace("match:", f"{text}, match:")
        return replace(packs, detectors=(detector_of("tool.yaml", parse("tool.yaml", pack.encode())),))

    check_capabilities(with_signal(asking.replace("used", "uses").replace("magic", "quality")))

    with pytest.raises(PackError, match=r"^detectors/tool.yaml: signal `uses`: `(tool/used|data\.magic)` is neither a capability nor"):
        check_capabilities(with_signal(asking))


def test_every_capability_can_be_found_in_two_independent_ways(packs: Packs) -> None:
    ways: dict[str, set[str]] = defaultdict(set)
    for pack in packs.detectors:
        for signal in pack.signals:
            if signal.strength >= Strength.IMPLEMENTED:
                ways[signal.capability].add(pack.id)

    assert {c.id: sorted(ways[c.id]) for c in packs.capabilities if len(ways[c.id]) < 2} == {}


def test_every_matcher_argument_of_every_pack_is_understood(packs: Packs) -> None:
    assert Matchers(packs).signals


def test_no_canonical_type_and_no_terraform_name_is_there_twice(packs: Packs) -> None:
    types = [resource.type for resource in packs.resources]
    names = [name for resource in packs.resources for name in resource.terraform]

    assert sorted({name for name in types if types.count(name) > 1}) == []
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_every_capability_is_asked_for_by_the_primary_model(packs: Packs) -> None:
    asked = {leaf.capability for criterion in packs.frameworks[0].criteria for leaf in leaves(criterion.requires)}

    assert sorted({capability.id for capability in packs.capabilities} - asked) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema: detector/1", "schema: detector/9", "schema is `detector/9`, expected `detector/1`"),
        ("id: tool\n", "id: other\n", "id `other` must equal the file's name `tool`"),
        ("title: Tool\n", "", "key `title` is missing"),
        ("title: Tool\n", "title: Tool\ntile: x\n", "unknown key `tile`; allowed are homepage"),
        ("title: Tool\n", "title: Tool\ntitle: Tool\n", "key `title` is given twice"),
        ("strength: implemented", "strength: strong", "strength `strong` is none of absent, declared"),
        ("strength: implemented", "strength: operating", "strength `operating` can't be given by a file"),
        ("{call: [tool.check]}", "{call: [a.b], file: [c]}", "`match` has exactly one key"),
        ("{call: [tool.check]}", "{guess: [a.b]}", "matcher `guess` is none of file"),
        ("match:", "where: [attic], match:", "'attic' is not a valid Role; roles are source"),
        ("signals:", "signals: 3\nx:", "unknown key `x`"),
    ],
)
def test_a_bad_detector_pack_is_refused_with_the_key_and_what_is_allowed(old: str, new: str, message: str) -> None:
    assert old in DETECTOR
    with pytest.raises(PackError, match=r"tool\.yaml") as caught:
        detector_of("tool.yaml", parse("tool.yaml", DETECTOR.replace(old, new).encode()))

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ("{call: ['*.*']}", "names neither the first nor the last part of the call"),
        ("{text: {file: a, pattern: x, example: y}}", "is not matched by its own pattern"),
        ("{text: {file: a, pattern: '(', example: y}}", "match.text"),
        ("{config: {key: a}}", "needs `file`"),
        ("{command: {run: [a], in: cd}}", "`in` is `ci`, `schedule` or left out"),
        ("{workflow: {needs: true, first: [a], then: [b], idle: [c]}}", "goes with `needs: true` and without `first`"),
        ("{file: {path: [a], sizes: 3}}", "unknown key `sizes`"),
        ("{resource: {type: [A], where: [b]}}", "`where` is a mapping"),
    ],
)
def test_a_bad_matcher_argument_is_refused_with_pack_signal_and_key(match: str, message: str) -> None:
    detector = detector_of("tool.yaml", parse("tool.yaml", DETECTOR.replace("{call: [tool.check]}", match).encode()))

    with pytest.raises(PackError, match=r"detectors/tool\.yaml: signal `uses`") as caught:
        Matchers(Packs(detectors=(detector,), capabilities=(), resources=(), frameworks=(), digest=""))

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("dimension: data,", "dimension: date,", "dimension `date` is not one of data"),
        ("effort: low", "effort: tiny", "effort is one of low, medium, high"),
        ("observable: [repository]", "observable: [sky]", "observable is a list out of repository"),
        ("requires: {capability: data.quality, strength: automated},", "", "what a repository can show needs `requires`"),
        ("{capability: data.quality, strength: automated}", "{some: []}", "expected one key of all, any, at_least"),
        (
            "{capability: data.quality, strength: automated}",
            "{at_least: {n: 2, of: [{capability: data.quality, strength: declared}]}}",
            "can never be met",
        ),
    ],
)
def test_bad_rules_are_refused_with_the_criterion_and_the_key(old: str, new: str, message: str) -> None:
    assert old in RULES
    with pytest.raises(PackError) as caught:
        framework_of("own.yaml", parse("own.yaml", RULES.replace(old, new).encode()))

    assert message in str(caught.value)


def test_a_negative_capability_that_yields_to_an_unknown_one_is_refused() -> None:
    with pytest.raises(PackError, match="unless: `b` is no capability"):
        capabilities_of(
            "c.yaml", parse("c.yaml", b"schema: capabilities/1\ncapabilities: {a: {title: A, is: x, negative: true, unless: [b]}}")
        )


_FILLINGS = ("        " + "x" * 100, "    def f(a, b):", '        "key": value,', "a.b.c(d)", "| a | b | c |", "  a b c = d, e", " " * 200)


def test_no_text_that_looks_like_a_pattern_is_searched_for_ever() -> None:
    """A pattern that can match one text in very many ways would not come to an end here."""
    for detector in load_packs().detectors:
        for signal in detector.signals:
            if signal.matcher == "text":
                example = str(signal.arguments["example"])
                search = re.compile(str(signal.arguments["pattern"]), re.MULTILINE).findall
                for filling in _FILLINGS:
                    head = example.partition("\n")[0]
                    search(f"{head}\n{(filling + chr(10)) * 60}" * 3)
                    search(f"{example[: len(example) * 2 // 3]}{(filling + ' ') * 9}\n" * 20)
