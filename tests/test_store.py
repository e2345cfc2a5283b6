"""The compiled form of Rung's own packs saves time and changes nothing: it counts only for the content that it was made of."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rung import packs, store
from rung.cli import main
from rung.matchers import Matchers
from rung.prefilter import Prefilter
from rung.records import Call, Dependency, Setting, SourceFile

Change = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(store, "_folder", lambda: str(tmp_path / "compiled"))
    (tmp_path / "compiled").mkdir()
    return tmp_path / "compiled"


def compile_words(words: list[str], key: str = "key", by: tuple[str, ...] = ()) -> list[str]:
    return store.compiled("words", key, list[str], lambda: words, by=by)


def test_packs_are_the_same_parsed_and_compiled(folder: Path) -> None:
    load = packs.load_packs.__wrapped__
    fresh = load()

    assert [file.name for file in folder.iterdir()] == ["packs.compiled"]
    assert fresh == load()


def test_compiled_packs_are_read_without_parsing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = packs.load_packs.__wrapped__
    load()
    monkeypatch.setattr(packs, "parse", lambda *_: pytest.fail("parsed again"))

    assert load().detectors


def test_signals_find_the_same_worked_out_and_compiled(folder: Path) -> None:
    facts = (
        Call(line=1, name="mlflow.log_metric"),
        Dependency(line=2, name="mlflow", ecosystem="pypi"),
        Setting(line=3, key="remote", value="s3://x"),
    )
    file = SourceFile(path=".dvc/config", size=1, facts=facts)
    fresh, kept = Matchers(packs.load_packs()), Matchers(packs.load_packs())
    source = b"import mlflow\nmlflow.log_metric('a', 1)"

    assert fresh.matched(file).hits == kept.matched(file).hits != ()
    assert Prefilter(fresh).worth_reading(("",), "a.py", source)
    assert Prefilter(kept).worth_reading(("",), "a.py", source)
    assert {file.name for file in folder.iterdir()} >= {"signals.compiled", "traces.compiled"}


def test_a_changed_pack_is_compiled_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load, read = packs.load_packs.__wrapped__, packs._yaml_of
    before = load()
    monkeypatch.setattr(
        packs, "_yaml_of", lambda *place: [(name, data.replace(b"title: MLflow\n", b"title: MLFLOW\n")) for name, data in read(*place)]
    )
    after = load()

    assert {pack.title for pack in after.detectors} ^ {pack.title for pack in before.detectors} == {"MLflow", "MLFLOW"}
    assert before.digest != after.digest


def test_what_is_compiled_counts_only_under_its_key_and_for_the_code_that_made_it(folder: Path, tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text("1")

    assert compile_words(["a"]) == compile_words(["b"]) == ["a"]
    assert compile_words(["b"], "other") == ["b"]
    assert compile_words(["c"], "other", (str(code),)) == compile_words(["d"], "other", (str(code),)) == ["c"]
    code.write_text("2")
    assert compile_words(["d"], "other", (str(code),)) == ["d"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.write_bytes(file.read_bytes().replace(b"old", b"bad")),
        lambda file: file.write_bytes(b"nonsense"),
        lambda file: (file.unlink(), file.mkdir()),
    ],
    ids=["gone", "empty", "cut", "altered", "nonsense", "folder"],
)
def test_a_damaged_form_is_not_believed(folder: Path, damage: Change) -> None:
    compile_words(["old"])
    damage(folder / "words.compiled")

    assert compile_words(["new"]) == ["new"]
    assert {file.name for file in folder.iterdir()} == {"words.compiled"}


def test_a_form_of_another_type_is_compiled_again(folder: Path) -> None:
    compile_words(["old"])

    assert store.compiled("words", "key", int, lambda: 1, by=()) == 1


def test_a_damaged_form_is_written_again_for_everyone_to_read(folder: Path) -> None:
    (folder / "words.compiled").write_bytes(b"nonsense")
    compile_words(["new"])

    assert compile_words(["newest"]) == ["new"]
    assert (folder / "words.compiled").stat().st_mode & 0o777 == 0o644


def test_nothing_is_written_where_that_is_impossible(folder: Path) -> None:
    folder.rmdir()

    assert compile_words(["a"]) == ["a"]
    assert not folder.exists()


def test_writers_at_the_same_time_leave_one_whole_form(folder: Path) -> None:
    words = ["word" * 50] * 1000
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: compile_words(words, f"key{number % 4}"), range(64)))

    assert found == [words] * 64
    assert [file.name for file in folder.iterdir()] == ["words.compiled"]


def test_the_command_line_can_forbid_to_keep_anything_of_what_is_scanned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("RUNG_NO_CACHE", "0")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("")

    assert main(["scan", "-q", "--no-cache", str(tmp_path / "code")]) == 0
    assert not (tmp_path / "rung").exists()
