"""Levels over time, told of real repositories; every mark is checked against scans of the commit and its parent."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from rung import cli
from rung.history import Asked, history_of
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.records import Change, Config, History, RungError, Standing, Strength, TargetError
from rung.report import HISTORIES, render_history
from rung.report.document import schema
from rung.report.history import history_document, moved
from rung.rescan import Rescan
from rung.scan import scan_path
from rung.targets.revision import Revisions
from tests.hostile import git
from tests.repositories import ask, write

_TRAIN = """\
import mlflow
from sklearn.linear_model import LogisticRegression

mlflow.log_metric("auc", 0.9)
mlflow.sklearn.log_model(LogisticRegression().fit([[0], [1]], [0, 1]), "m", registered_model_name="churn")
"""
_FITTING = "from sklearn.linear_model import Ridge\n\n\ndef fit():\n    Ridge().fit([[1]], [2])\n\n\ndef look():\n    pass\n\n\n"
_CI = "on: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pytest\n      - run: python train.py\n"
_CI_OF_MAIN = _CI.replace("train.py", "main.py")
_STORE = "import psycopg2\n\n\ndef store(url):\n    return psycopg2.connect(url)\n"
_LIBRARY = {
    "pyproject.toml": "[project]\nname = 'it'\n",
    ".github/workflows/ship.yml": "on: [push]\njobs:\n  ship:\n    runs-on: ubuntu-latest\n    steps:\n      - run: twine upload dist/*\n",
    "src/it/__init__.py": "",
    "src/it/stores.py": _STORE,
}
_TEST = "def test_sum():\n    assert 1 + 1 == 2\n"


@pytest.fixture(autouse=True)
def _compile_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals are compiled for the first test, and are the same for all."""
    monkeypatch.setattr("rung.scan.Matchers", lambda _: compiled())
    monkeypatch.setattr("rung.rescan.Matchers", lambda _: compiled())


@cache
def compiled() -> Matchers:
    return Matchers(load_packs())


class Project:
    """A repository that grows by one commit a day."""

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.commits: list[str] = []
        self._day = 0
        git(folder, "init", "-q", "-b", "main", *options)

    def commit(self, subject: str = "x", gone: tuple[str, ...] = (), days: int = 1, **files: str) -> str:
        """One more commit with these files (`__` is `/`, `_dot_` a dot) written and those removed; gives its id."""
        write(self.folder, **files)
        for name in gone:
            (self.folder / name).unlink()
        git(self.folder, "add", "-A")
        return self.record("commit", "-q", "--allow-empty", "-m", subject, days=days)

    def replace(self, files: Mapping[str, str]) -> str:
        """One more commit, of these files only."""
        git(self.folder, "rm", "-rq", "--ignore-unmatch", ".")
        self.folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        return self.commit()

    def record(self, *arguments: str, days: int = 1) -> str:
        """Any git command that makes a commit, on the next day."""
        self._day += days
        # A year of months of 28 days is date enough.
        date = f"2026-{1 + self._day // 28:02}-{1 + self._day % 28:02}T12:00:00Z"
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{
                f"GIT_{who}_{what}": value
                for who in ("AUTHOR", "COMMITTER")
                for what, value in (("NAME", "n"), ("EMAIL", "e"), ("DATE", date))
            },
        }
        subprocess.run(["git", *arguments], cwd=self.folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        self.commits.append(ask(self.folder, "rev-parse", "HEAD"))
        return self.commits[-1]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "it")


def grown(project: Project) -> Project:
    """Eight commits: of one matters the training, of one the tests in CI, of one that they go."""
    project.commit("begin", README_dot_md="# it\n")
    project.commit("train", train_dot_py=_TRAIN, requirements_dot_txt="mlflow==2.0\nscikit-learn==1.5\n")
    project.commit("words", README_dot_md="# it\n\nmore\n")
    project.commit("continuous integration", _dot_github__workflows__ci_dot_yml=_CI, tests__test_sum_dot_py=_TEST)
    project.commit("a comment", train_dot_py="# why\n" + _TRAIN)
    project.commit("empty")
    project.commit("drop the workflow", gone=(".github/workflows/ci.yml",))
    project.commit("last words", README_dot_md="# it\n\nend\n")
    return project


def history(project: Project, **asked: object) -> History:
    return history_of(Asked(target=str(project.folder), **asked))  # type: ignore[arg-type]


def strengths(folder: Path, revision: str) -> dict[str, Strength]:
    return {name: strength for name, strength, _ in scan_path(str(folder), revision=revision).strengths if strength > Strength.ABSENT}


def subjects(found: History) -> list[str]:
    return [mark.subject for mark in found.marks]


# ── Each revision as by itself ───────────────────────────────────────────────────────────────────────


def test_every_revision_stands_where_a_scan_of_it_alone_puts_it(project: Project) -> None:
    found = history(grown(project), by="commits")

    assert [sample.commit for sample in found.samples] == project.commits
    for sample in found.samples:
        alone = scan_path(str(project.folder), revision=sample.commit)
        assert dict(sample.standings.strengths) == strengths(project.folder, sample.commit)
        assert [standing.level for _, standing in sample.standings.dimensions] == [one.level for one in alone.results[0].dimensions]
        assert [standing.score for _, standing in sample.standings.dimensions] == [one.score for one in alone.results[0].dimensions]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"train.py": "import mlflow\nmlflow.log_metric('a', 1)\n"}, {"mlflow.py": ""}),
        ({"requirements.txt": "-r more.in\n", "more.in": "mlflow\n"}, {"more.in": "dvc\n"}),
        ({"requirements.txt": "-r more.in\n", "more.in": "mlflow\n"}, {"requirements.txt": "pytest\n"}),
        (
            {"Makefile": "train:\n\tpython train.py\n", "train.py": _TRAIN, ".github/workflows/a.yml": _CI},
            {"Makefile": "\n\ntrain:\n\tpython train.py\n"},
        ),
        ({".github/workflows/a.yml": _CI, "train.py": _TRAIN}, {".github/workflows/a.yml": _CI.replace("[push]", "workflow_dispatch")}),
        ({".github/workflows/a.yml": _CI, "train.py": _TRAIN}, {".github/workflows/a.yml": "on: [push\n"}),
        (_LIBRARY, {"pyproject.toml": "[project]\nname = 'it'\n[project.scripts]\nit = 'it.stores:store'\n"}),
        (_LIBRARY, {"src/it/stores.py": _STORE + "\nif __name__ == '__main__':\n    store('')\n"}),
        ({"src/train.py": _TRAIN}, {"tests/train.py": _TRAIN, "src/train.py": ""}),
        ({"main.py": "import os\nimport train\n", "train.py": _TRAIN, ".github/workflows/a.yml": _CI_OF_MAIN}, {"main.py": "import os\n"}),
        (
            {"main.py": "import train\n", "train.py": _TRAIN, ".github/workflows/a.yml": _CI_OF_MAIN},
            {"main.py": "import other\n", "other.py": ""},
        ),
        ({"a.py": "import train\n", "main.py": "", "train.py": _TRAIN, ".github/workflows/a.yml": _CI_OF_MAIN}, {"main.py": "import a\n"}),
        ({"main.py": _FITTING + "fit()\n", ".github/workflows/a.yml": _CI_OF_MAIN}, {"main.py": _FITTING + "print()\n"}),
        (
            {"main.py": "import fitting\nfitting.fit()\n", "fitting.py": _FITTING, ".github/workflows/a.yml": _CI_OF_MAIN},
            {"main.py": "import fitting\nfitting.look()\n"},
        ),
        (
            {"main.py": _FITTING + "fit()\n", ".github/workflows/a.yml": _CI_OF_MAIN},
            {"main.py": _FITTING.replace("def look():\n    pass\n", "").replace("def fit", "def look():\n    pass\ndef old") + "look()\n"},
        ),
        (
            {"main.py": _FITTING + "fit()\n", ".github/workflows/a.yml": _CI_OF_MAIN},
            {"main.py": _FITTING.replace("fit():", "new():").replace("look():", "fit():").replace("new():", "look():") + "fit()\n"},
        ),
        ({**_LIBRARY, "app/run.py": "import json\n"}, {"app/run.py": "from it import stores\n"}),
        ({**_LIBRARY, "tests/test_it.py": "import json\n"}, {"tests/test_it.py": "from it import stores\n"}),
    ],
    ids=[
        "a name becomes local",
        "a continuation changes",
        "nothing continues",
        "lines move",
        "a trigger goes",
        "a file breaks",
        "a library gets a command",
        "a library gets a program",
        "a copy in tests",
        "an import goes",
        "an import leads to another file",
        "an import leads on",
        "a function is no longer called",
        "another function is called",
        "a function gets another name",
        "a function gets the body of another",
        "a library is used",
        "a library is tested",
    ],
)
def test_what_one_file_changes_for_another_is_seen(tmp_path: Path, before: dict[str, str], after: dict[str, str]) -> None:
    project = Project(tmp_path / "it")
    for files in (before, {**before, **after}, before):
        project.replace(files)

    packs = load_packs()
    revisions = Revisions(str(project.folder))
    rescan = Rescan(packs, Config(), packs.frameworks[0])
    for commit in (*project.commits, project.commits[1]):
        assert dict(rescan.at(revisions.open(commit)).strengths) == strengths(project.folder, commit)


def test_training_that_happens_elsewhere_is_as_unseen_as_in_a_scan_until_it_comes(project: Project) -> None:
    serving = "import mlflow.pyfunc\nfrom flask import Flask\napp = Flask('a')\nmodel = mlflow.pyfunc.load_model('models:/a@b')\n"
    project.commit("serve", app_dot_py=serving + "@app.route('/predict')\ndef predict():\n    return model.predict(1)\n")
    project.commit("train", train_dot_py=_TRAIN)

    for sample in history(project, by="commits").samples:
        alone = scan_path(str(project.folder), revision=sample.commit).results[0]
        assert [standing for _, standing in sample.standings.dimensions] == [
            Standing(level=one.level, confirmed=one.confirmed, ceiling=one.ceiling, score=one.score) for one in alone.dimensions
        ]


def test_each_content_is_read_once(project: Project) -> None:
    packs = load_packs()
    revisions = Revisions(str(grown(project).folder))
    rescan = Rescan(packs, Config(), packs.frameworks[0])
    for commit in (*project.commits, *reversed(project.commits)):
        rescan.at(revisions.open(commit))

    assert rescan.read == 8  # three states of README.md, two of train.py, three other files


def test_the_memory_for_facts_is_bounded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rung.rescan.MOST_FACTS", 5)
    packs = load_packs()
    rescan = Rescan(packs, Config(), packs.frameworks[0])
    revisions = Revisions(str(project.folder))
    for index in range(12):
        project.commit(a_dot_py=f"import mlflow\nmlflow.log_metric('a', {index})\n")
        rescan.at(revisions.open("HEAD"))

    assert len(rescan._spare) < 6
    assert dict(rescan.at(revisions.open(project.commits[0])).strengths) == strengths(project.folder, project.commits[0])


# ── Which commit ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("samples", [0, 2, 3])
def test_the_commits_that_changed_something_are_found_however_few_are_sampled(project: Project, samples: int) -> None:
    found = history(grown(project), by="commits", samples=samples)

    assert subjects(found) == ["train", "continuous integration", "drop the workflow"]
    assert len(found.samples) == (samples or 8)


def test_a_mark_says_what_rose_and_fell_against_the_parent_and_why(project: Project) -> None:
    train, integration, drop = history(grown(project), by="commits", samples=2).marks

    tracking = next(change for change in train.capabilities if change.id == "model.experiment-tracking")
    assert (tracking.old, tracking.new, tracking.because) == (Strength.ABSENT, Strength.IMPLEMENTED, "MLflow in train.py")
    tracking = next(change for change in integration.capabilities if change.id == "model.experiment-tracking")
    assert (tracking.old, tracking.new) == (Strength.IMPLEMENTED, Strength.AUTOMATED)
    gone = next(change for change in drop.capabilities if change.id == "code.ci")
    assert (gone.new, gone.because) == (Strength.ABSENT, "no longer GitHub Actions in .github/workflows/ci.yml")
    for mark in (train, integration, drop):
        parent = project.commits[project.commits.index(mark.commit) - 1]
        before, after = strengths(project.folder, parent), strengths(project.folder, mark.commit)
        names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        assert names == {change.id for change in mark.capabilities}
        for name, explains in mark.explains:
            assert set(explains) <= names
            assert name in {change.id for change in mark.dimensions}


def test_a_level_that_rises_is_marked_at_its_commit(project: Project) -> None:
    found = history(grown(project), by="commits", samples=2)

    changes = {change.id: change.change for change in found.marks[0].dimensions}
    assert Change.CHANGED in changes.values()  # Model did not apply before.


def test_what_rises_and_falls_between_two_samples_is_called_so(project: Project) -> None:
    found = history(grown(project), by="commits", samples=2)

    (interval,) = found.intervals
    assert "code.ci" in interval.wavering
    assert interval.commits == 7
    assert 3 < interval.scanned <= 7


def test_between_samples_that_are_alike_nothing_is_looked_for(project: Project) -> None:
    project.commit(a_dot_txt="")
    project.commit(train_dot_py=_TRAIN)
    project.commit(gone=("train.py",))
    project.commit(a_dot_txt="x")

    found = history(project, by="commits", samples=2)

    assert found.marks == ()
    assert [(interval.commits, interval.scanned) for interval in found.intervals] == [(3, 1)]
    text = render_history("text", history_document(found))
    assert "1 of 3 commits were scanned" in text


def test_a_merge_changes_what_its_branch_brings(project: Project) -> None:
    project.commit(a_dot_txt="")
    git(project.folder, "checkout", "-q", "-b", "topic")
    project.commit("on the branch", train_dot_py=_TRAIN)
    project.commit("more on the branch", b_dot_txt="")
    git(project.folder, "checkout", "-q", "main")
    project.commit("meanwhile", c_dot_txt="")
    merge = project.record("merge", "-q", "--no-ff", "topic", "-m", "merge it")

    found = history(project, by="commits")

    assert [mark.commit for mark in found.marks] == [merge]
    assert len(found.samples) == 3


def test_a_renamed_file_changes_nothing(project: Project) -> None:
    project.commit(train_dot_py=_TRAIN)
    project.commit(gone=("train.py",), fit_dot_py=_TRAIN)

    assert history(project, by="commits").marks == ()


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("gone", [(), (0,), (3,), (4,), (3, 4), (2, 5), (0, 1, 2, 3)])
@pytest.mark.parametrize("asked", [{}, {"samples": 4}])
def test_however_many_processes_share_the_samples_the_history_is_the_same(
    project: Project, monkeypatch: pytest.MonkeyPatch, count: int, gone: tuple[int, ...], asked: dict[str, object]
) -> None:
    grown(project)
    for index in gone:
        tree = ask(project.folder, "rev-parse", f"{project.commits[index]}^{{tree}}")
        (project.folder / ".git" / "objects" / tree[:2] / tree[2:]).unlink(missing_ok=True)
    told: list[int] = []

    monkeypatch.setattr("rung.history.processes", lambda _: 1)
    alone = history(project, by="commits", **asked)
    monkeypatch.setattr("rung.history.processes", lambda _: count)
    together = history_of(Asked(target=str(project.folder), by="commits", **asked), lambda done, _: told.append(done))  # type: ignore[arg-type]

    assert history_document(together) == history_document(alone)
    assert told == sorted(told)


# ── Which samples ────────────────────────────────────────────────────────────────────────────────────


def test_months_end_with_their_last_commit(project: Project) -> None:
    for days in (1, 20, 20, 30, 1):
        project.commit(days=days, a_dot_txt=str(days))

    found = history(project, by="months")

    assert [(sample.label, sample.commit) for sample in found.samples] == [
        ("2026-01", project.commits[1]), ("2026-02", project.commits[2]), ("2026-03", project.commits[4]),
    ]  # fmt: skip
    assert found.samples[0].date == "2026-01-22T12:00:00Z"


@pytest.mark.parametrize(
    ("asked", "labels"),
    [
        ({"since": "2026-02"}, ["2026-02", "2026-03", "2026-04"]),
        ({"until": "2026-02"}, ["2026-01", "2026-02"]),
        ({"since": "2026-02-02", "until": "2026-03-31"}, ["2026-03"]),
        ({"since": "2026", "until": "2026"}, ["2026-01", "2026-02", "2026-03", "2026-04"]),
        ({"samples": 2}, ["2026-01", "2026-04"]),
        ({"samples": 1}, ["2026-04"]),
        ({"samples": 3}, ["2026-01", "2026-03", "2026-04"]),
        ({"revision": "HEAD~2"}, ["2026-01", "2026-02"]),
    ],
)
def test_time_and_number_bound_the_samples(project: Project, asked: dict[str, object], labels: list[str]) -> None:
    for _ in range(4):
        project.commit(days=28 if project.commits else 0)

    assert [sample.label for sample in history(project, **asked).samples] == labels


def test_tags_are_samples_whatever_they_point_at(project: Project) -> None:
    first = project.commit(a_dot_txt="1")
    second = project.commit(a_dot_txt="2", train_dot_py=_TRAIN)
    git(project.folder, "tag", "v1", first)
    git(project.folder, "tag", "v2", second)
    git(project.folder, "tag", "-a", "latest", "-m", "x", second)
    git(project.folder, "tag", "tree", f"{second}^{{tree}}")
    git(project.folder, "tag", "blob", f"{second}:a.txt")

    found = history(project, by="tags")

    assert [(sample.label, sample.commit) for sample in found.samples] == [("v1", first), ("latest, v2", second)]
    assert [mark.commit for mark in found.marks] == [second]


def test_tags_of_another_root_are_counted_and_left_out(project: Project) -> None:
    project.commit(a_dot_txt="1")
    git(project.folder, "tag", "old")
    git(project.folder, "checkout", "-q", "--orphan", "other")
    new = project.commit(b_dot_txt="2")
    git(project.folder, "tag", "new")

    found = history(project, by="tags")

    assert [sample.commit for sample in found.samples] == [new]
    assert [(entry.what, entry.reason) for entry in found.coverage] == [("1 tag", "not in this history")]


def test_a_tag_beside_the_line_of_first_parents_is_shown_and_nothing_guessed(project: Project) -> None:
    project.commit(a_dot_txt="1")
    git(project.folder, "checkout", "-q", "-b", "release")
    project.commit("release", train_dot_py=_TRAIN)
    git(project.folder, "tag", "v1")
    git(project.folder, "checkout", "-q", "main")
    project.commit(b_dot_txt="")
    project.record("merge", "-q", "--no-ff", "release", "-m", "back")
    project.commit(gone=("train.py",))
    git(project.folder, "tag", "v2")

    found = history(project, by="tags")

    assert [sample.label for sample in found.samples] == ["v1", "v2"]
    assert found.marks == ()
    assert found.intervals[0].untold == "v1 is not on the line of first parents of v2"
    assert "it can't be told which commit" in render_history("text", history_document(found))


# ── What is not there ────────────────────────────────────────────────────────────────────────────────


def test_a_shallow_clone_says_what_would_bring_the_rest(project: Project, tmp_path: Path) -> None:
    grown(project)
    git(tmp_path, "clone", "-q", "--depth=3", f"file://{project.folder}", "copy")

    found = history_of(Asked(target=str(tmp_path / "copy"), by="commits"))

    assert [sample.commit for sample in found.samples] == project.commits[-3:]
    assert [(entry.reason, entry.needs) for entry in found.coverage] == [("the clone is shallow", "`git fetch --unshallow origin`")]
    late = history_of(Asked(target=str(tmp_path / "copy"), by="commits", since="2026-01-08"))
    assert late.coverage == ()


def test_commits_without_their_files_are_coverage_and_no_guess(project: Project, tmp_path: Path) -> None:
    grown(project)
    tree = ask(project.folder, "rev-parse", f"{project.commits[3]}^{{tree}}")
    (project.folder / ".git" / "objects" / tree[:2] / tree[2:]).unlink()

    found = history(project, by="commits")

    assert project.commits[3] not in [sample.commit for sample in found.samples]
    assert found.coverage[0].what == f"commit {project.commits[3][:7]}"
    assert found.intervals[2].untold
    assert "continuous integration" not in subjects(found)


def test_contents_that_a_partial_clone_left_out_are_named_with_their_commits(project: Project, tmp_path: Path) -> None:
    grown(project)
    git(project.folder, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{project.folder}", "copy")

    found = history_of(Asked(target=str(tmp_path / "copy"), by="commits"))

    assert found.coverage[0].reason == "not in this clone"
    assert found.coverage[0].needs == "`git fetch --refetch --no-filter origin`"


def test_a_folder_that_is_not_there_yet_stands_nowhere(project: Project) -> None:
    project.commit(a_dot_txt="")
    born = project.commit(service__train_dot_py=_TRAIN)
    project.commit(a_dot_txt="x")

    found = history(project, by="commits", subfolder="service")

    assert [sample.commit for sample in found.samples] == [born]
    git(project.folder, "tag", "v0", project.commits[0])
    git(project.folder, "tag", "v1")
    assert [mark.commit for mark in history(project, by="tags", subfolder="service").marks] == [born]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"by": "tags"}, "no tag is in this history"),
        ({"since": "2030"}, "no commit in that time"),
        ({"since": "yesterday"}, "give a year, a month or a day"),
        ({"until": "2026-13"}, "give a year, a month or a day"),
        ({"revision": "nowhere"}, "no branch, tag or commit"),
        ({"framework": "none"}, "there is no framework `none`"),
        ({"system": "none"}, "there is no system `none`"),
        ({"subfolder": "none"}, "no folder none"),
    ],
)
def test_what_can_not_be_given_is_told(project: Project, asked: dict[str, object], told: str) -> None:
    project.commit(a_dot_txt="")

    with pytest.raises(RungError, match=told):
        history(project, **asked)


def test_a_folder_without_history_and_a_url_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="no git repository"):
        history_of(Asked(target=str(tmp_path)))
    with pytest.raises(TargetError, match=r"git clone https://example\.org/a"):
        history_of(Asked(target="https://example.org/a"))


def test_the_newest_configuration_rates_all(project: Project) -> None:
    project.commit(old__train_dot_py=_TRAIN)
    project.commit(rung_dot_yaml="paths:\n  out: [old]\n")

    found = history(project, by="commits")

    assert [dict(sample.standings.strengths).get("model.experiment-tracking") for sample in found.samples] == [None, None]
    assert "rung.yaml" in found.notes[0]


def test_a_bare_sha256_repository_has_a_history(tmp_path: Path) -> None:
    project = grown(Project(tmp_path / "it", "--object-format=sha256"))
    shutil.move(project.folder / ".git", tmp_path / "bare.git")
    git(tmp_path / "bare.git", "config", "core.bare", "true")

    found = history_of(Asked(target=str(tmp_path / "bare.git"), by="commits"))

    assert [len(sample.commit) for sample in found.samples] == [64] * 8
    assert subjects(found) == ["train", "continuous integration", "drop the workflow"]


# ── How it is told ───────────────────────────────────────────────────────────────────────────────────


def test_the_document_fits_its_schema_and_two_runs_give_the_same_bytes(project: Project) -> None:
    document = history_document(history(grown(project), by="commits", samples=3))

    jsonschema.Draft202012Validator(schema("history")).validate(document)
    again = history_document(history(project, by="commits", samples=3))
    assert {name: render(document) for name, render in HISTORIES.items()} == {name: render(again) for name, render in HISTORIES.items()}


def test_the_table_as_csv_has_a_line_a_sample_with_what_rose_and_fell(project: Project) -> None:
    git(grown(project).folder, "tag", "=cmd", project.commits[0])
    git(project.folder, "tag", "v1", project.commits[3])

    rows = list(csv.DictReader(io.StringIO(render_history("csv", history_document(history(project, by="tags"))))))

    assert [row["sample"] for row in rows] == ["'=cmd", "v1"]
    assert rows[0]["data_level"] == rows[0]["rose"] == ""
    assert "model.experiment-tracking" in rows[1]["rose"].split()


def test_texts_of_others_do_nothing_on_a_page_or_a_terminal(project: Project) -> None:
    project.commit(a_dot_txt="")
    project.commit("<script>alert(1)</script>\x1b[31m token=ghp_" + "a1B2" * 9, train_dot_py=_TRAIN)

    document = history_document(history(project, by="commits"))

    page, text = render_history("html", document), render_history("text", document, verbose=True)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page + text
    assert "a1B2a1B2" not in page + text + json.dumps(document)


def test_the_page_tells_without_its_charts_all_that_they_show(project: Project) -> None:
    document = history_document(history(grown(project), by="commits"))

    page = render_history("html", document)

    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'' in page
    assert "<script" not in page
    assert page.count("<svg") == page.count('role="group"') == len(document["dimensions"])
    assert page.count("<tr>") == 1 + 8
    for change in document["changes"]:
        assert change["subject"] in page


@pytest.mark.parametrize("name", HISTORIES)
def test_one_sample_is_a_history_too(project: Project, name: str) -> None:
    project.commit(train_dot_py=_TRAIN)

    assert render_history(name, history_document(history(project)))


def test_the_command_writes_each_format_and_the_table(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["history", str(grown(project).folder), "--by", "commits", "--samples", "2", "-q"]
    outputs = [tmp_path / name for name in ("h.csv", "h.json", "h.html")]

    assert cli.main([*arguments, *(word for output in outputs for word in ("--output", str(output)))]) == 0
    assert json.loads(outputs[1].read_text())["schema"] == "rung/history/1"
    assert cli.main([*arguments, "--verbose"]) == 0
    shown = capsys.readouterr().out
    assert "continuous integration" in shown
    assert cli.main([*arguments, "--output", str(tmp_path / "h.sarif")]) == 2
    assert cli.main(["history", str(tmp_path / "none")]) == 4


def test_moves_between_samples_are_of_levels_and_strengths() -> None:
    standing = {"confirmed": None, "ceiling": None, "score": 1.0}
    before = {"dimensions": {"data": standing | {"level": 1}}, "capabilities": {"a": "declared", "b": "automated"}}
    after = {"dimensions": {"data": standing | {"level": 2}}, "capabilities": {"a": "implemented"}}

    assert moved(before, after) == (["data", "a"], ["b"])
