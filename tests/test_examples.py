"""The examples, hooks and the container file are what their own tools take, and do what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rung.cli import main
from tests.codehosts import TOKEN, gitlab
from tests.components import ROOT, program
from tests.proposals import Proposal, make_proposal
from tests.repositories import ask

WORKFLOWS = [*sorted((ROOT / "examples").glob("github-*.yml")), ROOT / "src" / "rung" / "starter-workflow.yaml"]


@pytest.fixture(scope="module")
def proposal(tmp_path_factory: pytest.TempPathFactory) -> Proposal:
    return make_proposal(tmp_path_factory.mktemp("proposal"))


def check(name: str, *arguments: str | Path) -> None:
    done = subprocess.run([program(name), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflows_are_clean() -> None:
    check("actionlint", *WORKFLOWS)
    check("zizmor", "--offline", "--no-progress", "--persona=pedantic", "--", *WORKFLOWS, "action.yml")


def test_the_container_file_is_clean() -> None:
    check("hadolint", "Containerfile")


def test_the_hook_is_one_that_pre_commit_takes_and_its_command_exists() -> None:
    check("pre-commit", "validate-manifest", ".pre-commit-hooks.yaml")
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["entry"].split()[0] == "rung"
    assert main([*hook["entry"].split()[1:], str(ROOT / "examples")]) == 0


def bash(steps: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-c", "\n".join(steps)],
        cwd=folder,
        env={"PATH": paths, "LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_gitlab_job_reports_code_quality_notes_on_the_merge_request_and_fails_on_a_regression(
    proposal: Proposal, tmp_path: Path
) -> None:
    job = yaml.safe_load((ROOT / "examples" / "gitlab-ci.yml").read_text())["rung"]
    folder = proposal.checkout(tmp_path / "work", proposal.merge, deep=True)
    with gitlab() as host:
        done = bash(
            job["script"],
            folder,
            GITLAB_CI="true",
            CI_API_V4_URL=f"{host.url}/api/v4",
            CI_PROJECT_ID="5",
            CI_MERGE_REQUEST_IID="7",
            CI_MERGE_REQUEST_DIFF_BASE_SHA=proposal.base,
            RUNG_GITLAB_TOKEN=TOKEN,
        )
        assert "▼ **code.ci-tests** automated → implemented" in host.comments[0]["body"], done.stderr

    assert done.returncode == 1
    issues = json.loads((folder / job["artifacts"]["reports"]["codequality"]).read_text())
    assert ".github/workflows/ci.yml" in {issue["location"]["path"] for issue in issues}
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) > 10
    assert (folder / "rung.html").is_file()


def test_the_azure_job_compares_with_the_target_branch_and_fails_on_a_regression(proposal: Proposal, tmp_path: Path) -> None:
    steps = yaml.safe_load((ROOT / "examples" / "azure-pipelines.yml").read_text())["steps"]
    scan = next(step["bash"] for step in steps if step.get("displayName") == "Scan")
    folder = proposal.checkout(tmp_path / "work", proposal.merge, deep=True)
    ask(folder, "update-ref", "refs/remotes/origin/main", proposal.base)
    (tmp_path / "rung-venv" / "bin").mkdir(parents=True)
    (tmp_path / "rung-venv" / "bin" / "rung").symlink_to(Path(sys.executable).parent / "rung")

    done = bash([scan], folder, AGENT_TEMPDIRECTORY=str(tmp_path), SYSTEM_PULLREQUEST_TARGETBRANCH="refs/heads/main")

    assert done.returncode == 1, done.stderr
    assert done.stdout == f"##vso[task.uploadsummary]{tmp_path}/rung/rung.md\n"
    assert sorted(path.name for path in (tmp_path / "rung").iterdir()) == ["rung.html", "rung.md", "rung.xml"]
