"""Dead ends: what is set up and can't work, or that nothing follows up."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from rung.dead_ends import DeadEnds
from rung.detect import match, starts_of
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.prefilter import Prefilter
from rung.readers import Readers
from rung.records import DeadEnd, Evidence, Location, Strength
from rung.targets.worktree import open_worktree
from rung.tree import Tree

CI = ".github/workflows/ci.yml"
JOBS = "jobs:\n  test:\n    runs-on: x\n    steps:\n      - run: make\n"
STAGE = "stages:\n  train:\n    cmd: python {script}\n    deps: [{script}, data.csv]\n"
LOCK = "schema: '2.0'\nstages:\n  train:\n    cmd: {cmd}\n    deps:\n    - {{path: {script}, md5: a}}\n    - {{path: data.csv, md5: b}}\n"


@pytest.fixture(scope="module")
def matchers() -> Matchers:
    return Matchers(load_packs())


def found(
    matchers: Matchers, folder: Path, files: dict[str, str], evidence: tuple[Evidence, ...] = (), **branches: object
) -> list[tuple[str, str, str]]:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    target = open_worktree(str(folder))
    target.info = replace(target.info, **branches)
    packs = load_packs()
    read = Readers(matchers, Prefilter(matchers)).read_all(target, processes=1)
    dead_ends = DeadEnds(target, Tree(read), starts_of(match(read, matchers)))
    ends: tuple[DeadEnd, ...] = dead_ends.find(evidence, packs.detectors, packs.dead_ends)
    return [(one.kind, f"{one.location.path}:{one.location.line}", one.what) for one in ends]


@pytest.mark.parametrize(
    ("branches", "complete", "dead"),
    [
        ("[master]", False, True),
        ("[main]", False, False),
        ("['release/*']", False, False),
        ("[gone]", True, True),
        ("[gone]", False, False),
        ("[gone, main]", True, False),
    ],
)
def test_a_branch_filter_is_dead_when_no_known_branch_passes_it_and_all_are_known_or_the_default_was_renamed(
    matchers: Matchers, tmp_path: Path, branches: str, complete: bool, dead: bool
) -> None:
    ci = f"on:\n  push:\n    branches: {branches}\n{JOBS}"
    ends = found(matchers, tmp_path, {CI: ci}, default_branch="main", branches=("main", "dev"), branches_complete=complete)

    assert [kind for kind, _, _ in ends] == ["filter-never-matches"] * dead


def test_a_path_filter_is_dead_when_no_file_passes_it(matchers: Matchers, tmp_path: Path) -> None:
    ci = "on:\n  push:\n    paths: ['%s']\n" + JOBS

    assert [kind for kind, _, _ in found(matchers, tmp_path, {CI: ci % "model/**", "models/a.py": ""})] == ["filter-never-matches"]
    assert not found(matchers, tmp_path, {CI: ci % "models/**", "models/a.py": ""})


def test_a_workflow_where_its_system_never_looks_is_dead(matchers: Matchers, tmp_path: Path) -> None:
    ends = found(matchers, tmp_path, {f"service/{CI}": f"on: push\n{JOBS}", f"examples/{CI}": f"on: push\n{JOBS}"})

    assert [(kind, place) for kind, place, _ in ends] == [("out-of-place", f"service/{CI}:1")]


def test_references_to_what_is_not_there_are_dead(matchers: Matchers, tmp_path: Path) -> None:
    ci = (
        "on: push\njobs:\n  a:\n    runs-on: x\n    needs: build\n    steps:\n      - uses: ./.github/actions/gone\n"
        "  b:\n    runs-on: x\n    if: false\n    steps:\n      - run: make\n"
    )

    assert [(kind, place) for kind, place, _ in found(matchers, tmp_path, {CI: ci, "dvc.yaml": STAGE.format(script="src/gone.py")})] == [
        ("missing-job", f"{CI}:3"),
        ("missing-file", f"{CI}:7"),
        ("switched-off", f"{CI}:8"),
        ("missing-file", "dvc.yaml:3"),
    ]


def test_what_another_checkout_brings_is_not_taken_for_missing(matchers: Matchers, tmp_path: Path) -> None:
    ci = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@v4\n        with: {path: tools}\n      - uses: ./tools/act\n"

    assert not found(matchers, tmp_path, {CI: ci})


@pytest.mark.parametrize(
    ("cmd", "script", "stale"),
    [("python train.py", "train.py", False), ("python old.py", "train.py", True), ("python train.py", "old.py", True)],
)
def test_a_lock_whose_stage_has_another_command_or_other_inputs_is_stale(
    matchers: Matchers, tmp_path: Path, cmd: str, script: str, stale: bool
) -> None:
    files = {"dvc.yaml": STAGE.format(script="train.py"), "dvc.lock": LOCK.format(cmd=cmd, script=script), "train.py": ""}

    assert [place for kind, place, _ in found(matchers, tmp_path, files) if kind == "stale-lock"] == ["dvc.lock:3"] * stale


def test_a_test_run_without_tests_is_dead(matchers: Matchers, tmp_path: Path) -> None:
    ci = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: pytest\n"

    assert [kind for kind, _, _ in found(matchers, tmp_path, {CI: ci, "a.py": ""})] == ["no-tests"]
    assert not found(matchers, tmp_path, {CI: ci, "tests/test_a.py": "def test_a():\n    assert 1\n"})


def of(capability: str, detector: str = "d", signal: str = "s") -> Evidence:
    place = Location(target="repo", path="x", line=1)
    return Evidence(
        id=capability, detector=detector, signal=signal, tool="T", capability=capability, strength=Strength.IMPLEMENTED, location=place
    )  # fmt: skip


def test_a_capability_without_the_one_that_makes_use_of_it_is_dead(matchers: Matchers, tmp_path: Path) -> None:
    alone, used = (of("model.registry"),), (of("model.registry"), of("model.deployment"))

    assert [kind for kind, _, _ in found(matchers, tmp_path, {}, alone)] == ["registry-nothing-deploys-from"]
    assert not found(matchers, tmp_path, {}, used)


def test_alert_rules_without_a_receiver_are_dead(matchers: Matchers, tmp_path: Path) -> None:
    rules, receivers = of("code.alerting", "prometheus", "rules"), of("code.alerting", "prometheus", "receivers")

    assert [kind for kind, _, _ in found(matchers, tmp_path, {}, (rules,))] == ["alert-without-receiver"]
    assert not found(matchers, tmp_path, {}, (rules, receivers))


def test_a_workflow_written_where_github_never_looks_is_dead_unless_another_runs(matchers: Matchers, tmp_path: Path) -> None:
    declared = replace(of("code.ci", "github-actions", "out-of-place"), strength=Strength.DECLARED)
    lowered = replace(declared, note="in documentation")
    running = of("code.ci", "github-actions", "runs-on-change")

    assert [kind for kind, _, _ in found(matchers, tmp_path, {}, (declared,))] == ["out-of-place"]
    assert not found(matchers, tmp_path, {}, (declared, running))
    assert not found(matchers, tmp_path, {}, (lowered,))
