"""The examples, hooks and the container file are what their own tools take, and do what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rung.cli import main
from rung.config import load_config
from rung.options import build_parser
from rung.packs import load_packs
from rung.permissions import policy
from tests.codehosts import TOKEN, github, gitlab, webhook
from tests.components import ROOT, program
from tests.proposals import Proposal, make_proposal
from tests.repositories import ask
from tests.test_results import fall, shop

CRON_JOB = ROOT / "examples" / "kubernetes-cronjob.yaml"
TEMPLATE = ROOT / "examples" / "aws-fargate.yaml"
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


def test_the_manifest_is_one_that_kubernetes_takes_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    check("kubernetes-validate", "--strict", "--quiet", CRON_JOB)
    (tmp_path / "wrong.yaml").write_text(CRON_JOB.read_text().replace("concurrencyPolicy", "concurencyPolicy"))
    with pytest.raises(AssertionError, match="concurencyPolicy"):
        check("kubernetes-validate", "--strict", "--quiet", tmp_path / "wrong.yaml")


def test_the_cron_job_runs_with_as_little_as_it_can() -> None:
    """What the restricted profile of Kubernetes asks of pods, and more; the namespace demands that profile."""
    documents = {document["kind"]: document for document in yaml.safe_load_all(CRON_JOB.read_text())}
    pod = documents["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]

    assert documents["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not pod["automountServiceAccountToken"]
    assert pod["serviceAccountName"] == documents["ServiceAccount"]["metadata"]["name"]
    assert {"requests", "limits"} == set(container["resources"])
    assert "@sha256:" in container["image"]
    user = re.search(r"--uid (\d+)", (ROOT / "Containerfile").read_text())
    assert user is not None
    assert pod["securityContext"]["runAsUser"] == int(user[1])


def test_the_template_is_one_that_cloudformation_takes_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    check("cfn-lint", "--include-checks", "I", "--", TEMPLATE)
    (tmp_path / "wrong.yaml").write_text(TEMPLATE.read_text().replace("NetworkMode", "NetworkMod"))
    with pytest.raises(AssertionError, match="NetworkMod"):
        check("cfn-lint", "--", tmp_path / "wrong.yaml")


def test_the_template_allows_in_the_account_what_rung_says_that_a_scan_needs_and_no_more() -> None:
    # The permissions are plain YAML: short forms of CloudFormation's functions stand elsewhere.
    text = TEMPLATE.read_text().partition("# <permissions>")[2].partition("# </permissions>")[0]

    assert yaml.safe_load(text) == policy("aws", load_packs())
    everything = yaml.load(TEMPLATE.read_text(), Loader=_Tagged)
    wide = [
        policy["PolicyName"]
        for resource in everything["Resources"].values()
        for policy in resource.get("Properties", {}).get("Policies", ())
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Resource"] == "*"
    ]
    assert set(wide) == {"rung"}


class _Tagged(yaml.SafeLoader):
    """Reads a template's short forms as what they are about."""


_Tagged.add_multi_constructor("!", lambda loader, _, node: node.value)


def test_what_the_examples_scan_and_keep_is_what_the_command_line_takes() -> None:
    packs = load_packs()
    documents = {document["kind"]: document for document in yaml.safe_load_all(CRON_JOB.read_text())}
    given = {"system.yaml": (ROOT / "examples" / "system.yaml").read_text(), **documents["ConfigMap"]["data"]}
    for text in given.values():
        config = load_config(text.encode(), "system.yaml", packs)
        assert {rule.kind for rule in config.targets} >= {"path", "aws", "mlflow"}
    pod = documents["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    task = yaml.load(TEMPLATE.read_text(), Loader=_Tagged)["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0]
    for arguments in (pod["containers"][0]["args"], task["Command"]):
        options = build_parser(load_packs().providers).parse_args(arguments)
        assert options.store.endswith("results.db")
        assert options.notify[0].startswith("env:")


def test_the_scheduled_workflow_keeps_its_results_and_tells_of_a_fall(tmp_path: Path) -> None:
    """Its step, with a system that is a repository alone."""
    steps = yaml.safe_load((ROOT / "examples" / "github-scheduled.yml").read_text())["jobs"]["maturity"]["steps"]
    scan = next(step for step in steps if step.get("name") == "Scan")
    tree = shop(tmp_path / "work")
    (tree / "system.yaml").write_text("system: churn\ntargets: [{path: .}]\n")
    (tmp_path / "rung-venv" / "bin").mkdir(parents=True)
    (tmp_path / "rung-venv" / "bin" / "rung").symlink_to(Path(sys.executable).parent / "rung")

    with github() as host, webhook() as inbox:
        for _ in range(2):
            done = bash(
                [scan["run"]],
                tree,
                RUNNER_TEMP=str(tmp_path),
                GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"),
                GITHUB_REPOSITORY="acme/churn",
                GITHUB_API_URL=host.url,
                GITHUB_TOKEN=TOKEN,
                SLACK_WEBHOOK=f"slack+{inbox.url}/services/a-secret",
            )
            assert done.returncode == 0, done.stderr
            fall(tree)
        assert [issue["title"] for issue in host.issues] == ["Rung: churn fell"]
        assert [message["blocks"][0]["text"]["text"] for message in inbox.messages] == ["Rung: churn fell"]
    assert (tmp_path / "summary.md").read_text().count("### Rung: ") == 2
    assert (tmp_path / "rung" / "rung.html").is_file()
    assert "a-secret" not in done.stdout + done.stderr
    assert [step["with"]["path"] for step in steps if "cache" in step.get("uses", "")] == ["results.db"] * 2


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
