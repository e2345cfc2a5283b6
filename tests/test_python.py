"""What the Python reader sees in source code, and what it must not see."""

from __future__ import annotations

import pytest

from rung import records
from rung.readers import python
from rung.readers.python import facts_of
from rung.readers.reading import Asked
from rung.records import Call, Entry, Fact, Import, Literal, Problem


def calls(source: str, kind: str = "call") -> list[str]:
    return [fact.name for fact in facts_of(source) if isinstance(fact, Call) and fact.kind == kind]


def the_call(source: str, name: str) -> Call:
    found = [fact for fact in facts_of(source) if isinstance(fact, Call) and fact.name == name]
    assert len(found) == 1, [fact.name for fact in facts_of(source) if isinstance(fact, Call)]
    return found[0]


def imports(source: str) -> list[str]:
    return [fact.module for fact in facts_of(source) if isinstance(fact, Import)]


def problems(facts: list[Fact]) -> list[Problem]:
    return [fact for fact in facts if isinstance(fact, Problem)]


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import mlflow", ["mlflow"]),
        ("import a.b as c, d", ["a.b", "d"]),
        ("from a.b import c", ["a.b.c"]),
        ("from a import (\n  b,\n  c as d,\n)", ["a.b", "a.c"]),
        ("from . import x", [".x"]),
        ("from ..pkg.mod import f", ["..pkg.mod.f"]),
        ("from a import *", ["a"]),
        ("def f():\n  import late", ["late"]),
        ("try:\n  import fast\nexcept ImportError:\n  import slow", ["slow", "fast"]),
        ("# import no\n'''\nimport neither\n'''\nx = 'import nor'", []),
    ],
)
def test_imports_are_full_dotted_names(source: str, modules: list[str]) -> None:
    assert imports(source) == modules


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import mlflow\nmlflow.start_run()", "mlflow.start_run"),
        ("import mlflow as m\nm.start_run()", "mlflow.start_run"),
        ("import a.b\na.b.c()", "a.b.c"),
        ("import a.b as x\nx.c()", "a.b.c"),
        ("from mlflow import sklearn as s\ns.log_model(m)", "mlflow.sklearn.log_model"),
        ("from a import b\nb()", "a.b"),
        ("from .mlflow import start_run\nstart_run()", ".mlflow.start_run"),
        ("try:\n  import fast as f\nexcept ImportError:\n  import slow as f\nf.run()", "fast.run"),
        ("try:\n  from a import b\nexcept ImportError:\n  def b(): ...\nb()", "a.b"),
        ("from a.b import *\nrun()", "a.b.run"),
        ("from a import Foo\nx = Foo()\nx.run()", "a.Foo.run"),
        ("from a import Foo\nx: object = Foo()\nx.run()", "a.Foo.run"),
        ("from a import Foo\nx, y = Foo(), 1\nx.run()", "a.Foo.run"),
        ("from a import Foo\nwith Foo() as x:\n  x.run()", "a.Foo.run"),
        ("from a import Foo\nasync def f():\n  async with Foo() as x:\n    await x.run()", "a.Foo.run"),
        ("from a import Foo\nif (x := Foo()):\n  x.run()", "a.Foo.run"),
        ("from a import Foo\nx = y = Foo()\ny.run()", "a.Foo.run"),
        ("import a\nlog = a.log\nlog()", "a.log"),
        ("import a\nx = a.make().build()\nx.run()", "a.make.build.run"),
        ("import a\nx = a.b if c else d\nx.run()", "a.b.run"),
        ("import a\nasync def f():\n  x = await a.connect()\n  x.run()", "a.connect.run"),
        ('import boto3\nc = boto3.client("sagemaker")\nc.create_endpoint()', "boto3.client[sagemaker].create_endpoint"),
        ('import boto3\nboto3.client("sagemaker").create_endpoint()', "boto3.client[sagemaker].create_endpoint"),
        ('import boto3\nboto3.client(service_name="s3").get()', "boto3.client[s3].get"),
        ('spark.read.format("delta").load(p)', "spark.read.format[delta].load"),
        ("import a\n(a.b()\n  .c()\n  .d())", "a.b.c.d"),
        ("import a\na.Path('x y').open()", "a.Path.open"),
        ("import a\n(a.Path() / 'x').open()", "a.Path.open"),
        ("import a\na.things[0].run()", "a.things.run"),
        ("from a import Foo\ndef f(x: Foo):\n  x.run()", "a.Foo.run"),
        ("from a import Foo\ndef f(x: 'Foo'):\n  x.run()", "a.Foo.run"),
        ("from a import Foo\ndef f(x: Foo | None = None):\n  x.run()", "a.Foo.run"),
        ("from a import Foo\nfrom typing import Optional\ndef f(*, x: Optional[Foo]):\n  x.run()", "a.Foo.run"),
        ("from a import Foo\nclass C:\n  def __init__(self):\n    self.x = Foo()\n  def f(self):\n    self.x.run()", "a.Foo.run"),
        ("from a import Foo\nclass C:\n  def f(self):\n    self.x.run()\n  def __init__(self, x: Foo):\n    self.x = x", "a.Foo.run"),
        ("from a import Foo\nclass C:\n  x: Foo\n  def f(self):\n    self.x.run()", "a.Foo.run"),
        ("from a import Foo\nclass B:\n  x = Foo()\nclass C(B):\n  def f(self):\n    self.x.run()", "a.Foo.run"),
        ("def f():\n  x.run()\nfrom a import Foo\nx = Foo()", "a.Foo.run"),
        ("def f():\n  def g():\n    x.run()\n  from a import Foo\n  x = Foo()", "a.Foo.run"),
        ("from a import Foo\nx = None\ndef init():\n  global x\n  x = Foo()\ndef use():\n  x.run()", "a.Foo.run"),
        ("from a import Foo\nmatch y:\n  case 1:\n    Foo.run()", "a.Foo.run"),
        ("from a import f\n[f(x) for x in y if x]", "a.f"),
        ("from a import f\ng = lambda x: f(x)", "a.f"),
        ("from a import f\nprint(f'{f(1)}')", "a.f"),
        ("from a import f\nx = {'k': [1, (f(2),)]}", "a.f"),
        ("from a import f\nd[f(1)] = 2", "a.f"),
        ("from a import f\ndef g(x=f()): pass", "a.f"),
    ],
)
def test_a_call_is_named_through_imports_assignments_and_chains(source: str, name: str) -> None:
    assert name in calls(source)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("self.model.fit()", "self.model.fit"),
        ("client.log()", "client.log"),
        ("def mlflow(): pass\nmlflow()", "mlflow"),
        ("from a import run\ndef run(): pass\nrun()", "run"),
        ("from a import x\ndef f(x):\n  x.run()", "x.run"),
        ("from a import x\nfor x in y:\n  x.run()", "x.run"),
        ("from a import Foo\nx = Foo()\nx = 3\nx.run()", "x.run"),
        ("from a import Foo\nx, y = Foo()\nx.run()", "x.run"),
        ("from a import Foo\nclass C:\n  x = Foo()\nx.run()", "x.run"),
        ("def f(x: str):\n  x.run()", "x.run"),
        ("def f(x: list[int]):\n  x.run()", "x.run"),
    ],
)
def test_a_receiver_that_tells_nothing_stays_as_written(source: str, name: str) -> None:
    assert name in calls(source)


@pytest.mark.parametrize(
    "source",
    [
        "# mlflow.start_run()",
        "'''\nmlflow.start_run()\n'''",
        "def f():\n  '''mlflow.start_run()'''",
        "x = 'mlflow.start_run()'",
        "if False:\n  mlflow.start_run()",
        "if 0:\n  mlflow.start_run()",
        "start = mlflow.start_run",
    ],
)
def test_code_that_never_runs_gives_no_call(source: str) -> None:
    assert "mlflow.start_run" not in calls("import mlflow\n" + source)


def test_a_call_of_nothing_but_mocks_is_left_out() -> None:
    source = "from unittest.mock import MagicMock, Mock\nx = Mock()\nx.shape = (2, 2)\nfit(x, MagicMock())\n"
    assert calls(source) == ["unittest.mock.Mock", "unittest.mock.MagicMock"]
    assert "fit" in calls("from unittest.mock import Mock\nfit(rows, Mock())")
    assert "fit" in calls("mock_rows = load()\nfit(mock_rows)")


def test_builtins_and_string_methods_are_left_out_but_not_when_they_are_imported() -> None:
    source = "import numpy as np\nlen(x)\n', '.join(str(y) for y in x)\nz.append(1)\nnp.append(1)\nopen(f)"

    assert calls(source) == ["numpy.append", "open"]


def test_arguments_are_the_literal_ones_and_keywords_are_all() -> None:
    call = the_call('f("a", x, 1, -2.5, None, f"b/{x}!", ["p", "q"], [1], k="v", n=x, flag=True, **more)', "f")

    assert call.arguments == ("a", "1", "-2.5", "None", "b/{}!", "p q")
    assert call.keywords == (("k", "v"), ("n", ""), ("flag", "True"), ("**", ""))


@pytest.mark.parametrize(
    ("given", "keywords"),
    [
        ("args = {'schedule': '@daily', 'day': START, 1: 2, **more}\nf(**args)", {"schedule": "@daily", "day": ""}),
        ("args = dict(catchup=False)\ndef g(): f(a=1, **args)", {"a": "1", "catchup": "False"}),
        ("f(**{'k': 'v'})", {"k": "v"}),
        ("args = {'k': 'v'}\ndef g(args): f(**args)", {}),
        ("args = load()\nf(**args)", {}),
    ],
)
def test_keywords_are_taken_from_a_dictionary_that_is_unpacked(given: str, keywords: dict[str, str]) -> None:
    assert dict(the_call(given, "f").keywords) == {"**": "", **keywords}


def test_the_time_of_an_entry_of_a_timetable_knows_what_runs_then() -> None:
    source = (
        "from c import crontab\nbeat = {'a': {'task': 'jobs.fit', 'schedule': crontab(hour=3)}, 'b': {'task': 'x', 'at': crontab(day=1)}}"
    )
    assert [fact.keywords for fact in facts_of(source) if isinstance(fact, Call)] == [
        (("day", "1"),),
        (("hour", "3"), ("task", "jobs.fit")),
    ]


def test_what_is_no_literal_is_a_gap_in_a_list_that_begins_with_a_word_and_at_the_start_of_a_joined_path() -> None:
    call = the_call(
        'f(["python", script, f"--n={n}", 3], [sys.executable, HERE / "a" / "b.py"], [x, "y"], os.path.join(HERE, "a", "b.py"), '
        'str(HERE / "b.py"), os.path.join(HERE, name), ", ".join(names), k=HERE.parent / "c.py")',
        "f",
    )

    assert call.arguments == ("python {} --n={} {}", "python {}/a/b.py", "{}/a/b.py", "{}/b.py")
    assert call.keywords == (("k", "{}/c.py"),)


def test_a_call_stands_on_the_line_of_its_name_and_knows_its_function() -> None:
    source = "import a\n\nclass C:\n  def m(self):\n    (a.b()\n      .c(\n        1))"
    call = the_call(source, "a.b.c")

    assert (call.line, call.end_line, call.function) == (6, 7, "C.m")


@pytest.mark.parametrize(
    ("source", "kind", "name", "arguments"),
    [
        ("from airflow.decorators import task\n@task\ndef f(): pass", "decorator", "airflow.decorators.task", ()),
        ("from airflow.decorators import task as t\n@t('x')\ndef f(): pass", "decorator", "airflow.decorators.task", ("x",)),
        ("from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def f(): pass", "decorator", "fastapi.FastAPI.get", ("/",)),
        ("import a\n@a.b\nclass C: pass", "decorator", "a.b", ()),
        ("import torch.nn as nn\nclass C(nn.Module): pass", "base", "torch.nn.Module", ()),
        ("from a import Base\nclass C(Base[int]): pass", "base", "a.Base", ()),
    ],
)
def test_decorators_and_base_classes_are_calls_of_their_kind(source: str, kind: str, name: str, arguments: tuple[str, ...]) -> None:
    assert [(fact.name, fact.arguments) for fact in facts_of(source) if isinstance(fact, Call) and fact.kind == kind] == [(name, arguments)]


@pytest.mark.parametrize(
    ("body", "assertions"),
    [
        ("pass", 0),
        ("assert x\n  assert y", 2),
        ("self.assertEqual(1, 2)", 1),
        ("assert True", 0),
        ("assert True, 'ran'", 0),
        ("assert 1 == 1", 0),
        ("assert not False", 0),
        ("assert True == x", 1),
        ("assert False", 0),
        ("assert False, 'no tests written'", 0),
        ("'''Says nothing.'''\n  assert False", 0),
        ("f()\n  assert False", 1),
        ("if f():\n    assert False", 1),
        ("self.assertTrue(True)", 0),
        ("self.assertEqual('a', 'a')", 0),
        ("np.testing.assert_allclose(a, b)", 1),
        ("torch.testing.assert_close(a, b)", 1),
        ("m.assert_called_once()", 1),
        ("with pytest.raises(ValueError):\n    f()", 1),
        ("pytest.approx(1)", 0),
        ("expect(x)", 1),
        ("_check_shape(x)\n  verify_all(x)", 2),
        ("def inner():\n    assert x\n  inner()", 1),
        ("if x:\n    for y in z:\n      assert y", 1),
        ("compares(x)\n\ndef compares(x):\n  assert x", 1),
        ("shows(x)\n\ndef shows(x):\n  print(x)", 0),
        ("other.compares(x)\n\ndef compares(x):\n  assert x", 0),
    ],
)
def test_a_test_counts_its_assertions(body: str, assertions: int) -> None:
    facts = facts_of(f"import pytest\nimport numpy as np\nimport torch\ndef test_it():\n  {body}\n")

    assert [fact for fact in facts if isinstance(fact, records.Test)] == [records.Test(line=4, name="test_it", assertions=assertions)]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("class TestA:\n  def test_b(self): pass\n  def helper(self): pass", ["TestA.test_b"]),
        ("import unittest\nclass A(unittest.TestCase):\n  def test_b(self): pass", ["A.test_b"]),
        ("class Model:\n  def test_step(self): pass", []),
        ("def helper():\n  def test_inner(): pass", []),
        ("async def test_a(): pass", ["test_a"]),
    ],
)
def test_tests_are_found_where_a_runner_would(source: str, names: list[str]) -> None:
    assert [fact.name for fact in facts_of(source) if isinstance(fact, records.Test)] == names


@pytest.mark.parametrize(
    ("source", "entries"),
    [
        ("if __name__ == '__main__':\n  f()", 1),
        ("if '__main__' == __name__: f()", 1),
        ("__name__ == 'other'\nif __name__ == 'other': f()", 0),
    ],
)
def test_an_entry_tells_that_a_file_is_started(source: str, entries: int) -> None:
    assert len([fact for fact in facts_of(source) if isinstance(fact, Entry)]) == entries


@pytest.mark.parametrize(
    ("source", "gate"),
    [
        ("assert acc > 0.8", ("acc", (">", "0.8"))),
        ("assert metrics['Accuracy'] >= 0.8, 'too low'", ("metrics accuracy", (">=", "0.8"))),
        ("if accuracy < threshold:\n  raise ValueError(accuracy)", ("accuracy threshold", ("<",))),
        ("import sys\nif self.auc < 0.7 or f1 < 0.5:\n  print('no')\n  sys.exit(1)", ("self.auc f1", ("<", "0.7", "<", "0.5"))),
        ("if not r2_score(y, p) > 0.5:\n  exit(1)", ("r2_score y p", (">", "0.5"))),
        ("def ok():\n  if acc <= best.acc:\n    return False", ("acc best.acc", ("<=",))),
        ("if acc > 0.8:\n  deploy()\nelse:\n  raise SystemExit", ("acc", (">", "0.8"))),
        ("if acc < 0.8:\n  if strict:\n    raise ValueError", ("acc", ("<", "0.8"))),
        ("from azureml.core import Run\nrun = Run.get_context()\nif mse > 3:\n  run.parent.cancel()", ("mse", (">", "3"))),
        ("if new.auc > old.auc:\n  v = client.register_model('m')\n  print(v)", ("new.auc old.auc", (">",))),
        ("if rmse < best:\n  print('better')\nelse:\n  rollback()", ("rmse best", ("<",))),
        ("def choose():\n  if acc > 0.8:\n    return 'deploy_model'\n  return 'stop'", ("acc", (">", "0.8"))),
        ("def choose():\n  return 'promote' if acc > 0.8 else 'keep'", ("acc", (">", "0.8"))),
        ("def should_deploy(acc):\n  return acc > 0.8 and ready", ("acc", (">", "0.8"))),
        ("from kfp import dsl\nwith dsl.Condition(op.outputs['acc'] > 0.8, name='deploy'):\n  deploy()", ("op.outputs acc", (">", "0.8"))),
        ("import sys\nsys.exit(0 if acc > 0.8 else 1)", ("acc", (">", "0.8"))),
        ("exit(acc < 0.8)", ("acc", ("<", "0.8"))),
        ("got = f1_score(y, p)\nassert got > 0.8", ("got f1_score", (">", "0.8"))),
        ("got = float(json.load(f)['test']['rmse'])\nif got > 3:\n  exit(1)", ("got rmse", (">", "3"))),
        ("got = run.data.get('auc', 0)\ndef f():\n  assert got > 0.5", ("got auc", (">", "0.5"))),
        ("got = run['auc']\ndef f(got):\n  assert got > 0.5", ("got", (">", "0.5"))),
        ("got = run['auc']\nfor got in others:\n  assert got > 0.5", ("got", (">", "0.5"))),
        ("log(0 if acc > 0.8 else 1)", None),
        ("if val_loss < best:\n  torch.save(model, 'best.pt')", None),
        ("def is_best(acc):\n  return acc > best", None),
        ("label = 'good' if acc > 0.8 else 'bad'", None),
        ("with open(a if acc > 0.8 else b):\n  pass", None),
        ("if acc < 0.8:\n  print('low')", None),
        ("assert a == b", None),
        ("if x is None:\n  raise ValueError", None),
        ("assert set(result.columns) >= {'dt', 'score'}", None),
        ("assert len(scores) > 3", ("len", (">", "3"))),
        ("if recall <= 0.0 or recall > 1:\n  raise ValueError(recall)", None),
        ("if not 0 <= recall <= 1:\n  raise ValueError(recall)", None),
        ("assert 0 <= recall <= 1", None),
        ("assert 0 < recall < 1", None),
        ("assert -1.0 <= silhouette <= 1.0", None),
        ("assert 0 < r2 < 1", ("r2", ("<", "<", "0", "1"))),
        ("assert -0.5 <= silhouette <= 1.0", ("silhouette", ("<=", "<=", "0.5", "1.0"))),
        ("assert losses['mse'] >= 0", None),
        ("if loss <= 0.0:\n  raise ValueError(loss)", None),
        ("assert 0.7 <= recall <= 1", ("recall", ("<=", "<=", "0.7", "1"))),
        ("assert r2_score(y, p) > 0", ("r2_score y p", (">", "0"))),
        ("if recall > 0:\n  sys.exit(1)", ("recall", (">", "0"))),
        ('assert float("-inf") < score < float("+inf")', None),
        ("assert -math.inf < score < np.inf", None),
        ('assert 0.8 < score < float("inf")', ("score float inf", ("<", "<", "0.8"))),
        ("assert abs(loss - 1.0) < 1e-6", None),
        ("assert 1e-9 > np.abs(loss - expected)", None),
        ("assert abs(acc - best_acc) < 0.05", ("abs acc best_acc", ("<", "0.05"))),
        ("assert loss < 1e-6", ("loss", ("<", "1e-06"))),
        ("assert hits[0].score >= hits[1].score", None),
        ("assert hits[1]['score'] <= hits[0]['score']", None),
        ("assert accuracy[1] > accuracy[0]", ("accuracy accuracy", (">", "1", "0"))),
        ("assert losses[0] > losses[1]", ("losses losses", (">", "0", "1"))),
        ("assert losses[-1] < losses[0]", ("losses losses", ("<", "1", "0"))),
        ("assert m['f1_macro'] <= 0.01", None),
        ("assert auc < 0.99", ("auc", ("<", "0.99"))),
        ("if accuracy < 0.05:\n  raise ValueError(accuracy)", ("accuracy", ("<", "0.05"))),
        ("assert train_acc - test_acc < 0.05", ("train_acc test_acc", ("<", "0.05"))),
    ],
)
def test_a_comparison_that_stops_the_program_is_a_gate(source: str, gate: tuple[str, tuple[str, ...]] | None) -> None:
    gates = [(fact.name, fact.arguments) for fact in facts_of(source) if isinstance(fact, Call) and fact.kind == "gate"]

    assert gates == ([gate] if gate else [])


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("'s3://bucket/key'", "s3://bucket/key"),
        ("f's3://{bucket}/{key}.csv'", "s3://{}/{}.csv"),
        ("'/home/anna/data'", "/home/anna/data"),
        (r"'C:\\data\\x'", r"C:\data\x"),
        (r"r'\\server\share'", r"\\server\share"),
        ("'~/data'", "~/data"),
        ("'data/raw/train.csv'", "data/raw/train.csv"),
        ("'model.PKL'", "model.PKL"),
        ("'config.json'", None),
        ("'/api/v1/predict'", None),
        ("'.csv'", None),
        ("'see http for more.'", None),
    ],
)
def test_literals_are_uris_machine_paths_and_data_files(text: str, kept: str | None) -> None:
    for source in (f"x = {text}", f"g({text})", f"g(k={text})", f"x = [{{1: {text}}}]"):
        assert [fact.value for fact in facts_of(source) if isinstance(fact, Literal)] == ([kept] if kept else [])


def test_a_docstring_is_no_literal_and_literals_are_bounded() -> None:
    assert [fact for fact in facts_of('"""s3://bucket/key"""\ndef f():\n  "s3://bucket/key"') if isinstance(fact, Literal)] == []
    many = facts_of("x = [" + ",".join(f"'s3://b/{i}{'x' * 300}'" for i in range(1000)) + "]")
    assert len(many) == 300
    assert all(isinstance(fact, Literal) and len(fact.value) == 200 for fact in many)


def test_lines_count_from_the_first_line_that_is_given() -> None:
    facts = facts_of("import a\n\na.b()\ndef test_x(): assert 1\nx = 's3://b/c'\nif __name__ == '__main__': pass", first_line=11)

    assert [(type(fact).__name__, fact.line) for fact in facts] == [
        ("Import", 11),
        ("Call", 13),
        ("Literal", 15),
        ("Entry", 16),
        ("Test", 14),
        ("Definition", 0),
        ("Definition", 14),
        ("Definition", 16),
    ]


PYTHON_2 = """import os, sys
from sklearn import ensemble as e
try:
    print "train", os.path.join("a", "b")
    print
    clf = e.RandomForestClassifier(10)
    clf.fit(X)
except IOError, error:
    raise ValueError, "bad"
    exec "x = 1"
if __name__ == "__main__":
    print "x" % sys.argv[1]
"""


def test_python_2_is_read_past_its_statements() -> None:
    facts = facts_of(PYTHON_2)

    assert [problem.line for problem in problems(facts)] == [4]
    assert imports(PYTHON_2) == ["os", "sys", "sklearn.ensemble"]
    assert calls(PYTHON_2) == ["sklearn.ensemble.RandomForestClassifier", "sklearn.ensemble.RandomForestClassifier.fit"]
    assert Entry(line=11) in facts


def test_newer_and_older_grammar_without_loss_is_no_problem() -> None:
    source = (
        "import a\nclass C[T: list[int]](a.Base):\n  def f[U](self): a.run()\ntype X = int\ntry: pass\nexcept OSError, ValueError: pass\n"
    )
    facts = facts_of(source)

    assert problems(facts) == []
    assert [fact.name for fact in facts if isinstance(fact, Call)] == ["a.Base", "a.run"]


def test_a_broken_line_costs_itself_only() -> None:
    facts = facts_of("import a\na.b()\nx = = 1\ndef f(:\n  a.c()\na.d()\n")

    assert [problem.line for problem in problems(facts)] == [3]
    assert [fact.name for fact in facts if isinstance(fact, Call)] == ["a.b", "a.c", "a.d"]


def test_what_can_not_be_mended_still_gives_imports_and_plain_calls() -> None:
    source = (
        "import a.b, c as d  # import no\nfrom e import (f,\n  g as h)\nfrom . import i\n" + "x = (\n" * 30 + "\n'''\nd.not_this()\n'''\n"
        "client = d.client('sagemaker')\nclient.create(name='s3://x/y', n=1)\nh()\nunknown()\n# d.nor_this()\n"
        "def test_z():\n  assert x\nif __name__ == '__main__':\n  pass\n"
    )
    facts = facts_of(source)
    found = {fact.name: fact for fact in facts if isinstance(fact, Call)}

    assert len(problems(facts)) == 1
    assert imports(source) == ["a.b", "c", "e.f", "e.g", ".i"]
    assert list(found) == ["c.client", "c.client[sagemaker].create", "e.g"]
    assert found["c.client"].arguments == ("sagemaker",)
    assert found["c.client[sagemaker].create"].keywords == (("name", "s3://x/y"), ("n", "1"))
    assert Literal(line=40, value="s3://x/y") in facts
    assert records.Test(line=44, name="test_z", assertions=1) in facts
    assert Entry(line=46) in facts


def test_placeholders_of_a_template_are_filled() -> None:
    source = "import {{cookiecutter.package}}.train\n{% if cookiecutter.x %}\nimport a\n{{- end }}\na.run({{ .name }})\nx = 's3://{{bucket}}/y'\n"
    facts = facts_of(source)

    assert problems(facts) == []
    assert imports(source) == ["placeholder.train", "a"]
    assert the_call(source, "a.run").line == 5


@pytest.mark.parametrize(
    "source",
    [
        "import a\n" + "(" * 100 + ")" * 100,
        "import a\nx = " + "[{" * 5000,
        "import a\n" + "-" * 50000 + "1",
        "import a\nx = " + "a." * 50000 + "b",
        "import a\nx = " + "a+" * 50000 + "b",
        "import a\n" + "a()" * 3000,
        "import a\nif a: pass\n" + "elif a: pass\n" * 5000,
        "import a\nx = '\x00'",
        "import a\n" + "x = 1\n" * 200_000,
        "import a\n'''" + "\\'''" * 20000,
        "import a\nprint 'x'\n" * 2000,
        "import a\n" + "from b import (" * 5000,
        "import a\n" + "x" * 100_000 + " y",
    ],
    ids=["brackets", "unclosed", "unary", "attributes", "sums", "calls", "elifs", "null", "large", "quotes", "prints", "froms", "word"],
)
def test_hostile_source_gives_its_first_import_and_never_an_exception(source: str) -> None:
    assert "a" in imports(source)


def test_brackets_in_strings_do_not_count_as_nesting() -> None:
    source = "import a\nx = '" + "(" * 500 + "'\na.run()"

    assert problems(facts_of(source)) == []
    assert calls(source) == ["a.run"]


def test_names_are_bounded_and_keep_their_end() -> None:
    source = "import a\nx = a\n" + "x = x.with_column(1)\n" * 100 + "x.write()\n" + "a" + ".b" * 150 + ".end()"
    names = calls(source)

    assert max(map(len, names)) <= 200
    assert names[-1].endswith(".b.end")
    assert names[-2].endswith(".write")


def test_calls_that_nobody_asks_for_are_not_built_and_what_they_hold_is_read() -> None:
    source = (
        "import mlflow as m, pulumi_aws as aws\nlog = m.log_metric\nclass T:\n  def __init__(self): self.fit = log\n  def go(self): self.fit(1)\n"
        "def test_a():\n  print(other(x, m.start_run(), key='s3://b/c'), y := [aws.s3.Bucket('b')])\n  check_it(y)\n"
        "@other.thing(m.autolog())\nclass U(base.Known, m.start_run): pass\nother.one(m.deploy).two(m.x.start_run())"
    )
    facts = facts_of(source, asked=Asked(["base"], ["pulumi_"], ["log_metric", "start_run"]))

    assert sorted(fact.name for fact in facts if isinstance(fact, Call)) == [
        "base.Known", "mlflow.log_metric", "mlflow.start_run", "mlflow.start_run", "mlflow.x.start_run", "pulumi_aws.s3.Bucket",
    ]  # fmt: skip
    assert [fact.value for fact in facts if isinstance(fact, Literal)] == ["s3://b/c"]
    assert [fact.assertions for fact in facts if isinstance(fact, records.Test)] == [1]


def test_python_files_are_claimed_at_any_depth() -> None:
    (reading,) = (reading for reading in python.READINGS if reading.name == "python")

    assert [path for path in ("a.py", "x/y/b.py", "c.pyc", "d.ipynb", "py") if reading.claims(path)] == ["a.py", "x/y/b.py"]
    assert next(iter(reading.read("a.py", "import a\r\nx = '\xe9'\r\n".encode("latin-1")))) == Import(line=1, module="a")


@pytest.mark.parametrize(
    ("first", "read"),
    [
        (b"#!/usr/bin/env python3", True),
        (b"#!/opt/conda/bin/python", True),
        (b"#!/usr/bin/env -S python -u", True),
        (b"#!/bin/sh", False),
        (b"", False),
    ],
)
def test_a_file_without_a_suffix_is_python_when_it_says_so(first: bytes, read: bool) -> None:
    (script,) = (reading for reading in python.READINGS if reading.name == "python-script")

    assert any(isinstance(fact, Import) for fact in script.read("bin/train", first + b"\nimport mlflow\n")) is read
