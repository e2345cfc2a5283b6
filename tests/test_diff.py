"""What rose, fell, came, went and moved between two scans of real small trees, and why; and how it is told."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rung.detect import MAX_PLACES
from rung.diff import compare
from rung.records import Change, RungError, Strength
from rung.report import COMPARISONS, FORMATS, document_of, read_document, render, render_comparison, schema
from rung.report.comparison import comparison_of, with_comparison
from rung.scan import scan_path
from rung.verdicts import failures, with_gates

Document = dict[str, Any]
_SARIF = json.loads((Path(__file__).parent / "data" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
_CI = """\
on: [push]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: ruff check .
      - run: python train.py
      - run: {tests}
"""
_TRAIN = """\
import mlflow
from sklearn.linear_model import LogisticRegression

mlflow.log_metric("auc", 0.9)
mlflow.sklearn.log_model(LogisticRegression().fit([[0], [1]], [0, 1]), "m", registered_model_name="churn")
"""
_TEST = "def test_sum():\n    assert 1 + 1 == 2\n"


def tree(folder: Path, **files: str | None) -> Document:
    """The document of a small project; a file of None is left out."""
    all_files: dict[str, str | None] = {
        ".github/workflows/ci.yml": _CI.format(tests="pytest"),
        "requirements.txt": "mlflow==2.0\npytest==8.0\nruff==0.9\n",
        "train.py": _TRAIN,
        "tests/test_sum.py": _TEST,
    }
    all_files.update(files)
    for name, text in all_files.items():
        if text is not None:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    return document_of(scan_path(str(folder)))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return tree(tmp_path_factory.mktemp("before") / "shop")


@pytest.fixture(scope="module")
def toothless(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """The failure of the tests is thrown away, and the training does not register its model any more."""
    return tree(
        tmp_path_factory.mktemp("after") / "shop",
        **{".github/workflows/ci.yml": _CI.format(tests="pytest || true"), "train.py": _TRAIN.rpartition("mlflow.sklearn")[0]},
    )


def compared(old: Document, new: Document) -> Document:
    return with_comparison(new, comparison_of(compare(old, new, negative=frozenset({"data.local-files"})), old, new))


def changes(old: Document, new: Document) -> dict[str, tuple[str, str]]:
    found = compare(old, new, negative=frozenset())
    return {change.id: (change.old.label, change.new.label) for change in found.capabilities}


def test_nothing_is_different_between_a_tree_and_itself(before: Document, tmp_path: Path) -> None:
    found = compare(before, tree(tmp_path / "shop"), negative=frozenset())

    assert (found.capabilities, found.criteria, found.evidence, found.errors, found.regressions, found.notes) == ((), (), (), (), (), ())
    assert {dimension.change for dimension in (*found.dimensions, found.overall)} == {Change.SAME}


def test_a_gate_that_lost_its_teeth_is_told_with_file_line_and_reason(before: Document, toothless: Document) -> None:
    found = compare(before, toothless, negative=frozenset())
    change = next(change for change in found.capabilities if change.id == "code.ci-tests")
    deciding = change.evidence[0]

    assert (change.change, change.old, change.new) == (Change.FELL, Strength.AUTOMATED, Strength.IMPLEMENTED)
    assert deciding.new
    assert deciding.new.location.path == ".github/workflows/ci.yml"
    assert deciding.new.location.line == 8
    assert deciding.reason == "a failure is thrown away; before: .github/workflows/ci.yml:1 on push"


def test_evidence_that_went_names_its_old_place_and_what_is_there_now(before: Document, toothless: Document) -> None:
    found = compare(before, toothless, negative=frozenset())
    gone = [item for item in found.evidence if item.change is Change.WENT and item.old and item.old.capability == "model.registry"]

    assert [(item.old.location.path, item.old.location.line) for item in gone if item.old] == [("train.py", 5)] * len(gone)
    assert {item.reason for item in gone} == {"the file is there; this is not found in it any more"}


def test_the_other_way_round_everything_that_fell_rose(before: Document, toothless: Document) -> None:
    falls, rises = compare(before, toothless, negative=frozenset()), compare(toothless, before, negative=frozenset())

    assert {change.id for change in falls.capabilities} == {change.id for change in rises.capabilities} != set()
    assert {change.change for change in rises.capabilities} == {Change.ROSE}
    assert rises.regressions == ()


def test_a_line_that_only_went_down_is_no_change(before: Document, tmp_path: Path) -> None:
    assert compare(before, tree(tmp_path / "shop", **{"train.py": "\n\n\n" + _TRAIN}), negative=frozenset()).evidence == ()


def test_a_renamed_file_moved_its_evidence(before: Document, tmp_path: Path) -> None:
    ci = _CI.format(tests="pytest").replace("train.py", "fit.py")
    found = compare(
        before, tree(tmp_path / "shop", **{"train.py": None, "fit.py": _TRAIN, ".github/workflows/ci.yml": ci}), negative=frozenset()
    )

    assert {item.change for item in found.evidence if item.old and item.old.location.path == "train.py"} == {Change.MOVED}
    assert Change.CAME not in {item.change for item in found.evidence}
    assert {(item.old.location.path, item.new.location.path) for item in found.evidence if item.old and item.new} == {
        ("train.py", "fit.py")
    }


def test_two_files_that_both_could_be_the_renamed_one_came_and_the_old_went(before: Document, tmp_path: Path) -> None:
    after = tree(tmp_path / "shop", **{"train.py": None, "fit.py": _TRAIN, "fit2.py": _TRAIN})

    changes = compare(before, after, negative=frozenset()).evidence
    gone = {item.change for item in changes if item.old and item.old.location.path == "train.py"}
    assert gone == {Change.WENT}


def test_a_file_that_broke_is_the_reason_of_what_it_no_longer_shows(before: Document, tmp_path: Path) -> None:
    after = tree(tmp_path / "shop", **{".github/workflows/ci.yml": "on: [push\njobs: {"})
    found = compare(before, after, negative=frozenset())

    gone = [item.reason for item in found.evidence if item.old and item.old.location.path == ".github/workflows/ci.yml"]
    assert gone
    assert all(reason.startswith("the file could not be read: no valid YAML") for reason in gone)
    assert [(error.change, error.path) for error in found.errors] == [(Change.CAME, ".github/workflows/ci.yml")]
    assert [entry.change for entry in found.unsearched] == [Change.CAME]


def test_what_is_not_searched_is_compared_by_the_thing_and_not_by_the_list_it_stands_in(before: Document) -> None:
    def unsearched(parts: tuple[str, ...], more: int) -> dict[str, Any]:
        several = {"parts": list(parts), "more": more} if len(parts) > 1 else {}
        about = {"what": "; ".join(parts), "searched": False, "reason": "elsewhere", "needs": "a scan", "capabilities": []}
        return {"target": "repo"} | about | several

    def told(old: tuple[str, ...], new: tuple[str, ...], more: int = 0) -> list[tuple[Change, str]]:
        sides = (before | {"coverage": [unsearched(parts, beyond)]} for parts, beyond in ((old, 0), (new, more)))
        return [(item.change, item.what) for item in compare(*sides, negative=frozenset()).unsearched]

    assert told(("a.yml x", "b.yml y"), ("a.yml x", "b.yml y", "c.yml z")) == [(Change.CAME, "c.yml z: elsewhere")]
    assert told(("a, b; c.py",), ("a, b; c.py", "d.py")) == [(Change.CAME, "d.py: elsewhere")]
    assert told(("a.py",), ("a.py", "b.py", "c.py"), more=2) == []


def test_a_met_criterion_that_can_no_longer_be_seen_is_a_regression(before: Document) -> None:
    after = copy.deepcopy(before)
    criterion = next(item for item in after["dimensions"]["code"]["criteria"] if item["status"] == "met")
    criterion |= {"status": "unknown", "rating": None, "reason": "Not searched: ci.yml."}

    found = compare(before, after, negative=frozenset())

    assert [item.change for item in found.criteria] == [Change.CHANGED]
    assert [item.subject for item in found.regressions] == [criterion["id"]]
    assert found.regressions[0].what.endswith("was met, is unknown now: Not searched: ci.yml.")


@pytest.mark.parametrize(("status", "excused"), [("waived", True), ("attested", True), ("unmet", False)])
def test_a_waiver_or_an_attestation_in_force_excuses_a_fall(before: Document, status: str, excused: bool) -> None:
    after = copy.deepcopy(before)
    body = after["dimensions"]["code"]
    criterion = next(item for item in body["criteria"] if item["status"] == "met" and item["level"] == 1)
    criterion |= {"status": status, "rating": "N", "reason": "by J. Doe"}
    old = copy.deepcopy(before)
    old["dimensions"]["code"]["level"], body["level"] = 2, 1

    found = compare(old, after, negative=frozenset())

    assert {item.subject for item in found.regressions} == (set() if excused else {"code", criterion["id"]})


def test_a_signal_in_more_files_than_are_listed_does_not_come_and_go_by_the_list(before: Document) -> None:
    item = next(item for item in before["evidence"] if item["location"]["path"] == "train.py")
    many = [
        copy.deepcopy(item) | {"id": f"{number:012}", "location": item["location"] | {"path": f"p{number}.py"}}
        for number in range(MAX_PLACES + 5)
    ]
    old, new = copy.deepcopy(before), copy.deepcopy(before)
    old["evidence"] = many[:MAX_PLACES]
    new["evidence"] = many[5:]

    assert compare(old, new, negative=frozenset()).evidence == ()


def test_other_packs_are_said_and_another_framework_is_refused(before: Document) -> None:
    other = copy.deepcopy(before)
    other["rung"]["packs"] = "0123"
    assert "made by different detectors or rules" in compare(before, other, negative=frozenset()).notes[0]
    other["overall"]["framework"] = "google"
    with pytest.raises(RungError, match="scan both with the same --framework"):
        compare(before, other, negative=frozenset())


def test_a_dimension_that_stops_to_apply_changed_and_did_not_fall(before: Document) -> None:
    after = copy.deepcopy(before)
    after["dimensions"]["model"] |= {"level": None, "score": None, "applicable": False}

    change = next(item for item in compare(before, after, negative=frozenset()).dimensions if item.id == "model")
    assert (change.change, change.new.level) == (Change.CHANGED, None)


def test_dead_ends_come_and_go_by_their_identity(before: Document) -> None:
    old, new = copy.deepcopy(before), copy.deepcopy(before)
    end = {"id": "a", "kind": "filter", "location": {"target": "repo", "path": "ci.yml", "line": 3, "end_line": 3}, "what": "never runs"}
    old["dead_ends"] = [end | {"remediation": "mend it"}]
    new["dead_ends"] = [
        end | {"remediation": "mend it", "location": end["location"] | {"line": 9}},  # type: ignore[operator]
        end | {"id": "b", "remediation": "mend it"},
    ]

    found = compare(old, new, negative=frozenset()).dead_ends
    assert [(item.change, item.path, item.line, item.what) for item in found] == [(Change.CAME, "ci.yml", 3, "never runs")]


# ── How it is told ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def fallen(before: Document, toothless: Document) -> Document:
    return with_gates(compared(before, toothless), {}, regression=True)


def test_the_published_schema_of_a_comparison_holds_and_shares_its_definitions(fallen: Document) -> None:
    published = schema("comparison")
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.Draft202012Validator(published).validate(json.loads(render_comparison("json", fallen)))
    shared = set(published["$defs"]) & set(schema()["$defs"])
    assert shared == {"level", "score", "strength", "line", "location", "target", "evidence", "gates", "evidence_ids"}
    assert all(published["$defs"][name] == schema()["$defs"][name] for name in shared)


def test_a_result_that_holds_a_comparison_is_read_back_and_a_broken_one_refused(fallen: Document) -> None:
    assert read_document(FORMATS["json"].render(fallen), "r.json") == fallen
    with pytest.raises(RungError, match=r"r\.json: \$\.comparison"):
        read_document(json.dumps(fallen | {"comparison": {"schema": "rung/comparison/1"}}), "r.json")


def test_the_terminal_names_what_fell_the_line_the_reason_and_the_gate(fallen: Document) -> None:
    shown = render_comparison("text", fallen, width=100)

    for line in (
        "▼ code.ci-tests  automated → implemented",
        "    .github/workflows/ci.yml:8  pytest  automated → implemented",
        "      a failure is thrown away; before: .github/workflows/ci.yml:1 on push",
        "Gate `no regression` failed",
    ):
        assert line in shown.splitlines(), line


def test_the_comment_leads_with_the_levels_and_stays_within_the_host_limit(fallen: Document) -> None:
    shown = render("markdown", fallen)

    assert shown.startswith("### Rung: Data ")
    assert "▼ **code.ci-tests** automated → implemented" in shown
    assert "Gate `no regression` failed:" in shown
    assert "<summary>Where the system stands</summary>" in shown
    assert shown.count("<details>") == shown.count("</details>")
    assert len(shown) < 65_536


def test_a_capability_that_counts_against_maturity_is_worse_when_it_rises(before: Document, tmp_path: Path) -> None:
    after = tree(tmp_path / "shop", **{"load.py": "import pandas as pd\n\ndf = pd.read_csv('/home/me/data/churn.csv')\n"})

    assert changes(before, after)["data.local-files"] == ("absent", "implemented")
    assert "▼ data.local-files  absent → implemented  (counts against maturity)" in render_comparison("text", compared(before, after))


def test_sarif_holds_only_what_is_worse_than_before(before: Document, toothless: Document, fallen: Document) -> None:
    log = json.loads(render_comparison("sarif", fallen))
    jsonschema.validate(log, _SARIF)
    shown = {result["ruleId"] for result in log["runs"][0]["results"]}
    worse = {item.id for item in compare(before, toothless, negative=frozenset()).criteria if item.change is Change.FELL}
    all_gaps = {result["ruleId"] for result in json.loads(render("sarif", toothless))["runs"][0]["results"]}

    assert shown == worse
    assert shown < all_gaps
    assert json.loads(render_comparison("sarif", compared(toothless, before)))["runs"][0]["results"] == []


@pytest.mark.parametrize("name", COMPARISONS)
def test_no_format_of_a_comparison_lets_control_characters_or_markup_through(name: str, fallen: Document) -> None:
    hostile = copy.deepcopy(fallen)
    hostile["comparison"]["evidence"][0]["reason"] = "\x1b[31m<script> @everyone </details>"

    shown = render_comparison(name, hostile, verbose=True)
    assert "\x1b" not in shown
    if name == "markdown":
        assert "<script>" not in shown
        assert " @everyone" not in shown


# ── Gates ────────────────────────────────────────────────────────────────────────────────────────────


def test_gates_judge_levels_and_regressions_and_say_nothing_when_not_asked(fallen: Document, before: Document) -> None:
    assert "gates" not in with_gates(before, {}, regression=False)
    assert "gates" not in with_gates(before, {}, regression=True)
    assert failures(with_gates(before, {"code": 1}, regression=False)) == []
    assert failures(with_gates(before, {"code": 4, "overall": 1}, regression=False)) == [
        f"code is at level {before['dimensions']['code']['level']}, 4 demanded"
    ]
    assert any("code.ci-tests automated → implemented (.github/workflows/ci.yml:8" in failure for failure in failures(fallen))
