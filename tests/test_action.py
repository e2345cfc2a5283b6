from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from rung.action import act, inputs_of
from rung.cli import main
from rung.records import RungError
from tests.codehosts import TOKEN, github
from tests.components import ROOT, program
from tests.proposals import ADDRESS, Proposal, environment_of, make_proposal

HEADING = "### Rung: Data n/a → 1 · Model 1 → 2 ▲ · Code 2 ="
PINNED = "0" * 40
STUB = """name: stub
description: tells what it was given
inputs:
  sarif_file: {description: "", required: true}
runs:
  using: composite
  steps: []
"""


@pytest.fixture(scope="module")
def proposal(tmp_path_factory: pytest.TempPathFactory) -> Proposal:
    return make_proposal(tmp_path_factory.mktemp("proposal"))


def outputs_of(environment: dict[str, str]) -> dict[str, str]:
    text = Path(environment["GITHUB_OUTPUT"]).read_text()
    return {match[1]: match[3] for match in re.finditer(r"(?ms)^([\w-]+)<<(\S+)\n(.*?)\n\2$", text)}


def test_a_pull_request_gets_outputs_summary_annotations_and_one_comment(
    proposal: Proposal, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = proposal.checkout(tmp_path / "work", proposal.merge)
    inputs = {"PATH": str(folder), "FAIL_ON": "regression", "TOKEN": TOKEN}
    with github() as host:
        runs = []
        for index in range(2):
            runs.append(environment_of(tmp_path / f"run{index}", "pull_request", proposal.payload(), host.url))
            assert act(runs[-1] | {f"RUNG_INPUT_{name}": value for name, value in inputs.items()}, main) == 0
            if not index:
                host.comments[0]["body"] = host.comments[0]["body"].replace("Rung", "an older report")
        comment = host.comments[0]["body"]
        assert len(host.comments) == 1

    outputs = outputs_of(runs[1])
    assert {name: outputs[name] for name in ("gate", "exit-code", "base", "model-level", "code-level", "regressions")} == {
        "gate": "failed",
        "exit-code": "1",
        "base": proposal.base,
        "model-level": "2",
        "code-level": "2",
        "regressions": "1",
    }
    assert outputs["comment"].endswith("/pull/7#issuecomment-100")
    assert comment.splitlines()[1] == HEADING
    assert "▲ **model.registry** implemented → automated" in comment
    assert "▼ **code.ci-tests** automated → implemented" in comment
    assert comment.endswith(f"[The whole report]({runs[1]['GITHUB_SERVER_URL']}/acme/churn/actions/runs/99)\n")
    assert Path(runs[1]["GITHUB_STEP_SUMMARY"]).read_text().startswith(HEADING)
    printed = capfd.readouterr()
    assert printed.out.count("::error title=Rung%3A gate failed,file=.github/workflows/ci.yml,line=7::") == 2
    assert TOKEN not in printed.out + printed.err + comment
    assert not [path for path in (tmp_path / "run1").rglob("*") if path.is_file() and TOKEN in path.read_text(errors="replace")]
    results = json.loads(next(Path(outputs["sarif"]).glob("*.sarif")).read_text())["runs"][0]["results"]
    assert len(results) > 10  # Code scanning takes what is missing for mended: all gaps are there, not only the new one.
    assert all(Path(outputs[name]).is_file() for name in ("json", "markdown", "html"))


@pytest.mark.parametrize("against", ["", "main"])
def test_a_change_can_not_bring_what_it_is_compared_with(
    against: str, proposal: Proposal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = proposal.checkout(tmp_path / "work", proposal.merge)
    for name in ("main", proposal.base):
        (folder / name).mkdir()
        (folder / name / "README.md").write_text("nothing at all")
    monkeypatch.chdir(folder)
    environment = environment_of(tmp_path / "run", "pull_request", proposal.payload(), "http://127.0.0.1:9")

    act(environment | {"RUNG_INPUT_AGAINST": against, "RUNG_INPUT_FAIL_ON": "regression", "RUNG_INPUT_COMMENT": "false"}, main)

    assert outputs_of(environment)["gate"] == "failed"


def test_a_fork_s_token_may_not_comment_and_the_rest_is_there(
    proposal: Proposal, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = proposal.checkout(tmp_path / "work", proposal.merge)
    with github() as host:
        host.refuses = {"POST": 403}
        environment = environment_of(tmp_path / "run", "pull_request", proposal.payload(), host.url)
        assert act(environment | {"RUNG_INPUT_PATH": str(folder), "RUNG_INPUT_TOKEN": TOKEN}, main) == 0

    assert "::notice title=Rung::No comment: the token may not write one (a fork's job" in capfd.readouterr().out
    assert outputs_of(environment) | {"gate": "none", "comment": "", "exit-code": "0"} == outputs_of(environment)


def test_what_a_scan_prints_commands_no_runner(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def scan(arguments: Sequence[str]) -> int:
        print("::set-output name=gate::passed")
        return 4

    environment = environment_of(tmp_path / "run", "push", {}, "http://127.0.0.1:9")
    (tmp_path / "work").mkdir()
    assert act(environment | {"RUNG_INPUT_PATH": str(tmp_path / "work")}, scan) == 4

    stop, printed, resume, *rest = capfd.readouterr().out.splitlines()
    assert stop == f"::stop-commands::{resume.strip(':')}"
    assert (len(resume), printed) == (36, "::set-output name=gate::passed")
    assert rest == ["::error title=Rung::Nothing was reported: the log tells why."]


def test_several_systems_are_reported_each_and_levels_are_the_lowest(proposal: Proposal, tmp_path: Path) -> None:
    folder = proposal.checkout(tmp_path / "work", proposal.merge)
    (tmp_path / "rung.yaml").write_text(
        "schema: rung/config/1\nsystems:\n- {name: churn, paths: {in: [train.py]}}\n- {name: other, paths: {in: [tests]}}\n"
    )
    inputs = {"PATH": str(folder), "CONFIG": str(tmp_path / "rung.yaml"), "AGAINST": "none", "FAIL_UNDER": "model=4"}
    environment = environment_of(tmp_path / "run", "push", {}, "http://127.0.0.1:9")

    assert act(environment | {f"RUNG_INPUT_{name}": value for name, value in inputs.items()}, main) == 0

    outputs = outputs_of(environment)
    levels = {name: item["model"]["level"] for name, item in json.loads(outputs["systems"]).items()}
    assert set(levels) == {"churn", "other"}
    assert outputs["model-level"] == str(min(levels.values()))
    assert (outputs["gate"], outputs["base"], outputs["regressions"]) == ("failed", "", "")
    assert len(outputs["json"].splitlines()) == len(list(Path(outputs["sarif"]).glob("*.sarif"))) == 2
    categories = {json.loads(path.read_text())["runs"][0]["automationDetails"]["id"] for path in Path(outputs["sarif"]).iterdir()}
    assert categories == {"rung/mlab/churn/", "rung/mlab/other/"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("path", "nowhere"), ("since-days", "0"), ("since-days", "1; id"), ("fail-on", "fall"), ("comment", "yes"), ("annotations", "0")],
)
def test_a_wrong_input_is_named(name: str, value: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    environment = {f"RUNG_INPUT_{name.upper().replace('-', '_')}": value}
    with pytest.raises(RungError, match=f"input `{name}`"):
        inputs_of(environment)
    assert act(environment, main) == 2
    assert capfd.readouterr().out.startswith(f"::error title=Rung::input `{name}`")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("fail-under=data=9", "data=9"),
        ("framework=none", "no framework"),
        ("system=x", "no system"),
        ("output=/", "holds files"),
        ("against=no-such-branch", "can't be fetched"),
        ("config=/missing.yaml", "/missing.yaml"),
    ],
)
def test_a_wrong_input_that_only_the_work_finds_fails_the_step(
    wrong: str, told: str, proposal: Proposal, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = proposal.checkout(tmp_path / "work", proposal.base)
    environment = environment_of(tmp_path / "run", "workflow_dispatch", {}, "http://127.0.0.1:9")
    name, _, value = wrong.partition("=")

    assert act(environment | {"RUNG_INPUT_PATH": str(folder), f"RUNG_INPUT_{name.upper().replace('-', '_')}": value}, main) == 2
    printed = capfd.readouterr()
    assert told in printed.out + printed.err
    assert "::error title=Rung::" in printed.out


def test_the_action_hands_every_input_over_and_no_expression_to_a_shell() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    steps = {step["name"]: step for step in action["runs"]["steps"]}
    handed = {name.removeprefix("RUNG_INPUT_").lower().replace("_", "-"): value for name, value in steps["Scan"]["env"].items()}

    assert handed == {name: f"${{{{ inputs.{name} }}}}" for name in action["inputs"] if name != "python"}
    assert "${{" not in "".join(step["run"] for step in steps.values())
    assert {name: body["value"] for name, body in action["outputs"].items()} == {
        name: f"${{{{ steps.scan.outputs.{name} }}}}" for name in action["outputs"]
    }


def test_the_lock_names_every_dependency() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    lock = (ROOT / "requirements.lock").read_text()

    wanted = re.search(r"(?ms)^dependencies = \[(.*?)^\]", project)
    assert wanted
    for name in ("setuptools", *re.findall(r'"([a-z0-9-]+)', wanted[1])):
        assert re.search(rf"(?m)^{name}==", lock), name


def test_the_container_s_lock_holds_what_the_action_s_does_and_what_accounts_need() -> None:
    action, container = (
        set(re.findall(r"(?m)^[a-z0-9-]+==[^ ]+", (ROOT / name).read_text())) for name in ("requirements.lock", "requirements-all.lock")
    )

    assert action < container
    assert any(line.startswith("boto3==") for line in container)
    assert "requirements-all.lock" in (ROOT / "Containerfile").read_text()


def test_the_example_workflow_runs_on_a_real_runner(proposal: Proposal, tmp_path: Path) -> None:
    """The pull request brings modules that Python would import from the checkout: none may run."""
    runner = program("act")
    action, stub = tmp_path / "action", tmp_path / "codeql" / "upload-sarif"
    action.mkdir()
    for name in ("action.yml", "requirements.lock", "pyproject.toml", "compile_packs.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, action)
    for name in ("src", "detectors", "rules"):
        shutil.copytree(ROOT / name, action / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    stub.mkdir(parents=True)
    (stub / "action.yml").write_text(STUB)
    folder = proposal.checkout(tmp_path / "work", proposal.merge)
    workflow = (folder / ".github/workflows/rung.yml").read_text()
    scanning = re.search(r"github/codeql-action/upload-sarif@(\w+)", workflow)
    assert scanning
    (tmp_path / "event.json").write_text(json.dumps(proposal.payload()))
    with github() as host:
        done = subprocess.run(
            [
                runner,
                "pull_request",
                "--workflows=.github/workflows/rung.yml",
                f"--eventpath={tmp_path / 'event.json'}",
                "--platform=ubuntu-latest=-self-hosted",
                "--no-cache-server",
                f"--local-repository=OWNER/rung@{PINNED}={action}",
                f"--local-repository=github/codeql-action@{scanning[1]}={stub.parent}",
                "--secret=GITHUB_TOKEN",
                f"--env=GITHUB_API_URL={host.url}",
                "--env=GITHUB_REPOSITORY=acme/churn",
            ],
            cwd=folder,
            env={
                **{name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PIP_INDEX_URL", "SSL_CERT_FILE")},
                "HOME": str(tmp_path / "home"),
                "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip")),
                "ACT_DISABLE_VERSION_CHECK": "1",
                "GITHUB_TOKEN": TOKEN,
            },
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        log = done.stdout + done.stderr
        assert [item["body"].splitlines()[1] for item in host.comments] == [HEADING], log

    assert done.returncode == 1, log
    assert "::error title=Rung%3A gate failed,file=.github/workflows/ci.yml,line=7::The pipeline does work on every change" in log
    assert re.search(r"Failure - Main Judge", log)
    assert all(f"::set-output:: {wanted}" in log for wanted in ("gate=failed", "model-level=2", f"base={proposal.base}", "exit-code=1"))
    assert f"Summary - {HEADING}" in log
    assert TOKEN not in log
    assert not (proposal.origin.parent / "ran").exists()
    assert ADDRESS in (folder / ".git/config").read_text()
