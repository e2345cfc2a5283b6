"""What is worth reading closely: nothing that a signal asks for may be passed over."""

from __future__ import annotations

import pytest

from rung import records
from rung.matchers import CallPattern
from rung.prefilter import Prefilter, call_traces, literal_traces, words_of
from rung.readers import python
from rung.readers.python.skim import skimmed
from rung.records import Call, Detector, Entry, Import, Signal, Strength


def detector(matcher: str, *patterns: str) -> Detector:
    signal = Signal(id="a", capability="x.y", strength=Strength.DECLARED, matcher=matcher, arguments={"any": list(patterns)})
    return Detector(id="d", title="D", homepage="", signals=(signal,))


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
        ("a.f(dvc repro*)", "import a\na.f(['dvc', 'repro', '-f'])"),
    ],
)
def test_a_file_with_a_call_that_matches_is_worth_reading(pattern: str, source: str) -> None:
    calls = [fact for fact in python.facts_of(source) if isinstance(fact, Call)]
    assert any(CallPattern(pattern).matches(call, call.name.split("[")[0] if "[" not in pattern else call.name) for call in calls)

    assert Prefilter([detector("call", pattern)]).worth_reading(("",), "a.py", source.encode())


def test_words_that_only_resemble_are_not_taken_for_the_call() -> None:
    prefilter = Prefilter([detector("call", "*.fit", "mlflow.log_model")])

    assert not prefilter.worth_reading(("",), "a.py", b"benefit.fits()\nmlflow.run()")
    assert not prefilter.worth_reading(("js:",), "a.js", b"mlflow.log_model()")


def test_gates_need_a_word_and_a_comparison() -> None:
    prefilter = Prefilter([detector("gate", "*_accuracy", "auc")])

    assert prefilter.worth_reading(("",), "a.py", b"assert test_accuracy > 0.8")
    assert not prefilter.worth_reading(("",), "a.py", b"assert test_accuracy")
    assert not prefilter.worth_reading(("",), "a.py", b"assert cauc > 0.8")


def test_traces_are_the_words_and_pieces_of_a_pattern() -> None:
    traces = call_traces("google.cloud.datacatalog*.Client(gs://*, n=3)")
    assert traces.words == {b"google", b"cloud", b"client", b"gs", b"n"}
    assert traces.pieces == (b"datacatalog", b"gs://")
    assert literal_traces("s3a://?*").words == {b"s3a"}
    assert words_of(b"A.b-c D_1") == {b"a", b"b", b"c", b"d_1"}


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


TESTS = [
    "def test_a():\n    x\n    assert x\nasync def test_b():\n    if y: assert y\ndef helper():\n    def test_inner(): assert 1\n",
    "import unittest as u\nclass A(u.TestCase):\n    def setUp(self): assert 1\n    def test_a(self):\n        self.assertEqual(1, 2)\n",
    "class Model:\n    def test_step(self): assert 1\nclass TestB(Model):\n    class C:\n        def test_c(self): pass\n",
    "def test_a():\n    f()\nif x:\n    def test_b():\n        assert y\n    for a in b:\n        f(a)\n",
    "def test_a():\n    def inner():\n        assert 1\n    inner()\ndef test_b():\n    class K:\n        def f(self): assert 1\n    assert K\n",
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
        "self.assertEqual = print\ndef test_a(self):\n    self.assertEqual(1, 2)",
        "def test_a():\n    class K:\n        def f(self): self.assertTrue(1)",
        "class A(make(TestCase)):\n    def test_a(self): assert 1",
        "Base = TestCase\nclass A(Base):\n    def test_a(self): assert 1",
        "def test_a():\n\tassert x",
        "if x:\n    assert y\ndef test_a(): assert 1",
        "def test_a():\n    print 'x'\n    assert x",
        "def test_a():\n    try: f()\n    except A, e: assert e",
        "def test_{{ name }}():\n    assert x",
        "def test_a[T]():\n    assert x",
        "import a\rdef test_a():\r    assert x",
        "x = 1;" + " " * 500 + "assert x\ndef test_a(): assert 1",
    ],
)
def test_what_only_a_tree_tells_is_not_skimmed(source: str) -> None:
    assert skimmed(source) is None
