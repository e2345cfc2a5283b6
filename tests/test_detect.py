"""How strong a match is where it stands: roles, triggers, teeth, and what a repository names after a tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from rung.detect import unread
from rung.records import Coverage, Evidence, SourceFile, Strength
from tests.cases import Finder

CI = ".github/workflows/ci.yml"
CALL = "import mlflow\n\nmlflow.log_metric('a', 1)\n"


@pytest.fixture(scope="module")
def finder() -> Finder:
    return Finder()


def found(finder: Finder, folder: Path, files: dict[str, str], capability: str) -> list[Evidence]:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return [item for item in finder.scan(folder) if item.capability == capability]


def workflow(*steps: str, on: str = "push", job: str = "") -> str:
    return f"on: {on}\njobs:\n  build:\n    runs-on: ubuntu-latest\n{job}    steps:\n" + "".join(f"      - {step}\n" for step in steps)


@pytest.mark.parametrize(
    ("path", "strength", "note"),
    [
        ("train.py", Strength.IMPLEMENTED, "no automatic trigger"),
        ("tests/test_train.py", Strength.DECLARED, "in test code"),
        ("examples/train.py", Strength.DECLARED, "in an example"),
        ("docs/train.py", Strength.DECLARED, "in documentation"),
    ],
)
def test_the_role_of_a_file_bounds_what_a_call_in_it_proves(
    finder: Finder, tmp_path: Path, path: str, strength: Strength, note: str
) -> None:
    (item,) = found(finder, tmp_path, {path: CALL}, "model.experiment-tracking")

    assert item.strength is strength
    assert note in item.note


def test_vendored_code_proves_nothing(finder: Finder, tmp_path: Path) -> None:
    assert found(finder, tmp_path, {"vendor/lib/train.py": CALL}, "model.experiment-tracking") == []


def test_a_local_module_with_the_name_of_a_tool_is_not_the_tool(finder: Finder, tmp_path: Path) -> None:
    assert found(finder, tmp_path, {"train.py": CALL, "mlflow.py": "def log_metric(a, b):\n    pass\n"}, "model.experiment-tracking") == []


def test_a_script_that_ci_runs_is_automated_and_its_chain_names_lines_that_are_there(finder: Finder, tmp_path: Path) -> None:
    (item,) = found(finder, tmp_path, {"train.py": CALL, CI: workflow("run: python train.py")}, "model.experiment-tracking")

    assert item.strength is Strength.AUTOMATED
    assert [f"{hop.path}:{hop.line}" for hop in item.chain] == [f"{CI}:1", f"{CI}:3", f"{CI}:6", "train.py:1", "train.py:3"]


@pytest.mark.parametrize(
    ("text", "strength", "note"),
    [
        (workflow("run: ruff check"), Strength.AUTOMATED, ""),
        (workflow("run: ruff check", on="workflow_dispatch"), Strength.IMPLEMENTED, "only started by hand"),
        (workflow("run: ruff check || true"), Strength.IMPLEMENTED, "thrown away"),
        (workflow("{run: ruff check, continue-on-error: true}"), Strength.IMPLEMENTED, "thrown away"),
        (workflow("run: ruff check", job="    continue-on-error: true\n"), Strength.IMPLEMENTED, "thrown away"),
        (workflow("run: ruff check", job="    if: false\n"), Strength.DECLARED, "disabled"),
    ],
)
def test_a_step_counts_for_what_it_can_do(finder: Finder, tmp_path: Path, text: str, strength: Strength, note: str) -> None:
    (item,) = found(finder, tmp_path, {CI: text}, "code.lint")

    assert item.strength is strength
    assert note in item.note


def test_a_command_that_counts_only_in_ci_counts_in_a_make_target_that_ci_starts(finder: Finder, tmp_path: Path) -> None:
    files = {"Makefile": "test:\n\tpytest\n", "tests/test_sums.py": "def test_sum():\n    assert 1 + 1 == 2\n"}

    assert found(finder, tmp_path, files, "code.ci-tests") == []
    (item,) = found(finder, tmp_path, {**files, CI: workflow("run: make test")}, "code.ci-tests")
    assert (item.location.path, item.location.line, item.strength) == ("Makefile", 2, Strength.AUTOMATED)


@pytest.mark.parametrize(
    ("checks", "needs", "held"),
    [
        ("pytest", "build", True),
        ("pytest", "checks", True),
        ("pytest || true", "build", False),
        ("echo pytest", "build", False),
        ("pytest", "nothing", False),
    ],
)
def test_a_release_waits_for_checks_in_jobs_before_it_near_or_far(
    finder: Finder, tmp_path: Path, checks: str, needs: str, *, held: bool
) -> None:
    jobs = {
        "checks": ("", checks),
        "build": ("needs: checks", "python -m build"),
        "nothing": ("", "ls"),
        "last": (f"needs: {needs}", "twine upload dist/*"),
    }
    text = "on: push\njobs:\n" + "".join(
        f"  {name}:\n    runs-on: ubuntu-latest\n    {more or 'timeout-minutes: 9'}\n    steps:\n      - run: {run}\n"
        for name, (more, run) in jobs.items()
    )

    items = [item for item in found(finder, tmp_path, {CI: text}, "code.quality-gates") if item.signal == "release-needs"]

    assert bool(items) is held


def test_evidence_keeps_its_identity_when_lines_move(finder: Finder, tmp_path: Path) -> None:
    (before,) = found(finder, tmp_path, {"train.py": CALL}, "model.experiment-tracking")
    (after,) = found(finder, tmp_path, {"train.py": "\n\n" + CALL}, "model.experiment-tracking")

    assert before.id == after.id
    assert before.location.line != after.location.line


def test_occurrences_in_one_file_are_one_piece_of_evidence(finder: Finder, tmp_path: Path) -> None:
    (item,) = found(finder, tmp_path, {"train.py": CALL + "mlflow.log_metric('b', 2)\n"}, "model.experiment-tracking")

    assert (item.occurrences, item.location.line) == (2, 3)


def test_a_link_within_the_tree_hides_nothing() -> None:
    reasons = {"same.py": "symbolic link", "out.py": "symbolic link out of the tree", "read.py": ""}
    files = [SourceFile(path=path, size=1, unread=reason) for path, reason in reasons.items()]

    told = unread(files, lambda _: ("code.ci",), "repo")

    assert [(gap.what, gap.reason) for gap in told] == [("out.py", "symbolic link out of the tree")]


def test_what_the_listing_tells_of_a_file_is_told_once_with_what_the_file_could_have_shown() -> None:
    listed = Coverage(target="repo", what="file big.py", searched=False, reason="larger than 4 MiB", needs="a file within the limit")
    files = [SourceFile(path="big.py", size=9, unread="larger than 4 MiB"), SourceFile(path="odd.py", size=9, unread="no text")]

    told = unread(files, lambda _: ("code.ci",), "repo", (listed,))

    assert [(gap.what, gap.needs, gap.capabilities) for gap in told] == [
        ("file big.py", "a file within the limit", ("code.ci",)),
        ("odd.py", "a look by hand", ("code.ci",)),
    ]


def test_coverage_names_the_first_of_many_files_and_counts_the_rest() -> None:
    (gap,) = unread([SourceFile(path=f"{name}.py", size=9, unread="no text") for name in "edcba"], lambda _: (), "repo")

    assert (gap.what, gap.parts, gap.more) == ("a.py, b.py, c.py and 2 more", ("a.py", "b.py", "c.py"), 2)


def test_what_a_signal_depends_on_may_depend_on_another_itself(finder: Finder, tmp_path: Path) -> None:
    files = {
        "model/inference/predict.py": "import joblib\n\nmodel = joblib.load('m.joblib')\nmodel.predict(rows).to_sql('scores')\n",
        "store.py": "import sqlalchemy\n\nengine = sqlalchemy.create_engine('postgresql://db/x')\n",
        "Dockerfile": 'FROM python:3.12\nCOPY . .\nCMD ["python", "model/inference/predict.py"]\n',
    }

    assert {item.strength for item in found(finder, tmp_path, files, "model.serving")} >= {Strength.IMPLEMENTED}
    assert [item.location.path for item in found(finder, tmp_path, files, "model.packaging") if item.strength >= Strength.IMPLEMENTED]


def test_a_mention_is_enough_where_a_signal_asks_for_one_that_proves_no_more(finder: Finder, tmp_path: Path) -> None:
    script = '{"name": "shop", "scripts": {"lint": "eslint src"}%s}'

    assert not found(finder, tmp_path / "without", {"package.json": script % ""}, "code.lint")
    mentioned = found(finder, tmp_path / "with", {"package.json": script % ', "devDependencies": {"eslint": "9"}'}, "code.lint")
    assert {item.signal for item in mentioned} == {"runs", "dependency"}


def test_what_a_service_does_when_somebody_asks_is_automated_by_a_schedule_only(finder: Finder, tmp_path: Path) -> None:
    files = {
        "app.py": "import fastapi\nimport joblib\n\nimport switch\n\nmodel = joblib.load('m')\napp = fastapi.FastAPI()\n\n\n"
        "@app.post('/predict')\ndef predict(row: list):\n    return model.predict([row])\n\n\n"
        "@app.post('/undo')\ndef undo():\n    switch.undo()\n",
        "switch.py": "import store\n\n\ndef undo():\n    store.rollback_model('m')\n\n\nif __name__ == '__main__':\n    undo()\n",
        "Procfile": "web: uvicorn app:app\n",
    }
    (asked,) = found(finder, tmp_path / "asked", files, "model.rollback")
    (timed,) = found(finder, tmp_path / "timed", {**files, "crontab": "0 3 * * * python switch.py\n"}, "model.rollback")

    assert (asked.strength, asked.note) == (Strength.IMPLEMENTED, "a service does it when somebody asks")
    assert (timed.strength, timed.note) == (Strength.AUTOMATED, "")


@pytest.mark.parametrize(
    ("steps", "note", "lines"),
    [
        (["run: python load.py"], "", [6]),
        (["run: python load.py || echo failed"], "a failure is thrown away", []),
        (["{run: python load.py, continue-on-error: true}"], "a failure is thrown away", []),
        (["run: python load.py || true", "run: make data"], "", [7]),
    ],
    ids=["counts", "thrown away", "let pass", "counts elsewhere"],
)
def test_a_check_of_data_that_runs_where_its_failure_is_thrown_away_is_not_automated(
    finder: Finder, tmp_path: Path, steps: list[str], note: str, lines: list[int]
) -> None:
    check = "import pandas as pd\n\nframe = pd.read_csv('s3://yard/a.csv')\nif frame.empty:\n    raise ValueError('no rows')\n"
    files = {"load.py": check, "Makefile": "data:\n\tpython load.py\n", CI: workflow(*steps)}
    (checks,) = (item for item in found(finder, tmp_path, files, "data.quality"))
    reads = found(finder, tmp_path, files, "data.object-storage")

    assert (checks.strength, checks.note) == (Strength.IMPLEMENTED if note else Strength.AUTOMATED, note)
    assert [hop.line for hop in checks.chain if hop.path == CI and hop.line > 5] == lines
    assert {item.strength for item in reads} == {Strength.AUTOMATED}


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("Rscript run.R", {"run.R": "source('R/fit.R')\n", "R/fit.R": "library(mlflow)\nmlflow_log_metric('a', 1)\n"}),
        ("julia run.jl", {"run.jl": 'include("src/fit.jl")\n', "src/fit.jl": 'using MLFlowClient\nlogmetric(mlf, run, "a", 1.0)\n'}),
    ],
)
def test_a_script_that_only_takes_in_others_is_read_too(finder: Finder, tmp_path: Path, command: str, files: dict[str, str]) -> None:
    (item,) = found(finder, tmp_path, files | {CI: workflow(f"run: {command}")}, "model.experiment-tracking")

    assert item.strength is Strength.AUTOMATED


def test_a_service_starts_no_other_resource_of_its_file(finder: Finder, tmp_path: Path) -> None:
    text = 'resource "google_cloud_run_v2_service" "shop" {\n  name = "shop"\n}\nresource "google_storage_bucket" "sales" {\n  name = "sales"\n}\n'
    (item,) = found(finder, tmp_path, {"main.tf": text}, "data.object-storage")

    assert item.strength is Strength.AUTOMATED
    assert [(hop.line, hop.what) for hop in item.chain] == [(4, "provisioned as code")]


@pytest.mark.parametrize(
    ("path", "strength"),
    [
        (".github/workflows/ci.yml", Strength.AUTOMATED),
        ("shop/.github/workflows/ci.yml", Strength.DECLARED),
        (".github/actions/check/action.yml", Strength.AUTOMATED),
    ],
)
def test_a_workflow_where_its_system_never_looks_is_only_declared(finder: Finder, tmp_path: Path, path: str, strength: Strength) -> None:
    steps = "      - run: pytest\n"
    files = {
        path: f"on: push\njobs:\n  test:\n    runs-on: x\n    steps:\n{steps}",
        "tests/test_fit.py": "def test_fit():\n    assert fit() == 1\n",
    }
    if "actions" in path:
        files[path] = f"runs:\n  using: composite\n  steps:\n{steps}        shell: bash\n"
        files[".github/workflows/ci.yml"] = "on: push\njobs:\n  test:\n    runs-on: x\n    steps:\n      - uses: ./.github/actions/check\n"
    tests = [item for item in found(finder, tmp_path, files, "code.ci-tests") if item.detector == "pytest" and item.location.path == path]

    assert [item.strength for item in tests] == [strength]
