"""What is worth reading closely: nothing that a signal asks for may be passed over."""

from __future__ import annotations

import pytest

from rung import records
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.patterns import CallPattern, bare_name
from rung.prefilter import Prefilter
from rung.readers import python
from rung.readers.kinds import READINGS
from rung.readers.python.skim import skimmed
from rung.records import Call, Definition, Detector, Entry, Import, Packs, Role, Signal, Start, Strength


def detector(matcher: str, *patterns: str) -> Detector:
    signal = Signal(id="a", capability="x.y", strength=Strength.DECLARED, matcher=matcher, arguments={"any": list(patterns)})
    return Detector(id="d", title="D", homepage="", signals=(signal,))


def prefilter(*detectors: Detector) -> Prefilter:
    return Prefilter(Matchers(Packs(detectors=detectors, capabilities=(), resources=(), frameworks=(), digest="")))


@pytest.mark.parametrize(
    ("pattern", "source"),
    [
        ("mlflow.*.log_model(registered_model_name=)", "from mlflow import sklearn as s\ns.log_model(m, registered_model_name='x')"),
        ("*.client[s3].get_object", "import boto3\nc = boto3.client('s3')\nc.get_object()"),
        ("*.get(/predict*)", "app.get('/predict/{id}')(f)"),
        ("*.*model.fit", "self.big_model.fit()"),
        ("a.f(lr=0.001)", "from a import f\nf(lr=1e-3)"),
        ("a.f(flag=True)", "import a\na.f(flag=True)"),
        ("a.f(mode=!fast)", "import a\na.f(mode='slow')"),
        ("a.f(mode!=fast)", "import a\na.f(mode='slow')"),
        ("a.f(mode!=fast)", "import a\na.f()"),
        ("a.f(*.csv, !*://*)", "import a\na.f('one.csv')"),
        ("a.f(dvc repro*)", "import a\na.f(['dvc', 'repro', '-f'])"),
    ],
)
def test_a_file_with_a_call_that_matches_is_worth_reading(pattern: str, source: str) -> None:
    calls = [fact for fact in python.facts_of(source) if isinstance(fact, Call)]
    asked = CallPattern(pattern)
    assert any(asked.is_named(call.name, bare_name(call.name)) and asked.fits(call) for call in calls)

    assert prefilter(detector("call", pattern)).worth_reading(("",), "a.py", source.encode())


@pytest.mark.parametrize(
    ("language", "source", "worth"),
    [("r:", "source('R/fit.R')", True), ("julia:", 'include("fit.jl")', True), ("r:", "x <- 1", False), ("julia:", "x = 1", False)],
)
def test_a_script_that_takes_in_another_one_is_worth_reading(language: str, source: str, *, worth: bool) -> None:
    assert prefilter(detector("call", "mlflow.start_run")).worth_reading((language,), "a", source.encode()) is worth


@pytest.mark.parametrize(
    ("pattern", "source"),
    [
        ("kfp.Client", "from kfp import Client as C\nC()"),
        ("kfp.Client", "from kfp import (\n  dsl,\n  Client\n)\nmake = Client\nmake()"),
        ("kfp.Client", "from kfp import *\n@Client\ndef f(): ..."),
        ("kfp.Client", "import kfp\nmake = kfp.Client if a else b\nmake()"),
        ("kfp.Client", "import kfp\ndef f(make: kfp.Client = None):\n  make()"),
        ("kfp.Client", "import kfp\ndef f(make: 'kfp.Client'):\n  make()"),
        ("kfp.Client", "import kfp\n(kfp.Client or b)(1)"),
        ("kfp.Client", "import kfp\nkfp.Client[int](1)"),
        ("kfp.Client", "import kfp\n(kfp.\n    Client)(1)"),
        ("kfp.Client", "import kfp\nkfp.Client \\\n  (1)"),
        ("kfp.Client", "import kfp\nwith kfp.Client as make:\n  make()"),
        ("kfp.Client", "import kfp\nclass A(B, kfp.Client): ..."),
        ("evaluate", "@evaluate\ndef f(): ..."),
        ("*.fit", "fit_on = model.fit\nfit_on(x)"),
        ("*.fit(steps=)", "model.fit(steps\n = 3)"),
        ("*.client(s3)", "boto3.client('S3')"),
        ("*.client[s3].get_object", 'boto3.client(service_name="s3").get_object()'),
        ("os.system(python *train*)", "import os, sys\nos.system([sys.executable, 'train.py'])"),
    ],
)
def test_however_a_name_comes_to_be_called_the_file_is_worth_reading(pattern: str, source: str) -> None:
    calls = [fact for fact in python.facts_of(source) if isinstance(fact, Call)]
    asked = CallPattern(pattern)
    assert any(asked.is_named(call.name, bare_name(call.name)) and asked.fits(call) for call in calls)

    assert prefilter(detector("call", pattern)).worth_reading(("",), "a.py", source.encode())


@pytest.mark.parametrize(
    ("pattern", "source"),
    [
        ("*.fit", "class Model:\n  def fit(self): ...\n"),
        ("*.fit", "show(fit=model.fit_all)"),
        ("*.fit", "print('a fit ', model.fit.__doc__)"),
        ("schema.Schema", "import schema\nschema.schema(1)"),
        ("*.data.get(version=)", "x.data.get(version == 1)"),
        ("*.client(s3)", "x.client(bucket='s3://here')"),
        ("boto3.client[kms].*", "import boto3\nboto3.client('ec2').describe(kms)"),
    ],
)
def test_words_that_are_not_used_as_the_pattern_means_are_not_read_for(pattern: str, source: str) -> None:
    assert not prefilter(detector("call", pattern)).worth_reading(("",), "a.py", source.encode())


@pytest.mark.parametrize(
    ("language", "pattern", "source", "worth"),
    [
        ("js:", "js:lib.make", "import { make as build } from 'lib';\nbuild()", True),
        ("js:", "js:lib.make", "const { make: build } = require('lib');\nbuild()", True),
        ("js:", "js:lib.Base", "import lib from 'lib';\nclass A extends lib.Base {}", True),
        ("js:", "js:make", "import build from 'make';\nbuild()", True),
        ("js:", "js:lib.make", "import { make } from 'lib';\nmake<A>?.()", True),
        ("js:", "*.fit", "x.fit = y", False),
        ("js:", "*.get(version=)", "api.get({version: 1})", True),
        ("js:", "*.get(version=)", "version = api.get(1)", False),
        ("go:", "go:lib.Config", "lib.Config{}", True),
        ("go:", "go:lib.Config", "var c *lib.Config", False),
        ("sql:", "*.beta", "select beta from t", False),
        ("sql:", "sql:create table", "CREATE TABLE a (b int)", True),
        ("dbt.", "dbt.source", "select * from {{ source('a', 'b') }}", True),
        ("dbt.", "dbt.source", "select source from t", False),
        ("dbt.", "dbt.test", "{% data_test a(b) %}", True),
    ],
)
def test_each_language_tells_in_its_own_way_that_a_name_is_called(language: str, pattern: str, source: str, worth: bool) -> None:
    languages = ("sql:", "dbt.") if language in ("sql:", "dbt.") else (language,)

    assert prefilter(detector("call", pattern)).worth_reading(languages, "a", source.encode()) is worth


def test_literals_begin_behind_a_quote() -> None:
    looked_for = prefilter(detector("literal", "s3://?*", "E:\\*.csv", "?*://*/dt={}*"))

    assert looked_for.worth_reading(("",), "a.py", b"read('S3://bucket')")
    assert looked_for.worth_reading(("",), "a.py", rb'read("e:\\data\\a.csv")')
    assert looked_for.worth_reading(("",), "a.py", b"read(f'{root}://x/dt={day}')")
    assert not looked_for.worth_reading(("",), "a.py", b"# reads s3://bucket and type: a.csv")


def test_imports_are_worth_reading_whatever_is_called() -> None:
    assert prefilter(detector("import", "js:lib")).worth_reading(("js:",), "a.js", b"import a from 'lib'")


def test_imports_of_python_are_not_worth_parsing_as_who_skims_a_file_gives_them() -> None:
    assert not prefilter(detector("import", "lib")).worth_reading(("",), "a.py", b"import lib")
    assert Import(line=1, module="lib") in (skimmed("import lib\n") or ())


def test_a_file_is_worth_reading_only_for_what_counts_in_its_role() -> None:
    start = Start(id="s", matcher="call", arguments={"any": ["subprocess.run"]}, where=(Role.SOURCE,))
    looked_for = prefilter(detector("call", "mlflow.run"), Detector(id="e", title="E", homepage="", signals=(), starts=(start,)))

    assert looked_for.worth_reading(("",), "a.py", b"import subprocess\nsubprocess.run('x')")
    assert not looked_for.worth_reading(("",), "tests/test_a.py", b"import subprocess\nsubprocess.run('x')")
    assert looked_for.worth_reading(("",), "tests/test_a.py", b"import mlflow\nmlflow.run('x')")


def test_words_that_only_resemble_are_not_taken_for_the_call() -> None:
    looked_for = prefilter(detector("call", "*.fit", "mlflow.log_model"))

    assert not looked_for.worth_reading(("",), "a.py", b"benefit.fits()\nmlflow.run()")
    assert not looked_for.worth_reading(("js:",), "a.js", b"mlflow.log_model()")


@pytest.mark.parametrize(
    ("source", "worth"),
    [
        (b"assert test_accuracy > 0.8", True),
        (b"if (\n  scores['auc']\n  < least\n):\n  raise ValueError", True),
        (b"x = 1; assert a <= auc", True),
        (b"if a:\n  pass\nelif auc > b: exit()", True),
        (b"with dsl.If(op.output > auc):\n  deploy()", True),
        (b"def f():\n  return auc > least", True),
        (b"sys.exit(auc < 0.8)", True),
        (b"assert test_accuracy", False),
        (b"assert cauc > 0.8", False),
        (b"def f() -> int:\n  assert auc", False),
        (b"assert auc\nraise a < b", False),
    ],
)
def test_gates_need_a_word_compared_in_a_statement_that_may_stop(source: bytes, worth: bool) -> None:
    assert prefilter(detector("gate", "*_accuracy", "auc")).worth_reading(("",), "a.py", source) is worth


@pytest.mark.parametrize(("glob", "source"), [("*[!t]_score", b"assert best_score > 1"), ("auc?", b"assert auc2 > 1")])
def test_a_gate_with_a_letter_left_open_still_needs_the_word_beside_it(glob: str, source: bytes) -> None:
    looked_for = prefilter(detector("gate", glob))
    assert looked_for.worth_reading(("",), "a.py", source)
    assert not looked_for.worth_reading(("",), "a.py", b"assert a > 1")


@pytest.mark.parametrize("path", ["a", "a.ipynb", "tests/test_a", "examples/a", "archive/a", "docs/a"])
def test_no_pattern_of_ours_makes_every_file_worth_reading(path: str) -> None:
    ours = Prefilter(Matchers(load_packs()))
    for reading in (reading for reading in READINGS if reading.languages):
        assert not ours.worth_reading(reading.languages, path, b"\n"), reading.name


@pytest.mark.parametrize(
    "source",
    [
        "import a, b.c as d\nfrom e import f, g as h\nfrom . import i\nfrom ..j import *\n",
        "from a import (  # why\n    b,\n    c as d,  # from x import y\n)\n",
        "from a import \\\n    b, c\nimport d, \\\n  e\n",
        '"""\nimport no\nfrom no import no\n"""\nx = "import no"\ndef f():\n    import yes\n    """import no"""\n',
        "try: import a\nexcept ImportError: from b import c\nx = 1; import d; import e\n",
        "raise A from b\nyield_ = 1\ndef g():\n    yield from h\nif __name__ == '__main__':\n    import k\n",
        "# import no\nx = 'it\\'s'\nimport yes\n",
    ],
)
def test_skimming_finds_the_imports_that_the_parser_finds(source: str) -> None:
    def told(facts: object) -> list[tuple[int, str]]:
        assert isinstance(facts, list)
        return sorted((fact.line, getattr(fact, "module", "main")) for fact in facts if isinstance(fact, (Import, Entry)))

    assert told(skimmed(source)) == told(python.facts_of(source))


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("from . import a as b\nimport c.d, os\ndef f():\n    return b.fit(c.d.load(os.path))", (".a.fit", "c.d.load")),
        ("from a import (\n    b,  # c\n    c,\n)\nb(1).c", ("a.b",)),
        ('from a import b, c, d\nbb(x.b)\nf"{c.d}"\n# d\n"""d"""', ("a.c.d",)),
        ("import a\nhand_over(a)\nx.a", ("a",)),
        ("import a\nprint()", ()),
        ("from code.model import train\nimport shop\ntrain(shop.rows)", ("code.model.train", "shop.rows")),
        ("from a import *\nfit()", None),
        ("import os\nimport numpy as np\nos.path", None),
        ("import os\nimport shop\nos.path(shop.rows)", ("shop.rows",)),
        ("import a\na()\ndef test_a():\n    assert a()", None),
    ],
)
def test_skimming_tells_what_a_file_names_of_its_imports(source: str, uses: tuple[str, ...] | None) -> None:
    parts = [fact.uses for fact in skimmed(source) or () if isinstance(fact, Definition)]

    assert parts == ([] if uses is None else [uses])
    assert not any(isinstance(fact, Definition) for fact in skimmed(source, hands_on=True) or ())


TESTS = [
    "def test_a():\n    x\n    assert x\nasync def test_b():\n    if y: assert y\ndef helper():\n    def test_inner(): assert a\n",
    "import unittest as u\nclass A(u.TestCase):\n    def setUp(self): assert a\n    def test_a(self):\n        self.assertEqual(1, 2)\n",
    "class Model:\n    def test_step(self): assert a\nclass TestB(Model):\n    class C:\n        def test_c(self): pass\n",
    "def test_a():\n    f()\nif x:\n    def test_b():\n        assert y\n    for a in b:\n        f(a)\n",
    "def test_a():\n    def inner():\n        assert a\n    inner()\ndef test_b():\n    class K:\n        def f(self): assert a\n    assert K\n",
    'def test_a():\n    """assert this"""\n    # assert that\n    "self.assertTrue("\ndef test_b(mock):\n    mock.assert_called_once()\n',
    "import pytest\ndef test_a():\n    with pytest.raises(KeyError):\n        f()\nif __name__ == '__main__':\n    pytest.main()\n",
    "@given(x=check(1))\ndef test_a(x):\n    f(x)\n\nclass TestA(Base[int], metaclass=M):\n    def test_b(self): f()\n",
]


@pytest.mark.parametrize("source", TESTS)
def test_skimming_finds_the_tests_that_the_parser_finds(source: str) -> None:
    def told(facts: object) -> list[tuple[int, str, bool]]:
        assert isinstance(facts, list)
        return sorted((fact.line, fact.name, fact.assertions > 0) for fact in facts if isinstance(fact, records.Test))

    assert told(skimmed(source)) == told(python.facts_of(source))


@pytest.mark.parametrize(
    "source",
    [
        "if 0:\n    import a",
        "from x import assert_same as same\ndef test_a():\n    same(1, 2)",
        "def test_a(self):\n    self.same = self.assertEqual\ndef test_b(self):\n    self.same(1, 2)",
        "def test_a():\n    check_shape(x)",
        "def ready():\n    assert x\ndef test_a():\n    ready()",
        "self.assertEqual = print\ndef test_a(self):\n    self.assertEqual(1, 2)",
        "def test_a():\n    class K:\n        def f(self): self.assertTrue(1)",
        "class A(make(TestCase)):\n    def test_a(self): assert a",
        "Base = TestCase\nclass A(Base):\n    def test_a(self): assert a",
        "def test_a():\n\tassert x",
        "def test_a():\n    assert 1 == 1",
        "def test_a():\n    assert False",
        "def test_a(self):\n    self.assertTrue(True)",
        "if x:\n    assert y\ndef test_a(): assert a",
        "def test_a():\n    print 'x'\n    assert x",
        "def test_a():\n    try: f()\n    except A, e: assert e",
        "def test_{{ name }}():\n    assert x",
        "def test_a[T]():\n    assert x",
        "import a\rdef test_a():\r    assert x",
        "x = 1;" + " " * 500 + "assert x\ndef test_a(): assert a",
    ],
)
def test_what_only_a_tree_tells_is_not_skimmed(source: str) -> None:
    assert skimmed(source) is None


def test_a_gate_of_any_name_is_looked_for_everywhere() -> None:
    assert prefilter(detector("gate", "*")).worth_reading(("",), "a.py", b"x")
