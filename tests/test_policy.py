"""What a configuration does to an assessment: it narrows and annotates, and raises no number; in a comparison the base's is in force."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from rung.config import load_config
from rung.packs import load_packs
from rung.records import Annotation, Config, RungError, Status
from rung.report import FORMATS, document_of, read_document, render
from rung.review import Request, assessments, difference, review
from rung.scan import scan_systems
from rung.targets.opening import open_target

Document = dict[str, Any]
_CI = "on: [push]\njobs:\n  test:\n    runs-on: x\n    steps:\n      - run: {tests}\n      - run: python churn/train.py\n"
_TRAIN = 'import mlflow\nfrom sklearn.svm import SVC\n\nmlflow.log_metric("auc", SVC().fit([[0], [1]], [0, 1]).score([[0]], [0]))\n'
_TEST = "def test_sum():\n    assert 1 + 1 == 2\n"
_FILES = {
    ".github/workflows/ci.yml": _CI.format(tests="pytest"),
    "churn/train.py": _TRAIN,
    "churn/test_sum.py": _TEST,
    "pricing/train.py": "import wandb\n\nwandb.init()\nwandb.log({'loss': 1})\n",
    "legacy/load.py": "import pandas as pd\n\nframe = pd.read_csv('/home/me/churn.csv')\n",
}
_WAIVER = "waivers:\n  - {{criterion: {criterion}, reason: moving, owner: J. Doe, expires: {expires}}}\n"


def tree(folder: Path, **files: str) -> Path:
    for name, text in (_FILES | files).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def scanned(folder: Path, config: str = "") -> tuple[Document, ...]:
    packs = load_packs()
    loaded = load_config(config.encode(), "rung.yaml", packs) if config else Config()
    return tuple(document_of(item) for item in scan_systems((open_target(str(folder)),), packs, loaded))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tree(tmp_path_factory.mktemp("policy") / "shop")


@pytest.fixture(scope="module")
def plain(repository: Path) -> Document:
    return scanned(repository)[0]


def criteria(document: Document) -> dict[str, Document]:
    return {item["id"]: item for body in document["dimensions"].values() for item in body["criteria"]}


def numbers(document: Document) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(body[key] for key in ("level", "confirmed", "score", "score_low")) for name, body in document["dimensions"].items()}


# ── Attestations and waivers ─────────────────────────────────────────────────────────────────────────


def test_a_waived_gap_is_shown_with_owner_and_expiry_and_is_not_achieved(repository: Path, plain: Document) -> None:
    gap = next(name for name, item in criteria(plain).items() if item["status"] == "unmet" and item["level"] == 2)
    found = scanned(repository, _WAIVER.format(criterion=gap, expires="2099-01-01"))[0]
    item = criteria(found)[gap]

    assert (item["status"], item["rating"]) == ("waived", "N")
    assert item["reason"] == "waived by J. Doe until 2099-01-01: moving"
    assert numbers(found) == numbers(plain)
    assert gap not in [step["criterion"] for step in found["next_steps"]]
    assert gap not in render("sarif", found).partition('"results"')[2]
    for name in ("text", "markdown", "html"):
        assert "J. Doe" in render(name, found), name
        assert "2099-01-01" in render(name, found), name


def test_an_expired_waiver_is_reported_and_has_no_effect(repository: Path, plain: Document) -> None:
    gap = next(name for name, item in criteria(plain).items() if item["status"] == "unmet")
    found = scanned(repository, _WAIVER.format(criterion=gap, expires="2020-01-01"))[0]

    assert criteria(found) == criteria(plain)
    assert [entry["force"] for entry in found["policy"]["annotations"]] == ["expired"]
    assert "expired on 2020-01-01 and without effect" in render("text", found, width=200)


def test_what_is_met_by_evidence_needs_no_word_and_stays_met(repository: Path, plain: Document) -> None:
    met = next(name for name, item in criteria(plain).items() if item["status"] == "met")
    found = scanned(repository, _WAIVER.format(criterion=met, expires="2099-01-01"))[0]

    assert criteria(found)[met]["status"] == "met"
    assert [entry["force"] for entry in found["policy"]["annotations"]] == ["not needed"]


def test_a_waived_unknown_lowers_what_could_be_and_an_attested_one_does_not(repository: Path, plain: Document) -> None:
    def high(status: str) -> float:
        unknown = [name for name, item in criteria(plain).items() if item["status"] == "unknown"]
        entries = [f"{{criterion: {name}, reason: r, owner: o, expires: 2099-01-01, link: 'https://x.example'}}" for name in unknown]
        found = scanned(repository, f"{status}: [{', '.join(entries)}]")[0]
        assert {criteria(found)[name]["status"] for name in unknown} == {"waived" if status == "waivers" else "attested"}
        return float(found["overall"]["score_high"])

    assert high("waivers") < plain["overall"]["score_high"] == high("attestations")


@pytest.mark.parametrize("seed", range(6))
def test_no_words_of_people_raise_a_number(repository: Path, plain: Document, seed: int) -> None:
    choose = random.Random(seed)
    annotations = tuple(
        Annotation(criterion=name, status=choose.choice((Status.WAIVED, Status.ATTESTED)), reason="r", owner="o", expires="2099-01-01")
        for name in criteria(plain)
        if choose.random() < 0.5
    )
    config = Config(source="rung.yaml", annotations=annotations)
    found = document_of(scan_systems((open_target(str(repository)),), load_packs(), config)[0])

    assert numbers(found) == numbers(plain)
    assert all(body["ceiling"] <= plain["dimensions"][name]["ceiling"] for name, body in found["dimensions"].items())


# ── Paths and systems ────────────────────────────────────────────────────────────────────────────────


def test_paths_left_out_are_in_the_coverage_and_earn_nothing(repository: Path) -> None:
    found = scanned(repository, "paths: {out: [churn]}")[0]

    left_out = [item for item in found["coverage"] if item["reason"] == "left out by rung.yaml"]
    assert [item["what"] for item in left_out] == ["churn/test_sum.py, churn/train.py"]
    assert left_out[0]["searched"] is False
    assert left_out[0]["capabilities"] == []
    negative = {capability.id for capability in load_packs().capabilities if capability.negative}
    assert {item["capability"] for item in found["evidence"] if item["location"]["path"].startswith("churn/")} <= negative
    assert found["targets"][0]["files"] == 3


def test_leaving_out_what_counts_against_maturity_does_not_make_it_absent(repository: Path, plain: Document) -> None:
    found = scanned(repository, "paths: {out: [legacy]}")[0]

    assert found["capabilities"]["data.local-files"] == plain["capabilities"]["data.local-files"]
    assert {item["location"]["path"] for item in found["evidence"] if item["capability"] == "data.local-files"} == {"legacy/load.py"}
    assert numbers(found) == numbers(plain)


@pytest.mark.parametrize("out", ["churn", "pricing", "legacy", ".github", "'**/*.py'", "'*'"])
def test_no_path_left_out_raises_a_number(repository: Path, plain: Document, out: str) -> None:
    found = scanned(repository, f"paths: {{out: [{out}]}}")[0]

    for name, body in found["dimensions"].items():
        before = plain["dimensions"][name]
        assert all(value is None or value <= was for value, was in zip(numbers(found)[name], numbers(plain)[name])), name
        assert all(now["achieved"] <= then["achieved"] for now, then in zip(body["levels"], before["levels"])), name


def test_systems_of_one_repository_are_assessed_apart_and_share_what_none_names(repository: Path) -> None:
    churn, pricing = scanned(
        repository, "systems:\n  - {name: churn, paths: {in: [churn]}}\n  - {name: pricing, paths: {in: [pricing], out: ['*.md']}}"
    )

    def folders(document: Document) -> set[str]:
        return {item["location"]["path"].partition("/")[0] for item in document["evidence"]}

    assert (churn["scope"], pricing["scope"]) == ({"system": "churn", "repository": "shop"}, {"system": "pricing", "repository": "shop"})
    assert folders(churn) == {"churn", ".github", "legacy"}
    assert folders(pricing) == {"pricing", ".github", "legacy"}
    tracked = [item for item in churn["evidence"] if item["capability"] == "model.experiment-tracking"]
    assert tracked[0]["chain"][0]["path"] == ".github/workflows/ci.yml"
    assert [item["what"] for item in pricing["coverage"] if item["reason"].startswith("part of another system")] == [
        "churn/test_sum.py, churn/train.py"
    ]


def test_tests_that_are_left_out_are_not_told_to_be_missing(repository: Path, tmp_path: Path) -> None:
    def kinds(document: Document) -> list[str]:
        return [item["kind"] for item in document["dead_ends"]]

    assert "no-tests" not in kinds(scanned(repository, "paths: {out: [churn]}")[0])
    assert "no-tests" not in kinds(scanned(repository, "systems: [{name: a, paths: {in: [pricing]}}, {name: b, paths: {in: [churn]}}]")[0])
    assert "no-tests" in kinds(scanned(tree(tmp_path / "shop", **{"churn/test_sum.py": ""}))[0])


def test_the_configuration_of_the_repository_names_system_frameworks_and_gate(tmp_path: Path) -> None:
    folder = tree(tmp_path / "shop", **{"rung.yaml": "system: churn model\nframeworks: [all-that]\n"})
    assert review(Request(target=str(folder)))[0]["policy"]["mistake"].startswith("rung.yaml:2: there is no framework `all-that`")
    tree(folder, **{"rung.yaml": "system: churn model\ngate: {under: {model: 4}}\n"})

    document = review(Request(target=str(folder), under={"model": 2, "code": 1}))[0]

    assert document["scope"] == {"system": "churn model"}
    assert document["gates"][0]["gate"] == "levels code=1, model=4"
    assert render("text", document).startswith("churn model (shop)")
    assert read_document(FORMATS["json"].render(document), "r.json") == document


def test_a_rung_yaml_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    folder = tree(tmp_path / "shop")
    (tmp_path / "elsewhere.yaml").write_text("system: x\n")
    (folder / "rung.yaml").symlink_to(tmp_path / "elsewhere.yaml")

    document = review(Request(target=str(folder)))[0]
    assert document["policy"]["mistake"].startswith("rung.yaml: can't be read: ")
    assert document["scope"] == {"system": "shop"}


# ── Comparisons ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """A base, and a change that throws the tests' failure away."""
    return tree(tmp_path / "base" / "shop"), tree(
        tmp_path / "head" / "shop", **{".github/workflows/ci.yml": _CI.format(tests="pytest || true")}
    )


def compared(sides: tuple[Path, Path], **more: Any) -> Document:
    return review(Request(target=str(sides[1]), against=str(sides[0]), no_regression=True, **more))[0]


def _waivers(document: Document) -> str:
    fallen = [item["subject"] for item in document["comparison"]["regressions"]]
    entries = [f"{{criterion: {name}, reason: r, owner: o, expires: 2099-01-01}}" for name in fallen]
    return f"waivers: [{', '.join(entries)}]\n"


def test_a_waiver_of_the_base_is_honoured_and_one_of_the_change_is_not(sides: tuple[Path, Path]) -> None:
    bare = compared(sides)
    assert bare["gates"][0]["failures"]
    waivers = _waivers(bare)

    (sides[1] / "rung.yaml").write_text(waivers)
    own = compared(sides)
    assert own["gates"] == bare["gates"]
    assert "differs from the earlier one, which is in force" in own["policy"]["notes"][0]

    (sides[0] / "rung.yaml").write_text(waivers)
    assert compared(sides)["gates"] == [{"gate": "no regression", "failures": []}]


def test_the_gate_and_the_paths_of_the_base_are_in_force(sides: tuple[Path, Path]) -> None:
    (sides[0] / "rung.yaml").write_text("paths: {out: [legacy]}\ngate: {on: [regression], under: {code: 4}}\n")
    (sides[1] / "rung.yaml").write_text("paths: {out: [.github]}\n")

    document = review(Request(target=str(sides[1]), against=str(sides[0])))[0]

    assert [gate["gate"] for gate in document["gates"]] == ["levels code=4", "no regression"]
    assert [item["what"] for item in document["coverage"] if item["reason"].startswith("left out")] == ["legacy/load.py"]


def test_a_configuration_that_the_user_names_is_trusted(sides: tuple[Path, Path], tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(_waivers(compared(sides)))

    assert compared(sides, config=str(file))["gates"][0]["failures"] == []
    with pytest.raises(RungError, match=r"/no/such\.yaml: can't be read"):
        compared(sides, config="/no/such.yaml")


def test_a_broken_configuration_of_the_base_is_said_and_excuses_nothing(sides: tuple[Path, Path]) -> None:
    (sides[0] / "rung.yaml").write_text("sistem: x\n")

    document = compared(sides)
    assert document["gates"][0]["failures"]
    assert document["policy"]["notes"][0].startswith("The earlier rung.yaml is wrong and not gone by: rung.yaml of shop:1: `sistem`")


def test_a_stored_result_carries_no_policy_so_the_own_one_excuses_nothing(sides: tuple[Path, Path], tmp_path: Path) -> None:
    stored = tmp_path / "base.json"
    stored.write_text(json.dumps(scanned(sides[0])[0]))
    (sides[1] / "rung.yaml").write_text(_waivers(compared(sides)))

    document = review(Request(target=str(sides[1]), against=str(stored), no_regression=True))[0]
    assert document["gates"][0]["failures"]
    assert "A stored result carries no policy" in document["policy"]["notes"][0]
    assert difference(Request(target=str(stored), against=str(stored)))[0]["comparison"]["criteria"] == []


def test_each_system_is_compared_with_itself(sides: tuple[Path, Path], tmp_path: Path) -> None:
    (sides[0] / "rung.yaml").write_text("systems:\n  - {name: churn, paths: {in: [churn]}}\n  - {name: pricing, paths: {in: [pricing]}}\n")
    (sides[1] / "churn" / "train.py").write_text("")

    churn, pricing = review(Request(target=str(sides[1]), against=str(sides[0])))

    assert "model.experiment-tracking" in churn["comparison"]["capabilities"]
    assert "model.experiment-tracking" not in pricing["comparison"]["capabilities"]
    assert [item["scope"]["system"] for item in review(Request(target=str(sides[0]), system="pricing"))] == ["pricing"]
    assert [item.scope["system"] for item in assessments(Request(target=str(sides[0])))] == ["churn", "pricing"]
    with pytest.raises(RungError, match="there is no system `x`; there are churn, pricing"):
        review(Request(target=str(sides[0]), system="x"))
    stored = tmp_path / "churn.json"
    stored.write_text(json.dumps(churn))
    with pytest.raises(RungError, match="the earlier result holds no system `pricing` but churn"):
        review(Request(target=str(sides[0]), against=str(stored), system="pricing"))
