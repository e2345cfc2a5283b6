"""Which parts of Python files run apart from each other, and which of them something automatic reaches."""

from __future__ import annotations

import json
import random
import textwrap
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from rung import modules, parts
from rung.hits import settled
from rung.parts import part_at
from rung.readers import notebooks
from rung.readers.python import READINGS, facts_of
from rung.records import AROUND, GUARD, Command, Definition, Hit, Import, Job, Role, SourceFile, Step, Task, Trigger, Workflow
from rung.tree import Point
from rung.wiring import Wiring
from tests.cases import Finder


def uses(source: str) -> dict[str, tuple[str, ...]]:
    """What the parts of some source use."""
    return {fact.name: fact.uses for fact in facts_of(textwrap.dedent(source)) if isinstance(fact, Definition)}


@cache
def script(path: str, source: str, role: Role = Role.SOURCE) -> SourceFile:
    """A file of Python, in each part of which something matches; the same file for the same source, as in a history."""
    file = settled(SourceFile(path=path, size=1, role=role, facts=tuple(facts_of(textwrap.dedent(source)))), ())
    return replace(file, hits=tuple(Hit("pack/signal", fact.line) for fact in file.facts if isinstance(fact, Definition)))


def reached(command: str, files: dict[str, str], *others: SourceFile) -> set[str]:
    """The parts that a push reaches by a command, as `file part`; the code around them as the file alone."""
    step = Step(line=8, commands=(Command(line=9, words=tuple(command.split())),))
    push = Workflow(
        line=1, system="github-actions", triggers=(Trigger(line=2, kind="push"),), jobs=(Job(line=5, id="build", steps=(step,)),)
    )
    scripts = [script(path, source) for path, source in files.items()]
    wiring = Wiring([SourceFile(path=".github/workflows/ci.yml", size=1, facts=(push,)), *scripts, *others])
    parts = ((file.path, fact.name) for file in scripts for fact in file.facts if isinstance(fact, Definition))
    return {f"{path} {part}".strip() for path, part in parts if wiring.of(Point(path, part=part))}


@pytest.mark.parametrize(
    ("files", "more"),
    [
        ({"main.py": "import fit", "tools/fit.py": "def run(): pass"}, "tools/own/__init__.py"),
        (
            {
                "main.py": "import lib.main",
                "lib/main.py": "import fit\ndef run(): pass",
                "lib/fit.py": "def run(): pass",
                "fit.py": "def run(): pass",
            },
            "lib/__init__.py",
        ),
        ({"main.py": "import lib\nlib.fit.run()", "lib/__init__.py": "def run(): pass"}, "lib/fit.py"),
        ({"main.py": "import fit"}, "fit.py"),
    ],
    ids=["a folder becomes one of sources", "a folder becomes a package", "a package gets a module", "a module comes"],
)
def test_a_file_that_comes_or_goes_changes_what_others_import(files: dict[str, str], more: str) -> None:
    before = reached("python main.py", files)
    after = reached("python main.py", {**files, more: "def run(): pass"})

    assert after != before
    assert reached("python main.py", files) == before


_SOURCES = (
    "from lib import fit\nfit.run()",
    "from lib.fit import run\nrun()",
    "import lib\nlib.run()",
    "from . import fit\nfit.run()",
    "from .fit import run\nrun()",
    "import fit\ndef run(): fit.run()",
    "import lib\nlib.fit.run()",
    "from lib import main",
    "def run(): pass",
    "def run(): other()\ndef other(): pass",
    "from src.lib.fit import run",
    "",
)
_PLACES = (
    "main.py",
    "fit.py",
    "lib/__init__.py",
    "lib/fit.py",
    "lib/main.py",
    "src/lib/__init__.py",
    "src/lib/fit.py",
    "src/fit.py",
    "dags/fit.py",
    "tools/fit.py",
    "tools/own/__init__.py",
)


def test_what_is_remembered_of_the_last_files_is_what_is_found_out_anew() -> None:
    dice = random.Random(1)
    files = {"main.py": _SOURCES[0]}
    found = set[frozenset[str]]()
    for _ in range(400):
        path = dice.choice(_PLACES)
        if path in files and path != "main.py" and dice.random() < 0.4:
            del files[path]
        else:
            files[path] = dice.choice(_SOURCES)
        remembered = reached("python main.py", files)
        modules._LAST.clear()
        parts._LAST[0] = parts._Told(None)
        assert remembered == reached("python main.py", files), files
        assert remembered == reached("python main.py", files), files
        found.add(frozenset(remembered))

    assert len(found) > 30


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("def f(): g()\ndef g(): pass", {"": (), "f": ("g",), "g": ()}),
        ("def f(): return map(g, rows)\ndef g(): pass", {"": (), "f": ("g",), "g": ()}),
        ("def f(): return {'a': g}\ndef g(): f()", {"": (), "f": ("g",), "g": ("f",)}),
        ("class A:\n  def m(self): g()\ndef g(): pass\nx = A", {"": ("A",), "A": ("g",), "g": ()}),
        ("class A: pass\nclass B(A): pass", {"": (), "A": (), "B": ("A",)}),
        ("def f():\n  def inner(): g()\n  return inner\ndef g(): pass", {"": (), "f": ("g",), "g": ()}),
        ("def f(): pass\nif __name__ == '__main__':\n  f()", {"": (), "f": (), "__main__": ("f",)}),
        ("def f(): model.g()\ndef g(): pass", {"": (), "f": (), "g": ()}),
        ("def f(): return 'g'  # g\ndef g(): pass", {"": (), "f": (), "g": ()}),
        ("try:\n  def f(): g()\nexcept E: pass\ndef g(): pass", {"": (), "f": ("g",), "g": ()}),
        ("if A:\n  def f(): g()\nelse:\n  def f(): h()\ndef g(): pass\ndef h(): pass", {"": (), "f": ("g", "h"), "g": (), "h": ()}),
        ("x = 1", {}),
    ],
)
def test_a_part_uses_the_functions_and_classes_of_its_module_that_it_names(source: str, used: dict[str, tuple[str, ...]]) -> None:
    assert uses(source) == used


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("from a import b\ndef f(): b()", "a.b"),
        ("from a import b as c\ndef f(): c(1)", "a.b"),
        ("from a import b\ndef f(): b.fit(1).save()", "a.b.fit"),
        ("import a.b as m\ndef f(): run(m.fit)", "a.b.fit"),
        ("import a.b\ndef f(): a.b.fit()", "a.b.fit"),
        ("import a.b\ndef f(): load(a.b)", "a.b"),
        ("from . import m\ndef f(): m.fit()", ".m.fit"),
        ("from .m import *\ndef f(): fit()", ".m.fit"),
        ("from . import *\ndef f(): m()", ".m"),
        ("def f():\n  from a import b\n  b()", "a.b"),
        ("from a import B\nb = B()\ndef f(): b.fit()", "a.B"),
        ("import a\ndef f(b): pass", None),
        ("from a import b\ndef f(x: b): pass", None),
    ],
)
def test_a_part_uses_what_it_names_of_an_import(source: str, used: str | None) -> None:
    assert uses(source)["f"] == ((used,) if used else ())


def test_names_of_annotations_count_where_somebody_else_calls_the_function_and_in_classes() -> None:
    source = """
    from pydantic import BaseModel
    class Item(BaseModel): pass
    class Order(BaseModel):
        items: list[Item]
    class Answer(BaseModel): pass
    class Other(BaseModel): pass
    @app.post("/")
    def ask(order: Order) -> Answer: pass
    def tell(other: Other) -> Other: pass
    """
    used = uses(source)

    assert (used["Order"], used["ask"], used["tell"]) == (("Item", "pydantic.BaseModel"), ("Answer", "Order"), ())


def test_what_a_route_within_a_function_asks_for_is_used_with_the_function() -> None:
    source = """
    from pydantic import BaseModel
    class Order(BaseModel): pass
    class Other(BaseModel): pass
    def create():
        @app.post("/")
        def ask(order: Order): pass
        @functools.wraps(ask)
        def tell(other: Other): pass
    """

    assert uses("import functools\n" + textwrap.dedent(source))["create"] == ("Order", "functools.wraps")


def test_a_module_that_is_looked_up_by_a_text_that_is_kept_elsewhere_is_imported() -> None:
    source = """
    import importlib
    KINDS = {"forest": "shop.forest.Forest", "file": "config.yaml", "host": "example.com"}
    def load(kind): return importlib.import_module(KINDS[kind].rpartition(".")[0])
    """
    loaded = [fact.module for fact in facts_of(textwrap.dedent(source)) if isinstance(fact, Import)]

    assert loaded == ["importlib", "shop.forest.Forest"]
    assert uses(source)[""] == ("shop.forest.Forest",)
    assert "shop.forest.Forest" not in str(
        facts_of(textwrap.dedent(source).replace("KINDS[kind]", '"shop.forest"').replace("importlib", "x"))
    )


MODEL = "import mlflow\ndef train(): mlflow.log_metric('a', 1)\ndef scan(): return check()\ndef check(): pass\nif __name__ == '__main__': train()"


@pytest.mark.parametrize(
    ("command", "main", "others"),
    [
        ("python run.py", "from model import scan\nscan()", {"model.py", "model.py scan", "model.py check"}),
        ("python run.py", "import model\nmodel.scan()", {"model.py", "model.py scan", "model.py check"}),
        ("python run.py", "import model as m\ndef f(): m.scan()", {"model.py", "run.py"}),
        ("python run.py", "from model import LIMIT", {"model.py"}),
        ("python run.py", "import model\nhand_over(model)", {"model.py", "model.py train", "model.py scan", "model.py check", "model.py __main__"}),
        ("python run.py", "def f():\n  from model import scan\n  scan()", {"run.py"}),
        ("python run.py", "def f():\n  from model import scan\n  scan()\nf()", {"run.py f", "model.py", "model.py scan", "model.py check"}),
        ("python run.py", "def f(): pass\nif __name__ == '__main__': f()", {"run.py f", "run.py __main__"}),
        ("python -m model", "", {"model.py", "model.py train", "model.py __main__"}),
        ("model", "", {"model.py", "model.py train", "model.py __main__"}),
        ("serve model:scan", "", {"model.py", "model.py scan", "model.py check"}),
        ("python model.py", "", {"model.py", "model.py train", "model.py __main__"}),
    ],
)  # fmt: skip
def test_a_push_reaches_the_functions_that_are_called_and_not_those_beside_them(command: str, main: str, others: set[str]) -> None:
    console = SourceFile(path="pyproject.toml", size=1, facts=(Task(line=1, kind="console", name="other", inputs=("model:scan",)),))
    words = command.removeprefix("python -m ") if command.startswith("python -m") else command  # As readers peel it off.
    found = reached(words if words != "model" else "model", {"model.py": MODEL, "run.py": main}, console)
    if command in ("python -m model", "model"):
        found = reached("model.__main__", {"model/__main__.py": MODEL}, console)
        others = {one.replace("model.py", "model/__main__.py") for one in others}

    assert found - {"run.py"} == others - {"run.py"}


def test_a_console_script_reaches_the_function_that_it_names() -> None:
    console = SourceFile(path="pyproject.toml", size=1, facts=(Task(line=1, kind="console", name="look", inputs=("model:scan",)),))

    assert reached("look", {"model.py": MODEL}, console) == {"model.py", "model.py scan", "model.py check"}


def test_a_name_is_followed_through_modules_that_hand_it_on() -> None:
    files = {
        "shop/__init__.py": "from .learn import fit\nfrom .serve import ask\nfrom .more import *\n__all__ = ['fit']",
        "shop/learn.py": "def fit(): pass\ndef tune(): pass",
        "shop/serve.py": "def ask(): pass",
        "shop/more.py": "def extra(): pass\ndef rest(): pass",
        "run.py": "import shop\nshop.fit()\nshop.extra()",
    }

    found = reached("python run.py", files)
    assert {one for one in found if " " in one} == {"shop/learn.py fit", "shop/more.py extra"}


@pytest.mark.parametrize(
    ("runner", "module", "reach"),
    [
        ("dags/daily.py", "dags/shop/load.py", True),  # The folder of the DAGs, although it is marked as a package.
        ("dags/shop/daily.py", "dags/shop/load.py", True),
        ("plugins/shop/daily.py", "plugins/shop/load.py", True),
        ("etl/daily.py", "etl/shop/load.py", True),  # The script's own folder.
        ("etl/daily.py", "other/shop/load.py", False),
    ],
)
def test_imports_start_from_the_folder_of_dags_and_from_the_script_s_own(runner: str, module: str, reach: bool) -> None:
    top = module.partition("/")[0]
    files = {
        f"{top}/__init__.py": "",
        f"{top}/shop/__init__.py": "",
        f"{runner.partition('/')[0]}/__init__.py": "",
        module: "def fit(): pass",
        runner: "from shop.load import fit\nfit()",
    }

    assert (f"{module} fit" in reached(f"python {runner}", files)) is reach


def test_a_package_that_is_handed_over_as_a_whole_is_looked_through() -> None:
    files = {
        "assets/__init__.py": "",
        "assets/orders.py": "def orders(): pass",
        "run.py": "from dagster import load_assets_from_package_module\nimport assets\nload_assets_from_package_module(assets)",
    }

    assert "assets/orders.py orders" in reached("python run.py", files)
    assert "assets/orders.py orders" not in reached("python run.py", files | {"run.py": "import assets"})


APPLICATION = """
from fastapi import FastAPI
app = FastAPI()
LIMIT = 1
@app.get("/")
def ask(): return load()
def load(): pass
"""


@pytest.mark.parametrize(
    ("command", "main", "asked"),
    [
        ("uvicorn web:app", "", True),
        ("python run.py", "from web import app\nserve(app)", True),
        ("python run.py", "from web import LIMIT\nprint(LIMIT)", False),
        ("python run.py", "import web\nserve(web.app)", True),
    ],
)
def test_what_is_handed_to_an_application_runs_with_it(command: str, main: str, asked: bool) -> None:
    assert ("web.py load" in reached(command, {"web.py": APPLICATION, "run.py": main})) is asked


@pytest.mark.parametrize(
    ("set_up", "asked"),
    [("app.include_router(other)", False), ("app.run()", True), ("handler = Adapter(app)", True), ("app()", True)],
)
def test_to_set_up_an_application_does_not_run_it(set_up: str, asked: bool) -> None:
    found = reached("python run.py", {"web.py": APPLICATION + set_up, "run.py": "from web import LIMIT\nprint(LIMIT)"})

    assert ("web.py ask" in found) is asked


@pytest.mark.parametrize(
    ("decorator", "runs"),
    [
        ("@functools.lru_cache\n", False),
        ("@torch.no_grad()\n", False),
        ("@retry(times=3)\n", False),
        ("@flow(name='nightly')\n", False),
        ("@register('nightly')\n", True),
        ("", False),
    ],
)
def test_a_decorator_that_hands_a_function_on_makes_it_run_with_the_module(decorator: str, runs: bool) -> None:
    source = (
        f"import functools, torch\nfrom prefect import flow\nfrom shop.registry import register, retry\n{decorator}def nightly(): pass\n"
    )

    assert ("jobs.py nightly" in reached("python run.py", {"jobs.py": source, "run.py": "import jobs\nprint(jobs.LIMIT)"})) is runs


PROGRAM = """
import typer
app = typer.Typer()
@app.command()
def train_all(): pass
@app.command("look")
def inspect(): pass
if __name__ == "__main__":
    app()
"""


@pytest.mark.parametrize(
    ("command", "run"),
    [
        ("python cli.py train-all --fast", {"cli.py train_all"}),
        ("python cli.py look", {"cli.py inspect"}),
        ("python cli.py --verbose", {"cli.py train_all", "cli.py inspect", "cli.py app", "cli.py __main__"}),
        ("python cli.py --help", set()),
        ("shop look --help", set()),
        ("shop look", {"cli.py inspect"}),
        ("shop", {"cli.py train_all", "cli.py inspect", "cli.py app"}),
    ],
)
def test_a_command_line_runs_the_command_that_its_words_name(command: str, run: set[str]) -> None:
    console = SourceFile(path="pyproject.toml", size=1, facts=(Task(line=1, kind="console", name="shop", inputs=("cli:app",)),))

    assert reached(command, {"cli.py": PROGRAM}, console) == run | {"cli.py"}


NESTED = """
import typer, click
from shop import reports
app = typer.Typer()
data_app = typer.Typer()
app.add_typer(data_app, name="data")
app.add_typer(reports.app, name="reports")
@app.command()
def doctor(): pass
@data_app.command("download")
def data_download(): pass
@data_app.command("run")
def data_run(): pass
train_app = typer.Typer()
app.add_typer(train_app, name="train")
@train_app.command("run")
def train_run(): pass
"""
REPORTS = """
import typer
app = typer.Typer()
@app.command()
def draw(): pass
"""
GROUPS = """
import click
@click.group()
def cli(): pass
@cli.group()
def data(): pass
@data.command()
def download(): pass
@data.command()
def look(): pass
@cli.group()
def models(): pass
@models.command("look")
def look_at_models(): pass
@click.command()
def train(): pass
cli.add_command(train)
"""


@pytest.mark.parametrize(
    ("source", "command", "run"),
    [
        (NESTED, "shop doctor", {"doctor"}),
        (NESTED, "shop data download", {"data_download"}),
        (NESTED, "shop train run", {"data_run", "train_run"}),
        (NESTED, "shop", {"doctor", "data_download", "data_run", "train_run", "app", "data_app", "train_app"}),
        (GROUPS, "shop data look", {"look"}),
        (GROUPS, "shop models look", {"look_at_models"}),
        (GROUPS, "shop data", {"data", "download", "look"}),
        (GROUPS, "shop", {"cli", "data", "download", "look", "models", "look_at_models", "train"}),
    ],
)
def test_a_command_runs_nothing_of_the_others_that_a_command_line_is_given(source: str, command: str, run: set[str]) -> None:
    name = "app" if "typer" in source else "cli"
    console = SourceFile(path="pyproject.toml", size=1, facts=(Task(line=1, kind="console", name="shop", inputs=(f"cli:{name}",)),))
    found = reached(command, {"cli.py": source, "shop/reports.py": REPORTS}, console)

    assert {one for one in found if one.startswith("cli.py")} == {"cli.py", *(f"cli.py {part}" for part in run)}
    assert ("shop/reports.py draw" in found) is (source == NESTED and command == "shop")


def test_what_finds_its_functions_by_name_runs_them_all() -> None:
    source = "import fire\ndef train(): pass\ndef look(): pass\nif __name__ == '__main__': fire.Fire()"

    assert reached("python jobs.py", {"jobs.py": source}) == {"jobs.py", "jobs.py train", "jobs.py look", "jobs.py __main__"}


def test_a_test_or_an_example_that_is_started_runs_whole() -> None:
    test = script("tests/check.py", "def main(): pass", Role.TEST)

    assert [fact for fact in test.facts if isinstance(fact, Definition)] == []


def test_a_file_without_a_tree_runs_whole() -> None:
    files = {"run.py": "from old import look\nlook()"}
    old = SourceFile(path="old.py", size=1, facts=(Import(line=1, module="model.train"),))

    assert "model.py train" in reached("python run.py", files | {"model.py": MODEL}, old)
    assert "model.py scan" not in reached("python run.py", files | {"model.py": MODEL}, old)


def test_of_a_package_that_only_hands_names_on_nothing_else_is_known_to_run() -> None:
    package = SourceFile(path="shop/__init__.py", size=1, facts=(Import(line=1, module=".learn.fit"), Import(line=2, module=".serve.ask")))
    files = {"shop/learn.py": "def fit(): pass", "shop/serve.py": "def ask(): pass", "run.py": "from shop import fit\nfit()"}

    assert {one for one in reached("python run.py", files, package) if "/" in one} == {"shop/learn.py", "shop/learn.py fit"}


def test_a_line_is_in_the_part_around_it() -> None:
    source = "import a\n@cached\ndef f():\n  pass\nx = 1\nclass A:\n  def m(self):\n    pass\nif __name__ == '__main__':\n  f()\ny = 2\n"
    at = part_at(facts_of(source))

    assert [at(line) for line in range(1, 12)] == [AROUND, "f", "f", "f", AROUND, "A", "A", "A", GUARD, GUARD, AROUND]
    assert part_at([Import(line=1, module="a")])(1) is None


def test_evidence_counts_in_the_function_that_runs_though_it_is_not_the_first(tmp_path: Path) -> None:
    (tmp_path / "fit.py").write_text(
        "from sklearn.linear_model import Ridge\n\n\ndef old():\n    Ridge().fit([[1]], [2])\n\n\ndef new():\n    Ridge().fit([[1]], [2])\n\n\nnew()\n"
    )
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/ci.yml").write_text(
        "on: push\njobs:\n  fit:\n    runs-on: ubuntu-latest\n    steps:\n      - run: python fit.py\n"
    )
    found = [item for item in Finder().evidence(tmp_path) if item.detector == "scikit-learn"]

    assert [(item.location.line, item.strength.label, item.occurrences) for item in found] == [(9, "automated", 2)]


def test_what_a_function_starts_is_started_where_the_function_runs(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(
        'import subprocess\n\n\ndef old():\n    subprocess.run(["python", "old.py"])\n\n\ndef new():\n    subprocess.run(["python", "new.py"])\n\n\nnew()\n'
    )
    (tmp_path / "old.py").write_text("print(1)\n")
    (tmp_path / "new.py").write_text("print(2)\n")
    (tmp_path / "Procfile").write_text("web: python run.py\n")

    assert sorted(Finder().chains(tmp_path)) == ["Procfile", "new.py", "run.py"]


def test_a_file_that_is_only_skimmed_reaches_what_it_names() -> None:
    (reading,) = (one for one in READINGS if one.name == "python")
    assert reading.skim
    source = "from shop import model as m\nfrom shop.more import fit, tune\ndef f():\n    return m.scan(fit)\n"
    skimmed = SourceFile(path="old.py", size=1, facts=tuple(reading.skim("old.py", source.encode())))
    files = {
        "run.py": "import old\nold.f()",
        "shop/__init__.py": "",
        "shop/model.py": MODEL,
        "shop/more.py": "def fit(): pass\ndef tune(): pass",
    }

    found = reached("python run.py", files, skimmed)
    assert {one for one in found if " " in one} == {"shop/model.py scan", "shop/model.py check", "shop/more.py fit"}


def test_a_decorated_function_within_another_makes_nothing_of_that_run() -> None:
    source = "from shop import register\ndef make():\n  @register\n  def ask(): fit()\n  return ask\ndef fit(): pass"

    assert uses(source) == {"": (), "make": ("fit", "shop.register"), "fit": ()}


def test_a_file_that_loads_modules_by_name_is_parsed_though_nothing_else_is_sought_in_it() -> None:
    (python,) = (reading for reading in READINGS if reading.name == "python")
    source = b"import importlib\nKINDS = {'forest': 'shop.forest.Forest'}\ndef load(kind): return importlib.import_module(KINDS[kind])\n"

    assert python.skim
    assert [fact.module for fact in python.skim("kinds.py", source) if isinstance(fact, Import)] == ["importlib", "shop.forest.Forest"]


def test_of_a_notebook_all_is_run() -> None:
    (jupyter,) = (reading for reading in notebooks.READINGS if reading.name == "jupyter")
    cell = {"cell_type": "code", "source": "def fit(): pass\n", "outputs": [], "metadata": {}, "execution_count": 1}
    facts = jupyter.read("a.ipynb", json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}).encode())

    assert not any(isinstance(fact, Definition) for fact in facts)


PUT_TOGETHER = """
import typer
from shop import fitting, reports
def app():
    commands()()
def commands():
    made = typer.Typer()
    made.add_typer(fitting.app, name="fitting")
    made.add_typer(reports.app, name="reports")
    return made
"""
FITTING = """
import typer
app = typer.Typer()
@app.command()
def fit():
    from shop.clean import tidy
    tidy()
@app.command("tidy-up")
def draw():
    from shop.clean import tidy
    tidy()
"""
CLEAN = """
import typer
app = typer.Typer()
@app.command("rows")
def tidy(): pass
"""


@pytest.mark.parametrize(
    ("command", "run"),
    [
        ("shop reports draw", {"reports.py draw"}),
        ("shop --verbose reports draw", {"reports.py draw"}),
        ("shop fitting fit", {"fitting.py fit", "clean.py tidy"}),
        ("shop reports --wide draw draw", {"reports.py draw"}),
        ("shop tidy-up", {"fitting.py draw", "clean.py tidy"}),
        ("shop clean rows", {"fitting.py fit", "fitting.py draw", "clean.py tidy", "reports.py draw"}),
        ("shop other draw", {"fitting.py fit", "fitting.py draw", "clean.py tidy", "reports.py draw"}),
    ],
)
def test_commands_of_modules_that_a_command_line_is_put_together_from_run_alone(command: str, run: set[str]) -> None:
    main = "from shop.cli import app\nif __name__ == '__main__':\n    app()\n"
    sources = {"__init__": "", "__main__": main, "cli": PUT_TOGETHER, "fitting": FITTING, "reports": REPORTS, "clean": CLEAN}
    found = reached(command, {f"shop/{name}.py": source for name, source in sources.items()})

    assert {one.removeprefix("shop/") for one in found if one.split()[-1] in ("fit", "draw", "tidy")} == run
