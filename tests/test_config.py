"""`rung.yaml` is read strictly and bounded; a mistake is told with file, line and key."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from rung.config import MAX_BYTES, load_config, schema
from rung.packs import load_packs
from rung.policy import within
from rung.records import Annotation, Config, ConfigError, RungError, Scope, Status, SystemRule
from rung.starter import write_starter

_FULL = """\
schema: rung/config/1
system: shop
frameworks: [mlab]
paths:
  in: [services, .github]
  out: ["**/legacy"]
systems:
  - name: churn
    paths: {in: [services/churn]}
attestations:
  - {criterion: model-core-business, reason: board, owner: B. Roe, expires: 2027-01-31, link: "https://x.example/1"}
waivers:
  - criterion: code-ci-practised
    reason: moving
    owner: J. Doe
    expires: 2027-06-30
    system: churn
gate:
  under: {data: 2, overall: 1}
  on: [regression]
"""


def load(text: str | bytes) -> Config:
    return load_config(text if isinstance(text, bytes) else text.encode(), "rung.yaml", load_packs())


def test_every_key_is_read() -> None:
    waiver = {"criterion": "code-ci-practised", "reason": "moving", "owner": "J. Doe", "expires": "2027-06-30", "system": "churn"}
    attestation = {
        "criterion": "model-core-business", "reason": "board", "owner": "B. Roe", "expires": "2027-01-31", "link": "https://x.example/1",
    }  # fmt: skip
    assert load(_FULL) == Config(
        source="rung.yaml",
        system="shop",
        frameworks=("mlab",),
        scope=Scope(inside=("services", ".github"), outside=("**/legacy",)),
        systems=(SystemRule(name="churn", scope=Scope(inside=("services/churn",))),),
        annotations=(Annotation(status=Status.ATTESTED, **attestation), Annotation(status=Status.WAIVED, **waiver)),
        under=(("data", 2), ("overall", 1)),
        no_regression=True,
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_an_empty_file_says_nothing(text: str) -> None:
    assert load(text) == Config(source="rung.yaml")


_WAIVER = "waivers:\n  - criterion: {criterion}\n    reason: r\n    owner: o\n    expires: {expires}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("system: a\nsistem: b\n", "rung.yaml:2: `sistem` is unknown, did you mean `system`?; there are attestations"),
        ("paths:\n  out: [a]\n  except: [b]\n", "rung.yaml:3: `paths.except` is unknown"),
        ("system: a\nsystem: b\n", "rung.yaml:2: `system` is there twice"),
        ("gate:\n  under:\n    data: 5\n", "rung.yaml:3: `gate.under.data`: 5 is greater than the maximum of 4"),
        ("gate:\n  on: [level]\n", "rung.yaml:2: `gate.on.0`"),
        ("system: [a]\n", "rung.yaml:1: `system`: ['a'] is not of type 'string'"),
        ("waivers:\n  - criterion: code-ci-practised\n", "rung.yaml:2: `waivers.0`: 'reason' is a required property"),
        ("attestations:\n  - {criterion: a, reason: r, owner: o, expires: 2027-01-01}\n", "'link' is a required property"),
        (_WAIVER.format(criterion="code-ci-practise", expires="2027-01-01"), "there is no criterion `code-ci-practise`, did you mean"),
        (_WAIVER.format(criterion="zzz", expires="2027-01-01"), "there is no criterion `zzz`; `rung list rules` shows all"),
        (_WAIVER.format(criterion="code-ci-practised", expires="2027-02-30"), "rung.yaml:2: `expires: 2027-02-30` is no date"),
        (_WAIVER.format(criterion="code-ci-practised", expires="soon"), "`waivers.0.expires`: 'soon' does not match"),
        (_WAIVER.format(criterion="code-ci-practised", expires="2027-01-01") + "    system: x\n", "there is no system `x` in `systems`"),
        (_WAIVER.format(criterion="code-ci-practised", expires="2027-01-01") * 1 + _WAIVER[9:].format(
            criterion="code-ci-practised", expires="2028-01-01"), "rung.yaml:6: `code-ci-practised` is attested or waived twice"),
        ("frameworks: [zodiac]\n", "rung.yaml:1: there is no framework `zodiac`; there are mlab"),
        ("systems:\n  - {name: a, paths: {in: [x]}}\n  - {name: a, paths: {in: [y]}}\n", "there are two systems `a`"),
        ("systems:\n  - {name: a, paths: {out: [x]}}\n", "rung.yaml:2: `systems.0.paths`: 'in' is a required property"),
        ("paths: {out: [/etc]}\n", "paths start at the repository's root and stay in it"),
        ("paths: {out: [../x]}\n", "paths start at the repository's root and stay in it"),
        ("paths: {out: ['*a*b*c*']}\n", "more than 2 `*` in one part"),
        ("paths: {out: ['**/a/**/b/**']}\n", "more than 2 `*` in one part or `**` in all"),
        ("paths: {out: ['{a,b}{a,b}{a,b}{a,b}{a,b}']}\n", "its braces stand for more than 16 globs"),
        ("- a\n", "rung.yaml:1: expected one mapping"),
        ("--- {}\n--- {}\n", "rung.yaml:1: expected one mapping"),
        ("system: &a x\nframeworks: [*a]\n", "rung.yaml:2: an alias: write the value out"),
        ("<<: {system: a}\n", "rung.yaml:1: `<<`: write the keys out"),
        ("system: [\n", "rung.yaml:2: no valid YAML"),
        ("[" * 100_000, "rung.yaml:1: nested deeper than"),
        ("#" * (MAX_BYTES + 1), "rung.yaml: larger than 256 KiB"),
        ('"a\\e[31m": x\n', "`a\\x1b[31m` is unknown"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_line_and_key(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        load(text)


def test_a_waiver_for_one_system_and_one_for_another_are_two() -> None:
    systems = "systems:\n  - {name: a, paths: {in: [a]}}\n  - {name: b, paths: {in: [b]}}\n"
    one = _WAIVER.format(criterion="code-ci-practised", expires="2027-01-01") + "    system: a\n"
    two = _WAIVER[9:].format(criterion="code-ci-practised", expires="2027-01-01") + "    system: b\n"

    assert [item.system for item in load(systems + one + two).annotations] == ["a", "b"]


def test_the_published_schema_is_valid_closed_and_takes_what_the_loader_takes() -> None:
    published = schema()
    jsonschema.Draft202012Validator.check_schema(published)
    assert published["additionalProperties"] is False
    jsonschema.Draft202012Validator(published).validate(_json_of(_FULL))


def _json_of(text: str) -> Any:
    return yaml.load(re.sub(r"(\d{4}-\d\d-\d\d)", r'"\1"', text).replace("  on:", '  "on":'), Loader=yaml.SafeLoader)


@pytest.mark.parametrize(
    ("scope", "path", "belongs"),
    [
        (Scope(), "a/b.py", True),
        (Scope(outside=("legacy",)), "legacy/x.py", False),
        (Scope(outside=("legacy",)), "src/legacy.py", True),
        (Scope(outside=("legacy/",)), "legacy/deep/x.py", False),
        (Scope(outside=("*.ipynb",)), "deep/in/x.ipynb", False),
        (Scope(outside=("**/scratch",)), "a/b/scratch/x.py", False),
        (Scope(inside=("services/churn",)), "services/churn/x.py", True),
        (Scope(inside=("services/churn",)), "services/churn2/x.py", False),
        (Scope(inside=("services",), outside=("services/old/**",)), "services/old/x.py", False),
    ],
)
def test_a_path_belongs_by_globs_and_a_folder_means_all_below_it(scope: Scope, path: str, belongs: bool) -> None:
    assert within(scope)(path) is belongs


# ── rung init ────────────────────────────────────────────────────────────────────────────────────────


def test_the_starter_is_valid_as_it_is_and_with_every_example_taken(tmp_path: Path) -> None:
    write_starter(str(tmp_path), workflow=False)
    text = (tmp_path / "rung.yaml").read_text()
    taken = re.sub(r"(?m)^# (?=[a-z]+:|  )", "", text)

    assert load(text) == Config(source="rung.yaml")
    config = load(taken)
    assert (config.system, len(config.systems), len(config.annotations), len(config.under)) == ("churn-model", 2, 2, 3)
    assert config.no_regression
    assert config.scope.outside


def test_the_starter_never_writes_over_a_file(tmp_path: Path) -> None:
    write_starter(str(tmp_path), workflow=True)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.y*ml")) == [".github/workflows/rung.yml", "rung.yaml"]
    (tmp_path / "rung.yaml").unlink()

    with pytest.raises(RungError, match=r"rung\.yml is there already"):
        write_starter(str(tmp_path), workflow=True)
    assert not (tmp_path / "rung.yaml").exists()


def test_the_starter_workflow_pins_its_actions_and_takes_no_permission_but_reading() -> None:
    text = resources.files("rung").joinpath("starter-workflow.yaml").read_text(encoding="utf-8")
    workflow = yaml.load(text.replace("\non:", '\n"on":'), Loader=yaml.SafeLoader)

    assert workflow["permissions"] == {}
    assert workflow["jobs"]["maturity"]["permissions"] == {"contents": "read"}
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in workflow["jobs"]["maturity"]["steps"] if "uses" in step)
    assert not re.search(r"run:.*\$\{\{", text)


def test_systems_whose_reports_would_be_one_file_are_refused() -> None:
    systems = "systems:\n  - {name: x y, paths: {in: [a]}}\n  - {name: x-y, paths: {in: [b]}}\n"

    with pytest.raises(ConfigError, match="the reports of the systems `x y` and `x-y` would be one file; rename one"):
        load_config(systems.encode(), "rung.yaml", load_packs())
