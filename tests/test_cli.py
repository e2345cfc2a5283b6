"""What a person at a terminal meets: exit codes, where output goes, and errors that tell what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rung import report
from rung.cli import DONE, GATE_FAILED, NOTHING, UNREADABLE, USAGE, main
from rung.options import COMPARISON_FORMATS, FORMATS
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
            "owner/name does not exist: give a folder, a revision of a repository (`folder@REV`), or the URL",
        ),
        (["scan", ".", "--framework", "zodiac"], USAGE, "there is no framework `zodiac`; there are mlab"),
        (["scan", ".", "--output", "x.docx"], USAGE, "no format is known for `.docx`"),
        (["render", "/no/such.json"], USAGE, "/no/such.json: can't be read"),
        (["scan", ".", "--fail-on", "regression"], USAGE, "give --against a revision or a stored result"),
        (["scan", ".", "--against", "/no/such.json"], USAGE, "/no/such.json: there is no such file to compare with"),
        (["diff", "/no/such.json", "."], UNREADABLE, "/no/such.json"),
        (["explain", "data.qualty"], USAGE, "did you mean data.quality"),
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
