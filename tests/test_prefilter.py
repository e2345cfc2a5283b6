"""What is worth reading closely: nothing that a signal asks for may be passed over."""

from __future__ import annotations

import pytest

from rung.matchers import CallPattern
from rung.prefilter import Prefilter, call_traces, literal_traces, words_of
from rung.readers import python
from rung.readers.python.skim import needs_tree, skimmed
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

    assert told(list(skimmed(source))) == told(python.facts_of(source))


def test_tests_and_dead_code_need_the_tree() -> None:
    assert needs_tree("class T:\n    def test_a(self): ...")
    assert needs_tree("if 0:\n    import a")
    assert not needs_tree("def contest(): ...")


@pytest.mark.parametrize("line", ["parser = argparse.ArgumentParser()", "import click", "print(sys.argv[1])", "@typer.run"])
def test_parsers_of_arguments_need_the_tree(line: str) -> None:
    assert needs_tree(line)
