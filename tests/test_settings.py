"""Settings of configuration files, by format."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.globs import compile_globs
from rung.readers.settings import MAX_LOCK_BYTES, MAX_SETTINGS, read_settings, settings_reading
from rung.records import Problem, Setting


def rows(path: str, text: str) -> list[tuple[int, str, str]]:
    return [(fact.line, fact.key, fact.value) for fact in read_settings(path, text.encode()) if isinstance(fact, Setting)]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.yaml", "a:\n  b: [x, y]\n---\nc: yes\n", [(2, "a.b", "x"), (2, "a.b", "y"), (4, "c", "yes")]),
        (".pre-commit-config.yaml", "repos:\n- repo: r\n  hooks:\n  - id: h\n", [(2, "repos.repo", "r"), (4, "repos.hooks.id", "h")]),
        ("data.csv.dvc", "outs:\n- path: data.csv\n", [(2, "outs.path", "data.csv")]),
        ("MLproject", "name: x\n", [(1, "name", "x")]),
        (".yamllint", "extends: default\n", [(1, "extends", "default")]),
        ("a.toml", "[tool.x]\na = true\nb = [1, 2]\n", [(2, "tool.x.a", "true"), (3, "tool.x.b", "1"), (3, "tool.x.b", "2")]),
        (
            "prek.toml",
            '[[repos]]\nhooks = [{ id = "a" }]\n[[repos]]\nrepo = "local"\n[[repos.hooks]]\nid = "b"\n[[repos.hooks]]\nid = "c"\n',
            [(2, "repos.hooks.id", "a"), (4, "repos.repo", "local"), (6, "repos.hooks.id", "b"), (8, "repos.hooks.id", "c")],
        ),
        ("Pipfile", '[packages]\na = "*"\n', [(2, "packages.a", "*")]),
        ("a.json", '{\n// why\n"a": {"b": false},\n}', [(3, "a.b", "false")]),
        (".eslintrc", '{"root": true}', [(1, "root", "true")]),
        (
            "tox.ini",
            "[tox]\nenvlist = py311\n[testenv:x]\ncommands = pytest\n",
            [(2, "tox.envlist", "py311"), (4, "testenv:x.commands", "pytest")],
        ),
        (".flake8", "# style\n[flake8]\nmax-line-length = 100\n", [(3, "flake8.max-line-length", "100")]),
        (".coveragerc", "[report]\nfail_under = 80\n", [(2, "report.fail_under", "80")]),
        (".editorconfig", "root = true\n[*]\nindent_size = 4\n", [(1, "root", "true"), (3, "*.indent_size", "4")]),
        (".env.example", "# a\nexport A_B='x y'\nC=1 # why\n\nD=\n", [(2, "A_B", "x y"), (3, "C", "1"), (5, "D", "")]),
        ("prod.env", "A=b\n", [(1, "A", "b")]),
        (
            "a.properties",
            "! no\nspring.x=1\na: b\nlong=a,\\\n  b\nflag yes\n",
            [(2, "spring.x", "1"), (3, "a", "b"), (4, "long", "a,b"), (6, "flag", "yes")],
        ),
        (
            "sub/.dvc/config",
            "[core]\n    remote = store\n    autostage\n['remote \"store\"']\n    url = s3://x/y\n",
            [(2, "core.remote", "store"), (3, "core.autostage", "true"), (5, "remote.store.url", "s3://x/y")],
        ),
        (".gitmodules", '[submodule "a/b"]\n\tpath = a/b\n', [(2, "submodule.a/b.path", "a/b")]),
        (
            ".gitattributes",
            '# no\n*.pt filter=lfs -text\n"a b.bin" binary !diff\n',
            [(2, "*.pt.filter", "lfs"), (2, "*.pt.text", "false"), (3, "a b.bin.binary", "true")],
        ),
        (".github/CODEOWNERS", "# no\n* @a @org/b  # all\n[Section]\n/docs/\n", [(2, "*", "@a @org/b"), (4, "/docs/", "")]),
        ("config.yml.tmpl", "a: {{ .x }}-y\n", [(1, "a", "${.x}-y")]),
        ("config.toml.j2", "{% if x %}\na = 1\n{% endif %}\n", [(2, "a", "1")]),
        ("unknown", "just words\n", []),
        ("notes", "", []),
    ],
)
def test_a_configuration_file_is_flat_settings_with_lines(path: str, text: str, expected: list[tuple[int, str, str]]) -> None:
    assert rows(path, text) == expected


def test_only_files_that_a_glob_means_are_claimed_and_no_programs() -> None:
    reading = settings_reading(compile_globs(("dvc.yaml", "**/conf/*", ".env*")))
    paths = ("a/dvc.yaml", "x/conf/a.toml", "x/conf/train.py", "x/conf/note.ipynb", ".env.test", "a.yaml")

    assert [path for path in paths if reading.claims(path)] == ["a/dvc.yaml", "x/conf/a.toml", ".env.test"]


@pytest.mark.parametrize(("path", "text"), [("a.yml", "a: b\nc: [d\n"), ("a.json", "{"), ("a.toml", "= 1"), ("a.ini", "[a]\n= b\n")])
def test_a_broken_file_is_a_problem(path: str, text: str) -> None:
    assert [type(fact) for fact in read_settings(path, text.encode())] == [Problem]


def test_documents_before_the_broken_one_stand_beside_its_problem() -> None:
    facts = list(read_settings("a.yml", b"a: b\n---\nc: [d\n"))

    assert [type(fact) for fact in facts] == [Setting, Problem]


def test_a_file_with_too_many_settings_is_cut_with_a_problem() -> None:
    facts = list(read_settings("a.env", b"A=1\n" * (MAX_SETTINGS + 2)))

    assert len(facts) == MAX_SETTINGS + 1
    assert isinstance(facts[-1], Problem)


def test_large_lock_files_are_no_configuration_but_dvc_lock_is() -> None:
    text = "a: b\n" + "#" * MAX_LOCK_BYTES

    assert rows("pnpm-lock.yaml", text) == []
    assert rows("uv.lock", text) == []
    assert rows("dvc.lock", text) == [(1, "a", "b")]
    assert rows("poetry.lock", "[a]\nb = 'c'\n") != []


NAMES = ["a.yml", "a.toml", "a.json", "a.ini", ".env", "a.properties", ".dvc/config", ".gitattributes", "CODEOWNERS", "x"]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), st.text(alphabet="[]{}\"'=:-# \n\\a1.@%!&*", max_size=100))
def test_no_text_makes_the_reader_fail(path: str, text: str) -> None:
    assert all(fact.line >= 0 for fact in read_settings(path, text.encode()))
