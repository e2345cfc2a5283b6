from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases import Finder

PROJECT = '[project]\nname = "kiosk"\n'
WORKFLOW = "on: [push]\njobs:\n  ship:\n    runs-on: ubuntu-latest\n    steps:\n      - run: {}\n"
LIBRARY = {
    "pyproject.toml": PROJECT,
    ".github/workflows/ship.yml": WORKFLOW.format("twine upload dist/*"),
    "src/kiosk/__init__.py": "",
    "src/kiosk/stores.py": "import psycopg2\n\n\ndef store(url):\n    return psycopg2.connect(url)\n",
}
FINDER = Finder()


def database(folder: Path, files: dict[str, str]) -> tuple[str, str]:
    """Strength and note of the evidence for a database that the package's module gives."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    found = next(item for item in FINDER.scan(folder) if item.location.path == "src/kiosk/stores.py")
    assert found.capability == "data.database"
    return found.strength.label, found.note


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tests/test_stores.py": "from kiosk.stores import store\n"},
        {"docs/tour.ipynb": '{"cells": [{"cell_type": "code", "source": ["import kiosk.stores"]}], "nbformat": 4, "nbformat_minor": 5}'},
        {"examples/shop.py": "from kiosk.stores import store\n"},
        {"scripts/measure.py": "from kiosk.stores import store\n"},
        {"evals/compare.py": "from kiosk.stores import store\n"},
        {"Makefile": "check:\n\tmypy kiosk\n\trm -rf kiosk.egg-info\n"},
    ],
)
def test_what_a_published_library_offers_is_declared_only(tmp_path: Path, more: dict[str, str]) -> None:
    assert database(tmp_path, LIBRARY | more) == ("declared", "in a library made for others")


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({".github/workflows/ship.yml": WORKFLOW.format("pytest")}, id="nothing is published"),
        pytest.param({"pyproject.toml": PROJECT + '[project.scripts]\nkiosk = "kiosk.stores:store"\n'}, id="it installs a command"),
        pytest.param({"pyproject.toml": "[tool.black]\nline-length = 99\n"}, id="it is no distribution"),
        pytest.param(
            {"setup.py": 'import setuptools\n\nsetuptools.setup(name="kiosk", entry_points=POINTS)\n'}, id="setup.py installs a command"
        ),
        pytest.param({"src/kiosk/run.py": 'if __name__ == "__main__":\n    print()\n'}, id="a module of it is a program"),
        pytest.param({"app/serve.py": "from kiosk.stores import store\n"}, id="an application uses it"),
        pytest.param({"Procfile": "web: gunicorn kiosk.stores:app\n"}, id="a server runs it"),
        pytest.param({"Makefile": "load:\n\tpython -m kiosk.stores\n"}, id="a task runs it"),
    ],
)
def test_a_package_that_its_repository_puts_to_work_counts(tmp_path: Path, more: dict[str, str]) -> None:
    assert database(tmp_path, LIBRARY | more)[0] != "declared"


def test_training_code_of_a_library_counts_as_it_is(tmp_path: Path) -> None:
    for name, content in (
        LIBRARY | {"src/kiosk/stores.py": "from sklearn.svm import SVC\n\n\ndef train(x, y):\n    SVC().fit(x, y)\n"}
    ).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)

    assert {item.capability: item.strength.label for item in FINDER.scan(tmp_path)}["model.training-code"] == "implemented"


R_PACKAGE = {
    "DESCRIPTION": "Package: kiosk\nVersion: 1.0.0\n",
    "R/stores.R": "store <- function(url) {\n  DBI::dbConnect(RPostgres::Postgres(), url)\n}\n",
    "cran-comments.md": "0 errors\n",
}


@pytest.mark.parametrize(
    ("more", "without", "practised"),
    [
        ({"tests/testthat/test-stores.R": "library(kiosk)\n", "vignettes/tour.Rmd": "# Tour\n"}, "", False),
        ({"analysis/load.R": "library(kiosk)\nstore(url)\n"}, "", True),
        ({}, "cran-comments.md", True),
    ],
)
def test_what_a_package_sent_to_cran_offers_is_declared_only(tmp_path: Path, more: dict[str, str], without: str, practised: bool) -> None:
    for name, content in (R_PACKAGE | more).items():
        if name != without:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)

    found = {item.strength.label for item in FINDER.scan(tmp_path) if item.location.path == "R/stores.R"}
    assert found == ({"declared", "implemented"} if practised else {"declared"})
