"""The whole way from a folder to a document: hostile trees, empty ones, and the same answer twice."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from rung.matchers import Matchers
from rung.packs import load_packs
from rung.prefilter import Prefilter
from rung.readers import Readers
from rung.report import document_of
from rung.report import text as text_report
from rung.scan import scan_path
from rung.targets.worktree import open_worktree
from rung.verdicts import failures, with_gates
from tests import hostile
from tests.cases import FIXTURES


def document(folder: Path) -> dict[str, object]:
    return document_of(scan_path(str(folder)))


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        file = folder / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def strengths(found: dict[str, object]) -> dict[str, str]:
    capabilities = found["capabilities"]
    assert isinstance(capabilities, dict)
    return {name: body["strength"] for name, body in capabilities.items() if body["strength"] != "absent"}


def test_a_hostile_tree_is_scanned_to_the_end_and_starts_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "fired"
    tree = tmp_path / "tree"
    hostile.make(tree, marker)
    command = [sys.executable, "-m", "rung", "scan", str(tree), "--format", "json"]
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))}

    done = subprocess.run(command, capture_output=True, timeout=300, check=False, env={**os.environ, "PYTHONHASHSEED": "1"}, **limited)  # type: ignore[call-overload]

    assert done.returncode == 2, done.stderr[-2000:]  # Its rung.yaml asks for plug-ins; the report does without.
    assert b"`plugins` is unknown" in done.stderr
    assert not marker.exists()
    found = json.loads(done.stdout)
    reasons = {entry["reason"] for entry in found["coverage"] if not entry["searched"]}
    assert any("larger than" in reason for reason in reasons)
    assert any("symbolic link" in reason for reason in reasons)
    assert found["errors"]


def test_an_empty_folder_earns_nothing(tmp_path: Path) -> None:
    found = document(tmp_path)

    assert strengths(found) == {}
    assert [body["applicable"] for body in found["dimensions"].values()] == [False, False, False]  # type: ignore[attr-defined]


def test_a_folder_with_one_text_file_earns_nothing(tmp_path: Path) -> None:
    found = document(write(tmp_path, **{"notes.txt": "mlflow, dvc and airflow are on the list; import torch"}))

    assert strengths(found) == {}


def test_a_web_service_without_a_model_has_no_model_level_and_the_report_says_why(tmp_path: Path) -> None:
    web = "import flask\n\napp = flask.Flask(__name__)\n\n\n@app.route('/')\ndef home():\n    return 'hello'\n"
    found = document(write(tmp_path, **{"app.py": web, "requirements.txt": "flask==3.0\n"}))

    model = found["dimensions"]["model"]  # type: ignore[index]
    assert (model["applicable"], model["level"]) == (False, None)
    assert model["reason"]


def test_what_a_manifest_could_show_is_unknown_where_a_part_of_it_is_broken(tmp_path: Path) -> None:
    service = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\n"
    whole = document(write(tmp_path / "whole", **{"k8s__shop.yaml": service}))
    broken = document(write(tmp_path / "broken", **{"k8s__shop.yaml": f"{service}---\na: [1\nb: }}\n"}))

    def hidden(found: dict[str, object]) -> set[str]:
        return {name for gap in found["coverage"] for name in gap["capabilities"] if gap["reason"].startswith("broken")}  # type: ignore[attr-defined]

    assert not hidden(whole)
    assert "model.serving" in hidden(broken)
    (tmp_path / "broken" / "archive").mkdir()
    (tmp_path / "broken" / "k8s" / "shop.yaml").rename(tmp_path / "broken" / "archive" / "shop.yaml")
    assert not hidden(document(tmp_path / "broken"))


def test_broken_configuration_hides_only_what_asks_for_keys_that_its_text_has(tmp_path: Path) -> None:
    found = document(
        write(tmp_path, **{".github__dependabot.yml": "version: 2\nupdates:\n  - package-ecosystem: pip\n    a: [1\n    b: }\n"})
    )

    (gap,) = (gap for gap in found["coverage"] if gap["reason"].startswith("broken"))  # type: ignore[attr-defined]
    assert set(gap["capabilities"]) == {"code.security-scanning"}


def test_whether_a_dimension_applies_is_unknown_and_fails_its_gate_where_nothing_could_be_read(tmp_path: Path) -> None:
    write(tmp_path, **{"train.py": "x = 1\n" * 1_000_000})
    found = document(tmp_path)

    model = found["dimensions"]["model"]  # type: ignore[index]
    assert {criterion["status"] for criterion in model["criteria"]} == {"unknown"}
    assert failures(with_gates(found, {"model": 2}, regression=False))[0].startswith(
        "model could not be judged, 2 demanded: Whether it applies"
    )
    assert "not seen: Whether it applies was not seen." in text_report.render(found, width=200)


def test_two_scans_of_one_tree_differ_in_their_time_only(tmp_path: Path) -> None:
    write(tmp_path, **{"train.py": "import mlflow\n\nmlflow.log_metric('a', 1)\n", "requirements.txt": "mlflow==2.0\n"})
    texts = []
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "rung", "scan", str(tmp_path), "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        texts.append([line for line in done.stdout.splitlines() if '"generated_at"' not in line])

    assert texts[0] == texts[1]


def test_a_broken_file_is_one_error_and_loses_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, **{".github__workflows__ci.yml": "on: push\njobs: [", "requirements.txt": "pytest==8\n"})
    found = document(tmp_path)

    assert [error["path"] for error in found["errors"]] == [".github/workflows/ci.yml"]  # type: ignore[attr-defined]
    assert strengths(found)["code.dependencies"] == "implemented"
    broken = [entry for entry in found["coverage"] if not entry["searched"]]  # type: ignore[attr-defined]
    assert "code.ci" in broken[0]["capabilities"]


def test_secrets_do_not_come_out_in_excerpts(tmp_path: Path) -> None:
    line = "mlflow.set_tracking_uri('https://user:hunter2secret@ml.example.org')"
    write(tmp_path, **{"train.py": f"import mlflow\n\n{line}\nmlflow.log_metric('a', 1)  # token=ghp_{'a' * 36}\n"})

    text = json.dumps(document(tmp_path))

    assert "hunter2secret" not in text
    assert "ghp_aaaa" not in text


@pytest.mark.parametrize("depth", [1, 2])
def test_a_part_of_a_monorepo_is_scanned_alone(tmp_path: Path, depth: int) -> None:
    part = "/".join(["services", "a"][:depth])
    write(tmp_path, **{"services/a/requirements.txt": "mlflow==2.0\n", "package.json": "{}"})
    found = document_of(scan_path(str(tmp_path), subfolder=part))

    assert {item["location"]["path"] for item in found["evidence"]} == {"services/a/requirements.txt".removeprefix(part + "/")}


def test_lines_that_end_as_on_windows_read_the_same(tmp_path: Path) -> None:
    found = document(write(tmp_path, data__README="Sales\r\n\r\n## Columns\r\n\r\nprice: euro\r\n"))
    assert strengths(found)["data.documentation"] == "implemented"


def test_the_facts_are_the_same_however_many_processes_read_them() -> None:
    packs = load_packs()
    target = open_worktree(str(FIXTURES / "scenarios" / "automated-platform"))

    matchers = Matchers(packs)
    read = [Readers(matchers, Prefilter(matchers)).read_all(target, processes=count) for count in (1, 2, 3)]

    assert read[0] == read[1] == read[2]
    assert any(file.facts for file in read[0])


def test_facts_with_half_a_character_are_the_same_from_several_processes(tmp_path: Path) -> None:
    target = open_worktree(str(write(tmp_path, **{"package.json": '{"scripts": {"a": "echo \\ud800"}}', "train.py": "import mlflow\n"})))

    matchers = Matchers(load_packs())
    read = [Readers(matchers, Prefilter(matchers)).read_all(target, processes=count) for count in (1, 2)]

    assert read[0] == read[1]
    assert r"'\ud800'" in str(read[0][0].facts)


@pytest.mark.parametrize(
    ("folder", "proves"), [("src", True), ("third_party/lib", False), ("tests/fixtures", False), ("node_modules/lib", False)]
)
def test_vendored_code_and_what_tests_read_prove_nothing_and_are_not_opened(folder: str, proves: bool, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "train.py").write_text("import mlflow\nmlflow.log_metric('loss', 1)\n")
    (tmp_path / folder / "broken.ipynb").write_text("{")

    found = scan_path(str(tmp_path))
    assert bool([item for item in found.evidence if item.capability == "model.experiment-tracking"]) is proves
    assert bool(found.errors) is proves


@pytest.mark.parametrize(
    ("command", "line"),
    [
        pytest.param('command: ["pg_dump", "shop"]', 12, id="a list on one line"),
        pytest.param("command:\n                - pg_dump\n                - shop", 13, id="a list"),
        pytest.param(
            'command: ["sh", "-c"]\n              args:\n                - |\n                  set -e\n                  pg_dump shop',
            16,
            id="a script",
        ),
    ],
)
def test_what_a_start_runs_stands_on_the_line_where_it_is_written(tmp_path: Path, command: str, line: int) -> None:
    job = """apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 1 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - image: postgres:16
"""
    found = document(write(tmp_path, **{"dump.yaml": f"{job}              {command}\n"}))

    lines = {item["location"]["line"] for item in found["evidence"] if item["signal"] == "dumped-or-restored"}  # type: ignore[attr-defined]
    assert lines == {line}
