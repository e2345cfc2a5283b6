"""What a person at a terminal meets: exit codes, where output goes, and errors that tell what to do."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rung import cli, report
from rung.cli import DONE, FAULT, GATE_FAILED, NOTHING, UNREADABLE, USAGE, main
from rung.explain import explain
from rung.options import COMPARISON_FORMATS, FORMATS
from rung.packs import load_packs
from rung.results import Results
from rung.scan import scan_path
from tests.repositories import commit


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "requirements.txt").write_text("mlflow==2.0\n")
    (folder / "train.py").write_text("import mlflow\n\nmlflow.log_metric('loss', 1)\n")
    return folder


def test_a_scan_prints_the_report_to_standard_output_and_nothing_else_there(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(tree)]) == DONE
    out, err = capsys.readouterr()
    assert out.startswith("shop")
    assert err == ""


def test_a_revision_is_scanned_by_either_way_to_name_it(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(tree)
    (tree / "train.py").unlink()
    printed = []
    for arguments in ([f"{tree}@main"], [str(tree), "--rev", "main"]):
        assert main(["scan", *arguments, "-v"]) == DONE
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "train.py:3" in printed[0]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_to_a_file(tree: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "new" / f"result.{name}"

    assert main(["scan", str(tree), "--format", name, "--output", str(output)]) == DONE
    assert output.stat().st_size > 100
    out, err = capsys.readouterr()
    assert out == ""
    assert f"wrote {name}" in err


def test_the_command_line_offers_the_formats_that_there_are() -> None:
    assert sorted(FORMATS) == sorted(report.FORMATS)
    assert sorted(COMPARISON_FORMATS) == sorted(report.COMPARISONS)


def test_a_stored_result_renders_as_the_scan_itself_would(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = tmp_path / "r.json"
    main(["scan", str(tree), "-o", str(stored), "-q"])
    main(["scan", str(tree)])
    scanned = capsys.readouterr().out

    assert main(["render", str(stored)]) == DONE
    assert capsys.readouterr().out == scanned


def test_a_level_below_the_threshold_fails_the_gate_and_says_which(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(tree), "--fail-under", "code=4", "-q"]) == GATE_FAILED
    assert "code is at level 1, 4 demanded" in capsys.readouterr().err
    assert main(["scan", str(tree), "--fail-under", "code=1", "-q"]) == DONE


def test_an_empty_folder_is_told_apart_from_a_scanned_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(tmp_path)]) == NOTHING
    assert "nothing to scan" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["scan", "/no/such/folder"], UNREADABLE, "/no/such/folder"),
        (
            ["scan", "owner/name"],
            UNREADABLE,
            "owner/name: does not exist: give a folder, a revision of a repository (`folder@REV`), or the URL",
        ),
        (["scan", ".", "--framework", "zodiac"], USAGE, "there is no framework `zodiac`; there are mlab"),
        (["scan", ".", "--output", "x.docx"], USAGE, "no format is known for `.docx`"),
        (["render", "/no/such.json"], USAGE, "/no/such.json: can't be read"),
        (["scan", ".", "--fail-on", "regression"], USAGE, "give --against a revision or a stored result"),
        (["scan", ".", "--against", "/no/such.json"], USAGE, "/no/such.json: there is no such file to compare with"),
        (["diff", "/no/such.json", "."], UNREADABLE, "/no/such.json"),
        (["explain", "data.qualty"], USAGE, "did you mean data.quality"),
        (["explain", "mlflow", "--rev", "main"], USAGE, "--rev is about what is scanned for `mlflow`: name the TARGET too"),
        (["explain", "mlflow", "--path", "src"], USAGE, "--path is about what is scanned"),
        (["explain", "mlflow", "--config", "x.yaml"], USAGE, "--config is about what is scanned"),
        (["scan", "tests/__init__.py"], UNREADABLE, "tests/__init__.py: is no folder"),
        (["scan", "tests", "--against", "stored"], USAGE, "the file that --store FILE names: give it too"),
        (["scan", "tests@HEAD", "--rev", "main"], USAGE, "tests@HEAD: the revision is named twice, here and as main"),
        (["scan", "--github", "."], USAGE, "--github took `.` for its OWNER/NAME: write the target before it, `. --github`"),
        (
            ["scan", "tests", "--record", "answers"],
            USAGE,
            "--record: nobody is asked, so there are no answers to write: nothing live is named",
        ),
        (
            ["scan", "--record", "answers", "--replay", "old"],
            USAGE,
            "--record: nobody is asked, so there are no answers to write: a recording",
        ),
        (["history", "--framework", "all"], USAGE, "a history is rated by one framework"),
        (["permissions", "kubernetes", "--check"], USAGE, "no cluster is asked yet: `rung permissions kubernetes` prints the role"),
        (["permissions", "aws", "--region", "eu-west-1"], USAGE, "they go with aws and --check"),
        (["permissions", "mlflow", "--check", "http://localhost", "--region", "x"], USAGE, "they go with aws and --check"),
        (["init", "/no/such/folder"], USAGE, "/no/such/folder: is no folder"),
        (["comment", "/no/such.md"], USAGE, "/no/such.md: can't be read: No such file or directory\n"),
        (["scan", ".", "--output", "x.html", "--format", "json"], USAGE, "--output x.html and --format json contradict each other"),
        (["scan", ".", "--output", "x.json", "--output", "x.json"], USAGE, "--output x.json is given twice"),
    ],
)
def test_a_wrong_call_is_answered_with_what_to_do(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    assert message in capsys.readouterr().err


def test_a_scan_against_an_earlier_result_or_folder_tells_what_fell_and_fails_the_gate(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored, earlier = tmp_path / "before.json", tmp_path / "earlier"
    shutil.copytree(tree, earlier)
    main(["scan", str(tree), "-o", str(stored), "-q"])
    (tree / "train.py").write_text("")

    for against in (stored, earlier):
        capsys.readouterr()
        assert main(["scan", str(tree), "--against", str(against), "--fail-on", "regression", "-q"]) == GATE_FAILED
        out, err = capsys.readouterr()
        assert "▼ model.experiment-tracking  implemented → declared" in out
        assert "rung: gate: " in err
    assert main(["scan", str(tree), "--against", str(earlier), "-q"]) == DONE


@pytest.mark.parametrize("name", COMPARISON_FORMATS)
def test_two_results_are_compared_in_every_format(name: str, tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored, output = tmp_path / "before.json", tmp_path / f"diff.{name}"
    main(["scan", str(tree), "-o", str(stored), "-q"])
    (tree / "train.py").write_text("")

    assert main(["diff", str(stored), str(tree), "--format", name, "--output", str(output), "-q"]) == DONE
    assert output.stat().st_size > 100
    assert main(["diff", str(stored), str(stored), "--fail-on", "regression"]) == DONE
    assert "No criterion stands elsewhere than before" in capsys.readouterr().out


def test_several_systems_are_written_each_to_a_file_and_one_after_another_to_the_terminal(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "rung.yaml").write_text(
        "systems:\n  - {name: a, paths: {in: [a]}}\n  - {name: b c, paths: {in: [b]}}\ngate: {under: {code: 4}}\n"
    )

    assert main(["scan", str(tree), "-o", str(tmp_path / "r.json"), "-q"]) == GATE_FAILED
    assert sorted(path.name for path in tmp_path.glob("r*.json")) == ["r-a.json", "r-b-c.json"]
    assert "rung: gate: b c: code is at level 1, 4 demanded" in capsys.readouterr().err
    main(["scan", str(tree), "-q"])
    out = capsys.readouterr().out
    assert out.index("a (shop)") < out.index("b c (shop)")
    assert main(["scan", str(tree), "--format", "json", "-q"]) == USAGE
    assert "give --output FILE, or one --system" in capsys.readouterr().err
    main(["scan", str(tree), "--format", "json", "--system", "b c", "-q"])
    assert json.loads(capsys.readouterr().out)["scope"] == {"repository": "shop", "system": "b c"}


def test_a_wrong_configuration_of_the_repository_is_told_after_the_report(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "rung.yaml").write_text("gate: {under: {code: 4}}\nsistem: x\n")

    assert main(["scan", str(tree), "-q"]) == USAGE
    out, err = capsys.readouterr()
    assert out.startswith("shop")
    assert "rung: rung.yaml:2: `sistem` is unknown, did you mean `system`?" in err
    assert main(["scan", str(tree), "--config", str(tree / "rung.yaml"), "-q"]) == USAGE
    assert capsys.readouterr().out == ""


def test_init_writes_a_configuration_that_the_next_scan_takes(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tree), "--workflow"]) == DONE
    assert main(["scan", str(tree), "-q"]) == DONE
    assert main(["init", str(tree)]) == USAGE
    assert "rung.yaml is there already" in capsys.readouterr().err


def test_a_threshold_that_makes_no_sense_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["scan", ".", "--fail-under", "data=9"])
    assert stopped.value.code == USAGE
    assert "data|model|code|overall=1..4" in capsys.readouterr().err


def test_a_result_that_is_none_of_ours_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.json"
    file.write_text('{"schema": "other/1"}')
    assert main(["render", str(file)]) == USAGE
    assert "x.json" in capsys.readouterr().err


def test_explain_tells_what_was_sought_and_what_was_found(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "model.experiment-tracking", str(tree)]) == DONE
    out = capsys.readouterr().out
    assert "model.experiment-tracking here: implemented" in out
    assert "train.py:3" in out
    assert "looked for and not found" in out


@pytest.mark.parametrize("name", ["mlflow", "data.quality"])
def test_explain_without_a_folder_tells_what_an_id_means(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", name]) == DONE
    assert capsys.readouterr().out.startswith(name)


@pytest.mark.parametrize("what", ["detectors", "capabilities", "rules", "frameworks", "resources"])
def test_a_list_has_the_same_rows_as_text_and_as_json(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["list", what])
    text = capsys.readouterr().out
    main(["list", what, "--format", "json"])
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == len(text.splitlines()) - 1 > 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_completion_for_the_usual_shells(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == DONE
    assert "rung" in capsys.readouterr().out


# ── What is refused before the work ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("output", ["x.foo", "/proc/x.json"])
def test_an_output_that_can_not_be_is_told_before_anything_is_scanned_or_kept(tree: Path, tmp_path: Path, output: str) -> None:
    store = tmp_path / "results.db"

    assert main(["scan", str(tree), "--store", str(store), "--output", output]) == USAGE
    assert not store.exists()


def test_several_systems_in_a_format_that_is_one_are_told_before_they_are_kept(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "rung.yaml").write_text("systems:\n  - {name: a, paths: {in: [a]}}\n  - {name: b, paths: {in: [b]}}\n")
    store = str(tmp_path / "results.db")

    assert main(["scan", str(tree), "--store", store, "--format", "json", "-q"]) == USAGE
    assert main(["scan", str(tree), "-q"]) == DONE
    capsys.readouterr()
    assert main(["results", store, "--format", "json"]) == DONE
    assert json.loads(capsys.readouterr().out) == []


def test_a_suffix_tells_what_a_file_may_hold_and_several_formats_share_one(tree: Path, tmp_path: Path) -> None:
    for form, name, code in (("codequality", "a.json", DONE), ("sarif", "b.json", DONE), ("html", "c.htm", DONE), ("text", "d.md", USAGE)):
        assert main(["scan", str(tree), "--format", form, "--output", str(tmp_path / name), "-q"]) == code


def test_a_hyphen_is_standard_output_and_input(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["scan", str(tree), "--format", "json", "--output", "-"]) == DONE
    stored = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stored.encode())))
    assert main(["render", "-", "--format", "json", "-o", "-"]) == DONE
    assert capsys.readouterr().out == stored
    assert main(["graph", str(tree), "-o", "-", "-q"]) == DONE
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("arguments", [["scan", ""], ["explain", "mlflow", ""], ["graph", ""], ["history", ""], ["diff", "", "."]])
def test_an_empty_target_is_no_name_of_the_current_folder(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == USAGE
    assert "it is empty: is a variable of the shell not set?" in capsys.readouterr().err


# ── What is told of the configuration ────────────────────────────────────────────────────────────────


def test_a_wrong_configuration_is_told_by_whatever_goes_without_it(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "rung.yaml").write_text("paths: {include: [a]}\nsystems:\n  - {name: aa, paths: {in: [a]}}\n")

    for arguments in (["graph", str(tree)], ["explain", "mlflow", str(tree)], ["scan", str(tree), "--system", "aa"]):
        assert main(arguments) == USAGE
        assert "rung.yaml:1: `paths.include` is unknown" in capsys.readouterr().err
    store = tmp_path / "results.db"
    assert main(["scan", str(tree), "--store", str(store), "-q"]) == USAGE
    assert Results(str(store)).kept() == []


def test_a_file_that_names_a_configuration_does_so_for_a_history_too(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(tree)
    file = tmp_path / "mine.yaml"
    file.write_text("system: called otherwise\n")

    assert main(["history", str(tree), "--system", str(file)]) == DONE
    assert "called otherwise" in capsys.readouterr().out


# ── What comes of nothing ────────────────────────────────────────────────────────────────────────────


def test_an_empty_graph_is_said(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", str(tree)]) == DONE
    assert "the graph is empty: nothing was seen to start anything" in capsys.readouterr().err
    assert main(["graph", str(tree), "--id", "data.quality"]) == DONE
    assert "the graph is empty: there is no evidence of data.quality" in capsys.readouterr().err
    assert main(["graph", str(tree), "-q"]) == DONE
    assert capsys.readouterr().err == ""


def test_results_of_a_system_that_has_none_are_an_error_that_names_those_that_have(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(tmp_path / "results.db")
    main(["scan", str(tree), "--store", store, "-q"])

    assert main(["results", store, "--system", "nope"]) == USAGE
    assert "there are no results of `nope`; there are of shop" in capsys.readouterr().err


def test_folders_too_deep_to_be_read_are_not_called_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = tmp_path.joinpath("deep", *["d"] * 100)
    deep.mkdir(parents=True)
    (deep / "train.py").write_text("import mlflow\n")

    assert main(["scan", str(tmp_path / "deep")]) == NOTHING
    assert "holds nothing that could be read (deeper than 64 folders)" in capsys.readouterr().err


def test_a_document_of_another_kind_is_called_by_its_own_name(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(tree)
    stored = str(tmp_path / "history.json")
    main(["history", str(tree), "-o", stored])

    assert main(["render", stored]) == USAGE
    assert "is no document of rung/assessment/1 but of rung/history/1" in capsys.readouterr().err


# ── Streams, and faults ──────────────────────────────────────────────────────────────────────────────


def in_shell(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a shell's command line, in which `rung` is this one."""
    full = f'rung() {{ {sys.executable} -m rung "$@"; }}; {command}'
    variables = {**os.environ, "RUNG_NO_CACHE": "1", **environment}
    return subprocess.run(["bash", "-c", full], env=variables, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("rung explain mlflow >&-", DONE, b""),
        ("rung explain mlflow 2>&-", DONE, b""),
        ("rung render - <&-", USAGE, b"rung: -: is no JSON that can be read"),
        ("rung explain mlflow >/dev/full", USAGE, b"rung: standard output: can't be written: No space left on device\n"),
        ("rung list >/dev/full", USAGE, b"rung: standard output: can't be written: No space left on device\n"),
        ("rung scan /no/such/folder 2>/dev/full", UNREADABLE, b""),
        ("set -o pipefail; rung list | head -1", DONE, b""),
    ],
)
def test_a_stream_that_is_closed_or_full_is_no_failed_gate(command: str, code: int, said: bytes) -> None:
    done = in_shell(command)

    assert (done.returncode, done.stderr[: len(said) or None]) == (code, said)


@pytest.mark.parametrize("command", ["scan", "history"])
def test_a_current_folder_that_was_removed_is_a_target_that_can_not_be_read(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert main([command]) == UNREADABLE
    assert "rung: the current folder can't be read: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["scan {} --format markdown", "scan {} --format html", "scan {}", "list capabilities"])
def test_a_terminal_without_unicode_gets_text_that_it_shows_and_programs_get_utf_8(tree: Path, command: str) -> None:
    done = in_shell(f"rung {command.format(tree)}", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")

    assert (done.returncode, done.stderr) == (DONE, b"")
    assert done.stdout.isascii() == ("--format" not in command)
    assert done.stdout.decode()


def test_a_fault_of_rung_is_called_so_with_the_place_and_has_a_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise ValueError("unforeseen")

    monkeypatch.setitem(cli._COMMANDS, "list", fail)
    assert main(["list"]) == FAULT
    err = capsys.readouterr().err
    assert "in fail" in err
    assert "rung: a fault of Rung (ValueError), which says nothing of what was scanned: please report" in err


def test_what_the_system_refuses_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(_: object) -> int:
        raise PermissionError(13, "Permission denied", "/etc/secret")

    monkeypatch.setitem(cli._COMMANDS, "list", refuse)
    assert main(["list"]) == USAGE
    assert capsys.readouterr().err == "rung: /etc/secret: Permission denied\n"


# ── The width of a terminal, and progress ────────────────────────────────────────────────────────────


def test_an_explanation_fits_a_narrow_terminal_and_shows_no_python() -> None:
    packs = load_packs()
    for name in ("mlflow", "data.quality", "code-ci"):
        text = explain(name, packs, width=60)
        assert [line for line in text.splitlines() if len(line) > 60 and " " in line.strip()] == []
        assert text.split() == explain(name, packs).split()
    assert "dependency" in explain("mlflow", packs)
    assert "['" not in explain("mlflow", packs)


def test_progress_is_told_to_the_end_also_where_all_was_kept_before(tree: Path) -> None:
    for _ in range(2):
        seen: list[tuple[int, int]] = []
        scan_path(str(tree), progress=lambda *numbers: seen.append(numbers))  # noqa: B023 - called before the next round
        assert seen[-1] == (2, 2)
