"""What the notebook readers see in Jupyter, Databricks, R Markdown and Quarto files."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from rung.readers import notebooks
from rung.readers.reading import Asked
from rung.records import Call, Fact, Import, Literal, Problem, Setting, Task

READ = {reading.name: reading.read for reading in notebooks.READINGS}


def code(*lines: str, count: int | None = 1, outputs: Sequence[object] = ()) -> dict[str, object]:
    source = [line + "\n" for line in lines[:-1]] + list(lines[-1:])
    return {"cell_type": "code", "execution_count": count, "metadata": {}, "outputs": list(outputs), "source": source}


def jupyter(*cells: dict[str, object], language: str = "python", **options: object) -> list[Fact]:
    notebook = {"cells": list(cells), "metadata": {"kernelspec": {"name": language, "language": language}}, "nbformat": 4}
    return list(READ["jupyter"]("a.ipynb", json.dumps(notebook, **options or {"indent": 1}).encode()))  # type: ignore[arg-type]


def calls(facts: list[Fact]) -> list[str]:
    return [fact.name for fact in facts if isinstance(fact, Call)]


def settings(facts: list[Fact]) -> dict[str, str]:
    return {fact.key: fact.value for fact in facts if isinstance(fact, Setting)}


def commands(facts: list[Fact]) -> list[tuple[str, ...]]:
    return [command.words for fact in facts if isinstance(fact, Task) for command in fact.commands]


def test_cells_are_one_program() -> None:
    facts = jupyter(code("import mlflow as m"), {"cell_type": "markdown", "source": ["import no"]}, code("m.start_run()"))

    assert calls(facts) == ["mlflow.start_run"]
    assert [fact.module for fact in facts if isinstance(fact, Import)] == ["mlflow"]


def test_calls_that_nobody_asks_for_are_left_out_of_every_language() -> None:
    (reading,) = [reading for reading in notebooks.READINGS if reading.name == "markdown-notebook"]
    assert reading.sparing
    sparing = reading.sparing(Asked(["mlflow"], [], [], {"r:stats": {"predict"}}))
    text = "```{python}\nimport mlflow, os\nmlflow.run(os.getcwd())\n```\n```{r}\nlibrary(stats)\nstats::predict(x)\nstats::sd(x)\n```\n"

    assert calls(list(sparing.read("a.qmd", text.encode()))) == ["mlflow.run", "r:stats.predict"]
    assert set(reading.languages) == {"", "r:", "julia:", "jvm:"}


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_line_is_the_line_of_the_file(ascii_only: bool) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["a.run()\n", "text"]},
        code(
            "import a",
            "x = 'é \"quoted\" \\\\ /'",
            "",
            "a.run(",
            "  1)",
            outputs=[{"text": ["a.run()\n"], "data": {"source": ["import a"]}}],
        ),
        code("a.stop()"),
    ]
    text = json.dumps({"cells": cells}, indent=1, ensure_ascii=ascii_only)
    lines = text.splitlines()
    facts = list(READ["jupyter"]("a.ipynb", text.encode()))
    found = {fact.name: fact for fact in facts if isinstance(fact, Call)}

    assert [lines[fact.line - 1].strip() for fact in facts if isinstance(fact, Import)] == ['"import a\\n",']
    assert lines[found["a.run"].line - 1].strip() == '"a.run(\\n",'
    assert lines[found["a.run"].end_line - 1].strip() == '"  1)"'
    assert lines[found["a.stop"].line - 1].strip() == '"a.stop()"'
    assert found["a.run"].line > text[: text.index("quoted")].count("\n")


def test_a_notebook_on_one_line_and_sources_of_one_string_are_read() -> None:
    cell = {"cell_type": "code", "source": "import a\na.run()\r\na.stop()"}
    facts = list(READ["jupyter"]("a.ipynb", json.dumps({"cells": [cell]}).encode()))

    assert [(fact.name, fact.line) for fact in facts if isinstance(fact, Call)] == [("a.run", 1), ("a.stop", 1)]


def test_notebooks_of_format_3_are_read() -> None:
    cell = {"cell_type": "code", "input": ["import a\n", "a.run()"], "prompt_number": 3, "outputs": [{}]}
    facts = list(READ["jupyter"]("a.ipynb", json.dumps({"worksheets": [{"cells": [cell]}]}, indent=1).encode()))

    assert [(fact.name, fact.line) for fact in facts if isinstance(fact, Call)] == [("a.run", 9)]
    assert settings(facts) == {"notebook.execution": "in-order", "notebook.outputs": "stored"}


@pytest.mark.parametrize(
    ("counts", "value"),
    [((1, 2, 5), "in-order"), ((1, None, 2), "in-order"), ((2, 1), "out-of-order"), ((3, 3), "out-of-order"), ((None, None), "not-run")],
)
def test_the_order_of_execution_is_told(counts: tuple[int | None, ...], value: str) -> None:
    facts = jupyter(*(code("x = 1", count=count) for count in counts), code("  ", count=None))

    assert settings(facts) == {"notebook.execution": value, "notebook.outputs": "none"}


def test_a_cell_whose_first_line_begins_behind_blanks_is_read_as_ipython_runs_it() -> None:
    facts = jupyter(code("import mlflow"), code(" how = {1: 2,", "        3: 4}", "mlflow.start_run(**how)"))

    assert calls(facts) == ["mlflow.start_run"]
    assert not [fact for fact in facts if isinstance(fact, Problem)]


def test_a_cell_that_is_broken_loses_only_itself() -> None:
    facts = jupyter(code("import a"), code("a.b("), code("a.run()"))

    assert calls(facts)[-1] == "a.run"
    assert [(type(fact), fact.line) for fact in facts if isinstance(fact, Problem)] == [(Problem, 18)]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["!pip install -q x"], [("pip", "install", "-q", "x")]),
        (["%pip install x", "a.run()"], [("pip", "install", "x")]),
        (["if x:", "    !dvc pull"], [("dvc", "pull")]),
        (["files = !ls data"], [("ls", "data")]),
        (["!dvc add \\", "  data", "a.run()"], [("dvc", "add")]),
        (["%%bash", "dvc pull", "make train"], [("dvc", "pull"), ("make", "train")]),
        (["%%time", "a.run()"], []),
        (["%%capture out", "a.run()"], []),
        (["%matplotlib inline", "a.run()"], []),
        (["a.run?"], []),
        (["?a.run", "a.run()"], []),
        (["%%sql", "select a.run() from b"], []),
        (["%%writefile notes.txt", "a.run()"], []),
        (["%%writefile train.py", "a.run()"], []),
        (["x = ('%s'", "%y)", "a.run()"], []),
    ],
)
def test_magics_are_taken_out_and_commands_become_a_task(lines: list[str], words: list[tuple[str, ...]]) -> None:
    facts = jupyter(code("import a"), code(*lines))
    runs = "a.run()" in lines and lines[0] not in ("%%sql", "%%writefile notes.txt")

    assert commands(facts) == words
    assert [(fact.kind, fact.name) for fact in facts if isinstance(fact, Task)] == ([("notebook", "a.ipynb")] if words else [])
    assert calls(facts) == (["a.run"] if runs else [])
    assert [fact for fact in facts if isinstance(fact, Problem)] == []


def test_commands_stand_on_the_lines_of_the_file() -> None:
    text = json.dumps({"cells": [code("x = 1", "!dvc pull"), code("%%bash", "", "make train")]}, indent=1)
    (task,) = (fact for fact in READ["jupyter"]("a.ipynb", text.encode()) if isinstance(fact, Task))
    lines = text.splitlines()

    assert ["!dvc pull" in lines[task.commands[0].line - 1], "make train" in lines[task.commands[1].line - 1]] == [True, True]


@pytest.mark.parametrize(
    ("language", "source", "name"),
    [
        ("R", "library(x)\nx::fit(1)", "r:x.fit"),
        ("ir", "x::fit(1)", "r:x.fit"),
        ("julia-1.9", "using Flux\nFlux.train!(m)", "julia:Flux.train!"),
        ("python3", "import x\nx.fit()", "x.fit"),
        ("", "import x\nx.fit()", "x.fit"),
    ],
)
def test_the_kernel_tells_the_language(language: str, source: str, name: str) -> None:
    assert calls(jupyter(code(*source.split("\n")), language=language)) == [name]


def test_a_cell_of_another_language_goes_to_its_reader() -> None:
    assert calls(jupyter(code("import a"), code("%%R", "mlflow::log(1)"), code("a.b()"))) == ["a.b", "r:mlflow.log"]


MARKDOWN = """---
title: x
---
text `r no::inline()`

```{r setup, include = FALSE}
library(xgboost)
source("R/helpers.R")
```

```{r, eval=FALSE}
never::run()
```

```{python}
#| label: fit
import sklearn.svm
sklearn.svm.SVC()
```

```{python}
#| eval: false
import never
```

```{bash}
dvc pull
```

```r
shown::only()
```
"""


def test_chunks_of_r_markdown_and_quarto_are_read_as_far_as_they_are_evaluated() -> None:
    facts = list(READ["markdown-notebook"]("a.qmd", MARKDOWN.encode()))

    assert [(fact.module, fact.line) for fact in facts if isinstance(fact, Import)] == [
        ("sklearn.svm", 17),
        ("r:xgboost", 7),
        ("r:./R/helpers.R", 8),
    ]
    assert "sklearn.svm.SVC" in calls(facts)
    assert commands(facts) == [("dvc", "pull")]


def test_a_databricks_notebook_tells_its_kind_and_commands() -> None:
    text = (
        "# Databricks notebook source\nimport a\n# MAGIC %pip install x\n\n# COMMAND ----------\n# MAGIC %run ./setup\n\n"
        "# COMMAND ----------\n# MAGIC %sh\n# MAGIC dvc pull\n# MAGIC make train\n\n# COMMAND ----------\n# MAGIC %md text\n"
    )
    facts = list(READ["databricks"]("a.py", text.encode()))

    assert settings(facts) == {"notebook.kind": "databricks"}
    assert [(words, line) for fact in facts if isinstance(fact, Task) for words, line in ((c.words, c.line) for c in fact.commands)] == [
        (("pip", "install", "x"), 3),
        (("run", "./setup"), 6),
        (("dvc", "pull"), 10),
        (("make", "train"), 11),
    ]
    assert list(READ["databricks"]("a.py", b"import a\n# Databricks notebook source")) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b'{"cells": 3}',
        b'{"cells": [3]}',
        b'{"cells": [{"cell_type": 1}]}',
        b'{"cells": ' + b"[" * 100_000,
        b"\xff\xfe\x00",
        b'{"cells": [{"cell_type": "code", "source": {}}]}',
    ],
)
def test_what_is_no_notebook_is_a_problem(data: bytes) -> None:
    assert [type(fact) for fact in READ["jupyter"]("a.ipynb", data)] == [Problem]


def test_damaged_text_in_a_notebook_is_forgiven() -> None:
    start = b'\xef\xbb\xbf{"cells": [{"cell_type": "code", "outputs": [{"text": "\xe9 '
    for middle in (b"", b"\t\x01", b"\\ud83d"):
        facts = list(READ["jupyter"]("a.ipynb", start + middle + b'"}], "source": ["import a\\n", "x = \'s3://b/c\'"]}]}'))
        assert [fact for fact in facts if isinstance(fact, (Import, Literal))] == [
            Import(line=1, module="a"),
            Literal(line=1, value="s3://b/c"),
        ]


def test_a_notebook_without_cells_has_nothing_but_its_settings() -> None:
    assert [type(fact) for fact in READ["jupyter"]("a.ipynb", b"{}")] == [Setting, Setting]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("a.ipynb", ["jupyter"]),
        (".ipynb_checkpoints/a-checkpoint.ipynb", []),
        ("reports/a.Rmd", ["markdown-notebook"]),
        ("a.qmd", ["markdown-notebook"]),
        ("a.md", []),
        ("a.py", ["databricks"]),
    ],
)
def test_notebooks_are_claimed_by_suffix(path: str, names: list[str]) -> None:
    assert [reading.name for reading in notebooks.READINGS if reading.claims(path)] == names
