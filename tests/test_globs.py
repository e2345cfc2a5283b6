"""Which paths a glob means."""

from __future__ import annotations

import pytest

from rung.globs import MAX_ALTERNATIVES, compile_globs, expand_braces, matches


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("dvc.yaml", "dvc.yaml"),
        ("dvc.yaml", "a/b/dvc.yaml"),
        ("DVC.yaml", "a/Dvc.YAML"),
        ("*.yml", "a/.hidden.yml"),
        ("feature_store.y*ml", "x/feature_store.yaml"),
        ("*.{yml,yaml}", "a/b.yaml"),
        ("{conda,train-{env,conda}}.yml", "x/train-conda.yml"),
        (".env*", "a/.env.example"),
        ("conf/*.toml", "conf/a.toml"),
        ("/CODEOWNERS", "CODEOWNERS"),
        ("./conf/a.toml", "conf/a.toml"),
        ("**/conf/*.toml", "conf/a.toml"),
        ("**/conf/*.toml", "x/y/conf/a.toml"),
        ("**/.dvc/config", "sub/.dvc/config"),
        ("conf/**/a.toml", "conf/a.toml"),
        ("conf/**/a.toml", "conf/x/y/a.toml"),
        ("conf/**", "conf/x/y"),
        ("conf/", "conf/x/y"),
        ("**/conf/**", "x/conf/y/z"),
        ("params?.yaml", "params1.yaml"),
        ("[ab].ini", "x/a.ini"),
        ("[!ab].ini", "c.ini"),
        ("{{cookiecutter.x}}/a.yml", "{{cookiecutter.x}}/a.yml"),
        ("a+b(c).yml", "a+b(c).yml"),
    ],
)
def test_a_glob_means_the_path(glob: str, path: str) -> None:
    assert matches(path, glob)
    assert compile_globs(("other.txt", glob))(path)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("dvc.yaml", "dvc.yaml.bak"),
        ("dvc.yaml", "my-dvc.yaml"),
        ("*.yml", "a.yml/b.txt"),
        ("a.yml", "axyml"),
        ("conf/*.toml", "conf/x/a.toml"),
        ("conf/*.toml", "x/conf/a.toml"),
        ("/CODEOWNERS", "docs/CODEOWNERS"),
        ("**/conf/*.toml", "myconf/a.toml"),
        ("conf/**/a.toml", "conf/xa.toml"),
        ("conf/**", "conf"),
        ("conf/**", "x/conf/y"),
        ("params?.yaml", "params.yaml"),
        ("conf?a.toml", "conf/a.toml"),
        ("[!ab].ini", "a.ini"),
        ("x[!a]y", "x/y"),
        ("*.{yml,yaml}", "a.json"),
        ("", "a"),
    ],
)
def test_a_glob_does_not_mean_the_path(glob: str, path: str) -> None:
    assert not matches(path, glob)
    assert not compile_globs((glob, "other.txt"))(path)


def test_no_globs_mean_nothing() -> None:
    assert not compile_globs(())("a.yml")


def test_several_places_of_one_file_name_are_all_meant() -> None:
    meant = compile_globs(("a/config", "**/b/config", "*/c/*.ini"))

    assert [path for path in ("a/config", "x/b/config", "x/config", "x/c/d.ini", "c/d.ini") if meant(path)] == [
        "a/config",
        "x/b/config",
        "x/c/d.ini",
    ]


def test_braces_expand_nested_and_unbalanced_ones_stay() -> None:
    assert sorted(expand_braces("{a,b{1,2}}.x")) == ["a.x", "b1.x", "b2.x"]
    assert expand_braces("a{b.x") == ("a{b.x",)
    assert expand_braces("{single}.x") == ("{single}.x",)


def test_braces_that_explode_are_refused() -> None:
    with pytest.raises(ValueError, match=str(MAX_ALTERNATIVES)):
        expand_braces("{a,b}" * 20)
