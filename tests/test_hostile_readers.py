"""Every reading over bytes made to break it: none raises, and each ends."""

from __future__ import annotations

import random
from functools import cache
from itertools import pairwise

import pytest

from rung.matchers import Matchers
from rung.packs import load_packs
from rung.prefilter import Prefilter
from rung.readers import Readers
from rung.readers.reading import Reading
from rung.records import Fact

_N = 1_500
"""Deeper than Python calls."""
_WIDE = 4_000
NAMES = (
    "a.py a.pyw a.ipynb a.Rmd a.qmd a.R a.r a.jl a.js a.mjs a.cjs a.jsx a.ts a.tsx a.scala a.java a.kt a.go a.ps1 a.sh a.bash a.sql a.sqlx a.tf a.tfvars a.hcl"
    " main.tf.json a.bicep a.bicepparam a.yaml a.yml a.json a.toml a.ini a.cfg a.env a.properties a.dvc a.cwl a.md a.sbt a.avsc"
    " Dockerfile Containerfile docker-compose.yml compose.yaml Makefile a.mk justfile Taskfile.yml tox.ini pytest.ini noxfile.py tasks.py dodo.py"
    " requirements.txt constraints.txt setup.py setup.cfg pyproject.toml package.json project.json package-lock.json yarn.lock pnpm-lock.yaml"
    " poetry.lock uv.lock pdm.lock Pipfile Pipfile.lock environment.yml conda-lock.yml pixi.toml pixi.lock DESCRIPTION NAMESPACE renv.lock"
    " Project.toml Manifest.toml pom.xml build.gradle build.gradle.kts build.sbt go.mod go.sum dvc.yaml dvc.lock MLproject Snakefile MLmodel"
    " .github/workflows/ci.yml .github/actions/a/action.yml .gitlab-ci.yml azure-pipelines.yml Jenkinsfile .circleci/config.yml"
    " cloudbuild.yaml buildspec.yml bitbucket-pipelines.yml .taskcluster.yml .travis.yml appveyor.yml .buildkite/pipeline.yml .drone.yml a.gocd.yaml"
    " .woodpecker.yml .gitea/workflows/ci.yml template.yaml template.json cdk.json Pulumi.yaml serverless.yml azuredeploy.json"
    " Chart.yaml helmfile.yaml values.yaml environments/live.yml kustomization.yaml databricks.yml prefect.yaml .devcontainer/devcontainer.json .gitattributes .gitmodules CODEOWNERS"
    " .env .pre-commit-config.yaml .dvc/config renovate.json params.yaml config.yaml charts/a/templates/a.yaml a.bat Cargo.toml Cargo.lock crontab Gemfile Gemfile.lock Procfile supervisord.conf a.plist a.service taskcluster/kinds/a/kind.yml"
    " taskcluster-hook.json tox.toml mise.toml libs.versions.toml bin/train roles/a/tasks/main.yml roles/a/meta/main.yml roles/a/defaults/main.yml"
)
"""A name for each kind of file that a reading claims."""
_LEVELS = "abcdefghijklmnop"


def _alias_bomb() -> str:
    steps = pairwise(_LEVELS)
    return "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in steps)


def _merge_bomb() -> str:
    steps = pairwise(_LEVELS)
    return "a: &a {script: x}\n" + "".join(f"{new}: &{new} {{<<: [{','.join([f'*{old}'] * 9)}]}}\n" for old, new in steps)


TEXTS: dict[str, str] = {
    **{f"nested {pair}": pair[0] * _N + pair[1] * _N for pair in ("[]", "{}", "()", "<>")},
    **{f"unclosed {mark}": mark * _N for mark in ("[", "{", "(", "<", '{"a":', "a: {", "x = [", "a(", "<a>", "if (", "begin ")},
    **{f"closers {mark}": mark * _N for mark in ("]", "}", ")", "}}", "*/")},
    **{f"many {mark}": mark * (_WIDE // len(mark)) for mark in (
        '"', "'", "`", "$(", "${", "{{", "{%", "{#", "${{", "\\", "/*", "//", "--", "#", "<<", "&&", "|", ";", ",", "=", ":", "@", "%", "-", "- ", "? ", "!a ",
        "&a ", "*a ", "a.", "a[", "1.", "a ", "\t", " ", "\n", "\r", "\r\n", " \n", "\n ", "\\\n", "\0", "\ufeff", "\u2028", "\u202e", "é", "${a:-", '"""', "'''", "```",
    )},
    **{f"word and {mark!r}": "a" + mark * _WIDE + "!" for mark in ("a", " ", "=", "\\")},
    "brackets that comments close": "[ # ]\n" * _N,
    "brackets in quotes": '["]", \n' * _N,
    "stairs": "\n".join(" " * i + "a:" for i in range(300)),
    "wide stairs": "".join("   " * i + "- b:\n" for i in range(200)),
    "compact lists": "-   " * _N + "x",
    "one long line": "a: [" + "x, " * (_WIDE // 3) + "x]\n",
    "one long word": "FROM " + "a" * _WIDE,
    "keys": "".join(f"k{i}: {i}\n" for i in range(_N)),
    "pairs": "".join(f"k{i} = {i}\n" for i in range(_N)),
    "equal keys": "a: 1\n" * _N,
    "documents": "---\na: 1\n" * _N,
    "directives": "".join(f"%TAG !a{i}! x\n" for i in range(_N)) + "---\na: 1\n",
    "aliases": _alias_bomb(),
    "merges": _merge_bomb(),
    "cycles": "a: &a [*a, *a]\nb: &b {c: *b, <<: *b}\n",
    "no anchor": "a: *nothing\n",
    "tags": "a: " + "!Sub " * _N + "x\n",
    "digits": '{"a": ' + "9" * _WIDE + "}",
    "float": '{"a": 1e999, "b": NaN, "c": -Infinity, "\\ud800": "\\udfff"}',
    "escaped keys": "{" + ",".join(f'"\\u006b{i}": "\\u0061"' for i in range(_N)) + "}",
    "dotted keys": ".".join("a" * _N) + " = 1\n",
    "quoted keys": ".".join(['"a"'] * _N) + " = 1\n",
    "dotted table": "[" + ".".join(["a"] * _N) + "]\nx = 1\n",
    "valueless key that goes on": "[a]\nb\n  c\n",
    "scripts": "a:\n  script:\n" + "  - make a && make b\n" * _N,
    "jobs": "".join(f"job{i}:\n  needs: [job{i - 1}]\n  script: make a{i}\n" for i in range(400)),
    "jobs that extend each other": "".join(f"j{i}: {{extends: [j{(i + 1) % 30}, j{(i + 7) % 30}], script: x}}\n" for i in range(30)),
    "stages": "stages:\n" + "".join(f"  s{i}: {{cmd: make, deps: [a{i}], outs: [b{i}]}}\n" for i in range(400)),
    "targets": "".join(f"t{i}: t{i + 1}\n\t$(MAKE) t{i + 1}\n" for i in range(400)),
    "variables of variables": "".join(f"A{i} = $(A{i + 1})$(A{i + 1})\n" for i in range(100)) + "all:\n\techo $(A0)\n",
    "requirement of brackets": "a[" + "(" * _N + "\na ; " + "(" * _N + "\n",
    "includes of itself": "include Makefile\n-r requirements.txt\ninclude: {local: .gitlab-ci.yml}\n" * 100,
    "shell ifs": "if true; then\n" * _N,
    "here-documents": "cat <<A <<B\n" * 400,
    "instructions": "FROM a\n" + "RUN a \\\n" + " && b \\\n" * _N,
    "blocks": 'resource "a" "b" {\n' * 400 + "}\n" * 400,
    "interpolations": 'x = "' + '${"' * _N + '"}' * _N + '"\n',
    "templates": "`${" * _N + "}`" * _N,
    "operators": "x = " + "1+" * _N + "1\n",
    "calls": "x = f" + "()" * _N + "\n",
    "attributes": "x = a" + ".b" * _N + "\n",
    "lambdas": "x = " + "lambda:" * _N + "1\n",
    "tests": "def test_a():\n    f()\n" * _N,
    "test classes": "def test_a(): pass\n" + "class A(B):\n    def test_a(self): f()\n" * _N,
    "assertions in a line": "def test_a(): pass\n" + "x; assert a\n" * _N + "assert a;" * _N,
    "escaped quotes": "def test_a():\n    f()\n" + "'\\" * _WIDE,
    "functions": "def f():\n" + "    import a\n" * _N,
    "selects": "select (" * _N,
    "ctes": "with a as (select * from (" * 400,
    "tags of Jinja": "{% if x %}" * 400 + "{{ ref('a') }}" * 400,
    "cells": '{"cells": [' + '{"cell_type": "code", "source": "import a"},' * 500 + "1, null, []]}",
    "cells of something else": '{"cells": {"a": [{"source": 1}]}, "metadata": [], "nbformat": "x"}',
    "a list where a mapping is meant": "[1, [2, [3]], null, {}]",
    "plays of themselves": "- &a {hosts: all, roles: [*a], tasks: &b [{block: *b}, {k8s: {definition: &c {x: *c}}}, *b]}\n- *a\n" * 100,
    "tasks that share blocks": "- &a {shell: x}\n" + "".join(f"- &{new} {{block: [{','.join([f'*{old}'] * 9)}]}}\n" for old, new in pairwise(_LEVELS)),
    "lists where texts are meant": "on: [[push]]\njobs: {a: {steps: [[{run: [x]}]], needs: {b: c}, uses: []}}\nstages: {a: [], b: 1}\nservices: [1]\n",
}  # fmt: skip
_RANDOM = random.Random(20_000)
BYTES: dict[str, bytes] = {
    **{name: text.encode() for name, text in TEXTS.items()},
    "nothing": b"",
    "one byte": b"\xff",
    "all bytes": bytes(range(256)) * 16,
    "UTF-16": "name: [é]\n".encode("utf-16"),
    "half of UTF-16": b"\xff\xfea",
    "Latin": "# Gr\xfc\xdfe\nimport os\n".encode("latin-1"),
    "zero bytes": b"\0" * 5000,
    **{f"random {number}": _RANDOM.randbytes(4000) for number in range(4)},
    **{f"random marks {number}": bytes(_RANDOM.choices(b"[]{}()<>\"'`$&|;:,.=-#\\/*%!?@ \n\tab1", k=6000)) for number in range(8)},
}


@cache
def readings() -> tuple[tuple[Reading, str], ...]:
    """Each reading with the first name that it claims."""
    matchers = Matchers(load_packs())
    readers = Readers(matchers, Prefilter(matchers))
    found = []
    for name in readers.names():
        claimed = [path for path in NAMES.split() if name in {reading.name for reading in readers.claiming(path)}]
        found += [(readers.named(name), path) for path in claimed[:1] or ["any"]]
    return tuple(found)


@pytest.mark.parametrize("name", BYTES)
def test_no_reading_raises(name: str) -> None:
    for reading, path in readings():
        for read in filter(None, (reading.read, reading.skim)):
            facts = list(read(path, BYTES[name]))

            assert all(isinstance(fact, Fact) for fact in facts), reading.name
            assert len(facts) < 50_000, reading.name


def test_every_reading_has_a_name_to_be_tried_with() -> None:
    assert [reading.name for reading, path in readings() if path == "any"] == []
