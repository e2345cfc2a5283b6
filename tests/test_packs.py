"""Invariants over all packs, and one tiny bad pack for every message of the loader."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from rung import packs as loader
from rung.matchers import Matchers
from rung.packs import check_capabilities, load_packs
from rung.packs.detectors import DEFAULT_ROLES, detector_of
from rung.packs.fields import parse
from rung.packs.resources import provider_of, resources_of
from rung.packs.rules import capabilities_of, dead_ends_of, elsewhere_of, framework_of, leaves
from rung.records import PackError, Packs, Role, Strength

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


START = """
schema: detector/1
id: tool
title: Tool
homepage: https://example.org
starts:
  - {id: runs, match: {command: [tool]}, trigger: schedule, runs: {file: ["0"]}, tasks: make}
"""
RESOURCES = """
schema: resources/1
provider: cloud
live: {title: Cloud, kind: server, protocol: rest, address: [CLOUD_URL], headers: {Accept: application/json}}
types:
  - type: Cloud::Thing
    terraform: [cloud_thing]
    live:
      list: GET /things
      name: id
      permission: [things.read]
      with: {page: 1}
      global: true
      newest: 5
      details: [{call: GET /things/one, permission: [things.read], take: it}]
      dead_ends: [{id: idle, where: {state: [idle]}, what: is idle, remediation: turn it on}]
"""
CAPABILITIES = """
schema: capabilities/1
capabilities:
  data.quality: {title: Checks, is: data is checked, offered: true, among_tests: true}
"""
DEAD_ENDS = """
schema: dead-ends/1
dead_ends: [{id: idle, has: [data.quality], lacks: [data.lineage], what: A, remediation: B}]
"""
ELSEWHERE = """
schema: elsewhere/1
elsewhere: [{id: other, has: [data.quality], lacks: [data.lineage], hides: [data.catalog], what: A, reason: B, needs: C}]
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
    ("read", "pack", "old", "new", "message"),
    [
        (detector_of, DETECTOR, "title: Tool", "title: 3", "tool.yaml: `title` is a text (quote it if YAML takes it for something else); found 3"),
        (detector_of, DETECTOR, "id: uses", "id: [uses]", "tool.yaml: signals[0] `['uses']`: `id` is a text"),
        (detector_of, DETECTOR, "capability: data.quality", "capability: 1.5", "tool.yaml: signals[0] `uses`: `capability` is a text"),
        (detector_of, DETECTOR, "match:", "given: [3], match:", "tool.yaml: signals[0] `uses`: `given` is a text or a list of texts"),
        (detector_of, DETECTOR, "match:", "given: [], match:", "`given` is a text or a list of texts with at least one item; found []"),
        (detector_of, DETECTOR, "match:", "where: 3, match:", "tool.yaml: signals[0] `uses`: `where` is a text or a list of texts"),
        (detector_of, DETECTOR, "match:", 'publishes: "no", match:', 'signals[0] `uses`: `publishes` is true or false; found "no"'),
        (detector_of, DETECTOR, "match:", "dead_end: {kind: [], what: a, remediation: b}, match:", "`uses`: dead_end: `kind` is a text"),
        (detector_of, DETECTOR, "  - {id: uses", "  - 3\n  - {id: uses", "tool.yaml: signals[0] `?`: expected a mapping with id, capability"),
        (detector_of, START, "starts:", "signals: x\nstarts:", "tool.yaml: `signals` is a list with at least one item; found \"x\""),
        (detector_of, START, "trigger: schedule", "trigger: [schedule]", "tool.yaml: starts[0] `runs`: `trigger` is a text"),
        (detector_of, START, '["0"]', "[0]", "tool.yaml: starts[0] `runs`: runs: `file` is a text or a list of texts"),
        (detector_of, START, 'runs: {file: ["0"]}', "runs: [file]", "`runs`: `runs` is a mapping with at least one item; found [\"file\"]"),
        (detector_of, START, "tasks: make", "tasks: true", "tool.yaml: starts[0] `runs`: `tasks` is a text"),
        (resources_of, RESOURCES, "types:", "types: {a: b}\nx:", "unknown key `x`"),
        (resources_of, RESOURCES, "type: Cloud::Thing", "type: 1", "tool.yaml: types[0]: `type` is a text"),
        (resources_of, RESOURCES, "[cloud_thing]", "{cloud_thing: 1}", "tool.yaml: types[0]: `terraform` is a text or a list of texts"),
        (resources_of, RESOURCES, "newest: 5", "newest: many", "tool.yaml: Cloud::Thing: live: `newest` is a whole number; found \"many\""),
        (resources_of, RESOURCES, "newest: 5", "newest: true", "`newest` is a whole number; found true"),
        (resources_of, RESOURCES, "global: true", "global: 1", "tool.yaml: Cloud::Thing: live: `global` is true or false; found 1"),
        (resources_of, RESOURCES, "with: {page: 1}", "with: [page]", "tool.yaml: Cloud::Thing: live: `with` is a mapping"),
        (resources_of, RESOURCES, "take: it", "take: 1", "tool.yaml: Cloud::Thing: live: details[0]: `take` is a text"),
        (resources_of, RESOURCES, "where: {state: [idle]}", "where: {state: 1}", "live: dead_ends[0]: where: `state` is a text or a list of texts"),
        (provider_of, RESOURCES, "title: Cloud", "title: 1", "tool.yaml: live: `title` is a text"),
        (provider_of, RESOURCES, "application/json", "1", "tool.yaml: live: headers: `Accept` is a text"),
        (provider_of, RESOURCES, "[CLOUD_URL]", "1", "tool.yaml: live: `address` is a text or a list of texts"),
        (capabilities_of, CAPABILITIES, "title: Checks", "title: yes", "tool.yaml: data.quality: `title` is a text"),
        (capabilities_of, CAPABILITIES, "offered: true", 'negative: "no"', "tool.yaml: data.quality: `negative` is true or false; found \"no\""),
        (capabilities_of, CAPABILITIES, "among_tests: true", "among_tests: some", "data.quality: `among_tests` is true or false"),
        (dead_ends_of, DEAD_ENDS, "has: [data.quality]", "has: {a: b}", "tool.yaml: `idle`: `has` is a text or a list of texts"),
        (dead_ends_of, DEAD_ENDS, "[{id: idle,", "[other, {id: idle,", "tool.yaml: `?`: expected a mapping with id, has"),
        (elsewhere_of, ELSEWHERE, "hides: [data.catalog]", "hides: []", "tool.yaml: `other`: `hides` is a text or a list of texts"),
        (elsewhere_of, ELSEWHERE, "reason: B", "reason: 1", "tool.yaml: `other`: `reason` is a text"),
        (framework_of, RULES, "level: 1, title: One", "level: one, title: One", "tool.yaml: levels[0]: `level` is a whole number; found \"one\""),
        (framework_of, RULES, "level: 1, title: A", "level: 1.5, title: A", "tool.yaml: criterion `a`: `level` is a whole number; found 1.5"),
        (framework_of, RULES, "essential: true", 'essential: "true"', "tool.yaml: criterion `a`: `essential` is true or false"),
        (framework_of, RULES, "atoms: [X-1]", "atoms: 1", "tool.yaml: criterion `a`: `atoms` is a text or a list of texts"),
        (framework_of, RULES, "reached: 0.5", "reached: 50", "tool.yaml: thresholds: `reached` is a number from 0 to 1; found 50"),
        (framework_of, RULES, "below: 0.65", "below: 0.65, fully_from: top", "tool.yaml: thresholds: `fully_from` is a whole number; found \"top\""),
        (framework_of, RULES, "title: Own\n", "title: Own\ndefault: mlab\n", "tool.yaml: `default` is true or false"),
        (framework_of, RULES, "otherwise: no data", "otherwise: no", "tool.yaml: dimension `data`: `otherwise` is a text"),
        (
            framework_of, RULES, "{capability: data.quality, strength: automated}", "{at_least: {n: all, of: [{any: []}]}}",
            "tool.yaml: criterion `a`: requires: at_least: `n` is a whole number; found \"all\"",
        ),
        (framework_of, RULES, "{capability: data.quality, strength: automated}", "{any: []}", "requires: `any` is a list with at least one item"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_with_file_key_and_what_is_expected(
    read: Callable[[str, Mapping[str, Any]], object], pack: str, old: str, new: str, message: str
) -> None:
    read("tool.yaml", parse("tool.yaml", pack.encode()))

    assert pack.count(old) == 1
    with pytest.raises(PackError, match=r"^tool\.yaml: ") as caught:
        read("tool.yaml", parse("tool.yaml", pack.replace(old, new).encode()))

    assert message in str(caught.value)


@pytest.mark.parametrize("written", ["010", "1:30", ".inf"])
def test_a_number_that_is_not_plain_is_refused_with_file_and_line(written: str) -> None:
    with pytest.raises(
        PackError, match=rf"^a\.yaml: line 2: `{re.escape(written)}` is no plain number; write it in decimals, or quote it$"
    ):
        parse("a.yaml", f"a: 16\nb: {written}\n".encode())


def test_a_number_counts_as_yaml_has_it() -> None:
    assert parse("a.yaml", b"{a: 0x10, b: 1_000, c: -3, d: 0.5}") == {"a": 16, "b": 1000, "c": -3, "d": 0.5}


def test_a_text_alone_is_a_list_of_one() -> None:
    pack = DETECTOR.replace("match:", "given: code.ci, where: docs, match:")

    [signal] = detector_of("tool.yaml", parse("tool.yaml", pack.encode())).signals

    assert (signal.given, signal.where) == (("code.ci",), (Role.DOCS,))


def test_what_a_command_proves_counts_among_tests_where_the_vocabulary_says_so() -> None:
    def roles(match: str, *marked: str) -> tuple[Role, ...]:
        pack = DETECTOR.replace("{call: [tool.check]}", match)
        return detector_of("tool.yaml", parse("tool.yaml", pack.encode()), frozenset(marked)).signals[0].where

    assert roles("{command: [tool]}", "data.quality") == (*DEFAULT_ROLES, Role.TEST)
    assert roles("{command: [tool]}", "data.lineage") == DEFAULT_ROLES
    assert roles("{call: [tool.check]}", "data.quality") == DEFAULT_ROLES


def test_the_default_framework_comes_first_and_there_is_one_of_it(packs: Packs) -> None:
    own = RULES.replace("id: own", "id: aaa").encode()
    vocabulary = ("capabilities.yaml", CAPABILITIES.encode())
    written = [("aaa.yaml", own), ("own.yaml", RULES.encode() + b"default: true"), vocabulary]

    made = loader._compile(loader._Written([], [], written), "")

    assert [framework.id for framework in made.frameworks] == ["own", "aaa"]
    assert [framework.default for framework in packs.frameworks] == [True] + [False] * (len(packs.frameworks) - 1)
    for wrong in (own, own + b"default: true"):
        with pytest.raises(PackError, match=r"^rules: `default: true` stands in one framework's file"):
            loader._compile(loader._Written([], [], [("aaa.yaml", wrong), *(written[1:] if b"default" in wrong else [vocabulary])]), "")


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
        ("effort: low", "effort: tiny", "effort `tiny` is none of low, medium, high"),
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
